//! What a rule is: data about it and one function that measures.
//!
//! A rule measures an integer; the gate compares it with the bound in force. Shares are kept as a fraction and
//! compared by cross multiplication in 128 bits, so no rounding decides and no division is on the hot path.

use super::facts::Facts;
use crate::types::{Money, Price, Quantity, Ratio, SCALE};

/// The bound of a rule that is off.
pub const OFF: i64 = i64::MAX;

/// Whose bound it is, and so where an override comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// The account as a whole; no overrides.
    Account,
    /// One strategy; a strategy may have its own bound.
    Strategy,
    /// One instrument; an instrument may have its own bound.
    Instrument,
    /// One order; an instrument may have its own bound.
    Order,
}

impl Tier {
    /// Wire value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Strategy => "strategy",
            Self::Instrument => "instrument",
            Self::Order => "order",
        }
    }
}

/// What the integers of a rule count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Units of 1e-8: a share or a multiple. Said as a percentage.
    Ratio,
    /// Units of 1e-8: a multiple such as leverage. Said as `2.5 x`.
    Multiple,
    /// Units of 1e-8 of the account's currency.
    Money,
    /// Nanoseconds.
    Nanos,
    /// Things.
    Count,
    /// An index into these words; the bound is the last word that is allowed.
    State(&'static [&'static str]),
}

/// When a measure holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// `value <= bound`.
    AtMost,
    /// `value < bound`.
    Below,
    /// `value >= bound`.
    AtLeast,
}

/// What becomes of an order when a fact is missing. It is shown as "not measured" in either case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The order is refused.
    Refuses,
    /// The order passes this rule.
    Passes,
}

/// One rule: one file in `rules/` with `pub const RULE: RuleSpec`.
#[derive(Clone, Copy, Debug)]
pub struct RuleSpec {
    /// Wire name; equals the file's name.
    pub name: &'static str,
    /// Place in the order of evaluation: the first breach is the refusal. Ties go by name.
    pub rank: u16,
    /// Whose bound it is.
    pub tier: Tier,
    /// What is counted.
    pub unit: Unit,
    /// When it holds.
    pub holds: Holds,
    /// Bound unless the settings say otherwise; [`OFF`] for none.
    pub default: i64,
    /// What is measured and why, in words.
    pub meaning: &'static str,
    /// Which fact it may lack, in words.
    pub needs: &'static str,
    /// Outcome when it lacks it.
    pub missing: Missing,
    /// Whether it also rules on orders that only shrink a position.
    pub reducing: bool,
    /// Whether the bound shrinks by the dynamic scale.
    pub scaled: bool,
    /// Whether use of 70, 85 and 95 % of the bound is told as a warning.
    pub warns: bool,
    /// Measure.
    pub evaluate: fn(&Facts<'_>) -> Measure,
}

impl RuleSpec {
    /// A rule of a tier with the usual options: at most, opening orders only, a missing fact refuses, no warnings.
    #[must_use]
    pub const fn new(name: &'static str, rank: u16, tier: Tier, unit: Unit, default: i64) -> Self {
        Self {
            name,
            rank,
            tier,
            unit,
            holds: Holds::AtMost,
            default,
            meaning: "",
            needs: "",
            missing: Missing::Refuses,
            reducing: false,
            scaled: false,
            warns: false,
            evaluate: |_| Measure::MISSING,
        }
    }

    /// Whether a measure holds against a bound.
    #[must_use]
    #[inline]
    pub fn passes(&self, measure: Measure, bound: i64) -> bool {
        if measure.is_missing() {
            return matches!(self.missing, Missing::Passes);
        }
        match self.holds {
            Holds::AtMost => !measure.is_above(bound),
            Holds::Below => measure.is_below(bound),
            Holds::AtLeast => !measure.is_below(bound),
        }
    }
}

/// What a rule measured: a value, a share `part / whole` in units of 1e-8, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    part: i64,
    /// Zero: `part` is the value. Negative: not measured.
    whole: i64,
}

impl Measure {
    /// A fact is missing.
    pub const MISSING: Self = Self { part: 0, whole: -1 };

    /// A value in the rule's unit.
    #[must_use]
    pub const fn value(value: i64) -> Self {
        Self { part: value, whole: 0 }
    }

    /// `part / whole`; a whole of zero or less is the largest possible share, so that it never passes.
    #[must_use]
    pub const fn share(part: i64, whole: i64) -> Self {
        if whole > 0 { Self { part, whole } } else { Self::value(i64::MAX) }
    }

    /// A share of an amount of money.
    #[must_use]
    pub const fn of(part: Money, whole: Money) -> Self {
        Self::share(part.raw(), whole.raw())
    }

    /// A state: 0 is the word that is allowed.
    #[must_use]
    pub const fn flag(raised: bool) -> Self {
        Self::value(raised as i64)
    }

    /// Whether nothing was measured.
    #[must_use]
    #[inline]
    pub const fn is_missing(self) -> bool {
        self.whole < 0
    }

    /// The measured value in the rule's unit, half to even for a share, kept within 64 bits; none when missing.
    #[must_use]
    pub fn number(self) -> Option<i64> {
        match self.whole {
            0 => Some(self.part),
            whole if whole > 0 => Some(
                Money::from_raw(self.part)
                    .ratio_to(Money::from_raw(whole))
                    .map_or(if self.part < 0 { i64::MIN } else { i64::MAX }, Ratio::raw),
            ),
            _ => None,
        }
    }

    /// Whether it is more than a bound, exactly.
    #[must_use]
    #[inline]
    pub const fn is_above(self, bound: i64) -> bool {
        if self.whole == 0 { self.part > bound } else { self.scaled_part() > bound as i128 * self.whole as i128 }
    }

    /// Whether it is less than a bound, exactly.
    #[must_use]
    #[inline]
    pub const fn is_below(self, bound: i64) -> bool {
        if self.whole == 0 { self.part < bound } else { self.scaled_part() < bound as i128 * self.whole as i128 }
    }

    const fn scaled_part(self) -> i128 {
        self.part as i128 * SCALE as i128
    }

    /// Share of the bound that is used, 1e-8 units, at least 0; none when missing or when the bound is 0 or off.
    #[must_use]
    pub fn used(self, bound: i64) -> Option<Ratio> {
        let number = self.number()?;
        if bound <= 0 || bound == OFF {
            return None;
        }
        let used = Money::from_raw(number.max(0)).ratio_to(Money::from_raw(bound));
        Some(used.unwrap_or(Ratio::from_raw(i64::MAX)))
    }
}

impl Unit {
    /// An amount of this unit in words.
    #[must_use]
    pub fn say(self, amount: i64) -> String {
        match self {
            Self::Ratio => Ratio::from_raw(amount).percent(),
            Self::Multiple => format!("{} x", Ratio::from_raw(amount)),
            Self::Money => Money::from_raw(amount).to_string(),
            Self::Nanos => age(amount),
            Self::Count => amount.to_string(),
            Self::State(words) => {
                let index = usize::try_from(amount).unwrap_or(usize::MAX);
                words.get(index).or(words.last()).copied().unwrap_or("").to_owned()
            }
        }
    }
}

fn age(nanos: i64) -> String {
    let seconds = nanos / 1_000_000_000;
    match seconds {
        0..=1 => format!("{} ms", nanos / 1_000_000),
        2..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// Absolute distance of two prices, as a share of the second.
#[must_use]
pub const fn distance(from: Price, to: Price) -> Measure {
    Measure::share(from.raw().saturating_sub(to.raw()).saturating_abs(), to.raw())
}

/// How many times `whole` goes into a quantity.
#[must_use]
pub const fn multiple(part: Quantity, whole: Quantity) -> Measure {
    Measure::share(part.raw(), whole.raw())
}
