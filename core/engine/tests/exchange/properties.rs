//! Random order flow: the invariants of a venue hold after every command, and the same flow gives the same events.

use deepalpha_engine::book::SelfTrade;
use deepalpha_engine::matching::exchange::{
    CancelFilter, CounterpartyId, Exchange, ExchangeConfig, ExchangeError, ExchangeEvent, LiquidityKind, OrderChange,
    TriggerSource,
};
use deepalpha_engine::matching::{Delay, FeeModel, FeeTier, LatencyModel, Liquidity, VenueEvent};
use deepalpha_engine::orders::{OrderRequest, OrderType, TimeInForce, TrailOffset};
use deepalpha_engine::types::{ClientOrderId, Money, Price, Quantity, Ratio, SCALE, Side, SourceId, UtcNanos};
use proptest::prelude::*;

use crate::kit::{Venue, futures_account, id, money, perpetual, ratio, spot, spot_account};

/// What a seed does next. Small numbers, so that orders meet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Order {
        who: usize,
        kind: u8,
        buy: bool,
        lots: i64,
        ticks: i64,
        option: u8,
    },
    Cancel {
        who: usize,
        order: usize,
    },
    Amend {
        who: usize,
        order: usize,
        lots: i64,
        ticks: i64,
    },
    Pass {
        nanos: i64,
    },
    CancelAll {
        who: usize,
        buys: Option<bool>,
        keep_reducing: bool,
    },
    /// Of futures: funding in 1/1000 and a new mark.
    Settle {
        ticks: i64,
        funding: i64,
    },
}

const ACCOUNTS: usize = 4;

pub(crate) fn acts(length: usize) -> impl Strategy<Value = Vec<Act>> {
    let order = (0..ACCOUNTS, 0_u8..12, any::<bool>(), 1_i64..60, -12_i64..12, 0_u8..16)
        .prop_map(|(who, kind, buy, lots, ticks, option)| Act::Order { who, kind, buy, lots, ticks, option });
    let act = prop_oneof![
        8 => order,
        2 => (0..ACCOUNTS, 0_usize..40).prop_map(|(who, order)| Act::Cancel { who, order }),
        2 => (0..ACCOUNTS, 0_usize..40, 1_i64..60, -12_i64..12)
            .prop_map(|(who, order, lots, ticks)| Act::Amend { who, order, lots, ticks }),
        1 => (0_i64..50).prop_map(|nanos| Act::Pass { nanos }),
        1 => (0..ACCOUNTS, any::<Option<bool>>(), any::<bool>())
            .prop_map(|(who, buys, keep_reducing)| Act::CancelAll { who, buys, keep_reducing }),
        1 => (-160_i64..160, -5_i64..6).prop_map(|(ticks, funding)| Act::Settle { ticks, funding }),
    ];
    prop::collection::vec(act, 1..length)
}

pub(crate) fn request(number: usize, act: &Act, listing: u8, now: i64) -> Option<OrderRequest> {
    let Act::Order { kind, buy, lots, ticks, option, .. } = *act else { return None };
    let at = |ticks: i64| Price::from_raw((200 + ticks) * SCALE / 2);
    let order_type = match kind {
        0 | 1 => OrderType::Market,
        2 => OrderType::Stop(at(ticks)),
        3 => OrderType::StopLimit { trigger: at(ticks), limit: at(ticks / 2) },
        4 => OrderType::TakeProfit(at(ticks)),
        5 => OrderType::TrailingStop(TrailOffset::Price(Price::from_raw((1 + ticks.abs()) * SCALE / 2))),
        _ => OrderType::Limit(at(ticks)),
    };
    let side = if buy { Side::Buy } else { Side::Sell };
    let name = format!("o{number}");
    let instrument = if listing == 0 { perpetual() } else { spot() };
    let quantity = Quantity::from_raw(lots * SCALE / 10);
    let decision = SourceId::parse(&name).ok()?;
    let plain = OrderRequest::new(id(&name), decision, instrument.symbol, side, quantity, order_type, at(0));
    let rests = !order_type.is_conditional();
    Some(match option {
        0 if rests => OrderRequest { time_in_force: TimeInForce::Ioc, ..plain },
        1 if rests => OrderRequest { time_in_force: TimeInForce::Fok, ..plain },
        2 if kind > 5 => OrderRequest { post_only: true, ..plain },
        3 if kind > 5 => OrderRequest { display: Some(Quantity::from_raw((1 + lots / 3) * SCALE / 10)), ..plain },
        4 | 5 => OrderRequest { reduce_only: true, ..plain },
        6 | 7 => OrderRequest { oco_group: id(&format!("g{}", number / 6)), ..plain },
        8 => OrderRequest { time_in_force: TimeInForce::Gtd(UtcNanos(now + 30)), ..plain },
        9 | 10 if buy => OrderRequest { stop_loss: Some(at(-8)), take_profit: Some(at(8)), ..plain },
        9 | 10 => OrderRequest { stop_loss: Some(at(8)), take_profit: Some(at(-8)), ..plain },
        _ => plain,
    })
}

/// An exchange with one book and four accounts with different fees.
pub(crate) fn venue(config: ExchangeConfig, listing: u8) -> (Venue, Vec<CounterpartyId>) {
    let instrument = if listing == 0 { perpetual() } else { spot() };
    let mut venue = Venue::new(config, &[(instrument, LiquidityKind::Book)]);
    let tier =
        |from_volume, taker| FeeTier { from_volume: money(from_volume), maker: ratio("0.0001"), taker: ratio(taker) };
    let fees = [
        FeeModel::Flat { maker: ratio("-0.0001"), taker: ratio("0.0007") },
        FeeModel::Tiered(vec![tier("0", "0.001"), tier("1000", "0.0005")]),
        FeeModel::PerShare { rate: money("0.013"), minimum: money("0.05"), maximum: ratio("0.02") },
        FeeModel::PerOrder(money("0.7")),
    ];
    let accounts = fees.into_iter().enumerate().map(|(number, fees)| {
        let few = number % 2 == 0;
        let portfolio = match listing {
            0 => futures_account(if few { "300" } else { "100000" }, "10"),
            _ => spot_account(if few { "700" } else { "100000" }, if few { "5" } else { "1000" }),
        };
        venue.exchange.open_counterparty(portfolio, fees).expect("an account")
    });
    let accounts = accounts.collect();
    (venue, accounts)
}

fn play(venue: &mut Venue, accounts: &[CounterpartyId], acts: &[Act], first: usize, listing: u8) {
    for (number, act) in acts.iter().enumerate() {
        step(venue, accounts, act, first + number, listing);
    }
}

pub(crate) fn step(venue: &mut Venue, accounts: &[CounterpartyId], act: &Act, number: usize, listing: u8) {
    let which = |venue: &Venue, who: usize, order: usize| -> Option<(CounterpartyId, ClientOrderId)> {
        let account = accounts[who];
        let working = venue.exchange.working(account.account());
        let found = working.get(order % working.len().max(1))?;
        Some((account, found.request.client_order_id))
    };
    match *act {
        Act::Order { who, .. } => {
            let request = request(number, act, listing, venue.now).expect("an order");
            let _ = venue.try_send(accounts[who], request).expect("the exchange takes every order");
        }
        Act::Cancel { who, order } => {
            if let Some((account, order)) = which(venue, who, order) {
                // It may end in the time that passes until then, and be forgotten when much else ends with it.
                let done = venue.cancel(account, &order);
                let gone = matches!(done, Err(ExchangeError::OrderClosed { .. } | ExchangeError::UnknownOrder { .. }));
                assert!(gone || done == Ok(()), "{done:?}");
                let again = venue.cancel(account, &order);
                let delayed = venue.exchange.config().latency != LatencyModel::NONE;
                assert!(delayed || again.is_err(), "a cancel is done once");
            }
        }
        Act::Amend { who, order, lots, ticks } => {
            if let Some((account, order)) = which(venue, who, order) {
                let limit = (ticks > -6).then(|| Price::from_raw((200 + ticks) * SCALE / 2));
                let quantity = (ticks < 6).then(|| Quantity::from_raw(lots * SCALE / 10));
                let change = OrderChange { quantity, limit, trigger: None };
                // Refused or not, the invariants hold.
                let _ = venue
                    .command(|exchange, now, events| exchange.amend(account.account(), &order, &change, now, events));
            }
        }
        Act::Pass { nanos } => {
            venue.now += nanos;
            venue.command(|exchange, now, events| exchange.advance(now, events)).expect("time passes");
        }
        Act::CancelAll { who, buys, keep_reducing } => {
            let side = buys.map(|buys| if buys { Side::Buy } else { Side::Sell });
            let (account, filter) = (accounts[who].account(), CancelFilter { symbol: None, side, keep_reducing });
            venue
                .command(|exchange, now, events| exchange.cancel_all(account, &filter, now, "asked to", events))
                .expect("cancels are taken");
            if venue.exchange.config().latency == LatencyModel::NONE {
                let meant = |request: &OrderRequest| {
                    side.is_none_or(|side| side == request.side) && !(keep_reducing && request.reduce_only)
                };
                let left = venue.exchange.working(account);
                // What follows a position is asked for again as long as it stands.
                assert!(!left.iter().any(|order| meant(&order.request) && !order.protective), "{left:?}");
            }
        }
        Act::Settle { ticks, funding } if listing == 0 => {
            let at = Price::from_raw((200 + ticks) * SCALE / 2);
            let due = [(perpetual().symbol, Ratio::from_raw(funding * SCALE / 1_000), at)];
            venue.settle(if funding == 0 { &[] } else { &due }, at);
        }
        Act::Settle { .. } => {}
    }
}

fn self_trade(number: u8) -> SelfTrade {
    [SelfTrade::CancelNewest, SelfTrade::CancelOldest, SelfTrade::CancelBoth, SelfTrade::Decrement]
        [usize::from(number % 4)]
}

pub(crate) fn config(number: u8, seed: u64, delayed: bool) -> ExchangeConfig {
    let delay = |most| Delay::Uniform { least: 0, most };
    let latency = if delayed { LatencyModel::new(delay(9), delay(9), delay(0), seed) } else { LatencyModel::NONE };
    let trigger_source = TriggerSource::LastTrade;
    ExchangeConfig {
        latency,
        self_trade: self_trade(number),
        trigger_source,
        remembered: 16,
        ..ExchangeConfig::default()
    }
}

/// Rules that the events tell, whatever order they came in.
fn check_events(venue: &Venue, accounts: &[CounterpartyId]) {
    let mut reduces = std::collections::BTreeSet::new();
    let mut position = std::collections::BTreeMap::<_, i64>::new();
    let mut paid = std::collections::BTreeMap::<_, Vec<_>>::new();
    for event in &venue.events {
        if let VenueEvent::Attached(request) = &event.event {
            reduces.insert(request.client_order_id);
        }
    }
    let mut taken = venue.taken.iter().peekable();
    for (number, event) in venue.events.iter().enumerate() {
        while let Some((_, account, closed)) = taken.next_if(|(before, ..)| *before <= number) {
            *position.entry(*account).or_default() += closed;
        }
        let VenueEvent::Fill(fill) = &event.event else { continue };
        let held = position.entry(event.account).or_default();
        let before = *held;
        *held += fill.quantity.signed(fill.side.is_buy()).raw();
        let protective = reduces.contains(&fill.client_order_id);
        assert!(
            !protective || held.abs() < before.abs() && held.signum() * before.signum() >= 0,
            "{fill:?} from {before}"
        );
        paid.entry((event.account, fill.client_order_id)).or_default().push((event, fill));
    }
    // Flat fees by the rounding rule, computed by hand.
    for fills in paid.values() {
        for (event, fill) in fills {
            if event.account != accounts[0].account() {
                continue;
            }
            let maker = event.execution.map(|execution| execution.liquidity) == Some(Liquidity::Maker);
            let rate: i128 = if maker { -10_000 } else { 70_000 };
            let exact = i128::from(fill.price.raw()) * i128::from(fill.quantity.raw()) / i128::from(SCALE) * rate;
            let down = exact.div_euclid(i128::from(SCALE));
            let rest = exact.rem_euclid(i128::from(SCALE)) * 2;
            let up = rest > i128::from(SCALE) || (rest == i128::from(SCALE) && down % 2 != 0);
            let fee = i128::from(fill.fee.raw());
            assert!(fee == down + i128::from(up) || fee < down, "{fill:?}: {fee} is not {down}, or less in need");
        }
    }
}

fn finish(venue: &mut Venue, accounts: &[CounterpartyId]) {
    venue.now += 1_000;
    venue.command(|exchange, now, events| exchange.advance(now, events)).expect("everything arrives");
    for account in accounts {
        let account = account.account();
        // A protective order that is cancelled is not made again, so twice is enough.
        for _ in 0..2 {
            let all = CancelFilter::default();
            venue
                .command(|exchange, now, events| exchange.cancel_all(account, &all, now, "the end", events))
                .expect("all are cancelled");
            venue.now += 1_000;
            venue.command(|exchange, now, events| exchange.advance(now, events)).expect("cancels arrive");
        }
        assert!(venue.exchange.working(account).is_empty(), "{:?}", venue.exchange.working(account));
        let portfolio = venue.exchange.portfolio(account).expect("an account");
        assert!(portfolio.balances().all(|balance| balance.locked == Money::ZERO), "zero after all are cancelled");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    /// Conservation, priority, filters, life cycle, locks, no self trade: `Venue::check` after every command.
    #[test]
    fn futures_flow_keeps_every_invariant(acts in acts(90), mode in any::<u8>(), delayed in any::<bool>(), seed in any::<u64>()) {
        let (mut venue, accounts) = venue(config(mode, seed, delayed), 0);
        play(&mut venue, &accounts, &acts, 0, 0);
        check_events(&venue, &accounts);
        finish(&mut venue, &accounts);
    }

    /// The same for accounts that pay in full, where fees and rests are counted to the last unit.
    #[test]
    fn spot_flow_keeps_every_invariant(acts in acts(90), mode in any::<u8>(), delayed in any::<bool>(), seed in any::<u64>()) {
        let (mut venue, accounts) = venue(config(mode, seed, delayed), 1);
        play(&mut venue, &accounts, &acts, 0, 1);
        check_events(&venue, &accounts);
        finish(&mut venue, &accounts);
    }

    /// Same seed, same events, same hash; and a copy taken anywhere goes on as the original does.
    #[test]
    fn replay_and_snapshot_with_tail_are_equal(
        acts in acts(80), mode in any::<u8>(), seed in any::<u64>(), cut in 0_usize..80,
    ) {
        let run = || {
            let (mut venue, accounts) = venue(config(mode, seed, true), 0);
            play(&mut venue, &accounts, &acts, 0, 0);
            (venue.exchange.state_hash(), venue.events)
        };
        let (hash, events) = run();
        let (again, same) = run();
        prop_assert_eq!(hash, again);
        prop_assert_eq!(&events, &same);

        let cut = cut.min(acts.len());
        let (mut venue, accounts) = venue(config(mode, seed, true), 0);
        play(&mut venue, &accounts, &acts[..cut], 0, 0);
        let copy: Exchange = venue.exchange.clone();
        prop_assert_eq!(copy.state_hash(), venue.exchange.state_hash());
        venue.exchange = copy;
        play(&mut venue, &accounts, &acts[cut..], cut, 0);
        prop_assert_eq!(venue.exchange.state_hash(), hash);
        prop_assert_eq!(venue.events, events);
    }

    /// No order trades through a better one that rests, and first come is first served (naive look at the whole book).
    #[test]
    fn trades_keep_price_and_time_priority(acts in acts(60)) {
        let (mut venue, accounts) = venue(config(1, 0, false), 0);
        for (number, act) in acts.iter().enumerate() {
            let resting: Vec<_> = venue.exchange.book(&perpetual().symbol).expect("a book").orders().collect();
            let before = venue.events.len();
            // Expiry takes orders out of the way in the same command, which this look before it cannot know.
            let act = match *act {
                Act::Order { who, kind, buy, lots, ticks, option: 8 } => {
                    Act::Order { who, kind, buy, lots, ticks, option: 15 }
                }
                // A settlement takes the orders of one account after the other out of the way.
                Act::Settle { .. } => Act::Pass { nanos: 1 },
                other => other,
            };
            step(&mut venue, &accounts, &act, number, 0);
            let new: Vec<ExchangeEvent> = venue.events[before..].to_vec();
            let first = new.iter().find_map(|event| match &event.event {
                VenueEvent::Fill(fill) => Some((event, fill)),
                _ => None,
            });
            let Some((event, maker)) = first else { continue };
            prop_assert_eq!(event.execution.map(|execution| execution.liquidity), Some(Liquidity::Maker));
            let mut side = resting.iter().filter(|order| order.side == maker.side);
            let taker = new.iter().filter_map(|event| match &event.event {
                VenueEvent::Fill(fill) if fill.side != maker.side => Some(event.account.number()),
                _ => None,
            }).next();
            // What prevention takes out of the way (the taker's own) does not count.
            let best = side.find(|order| Some(order.owner) != taker);
            let best = best.expect("the maker rested before");
            prop_assert_eq!(best.owner, event.account.number());
            prop_assert_eq!(best.price.to_price(perpetual().tick_size).ok(), Some(maker.price));
        }
    }
}

#[test]
fn a_tier_is_reached_the_day_after_and_a_rebate_is_paid() {
    let (mut venue, accounts) = venue(ExchangeConfig::default(), 0);
    for (day, lots) in [(0, "11"), (1, "1")] {
        venue.now = day * UtcNanos::DAY;
        let sell = venue.limit(Side::Sell, lots, "100");
        venue.send(accounts[0], sell);
        let buy = venue.limit(Side::Buy, lots, "100");
        venue.send(accounts[1], buy);
    }
    let fees_of = |account: CounterpartyId| -> Vec<Money> {
        let of = venue.fills().into_iter().filter(|(event, _)| event.account == account.account());
        of.map(|(_, fill)| fill.fee).collect()
    };
    assert_eq!(fees_of(accounts[1]), [money("1.1"), money("0.05")], "0.1 %, then 0.05 % past 1000");
    assert_eq!(fees_of(accounts[0]), [money("-0.11"), money("-0.01")]);
}
