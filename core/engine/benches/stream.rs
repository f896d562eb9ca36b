//! Speed of the stream processor: `cargo bench -p deepalpha-engine --bench stream [-- a b c d e]`.
//!
//! (a) trades to bars and indicators, four symbols; (b) the same from JSON bytes; (c) time from a trade that is due to its bar
//! being in the output, paced at 500,000/s by a clock that spins; (d) memory over 100 million trades; (e) the busiest ten
//! seconds of a real recording at 1x, 10x and 100x its speed through the ring into a second thread, nothing lost.
//!
//! (a) and (b) are measured in time on the core (`/proc/thread-self/schedstat`, the wall clock where there is none): other
//! work on the machine does not count but for what it does to the caches. Best and median of several passes. (c) is the
//! clock's time in blocks of 2 ms; a block in which the system gave the core to others is left out and counted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a bench may stop"
)]

use std::io::Write;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use deepalpha_engine::stream::Timeframe;
use deepalpha_engine::stream::event::{Aggressor, Event, SymbolId, Trade};
use deepalpha_engine::stream::output::{Batch, OutputConfig, Overflow};
use deepalpha_engine::stream::parse::{Parser, Symbols, Venue, recording};
use deepalpha_engine::stream::processor::{BarKind, BarPlan, Processor, ProcessorConfig, SymbolTerms};
use deepalpha_engine::stream::ring::channel;
use deepalpha_engine::ta::{Seed, Wanted, find};
use deepalpha_engine::types::{Price, Quantity, UtcNanos};

const NAMES: [&str; 4] = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT"];
const BEGIN: i64 = 1_704_067_200_000_000_000;
const TICKS: usize = 1_000_000;
const BATCH: usize = 4_096;
/// Trades of (c) that are looked at together.
const BLOCK: usize = 1_000;

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

fn wanted(name: &str) -> Wanted {
    Wanted { label: name.to_owned(), spec: find(name).unwrap(), params: vec![], seed: Seed::Talib }
}

fn processor(trades_out: bool) -> Processor {
    let bars = ["1s", "1m", "5m", "1h"].map(|name| BarPlan {
        kind: BarKind::Time(Timeframe::parse(name).unwrap()),
        indicators: ["EMA", "RSI", "ATR"].map(wanted).to_vec(),
    });
    let output = OutputConfig { capacity: 1 << 16, trades: trades_out, ..OutputConfig::default() };
    let config = ProcessorConfig { bars: bars.to_vec(), output, ..ProcessorConfig::default() };
    let symbols = NAMES.map(|name| SymbolTerms { name: name.to_owned(), tick_size: None });
    Processor::new(config, symbols.to_vec()).unwrap()
}

/// Trades of four symbols, one each 100 us, ids and milliseconds as a venue gives them.
fn trades() -> Vec<Trade> {
    let mut random = Random(7);
    let (mut prices, mut ids) = ([6_180_000_i64, 268_000, 15_500, 51_000], [0_u64; 4]);
    (0..TICKS)
        .map(|place| {
            let symbol = random.below(4) as usize;
            ids[symbol] += 1;
            prices[symbol] += random.below(5) as i64 - 2;
            let ts = BEGIN + place as i64 * 100_000;
            Trade {
                symbol: SymbolId(symbol as u32),
                trade_id: ids[symbol],
                price: Price::from_raw(prices[symbol] * 1_000_000),
                quantity: Quantity::from_raw((1 + random.below(5_000) as i64) * 100_000),
                aggressor: if random.below(2) == 0 { Aggressor::Buyer } else { Aggressor::Seller },
                ts_event: UtcNanos(ts / 1_000_000 * 1_000_000),
                ts_init: UtcNanos(ts + 3_000_000),
            }
        })
        .collect()
}

/// A pass further on in time and ids.
fn later(trade: &Trade, pass: u64, last: [u64; 4]) -> Trade {
    let shift = pass as i64 * TICKS as i64 * 100_000;
    Trade {
        trade_id: trade.trade_id + pass * last[trade.symbol.0 as usize],
        ts_event: UtcNanos(trade.ts_event.0 + shift),
        ts_init: UtcNanos(trade.ts_init.0 + shift),
        ..*trade
    }
}

fn last_ids(trades: &[Trade]) -> [u64; 4] {
    let mut last = [0; 4];
    trades.iter().for_each(|trade| last[trade.symbol.0 as usize] = trade.trade_id);
    last
}

fn rate(what: &str, mut seconds: Vec<f64>, count: usize) {
    seconds.sort_by(f64::total_cmp);
    let (best, median) = (seconds[0], seconds[seconds.len() / 2]);
    let million = |time: f64| count as f64 / time / 1e6;
    println!(
        "{what}: best {:.2} M/s ({:.1} ns), median {:.2} M/s",
        million(best),
        best * 1e9 / count as f64,
        million(median)
    );
}

/// Seconds this thread had on a core, else on the wall.
fn on_core(began: Instant) -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split_whitespace().next().and_then(|first| first.parse::<u64>().ok());
    nanos.map_or_else(|| began.elapsed().as_secs_f64(), |nanos| nanos as f64 / 1e9)
}

/// (a)
fn ticks(trades: &[Trade]) {
    let last = last_ids(trades);
    for trades_out in [false, true] {
        let mut processor = processor(trades_out);
        let mut spent = Batch::default();
        let mut bars = 0;
        let begin = Instant::now();
        let passes = (0..15).map(|pass| {
            let began = on_core(begin);
            for (place, trade) in trades.iter().enumerate() {
                processor.process(&Event::Trade(later(trade, pass, last))).unwrap();
                if place % BATCH == 0 {
                    processor.swap(&mut spent);
                    bars += spent.bars.len();
                }
            }
            on_core(begin) - began
        });
        let passes = passes.collect();
        let what = if trades_out { "with trades in the output" } else { "bars and indicators only" };
        rate(&format!("(a) ticks -> bars -> indicators, 4 symbols, {what} ({bars} bars)"), passes, TICKS);
    }
}

fn json(trades: &[Trade]) -> (Vec<u8>, Vec<(usize, usize, i64)>) {
    let (mut text, mut places) = (Vec::with_capacity(150 * TICKS), Vec::with_capacity(TICKS));
    for trade in trades {
        let begin = text.len();
        let (price, quantity) = (trade.price.raw(), trade.quantity.raw());
        write!(
            text,
            r#"{{"e":"trade","E":{},"s":"{}","t":{},"p":"{}.{:08}","q":"{}.{:08}","T":{},"m":{},"M":true}}"#,
            trade.ts_event.0 / 1_000_000 + 1,
            NAMES[trade.symbol.0 as usize],
            trade.trade_id,
            price / 100_000_000,
            price % 100_000_000,
            quantity / 100_000_000,
            quantity % 100_000_000,
            trade.ts_event.0 / 1_000_000,
            trade.aggressor == Aggressor::Seller,
        )
        .unwrap();
        places.push((begin, text.len(), trade.ts_init.0));
    }
    (text, places)
}

/// (b)
fn bytes(trades: &[Trade]) {
    let (text, places) = json(trades);
    let mut passes = Vec::new();
    let mut whole = Vec::new();
    let start = Instant::now();
    for trades_out in [false, true] {
        for _ in 0..9 {
            let mut parser = Parser::new(Venue::BinanceSpot, Symbols::of(&NAMES).unwrap());
            let mut processor = processor(trades_out);
            let mut spent = Batch::default();
            let began = on_core(start);
            for (place, (begin, end, ts_init)) in places.iter().enumerate() {
                let event = parser.parse(&text[*begin..*end], UtcNanos(*ts_init)).unwrap();
                processor.process(&event).unwrap();
                if place % BATCH == 0 {
                    processor.swap(&mut spent);
                }
            }
            let counters = (0..4).map(|symbol| processor.counters(SymbolId(symbol)).unwrap().trades.ok).sum::<u64>();
            assert_eq!(counters, TICKS as u64);
            if trades_out { &mut whole } else { &mut passes }.push(on_core(start) - began);
        }
    }
    let mean = text.len() / TICKS;
    rate(&format!("(b) JSON bytes ({mean} B) -> bars + indicators"), passes, TICKS);
    rate(&format!("(b) JSON bytes ({mean} B) -> bars + indicators, with trades in the output"), whole, TICKS);
}

fn percentile(sorted: &[u64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share) as usize] as f64 / 1e3
}

/// Nanoseconds this thread was ready and had no core, where the system tells.
fn kept_waiting() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().nth(1)?.parse().ok()
}

/// (c)
fn paced(trades: &[Trade]) {
    let last = last_ids(trades);
    let mut processor = processor(true);
    let mut spent = Batch::default();
    let (mut of_bars, mut of_all) = (Vec::new(), Vec::with_capacity(3 * TICKS));
    let (mut bars_of_block, mut all_of_block) = (Vec::new(), Vec::with_capacity(BLOCK));
    let (mut works, mut works_of_block, mut nothing, mut nothing_of_block) = (vec![], vec![], vec![], vec![]);
    let (mut blocks, mut disturbed) = (0, 0);
    for pass in 0..3 {
        for block in trades.chunks(BLOCK) {
            let waited = kept_waiting();
            let began = Instant::now();
            // 500,000 a second: 2 us apart. A bar closes each 2,500 trades at 20 times the speed of (a).
            let mut due = 0_u64;
            for trade in block {
                due += 2_000;
                let trade = later(trade, pass, last);
                while (began.elapsed().as_nanos() as u64) < due {
                    std::hint::spin_loop();
                }
                let bars = processor.output_counters().bars.made;
                let start = began.elapsed().as_nanos() as u64;
                processor.process(&Event::Trade(trade)).unwrap();
                let end = began.elapsed().as_nanos() as u64;
                all_of_block.push(end - due);
                if processor.output_counters().bars.made > bars {
                    bars_of_block.push(end - due);
                    works_of_block.push(end - start);
                }
            }
            // What the machine itself does to a loop of that pace: the same without a processor.
            let idle = Instant::now();
            for due in (1..=BLOCK as u64).map(|place| place * 2_000) {
                while (idle.elapsed().as_nanos() as u64) < due {
                    std::hint::spin_loop();
                }
                nothing_of_block.push(idle.elapsed().as_nanos() as u64 - due);
            }
            blocks += 1;
            if kept_waiting() == waited {
                of_all.append(&mut all_of_block);
                of_bars.append(&mut bars_of_block);
                works.append(&mut works_of_block);
                nothing.append(&mut nothing_of_block);
            } else {
                disturbed += 1;
                works_of_block.clear();
                nothing_of_block.clear();
                all_of_block.clear();
                bars_of_block.clear();
            }
            if processor.pending() > 60_000 - 2 * BLOCK {
                processor.swap(&mut spent);
            }
        }
    }
    println!("(c) {disturbed} of {blocks} blocks of {BLOCK} trades left out: the core was given to others meanwhile");
    let found = [
        ("trades that close bars", &mut of_bars),
        ("of that in the processor", &mut works),
        ("all trades", &mut of_all),
        ("the same loop without a processor", &mut nothing),
    ];
    for (what, times) in found {
        times.sort_unstable();
        if times.is_empty() {
            println!("(c) {what}: none was left alone; try again on a quieter machine");
            continue;
        }
        println!(
            "(c) due -> in the output at 500k/s, {what} ({}): p50 {:.2} us, p99 {:.2} us, p99.9 {:.2} us",
            times.len(),
            percentile(times, 0.5),
            percentile(times, 0.99),
            percentile(times, 0.999)
        );
    }
}

fn rss() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

/// (d)
fn memory(trades: &[Trade]) {
    let last = last_ids(trades);
    let mut processor = processor(true);
    let mut spent = Batch::default();
    let mut sizes = Vec::new();
    let began = Instant::now();
    for pass in 0..100 {
        for (place, trade) in trades.iter().enumerate() {
            processor.process(&Event::Trade(later(trade, pass, last))).unwrap();
            if place % BATCH == 0 {
                processor.swap(&mut spent);
            }
        }
        if pass % 10 == 9 {
            sizes.push(rss());
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("(d) 100 M ticks in {seconds:.1} s; RSS in KiB after each 10 M: {sizes:?}");
}

/// (e)
fn burst() {
    let path =
        format!("{}/../../../shared/data/binance_usdm_btcusdt_raw_ws_20240808.jsonl.gz", env!("CARGO_MANIFEST_DIR"));
    let text = match Command::new("gzip").args(["-dc", &path]).output() {
        Ok(output) if output.status.success() => output.stdout,
        _ => return println!("(e) skipped: no recordings beside the checkout"),
    };
    let lines: Vec<(i64, Vec<u8>)> = text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| {
            let (ts, raw) = recording::line(line).unwrap();
            (ts.0, raw.to_vec())
        })
        .collect();
    let window = 10_000_000_000;
    let busiest = (0..lines.len())
        .step_by(100)
        .max_by_key(|from| lines[*from..].partition_point(|(ts, _)| *ts < lines[*from].0 + window));
    let from = busiest.unwrap();
    let count = lines[from..].partition_point(|(ts, _)| *ts < lines[from].0 + window);
    let lines = lines[from..from + count].to_vec();
    for speed in [1, 10, 100] {
        let (producer, consumer) = channel::<(i64, Vec<u8>)>(4_096, Overflow::Refuse);
        let feed = {
            let lines = lines.clone();
            thread::spawn(move || {
                let began = Instant::now();
                let mut batch = Vec::new();
                let first = lines[0].0;
                for (ts, raw) in lines {
                    let due = Duration::from_nanos(((ts - first) / speed) as u64);
                    if due > began.elapsed() {
                        producer.push_all(&mut batch);
                        while let Some(left) = due.checked_sub(began.elapsed()) {
                            if left > Duration::from_micros(200) {
                                thread::sleep(left / 2)
                            } else {
                                std::hint::spin_loop()
                            }
                        }
                    }
                    batch.push((ts, raw));
                }
                producer.push_all(&mut batch);
            })
        };
        let mut parser = Parser::new(Venue::BinanceUsdm, Symbols::of(&NAMES).unwrap());
        let mut processor = processor(true);
        let (mut got, mut seen) = (Vec::new(), 0);
        let began = Instant::now();
        while consumer.pop_into(&mut got, 1_024, Duration::from_secs(5)) {
            for (ts, raw) in got.drain(..) {
                seen += parser
                    .parse_each(&raw, UtcNanos(ts), |event| {
                        processor.process(&event).unwrap();
                    })
                    .unwrap();
            }
            processor.take();
        }
        let took = began.elapsed().as_secs_f64();
        feed.join().unwrap();
        let counters = consumer.counters();
        let of_symbol = processor.counters(SymbolId(0)).unwrap();
        assert_eq!((counters.refused, counters.pushed, of_symbol.gaps), (0, count as u64, 0));
        println!(
            "(e) {speed:>3}x: {count} messages ({seen} events) in {took:.2} s, {} lost, {} gaps, at most {} waiting, woken {} times",
            counters.refused, of_symbol.gaps, counters.most, counters.woken
        );
    }
}

fn main() {
    let chosen: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let run = |letter: &str| chosen.is_empty() || chosen.iter().any(|argument| argument == letter);
    let trades = trades();
    if run("a") {
        ticks(&trades);
    }
    if run("b") {
        bytes(&trades);
    }
    if run("c") {
        paced(&trades);
    }
    if run("d") {
        memory(&trades);
    }
    if run("e") {
        burst();
    }
}
