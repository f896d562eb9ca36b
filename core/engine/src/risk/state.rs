//! The state of the account: ACTIVE -> REDUCING -> HALTED, latched until a person re-arms it.
//!
//! A mark that breaches the daily loss or the monthly drawdown moves the account to REDUCING, without any order; the
//! maximum drawdown and the kill switch to HALTED. In both, orders that only shrink a position pass and nothing
//! else does; HALTED also asks the owner of the gate to cancel what works. Nothing moves it back but [`RiskState`]'s
//! re-arming by name.

use std::fmt;

use super::RiskError;
use super::gate::RiskGate;
use super::marks::Marks;
use crate::types::{Ratio, StrategyId, Symbol, UtcNanos};

/// What the account may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccountState {
    /// Everything within the bounds.
    #[default]
    Active,
    /// Orders that only shrink positions.
    Reducing,
    /// As reducing, and working orders are taken back.
    Halted,
}

impl AccountState {
    /// Wire value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Reducing => "reducing",
            Self::Halted => "halted",
        }
    }

    /// From its wire value.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Reducing, Self::Halted].into_iter().find(|state| state.as_str() == text)
    }
}

/// The state with who, why and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RiskState {
    /// The state.
    pub state: AccountState,
    /// Why; empty while active and never changed.
    pub reason: String,
    /// Who: `risk` for a breach, otherwise a person.
    pub by: String,
    /// Since when.
    pub since: UtcNanos,
}

/// Everything that must outlive the process: written with every change of state, read at the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RiskSnapshot {
    /// The state.
    pub state: RiskState,
    /// The equity measures, as they stood then.
    pub marks: Marks,
    /// Time of the last mark that is in `marks`; later ones are to be marked again.
    pub marked: UtcNanos,
}

/// What the gate tells its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RiskEvent {
    /// The account changed its state: write it down before anything else.
    State(RiskSnapshot),
    /// A measure reached 70, 85 or 95 % of its bound (or 100).
    Warning(Warning),
}

/// Levels of early warning, in percent of a bound.
pub const WARNING_LEVELS: [u8; 4] = [70, 85, 95, 100];
/// A level is told again once use fell this far below it, in percent of the bound.
pub const HYSTERESIS: u8 = 5;

/// Use of a bound that reached a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The rule.
    pub rule: &'static str,
    /// Which instrument; empty for the account.
    pub symbol: Symbol,
    /// Which strategy; empty for none.
    pub strategy: StrategyId,
    /// 70, 85, 95 or 100 percent.
    pub level: u8,
    /// Share of the bound in use.
    pub used: Ratio,
    /// Measured, in the rule's unit.
    pub value: i64,
    /// Bound, in the rule's unit.
    pub bound: i64,
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = if self.symbol.is_empty() { self.strategy.as_str() } else { self.symbol.as_str() };
        let of = if key.is_empty() { String::new() } else { format!(" of {key}") };
        write!(formatter, "{}{of}: {} of the bound is used", self.rule, self.used.percent())
    }
}

impl RiskGate {
    /// What must outlive the process.
    #[must_use]
    pub fn snapshot(&self) -> RiskSnapshot {
        RiskSnapshot { state: self.state.clone(), marks: self.marks, marked: self.marked }
    }

    /// After a restart: the state as the log has it. Marks up to `snapshot.marked` are in it and are ignored when the
    /// log's equity is marked again; later ones count.
    pub fn restore(&mut self, snapshot: RiskSnapshot) {
        (self.state, self.marks, self.marked) = (snapshot.state, snapshot.marks, snapshot.marked);
        self.replayed = Some(snapshot.marked);
    }

    /// Halt at an instant: nothing that opens risk passes until a person re-arms.
    pub fn halt(&mut self, reason: &str, by: &str, now: UtcNanos) -> Option<RiskEvent> {
        self.move_to(AccountState::Halted, reason, by, now)
    }

    /// As [`RiskGate::halt`] by an operator, at the time of the last mark.
    pub fn kill(&mut self, reason: impl Into<String>) {
        self.halt(&reason.into(), "operator", self.marked);
    }

    /// A person takes the state back to active. A loss beyond its bound is measured anew from the last equity.
    ///
    /// # Errors
    /// Nobody's name.
    pub fn rearm_by(&mut self, person: &str, now: UtcNanos) -> Result<RiskEvent, RiskError> {
        if person.trim().is_empty() {
            return Err(RiskError::Nobody);
        }
        self.marks.restart(self.losses_breached());
        let reason = "re-armed".to_owned();
        self.state = RiskState { state: AccountState::Active, reason, by: person.to_owned(), since: now };
        Ok(RiskEvent::State(self.snapshot()))
    }

    /// As [`RiskGate::rearm_by`] by an operator, at the time of the last mark.
    pub fn rearm(&mut self) {
        // An operator's name is not empty, so there is no error to lose.
        let _event = self.rearm_by("operator", self.marked);
    }

    /// Why trading is halted, while it is.
    #[must_use]
    pub fn killed(&self) -> Option<&str> {
        (self.state.state == AccountState::Halted).then_some(self.state.reason.as_str())
    }

    /// Move to a stricter state; a milder one changes nothing. The event must be written down.
    pub fn move_to(&mut self, state: AccountState, reason: &str, by: &str, now: UtcNanos) -> Option<RiskEvent> {
        if state <= self.state.state {
            return None;
        }
        self.state = RiskState { state, reason: reason.to_owned(), by: by.to_owned(), since: now };
        Some(RiskEvent::State(self.snapshot()))
    }
}
