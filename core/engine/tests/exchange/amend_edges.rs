//! Changes and cancels where a comparison decides: each of these was found by turning one of the exchange's around.

use deepalpha_engine::book::MAX_ICEBERG_SLICES;
use deepalpha_engine::matching::FeeModel;
use deepalpha_engine::matching::exchange::{
    CancelFilter, CounterpartyId, ExchangeConfig, ExchangeError, LiquidityKind, OrderChange,
};
use deepalpha_engine::orders::{OrderRequest, OrderType, TrailOffset};
use deepalpha_engine::types::{ClientOrderId, Money, Price, Quantity, Ratio, SCALE, Side};

use crate::kit::{Venue, currency, futures_account, money, perpetual, price, quantity, spot, spot_account, symbol};

fn amend(
    venue: &mut Venue,
    who: CounterpartyId,
    order: &ClientOrderId,
    lots: Option<&str>,
    limit: Option<&str>,
    trigger: Option<&str>,
) -> Result<(), ExchangeError> {
    let change = OrderChange { quantity: lots.map(quantity), limit: limit.map(price), trigger: trigger.map(price) };
    venue.command(|exchange, now, events| exchange.amend(who.account(), order, &change, now, events))
}

fn free(venue: &Venue, who: CounterpartyId, name: &str) -> Money {
    let portfolio = venue.exchange.portfolio(who.account()).expect("an account");
    portfolio.free(currency(name)).expect("it fits")
}

fn terms(venue: &Venue, who: CounterpartyId, order: &ClientOrderId) -> (OrderType, Quantity) {
    let order = venue.exchange.order(who.account(), order).expect("it is known");
    (order.request.order_type, order.request.quantity)
}

#[test]
fn without_a_delay_a_cancel_and_a_change_are_done_when_the_call_returns() {
    let (mut venue, accounts) = Venue::futures(1);
    let orders = ["101", "102", "103"].map(|at| {
        let sell = venue.limit(Side::Sell, "1", at);
        venue.send(accounts[0], sell)
    });
    assert_eq!(amend(&mut venue, accounts[0], &orders[0], Some("0.5"), None, None), Ok(()));
    assert_eq!(terms(&venue, accounts[0], &orders[0]).1, quantity("0.5"));
    assert_eq!(venue.cancel(accounts[0], &orders[0]), Ok(()));
    assert_eq!(venue.state(accounts[0], &orders[0]), "cancelled");
    let all = CancelFilter::default();
    let asked =
        venue.command(|exchange, now, events| exchange.cancel_all(accounts[0].account(), &all, now, "all", events));
    assert_eq!((asked, venue.exchange.working(accounts[0].account()).len()), (Ok(2), 0));
    assert_eq!(venue.exchange.next_event(), None, "nothing is on its way");
}

#[test]
fn a_cancel_of_all_of_one_instrument_leaves_the_others() {
    let other = deepalpha_engine::types::Instrument { symbol: symbol("ETH-PERP"), ..perpetual() };
    let listings = [(perpetual(), LiquidityKind::Book), (other, LiquidityKind::Book)];
    let mut venue = Venue::new(ExchangeConfig::default(), &listings);
    let fees = FeeModel::flat(Ratio::ZERO);
    let who = venue.exchange.open_counterparty(futures_account("1000", "10"), fees).expect("an account");
    let [btc, eth] = ["BTC-PERP", "ETH-PERP"].map(|name| {
        let buy = OrderRequest { symbol: symbol(name), ..venue.limit(Side::Buy, "1", "99") };
        venue.send(who, buy)
    });
    let only = CancelFilter { symbol: Some(symbol("BTC-PERP")), ..CancelFilter::default() };
    let asked = venue.command(|exchange, now, events| exchange.cancel_all(who.account(), &only, now, "btc", events));
    assert_eq!((asked, venue.state(who, &btc), venue.state(who, &eth)), (Ok(1), "cancelled", "accepted"));
}

#[test]
fn a_changed_quantity_counts_what_is_filled() {
    let (mut venue, accounts) = Venue::futures(2);
    let buy = venue.limit(Side::Buy, "3", "100");
    let buy = venue.send(accounts[0], buy);
    let sell = venue.limit(Side::Sell, "1", "100");
    venue.send(accounts[1], sell);
    assert_eq!(amend(&mut venue, accounts[0], &buy, Some("2.5"), None, None), Ok(()));
    assert_eq!(terms(&venue, accounts[0], &buy).1, quantity("2.5"));
    let book = venue.exchange.book(&symbol("BTC-PERP")).expect("a book");
    assert_eq!(book.best(Side::Buy).map(|level| level.quantity.0), Some(15), "1.5 of 2.5 are left");
    let sell = venue.limit(Side::Sell, "4", "100");
    venue.send(accounts[1], sell);
    assert_eq!(venue.fills_of(&buy), ["1@100", "1.5@100"]);
}

#[test]
fn the_same_quantity_and_price_again_keep_the_place() {
    let (mut venue, accounts) = Venue::futures(3);
    let [first, _] = [0, 1].map(|who| {
        let buy = venue.limit(Side::Buy, "1", "100");
        venue.send(accounts[who], buy)
    });
    assert_eq!(amend(&mut venue, accounts[0], &first, Some("1"), Some("100"), None), Ok(()));
    let sell = venue.limit(Side::Sell, "0.1", "99");
    venue.send(accounts[2], sell);
    assert_eq!(venue.fills_of(&first).len(), 1);
}

#[test]
fn what_only_reduces_may_move_and_shrink_but_not_grow() {
    let (mut venue, accounts) = Venue::futures(2);
    let sell = venue.limit(Side::Sell, "3", "100");
    venue.send(accounts[1], sell);
    let buy = venue.limit(Side::Buy, "3", "100");
    venue.send(accounts[0], buy);
    let exit = OrderRequest { reduce_only: true, ..venue.limit(Side::Sell, "2", "110") };
    let exit = venue.send(accounts[0], exit);
    assert_eq!(amend(&mut venue, accounts[0], &exit, Some("2"), Some("111"), None), Ok(()));
    let larger = amend(&mut venue, accounts[0], &exit, Some("2.1"), None, None);
    assert!(matches!(larger, Err(ExchangeError::BadAmend { .. })), "{larger:?}");
    assert_eq!(terms(&venue, accounts[0], &exit), (OrderType::Limit(price("111")), quantity("2")));
}

#[test]
fn an_iceberg_may_have_so_many_slices_and_not_one_more() {
    let (mut venue, accounts) = Venue::futures(1);
    let ice = OrderRequest { display: Some(quantity("0.2")), ..venue.limit(Side::Sell, "1", "100") };
    let ice = venue.send(accounts[0], ice);
    let most = Quantity::from_raw(quantity("0.2").raw() * MAX_ICEBERG_SLICES);
    let text = |quantity: Quantity| quantity.to_string();
    assert_eq!(amend(&mut venue, accounts[0], &ice, Some(&text(most)), None, None), Ok(()));
    let more = Quantity::from_raw(most.raw() + SCALE / 10);
    let refused = amend(&mut venue, accounts[0], &ice, Some(&text(more)), None, None);
    assert!(refused.as_ref().is_err_and(|error| error.to_string().contains("slices")), "{refused:?}");
}

#[test]
fn a_trigger_is_changed_while_it_sleeps_and_not_after() {
    let (mut venue, accounts) = Venue::futures(2);
    let order_type = OrderType::StopLimit { trigger: price("105"), limit: price("99") };
    let stop = venue.request(Side::Buy, "1", order_type);
    let stop = venue.send(accounts[0], stop);
    assert_eq!(amend(&mut venue, accounts[0], &stop, None, None, Some("103")), Ok(()));
    let print = |venue: &mut Venue, at: &str| {
        let sell = venue.limit(Side::Sell, "0.1", at);
        venue.send(accounts[1], sell);
        let buy = venue.limit(Side::Buy, "0.1", at);
        venue.send(accounts[0], buy);
    };
    print(&mut venue, "102.5");
    assert_eq!(venue.steps(&stop), ["accept", "amend"]);
    print(&mut venue, "103");
    assert_eq!(venue.steps(&stop), ["accept", "amend", "trigger"]);
    let late = amend(&mut venue, accounts[0], &stop, None, None, Some("104"));
    assert!(late.as_ref().is_err_and(|error| error.to_string().contains("trigger is behind it")), "{late:?}");
    assert_eq!(amend(&mut venue, accounts[0], &stop, None, Some("98"), None), Ok(()));
}

#[test]
fn a_sleeping_order_that_shrinks_still_wakes() {
    let (mut venue, accounts) = Venue::futures(2);
    let stop = venue.request(Side::Buy, "2", OrderType::Stop(price("103")));
    let stop = venue.send(accounts[0], stop);
    assert_eq!(amend(&mut venue, accounts[0], &stop, Some("1"), None, None), Ok(()));
    assert_eq!(amend(&mut venue, accounts[0], &stop, Some("3"), None, Some("102")), Ok(()));
    for at in ["102", "102", "102.5"] {
        let sell = venue.limit(Side::Sell, "3", at);
        venue.send(accounts[1], sell);
    }
    let buy = venue.limit(Side::Buy, "3", "102");
    venue.send(accounts[0], buy);
    assert_eq!(venue.steps(&stop), ["accept", "amend", "amend", "trigger", "fill"]);
    assert_eq!(venue.fills_of(&stop), ["3@102"]);
}

#[test]
fn a_trailing_stop_takes_another_quantity_and_no_price() {
    let (mut venue, accounts) = Venue::futures(1);
    let trail = OrderType::TrailingStop(TrailOffset::Price(price("2")));
    let stop = venue.request(Side::Sell, "2", trail);
    let stop = venue.send(accounts[0], stop);
    for (limit, trigger) in [(Some("90"), None), (None, Some("90"))] {
        let refused = amend(&mut venue, accounts[0], &stop, None, limit, trigger);
        assert!(refused.as_ref().is_err_and(|error| error.to_string().contains("no such price")), "{refused:?}");
    }
    assert_eq!(amend(&mut venue, accounts[0], &stop, Some("1"), None, None), Ok(()));
    assert_eq!(terms(&venue, accounts[0], &stop), (trail, quantity("1")));
}

#[test]
fn a_post_only_order_is_not_moved_into_the_market_and_may_shrink_where_it_stands() {
    let (mut venue, accounts) = Venue::futures(2);
    let sell = venue.limit(Side::Sell, "1", "101");
    venue.send(accounts[1], sell);
    let buy = OrderRequest { post_only: true, ..venue.limit(Side::Buy, "1", "100") };
    let buy = venue.send(accounts[0], buy);
    let refused = amend(&mut venue, accounts[0], &buy, None, Some("101"), None);
    assert!(refused.as_ref().is_err_and(|error| error.to_string().contains("post-only")), "{refused:?}");
    assert_eq!(amend(&mut venue, accounts[0], &buy, Some("0.5"), None, None), Ok(()));
    assert_eq!(amend(&mut venue, accounts[0], &buy, None, Some("100.5"), None), Ok(()));
    assert_eq!(terms(&venue, accounts[0], &buy), (OrderType::Limit(price("100.5")), quantity("0.5")));
}

#[test]
fn an_order_made_smaller_gives_back_exactly_its_share() {
    let (mut venue, accounts) = Venue::futures(1);
    let buy = venue.limit(Side::Buy, "4", "100");
    let buy = venue.send(accounts[0], buy);
    let before = free(&venue, accounts[0], "USDT");
    assert_eq!(amend(&mut venue, accounts[0], &buy, Some("1"), None, None), Ok(()));
    let back = free(&venue, accounts[0], "USDT").minus(before);
    assert_eq!(back, Ok(money("30")), "a tenth of 300");

    let mut venue = Venue::new(ExchangeConfig::default(), &[(spot(), LiquidityKind::Book)]);
    let fees = FeeModel::flat(Ratio::ZERO);
    let who = venue.exchange.open_counterparty(spot_account("0", "5"), fees).expect("an account");
    let sell = OrderRequest { symbol: symbol("BTC/USDT"), ..venue.limit(Side::Sell, "4", "100") };
    let sell = venue.send(who, sell);
    assert_eq!(free(&venue, who, "BTC"), money("1"));
    assert_eq!(amend(&mut venue, who, &sell, Some("1.5"), None, None), Ok(()));
    assert_eq!(free(&venue, who, "BTC"), money("3.5"));
    assert_eq!(venue.cancel(who, &sell), Ok(()));
    assert_eq!(free(&venue, who, "BTC"), money("5"));
}

#[test]
fn whoever_cancels_one_protective_order_keeps_the_other() {
    for (gone, stays) in [(0, 1), (1, 0)] {
        let (mut venue, accounts) = Venue::futures(2);
        let sell = venue.limit(Side::Sell, "5", "100");
        venue.send(accounts[1], sell);
        let levels: [Option<Price>; 2] = [Some(price("95")), Some(price("110"))];
        let entry = OrderRequest { stop_loss: levels[0], take_profit: levels[1], ..venue.limit(Side::Buy, "2", "100") };
        venue.send(accounts[0], entry);
        let protective = |venue: &Venue| -> Vec<(ClientOrderId, OrderType, Quantity)> {
            let working = venue.exchange.working(accounts[0].account());
            let mut found: Vec<_> = working
                .iter()
                .filter(|order| order.protective)
                .map(|order| (order.request.client_order_id, order.request.order_type, order.request.quantity))
                .collect();
            found.sort_by_key(|(_, order_type, _)| order_type.is_conditional());
            found.reverse();
            found
        };
        let both = protective(&venue);
        assert_eq!(both.len(), 2, "stop and target: {both:?}");
        assert_eq!(venue.cancel(accounts[0], &both[gone].0), Ok(()));
        assert_eq!(protective(&venue), [both[stays]]);
        // The position grows: what was taken back stays away, and the other follows.
        let more = venue.limit(Side::Buy, "1", "100");
        venue.send(accounts[0], more);
        let left = protective(&venue);
        assert_eq!(left.iter().map(|found| (found.1, found.2)).collect::<Vec<_>>(), [(both[stays].1, quantity("3"))]);
    }
}
