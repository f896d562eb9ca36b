//! The practice venue under random order flow of every type and option: the laws that no flow may break.
#![expect(clippy::panic, reason = "tests may stop at a wrong shape")]

mod venue_support;

use std::collections::{BTreeMap, BTreeSet};

use deepalpha_engine::matching::{
    Amendment, Bar, FeeModel, FeeTier, FillRecord, OrderRecord, PracticeVenue, RestoredOrder, SlippageModel,
    VenueConfig, VenueEvent,
};
use deepalpha_engine::orders::{OrderRequest, OrderState, OrderType, TimeInForce, TrailOffset};
use deepalpha_engine::types::{ClientOrderId, Money, Price, Quantity, Ratio, UtcNanos};
use proptest::prelude::*;
use venue_support::*;

const DAYS: usize = 30;

fn cents(value: i64) -> Price {
    Price::from_raw(value * 1_000_000)
}

/// One order of the flow, in numbers; `made` gives it its sense.
#[derive(Clone, Debug)]
struct Wish {
    buy: bool,
    quantity: i64,
    kind: u8,
    near: i64,
    far: i64,
    life: u8,
    flags: u8,
    group: u8,
    amend: Option<(i64, i64)>,
    cancel: bool,
}

fn wishes() -> impl Strategy<Value = Wish> {
    let first = (any::<bool>(), 1_i64..50, 0_u8..9, -300_i64..300, 1_i64..300, 0_u8..6, 0_u8..16, 0_u8..10);
    (first, prop::option::weighted(0.2, (1_i64..50, -300_i64..300)), prop::bool::weighted(0.1)).prop_map(
        |((buy, quantity, kind, near, far, life, flags, group), amend, cancel)| Wish {
            buy,
            quantity,
            kind,
            near,
            far,
            life,
            flags,
            group,
            amend,
            cancel,
        },
    )
}

fn made(wish: &Wish, number: usize, last: i64, now: UtcNanos) -> OrderRequest {
    let side = if wish.buy { BUY } else { SELL };
    let (near, beyond) = (cents(last + wish.near), cents(last + wish.near + wish.far - 150));
    let order_type = match wish.kind {
        0 => OrderType::Market,
        1 => OrderType::Limit(near),
        2 => OrderType::Stop(near),
        3 => OrderType::StopLimit { trigger: near, limit: beyond },
        4 => OrderType::TakeProfit(near),
        5 => OrderType::TakeProfitLimit { trigger: near, limit: beyond },
        6 => OrderType::TrailingStop(TrailOffset::Price(cents(wish.far))),
        7 => OrderType::TrailingStop(TrailOffset::Percent(Ratio::from_raw(wish.far * 100_000))),
        _ => OrderType::TrailingStop(TrailOffset::Atr { multiple: ratio("1.5"), range: cents(wish.far) }),
    };
    let mut request = order(&format!("o{number}"), side, wish.quantity, order_type);
    let immediate = !order_type.is_conditional();
    request.time_in_force = match wish.life {
        0 if immediate => TimeInForce::Ioc,
        1 if immediate => TimeInForce::Fok,
        2 => TimeInForce::Gtd(UtcNanos(now.0 + wish.far * DAY / 60)),
        3 => TimeInForce::Day,
        _ => TimeInForce::Gtc,
    };
    request.post_only = wish.flags & 1 > 0 && order_type.limit().is_some() && request.time_in_force.rests();
    request.reduce_only = wish.flags & 6 == 6;
    if wish.flags & 8 > 0 && !request.reduce_only {
        let away = cents(100 + wish.far);
        let (below, above) = (cents(last).raw() - away.raw(), cents(last).raw() + away.raw());
        let (stop, target) = if wish.buy { (below, above) } else { (above, below) };
        (request.stop_loss, request.take_profit) = (Some(Price::from_raw(stop)), Some(Price::from_raw(target)));
    }
    if wish.group < 3 {
        // A group for every six orders, so that most have several members.
        request.oco_group = id(&format!("g{}-{}", wish.group, number / 6));
    }
    request
}

fn walks() -> impl Strategy<Value = Vec<Bar>> {
    prop::collection::vec((-200_i64..200, 0_i64..300, 0_i64..300, 0_i64..=100, 0_i64..200), DAYS).prop_map(|steps| {
        let mut last = 10_000;
        let mut bars = Vec::new();
        for (day, (gap, up, down, part, volume)) in (0_i64..).zip(steps) {
            let open = (last + gap).clamp(2_000, 50_000);
            let (high, low) = (open + up, open - down);
            last = low + (high - low) * part / 100;
            let prices = Bar { volume: lots(volume), ..bar(day, ["1"; 4]) };
            bars.push(Bar { open: cents(open), high: cents(high), low: cents(low), close: cents(last), ..prices });
        }
        bars
    })
}

fn configs() -> impl Strategy<Value = VenueConfig> {
    let tier = |from_volume: &str, maker: &str, taker: &str| FeeTier {
        from_volume: money(from_volume),
        maker: ratio(maker),
        taker: ratio(taker),
    };
    let fees = prop_oneof![
        Just(FeeModel::Flat { maker: ratio("-0.0002"), taker: ratio("0.0005") }),
        Just(FeeModel::Tiered(vec![tier("0", "0.001", "0.001"), tier("20000", "0", "0.0005")])),
        Just(FeeModel::PerShare { rate: money("0.005"), minimum: money("1"), maximum: ratio("0.01") }),
        Just(FeeModel::PerOrder(money("2.5"))),
    ];
    let slippage = prop_oneof![
        Just(SlippageModel::NONE),
        Just(SlippageModel::Ratio(ratio("0.00075"))),
        Just(SlippageModel::Ticks(2)),
        Just(SlippageModel::VolumeImpact { base: ratio("0.0001"), impact: ratio("0.01") }),
    ];
    (fees, slippage, prop::option::of(1_i64..50)).prop_map(|(fees, slippage, percent)| VenueConfig {
        fees,
        slippage,
        max_participation: percent.map(|percent| Ratio::from_raw(percent * 1_000_000)),
    })
}

/// What a log would keep of one order.
#[derive(Clone, Debug)]
struct Logged {
    record: OrderRecord,
    best: Option<Price>,
    /// Quantity that was cancelled, expired or amended away.
    original: Quantity,
}

/// The log, written from the events alone, and the laws checked while writing.
#[derive(Default)]
struct Log {
    orders: BTreeMap<ClientOrderId, Logged>,
    fills: Vec<FillRecord>,
    traded: BTreeMap<ClientOrderId, BTreeSet<ClientOrderId>>,
    net: i64,
    paid: Money,
}

fn term(reason: &str, name: &str) -> Option<i64> {
    let value = reason.split([' ', ';']).find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    Price::parse(value).ok().map(Price::raw)
}

impl Log {
    fn sent(&mut self, request: OrderRequest, protective: bool, now: UtcNanos) {
        let record = OrderRecord {
            request,
            state: OrderState::Initialized,
            seq: 0,
            fills: 0,
            ts_accepted: now,
            eligible_from: now,
            rank: u64::try_from(self.orders.len()).unwrap_or_default(),
            protective,
            triggered: false,
            charges: deepalpha_engine::matching::Charges::default(),
        };
        let original = request.quantity;
        self.orders.insert(request.client_order_id, Logged { record, best: None, original });
    }

    fn write(&mut self, events: &[VenueEvent], bar: Option<&Bar>) -> Result<(), TestCaseError> {
        for event in events {
            match event {
                VenueEvent::Attached(request) => {
                    let now = bar.map_or(UtcNanos(0), |bar| bar.ts_open);
                    prop_assert!(!self.orders.contains_key(&request.client_order_id), "id used again: {:?}", request);
                    self.sent(**request, true, now);
                }
                VenueEvent::Step(step) => {
                    let Some(logged) = self.orders.get_mut(&step.client_order_id) else {
                        return Err(TestCaseError::fail(format!("a step of nothing: {step:?}")));
                    };
                    let record = &mut logged.record;
                    prop_assert_eq!(step.seq, record.seq + 1);
                    prop_assert_eq!(step.state_before, record.state.as_str());
                    record.seq = step.seq;
                    let filled = record.state.filled();
                    record.state = OrderState::parse(step.state, filled).unwrap_or(OrderState::Rejected);
                    let moved = record.request.order_type;
                    match step.event {
                        "accept" => {
                            (record.ts_accepted, record.eligible_from) = (step.ts_event, step.ts_event);
                            logged.best = term(&step.reason, "best").map(Price::from_raw);
                        }
                        "trigger" => (record.triggered, record.eligible_from) = (true, step.ts_event),
                        "amend" if step.reason.starts_with("best=") => {
                            let best = term(&step.reason, "best").map(Price::from_raw);
                            let follows =
                                if record.request.side.is_buy() { best < logged.best } else { best > logged.best };
                            prop_assert!(follows, "a trail from {:?} to {}", logged.best, step.reason);
                            logged.best = best;
                        }
                        "amend" => {
                            if let Some(quantity) = term(&step.reason, "quantity") {
                                record.request.quantity = Quantity::from_raw(quantity);
                            }
                            let limit = term(&step.reason, "limit").map(Price::from_raw);
                            record.request.order_type = match moved {
                                OrderType::Limit(old) => OrderType::Limit(limit.unwrap_or(old)),
                                OrderType::StopLimit { trigger, limit: old } => {
                                    OrderType::StopLimit { trigger, limit: limit.unwrap_or(old) }
                                }
                                OrderType::TakeProfitLimit { trigger, limit: old } => {
                                    OrderType::TakeProfitLimit { trigger, limit: limit.unwrap_or(old) }
                                }
                                other => other,
                            };
                            if record.request.order_type != moved {
                                record.eligible_from = step.ts_event;
                            }
                        }
                        _ => {}
                    }
                }
                VenueEvent::Fill(fill) => self.fill(fill, bar)?,
            }
        }
        Ok(())
    }

    fn fill(&mut self, fill: &FillRecord, bar: Option<&Bar>) -> Result<(), TestCaseError> {
        let Some(bar) = bar else { return Err(TestCaseError::fail("a fill without a bar")) };
        prop_assert!(fill.price >= bar.low && fill.price <= bar.high, "{:?} outside {:?}", fill, bar);
        let cause = fill.client_order_id.rsplit_once('-').and_then(|(cause, _)| self.orders.get(cause));
        let opened_before = cause.is_some_and(|cause| cause.record.request.reduce_only);
        let Some(Logged { record, .. }) = self.orders.get_mut(&fill.client_order_id) else {
            return Err(TestCaseError::fail(format!("a fill of nothing: {fill:?}")));
        };
        let request = record.request;
        prop_assert!(record.protective || record.ts_accepted <= bar.ts_open, "{:?} on older data", fill);
        prop_assert!(record.expires().is_none_or(|until| fill.ts_event <= until), "{:?} after its end", fill);
        let limit = request.order_type.limit();
        let young_target = record.protective && limit.is_some() && record.ts_accepted > bar.ts_open;
        // One that a reduce-only order had made anew belongs to an older position.
        prop_assert!(!young_target || opened_before, "{:?} for a position opened inside the bar", fill);
        let holds = |limit: Price| if request.side.is_buy() { fill.price <= limit } else { fill.price >= limit };
        prop_assert!(limit.is_none_or(holds), "{:?} beyond the limit of {:?}", fill, request);
        let signed = fill.quantity.signed(fill.side.is_buy()).raw();
        if request.reduce_only {
            prop_assert!(self.net * signed.signum() < 0, "{:?} opened", fill);
            prop_assert!(fill.quantity.raw() <= self.net.abs(), "{:?} flipped {}", fill, self.net);
        }
        self.net += signed;
        self.paid = self.paid.plus(fill.price.value(fill.quantity.signed(fill.side.is_buy()))?)?.plus(fill.fee)?;
        record.fills += 1;
        let filled = Quantity::from_raw(record.charges.quantity.raw() + fill.quantity.raw());
        record.charges = record.charges.with(fill.price, fill.quantity, fill.fee)?;
        prop_assert!(filled <= request.quantity, "{:?} is more than {:?}", fill, request);
        record.state = OrderState::parse(record.state.as_str(), filled).unwrap_or(OrderState::Rejected);
        if !request.oco_group.is_empty() {
            let traded = self.traded.entry(request.oco_group).or_default();
            traded.insert(request.client_order_id);
            prop_assert!(traded.len() == 1, "two of {} traded: {:?}", request.oco_group, traded);
        }
        self.fills.push(*fill);
        Ok(())
    }

    /// A venue from the log, as after a restart.
    fn restored(&self, config: &VenueConfig, last: &Bar) -> Result<PracticeVenue, TestCaseError> {
        let mut venue = venue_of(config.clone());
        let fail = |error: deepalpha_engine::matching::VenueError| TestCaseError::fail(error.to_string());
        for fill in &self.fills {
            prop_assert_eq!(venue.restore_fill(fill).map_err(fail)?, fill.realised);
        }
        let mut orders: Vec<&Logged> = self.orders.values().collect();
        orders.sort_by_key(|logged| logged.record.rank);
        for Logged { record, best, .. } in orders {
            venue.restore_order(RestoredOrder { record: record.clone(), best: *best }).map_err(fail)?;
        }
        let quote = deepalpha_engine::risk::Quote { price: last.close, ts_event: last.ts_event };
        venue.mark(last.symbol, quote, Some(last.ts_open));
        Ok(venue)
    }
}

/// Runs a flow and checks every law after every step; restarts from the log after the steps in `cuts`.
fn run(config: &VenueConfig, flow: &[Wish], bars: &[Bar], cuts: &BTreeSet<usize>) -> Result<u64, TestCaseError> {
    let (mut venue, mut log) = (venue_of(config.clone()), Log::default());
    let mut wishes = flow.iter().enumerate();
    for (step, bar) in bars.iter().enumerate() {
        let fail = |error: deepalpha_engine::matching::VenueError| TestCaseError::fail(error.to_string());
        log.write(&venue.on_bar(bar).map_err(fail)?, Some(bar))?;
        let totals = venue.portfolio().totals()?;
        prop_assert_eq!(venue.portfolio().quantity("X").raw(), log.net);
        prop_assert_eq!(totals.cash, money("100000").minus(log.paid)?);
        let profit = totals.realised.plus(totals.unrealised)?.minus(totals.fees)?;
        prop_assert_eq!(totals.equity, money("100000").plus(profit)?);
        let now = bar.ts_event;
        for (number, wish) in wishes.by_ref().take(2) {
            let request = made(wish, number, bar.close.raw() / 1_000_000, now);
            let approved = approve(&venue, request, now);
            // A flow may wish nonsense (a stop loss above the target after rounding); then nothing may happen.
            let before = venue.state_hash();
            match venue.submit(approved, now) {
                Ok(events) => {
                    log.sent(request, false, now);
                    log.write(&events, None)?;
                }
                Err(_) => prop_assert_eq!(venue.state_hash(), before),
            }
            let oldest = venue.working(false).first().copied();
            if let (Some(target), Some((quantity, near))) = (oldest, wish.amend) {
                let limit = venue.order(&target).and_then(|order| order.request.order_type.limit());
                let limit = limit.map(|_| cents(bar.close.raw() / 1_000_000 + near));
                let (before, change) =
                    (venue.state_hash(), Amendment { quantity: Some(lots(quantity)), limit, trigger: None });
                match venue.amend(target, change, now) {
                    Ok(events) => log.write(&events, None)?,
                    Err(_) => prop_assert_eq!(venue.state_hash(), before),
                }
            }
            if let (Some(target), true) = (oldest, wish.cancel)
                && let Ok(events) = venue.cancel(target, now, "by hand")
            {
                log.write(&events, None)?;
            }
        }
        for (name, logged) in &log.orders {
            let state = venue.order_state(name);
            prop_assert_eq!(state, Some(logged.record.state), "{}", name);
            let filled = logged.record.charges.quantity;
            let left = venue.order(name).map_or(Quantity::ZERO, OrderRecord::left);
            prop_assert_eq!(state.map(|state| state.filled()), Some(filled));
            prop_assert!(filled.raw() + left.raw() <= logged.original.raw(), "{:?} grew", logged);
            let working = state.is_some_and(|state| !state.is_closed());
            prop_assert_eq!(working, left > Quantity::ZERO, "filled + working + cancelled: {:?}", logged);
        }
        for name in venue.working(true) {
            let order = venue.order(&name).filter(|order| order.protective);
            if let Some(order) = order {
                prop_assert_eq!(order.left().raw(), log.net.abs(), "protection as large as the position");
            }
        }
        if cuts.contains(&step) {
            let again = log.restored(config, bar)?;
            prop_assert_eq!(again.state_hash(), venue.state_hash(), "restored at step {}", step);
            venue = again;
        }
    }
    Ok(venue.state_hash())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Every law of the venue, for every flow; and a restart at any step changes nothing that comes after it.
    #[test]
    fn no_flow_breaks_a_law_and_a_restart_is_not_noticed(
        config in configs(),
        flow in prop::collection::vec(wishes(), 1..60),
        bars in walks(),
        cuts in prop::collection::btree_set(0_usize..DAYS, 0..6),
    ) {
        let calm = run(&config, &flow, &bars, &BTreeSet::new())?;
        prop_assert_eq!(run(&config, &flow, &bars, &BTreeSet::new())?, calm, "the same twice");
        prop_assert_eq!(run(&config, &flow, &bars, &cuts)?, calm, "cut at {:?}", cuts);
    }
}
