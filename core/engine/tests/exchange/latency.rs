//! Messages that are on their way: races between fills and cancels, and who comes first.

use deepalpha_engine::matching::exchange::{CancelFilter, CounterpartyId, ExchangeConfig, LiquidityKind, OrderChange};
use deepalpha_engine::matching::{Delay, FeeModel, LatencyModel};
use deepalpha_engine::types::{Price, Ratio, Side, SignedQuantity};

use crate::kit::{Venue, futures_account, perpetual, price, quantity};

fn delayed(order: i64, cancel: i64) -> (Venue, Vec<CounterpartyId>) {
    let latency = LatencyModel::new(Delay::Constant(order), Delay::Constant(cancel), Delay::Constant(0), 7);
    let config = ExchangeConfig { latency, ..ExchangeConfig::default() };
    let mut venue = Venue::new(config, &[(perpetual(), LiquidityKind::Book)]);
    let accounts = (0..2)
        .map(|_| {
            let portfolio = futures_account("1000000", "10");
            venue.exchange.open_counterparty(portfolio, FeeModel::flat(Ratio::ZERO)).expect("an account")
        })
        .collect();
    (venue, accounts)
}

fn pass(venue: &mut Venue, nanos: i64) {
    venue.now += nanos;
    venue.command(|exchange, now, events| exchange.advance(now, events)).expect("time passes");
}

#[test]
fn an_order_works_only_once_it_has_arrived() {
    let (mut venue, accounts) = delayed(10, 10);
    let sell = venue.limit(Side::Sell, "1", "100");
    let sell = venue.send(accounts[0], sell);
    assert_eq!(venue.state(accounts[0], &sell), "submitted");
    assert!(venue.exchange.book(&perpetual().symbol).is_some_and(deepalpha_engine::book::Book::is_empty));
    pass(&mut venue, 8);
    assert_eq!(venue.state(accounts[0], &sell), "submitted", "one nanosecond too early");
    pass(&mut venue, 0);
    assert_eq!(venue.state(accounts[0], &sell), "accepted");
    let accepted = venue.exchange.order(accounts[0].account(), &sell).map(|order| order.ts_accepted.0);
    assert_eq!(accepted, Some(11));
}

#[test]
fn a_fill_that_is_before_the_cancel_counts_and_the_cancel_takes_the_rest() {
    let (mut venue, accounts) = delayed(5, 20);
    let sell = venue.limit(Side::Sell, "1", "100");
    let sell = venue.send(accounts[0], sell);
    pass(&mut venue, 10);
    assert_eq!(venue.cancel(accounts[0], &sell), Ok(()));
    let buy = venue.limit(Side::Buy, "0.4", "100");
    venue.send(accounts[1], buy);
    pass(&mut venue, 10);
    assert_eq!(venue.state(accounts[0], &sell), "partially_filled", "the cancel is still on its way");
    pass(&mut venue, 20);
    assert_eq!(venue.steps(&sell), ["accept", "fill", "cancel"]);
    assert_eq!(venue.position(accounts[0]), SignedQuantity::from_raw(-quantity("0.4").raw()));
}

#[test]
fn a_cancel_that_loses_the_race_is_refused_and_the_order_stays_filled() {
    let (mut venue, accounts) = delayed(5, 20);
    let sell = venue.limit(Side::Sell, "1", "100");
    let sell = venue.send(accounts[0], sell);
    pass(&mut venue, 10);
    assert_eq!(venue.cancel(accounts[0], &sell), Ok(()));
    let buy = venue.limit(Side::Buy, "1", "100");
    venue.send(accounts[1], buy);
    pass(&mut venue, 40);
    assert_eq!(venue.steps(&sell), ["accept", "fill", "reject_cancel"]);
    assert_eq!(venue.state(accounts[0], &sell), "filled");
}

#[test]
fn a_cancel_that_overtakes_its_order_finds_nothing_and_the_order_works() {
    let (mut venue, accounts) = delayed(20, 5);
    let sell = venue.limit(Side::Sell, "1", "100");
    let sell = venue.send(accounts[0], sell);
    assert_eq!(venue.cancel(accounts[0], &sell), Ok(()));
    pass(&mut venue, 40);
    assert_eq!(venue.steps(&sell), ["reject_cancel", "accept"]);
}

#[test]
fn a_cancel_of_all_that_overtakes_an_order_finds_it_no_more_than_a_single_one() {
    let (mut venue, accounts) = delayed(20, 0);
    let rests = venue.limit(Side::Sell, "1", "101");
    let rests = venue.send(accounts[0], rests);
    pass(&mut venue, 40);
    let sell = venue.limit(Side::Sell, "1", "100");
    let sell = venue.send(accounts[0], sell);
    let filter = CancelFilter::default();
    let asked = venue
        .command(|exchange, now, events| exchange.cancel_all(accounts[0].account(), &filter, now, "asked to", events));
    assert_eq!(asked, Ok(2));
    assert_eq!(venue.steps(&rests), ["accept", "cancel"]);
    assert_eq!(venue.steps(&sell), ["reject_cancel"]);
    pass(&mut venue, 40);
    assert_eq!(venue.steps(&sell), ["reject_cancel", "accept"], "it arrives, and the exchange goes on");
}

#[test]
fn a_change_that_comes_too_late_is_refused_in_words() {
    let (mut venue, accounts) = delayed(5, 20);
    let sell = venue.limit(Side::Sell, "1", "100");
    let sell = venue.send(accounts[0], sell);
    pass(&mut venue, 10);
    let change = OrderChange { limit: Some(price("101")), ..OrderChange::default() };
    let sent =
        venue.command(|exchange, now, events| exchange.amend(accounts[0].account(), &sell, &change, now, events));
    assert_eq!(sent, Ok(()));
    let buy = venue.limit(Side::Buy, "1", "100");
    venue.send(accounts[1], buy);
    pass(&mut venue, 40);
    assert_eq!(venue.steps(&sell), ["accept", "fill", "reject_amend"]);
    let reason = venue.step_records(&sell).last().map(|step| step.reason.clone());
    assert!(reason.is_some_and(|reason| reason.contains("filled already")));
}

#[test]
fn what_arrives_at_one_instant_keeps_the_order_it_was_sent_in() {
    let (mut venue, accounts) = delayed(10, 10);
    let orders: Vec<_> = (0..5)
        .map(|number| {
            let buy = venue.limit(Side::Buy, "1", "100");
            let _ = venue.exchange.submit_counterparty(
                accounts[number % 2],
                buy,
                deepalpha_engine::types::UtcNanos(1),
                &mut venue.events,
            );
            buy.client_order_id
        })
        .collect();
    venue.now = 1;
    pass(&mut venue, 30);
    let best: Price = price("100");
    let book = venue.exchange.book(&perpetual().symbol).expect("a book");
    let ticks = deepalpha_engine::book::Ticks::from_price(best, perpetual().tick_size).expect("on the tick");
    let owners: Vec<u32> = book.level(ticks).map(|order| order.owner).collect();
    assert_eq!(owners, [0, 1, 0, 1, 0]);
    let ranks = orders
        .iter()
        .enumerate()
        .map(|(number, id)| venue.exchange.order(accounts[number % 2].account(), id).map(|order| order.rank));
    assert!(ranks.collect::<Vec<_>>().is_sorted());
}
