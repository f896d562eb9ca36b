//! The three real Binance recordings of 2024-08-08 through parser and processor: nothing refused, nothing missing, and the
//! bars are those of a naive model over the trades an independent line of code picks out of the JSON.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "stream_parse/files.rs"]
#[allow(dead_code, reason = "the helper serves several tests")]
mod files;
mod stream_support;

use deepalpha_engine::stream::event::{Aggressor, SymbolId, Trade};
use deepalpha_engine::stream::output::{Batch, EventKind};
use deepalpha_engine::stream::parse::{Parser, Symbols, TradeIds, Venue, recording};
use deepalpha_engine::stream::processor::{BarPlan, Counters, Processor, ProcessorConfig};
use deepalpha_engine::types::{Price, Quantity, UtcNanos};
use stream_support::*;

fn settings() -> ProcessorConfig {
    let indicators = vec![wanted("EMA", &[10.0]), wanted("RSI", &[]), wanted("ATR", &[])];
    let mut config = plain(&["1s", "1m", "5m", "1h"]);
    config.bars[0] = BarPlan { indicators, ..config.bars[0].clone() };
    config
}

/// The trades of a recording by searching for their fields as text, without the parser.
fn trades_by_text(text: &str) -> Vec<Trade> {
    let field = |line: &str, name: &str| {
        let from = line.find(&format!("\"{name}\":")).unwrap() + name.len() + 3;
        line[from..].trim_start_matches('"').split(['"', ',', '}']).next().unwrap().to_owned()
    };
    text.lines()
        .filter(|line| line.contains("\"e\":\"trade\""))
        .map(|line| Trade {
            symbol: SymbolId(0),
            trade_id: field(line, "t").parse().unwrap(),
            price: Price::parse(&field(line, "p")).unwrap(),
            quantity: Quantity::parse(&field(line, "q")).unwrap(),
            aggressor: if field(line, "m") == "true" { Aggressor::Seller } else { Aggressor::Buyer },
            ts_event: UtcNanos(field(line, "T").parse::<i64>().unwrap() * MILLI),
            ts_init: UtcNanos(line.split(' ').next().unwrap().parse().unwrap()),
        })
        .collect()
}

/// Replay a recording, taking a batch every `every` messages.
fn replay(text: &[u8], venue: Venue, symbol: &str, every: usize) -> (Batch, Counters, Processor) {
    let mut parser = Parser::new(venue, Symbols::of(&[symbol]).unwrap());
    parser.about(Some(SymbolId(0)));
    let mut processor = one(settings());
    let mut batch = Batch::default();
    for (place, line) in files::lines(text).enumerate() {
        let (ts_init, raw) = recording::line(line).unwrap();
        let read = parser.parse_each(raw, ts_init, |event| {
            processor.process(&event).unwrap();
        });
        if read.is_err() {
            processor.refuse(Some(SymbolId(0)), ts_init).unwrap();
        }
        if place % every == 0 {
            batch.append(&processor.take());
        }
    }
    processor.finish();
    batch.append(&processor.take());
    let counters = *processor.counters(SymbolId(0)).unwrap();
    (batch, counters, processor)
}

#[test]
fn real_recordings_pass_whole_and_their_bars_are_those_of_the_naive_model() {
    assert_eq!(Venue::BinanceSpot.trade_ids(), TradeIds::Consecutive);
    let recordings = [
        ("usdm_btcusdt", Venue::BinanceUsdm, "BTCUSDT", 93_954),
        ("usdm_ethusdt", Venue::BinanceUsdm, "ETHUSDT", 74_655),
        ("spot_btcusdt", Venue::BinanceSpot, "BTCUSDT", 41_249),
    ];
    for (name, venue, symbol, messages) in recordings {
        let Some(text) = files::binance(name) else { continue };
        let (batch, counters, processor) = replay(&text, venue, symbol, 1_000);
        let expected = trades_by_text(std::str::from_utf8(&text).unwrap());
        println!("{name}: {counters:?} skew {:?}", processor.skew(SymbolId(0)));
        let total = counters.trades.received + counters.quotes.received + counters.depth.received + processor.service();
        assert_eq!(total, messages, "{name}");
        assert_eq!(counters.trades.ok, expected.len() as u64, "{name}");
        for counts in [counters.trades, counters.quotes, counters.depth, counters.unreadable] {
            assert_eq!(
                (counts.ok, counts.bad, counts.quarantined, counts.late),
                (counts.received, 0, 0, 0),
                "{name}: {counts:?}"
            );
        }
        assert_eq!((counters.gaps, counters.crossed, counters.id_resets), (0, 0, 0), "{name}");
        // The recorder's clock ran 1.27 s behind the venue's: the one thing worth an event in these files.
        let kinds: Vec<u8> = batch.events.kind.clone();
        assert!(kinds.iter().all(|kind| *kind == EventKind::ClockSkew as u8), "{name}: {kinds:?}");
        for (bars, frame_name) in (0_u16..).zip(["1s", "1m", "5m", "1h"]) {
            assert_eq!(contents(&batch, bars), naive(&expected, frame(frame_name)), "{name} {frame_name}");
        }
        if venue == Venue::BinanceSpot {
            let again = replay(&text, venue, symbol, 77).0;
            assert_eq!(again.digest(), batch.digest(), "{name}: a replay is the same, byte for byte");
        }
    }
}

#[test]
fn a_damaged_recording_is_repaired_by_what_it_asks_for() {
    let Some(text) = files::binance("usdm_btcusdt") else { return };
    let honest = trades_by_text(std::str::from_utf8(&text).unwrap());
    let mut random = Random(16);
    let arrivals: Vec<Trade> = permuted(&mut random, &honest, 300 * MILLI);
    let mut processor =
        one(ProcessorConfig { lateness: SECOND, revision_window: 600 * SECOND, revision_bars: 1_000, ..settings() });
    let mut batch = Batch::default();
    // What it asks for is fetched every 200 trades, and once more at the end.
    let mut repair = |processor: &mut Processor| {
        let part = processor.take();
        for row in events(&part, EventKind::Gap) {
            let span = part.events.from[row]..=part.events.to[row];
            let fetched: Vec<Trade> = honest.iter().filter(|trade| span.contains(&trade.trade_id)).copied().collect();
            assert_eq!(fetched.len() as u64, span.end() - span.start() + 1);
            processor.backfill(&fetched);
        }
        batch.append(&part);
    };
    for (place, trade) in arrivals.iter().enumerate() {
        // Dropped, unless it is the first or among the last.
        let inside = trade.trade_id > honest[100].trade_id && trade.trade_id < honest[honest.len() - 100].trade_id;
        if inside && random.chance(5) {
            continue;
        }
        give(&mut processor, *trade);
        if random.chance(5) {
            give(&mut processor, *trade);
        }
        if place % 200 == 0 {
            repair(&mut processor);
        }
    }
    repair(&mut processor);
    processor.finish();
    batch.append(&processor.take());
    let counters = processor.counters(SymbolId(0)).unwrap();
    println!("{counters:?}");
    assert!(counters.gaps > 500 && counters.trades.duplicate > 500 && counters.missing == counters.filled);
    for (bars, frame_name) in (0_u16..).zip(["1s", "1m", "5m", "1h"]) {
        assert_eq!(contents(&batch, bars), naive(&honest, frame(frame_name)), "{frame_name}");
    }
}
