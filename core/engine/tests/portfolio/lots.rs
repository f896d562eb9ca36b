//! Lot rules: A-share lots and T+1, bounds of an order, contract multipliers.

use deepalpha_engine::portfolio::{
    AccountKind, AccountTerms, MarginMode, Need, Portfolio, PortfolioError, PositionMode, PositionSide,
};
use deepalpha_engine::types::{AmountError, Instrument, InstrumentKind, Money, Quantity, SignedQuantity};

use super::{currency, fill, futures, listed, money, ok, opened, price, ratio, side, whole};

fn a_share() -> Instrument {
    let plain = listed("600000", InstrumentKind::Equity);
    ok(Instrument { lot_size: whole(100), odd_lot_exit: true, t_plus_one: true, ..plain }.validated())
}

fn need(portfolio: &mut Portfolio, buy: bool, quantity: Quantity) -> Result<Quantity, PortfolioError> {
    let instrument = portfolio.index_of("600000").unwrap_or_else(|| panic!("listed"));
    let (leg, fee_rate) = (PositionSide::Net, ratio("0"));
    let need = Need { instrument, side: side(buy), leg, quantity, price: price("10"), fee_rate };
    let mut reservation = portfolio.reserve(&need)?;
    portfolio.release(&mut reservation)?;
    Ok(quantity)
}

#[test]
fn a_shares_are_bought_in_hundreds_and_an_odd_rest_is_sold_only_as_a_whole() {
    let (mut portfolio, index) = opened(AccountTerms::new(AccountKind::Spot, currency("USD")), "100000", &[a_share()]);
    assert!(matches!(
        need(&mut portfolio, true, whole(150)),
        Err(PortfolioError::Amount(AmountError::OffStep { step_name: "lot size", .. }))
    ));
    assert!(need(&mut portfolio, true, whole(200)).is_ok());
    // A bonus issue left 230 shares.
    ok(portfolio.book_fill(&fill(index[0], true, whole(230), price("10")), None));
    portfolio.start_trading_day();
    assert!(need(&mut portfolio, false, whole(30)).is_err(), "a part of the odd rest");
    assert!(need(&mut portfolio, false, whole(200)).is_ok());
    assert!(need(&mut portfolio, false, whole(230)).is_ok(), "the whole rest");
    assert!(need(&mut portfolio, true, whole(230)).is_err(), "only a sale may be odd");
}

#[test]
fn what_was_bought_today_is_sold_from_the_next_trading_day_on() {
    let (mut portfolio, index) = opened(AccountTerms::new(AccountKind::Spot, currency("USD")), "100000", &[a_share()]);
    let sellable = |portfolio: &Portfolio| portfolio.position("600000").map(|position| position.sellable());
    ok(portfolio.book_fill(&fill(index[0], true, whole(300), price("10")), None));
    assert_eq!(sellable(&portfolio), Some(Quantity::ZERO));
    portfolio.start_trading_day();
    ok(portfolio.book_fill(&fill(index[0], true, whole(100), price("10")), None));
    assert_eq!(sellable(&portfolio), Some(whole(300)));
    for refused in [
        need(&mut portfolio, false, whole(400)).map(|_| Money::ZERO),
        portfolio.book_fill(&fill(index[0], false, whole(400), price("10")), None),
    ] {
        let Err(PortfolioError::NotEnoughUnits { available, way_out, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(available, whole(300));
        assert!(way_out.contains("T+1"));
    }
    ok(portfolio.book_fill(&fill(index[0], false, whole(300), price("10")), None));
    assert_eq!(sellable(&portfolio), Some(Quantity::ZERO));
    portfolio.start_trading_day();
    assert_eq!(sellable(&portfolio), Some(whole(100)));
}

#[test]
fn an_order_keeps_within_the_bounds_of_its_instrument() {
    let plain = listed("AAA", InstrumentKind::Equity);
    let (min_quantity, max_quantity, min_notional) = (whole(2), whole(10), money("250"));
    let bounded = ok(Instrument { min_quantity, max_quantity, min_notional, ..plain }.validated());
    let (mut portfolio, index) = opened(AccountTerms::new(AccountKind::Spot, currency("USD")), "100000", &[bounded]);
    let mut ask = |quantity: i64, at: &str| {
        let (leg, fee_rate) = (PositionSide::Net, ratio("0"));
        portfolio.reserve(&Need {
            instrument: index[0],
            side: side(true),
            leg,
            quantity: whole(quantity),
            price: price(at),
            fee_rate,
        })
    };
    for (quantity, at, accepted) in [
        (1, "500", false),
        (2, "125", true),
        (2, "124.99", false),
        (10, "100", true),
        (11, "100", false),
        (3, "100.001", false),
    ] {
        assert_eq!(ask(quantity, at).is_ok(), accepted, "{quantity} at {at}");
    }
    let whole_exit = Instrument { odd_lot_exit: true, ..bounded };
    assert!(whole_exit.check_order_quantity(side(false), whole(1), SignedQuantity::from_raw(whole(1).raw())).is_ok());
}

#[test]
fn a_multiplier_scales_value_profit_and_margin_but_not_the_quantity() {
    let gold = ok(Instrument {
        multiplier: whole(100),
        initial_margin: ratio("0.1"),
        maintenance_margin: ratio("0.05"),
        ..listed("GC", InstrumentKind::Future)
    }
    .validated());
    let (mut portfolio, index) = opened(futures(MarginMode::Cross, PositionMode::Netting), "50000", &[gold]);
    ok(portfolio.book_fill(&fill(index[0], true, whole(2), price("2000")), None));
    portfolio.mark_index(index[0], price("1990"));
    let (totals, figures) = (ok(portfolio.totals()), ok(portfolio.margin_figures()));
    assert_eq!((totals.cash, totals.unrealised, totals.equity), (money("50000"), money("-2000"), money("48000")));
    assert_eq!(ok(portfolio.gross_exposure()), money("398000"));
    assert_eq!((figures.used, figures.maintenance, figures.free), (money("39800"), money("19900"), money("8200")));
    assert_eq!(portfolio.position("GC").map(|position| position.average_price()), Some(price("2000")));
    // No profit is realised before the close, and then on the closed part alone.
    assert_eq!(totals.realised, Money::ZERO);
    assert_eq!(ok(portfolio.book_fill(&fill(index[0], false, whole(1), price("2010")), None)), money("1000"));
    assert_eq!(portfolio.cash(), money("51000"));
}

#[test]
fn terms_that_contradict_each_other_are_refused() {
    let spot = listed("BTC/USD", InstrumentKind::Spot);
    for bad in [
        Instrument { multiplier: whole(10), ..spot },
        Instrument { multiplier: Quantity::ZERO, ..spot },
        Instrument { base: Some(currency("USD")), ..spot },
        Instrument { kind: InstrumentKind::Perpetual, ..spot },
        Instrument { maintenance_margin: ratio("1.1"), ..spot },
        Instrument { initial_margin: ratio("-0.1"), ..spot },
        Instrument { max_quantity: whole(1), min_quantity: whole(2), ..spot },
        Instrument { min_notional: money("-1"), ..spot },
    ] {
        assert!(bad.validated().is_err(), "{bad:?} was accepted");
    }
}
