//! The rules: one file each, found by `build.rs`. A new rule is a new file with `pub const RULE: RuleSpec`.

use super::facts::Facts;
use super::scaling::scaled;
use super::spec::{Measure, OFF, RuleSpec};
use super::verdict::{Line, Outcome};
use crate::types::SCALE;

include!(concat!(env!("OUT_DIR"), "/risk_rules_modules.rs"));
include!(concat!(env!("OUT_DIR"), "/risk_rules_table.rs"));

/// How many rules there are.
pub const COUNT: usize = FOUND.len();

/// Every rule, in the order of evaluation.
pub static RULES: [RuleSpec; COUNT] = ORDERED;

const ORDERED: [RuleSpec; COUNT] = by_rank(FOUND);

/// The rule at a place of [`RULES`], as a type: what it measures and how it compares are constants to the compiler.
struct At<const INDEX: usize>;

impl<const INDEX: usize> At<INDEX> {
    #[expect(clippy::indexing_slicing, reason = "evaluated at compile time: an index out of range does not compile")]
    const RULE: RuleSpec = ORDERED[INDEX];

    /// What the rule measures and the bound in force; none where it does not rule.
    #[inline(always)]
    fn measured<const REDUCES: bool>(facts: &Facts<'_>, bound: i64) -> Option<(Measure, i64)> {
        let rule = &Self::RULE;
        if bound == OFF || (REDUCES && !rule.reducing) {
            return None;
        }
        let bound = if rule.scaled && facts.scale.raw() < SCALE { scaled(bound, facts.scale) } else { bound };
        Some(((rule.evaluate)(facts), bound))
    }

    /// Whether the rule lets an order pass.
    #[inline(always)]
    fn holds<const REDUCES: bool>(facts: &Facts<'_>, bound: i64) -> bool {
        Self::measured::<REDUCES>(facts, bound).is_none_or(|(measure, bound)| Self::RULE.passes(measure, bound))
    }

    /// Rule on an order; the rule's index if it is breached, else the largest number.
    #[inline(always)]
    fn rule<const REDUCES: bool>(facts: &Facts<'_>, bound: i64, line: &mut Line) -> usize {
        let Some((measure, bound)) = Self::measured::<REDUCES>(facts, bound) else {
            *line = Line::SKIPPED;
            return usize::MAX;
        };
        let passes = Self::RULE.passes(measure, bound);
        let outcome = match passes {
            true if measure.is_missing() => Outcome::NotMeasured,
            true => Outcome::Holds,
            false => Outcome::Breach,
        };
        *line = Line { measure, bound, outcome };
        if passes { usize::MAX } else { INDEX }
    }
}

/// Index of a rule in [`RULES`].
#[must_use]
pub fn index_of(name: &str) -> Option<usize> {
    RULES.iter().position(|rule| rule.name == name)
}

/// Stable insertion sort at compile time; the files come sorted by name.
#[expect(clippy::indexing_slicing, reason = "evaluated at compile time: an index out of range does not compile")]
const fn by_rank(mut rules: [RuleSpec; COUNT]) -> [RuleSpec; COUNT] {
    let mut next = 1;
    while next < COUNT {
        let mut at = next;
        while at > 0 && rules[at - 1].rank > rules[at].rank {
            rules.swap(at - 1, at);
            at -= 1;
        }
        next += 1;
    }
    rules
}
