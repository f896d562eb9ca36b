//! Spot balances: nothing is spent twice, locked is what open orders need, every asset is conserved.

use std::collections::BTreeMap;

use deepalpha_engine::portfolio::{
    AccountKind, AccountTerms, Booking, Need, Portfolio, PortfolioError, PositionSide, Reservation,
};
use deepalpha_engine::types::{Currency, InstrumentKind, Money, Price, Quantity, UtcNanos};
use proptest::prelude::*;

use super::{currency, fill, listed, money, ok, opened, price, ratio, side, whole};

fn spot() -> AccountTerms {
    AccountTerms { max_rate_age: i64::MAX, ..AccountTerms::new(AccountKind::Spot, currency("USDT")) }
}

/// An order of the model: what it needs of which asset, per unit of quantity left.
struct Open {
    reservation: Reservation,
    buy: bool,
    at: usize,
    limit: Price,
}

fn names() -> [Currency; 4] {
    ["USDT", "BTC", "ETH", "BNB"].map(currency)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Random orders, fills in parts, cancels; fees in the quote, the received asset or a third one: free is never
    /// negative, locked is the sum of what the open orders need and zero once all are cancelled, and every asset is
    /// deposits plus flows to the last unit.
    #[test]
    fn balances_are_never_spent_twice_and_no_unit_is_lost(
        flow in prop::collection::vec(
            (0_u8..8, 0_usize..3, any::<bool>(), 1_i64..300, 50_i64..200, 0_u8..3, 0_usize..16), 1..80),
    ) {
        let pairs = ["BTC/USDT", "ETH/USDT", "ETH/BTC"];
        let instruments = pairs.map(|pair| listed(pair, InstrumentKind::Spot));
        let (mut portfolio, indices) = opened(spot(), "500", &instruments);
        for name in ["BTC", "BNB"] {
            ok(portfolio.deposit(currency(name), money("3")));
        }
        let mut held: BTreeMap<Currency, i128> = names().into_iter().zip([50_000_000_000, 300_000_000, 0, 300_000_000]).collect();
        let mut open: Vec<Open> = Vec::new();
        for (kind, at, buy, lots, cents, fee_in, pick) in flow {
            let (base, quote) = pairs[at].split_once('/').unwrap_or_default();
            let (quantity, limit) = (Quantity::from_raw(lots * 1_000_000), Price::from_raw(cents * 1_000_000));
            let before = portfolio.clone();
            match kind {
                0..=3 => {
                    let (instrument, leg, fee_rate) = (indices[at], PositionSide::Net, ratio("0.001"));
                    let need = Need { instrument, side: side(buy), leg, quantity, price: limit, fee_rate };
                    match portfolio.reserve(&need) {
                        Ok(reservation) => open.push(Open { reservation, buy, at, limit }),
                        Err(_) => prop_assert_eq!(&portfolio, &before),
                    }
                }
                4 | 5 if !open.is_empty() => {
                    let chosen = pick % open.len();
                    let order = &mut open[chosen];
                    let part = quantity.at_most(order.reservation.quantity);
                    let (base, quote) = pairs[order.at].split_once('/').unwrap_or_default();
                    // Within the limit, and a fee of at most 0.1 %, cut.
                    let better = if order.buy { order.limit.raw() - 1_000_000 } else { order.limit.raw() + 1_000_000 };
                    let traded_at = Price::from_raw(if fee_in == 0 { order.limit.raw() } else { better });
                    let paid = i128::from(traded_at.raw()) * i128::from(part.raw()) / 100_000_000;
                    let (fee_asset, fee) = match fee_in {
                        0 => (quote, paid / 1000),
                        1 if order.buy => (base, i128::from(part.raw()) / 1000),
                        1 => (quote, paid / 1000),
                        _ => ("BNB", i128::from(lots)),
                    };
                    let made = Booking {
                        fee: Money::from_raw(ok(i64::try_from(fee))),
                        fee_currency: Some(currency(fee_asset)),
                        ..fill(indices[order.at], order.buy, part, traded_at)
                    };
                    // What was reserved is always enough.
                    ok(portfolio.book_fill(&made, Some(&mut order.reservation)));
                    let sign = if order.buy { 1 } else { -1 };
                    for (asset, amount) in [(base, sign * i128::from(part.raw())), (quote, -sign * paid), (fee_asset, -fee)] {
                        *held.entry(currency(asset)).or_default() += amount;
                    }
                    if order.reservation.quantity == Quantity::ZERO {
                        prop_assert_eq!((order.reservation.cash, order.reservation.units), (Money::ZERO, Quantity::ZERO));
                        open.remove(chosen);
                    }
                }
                6 if !open.is_empty() => ok(portfolio.release(&mut open.remove(pick % open.len()).reservation)),
                _ => {
                    // A fill without a reservation takes free units and free cash only.
                    let made = fill(indices[at], buy, quantity, limit);
                    let value = i128::from(limit.raw()) * i128::from(quantity.raw()) / 100_000_000;
                    if portfolio.book_fill(&made, None).is_ok() {
                        let sign = if buy { 1 } else { -1 };
                        *held.entry(currency(base)).or_default() += sign * i128::from(quantity.raw());
                        *held.entry(currency(quote)).or_default() -= sign * value;
                    } else {
                        prop_assert_eq!(&portfolio, &before);
                        let (needed, of) = if buy { (value, quote) } else { (i128::from(quantity.raw()), base) };
                        let free = portfolio.balance(currency(of)).map_or(0, |balance| i128::from(balance.free().raw()));
                        prop_assert!(needed > free, "{needed} of {of} refused with {free} free");
                    }
                }
            }
            let mut needs: BTreeMap<Currency, i128> = BTreeMap::new();
            for order in &open {
                let (base, quote) = pairs[order.at].split_once('/').unwrap_or_default();
                *needs.entry(currency(base)).or_default() += i128::from(order.reservation.units.raw());
                *needs.entry(currency(quote)).or_default() += i128::from(order.reservation.cash.raw());
            }
            for balance in portfolio.balances() {
                let need = needs.get(&balance.currency).copied().unwrap_or_default();
                prop_assert_eq!(i128::from(balance.locked.raw()), need, "{:?}", balance);
                prop_assert!(balance.free() >= Money::ZERO, "{balance:?}");
                prop_assert_eq!(Some(&i128::from(balance.total.raw())), held.get(&balance.currency));
                prop_assert_eq!(balance.total, ok(balance.explained()));
            }
        }
        for order in &mut open {
            ok(portfolio.release(&mut order.reservation));
        }
        prop_assert!(portfolio.balances().all(|balance| balance.locked == Money::ZERO));
    }
}

#[test]
fn a_buy_locks_its_notional_and_fee_and_a_better_fill_gives_the_rest_back() {
    let (mut portfolio, index) = opened(spot(), "1000", &[listed("BTC/USDT", InstrumentKind::Spot)]);
    let (instrument, leg, fee_rate) = (index[0], PositionSide::Net, ratio("0.01"));
    let need = Need { instrument, side: side(true), leg, quantity: whole(2), price: price("100"), fee_rate };
    let mut reservation = ok(portfolio.reserve(&need));
    assert_eq!((reservation.cash, ok(portfolio.free(currency("USDT")))), (money("202"), money("798")));
    let made = Booking { fee: money("0.9"), ..fill(instrument, true, whole(1), price("90")) };
    ok(portfolio.book_fill(&made, Some(&mut reservation)));
    let usdt = *portfolio.balance(currency("USDT")).unwrap_or_else(|| panic!("used"));
    assert_eq!((usdt.total, usdt.locked, usdt.free()), (money("909.1"), money("101"), money("808.1")));
    ok(portfolio.release(&mut reservation));
    assert_eq!(ok(portfolio.free(currency("USDT"))), money("909.1"));
    // A second release of the same order gives nothing.
    ok(portfolio.release(&mut reservation));
    assert_eq!(ok(portfolio.free(currency("USDT"))), money("909.1"));
}

#[test]
fn a_spot_account_is_never_short_and_says_what_it_has() {
    let share = listed("AAA", InstrumentKind::Equity);
    let terms = AccountTerms::new(AccountKind::Spot, currency("USD"));
    let (mut portfolio, index) = opened(terms, "1000", &[share]);
    ok(portfolio.book_fill(&fill(index[0], true, whole(5), price("100")), None));
    let sale = Need {
        instrument: index[0],
        side: side(false),
        leg: PositionSide::Net,
        quantity: whole(3),
        price: price("100"),
        fee_rate: ratio("0"),
    };
    let reservation = ok(portfolio.reserve(&sale));
    assert_eq!(reservation.units, whole(3));
    for refused in [
        portfolio.reserve(&sale).map(|_| Money::ZERO),
        portfolio.book_fill(&fill(index[0], false, whole(3), price("100")), None),
    ] {
        let Err(PortfolioError::NotEnoughUnits { available, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(available, whole(2));
    }
    let refused = portfolio.book_fill(&fill(index[0], true, whole(6), price("100")), None);
    let Err(PortfolioError::NotEnoughCash { needed, free, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!((needed, free), (money("600"), money("500")));
    let withdrawn = portfolio.withdraw(currency("USD"), money("500.01"));
    assert!(matches!(withdrawn, Err(PortfolioError::NotEnoughCash { .. })), "{withdrawn:?}");
}

#[test]
fn what_a_spot_account_cannot_hold_is_refused_with_the_way_out() {
    let (mut portfolio, _) = opened(spot(), "1", &[]);
    let refused = portfolio.list(listed("PPP", InstrumentKind::Perpetual)).map(|_| ());
    assert_eq!(
        refused.map_err(|error| error.to_string()),
        Err("a spot account cannot hold PPP, a perpetual; open a futures or margin account for it".to_owned())
    );
    let hedging = deepalpha_engine::portfolio::PositionMode::Hedging;
    assert!(Portfolio::open(AccountTerms { position_mode: hedging, ..spot() }).is_err());
    ok(portfolio.set_rate(currency("BTC"), currency("USDT"), price("2"), UtcNanos(5)));
    assert!(portfolio.set_rate(currency("USDT"), currency("BTC"), price("2"), UtcNanos(4)).is_err(), "back in time");
}
