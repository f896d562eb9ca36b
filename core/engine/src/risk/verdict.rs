//! What the gate said: numbers in a fixed array, words only when somebody reads them.

use std::fmt;

use super::rules::{COUNT, RULES};
use super::scaling::Scale;
use super::spec::{Holds, Measure, OFF, RuleSpec};
use crate::types::{Money, Ratio, SCALE};

/// How one rule came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did not rule: switched off, or not for orders that only reduce.
    Skipped,
    /// Measured, and within the bound.
    Holds,
    /// Not within the bound, or a fact that must be there is missing.
    Breach,
    /// A fact is missing, and the rule passes without it.
    NotMeasured,
}

/// One rule as it stood for one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// What was measured.
    pub measure: Measure,
    /// The bound in force, after the dynamic scale.
    pub bound: i64,
    /// How it came out.
    pub outcome: Outcome,
}

impl Line {
    pub(crate) const SKIPPED: Self = Self { measure: Measure::MISSING, bound: OFF, outcome: Outcome::Skipped };
}

/// A rule with how it came out, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Wire name of the rule.
    pub rule: &'static str,
    /// What was measured.
    pub value: String,
    /// What is allowed.
    pub bound: String,
    /// Whether it holds.
    pub holds: bool,
    /// Whether it was measured at all.
    pub measured: bool,
}

/// The refusal: the first rule that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which rule.
    pub rule: &'static RuleSpec,
    /// What was measured and against what.
    pub line: Line,
    /// What is wrong with the request itself; empty for other rules.
    pub problem: String,
}

impl PartialEq for RuleSpec {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for RuleSpec {}

impl Refused {
    /// What was measured, in words.
    #[must_use]
    pub fn value(&self) -> String {
        if self.problem.is_empty() { value_of(self.rule, &self.line) } else { self.problem.clone() }
    }

    /// What is allowed, in words.
    #[must_use]
    pub fn bound(&self) -> String {
        bound_of(self.rule, &self.line)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rule, meaning) = (self.rule.name, self.rule.meaning);
        write!(formatter, "{rule}: {} (allowed: {}): {meaning}", self.value(), self.bound())
    }
}

/// All rules as they stood for one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    lines: [Line; COUNT],
    first_breach: Option<u16>,
    /// The dynamic scale that was applied to the bounds of scaled rules.
    pub scale: Scale,
    notional: Money,
    problem: Option<Box<str>>,
}

impl Default for Verdict {
    fn default() -> Self {
        let lines = [Line::SKIPPED; COUNT];
        Self { lines, first_breach: None, scale: Scale::default(), notional: Money::ZERO, problem: None }
    }
}

impl Verdict {
    /// Ready for another order; every line is put anew.
    pub(crate) fn begin(&mut self, problem: Option<String>, scale: Scale, notional: Money) {
        self.problem = problem.map(String::into_boxed_str);
        (self.first_breach, self.scale, self.notional) = (None, scale, notional);
    }

    /// Put every line; `fill` returns the first that is breached.
    #[inline]
    pub(crate) fn rule(&mut self, fill: impl FnOnce(&mut [Line; COUNT]) -> Option<usize>) {
        self.first_breach = fill(&mut self.lines).and_then(|index| u16::try_from(index).ok());
    }

    /// Value of the order; zero when it only reduces.
    #[must_use]
    pub const fn notional(&self) -> Money {
        self.notional
    }

    /// Whether every rule holds.
    #[must_use]
    pub const fn approved(&self) -> bool {
        self.first_breach.is_none()
    }

    /// The first breach, if any.
    #[must_use]
    pub fn refusal(&self) -> Option<Refused> {
        let index = usize::from(self.first_breach?);
        let (rule, line) = (RULES.get(index)?, *self.lines.get(index)?);
        let problem =
            if rule.name == "increment" { self.problem.as_deref().unwrap_or("").to_owned() } else { String::new() };
        Some(Refused { rule, line, problem })
    }

    /// Every rule with its line, in the order of evaluation, the skipped ones too.
    pub fn lines(&self) -> impl Iterator<Item = (&'static RuleSpec, &Line)> {
        RULES.iter().zip(&self.lines)
    }

    /// How a rule came out.
    #[must_use]
    pub fn line(&self, rule: &str) -> Option<&Line> {
        self.lines().find(|(spec, _)| spec.name == rule).map(|(_, line)| line)
    }

    /// Every rule that ruled, in words, and the dynamic scale when it is below 1.
    #[must_use]
    pub fn checks(&self) -> Vec<Check> {
        let ruled = self.lines().filter(|(_, line)| line.outcome != Outcome::Skipped);
        let mut checks: Vec<Check> = ruled
            .map(|(rule, line)| {
                let problem = self.problem.as_deref().filter(|_| rule.name == "increment");
                Check {
                    rule: rule.name,
                    value: problem.map_or_else(|| value_of(rule, line), str::to_owned),
                    bound: bound_of(rule, line),
                    holds: line.outcome != Outcome::Breach,
                    measured: !line.measure.is_missing(),
                }
            })
            .collect();
        if self.scale.total < Ratio::from_raw(SCALE) {
            checks.push(scale_in_words(&self.scale));
        }
        checks
    }
}

fn scale_in_words(scale: &Scale) -> Check {
    let Scale { volatility, correlation, concentration, liquidity, total } = scale;
    let value = format!(
        "bounds are scaled to {} (volatility {}, correlation {}, concentration {}, liquidity {})",
        total.percent(),
        volatility.percent(),
        correlation.percent(),
        concentration.percent(),
        liquidity.percent()
    );
    Check {
        rule: "dynamic_scale",
        value,
        bound: "shown; it refuses nothing itself".to_owned(),
        holds: true,
        measured: true,
    }
}

fn value_of(rule: &RuleSpec, line: &Line) -> String {
    line.measure.number().map_or_else(|| format!("not measured: needs {}", rule.needs), |number| rule.unit.say(number))
}

fn bound_of(rule: &RuleSpec, line: &Line) -> String {
    let said = rule.unit.say(line.bound);
    match rule.holds {
        _ if matches!(rule.unit, super::spec::Unit::State(_)) => said,
        Holds::AtMost => format!("at most {said}"),
        Holds::Below => format!("below {said}"),
        Holds::AtLeast => format!("at least {said}"),
    }
}
