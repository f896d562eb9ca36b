//! Equity over several currencies: converted at stated rates, refused without them; the content for a state hash.

use std::hash::{DefaultHasher, Hasher};

use deepalpha_engine::portfolio::{AccountKind, AccountTerms, Booking, Portfolio, PortfolioError};
use deepalpha_engine::types::{Instrument, InstrumentKind, Money, Price, Quantity, UtcNanos};
use proptest::prelude::*;

use super::{currency, fill, listed, money, ok, opened, price, ratio, whole};

const MINUTE: i64 = 60_000_000_000;

fn margin() -> AccountTerms {
    AccountTerms::new(AccountKind::Margin { leverage: ratio("3") }, currency("EUR"))
}

#[test]
fn equity_needs_a_fresh_rate_and_never_takes_one_for_granted() {
    let (mut portfolio, index) = opened(margin(), "1000", &[listed("AAA", InstrumentKind::Equity)]);
    assert_eq!(ok(portfolio.totals()).equity, money("1000"), "a listed currency that holds nothing needs no rate");
    ok(portfolio.book_fill(&fill(index[0], true, whole(1), price("110")), None));
    let (from, to) = (currency("USD"), currency("EUR"));
    assert_eq!(portfolio.totals(), Err(PortfolioError::MissingRate { from, to }));
    assert!(portfolio.margin_state().is_err(), "an account that cannot be valued is not healthy");
    ok(portfolio.set_rate(from, to, price("0.9"), UtcNanos(MINUTE)));
    portfolio.mark_index(index[0], price("210"));
    let totals = ok(portfolio.totals());
    assert_eq!((totals.cash, totals.position_value, totals.unrealised), (money("901"), money("189"), money("90")));
    // In the other currency the same rate is used the other way round: 1090 / 0.9.
    assert_eq!(ok(portfolio.equity_in(from, UtcNanos(MINUTE))), money("1211.11111111"));
    let late = portfolio.equity_in(to, UtcNanos(MINUTE * 62));
    assert_eq!(late, Err(PortfolioError::StaleRate { from, to, age: MINUTE * 61, max_age: MINUTE * 60 }));
    // A rate given the other way round replaces it.
    ok(portfolio.set_rate(to, from, price("1.25"), UtcNanos(MINUTE * 62)));
    assert_eq!(ok(portfolio.totals()).position_value, money("168"));
}

#[test]
fn a_fee_in_a_currency_never_held_is_owed_by_a_margin_account_and_refused_by_a_spot_account() {
    let bnb = currency("BNB");
    for (kind, booked) in [(margin().kind, true), (AccountKind::Spot, false)] {
        let share = Instrument { currency: currency("EUR"), ..listed("AAA", InstrumentKind::Equity) };
        let (mut portfolio, index) = opened(AccountTerms { kind, ..margin() }, "1000", &[share]);
        let before = portfolio.clone();
        let made =
            Booking { fee: money("0.5"), fee_currency: Some(bnb), ..fill(index[0], true, whole(1), price("100")) };
        assert_eq!(portfolio.book_fill(&made, None).is_ok(), booked);
        let owed = portfolio.balance(bnb).map(|balance| (balance.total, balance.fees));
        assert_eq!(owed, booked.then(|| (money("-0.5"), money("0.5"))));
        assert_eq!(portfolio == before, !booked);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Shares in three currencies: the equity is the sum of what each currency is worth, each rounded once; each
    /// currency keeps its own identity to the last unit, whatever the rates do.
    #[test]
    fn each_currency_keeps_its_identity_whatever_the_rates_do(
        flow in prop::collection::vec((0_usize..3, any::<bool>(), 1_i64..1_000_000_000, 1_i64..1_000_000_000_000, 1_i64..1_000_000_000), 1..30),
    ) {
        let names = ["USD", "JPY", "EUR"].map(currency);
        let listed = ["A", "B", "C"].map(|symbol| listed(symbol, InstrumentKind::Equity));
        let shares: Vec<Instrument> = listed.iter().zip(names).map(|(share, currency)| Instrument { currency, ..*share }).collect();
        let (mut portfolio, index) = opened(margin(), "1000", &shares);
        let (mut cash, mut held) = ([0_i128, 0, 100_000_000_000], [(0_i128, 0_i128); 3]);
        let mut rates = [0_i128, 0, 100_000_000];
        for ((at, buy, quantity, cents, rate), now) in flow.into_iter().zip(1..) {
            let made = fill(index[at], buy, Quantity::from_raw(quantity), Price::from_raw(cents));
            ok(portfolio.book_fill(&made, None));
            let signed = i128::from(if buy { quantity } else { -quantity });
            cash[at] -= half_even(signed * i128::from(cents), 100_000_000);
            held[at] = (held[at].0 + signed, i128::from(cents));
            for from in 0..2 {
                rates[from] = i128::from(rate) + from as i128;
                ok(portfolio.set_rate(names[from], names[2], Price::from_raw(rate + from as i64), UtcNanos(now)));
            }
            let totals = ok(portfolio.totals());
            let worth = |amount: i128, at: usize| half_even(amount * rates[at], 100_000_000);
            let values: Vec<i128> = held.iter().map(|(units, price)| half_even(units * price, 100_000_000)).collect();
            let expected: i128 = (0..3).map(|at| worth(cash[at], at) + worth(values[at], at)).sum();
            prop_assert_eq!(i128::from(totals.equity.raw()), expected);
            for balance in portfolio.balances() {
                prop_assert_eq!(balance.total, ok(balance.explained()));
                let at = names.iter().position(|name| *name == balance.currency).unwrap_or_default();
                prop_assert_eq!(i128::from(balance.total.raw()), cash[at]);
            }
        }
    }
}

/// Schoolbook rounding of `numerator / denominator`, ties to the even neighbour.
fn half_even(numerator: i128, denominator: i128) -> i128 {
    let (down, twice) = (numerator.div_euclid(denominator), 2 * numerator.rem_euclid(denominator));
    if twice > denominator || (twice == denominator && down % 2 != 0) { down + 1 } else { down }
}

fn hash(portfolio: &Portfolio) -> u64 {
    let mut hasher = DefaultHasher::new();
    portfolio.hash_content(&mut hasher);
    hasher.finish()
}

#[test]
fn the_content_hash_knows_what_is_in_the_account_and_not_in_which_order_it_was_listed() {
    let shares = ["AAA", "BBB"].map(|symbol| listed(symbol, InstrumentKind::Equity));
    let (mut one, first) = opened(margin(), "1000", &shares);
    let (mut two, second) = opened(margin(), "1000", &[shares[1], shares[0]]);
    for (portfolio, aaa, bbb) in [(&mut one, first[0], first[1]), (&mut two, second[1], second[0])] {
        ok(portfolio.book_fill(&fill(aaa, true, whole(1), price("5")), None));
        ok(portfolio.book_fill(&fill(bbb, false, whole(2), price("7")), None));
    }
    assert_eq!(hash(&one), hash(&two));
    let before = hash(&one);
    let changes: [fn(&mut Portfolio); 6] = [
        |portfolio| portfolio.mark("AAA", price("5.01")),
        |portfolio| ok(portfolio.deposit(currency("EUR"), Money::from_raw(1))),
        |portfolio| ok(portfolio.deposit(currency("CHF"), Money::from_raw(1))),
        |portfolio| ok(portfolio.set_rate(currency("USD"), currency("EUR"), price("1"), UtcNanos(0))),
        |portfolio| ok(portfolio.set_borrow_rate(currency("USD"), ratio("0.1"))),
        |portfolio| ok(portfolio.accrue_interest(UtcNanos(1))),
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut changed = one.clone();
        change(&mut changed);
        assert_ne!(hash(&changed), before, "change {number}");
    }
}
