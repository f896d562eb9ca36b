//! Automatic reduction: which orders bring the account back within its bounds, and in which order they go.
//!
//! Working orders are expected to be cancelled first; only positions are counted. How much, and in which order,
//! stated and deterministic:
//! 1. a position beyond its own instrument bound gives its excess; these orders go first, the largest excess first;
//! 2. while the account is still beyond its exposure or leverage, positions give all they have: those that trade
//!    easily (at most a tenth of an average day, when that is known) before those that do not, then the largest value
//!    times volatility, then by symbol; these orders go in that order.
//!
//! Every order is reduce-only, of whole lots, at most the position: it never flips.

use std::cmp::Reverse;

use super::RiskError;
use super::exposure::{Exposure, Row};
use super::gate::RiskGate;
use crate::orders::{OrderRequest, OrderType, Origin};
use crate::types::{ClientOrderId, Money, Price, Quantity, Ratio, SCALE, Side, SourceId, StrategyId};

/// How far to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Back within the bounds.
    Bounds,
    /// No position at all.
    Flat,
}

/// One step of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reduction {
    /// The order; it still passes the gate like any other.
    pub request: OrderRequest,
    /// The rule that asks for it; `flat` when everything goes.
    pub rule: &'static str,
    /// Value to be taken off.
    pub excess: Money,
}

struct Candidate<'a> {
    row: &'a Row,
    value: i64,
    own_excess: i64,
    cut: i64,
    illiquid: bool,
    risk: i128,
}

impl RiskGate {
    /// The orders that bring the account back, first one first. `source` names the breach, and becomes the parent and
    /// the stem of the ids: `<source>-R1`, `-R2` ...
    ///
    /// # Errors
    /// Overflow, or a source so long that ids would not fit.
    pub fn reduction_plan(
        &self,
        account: &Exposure,
        goal: Goal,
        decision: SourceId,
        source: ClientOrderId,
    ) -> Result<Vec<Reduction>, RiskError> {
        let equity = account.totals().equity.max(Money::ZERO);
        let mut found: Vec<Candidate<'_>> = Vec::new();
        for row in account.rows().iter().filter(|row| row.leg.quantity.raw() != 0) {
            found.push(self.candidate(row, equity, goal)?);
        }
        found.sort_by_key(|one| (one.illiquid, Reverse(one.risk), one.row.instrument.symbol));
        let bound = |rule| Ratio::from_raw(self.limits.bound(rule).unwrap_or_default());
        let (exposure, leverage) = (bound("max_exposure"), bound("max_leverage"));
        let rule = if exposure <= leverage { "max_exposure" } else { "max_leverage" };
        let target = if goal == Goal::Flat { 0 } else { allowed(equity, exposure.min(leverage))? };
        let mut gross = found.iter().map(|one| i128::from(one.value - one.own_excess)).sum::<i128>();
        for one in &mut found {
            let left = one.value - one.own_excess;
            let over = (gross - i128::from(target)).clamp(0, i128::from(left));
            gross -= over;
            one.cut = one.own_excess + i64::try_from(over).unwrap_or(left);
        }
        // Stable: what is equal keeps the order of above.
        found.sort_by_key(|one| Reverse(one.own_excess));
        let mut plan = Vec::new();
        for one in found {
            let held = one.row.leg.quantity.magnitude();
            let quantity = if goal == Goal::Flat { held } else { lots(one.row, one.cut) };
            if quantity > Quantity::ZERO {
                let rule = match goal {
                    Goal::Flat => "flat",
                    Goal::Bounds if one.own_excess > 0 => "max_instrument_fraction",
                    Goal::Bounds => rule,
                };
                let id = source.child(format_args!("R{}", plan.len() + 1))?;
                let request = order(one.row, quantity, id, decision, source);
                plan.push(Reduction { request, rule, excess: Money::from_raw(one.cut) });
            }
        }
        Ok(plan)
    }

    fn candidate<'a>(&self, row: &'a Row, equity: Money, goal: Goal) -> Result<Candidate<'a>, RiskError> {
        let symbol = &row.instrument.symbol;
        let value = row.leg.value.magnitude().raw();
        let share = self.limits.bound_for(&StrategyId::EMPTY, symbol, "max_instrument_fraction");
        let own = if goal == Goal::Flat { i64::MAX } else { allowed(equity, Ratio::from_raw(share))? };
        let known = self.instrument(symbol);
        let volume = known.and_then(|known| known.daily_volume).map_or(0, Quantity::raw);
        let held = i128::from(row.leg.quantity.magnitude().raw());
        let volatility = known.and_then(|known| known.volatility).map_or(SCALE, Ratio::raw);
        Ok(Candidate {
            row,
            value,
            own_excess: (value - own).max(0),
            cut: 0,
            illiquid: held * 10 > i128::from(volume),
            risk: i128::from(value) * i128::from(volatility),
        })
    }
}

/// What a bound allows; everything when the rule is off.
fn allowed(equity: Money, bound: Ratio) -> Result<i64, RiskError> {
    if bound.raw() == super::spec::OFF { Ok(i64::MAX) } else { Ok(equity.times(bound)?.raw()) }
}

/// The fewest whole lots worth at least `cut`, at most the position.
fn lots(row: &Row, cut: i64) -> Quantity {
    if cut <= 0 || row.price <= Price::ZERO {
        return Quantity::ZERO;
    }
    let lot = i128::from(row.instrument.lot_size.raw().max(1));
    // What one whole quantity is worth, in 1e-16: cut over it, rounded up, is the quantity that goes.
    let scale = i128::from(SCALE);
    let worth = i128::from(row.price.raw()) * i128::from(row.instrument.multiplier.raw());
    let units = (i128::from(cut) * scale * scale + worth - 1) / worth;
    let wanted = (units + lot - 1) / lot * lot;
    let held = i128::from(row.leg.quantity.magnitude().raw());
    Quantity::from_raw(i64::try_from(wanted.min(held)).unwrap_or(i64::MAX))
}

fn order(row: &Row, quantity: Quantity, id: ClientOrderId, decision: SourceId, parent: ClientOrderId) -> OrderRequest {
    let side = if row.leg.quantity.raw() > 0 { Side::Sell } else { Side::Buy };
    let symbol = row.instrument.symbol;
    OrderRequest {
        origin: Origin::Risk,
        reduce_only: true,
        parent,
        ..OrderRequest::new(id, decision, symbol, side, quantity, OrderType::Market, row.price)
    }
}
