//! Streams with every fault mixed in: the counts reconcile exactly and the bars are those of a naive model; and what must not
//! matter does not: the order within the lateness, where batches are cut, a restart at any place.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod stream_support;

use deepalpha_engine::stream::event::{Event, SymbolId, Trade};
use deepalpha_engine::stream::output::{Batch, EventKind, OutputConfig, OutputFull, Overflow, Reason};
use deepalpha_engine::stream::processor::{
    BarKind, BarPlan, EmptyBars, Outcome, Processor, ProcessorConfig, ProcessorError, SpikeRule,
};
use deepalpha_engine::types::{Money, Price, Quantity, UtcNanos};
use proptest::prelude::*;
use stream_support::*;

const S0: SymbolId = SymbolId(0);

/// What was injected into a stream.
#[derive(Default, Debug, PartialEq, Eq)]
struct Injected {
    repeated: u64,
    conflicting: u64,
    bad: u64,
    future: u64,
    late: u64,
    spikes: u64,
    unreadable: u64,
    strangers: u64,
}

/// A message to the processor.
enum Message {
    Trade(Trade),
    Unreadable,
}

/// A walk with every fault: what is given, in order; the trades that should be in the bars; what was injected.
fn faulty(seed: u64, count: usize) -> (Vec<Message>, Vec<Trade>, Injected) {
    let mut random = Random(seed);
    // Small steps, so that a spike of 20 % is one.
    let (mut ts, mut cents) = (0_i64, 1_000_000_i64);
    let (mut given, mut good, mut injected) = (Vec::new(), Vec::<Trade>::new(), Injected::default());
    let mut delayed: Vec<(usize, Trade)> = Vec::new();
    let mut since_spike = 0;
    for id in 1..=count as u64 {
        ts += random.below(400) as i64 * MILLI;
        cents += random.below(101) as i64 - 50;
        let honest = trade(id, ts, cents, 1 + random.below(5_000) as i64);
        since_spike += 1;
        let fate = random.below(100);
        if fate < 2 && id > 100 && since_spike > 3 && delayed.is_empty() && id < count as u64 {
            let far = if random.chance(50) { cents * 12 / 10 } else { cents * 8 / 10 };
            given.push(Message::Trade(trade(id, ts, far, 1_000)));
            injected.spikes += 1;
            since_spike = 0;
            continue;
        }
        good.push(honest);
        if fate < 7 && id > 100 && since_spike > 1 {
            // Overtaken by some, within the revision window.
            delayed.push((given.len() + 1 + random.below(8) as usize, honest));
        } else {
            given.push(Message::Trade(honest));
        }
        if fate >= 90 && id > 100 {
            let old = good[good.len() - 1 - random.below(50) as usize];
            let came = !delayed.iter().any(|(_, trade)| trade.trade_id == old.trade_id);
            match fate {
                90..=91 if came => {
                    given.push(Message::Trade(old));
                    injected.repeated += 1;
                }
                92 if came => {
                    given.push(Message::Trade(Trade { quantity: Quantity::from_raw(old.quantity.raw() + 1), ..old }));
                    injected.conflicting += 1;
                }
                93 => {
                    given.push(Message::Trade(Trade { price: Price::from_raw(-1), ..honest }));
                    injected.bad += 1;
                }
                94 => {
                    given.push(Message::Trade(Trade { quantity: Quantity::from_raw(0), ..honest }));
                    injected.bad += 1;
                }
                95 => {
                    given.push(Message::Trade(Trade { ts_event: UtcNanos(honest.ts_event.0 + HOUR), ..honest }));
                    injected.future += 1;
                }
                96 => {
                    // An id far below the window and an old time.
                    given.push(Message::Trade(Trade { trade_id: id % 7, ts_event: UtcNanos(BEGIN - HOUR), ..honest }));
                    injected.late += 1;
                }
                97 => {
                    given.push(Message::Unreadable);
                    injected.unreadable += 1;
                }
                98 => {
                    given.push(Message::Trade(Trade { symbol: SymbolId(99), ..honest }));
                    injected.strangers += 1;
                }
                _ => {}
            }
        }
        while let Some(place) = delayed.iter().position(|(when, _)| *when <= given.len()) {
            let (_, trade) = delayed.remove(place);
            given.push(Message::Trade(trade));
        }
    }
    given.extend(delayed.into_iter().map(|(_, trade)| Message::Trade(trade)));
    (given, good, injected)
}

fn settings(lateness: i64) -> ProcessorConfig {
    ProcessorConfig { lateness, dedupe_window: 64, ..plain(&["1s", "1m", "5m", "1h"]) }
}

fn give_messages(processor: &mut Processor, given: &[Message]) {
    for message in given {
        match message {
            Message::Trade(trade) => drop(processor.process(&Event::Trade(*trade)).unwrap()),
            Message::Unreadable => drop(processor.refuse(Some(S0), UtcNanos(BEGIN)).unwrap()),
        }
        assert!(processor.counters(S0).unwrap().reconciles());
    }
}

#[test]
fn all_faults_at_once_are_counted_exactly_and_leave_the_bars_as_the_naive_model_has_them() {
    for seed in 0..12 {
        for lateness in [0, 5 * SECOND] {
            let (given, good, injected) = faulty(seed, 3_000);
            let mut processor = one(settings(lateness));
            give_messages(&mut processor, &given);
            processor.finish();
            let batch = processor.take();
            let counters = *processor.counters(S0).unwrap();
            let trades = counters.trades;
            let context = format!("seed {seed} lateness {lateness}: {injected:?} {counters:?}");
            assert_eq!(trades.duplicate, injected.repeated, "{context}");
            assert_eq!(trades.bad, injected.bad + injected.future, "{context}");
            assert_eq!(trades.late, injected.late, "{context}");
            assert_eq!(trades.quarantined, injected.conflicting + injected.spikes, "{context}");
            assert_eq!(trades.ok, good.len() as u64, "{context}");
            assert_eq!(trades.waiting, 0, "{context}");
            assert_eq!(counters.unreadable.bad, injected.unreadable, "{context}");
            assert_eq!(processor.unknown().bad, injected.strangers, "{context}");
            assert_eq!(counters.missing, counters.filled, "{context}");
            assert_eq!(events(&batch, EventKind::Gap).len(), events(&batch, EventKind::GapFilled).len(), "{context}");
            assert!(counters.reconciles());
            let quarantined = processor.quarantine().trades();
            let spikes = quarantined.filter(|kept| kept.reason == Reason::Spike).count();
            assert_eq!(spikes as u64, injected.spikes);
            for (bars, name) in (0_u16..).zip(["1s", "1m", "5m", "1h"]) {
                assert_eq!(contents(&batch, bars), naive(&good, frame(name)), "{name} {context}");
                assert!(final_bars(&batch, bars).iter().all(|row| row.flags & 1 == 0), "{name} {context}");
            }
            assert!(
                injected.spikes > 10 && injected.late > 5 && injected.conflicting > 5 && counters.behind > 0
                    || lateness > 0
            );
        }
    }
}

#[test]
fn a_lossy_feed_says_each_gap_once_and_flags_exactly_the_bars_around_it() {
    let trades = walk(&mut Random(3), 5_000, 200 * MILLI);
    let mut random = Random(4);
    let kept: Vec<Trade> = trades
        .iter()
        .filter(|trade| trade.trade_id == 1 || trade.trade_id == 5_000 || !random.chance(1))
        .copied()
        .collect();
    let mut processor = one(ProcessorConfig { spike: None, gap_capacity: 1_000, ..plain(&["1s"]) });
    give_all(&mut processor, &kept);
    processor.finish();
    let batch = processor.take();
    let mut holes: Vec<(u64, u64, i64, i64)> = Vec::new();
    for pair in kept.windows(2) {
        if pair[1].trade_id > pair[0].trade_id + 1 {
            holes.push((pair[0].trade_id + 1, pair[1].trade_id - 1, pair[0].ts_event.0, pair[1].ts_event.0));
        }
    }
    let said: Vec<(u64, u64)> =
        events(&batch, EventKind::Gap).into_iter().map(|row| (batch.events.from[row], batch.events.to[row])).collect();
    assert_eq!(said, holes.iter().map(|(from, to, ..)| (*from, *to)).collect::<Vec<_>>());
    assert_eq!(processor.counters(S0).unwrap().missing, 5_000 - kept.len() as u64);
    for row in final_bars(&batch, 0) {
        let touched = holes.iter().any(|(_, _, since, until)| row.ts_open <= *until && row.ts_event > *since);
        assert_eq!(row.flags & 1 != 0, touched, "{row:?}");
    }
}

#[test]
fn the_output_is_bounded_and_its_policy_has_counts() {
    let trades = walk(&mut Random(8), 500, 100 * MILLI);
    let with = |overflow: Overflow| {
        let output = OutputConfig { capacity: 100, overflow, ..OutputConfig::default() };
        one(ProcessorConfig { spike: None, output, ..plain(&["1s"]) })
    };
    let mut block = with(Overflow::Block);
    let (mut whole, mut refused) = (Batch::default(), 0);
    for trade in &trades {
        while block.process(&Event::Trade(*trade)) == Err(OutputFull { rows: 100, capacity: 100 }) {
            whole.append(&block.take());
            refused += 1;
        }
    }
    whole.append(&block.take());
    assert_eq!((whole.trades.len(), refused), (500, 4));
    let mut drop_oldest = with(Overflow::DropOldest);
    give_all(&mut drop_oldest, &trades);
    let (tally, batch) = (drop_oldest.output_counters().trades, drop_oldest.take());
    assert_eq!(batch.trades.trade_id.last(), Some(&500));
    assert!((50..=100).contains(&batch.trades.len()));
    assert_eq!((tally.made, tally.dropped), (500, 500 - batch.trades.len() as u64));
    assert!(batch.trades.trade_id.windows(2).all(|pair| pair[1] == pair[0] + 1));
    let mut refuse = with(Overflow::Refuse);
    give_all(&mut refuse, &trades);
    let (tally, batch) = (refuse.output_counters().trades, refuse.take());
    assert_eq!((batch.trades.len(), tally.made, tally.refused), (100, 500, 400));
    assert_eq!(batch.trades.trade_id[99], 100);
    assert_eq!(refuse.counters(S0).unwrap().trades.ok, 500, "what the output loses is in the bars");
}

#[test]
fn settings_out_of_bounds_are_refused_with_their_names() {
    let refused = |config: ProcessorConfig| Processor::new(config, symbols(1)).err().map(|error| error.to_string());
    let rule = SpikeRule { confirm: 1, ..SpikeRule::default() };
    assert_eq!(
        refused(ProcessorConfig { lateness: -1, ..plain(&[]) }).unwrap(),
        "lateness -1 is not in 0..=86400000000000"
    );
    assert_eq!(
        refused(ProcessorConfig { spike: Some(rule), ..plain(&[]) }).unwrap(),
        "spike confirm 1 is not in 2..=16"
    );
    assert!(refused(ProcessorConfig { dedupe_window: 100, ..plain(&[]) }).unwrap().contains("power of two"));
    assert!(refused(plain(&["1m", "60s"])).unwrap().contains("twice"));
    assert!(matches!(Processor::new(plain(&[]), vec![]), Err(ProcessorError::Symbol(_))));
    let zero = BarPlan { kind: BarKind::Ticks(0), indicators: vec![] };
    assert!(refused(ProcessorConfig { bars: vec![zero], ..plain(&[]) }).is_some());
}

/// A short walk with times that collide.
fn trades(count: usize) -> impl Strategy<Value = Vec<Trade>> {
    prop::collection::vec((0..900_i64, 9_000..11_000_i64, 1..3_000_i64), 1..count).prop_map(|steps| {
        let mut ts = 0;
        (1..)
            .zip(steps)
            .map(|(id, (gap, cents, thousandths))| {
                ts += if gap < 300 { 0 } else { gap * MILLI };
                trade(id, ts, cents, thousandths)
            })
            .collect()
    })
}

fn rich() -> ProcessorConfig {
    let mut config = plain(&["1s", "1m", "7m", "1d"]);
    let size = |text: &str| BarKind::Volume(Quantity::parse(text).unwrap());
    let dollars = BarKind::Notional(Money::parse("250.5").unwrap());
    for kind in [BarKind::Ticks(3), size("1.7"), dollars] {
        config.bars.push(BarPlan { kind, indicators: vec![] });
    }
    config.bars[0].indicators = vec![wanted("EMA", &[3.0]), wanted("ATR", &[4.0])];
    config.bars[5].indicators = vec![wanted("SMA", &[2.0])];
    ProcessorConfig { spike: None, empty_bars: EmptyBars::Carry, ..config }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_order_within_the_lateness_does_not_matter(trades in trades(80), seed in any::<u64>(), seconds in 1..4_i64) {
        let run = |arrivals: &[Trade]| {
            let mut processor = one(ProcessorConfig { lateness: seconds * SECOND, ..rich() });
            give_all(&mut processor, arrivals);
            processor.finish();
            processor.take()
        };
        let ordered = run(&trades);
        let permuted = run(&permuted(&mut Random(seed), &trades, seconds * SECOND));
        prop_assert_eq!(&permuted.bars, &ordered.bars);
        prop_assert_eq!(permuted.trades.trade_id, ordered.trades.trade_id);
        let digests = [ordered.indicators.clone(), permuted.indicators].map(|indicators| {
            Batch { indicators, ..Batch::default() }.digest()
        });
        prop_assert_eq!(digests[0], digests[1]);
        let given: i128 = trades.iter().map(|trade| i128::from(trade.quantity.raw())).sum();
        for bars in 0..7_u16 {
            let rows = (0..ordered.bars.len()).filter_map(|row| ordered.bars.row(row)).filter(|row| row.bars == bars);
            prop_assert_eq!(rows.map(|row| row.volume).sum::<i128>(), given, "bars {}", bars);
        }
    }

    #[test]
    fn late_trades_leave_the_bars_they_would_have_made_in_order(trades in trades(80), seed in any::<u64>()) {
        let mut processor = one(plain(&["1s", "1m", "7m"]));
        give_all(&mut processor, &permuted(&mut Random(seed), &trades, 20 * SECOND));
        processor.finish();
        let batch = processor.take();
        for (bars, name) in [(0, "1s"), (1, "1m"), (2, "7m")] {
            prop_assert_eq!(contents(&batch, bars), naive(&trades, frame(name)), "{}", name);
        }
    }

    #[test]
    fn where_batches_are_cut_and_a_restart_at_any_place_do_not_matter(
        trades in trades(80), seed in any::<u64>(), cut in any::<prop::sample::Index>(), every in 1..9_usize
    ) {
        let arrivals = permuted(&mut Random(seed), &trades, 4 * SECOND);
        let now = |place: usize| UtcNanos(arrivals[place].ts_init.0 + SECOND / 2);
        let config = ProcessorConfig { lateness: SECOND, ..rich() };
        let mut whole = one(config.clone());
        let mut pieces = one(config.clone());
        let mut joined = Batch::default();
        let cut = cut.index(arrivals.len());
        for (place, trade) in arrivals.iter().enumerate() {
            give(&mut whole, *trade);
            give(&mut pieces, *trade);
            if place % 5 == 0 {
                whole.advance(now(place)).unwrap();
                pieces.advance(now(place)).unwrap();
            }
            if place % every == 0 {
                joined.append(&pieces.take());
            }
            if place == cut {
                pieces = Processor::restore(config.clone(), symbols(1), &pieces.snapshot().unwrap()).unwrap();
            }
        }
        whole.finish();
        pieces.finish();
        joined.append(&pieces.take());
        prop_assert_eq!(joined.digest(), whole.take().digest());
        prop_assert!(whole.counters(S0).unwrap().reconciles());
    }

    #[test]
    fn any_trade_is_answered_and_counted(
        fields in prop::collection::vec((any::<u64>(), any::<i64>(), any::<i64>(), any::<i64>(), any::<i64>(), 0..3_u32, any::<bool>()), 1..60),
        lateness in prop::sample::select(vec![0, SECOND])
    ) {
        let mut processor = Processor::new(ProcessorConfig { lateness, ..rich() }, symbols(2)).unwrap();
        for (id, price, quantity, event, init, symbol, near) in fields {
            let (id, event, init) = if near { (id % 50, BEGIN + event % MINUTE, BEGIN + init % MINUTE) } else { (id, event, init) };
            let (price, quantity) = if near { (price.saturating_abs().max(1) % (1 << 40), quantity.saturating_abs() % (1 << 32)) } else { (price, quantity) };
            let any = Trade {
                symbol: SymbolId(symbol),
                price: Price::from_raw(price),
                quantity: Quantity::from_raw(quantity),
                ts_event: UtcNanos(event),
                ts_init: UtcNanos(init),
                ..trade(id, 0, 1, 1)
            };
            let _any: Outcome = processor.process(&Event::Trade(any)).unwrap();
        }
        processor.finish();
        for symbol in 0..2 {
            prop_assert!(processor.counters(SymbolId(symbol)).unwrap().reconciles());
        }
        let batch = processor.take();
        let given: i128 = batch.trades.quantity.iter().map(|quantity| i128::from(*quantity)).sum();
        for bars in 4..7_u16 {
            let rows = (0..batch.bars.len()).filter_map(|row| batch.bars.row(row)).filter(|row| row.bars == bars);
            prop_assert_eq!(rows.map(|row| row.volume).sum::<i128>(), given);
        }
    }
}
