//! The table of the risk rules: what each one's bound is and how it is compared, down to the last unit.
#![expect(clippy::unwrap_used, reason = "tests may stop at a wrong shape")]

use deepalpha_engine::risk::{Measure, Missing, OFF, RULES};

const SCALE: i64 = 100_000_000;
const PERCENT: i64 = SCALE / 100;

/// Name; whether a measure at the bound itself passes; the bound; whether a missing fact passes; then the letters of
/// what it also does: `r`ules on reducing orders, is `s`caled, `w`arns.
const TABLE: [(&str, bool, i64, bool, &str); 35] = [
    ("kill_switch", true, 0, false, ""),
    ("account_state", true, 0, false, ""),
    ("io_trouble", true, 0, false, ""),
    ("duplicate_id", true, 0, false, "r"),
    ("decision_once", true, 0, false, "r"),
    ("duplicate_intent", true, 0, false, ""),
    ("increment", true, 0, false, "r"),
    ("stale_data", true, 6 * 86_400 * 1_000_000_000, false, ""),
    ("crossed_quote", true, 0, true, ""),
    ("reduce_only", true, 0, false, "r"),
    ("price_band", true, 5 * PERCENT, false, ""),
    ("short_selling", true, 0, false, ""),
    ("unknown_orders", true, 0, false, ""),
    ("self_trade", true, 0, true, ""),
    ("max_order_notional", true, 1_000_000 * SCALE, false, "s"),
    ("fat_finger_quantity", true, 50 * SCALE, true, ""),
    ("fat_finger_notional", true, 50 * SCALE, true, ""),
    ("order_rate", true, 1_000, false, ""),
    ("cancel_rate", true, 2_000, false, ""),
    ("max_trade_fraction", true, 2 * PERCENT, false, "s"),
    ("max_strategy_position", true, 2 * PERCENT, true, "s"),
    ("strategy_leverage", true, 2 * SCALE, true, "sw"),
    ("consecutive_losses", false, 5, false, "w"),
    ("sharpe_floor", true, OFF, true, ""),
    ("max_instrument_fraction", true, 5 * PERCENT, false, "sw"),
    ("max_stop_distance", true, 2 * PERCENT, false, ""),
    ("volume_share", true, 10 * PERCENT, true, "s"),
    ("max_volatility", true, 50 * PERCENT, true, "w"),
    ("max_exposure", true, 95 * PERCENT, false, "sw"),
    ("max_net_exposure", true, 95 * PERCENT, false, "sw"),
    ("max_correlated_exposure", true, 95 * PERCENT, false, "sw"),
    ("max_leverage", true, 3 * SCALE, false, "w"),
    ("max_daily_loss", false, 5 * PERCENT, false, "w"),
    ("monthly_drawdown", false, 15 * PERCENT, false, "w"),
    ("max_drawdown", false, 10 * PERCENT, false, "w"),
];

#[test]
fn every_rule_has_the_bound_and_the_manner_that_the_table_says() {
    assert_eq!(RULES.len(), TABLE.len());
    for (rule, (name, at_bound, bound, missing, letters)) in RULES.iter().zip(TABLE) {
        assert_eq!((rule.name, rule.default), (name, bound));
        let value = 4 * SCALE;
        assert_eq!(rule.passes(Measure::value(value), value), at_bound, "{name} at its bound");
        assert_eq!(rule.passes(Measure::MISSING, value), missing, "{name} without its fact");
        assert_eq!(rule.missing == Missing::Passes, missing, "{name}");
        let found = [(rule.reducing, "r"), (rule.scaled, "s"), (rule.warns, "w")];
        let found: String = found.into_iter().filter(|(does, _)| *does).map(|(_, letter)| letter).collect();
        assert_eq!(found, letters, "{name}");
    }
}

#[test]
fn one_unit_beyond_a_bound_is_beyond_it_for_values_and_for_shares_that_no_decimal_tells() {
    // A third of the largest amounts: the share lies between two units, and 128 bits are needed to see on which side.
    let (part, whole) = (i64::MAX / 3, i64::MAX);
    let (below, above) = (part / (whole / SCALE), part / (whole / SCALE) + 1);
    assert!(i128::from(below) * i128::from(whole) < i128::from(part) * i128::from(SCALE));
    for rule in &RULES {
        let floor = rule.name == "sharpe_floor";
        assert_eq!(rule.passes(Measure::value(101), 100), floor, "{}", rule.name);
        assert_eq!(rule.passes(Measure::value(99), 100), !floor, "{}", rule.name);
        assert_eq!(rule.passes(Measure::share(part, whole), below), floor, "{}", rule.name);
        assert_eq!(rule.passes(Measure::share(part, whole), above), !floor, "{}", rule.name);
        assert!(!rule.passes(Measure::share(1, 0), 100) || floor, "{}: nothing has no share", rule.name);
    }
    assert_eq!(RULES.iter().position(|rule| rule.name == "sharpe_floor").unwrap(), 23);
}
