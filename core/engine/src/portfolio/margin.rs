//! Margin: how much is used, when it is called, what is liquidated in which order and at which price.
//!
//! Rules, in words:
//! - initial margin = |value at the last price| x the larger of the instrument's rate and 1/leverage, rounded up;
//!   isolated positions use the margin put aside instead;
//! - liquidation when equity (isolated: margin plus open profit of the position) is below the maintenance margin; a call
//!   when it is below `call_level` times that;
//! - order of a liquidation: largest maintenance margin first, then by symbol, the long leg before the short one, and
//!   only as many as are needed to stand above the maintenance margin of the rest;
//! - a long bought today under T+1 cannot be closed and is left out.

use super::position::{PositionSide, Sums, margin_of};
use super::rates::money;
use super::valuation::equity_of;
use super::{AccountKind, Holding, InstrumentIndex, Leg, Portfolio, PortfolioError};
use crate::types::{Currency, Money, Price, Quantity, Ratio, SCALE};

/// Margin figures of an account, in its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarginFigures {
    /// Cash plus what positions add.
    pub equity: Money,
    /// Initial margin of the positions.
    pub used: Money,
    /// What open orders hold back.
    pub locked: Money,
    /// `equity - used - locked`; negative when the account may not open anything.
    pub free: Money,
    /// Maintenance margin of the positions.
    pub maintenance: Money,
    /// `equity / maintenance`: liquidation below 1; none without a maintenance margin.
    pub level: Option<Ratio>,
}

/// One position to close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiquidationStep {
    /// What.
    pub instrument: InstrumentIndex,
    /// Which leg.
    pub leg: PositionSide,
    /// How much of it.
    pub quantity: Quantity,
    /// Maintenance margin that this frees, in the account's currency.
    pub maintenance: Money,
}

/// Where an account stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarginState {
    /// Above the call level.
    Healthy,
    /// Below the call level, above the maintenance margin. Isolated: the position with the least cover.
    Call {
        /// What backs the positions.
        equity: Money,
        /// Maintenance margin.
        maintenance: Money,
        /// The call level in money; `call_at - equity` brings the account back above it.
        call_at: Money,
    },
    /// Below the maintenance margin: close these, in this order. Empty when there is nothing (left) that can be closed.
    Liquidate(Vec<LiquidationStep>),
}

impl Portfolio {
    /// Margin figures at the last prices, in the account's currency. O(currencies).
    ///
    /// # Errors
    /// A missing or old conversion rate, or overflow.
    pub fn margin_figures(&self) -> Result<MarginFigures, PortfolioError> {
        let sums = self.sums_in(self.terms.currency, self.now, |balance| {
            [equity_of(balance), balance.sums.initial, i128::from(balance.locked.raw()), balance.sums.maintenance]
        });
        let [equity, used, locked, maintenance] = sums?;
        let (equity, used, locked, maintenance) = (money(equity)?, money(used)?, money(locked)?, money(maintenance)?);
        let free = equity.minus(used)?.minus(locked)?;
        let level = if maintenance == Money::ZERO { None } else { Some(equity.ratio_to(maintenance)?) };
        Ok(MarginFigures { equity, used, locked, free, maintenance, level })
    }

    pub(super) fn free_margin_in(&self, currency: Currency) -> Result<Money, PortfolioError> {
        // One currency, as most accounts have: nothing to convert.
        if let [own] = self.balances.as_slice()
            && own.currency == currency
            && own.currency == self.terms.currency
        {
            return Ok(money(equity_of(own))?.minus(money(own.sums.initial)?)?.minus(own.locked)?);
        }
        // What [`Portfolio::margin_figures`] says is free, without what this does not ask for.
        let sums = self.sums_in(self.terms.currency, self.now, |balance| {
            [equity_of(balance), balance.sums.initial, i128::from(balance.locked.raw())]
        });
        let [equity, used, locked] = sums?;
        let free = money(equity)?.minus(money(used)?)?.minus(money(locked)?)?;
        self.rates.convert(free, self.terms.currency, currency, self.now, self.terms.max_rate_age)
    }

    /// Whether the account stands, is called, or what has to be closed. O(currencies) while it stands (cross).
    ///
    /// # Errors
    /// A missing or old conversion rate, or overflow.
    pub fn margin_state(&self) -> Result<MarginState, PortfolioError> {
        if self.terms.kind == AccountKind::Spot {
            return Ok(MarginState::Healthy);
        }
        if self.terms.kind.is_isolated() {
            return self.isolated_state();
        }
        let MarginFigures { equity, maintenance, .. } = self.margin_figures()?;
        if equity < maintenance {
            return Ok(MarginState::Liquidate(self.liquidation_order(equity, maintenance)?));
        }
        let call_at = self.call_at(i128::from(maintenance.raw()))?;
        let called = equity < call_at;
        Ok(if called { MarginState::Call { equity, maintenance, call_at } } else { MarginState::Healthy })
    }

    fn call_at(&self, maintenance: i128) -> Result<Money, PortfolioError> {
        money(margin_of(maintenance, self.terms.call_level))
    }

    fn isolated_state(&self) -> Result<MarginState, PortfolioError> {
        let (mut steps, mut worst): (_, Option<(Money, Money, Money)>) = (Vec::new(), None);
        for (index, leg, holding, state) in self.open_legs() {
            let cover = money(i128::from(state.position.margin.raw()) + state.sums.unrealised)?;
            let maintenance = money(state.sums.maintenance)?;
            if cover < maintenance {
                steps.push(self.step(index, leg, holding, state)?);
                continue;
            }
            let call_at = self.call_at(state.sums.maintenance)?;
            let missing = call_at.minus(cover)?;
            if missing > worst.map_or(Money::ZERO, |(cover, _, call_at)| call_at.minus(cover).unwrap_or_default()) {
                worst = Some((cover, maintenance, call_at));
            }
        }
        steps.retain(|step| step.quantity > Quantity::ZERO);
        if !steps.is_empty() {
            steps.sort_by_key(|step| std::cmp::Reverse(step.maintenance));
            return Ok(MarginState::Liquidate(steps));
        }
        if self.owes_without_positions() {
            return Ok(MarginState::Liquidate(steps));
        }
        Ok(worst.map_or(MarginState::Healthy, |(equity, maintenance, call_at)| MarginState::Call {
            equity,
            maintenance,
            call_at,
        }))
    }

    /// Isolated: what closes by the holder's own orders lost beyond the wallet.
    pub(super) fn owes_without_positions(&self) -> bool {
        self.open_legs().next().is_none() && self.balances.iter().any(|balance| balance.total < Money::ZERO)
    }

    fn liquidation_order(
        &self,
        mut equity: Money,
        mut maintenance: Money,
    ) -> Result<Vec<LiquidationStep>, PortfolioError> {
        let mut steps = Vec::new();
        for (index, leg, holding, state) in self.open_legs() {
            let step = self.step(index, leg, holding, state)?;
            if step.quantity > Quantity::ZERO {
                let fee = margin_of(state.sums.gross, self.terms.liquidation_fee);
                steps.push((step, self.in_own(fee, holding)?));
            }
        }
        // Legs come by symbol, the long one first; the sort is stable and keeps that among equals.
        steps.sort_by_key(|(step, _)| std::cmp::Reverse(step.maintenance));
        let mut needed = Vec::new();
        for (step, fee) in steps {
            if equity >= maintenance {
                break;
            }
            equity = equity.minus(fee)?;
            maintenance = maintenance.minus(step.maintenance)?;
            needed.push(step);
        }
        Ok(needed)
    }

    fn step(
        &self,
        instrument: InstrumentIndex,
        leg: PositionSide,
        holding: &Holding,
        state: &Leg,
    ) -> Result<LiquidationStep, PortfolioError> {
        let held = state.position.quantity;
        let kept = if held.raw() > 0 { state.position.unsettled.raw() } else { 0 };
        let quantity = Quantity::from_raw(held.magnitude().raw().saturating_sub(kept).max(0));
        let maintenance = self.in_own(state.sums.maintenance, holding)?.share(quantity, held.magnitude());
        Ok(LiquidationStep { instrument, leg, quantity, maintenance })
    }

    fn in_own(&self, amount: i128, holding: &Holding) -> Result<Money, PortfolioError> {
        let own = self.terms.currency;
        let from = holding.instrument.currency;
        money(self.rates.convert_exact(amount, from, own, self.now, self.terms.max_rate_age)?)
    }

    /// Open legs by symbol, the long one first.
    pub(super) fn open_legs(&self) -> impl Iterator<Item = (InstrumentIndex, PositionSide, &Holding, &Leg)> {
        self.legs().filter(|(_, _, position)| position.quantity.raw() != 0).filter_map(|(index, leg, _)| {
            let holding = self.holdings.get(index.slot())?;
            Some((index, leg, holding, holding.leg(leg)))
        })
    }

    /// Price at which a position would be at its maintenance margin, everything else unchanged: the last price at which
    /// it is not liquidated, to 1e-8. None while flat, and when no positive price would do it.
    ///
    /// # Errors
    /// A missing or old conversion rate, or overflow.
    pub fn liquidation_price(
        &self,
        instrument: InstrumentIndex,
        leg: PositionSide,
    ) -> Result<Option<Price>, PortfolioError> {
        self.check_leg(leg)?;
        let holding = self.holding(instrument)?;
        let state = holding.leg(leg);
        if state.position.quantity.raw() == 0 || self.terms.kind == AccountKind::Spot {
            return Ok(None);
        }
        let own = i128::from(state.position.units.raw());
        let (slack, net, gross) = if self.terms.kind.is_isolated() {
            let Sums { unrealised, maintenance, .. } = state.sums;
            (i128::from(state.position.margin.raw()) + unrealised - maintenance, own, own.abs())
        } else {
            // Both legs of an instrument move with its price.
            let legs = [&holding.long, &holding.short].map(|leg| i128::from(leg.position.units.raw()));
            let MarginFigures { equity, maintenance, .. } = self.margin_figures()?;
            let (from, to) = (self.terms.currency, holding.instrument.currency);
            let slack = i128::from(equity.raw()) - i128::from(maintenance.raw());
            let slack = self.rates.convert_exact(slack, from, to, self.now, self.terms.max_rate_age)?;
            (slack, legs.iter().sum(), legs.iter().map(|units| units.abs()).sum())
        };
        // slack + slope x (price - last) = 0, with slope = net - rate x gross.
        let scale = i128::from(SCALE);
        let slope = net * scale - gross * i128::from(holding.terms.maintenance.raw());
        if slope == 0 {
            return Ok(None);
        }
        let overflow = || crate::types::AmountError::Overflow { what: "liquidation price" };
        let scaled = slack.checked_mul(scale * scale).ok_or_else(overflow)?;
        let distance = scaled.div_euclid(slope.abs());
        let last = i128::from(state.position.last_price.raw());
        let price = if slope > 0 { last - distance } else { last + distance };
        Ok(i64::try_from(price).ok().filter(|raw| *raw > 0).map(Price::from_raw))
    }
}
