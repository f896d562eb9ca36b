//! The life of an order in a book: every type, every option, every end.

use deepalpha_engine::matching::exchange::{CancelFilter, ExchangeConfig, ExchangeError, LiquidityKind, OrderChange};
use deepalpha_engine::matching::{FeeModel, Liquidity, VenueEvent};
use deepalpha_engine::orders::{OrderRequest, OrderType, TimeInForce, TrailOffset};
use deepalpha_engine::types::{Money, Ratio, Side, SignedQuantity, UtcNanos};

use crate::kit::{Venue, futures_account, id, money, perpetual, price, quantity, ratio, spot, spot_account, symbol};

#[test]
fn a_trade_is_at_the_resting_price_and_both_sides_are_told() {
    let (mut venue, accounts) = Venue::futures(2);
    let [maker, taker] = accounts.as_slice() else { panic!("two accounts") };
    let sell = venue.limit(Side::Sell, "1", "100");
    let sell = venue.send(*maker, sell);
    let buy = venue.limit(Side::Buy, "0.4", "105");
    let buy = venue.send(*taker, buy);
    assert_eq!(venue.fills_of(&sell), ["0.4@100"]);
    assert_eq!(venue.fills_of(&buy), ["0.4@100"]);
    assert_eq!(venue.steps(&buy), ["accept", "fill"]);
    assert_eq!((venue.state(*maker, &sell), venue.state(*taker, &buy)), ("partially_filled", "filled"));
    let found = venue.fills().into_iter().map(|(event, _)| event.execution.map(|trade| trade.liquidity));
    assert_eq!(found.collect::<Vec<_>>(), [Some(Liquidity::Maker), Some(Liquidity::Taker)]);
    assert_eq!(venue.exchange.mark_price(&symbol("BTC-PERP")), Some(price("100")));
}

#[test]
fn an_order_fills_in_one_three_and_a_hundred_slices() {
    for (slices, each) in [(1, "10"), (3, "2"), (100, "0.1")] {
        let (mut venue, accounts) = Venue::futures(2);
        let [maker, taker] = accounts.as_slice() else { panic!("two accounts") };
        for _ in 0..slices {
            let sell = venue.limit(Side::Sell, each, "100");
            venue.send(*maker, sell);
        }
        let buy = venue.market(Side::Buy, "10");
        let buy = venue.send(*taker, buy);
        assert_eq!(venue.fills_of(&buy).len(), slices);
        let expected = if slices == 3 { ("expired", "6") } else { ("filled", "10") };
        assert_eq!(venue.state(*taker, &buy), expected.0, "a market order never rests");
        assert_eq!(venue.position(*taker), SignedQuantity::from_raw(quantity(expected.1).raw()));
    }
}

#[test]
fn a_market_order_stops_at_its_bound_and_one_without_a_market_expires() {
    let (mut venue, accounts) = Venue::futures(2);
    let [maker, taker] = accounts.as_slice() else { panic!("two accounts") };
    let alone = venue.market(Side::Buy, "1");
    let alone = venue.send(*taker, alone);
    assert_eq!(venue.steps(&alone), ["accept", "expire"]);
    for at in ["100", "105", "105.5"] {
        let sell = venue.limit(Side::Sell, "1", at);
        venue.send(*maker, sell);
    }
    let buy = venue.market(Side::Buy, "3");
    let buy = venue.send(*taker, buy);
    assert_eq!(venue.fills_of(&buy), ["1@100", "1@105"], "5 % and not a tick more");
}

#[test]
fn fill_or_kill_is_all_or_nothing_and_post_only_never_takes() {
    let (mut venue, accounts) = Venue::futures(2);
    let [maker, taker] = accounts.as_slice() else { panic!("two accounts") };
    let sell = venue.limit(Side::Sell, "1", "100");
    venue.send(*maker, sell);
    let before = venue.exchange.book(&symbol("BTC-PERP")).map(deepalpha_engine::book::Book::state_hash);
    let fok = OrderRequest { time_in_force: TimeInForce::Fok, ..venue.limit(Side::Buy, "2", "100") };
    let fok = venue.send(*taker, fok);
    assert_eq!(venue.steps(&fok), ["accept", "expire"]);
    let post = OrderRequest { post_only: true, ..venue.limit(Side::Buy, "1", "100") };
    let post = venue.send(*taker, post);
    assert_eq!(venue.steps(&post), ["reject"]);
    assert_eq!(before, venue.exchange.book(&symbol("BTC-PERP")).map(deepalpha_engine::book::Book::state_hash));
    let ioc = OrderRequest { time_in_force: TimeInForce::Ioc, ..venue.limit(Side::Buy, "2", "100") };
    let ioc = venue.send(*taker, ioc);
    assert_eq!(venue.steps(&ioc), ["accept", "fill", "expire"]);
}

#[test]
fn a_cancel_is_done_once_and_a_filled_order_is_not_cancelled() {
    let (mut venue, accounts) = Venue::futures(2);
    let [maker, taker] = accounts.as_slice() else { panic!("two accounts") };
    let sell = venue.limit(Side::Sell, "1", "100");
    let sell = venue.send(*maker, sell);
    assert_eq!(venue.cancel(*maker, &sell), Ok(()));
    let closed = |state| Err(ExchangeError::OrderClosed { client_order_id: sell, state });
    assert_eq!(venue.cancel(*maker, &sell), closed("cancelled"));
    let again = venue.limit(Side::Sell, "1", "100");
    let again = venue.send(*maker, again);
    let buy = venue.market(Side::Buy, "1");
    venue.send(*taker, buy);
    let closed = Err(ExchangeError::OrderClosed { client_order_id: again, state: "filled" });
    assert_eq!(venue.cancel(*maker, &again), closed);
    assert!(matches!(venue.cancel(*maker, &id("nobody")), Err(ExchangeError::UnknownOrder { .. })));
    assert!(matches!(venue.cancel(*taker, &sell), Err(ExchangeError::UnknownOrder { .. })), "another account's");
}

#[test]
fn an_id_that_is_known_is_not_an_order_again() {
    let (mut venue, accounts) = Venue::futures(1);
    let sell = venue.limit(Side::Sell, "1", "100");
    let first = venue.try_send(accounts[0], sell);
    let events = venue.events.len();
    assert_eq!(venue.try_send(accounts[0], OrderRequest { quantity: quantity("5"), ..sell }), first);
    assert_eq!(venue.events.len(), events);
    assert_eq!(venue.exchange.working(accounts[0].account()).len(), 1);
}

#[test]
fn orders_of_one_account_never_trade_and_its_rest_is_cancelled() {
    let (mut venue, accounts) = Venue::futures(2);
    let sell = venue.limit(Side::Sell, "1", "100");
    let sell = venue.send(accounts[0], sell);
    let buy = venue.limit(Side::Buy, "2", "100");
    let buy = venue.send(accounts[0], buy);
    assert_eq!(venue.steps(&buy), ["accept", "cancel"]);
    assert_eq!(venue.state(accounts[0], &sell), "accepted");
    assert!(venue.fills().is_empty());
}

#[test]
fn a_decrease_keeps_its_place_and_an_increase_or_another_price_loses_it() {
    let change = |quantity, limit| OrderChange { quantity, limit, ..OrderChange::default() };
    for (what, first) in [
        (change(Some(quantity("0.5")), None), 0),
        (change(Some(quantity("1.5")), None), 1),
        (change(None, Some(price("99.5"))), 1),
    ] {
        let (mut venue, accounts) = Venue::futures(3);
        let orders: Vec<_> = (0..2)
            .map(|place| {
                let buy = venue.limit(Side::Buy, "1", "100");
                venue.send(accounts[place], buy)
            })
            .collect();
        let done = venue
            .command(|exchange, now, events| exchange.amend(accounts[0].account(), &orders[0], &what, now, events));
        assert_eq!(done, Ok(()));
        let sell = venue.limit(Side::Sell, "0.1", "99");
        venue.send(accounts[2], sell);
        assert_eq!(venue.fills_of(&orders[first]).len(), 1, "{what:?}");
    }
}

#[test]
fn an_amended_price_that_crosses_trades_at_once_at_the_resting_price() {
    let (mut venue, accounts) = Venue::futures(2);
    let sell = venue.limit(Side::Sell, "1", "101");
    venue.send(accounts[0], sell);
    let buy = venue.limit(Side::Buy, "2", "99");
    let buy = venue.send(accounts[1], buy);
    let change = OrderChange { limit: Some(price("102")), ..OrderChange::default() };
    let done = venue.command(|exchange, now, events| exchange.amend(accounts[1].account(), &buy, &change, now, events));
    assert_eq!(done, Ok(()));
    assert_eq!(venue.fills_of(&buy), ["1@101"]);
    assert_eq!(venue.steps(&buy), ["accept", "amend", "fill"]);
    let less = OrderChange { quantity: Some(quantity("1")), ..OrderChange::default() };
    let refused =
        venue.command(|exchange, now, events| exchange.amend(accounts[1].account(), &buy, &less, now, events));
    assert!(matches!(refused, Err(ExchangeError::BadAmend { .. })), "as much is filled: {refused:?}");
}

#[test]
fn an_amend_that_cannot_be_paid_changes_nothing() {
    let mut venue = Venue::new(ExchangeConfig::default(), &[(spot(), LiquidityKind::Book)]);
    let who =
        venue.exchange.open_counterparty(spot_account("100", "0"), FeeModel::flat(Ratio::ZERO)).expect("an account");
    let buy = OrderRequest { symbol: symbol("BTC/USDT"), ..venue.limit(Side::Buy, "1", "100") };
    let buy = venue.send(who, buy);
    let hash = venue.exchange.portfolio(who.account()).cloned();
    let change = OrderChange { limit: Some(price("100.5")), ..OrderChange::default() };
    let refused = venue.command(|exchange, now, events| exchange.amend(who.account(), &buy, &change, now, events));
    assert!(matches!(refused, Err(ExchangeError::Portfolio(_))), "{refused:?}");
    assert_eq!(venue.exchange.portfolio(who.account()).cloned(), hash);
    assert_eq!(venue.steps(&buy), ["accept"]);
}

#[test]
fn gtd_and_day_orders_expire_at_their_instant() {
    let (mut venue, accounts) = Venue::futures(1);
    let until = TimeInForce::Gtd(UtcNanos(500));
    let gtd = OrderRequest { time_in_force: until, ..venue.limit(Side::Buy, "1", "99") };
    let gtd = venue.send(accounts[0], gtd);
    let day = OrderRequest { time_in_force: TimeInForce::Day, ..venue.limit(Side::Buy, "1", "99") };
    let day = venue.send(accounts[0], day);
    for (now, states) in
        [(499, ["accepted", "accepted"]), (500, ["expired", "accepted"]), (UtcNanos::DAY, ["expired"; 2])]
    {
        venue.now = now - 1;
        assert_eq!(venue.command(|exchange, now, events| exchange.advance(now, events)), Ok(()));
        assert_eq!([venue.state(accounts[0], &gtd), venue.state(accounts[0], &day)], states, "at {now}");
    }
}

#[test]
fn conditional_orders_wake_once_at_a_traded_price() {
    let (mut venue, accounts) = Venue::futures(3);
    let [maker, taker, sleeper] = accounts.as_slice() else { panic!("three accounts") };
    for at in ["99", "100", "101"] {
        let buy = venue.limit(Side::Buy, "1", at);
        venue.send(*maker, buy);
    }
    let stop = venue.request(Side::Sell, "0.5", OrderType::Stop(price("100.5")));
    let stop = venue.send(*sleeper, stop);
    let limit = OrderType::StopLimit { trigger: price("100"), limit: price("99.5") };
    let stop_limit = venue.request(Side::Sell, "0.5", limit);
    let stop_limit = venue.send(*sleeper, stop_limit);
    let sell = venue.market(Side::Sell, "1");
    venue.send(*taker, sell);
    assert_eq!(venue.steps(&stop), ["accept"], "101 traded");
    let sell = venue.market(Side::Sell, "0.1");
    venue.send(*taker, sell);
    assert_eq!(venue.steps(&stop), ["accept", "trigger", "fill"], "100 traded");
    assert_eq!(venue.steps(&stop_limit), ["accept", "trigger", "fill", "fill"].get(..3).unwrap_or_default());
    assert_eq!(venue.fills_of(&stop), ["0.5@100"]);
    assert_eq!(venue.fills_of(&stop_limit), ["0.4@100"]);
    assert_eq!(venue.state(*sleeper, &stop_limit), "partially_filled", "its rest waits at its limit");
}

#[test]
fn a_trailing_stop_follows_and_then_sells() {
    let (mut venue, accounts) = Venue::futures(3);
    let [maker, taker, sleeper] = accounts.as_slice() else { panic!("three accounts") };
    let trail = venue.request(Side::Sell, "1", OrderType::TrailingStop(TrailOffset::Price(price("2"))));
    let trail = venue.send(*sleeper, trail);
    for at in ["100", "104", "103", "102"] {
        assert_eq!(venue.steps(&trail), ["accept"], "before {at}");
        let sell = venue.limit(Side::Sell, "1", at);
        venue.send(*maker, sell);
        let buy = venue.limit(Side::Buy, "1.5", at);
        let buy = venue.send(*taker, buy);
        if at != "102" {
            assert_eq!(venue.cancel(*taker, &buy), Ok(()));
        }
    }
    assert_eq!(venue.fills_of(&trail), ["0.5@102"], "104 less 2");
}

#[test]
fn of_an_oco_pair_that_one_sweep_reaches_only_one_trades() {
    let (mut venue, accounts) = Venue::futures(2);
    let pair: Vec<_> = ["101", "102"]
        .into_iter()
        .map(|at| {
            let sell = OrderRequest { oco_group: id("pair"), ..venue.limit(Side::Sell, "1", at) };
            venue.send(accounts[0], sell)
        })
        .collect();
    let fok = OrderRequest { time_in_force: TimeInForce::Fok, ..venue.limit(Side::Buy, "2", "103") };
    let fok = venue.send(accounts[1], fok);
    assert_eq!(venue.steps(&fok), ["accept", "expire"], "only one of the two is there to take");
    let buy = venue.limit(Side::Buy, "2", "103");
    let buy = venue.send(accounts[1], buy);
    assert_eq!(venue.fills_of(&buy), ["1@101"]);
    assert_eq!([venue.state(accounts[0], &pair[0]), venue.state(accounts[0], &pair[1])], ["filled", "cancelled"]);
    let late = OrderRequest { oco_group: id("pair"), ..venue.limit(Side::Sell, "1", "104") };
    let late = venue.send(accounts[0], late);
    assert_eq!(venue.steps(&late), ["reject"], "the group is done");
}

#[test]
fn reduce_only_shrinks_with_the_position_and_never_turns_it() {
    let (mut venue, accounts) = Venue::futures(2);
    let [trader, other] = accounts.as_slice() else { panic!("two accounts") };
    let nothing = OrderRequest { reduce_only: true, ..venue.limit(Side::Sell, "1", "105") };
    let nothing = venue.send(*trader, nothing);
    assert_eq!(venue.steps(&nothing), ["reject"]);
    let sell = venue.limit(Side::Sell, "2", "100");
    venue.send(*other, sell);
    let buy = venue.market(Side::Buy, "2");
    venue.send(*trader, buy);
    let plain = venue.limit(Side::Sell, "1", "101");
    venue.send(*trader, plain);
    let reduce = OrderRequest { reduce_only: true, ..venue.limit(Side::Sell, "5", "102") };
    let reduce = venue.send(*trader, reduce);
    assert_eq!(venue.steps(&reduce), ["accept", "amend"], "as large as the position");
    let sweep = venue.limit(Side::Buy, "9", "103");
    let sweep = venue.send(*other, sweep);
    assert_eq!(venue.fills_of(&sweep), ["1@101", "1@102"], "after the plain sale only one was left to reduce");
    assert_eq!(venue.position(*trader), SignedQuantity::ZERO);
    assert_eq!(venue.state(*trader, &reduce), "filled");
}

#[test]
fn a_bracket_follows_the_position_and_one_leg_takes_the_other_along() {
    let (mut venue, accounts) = Venue::futures(2);
    let [trader, other] = accounts.as_slice() else { panic!("two accounts") };
    for (side, at) in [(Side::Sell, "100"), (Side::Sell, "100"), (Side::Buy, "90")] {
        let order = venue.limit(side, "1", at);
        venue.send(*other, order);
    }
    let levels = (Some(price("95")), Some(price("110")));
    let entry = OrderRequest { stop_loss: levels.0, take_profit: levels.1, ..venue.limit(Side::Buy, "2", "100") };
    let entry = venue.send(*trader, entry);
    let attached: Vec<_> = venue
        .events
        .iter()
        .filter_map(|event| if let VenueEvent::Attached(request) = &event.event { Some(**request) } else { None })
        .collect();
    let found: Vec<_> =
        attached.iter().map(|request| (request.client_order_id.to_string(), request.quantity)).collect();
    let two = quantity("2");
    assert_eq!(found, [(format!("{entry}-SL1"), two), (format!("{entry}-TP2"), two)]);
    let (stop, target) = (attached[0].client_order_id, attached[1].client_order_id);
    let buy = venue.limit(Side::Buy, "0.5", "110");
    venue.send(*other, buy);
    assert_eq!(venue.fills_of(&target), ["0.5@110"]);
    let working = venue.exchange.order(trader.account(), &stop).map(|order| order.request.quantity);
    assert_eq!(working, Some(quantity("1.5")));
    let crash = venue.limit(Side::Sell, "0.1", "90");
    venue.send(*other, crash);
    let mut third = venue.limit(Side::Buy, "5", "94");
    third.client_order_id = id("third");
    venue.send(*other, third);
    let print = venue.limit(Side::Sell, "0.1", "94");
    // The account of `other` would meet itself, so the price is printed by the trader.
    venue.send(*trader, print);
    assert_eq!(venue.position(*trader), SignedQuantity::ZERO);
    assert_eq!([venue.state(*trader, &stop), venue.state(*trader, &target)], ["filled", "cancelled"]);
    assert!(venue.exchange.working(trader.account()).is_empty());
}

#[test]
fn what_is_not_listed_or_not_affordable_is_refused_with_the_reason() {
    let mut venue = Venue::new(ExchangeConfig::default(), &[(perpetual(), LiquidityKind::Book)]);
    let poor =
        venue.exchange.open_counterparty(futures_account("5", "10"), FeeModel::flat(Ratio::ZERO)).expect("an account");
    let buy = venue.limit(Side::Buy, "1", "100");
    let buy = venue.send(poor, buy);
    let step = venue.step_records(&buy);
    assert_eq!(step.len(), 1);
    assert!(step[0].reason.contains("10 USDT are needed and 5 are free"), "{}", step[0].reason);
    for wrong in [
        OrderRequest { quantity: quantity("0.05"), ..venue.limit(Side::Buy, "1", "100") },
        OrderRequest { order_type: OrderType::Limit(price("100.25")), ..venue.limit(Side::Buy, "1", "100") },
    ] {
        let wrong = venue.send(poor, wrong);
        assert_eq!(venue.steps(&wrong), ["reject"]);
    }
    let elsewhere = OrderRequest { symbol: symbol("ETH"), ..venue.limit(Side::Buy, "1", "100") };
    assert!(matches!(venue.try_send(poor, elsewhere), Err(ExchangeError::UnknownSymbol { .. })));
}

#[test]
fn a_fee_never_takes_a_spot_account_below_zero() {
    let mut venue = Venue::new(ExchangeConfig::default(), &[(spot(), LiquidityKind::Book)]);
    let fees = FeeModel::PerOrder(money("4.95"));
    let seller = venue.exchange.open_counterparty(spot_account("0", "1"), fees).expect("an account");
    let fees = FeeModel::Flat { maker: ratio("0"), taker: ratio("0.001") };
    let buyer = venue.exchange.open_counterparty(spot_account("1000", "0"), fees).expect("an account");
    let sell = OrderRequest { symbol: symbol("BTC/USDT"), ..venue.limit(Side::Sell, "0.1", "10") };
    venue.send(seller, sell);
    let buy = OrderRequest { symbol: symbol("BTC/USDT"), ..venue.market(Side::Buy, "0.1") };
    venue.send(buyer, buy);
    let fees: Vec<_> = venue.fills().into_iter().map(|(_, fill)| fill.fee).collect();
    assert_eq!(fees, [money("1"), money("0.001")], "all that the sale brought, not 4.95");
    assert_eq!(venue.exchange.portfolio(seller.account()).map(|portfolio| portfolio.cash()), Some(Money::ZERO));
}

#[test]
fn cancel_all_takes_what_the_filter_names_and_frees_everything() {
    let (mut venue, accounts) = Venue::futures(2);
    let sell = venue.limit(Side::Sell, "2", "101");
    venue.send(accounts[1], sell);
    for request in [venue.limit(Side::Buy, "1", "99"), venue.market(Side::Buy, "1")] {
        venue.send(accounts[0], request);
    }
    let reduce = OrderRequest { reduce_only: true, ..venue.limit(Side::Sell, "1", "105") };
    venue.send(accounts[0], reduce);
    let account = accounts[0].account();
    for (filter, count) in [
        (CancelFilter { side: Some(Side::Sell), keep_reducing: true, ..CancelFilter::default() }, 0),
        (CancelFilter { keep_reducing: true, ..CancelFilter::default() }, 1),
        (CancelFilter::default(), 1),
    ] {
        let done = venue.command(|exchange, now, events| exchange.cancel_all(account, &filter, now, "switch", events));
        assert_eq!(done, Ok(count), "{filter:?}");
    }
    let locked = venue.exchange.portfolio(account).and_then(|portfolio| portfolio.margin_figures().ok());
    assert_eq!(locked.map(|figures| figures.locked), Some(Money::ZERO));
}
