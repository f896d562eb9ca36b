//! The rules: one file each, found by `build.rs`. A new rule is a new file with `pub const RULE: RuleSpec`.

use super::spec::RuleSpec;

include!(concat!(env!("OUT_DIR"), "/risk_rules_modules.rs"));
include!(concat!(env!("OUT_DIR"), "/risk_rules_table.rs"));

/// How many rules there are.
pub const COUNT: usize = FOUND.len();

/// Every rule, in the order of evaluation.
pub static RULES: [RuleSpec; COUNT] = by_rank(FOUND);

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
