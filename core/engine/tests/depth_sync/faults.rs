//! Real updates with injected faults: every one is detected, the book is synced again and ends as the fault-free one.

use deepalpha_engine::stream::depth_sync::{Broken, Chain, Checksum, DepthSync, Limits, Step};
use deepalpha_engine::stream::event::Event;
use deepalpha_engine::stream::parse::recording::{self, Recorded};
use deepalpha_engine::stream::parse::{ParseError, Parser, Symbols, Venue};
use deepalpha_engine::types::{Price, Quantity};

use super::files;
use super::kit::{FINEST, NaiveBook, Owned, assert_counts_add_up, finest};
use super::recordings::binance;

/// Splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Drop,
    Duplicate,
    Reorder,
    /// The first id, or the one before, is another number.
    BadId,
    /// A price between two ticks.
    OffTick,
    Negative,
}

const FAULTS: [Fault; 6] =
    [Fault::Drop, Fault::Duplicate, Fault::Reorder, Fault::BadId, Fault::OffTick, Fault::Negative];

/// The messages as they come in, each with the place up to which the venue has got.
fn inject(updates: &[Owned], random: &mut Random, faults: &[Fault]) -> (Vec<(usize, Owned)>, u64) {
    let mut arriving: Vec<(usize, Owned)> = updates.iter().cloned().enumerate().collect();
    let (mut at, mut count) = (20, 0);
    // The last stretch is without a fault, so that the last repair can come through.
    while at + 40 < arriving.len() {
        let fault = faults[random.below(faults.len() as u64) as usize];
        count += 1;
        let update = &mut arriving[at].1;
        match fault {
            Fault::Drop => drop(arriving.remove(at)),
            Fault::Duplicate => {
                let again = arriving[at].clone();
                arriving.insert(at + 1 + random.below(3) as usize, again);
            }
            Fault::Reorder => arriving.swap(at, at + 1),
            // Of an update of one id with nothing else to tell, another number would be another update.
            Fault::BadId if update.previous.is_none() && update.first == update.last => drop(arriving.remove(at)),
            Fault::BadId => {
                update.first = update.first.wrapping_add(1 + random.below(1000)).min(update.last);
                update.previous = update.previous.map(|previous| previous + 1);
            }
            Fault::OffTick => update.bids.push((Price::from_raw(6_183_763_000_001), Quantity::from_raw(1_000_000))),
            Fault::Negative => update.asks.push((Price::from_raw(6_183_763_000_000), Quantity::from_raw(-1_000_000))),
        }
        at += 25 + random.below(60) as usize;
    }
    (arriving, count)
}

/// Run with a REST interface that answers three messages after it is asked, from the venue's true book.
fn run(mut sync: DepthSync, updates: &[Owned], arriving: &[(usize, Owned)]) -> (DepthSync, u64) {
    let (mut truth, mut told) = (NaiveBook::default(), 0);
    let (mut answer_in, mut asked) = (Some(3), 1);
    for (at, update) in arriving {
        while told <= *at {
            truth.apply(&updates[told]);
            told += 1;
        }
        // While the book is believed it is the venue's of some moment; equality is checked where it is the newest.
        if matches!(sync.apply(&update.borrow()), Step::Resync(_)) && answer_in.is_none() {
            (answer_in, asked) = (Some(3), asked + 1);
        }
        if at % 20 == 0 && sync.is_live() && sync.last_update() == truth.last {
            truth.assert_equals(&sync, STEPS);
        }
        answer_in = match answer_in {
            Some(0) => match sync.apply(&truth.snapshot().borrow()) {
                Step::Resync(_) => Some(3),
                _ => None,
            },
            Some(left) => Some(left - 1),
            None => None,
        };
    }
    assert!(
        sync.is_live() && sync.last_update() == truth.last,
        "{:?} {:?} {}",
        sync.state(),
        sync.counts(),
        truth.last
    );
    truth.assert_equals(&sync, STEPS);
    (sync, asked)
}

/// One cent and 1e-6 suit all three recordings.
const STEPS: (Price, Quantity) = (Price::from_raw(1_000_000), Quantity::from_raw(100));

#[test]
fn every_injected_fault_is_found_and_the_book_ends_as_the_true_one() {
    for (name, chain) in [("spot_btcusdt", Chain::Range), ("usdm_btcusdt", Chain::Previous)] {
        let Some((mut updates, _)) = binance(name) else { return };
        updates.retain(|update| !update.snapshot);
        updates.truncate(800);
        for seed in 0..5 {
            let mut random = Random(seed);
            let (arriving, faults) = inject(&updates, &mut random, &FAULTS);
            let sync = DepthSync::new(chain, STEPS.0, STEPS.1, Limits { crossed: 20, ..Limits::default() });
            let (sync, asked) = run(sync, &updates, &arriving);
            assert!(sync.is_live(), "{name} {seed} {:?}", sync.state());
            assert_counts_add_up(&sync);
            let counts = sync.counts();
            assert!(
                faults > 8 && asked > 4 && counts.resyncs >= asked - 1,
                "{name} {seed} {faults} {asked} {counts:?}"
            );
        }
    }
}

/// One kind at a time: what it is called, and that a repetition breaks nothing.
#[test]
fn each_kind_of_fault_is_called_what_it_is() {
    for (name, chain) in [("spot_btcusdt", Chain::Range), ("usdm_btcusdt", Chain::Previous)] {
        let Some((mut updates, _)) = binance(name) else { return };
        updates.retain(|update| !update.snapshot);
        for fault in FAULTS {
            let mut sync = DepthSync::new(chain, STEPS.0, STEPS.1, Limits::default());
            let mut truth = NaiveBook::default();
            truth.apply(&updates[0]);
            assert!(matches!(sync.apply(&truth.snapshot().borrow()), Step::Synced { applied: 0 }));
            let mut few: Vec<Owned> = updates[1..8].to_vec();
            match fault {
                Fault::Drop => drop(few.remove(3)),
                Fault::Duplicate => few.insert(4, few[3].clone()),
                Fault::Reorder => few.swap(3, 4),
                Fault::BadId => {
                    few[3].first += 1;
                    few[3].last = few[3].last.max(few[3].first);
                    few[3].previous = few[3].previous.map(|previous| previous + 1);
                }
                Fault::OffTick => few[3].bids.push((Price::from_raw(1), Quantity::from_raw(0))),
                Fault::Negative => few[3].asks.push((Price::from_raw(1_000_000), Quantity::from_raw(-1_000))),
            }
            let steps: Vec<Step> = few.iter().map(|update| sync.apply(&update.borrow())).collect();
            let broken =
                steps.iter().find_map(|step| if let Step::Resync(broken) = step { Some(*broken) } else { None });
            match fault {
                Fault::Drop | Fault::Reorder | Fault::BadId => {
                    assert!(matches!(broken, Some(Broken::Gap { .. })), "{fault:?} {steps:?}")
                }
                Fault::Duplicate => assert!(broken.is_none() && steps[4] == Step::Dropped, "{steps:?}"),
                Fault::OffTick => assert!(matches!(broken, Some(Broken::Step(_))), "{broken:?}"),
                Fault::Negative => assert!(matches!(broken, Some(Broken::Level(_))), "{broken:?}"),
            }
            assert_eq!(sync.is_live(), fault == Fault::Duplicate);
            assert_counts_add_up(&sync);
        }
    }
}

/// A quantity that is wrong but well-formed is found by the checksum only; a snapshot repairs the book.
#[test]
fn a_wrong_quantity_is_found_by_the_checksum() {
    let Some(text) = files::cryptofeed("OKX.ws.1.0") else { return };
    let mut parser = Parser::new(Venue::Okx, Symbols::new());
    let mut updates = Vec::new();
    for line in files::lines(&text) {
        let Recorded::Message { ts_init, payload } = recording::cryptofeed(line).unwrap() else { continue };
        let mut take = |event: Event<'_>| match event {
            Event::Depth(update) if update.symbol.0 == 0 => updates.push(Owned::of(&update)),
            _ => {}
        };
        while let Err(ParseError::UnknownSymbol { name }) = parser.parse_each(payload, ts_init, &mut take) {
            parser.symbols_mut().add(name.to_string().trim_matches('"')).unwrap();
        }
    }
    let mut found = 0;
    let mut sync = finest(Chain::None).with_checksum(Checksum::Okx);
    let mut truth = NaiveBook::default();
    for (at, update) in updates.iter().enumerate() {
        truth.apply(update);
        let mut update = update.clone();
        // The best bid of every fifth update is one contract off.
        let wrong = at % 5 == 4;
        if wrong {
            let (price, quantity) = truth.sides[0].iter().next_back().map(|(price, size)| (*price, *size)).unwrap();
            update.bids.retain(|(other, _)| *other != price);
            update.bids.push((price, Quantity::from_raw(quantity.raw() + 100_000_000)));
        }
        match sync.apply(&update.borrow()) {
            Step::Resync(Broken::Checksum { ours, theirs }) => {
                assert!(wrong && ours != theirs);
                found += 1;
                let snapshot = Owned { checksum: update.checksum, ..truth.snapshot() };
                assert_eq!(sync.apply(&snapshot.borrow()), Step::Synced { applied: 0 });
            }
            step => assert!(!wrong, "{at} {step:?}"),
        }
        truth.assert_equals(&sync, FINEST);
    }
    assert!(found > 10, "{found}");
}
