//! Marks and early warnings: what the gate says without being asked about an order.

use std::collections::BTreeMap;

use super::RiskError;
use super::activity::Prints;
use super::exposure::{Account, Exposure};
use super::facts::Quote;
use super::gate::{Market, RiskGate};
use super::rules::{RULES, index_of};
use super::spec::{Measure, RuleSpec, Tier};
use super::state::{AccountState, HYSTERESIS, RiskEvent, WARNING_LEVELS, Warning};
use super::verdict::{Outcome, Verdict};
use crate::orders::{OrderRequest, OrderType};
use crate::types::{
    ClientOrderId, Instrument, Money, Quantity, Ratio, SCALE, Side, SourceId, StrategyId, Symbol, UtcNanos,
};

/// The rules that a mark alone can breach, and the state that follows.
const BY_MARK: [(&str, AccountState); 3] = [
    ("max_daily_loss", AccountState::Reducing),
    ("monthly_drawdown", AccountState::Reducing),
    ("max_drawdown", AccountState::Halted),
];

type Key = (usize, Symbol, StrategyId);

/// Levels that were told, by rule and key.
#[derive(Clone, Debug, Default)]
pub(super) struct Levels {
    told: BTreeMap<Key, u8>,
}

impl Levels {
    /// The level to tell now, if use reached one that was not told; falls back only past the hysteresis.
    fn step(&mut self, key: Key, used: Ratio) -> Option<u8> {
        let percent = used.raw() / (SCALE / 100);
        let reached = |slack: u8| {
            let levels = WARNING_LEVELS.into_iter().rev();
            levels.into_iter().find(|level| percent >= i64::from(level - slack)).unwrap_or(0)
        };
        let (level, kept) = (reached(0), reached(HYSTERESIS));
        let told = self.told.get(&key).copied().unwrap_or(0);
        if level > told {
            self.told.insert(key, level);
            return Some(level);
        }
        if kept < told {
            self.told.insert(key, kept);
        }
        None
    }
}

/// How much of a bound is in use.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// The rule.
    pub rule: &'static RuleSpec,
    /// Which instrument (the largest user of an account rule); empty for none.
    pub symbol: Symbol,
    /// Which strategy; empty for none.
    pub strategy: StrategyId,
    /// What was measured.
    pub measure: Measure,
    /// The bound in force.
    pub bound: i64,
    /// Share of the bound in use; zero when it was not measured.
    pub used: Ratio,
}

impl RiskGate {
    /// Equity at an instant of the market; the first mark of a UTC day begins it with the equity of the last. The
    /// events are the change of state, if any, and warnings of the loss rules: write them down.
    pub fn mark(&mut self, ts_event: UtcNanos, equity: Money) -> Vec<RiskEvent> {
        let mut events = Vec::new();
        if self.replayed.is_some_and(|replayed| ts_event <= replayed) {
            return events;
        }
        self.marks.mark(ts_event, equity);
        self.marked = self.marked.max(ts_event);
        for (state, index, rule, measure, bound) in self.losses(equity) {
            let name = rule.name;
            let usage = Usage::new(rule, Symbol::EMPTY, StrategyId::EMPTY, measure, bound);
            if let Some(warning) = self.warn(index, &usage) {
                events.push(RiskEvent::Warning(warning));
            }
            if breached(rule, measure, bound) {
                let lost = rule.unit.say(measure.number().unwrap_or_default());
                let reason = format!("{name}: {lost} of at most {}", rule.unit.say(bound));
                events.extend(self.move_to(state, &reason, "risk", ts_event));
            }
        }
        events
    }

    /// The loss rules at an equity: state that follows, index, rule, measure and bound.
    fn losses(&self, equity: Money) -> Vec<(AccountState, usize, &'static RuleSpec, Measure, i64)> {
        let marks = &self.marks;
        let measures = [marks.daily_loss(equity), marks.monthly_drawdown(equity), marks.drawdown(equity)];
        let rules = BY_MARK.into_iter().zip(measures).filter_map(|((name, state), measure)| {
            let index = index_of(name)?;
            Some((state, index, RULES.get(index)?, measure, *self.limits.table().get(index)?))
        });
        rules.collect()
    }

    /// Which of the day's, the month's and the maximum loss are breached at the last equity.
    pub(super) fn losses_breached(&self) -> [bool; 3] {
        let losses = self.losses(self.marks.last.unwrap_or_default());
        let mut out = [false; 3];
        for (slot, (_, _, rule, measure, bound)) in out.iter_mut().zip(losses) {
            *slot = breached(rule, measure, bound);
        }
        out
    }

    /// Warnings of every rule that warns, as the account stands. Once a level; again after use fell by
    /// [`HYSTERESIS`] percent of the bound below it.
    ///
    /// # Errors
    /// Amounts beyond any account.
    pub fn observe(&mut self, account: &impl Account, now: UtcNanos) -> Result<Vec<RiskEvent>, RiskError> {
        let usages = self.usage(account, now)?;
        Ok(usages
            .iter()
            .filter_map(|usage| {
                let index = index_of(usage.rule.name)?;
                self.warn(index, usage).map(RiskEvent::Warning)
            })
            .collect())
    }

    /// Use of every bound that warns: account rules once (for their largest user), instrument rules for each
    /// position, strategy rules for each strategy. Sorted by the order of the rules, then by name.
    ///
    /// # Errors
    /// Amounts beyond any account.
    pub fn usage(&self, account: &impl Account, now: UtcNanos) -> Result<Vec<Usage>, RiskError> {
        let account = account.exposure(&self.limits.clusters)?;
        let mut found: BTreeMap<Key, Usage> = BTreeMap::new();
        let mut look = |symbol: Symbol, strategy: StrategyId, tier: Option<Tier>| -> Result<(), RiskError> {
            for (index, usage) in self.probe(&account, symbol, strategy, now)? {
                let (symbol, strategy) = match usage.rule.tier {
                    Tier::Account => (Symbol::EMPTY, StrategyId::EMPTY),
                    tier_of if tier.is_some_and(|tier| tier == tier_of) => (symbol, strategy),
                    _ => continue,
                };
                let known = found.entry((index, symbol, strategy)).or_insert(usage);
                if usage.used > known.used {
                    *known = usage;
                }
            }
            Ok(())
        };
        look(Symbol::EMPTY, StrategyId::EMPTY, None)?;
        for row in account.rows().iter().filter(|row| row.leg != super::exposure::Leg::default()) {
            look(row.instrument.symbol, StrategyId::EMPTY, Some(Tier::Instrument))?;
        }
        for strategy in self.strategy_names(&account) {
            look(Symbol::EMPTY, strategy, Some(Tier::Strategy))?;
        }
        Ok(found.into_values().collect())
    }

    fn probe(
        &self,
        account: &Exposure,
        symbol: Symbol,
        strategy: StrategyId,
        now: UtcNanos,
    ) -> Result<Vec<(usize, Usage)>, RiskError> {
        let instrument = Instrument::finest(symbol);
        let price = account.row(&symbol).map_or(instrument.tick_size, |row| row.price);
        let (id, decision) = (ClientOrderId::EMPTY, SourceId::EMPTY);
        // An order for nothing: it adds no exposure, so what is measured is the account as it stands.
        let nothing = OrderRequest {
            strategy,
            ..OrderRequest::new(id, decision, symbol, Side::Buy, Quantity::ZERO, OrderType::Market, price)
        };
        let market = Market::from(Some(Quote { price, ts_event: now }));
        let mut verdict = Verdict::default();
        self.evaluate(&nothing, &instrument, account, market, now, &Prints::of(&nothing), Some(&mut verdict))?;
        let lines =
            verdict.lines().enumerate().filter(|(_, (rule, line))| rule.warns && line.outcome != Outcome::Skipped);
        Ok(lines
            .map(|(index, (rule, line))| (index, Usage::new(rule, symbol, strategy, line.measure, line.bound)))
            .collect())
    }

    fn warn(&mut self, index: usize, usage: &Usage) -> Option<Warning> {
        let symbol = if usage.rule.tier == Tier::Account { Symbol::EMPTY } else { usage.symbol };
        let level = self.levels.step((index, symbol, usage.strategy), usage.used)?;
        Some(Warning {
            rule: usage.rule.name,
            symbol: usage.symbol,
            strategy: usage.strategy,
            level,
            used: usage.used,
            value: usage.measure.number().unwrap_or_default(),
            bound: usage.bound,
        })
    }
}

fn breached(rule: &RuleSpec, measure: Measure, bound: i64) -> bool {
    bound != super::spec::OFF && !rule.passes(measure, bound)
}

impl Usage {
    fn new(rule: &'static RuleSpec, symbol: Symbol, strategy: StrategyId, measure: Measure, bound: i64) -> Self {
        Self { rule, symbol, strategy, measure, bound, used: measure.used(bound).unwrap_or_default() }
    }
}
