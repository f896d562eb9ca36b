//! Where a comparison decides: each of these was found by turning one of the exchange's around.

use deepalpha_engine::matching::FeeModel;
use deepalpha_engine::matching::exchange::{ExchangeConfig, LiquidityKind};
use deepalpha_engine::orders::{OrderRequest, OrderType};
use deepalpha_engine::portfolio::{AccountKind, AccountTerms, Portfolio};
use deepalpha_engine::types::{Instrument, InstrumentKind, Ratio, Side, SignedQuantity};

use crate::kit::{Venue, currency, futures_account, money, perpetual, price, quantity, ratio, symbol};

#[test]
fn a_counterparty_that_is_not_booked_trades_and_holds_nothing() {
    let config = ExchangeConfig { book_counterparties: false, ..ExchangeConfig::default() };
    let mut venue = Venue::new(config, &[(perpetual(), LiquidityKind::Book)]);
    let mut open = || {
        let portfolio = futures_account("1000000", "10");
        venue.exchange.open_counterparty(portfolio, FeeModel::flat(ratio("0.001"))).expect("an account")
    };
    let (maker, taker) = (open(), open());
    let sell = venue.limit(Side::Sell, "2", "100");
    let sell = venue.send(maker, sell);
    let buy = venue.limit(Side::Buy, "1.5", "100");
    let buy = venue.send(taker, buy);
    assert_eq!((venue.state(maker, &sell), venue.state(taker, &buy)), ("partially_filled", "filled"));
    assert!(venue.fills().is_empty(), "nobody reads them");
    let book = venue.exchange.book(&symbol("BTC-PERP")).expect("a book");
    assert_eq!(book.best(Side::Sell).map(|level| level.quantity.0), Some(5));
    let rest = venue.market(Side::Buy, "0.5");
    venue.send(taker, rest);
    assert_eq!(venue.state(maker, &sell), "filled");
    for who in [maker, taker] {
        assert_eq!(venue.position(who), SignedQuantity::ZERO);
        let portfolio = venue.exchange.portfolio(who.account()).expect("an account");
        assert_eq!(portfolio.totals().map(|totals| totals.equity), Ok(money("1000000")), "no fee either");
        assert_eq!(portfolio.free(currency("USDT")), Ok(money("1000000")), "nothing is held back at the end");
    }
}

#[test]
fn who_holds_nothing_may_sell_short_what_settles_a_day_later() {
    let share = Instrument {
        kind: InstrumentKind::Equity,
        currency: currency("USDT"),
        t_plus_one: true,
        ..Instrument::new(symbol("600000"), price("0.5"), quantity("1")).expect("an instrument")
    };
    let mut venue = Venue::new(ExchangeConfig::default(), &[(share, LiquidityKind::Book)]);
    let kind = AccountKind::Margin { leverage: ratio("2") };
    let mut portfolio = Portfolio::open(AccountTerms::new(kind, currency("USDT"))).expect("an account");
    portfolio.deposit(currency("USDT"), money("100000")).expect("a deposit");
    let who = venue.exchange.open_counterparty(portfolio, FeeModel::flat(Ratio::ZERO)).expect("an account");
    let sell = OrderRequest { symbol: share.symbol, ..venue.limit(Side::Sell, "3", "100") };
    let sell = venue.send(who, sell);
    assert_eq!(venue.state(who, &sell), "accepted", "there is nothing that it would have to close");
    let exit = OrderRequest { symbol: share.symbol, reduce_only: true, ..venue.limit(Side::Sell, "3", "100") };
    let exit = venue.send(who, exit);
    assert_eq!(venue.state(who, &exit), "rejected", "what may only close has nothing to close");
}

#[test]
fn what_fits_the_position_is_not_told_that_it_was_made_smaller() {
    let (mut venue, accounts) = Venue::futures(2);
    let [maker, taker] = accounts.as_slice() else { panic!("two accounts") };
    for (side, lots, at) in [(Side::Sell, "5", "100"), (Side::Buy, "2", "99")] {
        let quote = venue.limit(side, lots, at);
        venue.send(*maker, quote);
    }
    let buy = venue.market(Side::Buy, "5");
    venue.send(*taker, buy);
    let [whole, part] = ["5", "3"].map(|lots| {
        let exit = OrderRequest { reduce_only: true, ..venue.limit(Side::Sell, lots, "110") };
        venue.send(*taker, exit)
    });
    assert_eq!((venue.steps(&whole), venue.steps(&part)), (vec!["accept"], vec!["accept"]));
    let sell = venue.market(Side::Sell, "2");
    venue.send(*taker, sell);
    assert_eq!((venue.steps(&whole), venue.steps(&part)), (vec!["accept", "amend"], vec!["accept"]));
}

#[test]
fn the_stop_of_a_bracket_grows_with_its_position() {
    let (mut venue, accounts) = Venue::futures(2);
    let [maker, taker] = accounts.as_slice() else { panic!("two accounts") };
    let buy = OrderRequest { stop_loss: Some(price("95")), ..venue.limit(Side::Buy, "5", "100") };
    venue.send(*taker, buy);
    for (lots, held) in [("3", "3"), ("2", "5")] {
        let sell = venue.limit(Side::Sell, lots, "100");
        venue.send(*maker, sell);
        let working = venue.exchange.working(taker.account());
        let stops = working.iter().filter(|order| order.protective).map(|order| order.request.quantity);
        assert_eq!(stops.collect::<Vec<_>>(), [quantity(held)]);
    }
}

#[test]
fn the_digest_of_the_state_sees_orders_that_no_book_has() {
    let hash = |lots: &str| {
        let (mut venue, accounts) = Venue::futures(1);
        let [who] = accounts.as_slice() else { panic!("an account") };
        let stop = venue.request(Side::Buy, lots, OrderType::Stop(price("110")));
        venue.send(*who, stop);
        venue.exchange.state_hash()
    };
    assert_eq!(hash("1"), hash("1"));
    assert_ne!(hash("1"), hash("2"));
}
