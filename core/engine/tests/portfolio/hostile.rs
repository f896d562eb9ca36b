//! Hostile values: whatever is asked, nothing panics, and what is refused changes nothing.

use deepalpha_engine::portfolio::{
    AccountKind, AccountTerms, Booking, FundingRate, MarginMode, MarkPrice, Need, Portfolio, PositionMode, PositionSide,
};
use deepalpha_engine::types::{Instrument, InstrumentKind, Money, Price, Quantity, Ratio, TradeId, UtcNanos};
use proptest::prelude::*;

use super::{currency, fill, futures, listed, money, ok, opened, perpetual, price, ratio, side, whole};

/// Ordinary numbers, and the ones that break things.
fn any_raw() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => 1_i64..1_000_000_000_000,
        1 => any::<i64>(),
        1 => prop::sample::select(vec![0, 1, -1, i64::MAX, i64::MIN, i64::MAX - 1, i64::MIN + 1, 1 << 62, -(1 << 62)]),
    ]
}

fn account(which: usize) -> (AccountTerms, Vec<Instrument>) {
    let usd = currency("USD");
    let share = Instrument { maintenance_margin: ratio("0.2"), ..listed("AAA", InstrumentKind::Equity) };
    let spot = listed("BBB/USD", InstrumentKind::Spot);
    let wide = Instrument { multiplier: Quantity::from_raw(i64::MAX), ..perpetual("WWW") };
    let margin = AccountKind::Margin { leverage: Ratio::from_raw(i64::MAX) };
    match which {
        0 => (AccountTerms::new(AccountKind::Spot, usd), vec![share, spot]),
        1 => (AccountTerms::new(margin, usd), vec![share, spot, perpetual("PPP")]),
        2 => (futures(MarginMode::Cross, PositionMode::Netting), vec![perpetual("PPP"), wide]),
        _ => (futures(MarginMode::Isolated, PositionMode::Hedging), vec![perpetual("PPP"), wide]),
    }
}

type Values = (usize, bool, i64, i64, i64, u8);

fn attempt(portfolio: &mut Portfolio, kind: u8, (at, buy, one, two, three, leg): Values) -> bool {
    let symbol = ["AAA", "BBB/USD", "PPP", "WWW", "never listed"].into_iter().cycle().nth(at).unwrap_or_default();
    let Some(index) = portfolio.index_of(symbol) else { return true };
    let leg = [PositionSide::Net, PositionSide::Long, PositionSide::Short][usize::from(leg % 3)];
    let (quantity, price, amount) = (Quantity::from_raw(one), Price::from_raw(two), Money::from_raw(three));
    match kind {
        0..=3 => {
            let fee_currency = [None, Some(currency("BBB")), Some(currency("EUR"))][usize::from(kind % 3)];
            let made = Booking { leg, fee: amount, fee_currency, ..fill(index, buy, quantity, price) };
            let booked = portfolio.book_fill(&made, None).is_ok();
            let position = portfolio.leg(index, leg).filter(|_| booked);
            assert!(position.is_none_or(|position| position.unrealised().is_ok()), "booked and cannot be valued");
            booked
        }
        4 => {
            let need =
                Need { instrument: index, side: side(buy), leg, quantity, price, fee_rate: Ratio::from_raw(three) };
            portfolio.reserve(&need).is_ok()
        }
        5 => portfolio.deposit(currency("USD"), amount).is_ok(),
        6 => portfolio.withdraw(currency("USD"), amount).is_ok(),
        7 => portfolio.accrue_interest(UtcNanos(one)).is_ok(),
        8 => portfolio.set_borrow_rate(currency("USD"), Ratio::from_raw(one)).is_ok(),
        9 => portfolio.set_rate(currency("EUR"), currency("USD"), price, UtcNanos(one)).is_ok(),
        _ => {
            let due = FundingRate { instrument: index, rate: Ratio::from_raw(three), price };
            let due = if kind == 10 { vec![due] } else { Vec::new() };
            let marks = [MarkPrice { instrument: index, price }];
            portfolio.settle(UtcNanos(one), &due, &marks, &mut Vec::new()).is_ok()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// Any numbers at all: an error leaves the account as it was, and what is accepted stays explained.
    #[test]
    fn what_is_refused_changes_nothing_and_nothing_panics(
        which in 0_usize..4,
        flow in prop::collection::vec((0_u8..12, (0_usize..5, any::<bool>(), any_raw(), any_raw(), any_raw(), 0_u8..3)), 1..25),
    ) {
        let (terms, instruments) = account(which);
        let (mut portfolio, _) = opened(terms, "1000000", &instruments);
        for (kind, values) in flow {
            let before = portfolio.clone();
            if !attempt(&mut portfolio, kind, values) {
                prop_assert_eq!(&portfolio, &before, "step {} {:?}", kind, values);
            }
            for balance in portfolio.balances() {
                prop_assert_eq!(Ok(balance.total), balance.explained());
            }
            let _ = (portfolio.totals(), portfolio.margin_state(), portfolio.margin_figures(), portfolio.gross_exposure());
            for (index, leg, _) in portfolio.legs() {
                let _ = portfolio.liquidation_price(index, leg);
            }
        }
    }
}

#[test]
fn a_price_times_quantity_beyond_64_bits_is_refused_in_words() {
    let mut portfolio = Portfolio::new(money("1000"));
    let before = portfolio.clone();
    let trade = ok(TradeId::parse("F1"));
    let most = Quantity::from_raw(i64::MAX);
    let refused = portfolio.book("X", side(true), most, Price::from_raw(i64::MAX), Money::ZERO, &trade);
    assert!(refused.is_err_and(|error| error.to_string().contains("overflows 64 bits")));
    for (quantity, at) in
        [(whole(0), price("1")), (whole(-1), price("1")), (whole(1), price("0")), (whole(1), price("-1"))]
    {
        assert!(portfolio.book("X", side(true), quantity, at, Money::ZERO, &trade).is_err(), "{quantity} at {at}");
    }
    assert_eq!(portfolio, before, "not even the symbol was listed");
}

#[test]
fn a_fill_whose_price_makes_the_whole_position_overflow_is_refused() {
    let mut portfolio = Portfolio::new(money("1000"));
    let trade = ok(TradeId::parse("F1"));
    ok(portfolio.book("X", side(true), whole(90_000_000_000), price("0.01"), Money::ZERO, &trade));
    let before = portfolio.clone();
    // The fill itself is worth 10; 90 billion units at 10 are not to be told.
    assert!(portfolio.book("X", side(true), whole(1), price("10"), Money::ZERO, &trade).is_err());
    assert_eq!(portfolio, before);
    assert_eq!(ok(portfolio.totals()).equity, money("1000"));
}
