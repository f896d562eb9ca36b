//! Time to parse real messages: `cargo bench -p deepalpha-engine --bench parse`.
//!
//! The raw recordings of Binance in `../shared/data` (unpacked by `gzip`), all lines in memory; each kind of message is parsed
//! alone, twenty passes over its lines, mean of the time on a core (of the clock where the system does not tell) and best pass by the clock. Plain trades are the same messages without the wrapper of a combined
//! stream (131 bytes on average, the size that the peers were timed with).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

use deepalpha_engine::stream::event::Event;
use deepalpha_engine::stream::parse::{Parser, Symbols, Venue, recording};
use deepalpha_engine::types::UtcNanos;

const PASSES: usize = 20;

fn lines(name: &str) -> Option<Vec<(UtcNanos, Vec<u8>)>> {
    let path = format!("{}/../../../shared/data/{name}", env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("gzip").args(["-dc", &path]).output().ok().filter(|output| output.status.success())?;
    let split = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    Some(split.map(|line| recording::line(line).map(|(time, raw)| (time, raw.to_vec())).unwrap()).collect())
}

/// Nanoseconds that this thread has had a core (Linux), which other processes do not lengthen.
fn on_core() -> Option<f64> {
    // The figure is brought up to date when the thread gives the core away.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok()
}

fn measure(name: &str, venue: Venue, lines: &[(UtcNanos, Vec<u8>)]) {
    let bytes: usize = lines.iter().map(|(_, raw)| raw.len()).sum();
    let mut parser = Parser::new(venue, Symbols::of(&["ETHUSDT", "BTCUSDT", "BNBUSDT", "SOLUSDT"]).unwrap());
    let (mut best, mut total) = (f64::INFINITY, 0.0);
    let begin = on_core();
    for _ in 0..PASSES {
        let start = Instant::now();
        let mut sum = 0_i64;
        for (time, raw) in lines {
            sum ^= match parser.parse(raw, *time).unwrap() {
                Event::Trade(trade) => trade.price.raw() ^ trade.ts_event.0,
                Event::Quote(quote) => quote.bid.raw() ^ quote.ask_quantity.raw(),
                Event::Depth(depth) => depth.bids.len() as i64 ^ depth.last_update.cast_signed(),
                Event::Bar(_) | Event::Service => 0,
            };
        }
        black_box(sum);
        let seconds = start.elapsed().as_secs_f64();
        best = f64::min(best, seconds);
        total += seconds;
    }
    let count = lines.len() as f64;
    let core = on_core().zip(begin).map(|(end, begin)| (end - begin) / PASSES as f64 / 1e9);
    let mean = core.unwrap_or(total / PASSES as f64);
    println!(
        "{name:34} {:7} msgs {:5.0} B  mean {:7.1} ns {:6.2} M/s {:6.0} MB/s   best {:7.1} ns {:6.2} M/s {:6.0} MB/s",
        lines.len(),
        bytes as f64 / count,
        mean / count * 1e9,
        count / mean / 1e6,
        bytes as f64 / mean / 1e6,
        best / count * 1e9,
        count / best / 1e6,
        bytes as f64 / best / 1e6,
    );
}

fn main() {
    for (name, venue) in [("binance_spot_btcusdt", Venue::BinanceSpot), ("binance_usdm_btcusdt", Venue::BinanceUsdm)] {
        let Some(all) = lines(&format!("{name}_raw_ws_20240808.jsonl.gz")) else {
            println!("{name}: not in ../shared/data, or gzip is missing; skipped");
            continue;
        };
        for (kind, mark) in [("trade", "@trade\""), ("bookTicker", "@bookTicker\""), ("depthUpdate", "@depth@")] {
            let has = |raw: &[u8]| raw.windows(mark.len()).take(40).any(|window| window == mark.as_bytes());
            let some: Vec<_> = all.iter().filter(|(_, raw)| has(raw)).cloned().collect();
            measure(&format!("{} {kind}", &name[8..]), venue, &some);
            let plain = |raw: &[u8]| {
                let begin = raw.windows(7).position(|window| window == b"\"data\":").unwrap() + 7;
                raw[begin..raw.len() - 1].to_vec()
            };
            let plain: Vec<_> = some.iter().map(|(time, raw)| (*time, plain(raw))).collect();
            measure(&format!("{} {kind} (no wrapper)", &name[8..]), venue, &plain);
        }
    }
}
