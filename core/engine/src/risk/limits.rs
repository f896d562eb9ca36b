//! The table of bounds: one number a rule, and overrides by strategy and by instrument.
//!
//! A rule of the strategy tier asks the strategy's own bound first, a rule of the instrument or order tier the
//! instrument's; without one the table's bound holds. Rules of the account tier have one bound.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::RiskError;
use super::clusters::Clusters;
use super::rules::{COUNT, RULES, index_of};
use super::scaling::Scaling;
use super::spec::{OFF, Tier};
use crate::types::quick::QuickBuild;
use crate::types::{StrategyId, Symbol};

type Own = [Option<i64>; COUNT];

/// Bounds of all rules, in the units of the rules.
#[derive(Clone, Debug)]
pub struct Limits {
    bounds: [i64; COUNT],
    strategies: HashMap<StrategyId, Box<Own>, QuickBuild>,
    instruments: HashMap<Symbol, Box<Own>, QuickBuild>,
    short: BTreeSet<Symbol>,
    /// Whether a sale may exceed the holding, on every instrument.
    pub allow_short: bool,
    /// How long the same intent is a duplicate, in nanoseconds.
    pub duplicate_window: i64,
    /// Targets of the dynamic scale; unset ones do not scale.
    pub scaling: Scaling,
    /// Which instruments move together.
    pub clusters: Arc<Clusters>,
}

impl Default for Limits {
    /// The bounds in the rules' files.
    fn default() -> Self {
        let mut bounds = [OFF; COUNT];
        for (bound, rule) in bounds.iter_mut().zip(&RULES) {
            *bound = rule.default;
        }
        Self {
            bounds,
            strategies: HashMap::default(),
            instruments: HashMap::default(),
            short: BTreeSet::new(),
            allow_short: false,
            duplicate_window: 1_000_000_000,
            scaling: Scaling::default(),
            clusters: Arc::default(),
        }
    }
}

impl Limits {
    /// Every numeric bound off: what is left are the switches, identities and the order's own validity.
    #[must_use]
    pub fn open() -> Self {
        let mut limits = Self { allow_short: true, duplicate_window: 0, ..Self::default() };
        for (bound, rule) in limits.bounds.iter_mut().zip(&RULES) {
            let state = matches!(rule.unit, super::spec::Unit::State(_)) || rule.name == "unknown_orders";
            *bound = if state { rule.default } else { OFF };
        }
        limits
    }

    /// Set a bound, in the rule's unit; [`OFF`] switches the rule off.
    ///
    /// # Errors
    /// No such rule, or a negative bound of an at-most rule.
    pub fn set(&mut self, rule: &str, bound: i64) -> Result<(), RiskError> {
        let (index, bound) = (found(rule)?, checked(rule, bound)?);
        if let Some(slot) = self.bounds.get_mut(index) {
            *slot = bound;
        }
        Ok(())
    }

    /// As [`Limits::set`], by value: for building a table in one expression.
    ///
    /// # Errors
    /// As `set`.
    pub fn with(mut self, rule: &str, bound: i64) -> Result<Self, RiskError> {
        self.set(rule, bound)?;
        Ok(self)
    }

    /// Give a strategy its own bound of a strategy rule.
    ///
    /// # Errors
    /// No such rule, a rule of another tier, or a negative bound.
    pub fn set_strategy(&mut self, strategy: StrategyId, rule: &str, bound: i64) -> Result<(), RiskError> {
        let (index, bound) = (found(rule)?, checked(rule, bound)?);
        of_tier(index, &[Tier::Strategy], &strategy)?;
        put(self.strategies.entry(strategy).or_insert_with(|| Box::new([None; COUNT])), index, bound);
        Ok(())
    }

    /// Give an instrument its own bound of an instrument or order rule.
    ///
    /// # Errors
    /// No such rule, a rule of another tier, or a negative bound.
    pub fn set_instrument(&mut self, symbol: Symbol, rule: &str, bound: i64) -> Result<(), RiskError> {
        let (index, bound) = (found(rule)?, checked(rule, bound)?);
        of_tier(index, &[Tier::Instrument, Tier::Order], &symbol)?;
        put(self.instruments.entry(symbol).or_insert_with(|| Box::new([None; COUNT])), index, bound);
        Ok(())
    }

    /// Allow short positions on one instrument.
    pub fn allow_short_of(&mut self, symbol: Symbol) {
        self.short.insert(symbol);
    }

    /// The table's bound of a rule, without overrides.
    #[must_use]
    pub fn bound(&self, rule: &str) -> Option<i64> {
        index_of(rule).and_then(|index| self.bounds.get(index)).copied()
    }

    /// The bound of a rule that holds for a strategy and an instrument; [`OFF`] for no such rule.
    #[must_use]
    pub fn bound_for(&self, strategy: &str, symbol: &str, rule: &str) -> i64 {
        let own =
            self.merged(self.strategies.get(strategy).map(Box::as_ref), self.instruments.get(symbol).map(Box::as_ref));
        let bounds = own.as_ref().unwrap_or(&self.bounds);
        index_of(rule).and_then(|index| bounds.get(index)).copied().unwrap_or(OFF)
    }

    /// Whether short positions are allowed on an instrument.
    #[must_use]
    pub fn shorts(&self, symbol: &Symbol) -> bool {
        self.allow_short || (!self.short.is_empty() && self.short.contains(symbol))
    }

    pub(crate) const fn table(&self) -> &[i64; COUNT] {
        &self.bounds
    }

    /// The bounds that hold for an order of a strategy on an instrument.
    #[inline]
    pub(crate) fn overrides(&self, strategy: &StrategyId, symbol: &Symbol) -> Option<[i64; COUNT]> {
        if self.strategies.is_empty() && self.instruments.is_empty() {
            return None;
        }
        self.merged(self.strategies.get(strategy).map(Box::as_ref), self.instruments.get(symbol).map(Box::as_ref))
    }

    fn merged(&self, mine: Option<&Own>, its: Option<&Own>) -> Option<[i64; COUNT]> {
        if mine.is_none() && its.is_none() {
            return None;
        }
        let mut bounds = self.bounds;
        for own in [mine, its].into_iter().flatten() {
            for (bound, own) in bounds.iter_mut().zip(own.iter()) {
                *bound = own.unwrap_or(*bound);
            }
        }
        Some(bounds)
    }
}

fn put(own: &mut Own, index: usize, bound: i64) {
    if let Some(slot) = own.get_mut(index) {
        *slot = Some(bound);
    }
}

fn of_tier(index: usize, tiers: &[Tier], key: &str) -> Result<(), RiskError> {
    let Some(rule) = RULES.get(index) else { return Ok(()) };
    if tiers.contains(&rule.tier) {
        return Ok(());
    }
    Err(RiskError::Override { rule: rule.name, tier: rule.tier.as_str(), key: key.to_owned() })
}

fn checked(name: &str, bound: i64) -> Result<i64, RiskError> {
    let floor = RULES.iter().any(|rule| rule.name == name && matches!(rule.holds, super::spec::Holds::AtLeast));
    if bound >= 0 || floor {
        return Ok(bound);
    }
    let (rule, value) = (name.to_owned(), bound.to_string());
    Err(RiskError::Bound { rule, value, allowed: "0 or more" })
}

fn found(name: &str) -> Result<usize, RiskError> {
    let common = |rule: &str| rule.bytes().zip(name.bytes()).take_while(|(one, other)| one == other).count();
    index_of(name).ok_or_else(|| RiskError::UnknownRule {
        name: name.to_owned(),
        near: RULES.iter().map(|rule| rule.name).max_by_key(|rule| common(rule)).unwrap_or(""),
    })
}
