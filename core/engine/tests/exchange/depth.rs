//! Orders against a replica of somebody's market.

use deepalpha_engine::matching::exchange::{
    CounterpartyId, DepthUpdate, ExchangeConfig, ExchangeError, LiquidityKind, MarketTrade, TopOfBook, TriggerSource,
};
use deepalpha_engine::matching::{FeeModel, Liquidity, SlippageModel};
use deepalpha_engine::orders::{OrderRequest, OrderType, TimeInForce};
use deepalpha_engine::types::{Price, Quantity, Ratio, SCALE, Side, UtcNanos};
use proptest::prelude::*;

use crate::kit::{Venue, futures_account, perpetual, price, quantity, symbol};

fn depth_venue(config: ExchangeConfig) -> (Venue, CounterpartyId) {
    let mut venue = Venue::new(config, &[(perpetual(), LiquidityKind::Depth)]);
    let portfolio = futures_account("1000000", "10");
    let who = venue.exchange.open_counterparty(portfolio, FeeModel::flat(Ratio::ZERO)).expect("an account");
    (venue, who)
}

#[test]
fn a_market_order_walks_the_levels_of_the_next_data_and_never_of_older() {
    let (mut venue, who) = depth_venue(ExchangeConfig::default());
    venue.show(&[("99", "5")], &[("100", "1"), ("101", "1"), ("110", "9")], true);
    let buy = venue.market(Side::Buy, "3");
    let buy = venue.send(who, buy);
    assert_eq!(venue.steps(&buy), ["accept"], "what was shown before it is not for it");
    venue.show(&[], &[("100", "0.5")], false);
    assert_eq!(venue.fills_of(&buy), ["0.5@100", "1@101"], "110 is beyond the bound");
    assert_eq!(venue.state(who, &buy), "expired");
    let liquidity = venue.fills().into_iter().map(|(event, _)| event.execution.map(|found| found.liquidity));
    assert!(liquidity.collect::<Vec<_>>().iter().all(|found| *found == Some(Liquidity::Taker)));
}

#[test]
fn data_of_the_orders_own_instant_is_not_newer() {
    let (mut venue, who) = depth_venue(ExchangeConfig::default());
    venue.show(&[("99", "5")], &[("100", "5")], true);
    let buy = venue.market(Side::Buy, "1");
    let buy = venue.send(who, buy);
    venue.now -= 1;
    venue.show(&[("99", "5")], &[("100", "5")], true);
    assert_eq!(venue.fills_of(&buy).len(), 0);
    venue.show(&[("99", "5")], &[("100", "5")], true);
    assert_eq!(venue.fills_of(&buy), ["1@100"]);
}

#[test]
fn an_immediate_order_that_sees_no_newer_data_expires_and_says_why() {
    let (mut venue, who) = depth_venue(ExchangeConfig { data_patience: 100, ..ExchangeConfig::default() });
    venue.show(&[("99", "5")], &[("100", "5")], true);
    let buy = venue.market(Side::Buy, "1");
    let buy = venue.send(who, buy);
    venue.now += 200;
    assert_eq!(venue.command(|exchange, now, events| exchange.advance(now, events)), Ok(()));
    assert_eq!(venue.steps(&buy), ["accept", "expire"]);
    assert!(venue.step_records(&buy)[1].reason.contains("no market data newer than the order"));
}

#[test]
fn what_was_taken_is_not_there_again_until_the_market_shows_it_anew() {
    let (mut venue, who) = depth_venue(ExchangeConfig::default());
    venue.show(&[("99", "5")], &[("100", "2"), ("101", "1")], true);
    let orders: Vec<_> = (0..2)
        .map(|_| {
            let buy = OrderRequest { time_in_force: TimeInForce::Ioc, ..venue.limit(Side::Buy, "1.5", "100") };
            venue.send(who, buy)
        })
        .collect();
    venue.show(&[("99", "4")], &[], false);
    assert_eq!([venue.fills_of(&orders[0]), venue.fills_of(&orders[1])], [["1.5@100"], ["0.5@100"]]);
    let more = OrderRequest { time_in_force: TimeInForce::Fok, ..venue.limit(Side::Buy, "1", "100") };
    let more = venue.send(who, more);
    venue.show(&[("99", "5")], &[], false);
    assert_eq!(venue.steps(&more), ["accept", "expire"]);
    let again = OrderRequest { time_in_force: TimeInForce::Fok, ..venue.limit(Side::Buy, "1", "100") };
    let again = venue.send(who, again);
    venue.show(&[], &[("100", "1")], false);
    assert_eq!(venue.fills_of(&again), ["1@100"]);
}

#[test]
fn a_resting_order_waits_its_turn_and_never_gets_more_than_traded() {
    let (mut venue, who) = depth_venue(ExchangeConfig::default());
    venue.show(&[("99", "2")], &[("100", "2")], true);
    let orders: Vec<_> = (0..2)
        .map(|_| {
            let buy = venue.limit(Side::Buy, "1", "99");
            venue.send(who, buy)
        })
        .collect();
    venue.show(&[], &[("100", "2.1")], false);
    venue.trade(Side::Sell, "99", "1.5");
    assert!(venue.fills().is_empty(), "2 stood before it");
    venue.show(&[("99", "0.5")], &[], false);
    venue.trade(Side::Sell, "99", "1");
    assert_eq!(venue.fills_of(&orders[0]), ["0.5@99"]);
    venue.trade(Side::Buy, "99", "9");
    assert_eq!(venue.fills_of(&orders[0]), ["0.5@99"], "a buyer took somebody's ask");
    venue.trade(Side::Sell, "98.5", "0.8");
    assert_eq!(venue.fills_of(&orders[0]), ["0.5@99", "0.5@99"], "through our price");
    assert_eq!(venue.fills_of(&orders[1]), ["0.3@99"], "0.8 traded, not more");
}

#[test]
fn with_the_best_prices_alone_the_place_is_known_only_once_the_price_is_the_best() {
    let (mut venue, who) = depth_venue(ExchangeConfig::default());
    let quote = |venue: &mut Venue, bid: (&str, &str), ask: (&str, &str)| {
        let done = venue.command(|exchange, now, events| {
            let of = |(at, lots)| Some((price(at), quantity(lots)));
            let quote = TopOfBook { symbol: symbol("BTC-PERP"), ts_event: now, bid: of(bid), ask: of(ask) };
            exchange.on_quote(&quote, events)
        });
        assert_eq!(done, Ok(()));
    };
    quote(&mut venue, ("99", "1"), ("100", "1"));
    let buy = venue.limit(Side::Buy, "1", "98");
    let buy = venue.send(who, buy);
    quote(&mut venue, ("99", "1"), ("100", "1"));
    venue.trade(Side::Sell, "98", "5");
    assert_eq!(venue.fills_of(&buy).len(), 0, "nobody knows what stood before it");
    quote(&mut venue, ("98", "3"), ("100", "1"));
    venue.trade(Side::Sell, "98", "3.4");
    assert_eq!(venue.fills_of(&buy), ["0.4@98"]);
    quote(&mut venue, ("97", "3"), ("98", "0.2"));
    assert_eq!(venue.fills_of(&buy), ["0.4@98", "0.2@98"], "the other side came to it, with 0.2");
}

#[test]
fn nothing_fills_while_the_replica_is_crossed() {
    let (mut venue, who) = depth_venue(ExchangeConfig::default());
    let buy = venue.limit(Side::Buy, "1", "105");
    let buy = venue.send(who, buy);
    venue.show(&[("101", "1")], &[("100", "1")], true);
    assert!(venue.fills().is_empty());
    venue.show(&[("101", "0")], &[], false);
    assert_eq!(venue.fills_of(&buy), ["1@100"]);
}

#[test]
fn slippage_moves_a_taken_price_but_not_beyond_the_limit() {
    let config = ExchangeConfig { slippage: SlippageModel::Ticks(2), ..ExchangeConfig::default() };
    let (mut venue, who) = depth_venue(config);
    let orders: Vec<_> = ["105", "100.5"]
        .into_iter()
        .map(|at| {
            let buy = venue.limit(Side::Buy, "1", at);
            venue.send(who, buy)
        })
        .collect();
    venue.show(&[("99", "1")], &[("100", "5")], true);
    assert_eq!([venue.fills_of(&orders[0]), venue.fills_of(&orders[1])], [["1@101"], ["1@100.5"]]);
}

#[test]
fn stops_wake_by_trades_or_by_quotes_as_the_settings_say_and_fill_on_newer_data() {
    for (trigger_source, by_trade) in [(TriggerSource::LastTrade, true), (TriggerSource::BestQuote, false)] {
        let (mut venue, who) = depth_venue(ExchangeConfig { trigger_source, ..ExchangeConfig::default() });
        venue.show(&[("99", "5")], &[("100", "5")], true);
        let stop = venue.request(Side::Sell, "1", OrderType::Stop(price("97")));
        let stop = venue.send(who, stop);
        venue.show(&[("99", "0"), ("97", "5")], &[], false);
        assert_eq!(venue.steps(&stop).len(), if by_trade { 1 } else { 2 });
        venue.trade(Side::Sell, "97", "0.1");
        assert_eq!(venue.steps(&stop), ["accept", "trigger"]);
        venue.show(&[("97", "4.9")], &[], false);
        assert_eq!(venue.fills_of(&stop), ["1@97"]);
        venue.trade(Side::Sell, "97", "0.1");
        assert_eq!(venue.fills_of(&stop).len(), 1, "once");
    }
}

#[test]
fn damaged_or_older_data_changes_nothing() {
    let (mut venue, _) = depth_venue(ExchangeConfig::default());
    venue.show(&[("99", "5")], &[("100", "5")], true);
    let hash = venue.exchange.state_hash();
    let name = symbol("BTC-PERP");
    let at = venue.exchange.now();
    let bad = |bids: &[(Price, Quantity)], ts_event| DepthUpdate {
        symbol: name,
        ts_event,
        snapshot: false,
        bids: &bids.to_vec().leak()[..],
        asks: &[],
    };
    for update in [
        bad(&[(price("99.25"), quantity("1"))], at),
        bad(&[(price("98"), quantity("1")), (Price::ZERO, quantity("1"))], at),
        bad(&[(price("98"), Quantity::from_raw(-1))], at),
        bad(&[(Price::from_raw(i64::MIN), quantity("1"))], at),
        bad(&[(price("98"), quantity("1"))], UtcNanos(at.0 - 1)),
    ] {
        let refused = venue.exchange.on_depth(&update, &mut venue.events);
        assert!(refused.is_err(), "{update:?}");
        assert_eq!(venue.exchange.state_hash(), hash, "{update:?}");
    }
    let other = DepthUpdate { symbol: symbol("ETH"), ts_event: at, snapshot: true, bids: &[], asks: &[] };
    let refused = venue.exchange.on_depth(&other, &mut venue.events);
    assert!(matches!(refused, Err(ExchangeError::UnknownSymbol { .. })));
}

/// What the market does next.
#[derive(Clone, Copy, Debug)]
enum Event {
    Level(bool, i64, i64),
    Trade(bool, i64, i64),
    Order(bool, i64, i64, bool),
}

fn market() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        4 => (any::<bool>(), 0_i64..10, 0_i64..50).prop_map(|(bid, place, lots)| Event::Level(bid, place, lots)),
        3 => (any::<bool>(), -10_i64..10, 1_i64..60).prop_map(|(sells, ticks, lots)| Event::Trade(sells, ticks, lots)),
        3 => (any::<bool>(), -10_i64..10, 1_i64..40, any::<bool>())
            .prop_map(|(buy, ticks, lots, rests)| Event::Order(buy, ticks, lots, rests)),
    ];
    prop::collection::vec(event, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    /// Of a trade no more fills than traded; of levels no more than shown; nothing on data that is not newer; no price
    /// beyond an order's limit.
    #[test]
    fn fills_never_exceed_what_the_market_did(market in market()) {
        let (mut venue, who) = depth_venue(ExchangeConfig::default());
        let at = |ticks: i64| Price::from_raw((200 + ticks) * SCALE / 2);
        let lots_of = |lots: i64| Quantity::from_raw(lots * SCALE / 10);
        let mut shown = std::collections::BTreeMap::<(bool, i64), i64>::new();
        let mut limits = std::collections::BTreeMap::new();
        for event in market {
            let before = venue.events.len();
            let bound = match event {
                Event::Level(bid, place, lots) => {
                    let ticks = if bid { -1 - place } else { place };
                    let level = [(at(ticks), lots_of(lots))];
                    shown.insert((bid, ticks), lots);
                    let (bids, asks): (&[_], &[_]) = if bid { (&level, &[]) } else { (&[], &level) };
                    venue.command(|exchange, now, events| {
                        let update = DepthUpdate { symbol: symbol("BTC-PERP"), ts_event: now, snapshot: false, bids, asks };
                        exchange.on_depth(&update, events)
                    }).expect("levels");
                    None
                }
                Event::Trade(sells, ticks, lots) => {
                    let taker_side = if sells { Side::Sell } else { Side::Buy };
                    venue.command(|exchange, now, events| {
                        let (price, quantity) = (at(ticks), lots_of(lots));
                        let trade = MarketTrade { symbol: symbol("BTC-PERP"), ts_event: now, price, quantity, taker_side };
                        exchange.on_trade(&trade, events)
                    }).expect("a trade");
                    Some(lots)
                }
                Event::Order(buy, ticks, lots, rests) => {
                    let side = if buy { Side::Buy } else { Side::Sell };
                    let text = at(ticks).to_string();
                    let request = venue.limit(side, &lots_of(lots).to_string(), &text);
                    let time_in_force = if rests { TimeInForce::Gtc } else { TimeInForce::Ioc };
                    let id = venue.send(who, OrderRequest { time_in_force, ..request });
                    limits.insert(id, at(ticks));
                    Some(0)
                }
            };
            let mut sum = 0;
            for event in &venue.events[before..] {
                let deepalpha_engine::matching::VenueEvent::Fill(fill) = &event.event else { continue };
                let limit = limits[&fill.client_order_id];
                let within = if fill.side.is_buy() { fill.price <= limit } else { fill.price >= limit };
                prop_assert!(within);
                let order = venue.exchange.order(event.account, &fill.client_order_id).expect("an order");
                prop_assert!(order.ts_accepted < fill.ts_event);
                sum += fill.quantity.raw() * 10 / SCALE;
                if bound.is_none() {
                    // Taken from levels of the other side at or better than the limit.
                    let bids = !fill.side.is_buy();
                    let mut left = fill.quantity.raw() * 10 / SCALE;
                    let mut places: Vec<_> = shown.iter_mut().filter(|((bid, _), _)| *bid == bids).collect();
                    if bids { places.reverse(); }
                    for ((_, ticks), free) in places {
                        let within = if bids { at(*ticks) >= limit } else { at(*ticks) <= limit };
                        let part = if within { left.min(*free) } else { 0 };
                        *free -= part;
                        left -= part;
                    }
                    prop_assert_eq!(left, 0, "more than was shown");
                }
            }
            if let Some(bound) = bound {
                prop_assert!(sum <= bound, "{} filled of {} traded", sum, bound);
            }
        }
    }
}
