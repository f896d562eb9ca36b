//! The data-quality rules of the stream processor, one named test each (the parser and the book have their own: rules 10,
//! 11, 14, 15 and 16 are read here from the processor's side: what it counts when they refuse).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod stream_support;

use deepalpha_engine::stream::depth_sync::Limits;
use deepalpha_engine::stream::event::{DepthUpdate, Event, Quote, SymbolId, Trade};
use deepalpha_engine::stream::output::{EventKind, Reason, flags};
use deepalpha_engine::stream::parse::Venue;
use deepalpha_engine::stream::processor::{BookPlan, Outcome, Processor, ProcessorConfig, SymbolTerms};
use deepalpha_engine::types::{Price, Quantity, UtcNanos};
use stream_support::*;

const S0: SymbolId = SymbolId(0);

/// Trades at one price level, 100 ms apart.
fn calm(count: u64) -> Vec<Trade> {
    (1..=count).map(|id| trade(id, id as i64 * 100 * MILLI, 10_000 + (id % 5) as i64, 1_000)).collect()
}

#[test]
fn rule_01_a_repeated_id_is_a_duplicate_and_another_content_goes_into_quarantine() {
    let mut processor = one(plain(&["1s"]));
    let trades = calm(20);
    give_all(&mut processor, &trades);
    assert_eq!(give(&mut processor, trades[19]), Outcome::Duplicate);
    assert_eq!(give(&mut processor, trades[3]), Outcome::Duplicate);
    let other = Trade { price: Price::from_raw(trades[19].price.raw() + 1), ..trades[19] };
    assert_eq!(give(&mut processor, other), Outcome::Quarantined(Reason::Conflict));
    let counts = processor.counters(S0).unwrap().trades;
    assert_eq!((counts.received, counts.ok, counts.duplicate, counts.quarantined), (23, 20, 2, 1));
    assert_eq!(processor.quarantine().trades().next().unwrap().trade, other);
}

#[test]
fn rule_02_a_hole_in_the_ids_is_a_gap_with_its_ends_and_its_bars_are_incomplete_until_it_is_filled() {
    let mut processor = one(plain(&["1s", "1m"]));
    let trades = calm(60);
    let (missing, rest): (Vec<Trade>, Vec<Trade>) =
        trades.iter().partition(|trade| (15..=22).contains(&trade.trade_id));
    give_all(&mut processor, &rest);
    let mut batch = processor.take();
    let gaps = events(&batch, EventKind::Gap);
    assert_eq!(gaps.len(), 1);
    assert_eq!((batch.events.from[gaps[0]], batch.events.to[gaps[0]]), (15, 22));
    let incomplete = |bars: &[deepalpha_engine::stream::output::BarRow]| -> Vec<i64> {
        bars.iter().filter(|row| row.flags & flags::INCOMPLETE != 0).map(|row| (row.ts_open - BEGIN) / SECOND).collect()
    };
    assert_eq!(incomplete(&final_bars(&batch, 0)), [1, 2]);
    let outcomes = processor.backfill(&missing);
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Ok), "{outcomes:?}");
    let repaired = processor.take();
    assert_eq!(events(&repaired, EventKind::GapFilled).len(), 1);
    assert_eq!(events(&repaired, EventKind::Revision).len(), 2, "a bar several trades change is revised once");
    batch.append(&repaired);
    processor.finish();
    batch.append(&processor.take());
    assert_eq!(incomplete(&final_bars(&batch, 0)), [0; 0]);
    assert_eq!(contents(&batch, 0), naive(&trades, frame("1s")));
    assert_eq!(contents(&batch, 1), naive(&trades, frame("1m")));
    let counters = processor.counters(S0).unwrap();
    assert_eq!((counters.gaps, counters.missing, counters.filled), (1, 8, 8));
}

#[test]
fn rule_03_an_id_that_goes_back_is_late_with_an_old_time_and_a_new_start_with_a_new_time() {
    let mut processor = one(ProcessorConfig { dedupe_window: 16, ..plain(&["1s"]) });
    give_all(&mut processor, &calm(100));
    assert_eq!(give(&mut processor, trade(7, 9_950 * MILLI, 10_001, 1_000)), Outcome::Late);
    assert_eq!(give(&mut processor, trade(1, 10_100 * MILLI, 10_001, 1_000)), Outcome::Ok);
    assert_eq!(give(&mut processor, trade(2, 10_200 * MILLI, 10_001, 1_000)), Outcome::Ok);
    let batch = processor.take();
    let reset = events(&batch, EventKind::IdReset);
    assert_eq!((batch.events.from[reset[0]], batch.events.to[reset[0]]), (100, 1));
    assert!(events(&batch, EventKind::Gap).is_empty());
    // Inside the window a new start shows as conflicts; the third in a row settles it.
    let mut processor = one(plain(&["1s"]));
    give_all(&mut processor, &calm(100));
    let anew: Vec<Outcome> =
        (1..=4).map(|id| give(&mut processor, trade(id, 10_000 * MILLI + id as i64 * MILLI, 10_002, 7))).collect();
    let conflict = Outcome::Quarantined(Reason::Conflict);
    assert_eq!(anew, [conflict, conflict, Outcome::Ok, Outcome::Ok]);
    assert_eq!(processor.counters(S0).unwrap().id_resets, 1);
}

#[test]
fn rule_04_a_late_trade_revises_its_bar_within_the_window_and_goes_to_the_side_output_beyond() {
    let mut processor = one(ProcessorConfig { revision_window: 5 * SECOND, ..plain(&["1s", "1m"]) });
    let trades = calm(100);
    let (late, rest): (Vec<Trade>, Vec<Trade>) = trades.iter().partition(|trade| [12, 75].contains(&trade.trade_id));
    give_all(&mut processor, &rest);
    assert_eq!(give(&mut processor, late[1]), Outcome::Ok);
    assert_eq!(give(&mut processor, late[0]), Outcome::Late);
    let batch = processor.take();
    let revised = events(&batch, EventKind::Revision);
    assert_eq!(revised.len(), 1, "the minute still forms");
    assert_eq!(batch.events.value[revised[0]], BEGIN + 7 * SECOND);
    let bar = final_bars(&batch, 0).into_iter().find(|row| row.ts_open == BEGIN + 7 * SECOND).unwrap();
    assert_eq!((bar.flags & flags::REVISED, bar.revision, bar.trades), (flags::REVISED, 1, 10));
    let side = events(&batch, EventKind::Late);
    assert_eq!((batch.events.from[side[0]], batch.events.quantity[side[0]]), (12, UNIT));
    let counts = processor.counters(S0).unwrap().trades;
    assert_eq!((counts.ok, counts.late), (99, 1));
}

#[test]
fn rule_05_a_time_far_in_the_future_is_bad_and_a_skewed_clock_is_an_alarm() {
    let mut processor = one(plain(&["1s"]));
    // The recordings of 2024-08-08: the venue's clock ran 1.27 s ahead of the recorder's.
    let ahead = |id: u64, lead: i64| {
        let plain = trade(id, id as i64 * 10 * MILLI, 10_000, 1_000);
        Trade { ts_init: UtcNanos(plain.ts_event.0 - lead), ..plain }
    };
    for id in 1..=200 {
        assert_eq!(give(&mut processor, ahead(id, 1_270 * MILLI)), Outcome::Ok);
    }
    assert_eq!(processor.skew(S0), Some(1_270 * MILLI));
    assert_eq!(give(&mut processor, ahead(201, 6_200 * MILLI)), Outcome::Ok);
    assert_eq!(give(&mut processor, ahead(202, 7_000 * MILLI)), Outcome::Bad(Reason::Future));
    let batch = processor.take();
    assert_eq!(events(&batch, EventKind::ClockSkew).len(), 1);
    for id in 203..=1_000 {
        give(&mut processor, ahead(id, -20 * MILLI));
    }
    assert_eq!(events(&processor.take(), EventKind::ClockAgreed).len(), 1);
}

#[test]
fn rule_06_prices_of_zero_or_less_or_off_the_grid_are_bad() {
    let terms = vec![SymbolTerms { name: "S0".to_owned(), tick_size: Some(Price::parse("0.05").unwrap()) }];
    let mut processor = Processor::new(plain(&["1s"]), terms).unwrap();
    let outcomes: Vec<Outcome> = [(1, 10_005), (2, 0), (3, -10_005), (4, 10_001), (5, 10_010)]
        .map(|(id, cents)| give(&mut processor, trade(id, id as i64 * MILLI, cents, 1_000)))
        .to_vec();
    let bad = Outcome::Bad;
    assert_eq!(outcomes, [Outcome::Ok, bad(Reason::Price), bad(Reason::Price), bad(Reason::OffGrid), Outcome::Ok]);
    let batch = processor.take();
    let gap = events(&batch, EventKind::Gap);
    assert_eq!((batch.events.from[gap[0]], batch.events.to[gap[0]]), (2, 4), "what was refused is asked for again");
    // What it is asked for again may come under the same id.
    assert_eq!(processor.backfill(&[trade(2, 2 * MILLI, 10_005, 1_000)]), [Outcome::Ok]);
}

#[test]
fn rule_07_quantities_of_zero_or_less_are_bad() {
    let mut processor = one(plain(&["1s"]));
    for (id, thousandths) in [(1, 0), (2, -5)] {
        assert_eq!(give(&mut processor, trade(id, 0, 10_000, thousandths)), Outcome::Bad(Reason::Quantity));
    }
    assert_eq!(processor.counters(S0).unwrap().trades.bad, 2);
}

#[test]
fn rule_08_a_single_wrong_price_is_kept_aside_and_a_real_crash_passes() {
    let mut processor = one(plain(&["1s"]));
    give_all(&mut processor, &calm(50));
    // A wrong print, then back: kept, not lost.
    assert_eq!(give(&mut processor, trade(51, 5_100 * MILLI, 1_000, 1_000)), Outcome::Waiting);
    assert_eq!(processor.counters(S0).unwrap().trades.waiting, 1);
    assert_eq!(give(&mut processor, trade(52, 5_200 * MILLI, 10_001, 1_000)), Outcome::Ok);
    let kept: Vec<_> = processor.quarantine().trades().collect();
    assert_eq!((kept.len(), kept[0].reason, kept[0].trade.trade_id), (1, Reason::Spike, 51));
    // A crash of 20 % within five trades: all of it is in the bars.
    for (id, cents) in (53..).zip([9_600, 9_200, 8_800, 8_400, 8_000, 8_010, 8_005]) {
        give(&mut processor, trade(id, id as i64 * 100 * MILLI, cents, 1_000));
    }
    let counts = processor.counters(S0).unwrap().trades;
    assert_eq!((counts.ok, counts.quarantined, counts.waiting), (58, 1, 0));
    // The desk looks at it and lets it in: its bar is revised, its volume is there.
    let before = processor.take();
    assert_eq!(processor.release(kept[0].key), Ok(Outcome::Ok));
    assert!(processor.release(kept[0].key).is_err());
    processor.finish();
    let mut batch = before;
    batch.append(&processor.take());
    assert_eq!(final_bars(&batch, 0).iter().map(|row| row.volume).sum::<i128>(), 59 * i128::from(UNIT));
    assert_eq!(final_bars(&batch, 0).iter().map(|row| row.low).min(), Some(1_000 * UNIT / 100));
    assert!(processor.counters(S0).unwrap().reconciles());
}

#[test]
fn rule_09_a_book_that_stays_crossed_asks_for_a_snapshot() {
    let mut processor = one(ProcessorConfig { most_crossed: 3, ..plain(&[]) });
    let quote = |id: u64, bid: i64, ask: i64| {
        let at = UtcNanos(BEGIN + id as i64 * MILLI);
        let (one, price) = (Quantity::from_raw(UNIT), |cents: i64| Price::from_raw(cents * UNIT / 100));
        Event::Quote(Quote {
            symbol: S0,
            update_id: id,
            bid: price(bid),
            bid_quantity: one,
            ask: price(ask),
            ask_quantity: one,
            ts_event: at,
            ts_init: at,
        })
    };
    let script = [
        (1, 100, 101),
        (2, 101, 101),
        (3, 102, 101),
        (4, 100, 101),
        (5, 103, 101),
        (6, 103, 101),
        (7, 103, 101),
        (8, 103, 101),
    ];
    for (id, bid, ask) in script {
        processor.process(&quote(id, bid, ask)).unwrap();
    }
    assert_eq!(processor.process(&quote(8, 103, 101)), Ok(Outcome::Duplicate));
    assert_eq!(processor.process(&quote(5, 103, 101)), Ok(Outcome::Late));
    assert_eq!(processor.process(&quote(9, 0, 101)), Ok(Outcome::Bad(Reason::Price)));
    let batch = processor.take();
    let resync = events(&batch, EventKind::Resync);
    assert_eq!(
        (resync.len(), batch.events.from[resync[0]], reasons(&batch, EventKind::Resync)),
        (1, 7, vec![number(Reason::Crossed)])
    );
    let counts = processor.counters(S0).unwrap();
    assert_eq!((counts.crossed, counts.quotes.ok, counts.quotes.received), (6, 8, 11));
    assert!(counts.reconciles());
}

#[test]
fn rules_10_and_11_a_broken_chain_and_a_wrong_checksum_are_told_and_counted() {
    let mut processor = one(plain(&[]));
    let level = [(Price::from_raw(UNIT), Quantity::from_raw(0))];
    let update = |first: u64, last: u64| DepthUpdate {
        symbol: S0,
        snapshot: false,
        first_update: first,
        last_update: last,
        previous_update: None,
        checksum: None,
        bids: &level,
        asks: &[],
        ts_event: UtcNanos(BEGIN),
        ts_init: UtcNanos(BEGIN),
    };
    assert_eq!(processor.process(&Event::Depth(update(1, 4))), Ok(Outcome::Ok));
    assert_eq!(processor.process(&Event::Depth(update(5, 4))), Ok(Outcome::Bad(Reason::Chain)));
    let wrong = [(Price::from_raw(-UNIT), Quantity::from_raw(0))];
    let update = DepthUpdate { bids: &wrong, ..update(5, 6) };
    assert_eq!(processor.process(&Event::Depth(update)), Ok(Outcome::Bad(Reason::Price)));
    for reason in [Reason::Chain, Reason::Checksum] {
        processor.note_resync(S0, reason, 4, UtcNanos(BEGIN));
    }
    let batch = processor.take();
    assert_eq!(reasons(&batch, EventKind::Resync), [number(Reason::Chain), number(Reason::Checksum)]);
    let depth = processor.counters(S0).unwrap().depth;
    assert_eq!((depth.received, depth.ok, depth.bad), (3, 1, 2));
}

#[test]
fn rules_10_and_11_a_book_follows_its_chain_breaks_once_and_lives_again_with_a_snapshot() {
    let unit = |cents: i64| (Price::from_raw(cents * UNIT / 100), Quantity::from_raw(UNIT));
    let plan = BookPlan {
        symbol: S0,
        tick_size: Price::from_raw(UNIT / 100),
        lot_size: Quantity::from_raw(UNIT),
        chain: Venue::BinanceSpot.book_chain(),
        limits: Limits::default(),
    };
    let mut processor = one(ProcessorConfig { books: vec![plan], ..plain(&[]) });
    let (bids, asks) = ([unit(100)], [unit(101)]);
    let update = |snapshot: bool, first: u64, last: u64| DepthUpdate {
        symbol: S0,
        snapshot,
        first_update: first,
        last_update: last,
        previous_update: None,
        checksum: None,
        bids: &bids,
        asks: &asks,
        ts_event: UtcNanos(BEGIN),
        ts_init: UtcNanos(BEGIN),
    };
    let mut give = |update: DepthUpdate<'_>| {
        let outcome = processor.process(&Event::Depth(update)).unwrap();
        let told = reasons(&processor.take(), EventKind::Resync).len();
        let book = processor.book(S0).unwrap();
        (outcome, (book.is_live(), book.last_update()), told)
    };
    assert_eq!(give(update(false, 5, 7)), (Outcome::Ok, (false, 0), 0), "kept until the snapshot");
    assert_eq!(give(update(true, 6, 6)), (Outcome::Ok, (true, 7), 0), "the snapshot, and the kept one over it");
    assert_eq!(give(update(false, 8, 9)), (Outcome::Ok, (true, 9), 0));
    assert_eq!(give(update(false, 11, 12)), (Outcome::Ok, (false, 9), 1), "10 is missing");
    assert_eq!(give(update(false, 13, 13)), (Outcome::Ok, (false, 9), 0), "said once");
    assert_eq!(give(update(true, 11, 11)), (Outcome::Ok, (true, 13), 0));
    assert_eq!(
        give(update(false, 15, 14)),
        (Outcome::Bad(Reason::Chain), (false, 13), 1),
        "a damaged one is a lost one"
    );
    let counts = processor.book(S0).unwrap().counts();
    assert_eq!((counts.snapshots, counts.resyncs), (2, 2));
    assert!(processor.book(SymbolId(1)).is_none());
}

#[test]
fn rule_12_silence_of_three_median_gaps_is_a_stale_feed_and_said_once() {
    let mut processor = one(ProcessorConfig { stale_floor: 0, ..plain(&["1s"]) });
    give_all(&mut processor, &calm(30));
    let last = BEGIN + 3_000 * MILLI + 10 * MILLI;
    processor.advance(UtcNanos(last + 300 * MILLI)).unwrap();
    assert!(events(&processor.take(), EventKind::Stale).is_empty());
    for more in [301, 400, 900] {
        processor.advance(UtcNanos(last + more * MILLI)).unwrap();
    }
    let batch = processor.take();
    let stale = events(&batch, EventKind::Stale);
    assert_eq!(
        (stale.len(), batch.events.value[stale[0]], batch.events.from[stale[0]]),
        (1, 301 * MILLI, 100 * MILLI as u64)
    );
    give(&mut processor, trade(31, 4_000 * MILLI, 10_000, 1_000));
    assert_eq!(events(&processor.take(), EventKind::Resumed).len(), 1);
}

#[test]
fn rule_05_a_clock_of_ours_that_is_years_ahead_closes_bars_by_the_time_that_passed_and_makes_no_trade_late() {
    let mut processor = one(plain(&["1s"]));
    let ahead = 3 * 365 * 24 * HOUR;
    let at = |id: u64| Trade {
        ts_init: UtcNanos(BEGIN + id as i64 * 100 * MILLI + ahead),
        ..trade(id, id as i64 * 100 * MILLI, 10_000, 1_000)
    };
    give_all(&mut processor, &(1..=15).map(at).collect::<Vec<_>>());
    processor.advance(UtcNanos(BEGIN + 1_500 * MILLI + ahead)).unwrap();
    assert_eq!(give(&mut processor, at(16)), Outcome::Ok);
    processor.advance(UtcNanos(BEGIN + 1_600 * MILLI + SECOND + 399 * MILLI + ahead)).unwrap();
    assert_eq!(final_bars(&processor.take(), 0).len(), 1, "the first, whose end a trade passed");
    processor.advance(UtcNanos(BEGIN + 1_600 * MILLI + SECOND + 400 * MILLI + ahead)).unwrap();
    assert_eq!(final_bars(&processor.take(), 0).len(), 1, "the second, a second of grace after its end");
    assert_eq!(processor.counters(S0).unwrap().trades.late, 0);
}

#[test]
fn rule_13_an_unknown_symbol_is_refused_and_trades_of_a_halted_one_wait_aside() {
    let mut processor = one(plain(&["1s"]));
    let stranger = Trade { symbol: SymbolId(7), ..trade(1, 0, 10_000, 1_000) };
    assert_eq!(give(&mut processor, stranger), Outcome::Bad(Reason::UnknownSymbol));
    assert_eq!((processor.unknown().received, processor.unknown().bad), (1, 1));
    processor.set_halted(S0, true, UtcNanos(BEGIN));
    assert_eq!(give(&mut processor, trade(1, 0, 10_000, 1_000)), Outcome::Quarantined(Reason::Halted));
    processor.set_halted(S0, false, UtcNanos(BEGIN));
    assert_eq!(give(&mut processor, trade(2, 0, 10_000, 1_000)), Outcome::Ok);
    let key = processor.quarantine().trades().next().unwrap().key;
    processor.discard(key).unwrap();
    let batch = processor.take();
    assert_eq!(events(&batch, EventKind::Status).len(), 2);
    assert_eq!(events(&batch, EventKind::Discarded).len(), 1);
    assert!(events(&batch, EventKind::Gap).is_empty(), "a trade aside is not missing");
    let counts = processor.counters(S0).unwrap();
    assert_eq!((counts.trades.quarantined, counts.discarded, counts.reconciles()), (1, 1, true));
}

#[test]
fn rules_14_15_and_16_what_the_parser_refuses_is_counted_and_said() {
    let mut processor = one(plain(&["1s"]));
    for symbol in [Some(S0), Some(S0), None] {
        assert_eq!(processor.refuse(symbol, UtcNanos(BEGIN)), Ok(Outcome::Bad(Reason::Unreadable)));
    }
    let of_symbol = processor.counters(S0).unwrap().unreadable;
    assert_eq!((of_symbol.received, of_symbol.bad, processor.unknown().bad), (2, 2, 1));
    assert_eq!(events(&processor.take(), EventKind::Bad).len(), 3);
    // Microseconds or seconds taken for nanoseconds fall out of the times that can be, or into the future.
    for (id, ts) in [(1, BEGIN.wrapping_mul(1_000)), (2, -1), (3, i64::MAX), (4, BEGIN + HOUR)] {
        let wrong = Trade { ts_event: UtcNanos(ts), ..trade(id, 0, 10_000, 1_000) };
        assert!(matches!(give(&mut processor, wrong), Outcome::Bad(Reason::Time | Reason::Future)), "{ts}");
    }
}

#[test]
fn rule_17_a_time_without_a_trade_has_no_bar_or_the_last_close_as_asked() {
    use deepalpha_engine::stream::processor::EmptyBars;
    let trades = [trade(1, 500 * MILLI, 10_000, 1_000), trade(2, 3_500 * MILLI, 10_010, 1_000)];
    let starts = |empty_bars: EmptyBars, most_carried: u32| {
        let mut processor = one(ProcessorConfig { empty_bars, most_carried, ..plain(&["1s", "1m"]) });
        give_all(&mut processor, &trades);
        processor.advance(UtcNanos(BEGIN + 7 * SECOND + 10 * MILLI)).unwrap();
        let batch = processor.take();
        let rows = final_bars(&batch, 0);
        let seen: Vec<(i64, u8)> = rows.iter().map(|row| ((row.ts_open - BEGIN) / SECOND, row.flags)).collect();
        (seen, rows.iter().map(|row| (row.open, row.low, row.close, row.trades)).collect::<Vec<_>>(), batch)
    };
    let (seen, ..) = starts(EmptyBars::None, 10);
    assert_eq!(seen, [(0, 0), (3, 0)]);
    let (seen, prices, _) = starts(EmptyBars::Carry, 10);
    let carried = flags::CARRIED;
    assert_eq!(seen, [(0, 0), (1, carried), (2, carried), (3, 0), (4, carried), (5, carried)]);
    let close = 100 * UNIT;
    assert_eq!(prices[1], (close, close, close, 0));
    let (seen, _, batch) = starts(EmptyBars::Carry, 1);
    assert_eq!(seen, [(0, 0), (3, 0)]);
    assert_eq!(events(&batch, EventKind::Skipped).len(), 2, "what is not carried is said");
}

#[test]
fn rule_18_a_trade_exactly_at_the_end_opens_the_next_bar_of_every_frame() {
    let mut processor = one(plain(&["1s", "1m", "1h", "1d", "1w", "1mo"]));
    // Monday 2024-01-01; the month ends on Thursday 2024-02-01, the week on Monday 2024-01-08.
    let week = 7 * 24 * HOUR;
    let month = 31 * 24 * HOUR;
    let trades: Vec<Trade> = [0, week - 1, week, month - 1, month]
        .into_iter()
        .zip(1..)
        .map(|(ts, id)| trade(id, ts, 10_000 + id as i64, 1_000))
        .collect();
    give_all(&mut processor, &trades);
    processor.finish();
    let batch = processor.take();
    for (bars, name) in (0_u16..).zip(["1s", "1m", "1h", "1d", "1w", "1mo"]) {
        assert_eq!(contents(&batch, bars), naive(&trades, frame(name)), "{name}");
    }
    let counts = |bars: u16| final_bars(&batch, bars).iter().map(|row| row.trades).collect::<Vec<_>>();
    assert_eq!((counts(3), counts(4), counts(5)), (vec![1, 1, 1, 1, 1], vec![2, 1, 2], vec![4, 1]));
}

#[test]
fn rule_18_an_hour_is_bit_for_bit_the_roll_up_of_its_sixty_minutes() {
    let trades = walk(&mut Random(18), 40_000, 500 * MILLI);
    let mut processor = one(ProcessorConfig { spike: None, ..plain(&["1m", "1h", "7m"]) });
    give_all(&mut processor, &trades);
    processor.finish();
    let batch = processor.take();
    let minutes = final_bars(&batch, 0);
    let hours = final_bars(&batch, 1);
    assert!(hours.len() > 4);
    for hour in &hours {
        let inside: Vec<_> =
            minutes.iter().filter(|row| hour.ts_open <= row.ts_open && row.ts_open < hour.ts_event).collect();
        assert_eq!(hour.open, inside[0].open);
        assert_eq!(hour.close, inside[inside.len() - 1].close);
        assert_eq!(Some(hour.high), inside.iter().map(|row| row.high).max());
        assert_eq!(Some(hour.low), inside.iter().map(|row| row.low).min());
        assert_eq!(hour.volume, inside.iter().map(|row| row.volume).sum());
        assert_eq!(hour.buy_volume, inside.iter().map(|row| row.buy_volume).sum());
        assert_eq!(hour.notional, inside.iter().map(|row| row.notional).sum());
        assert_eq!(hour.trades, inside.iter().map(|row| row.trades).sum());
    }
    for (bars, name) in [(0, "1m"), (1, "1h"), (2, "7m")] {
        assert_eq!(contents(&batch, bars), naive(&trades, frame(name)), "{name}");
    }
}

#[test]
fn rule_19_every_unit_of_volume_is_in_exactly_one_bar_of_a_kind() {
    use deepalpha_engine::stream::processor::{BarKind, BarPlan};
    use deepalpha_engine::types::Money;
    let kinds = [
        BarKind::Ticks(7),
        BarKind::Volume(Quantity::parse("3.33333333").unwrap()),
        BarKind::Notional(Money::parse("12345.67").unwrap()),
        BarKind::Time(frame("5m")),
    ];
    let bars = kinds.map(|kind| BarPlan { kind, indicators: vec![] }).to_vec();
    let trades = walk(&mut Random(19), 5_000, 300 * MILLI);
    let mut processor = one(ProcessorConfig { bars, spike: None, ..plain(&[]) });
    give_all(&mut processor, &trades);
    processor.finish();
    let batch = processor.take();
    let given: i128 = trades.iter().map(|trade| i128::from(trade.quantity.raw())).sum();
    for (bars, kind) in (0_u16..).zip(kinds) {
        let rows: Vec<_> =
            (0..batch.bars.len()).filter_map(|row| batch.bars.row(row)).filter(|row| row.bars == bars).collect();
        assert_eq!(rows.iter().map(|row| row.volume).sum::<i128>(), given, "{kind:?}");
        assert_eq!(rows.iter().map(|row| row.trades).sum::<u64>(), 5_000, "{kind:?}");
        let whole = rows.iter().filter(|row| row.flags & flags::PARTIAL == 0);
        match kind {
            BarKind::Ticks(_) => assert!(whole.clone().all(|row| row.trades == 7)),
            BarKind::Volume(size) => assert!(whole.clone().all(|row| row.volume == i128::from(size.raw()))),
            BarKind::Notional(size) => {
                let size = i128::from(size.raw()) * i128::from(UNIT);
                assert!(whole.clone().all(|row| row.notional >= size && row.notional - size < i128::from(row.close)));
            }
            BarKind::Time(_) => {}
        }
        assert!(whole.count() > 100 || bars == 3);
    }
}

#[test]
fn rule_20_any_order_within_the_lateness_gives_the_same_bars_and_a_replay_the_same_bytes() {
    let trades = walk(&mut Random(20), 3_000, 200 * MILLI);
    let run = |arrivals: &[Trade]| {
        let mut processor = one(ProcessorConfig { lateness: 2 * SECOND, ..plain(&["1s", "1m", "1h"]) });
        give_all(&mut processor, arrivals);
        processor.finish();
        assert!(processor.counters(S0).unwrap().reconciles());
        (processor.take(), processor.digest().unwrap())
    };
    let (ordered, digest) = run(&trades);
    assert_eq!(run(&trades).1, digest);
    assert!(events(&ordered, EventKind::Revision).is_empty() && events(&ordered, EventKind::Gap).is_empty());
    for seed in 0..5 {
        let arrivals = permuted(&mut Random(seed), &trades, 2 * SECOND);
        assert_ne!(arrivals, trades);
        let (batch, _) = run(&arrivals);
        assert_eq!(batch.bars, ordered.bars, "the same rows at the same places, none revised");
        assert!(events(&batch, EventKind::Gap).is_empty());
    }
    for (bars, name) in [(0, "1s"), (1, "1m"), (2, "1h")] {
        assert_eq!(contents(&ordered, bars), naive(&trades, frame(name)));
    }
}

#[test]
fn rule_21_a_restart_in_the_middle_of_a_bar_goes_on_without_counting_twice() {
    use deepalpha_engine::stream::processor::BarPlan;
    let mut settings = plain(&["1s", "1m"]);
    settings.lateness = SECOND;
    settings.bars[1] =
        BarPlan { indicators: vec![wanted("EMA", &[5.0]), wanted("RSI", &[])], ..settings.bars[1].clone() };
    let trades = permuted(&mut Random(5), &walk(&mut Random(21), 4_000, 300 * MILLI), SECOND);
    let mut whole = one(settings.clone());
    give_all(&mut whole, &trades);
    for cut in [1, 777, 2_500] {
        let mut first = one(settings.clone());
        give_all(&mut first, &trades[..cut]);
        let bytes = first.snapshot().unwrap();
        let mut second = Processor::restore(settings.clone(), symbols(1), &bytes).unwrap();
        assert_eq!(second.digest().unwrap(), first.digest().unwrap());
        // What was given before the stop may come again: the ids know it.
        for seen in &trades[cut.saturating_sub(50)..cut] {
            assert_eq!(give(&mut second, *seen), Outcome::Duplicate);
        }
        give_all(&mut second, &trades[cut..]);
        assert_eq!(second.take().digest(), whole.clone_by_bytes(&settings).take().digest(), "cut at {cut}");
        let mut damaged = bytes.clone();
        damaged[bytes.len() / 2] ^= 1;
        assert!(Processor::restore(settings.clone(), symbols(1), &damaged).is_err());
        assert!(Processor::restore(settings.clone(), symbols(2), &bytes).is_err());
        assert!(Processor::restore(plain(&["1s"]), symbols(1), &bytes).is_err());
    }
}

trait ByBytes {
    fn clone_by_bytes(&self, settings: &ProcessorConfig) -> Processor;
}

impl ByBytes for Processor {
    fn clone_by_bytes(&self, settings: &ProcessorConfig) -> Processor {
        Processor::restore(settings.clone(), symbols(1), &self.snapshot().unwrap()).unwrap()
    }
}

/// Values of indicators by bar start, the last row of each.
fn values(batch: &deepalpha_engine::stream::output::Batch, bars: u16, width: usize) -> Vec<(i64, Vec<u64>)> {
    let mut rows = std::collections::BTreeMap::new();
    for (row, of) in batch.indicators.bars.iter().enumerate().filter(|(_, of)| **of == bars) {
        assert_eq!(*of, bars);
        let bits: Vec<u64> =
            batch.indicators.values[row * width..(row + 1) * width].iter().map(|value| value.to_bits()).collect();
        rows.insert(batch.indicators.ts_open[row], bits);
    }
    rows.into_iter().collect()
}

#[test]
fn rule_22_indicators_on_the_stream_are_those_of_a_batch_over_the_final_bars_also_after_revisions() {
    use deepalpha_engine::stream::processor::BarPlan;
    use deepalpha_engine::ta::StreamSet;
    let indicators = vec![wanted("EMA", &[9.0]), wanted("RSI", &[]), wanted("ATR", &[]), wanted("MACD", &[])];
    let mut settings = plain(&["1s"]);
    settings.spike = None;
    settings.bars[0] = BarPlan { indicators: indicators.clone(), ..settings.bars[0].clone() };
    // Nothing waits, so late trades revise closed bars; the window holds them all.
    let trades = permuted(&mut Random(9), &walk(&mut Random(22), 20_000, 200 * MILLI), 3 * SECOND);
    let mut processor = one(settings);
    give_all(&mut processor, &trades);
    let batch = processor.take();
    assert!(events(&batch, EventKind::Revision).len() > 500);
    let width = processor.indicator_names(0).len();
    let mut alone = StreamSet::new(indicators, vec!["S0".to_owned()]).unwrap();
    let price = |raw: i64| Price::from_raw(raw).to_f64();
    let expected: Vec<(i64, Vec<u64>)> = final_bars(&batch, 0)
        .iter()
        .map(|row| {
            let bar = [price(row.open), price(row.high), price(row.low), price(row.close), row.volume as f64 / 1e8];
            (row.ts_open, alone.update(0, &bar).unwrap().iter().map(|value| value.to_bits()).collect())
        })
        .collect();
    // Bit for bit; that a stream equals the batch kernel is the tests' of `ta`.
    assert_eq!(values(&batch, 0, width), expected);
    let closed = naive(&trades, frame("1s"));
    assert_eq!(contents(&batch, 0), closed[..closed.len() - 1]);
}
