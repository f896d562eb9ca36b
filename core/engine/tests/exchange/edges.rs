//! Where a comparison decides: each of these was found by turning one of the exchange's around.

use deepalpha_engine::matching::FeeModel;
use deepalpha_engine::matching::exchange::{CounterpartyId, ExchangeConfig, LiquidityKind, OrderChange, TriggerSource};
use deepalpha_engine::orders::{OrderRequest, OrderType, PositionSide};
use deepalpha_engine::portfolio::{AccountKind, AccountTerms, Portfolio};
use deepalpha_engine::types::{ClientOrderId, Instrument, InstrumentKind, Ratio, Side, SignedQuantity};

use crate::kit::{
    Venue, currency, futures_account, id, money, perpetual, price, quantity, ratio, spot, spot_account, symbol,
};

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

#[test]
fn groups_that_have_traded_are_remembered_as_long_as_orders_are() {
    let mut venue = Venue::new(
        ExchangeConfig { remembered: 2, ..ExchangeConfig::default() },
        &[(perpetual(), LiquidityKind::Book)],
    );
    let [maker, taker] = [0, 1].map(|_| {
        let portfolio = futures_account("1000000", "10");
        venue.exchange.open_counterparty(portfolio, FeeModel::flat(Ratio::ZERO)).expect("an account")
    });
    let mut state_of = |group: &str| {
        let sell = venue.limit(Side::Sell, "0.1", "100");
        venue.send(maker, sell);
        let buy = OrderRequest { oco_group: id(group), ..venue.limit(Side::Buy, "0.1", "100") };
        venue.try_send(taker, buy).expect("the exchange takes the order").as_str()
    };
    assert_eq!(["a", "b", "a", "b", "c"].map(&mut state_of), ["filled", "filled", "rejected", "rejected", "filled"]);
    assert_eq!(["a", "c"].map(&mut state_of), ["filled", "rejected"], "the oldest of three is forgotten");
}

#[test]
fn a_fee_by_the_share_is_held_back_to_the_last_unit_and_rounded_up() {
    let mut venue = Venue::new(ExchangeConfig::default(), &[(spot(), LiquidityKind::Book)]);
    let fees = FeeModel::PerShare { rate: money("0.013"), minimum: money("0.05"), maximum: ratio("0.02") };
    let who = venue.exchange.open_counterparty(spot_account("100", "0"), fees).expect("an account");
    let buy = OrderRequest { symbol: symbol("BTC/USDT"), ..venue.limit(Side::Buy, "0.3", "100") };
    venue.send(who, buy);
    // 0.05 of 30 is 0.0016666..., which is 0.00166667 in eight decimals rounded up.
    assert_eq!(venue.exchange.held_by_orders(who.account()), Ok(money("30.0500001")));
}

/// An account that may borrow, and a share in lots of 100 in a replica; half of an order of this side with a stop fills.
fn half_a_lot(side: Side) -> (Venue, CounterpartyId, OrderRequest) {
    let share = Instrument {
        kind: InstrumentKind::Equity,
        currency: currency("USDT"),
        odd_lot_exit: true,
        ..Instrument::new(symbol("600000"), price("0.5"), quantity("100")).expect("an instrument")
    };
    let mut venue = Venue::new(ExchangeConfig::default(), &[(share, LiquidityKind::Depth)]);
    let kind = AccountKind::Margin { leverage: ratio("2") };
    let mut portfolio = Portfolio::open(AccountTerms::new(kind, currency("USDT"))).expect("an account");
    portfolio.deposit(currency("USDT"), money("100000")).expect("a deposit");
    let who = venue.exchange.open_counterparty(portfolio, FeeModel::flat(Ratio::ZERO)).expect("an account");
    let stop_loss = Some(price(if side.is_buy() { "90" } else { "110" }));
    let order = OrderRequest { symbol: share.symbol, stop_loss, ..venue.limit(side, "100", "100") };
    let order = venue.send(who, order);
    let (level, none): (&[_], &[_]) = (&[("100", "50")], &[]);
    let (bids, asks) = if side.is_buy() { (none, level) } else { (level, none) };
    venue.show(bids, asks, true);
    assert_eq!(venue.fills_of(&order), ["50@100"]);
    let working = venue.exchange.working(who.account());
    let stop = working.iter().find(|order| order.protective).expect("a stop").request;
    assert_eq!(venue.cancel(who, &order), Ok(()));
    (venue, who, stop)
}

#[test]
fn our_own_orders_are_as_large_as_an_odd_position() {
    for side in [Side::Buy, Side::Sell] {
        let (venue, who, stop) = half_a_lot(side);
        assert_eq!((stop.quantity, stop.side), (quantity("50"), side.opposite()));
        assert_eq!(venue.state(who, &stop.client_order_id), "accepted");
    }
}

#[test]
fn an_odd_lot_is_sold_as_a_whole_and_in_no_other_way() {
    let (mut venue, who, stop) = half_a_lot(Side::Buy);
    assert_eq!(venue.cancel(who, &stop.client_order_id), Ok(()));
    let mut order = |side, lots, reduce_only| {
        let order = OrderRequest { symbol: stop.symbol, reduce_only, ..venue.limit(side, lots, "100") };
        let order = venue.send(who, order);
        (venue.state(who, &order), venue.step_records(&order)[0].reason.clone())
    };
    for (side, lots, reduces) in
        [(Side::Sell, "30", false), (Side::Sell, "30", true), (Side::Buy, "50", false), (Side::Buy, "150", false)]
    {
        let (state, reason) = order(side, lots, reduces);
        assert_eq!((state, reason.contains("lot size")), ("rejected", true), "{side:?} {lots}: {reason}");
    }
    assert_eq!(order(Side::Sell, "50", true).0, "accepted");
}

#[test]
fn an_opener_has_room_in_its_id_for_what_follows_the_position() {
    for (stop_loss, take_profit) in [(Some(price("90")), None), (None, Some(price("110")))] {
        for (length, state) in [(26, "accepted"), (27, "rejected")] {
            let (mut venue, accounts) = Venue::futures(1);
            let client_order_id = id(&"x".repeat(length));
            let buy = OrderRequest { client_order_id, stop_loss, take_profit, ..venue.limit(Side::Buy, "1", "100") };
            let buy = venue.send(accounts[0], buy);
            assert_eq!(venue.state(accounts[0], &buy), state, "{length}");
        }
    }
}

#[test]
fn an_account_that_nets_has_no_long_leg_in_shares_either() {
    let mut venue = Venue::new(ExchangeConfig::default(), &[(spot(), LiquidityKind::Book)]);
    let kind = AccountKind::Margin { leverage: ratio("2") };
    let mut portfolio = Portfolio::open(AccountTerms::new(kind, currency("USDT"))).expect("an account");
    portfolio.deposit(currency("USDT"), money("100000")).expect("a deposit");
    let who = venue.exchange.open_counterparty(portfolio, FeeModel::flat(Ratio::ZERO)).expect("an account");
    for (position_side, state) in [(PositionSide::Net, "accepted"), (PositionSide::Long, "rejected")] {
        let buy = OrderRequest { symbol: spot().symbol, position_side, ..venue.limit(Side::Buy, "1", "100") };
        let buy = venue.send(who, buy);
        assert_eq!(venue.state(who, &buy), state);
        let reason = &venue.step_records(&buy)[0].reason;
        assert_eq!(reason.contains("no such position side"), state == "rejected", "{reason}");
    }
}

#[test]
fn what_only_reduces_holds_back_the_coins_it_sells_and_no_margin() {
    let free = |venue: &Venue, who: CounterpartyId, name: &str| {
        venue.exchange.portfolio(who.account()).map(|portfolio| portfolio.free(currency(name)))
    };
    let mut venue = Venue::new(ExchangeConfig::default(), &[(spot(), LiquidityKind::Book)]);
    let [seller, who] = [("0", "5"), ("1000", "0")].map(|(usdt, btc)| {
        let portfolio = spot_account(usdt, btc);
        venue.exchange.open_counterparty(portfolio, FeeModel::flat(Ratio::ZERO)).expect("an account")
    });
    for (who, side) in [(seller, Side::Sell), (who, Side::Buy)] {
        let order = OrderRequest { symbol: spot().symbol, ..venue.limit(side, "5", "100") };
        venue.send(who, order);
    }
    let exit = OrderRequest { symbol: spot().symbol, reduce_only: true, ..venue.limit(Side::Sell, "2", "110") };
    venue.send(who, exit);
    assert_eq!(free(&venue, who, "BTC"), Some(Ok(money("3"))));

    let (mut venue, accounts) = Venue::futures(2);
    let sell = venue.limit(Side::Sell, "2", "100");
    venue.send(accounts[1], sell);
    let buy = venue.limit(Side::Buy, "2", "100");
    venue.send(accounts[0], buy);
    let before = free(&venue, accounts[0], "USDT");
    let exit = OrderRequest { reduce_only: true, ..venue.limit(Side::Sell, "2", "110") };
    venue.send(accounts[0], exit);
    assert_eq!(free(&venue, accounts[0], "USDT"), before);
}

#[test]
fn a_trade_wakes_nothing_where_quotes_do() {
    let config = ExchangeConfig { trigger_source: TriggerSource::BestQuote, ..ExchangeConfig::default() };
    let mut venue = Venue::new(config, &[(perpetual(), LiquidityKind::Depth)]);
    let portfolio = futures_account("1000000", "10");
    let who = venue.exchange.open_counterparty(portfolio, FeeModel::flat(Ratio::ZERO)).expect("an account");
    venue.show(&[("99", "5")], &[("100", "5")], true);
    let stop = venue.request(Side::Sell, "1", OrderType::Stop(price("97")));
    let stop = venue.send(who, stop);
    venue.trade(Side::Sell, "96", "0.1");
    assert_eq!(venue.steps(&stop), ["accept"]);
    venue.show(&[("99", "0"), ("97", "5")], &[], false);
    assert_eq!(venue.steps(&stop), ["accept", "trigger"]);
}

#[test]
fn what_is_left_of_an_iceberg_shows_as_much_as_it_did_whomever_it_met() {
    for group in ["", "g"] {
        let (mut venue, accounts) = Venue::futures(2);
        let oco_group = if group.is_empty() { ClientOrderId::EMPTY } else { id(group) };
        let buy = OrderRequest { oco_group, ..venue.limit(Side::Buy, "0.5", "100") };
        venue.send(accounts[1], buy);
        let ice = OrderRequest { display: Some(quantity("0.7")), ..venue.limit(Side::Sell, "1", "100") };
        let ice = venue.send(accounts[0], ice);
        let more = OrderChange { quantity: Some(quantity("3")), ..OrderChange::default() };
        let done =
            venue.command(|exchange, now, events| exchange.amend(accounts[0].account(), &ice, &more, now, events));
        assert_eq!(done, Ok(()));
        let book = venue.exchange.book(&symbol("BTC-PERP")).expect("a book");
        assert_eq!(book.orders().map(|order| (order.leaves.0, order.shown.0)).collect::<Vec<_>>(), [(25, 7)]);
    }
}
