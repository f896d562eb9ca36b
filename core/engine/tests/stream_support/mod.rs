//! What the tests of the stream processor share: makers of trades, a seeded random source, and the naive model of bars,
//! which sorts a vector and shares no code with the processor.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use deepalpha_engine::stream::Timeframe;
use deepalpha_engine::stream::event::{Aggressor, Event, SymbolId, Trade};
use deepalpha_engine::stream::output::{BarRow, Batch, EventKind, OutputConfig, Reason};
use deepalpha_engine::stream::processor::{BarKind, BarPlan, Outcome, Processor, ProcessorConfig, SymbolTerms};
use deepalpha_engine::ta::{Seed, Wanted, find};
use deepalpha_engine::types::{Price, Quantity, UtcNanos};

pub const MILLI: i64 = 1_000_000;
pub const SECOND: i64 = 1_000 * MILLI;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
/// A Monday, 2024-01-01 00:00 UTC.
pub const BEGIN: i64 = 1_704_067_200 * SECOND;
pub const UNIT: i64 = 100_000_000;

/// Splitmix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// A trade at `ts` after [`BEGIN`], price in hundredths, quantity in thousandths.
pub fn trade(id: u64, ts: i64, cents: i64, thousandths: i64) -> Trade {
    Trade {
        symbol: SymbolId(0),
        trade_id: id,
        price: Price::from_raw(cents * UNIT / 100),
        quantity: Quantity::from_raw(thousandths * UNIT / 1000),
        aggressor: if id % 2 == 0 { Aggressor::Buyer } else { Aggressor::Seller },
        ts_event: UtcNanos(BEGIN + ts),
        ts_init: UtcNanos(BEGIN + ts + 10 * MILLI),
    }
}

pub fn time(frame: Timeframe) -> BarPlan {
    BarPlan { kind: BarKind::Time(frame), indicators: vec![] }
}

pub fn frame(name: &str) -> Timeframe {
    Timeframe::parse(name).expect(name)
}

pub fn wanted(name: &str, params: &[f64]) -> Wanted {
    Wanted { label: name.to_owned(), spec: find(name).expect(name), params: params.to_vec(), seed: Seed::Talib }
}

pub fn plain(frames: &[&str]) -> ProcessorConfig {
    ProcessorConfig {
        bars: frames.iter().map(|name| time(frame(name))).collect(),
        output: OutputConfig { capacity: 1 << 24, ..OutputConfig::default() },
        ..ProcessorConfig::default()
    }
}

pub fn symbols(count: usize) -> Vec<SymbolTerms> {
    (0..count).map(|place| SymbolTerms { name: format!("S{place}"), tick_size: None }).collect()
}

pub fn one(config: ProcessorConfig) -> Processor {
    Processor::new(config, symbols(1)).expect("settings")
}

pub fn give(processor: &mut Processor, trade: Trade) -> Outcome {
    processor.process(&Event::Trade(trade)).expect("room")
}

pub fn give_all(processor: &mut Processor, trades: &[Trade]) {
    for trade in trades {
        give(processor, *trade);
    }
}

/// Rows of one kind of event.
pub fn events(batch: &Batch, kind: EventKind) -> Vec<usize> {
    (0..batch.events.len()).filter(|row| batch.events.kind[*row] == kind as u8).collect()
}

pub fn reasons(batch: &Batch, kind: EventKind) -> Vec<u8> {
    events(batch, kind).into_iter().map(|row| batch.events.reason[row]).collect()
}

pub const fn number(reason: Reason) -> u8 {
    reason as u8
}

/// The bars of one kind, the last version of each, by start.
pub fn final_bars(batch: &Batch, bars: u16) -> Vec<BarRow> {
    let mut rows: Vec<BarRow> = Vec::new();
    for row in (0..batch.bars.len()).filter_map(|row| batch.bars.row(row)).filter(|row| row.bars == bars) {
        match rows.iter_mut().find(|earlier| earlier.ts_open == row.ts_open) {
            Some(earlier) => *earlier = row,
            None => rows.push(row),
        }
    }
    rows.sort_by_key(|row| row.ts_open);
    rows
}

/// What a bar says, without how it came to be.
pub type Content = (i64, i64, [i64; 4], [i128; 3], u64, [u64; 2]);

pub fn content(row: &BarRow) -> Content {
    (
        row.ts_open,
        row.ts_event,
        [row.open, row.high, row.low, row.close],
        [row.volume, row.buy_volume, row.notional],
        row.trades,
        [row.first_id, row.last_id],
    )
}

pub fn contents(batch: &Batch, bars: u16) -> Vec<Content> {
    final_bars(batch, bars).iter().map(content).collect()
}

/// The naive model: sort by time and id, one vector a bucket.
pub fn naive(trades: &[Trade], frame: Timeframe) -> Vec<Content> {
    let mut sorted = trades.to_vec();
    sorted.sort_by_key(|trade| (trade.ts_event.0, trade.trade_id));
    let mut buckets: Vec<(i64, Vec<Trade>)> = Vec::new();
    for trade in sorted {
        let start = frame.start(trade.ts_event.0);
        match buckets.last_mut() {
            Some((last, inside)) if *last == start => inside.push(trade),
            _ => buckets.push((start, vec![trade])),
        }
    }
    let sum = |inside: &[Trade], of: &dyn Fn(&Trade) -> i128| inside.iter().map(of).sum::<i128>();
    let quantity = |trade: &Trade| i128::from(trade.quantity.raw());
    buckets
        .into_iter()
        .map(|(start, inside)| {
            let prices: Vec<i64> = inside.iter().map(|trade| trade.price.raw()).collect();
            let ohlc =
                [prices[0], *prices.iter().max().unwrap(), *prices.iter().min().unwrap(), prices[prices.len() - 1]];
            let bought: Vec<Trade> =
                inside.iter().filter(|trade| trade.aggressor == Aggressor::Buyer).copied().collect();
            let sums = [
                sum(&inside, &quantity),
                sum(&bought, &quantity),
                sum(&inside, &|trade| i128::from(trade.price.raw()) * quantity(trade)),
            ];
            let ids = [inside[0].trade_id, inside[inside.len() - 1].trade_id];
            (start, frame.end(start), ohlc, sums, inside.len() as u64, ids)
        })
        .collect()
}

/// A random walk of trades with ids from 1, several a second.
pub fn walk(random: &mut Random, count: usize, mean_gap: i64) -> Vec<Trade> {
    let (mut ts, mut cents) = (0, 1_000_000_i64);
    (1..=count as u64)
        .map(|id| {
            ts += random.below(2 * mean_gap as u64) as i64 / MILLI * MILLI;
            cents += random.below(201) as i64 - 100;
            trade(id, ts, cents, 1 + random.below(5_000) as i64)
        })
        .collect()
}

/// Order of arrival in which a trade is overtaken only by trades less than `lateness` after it.
pub fn permuted(random: &mut Random, trades: &[Trade], lateness: i64) -> Vec<Trade> {
    let mut keyed: Vec<(i64, Trade)> =
        trades.iter().map(|trade| (trade.ts_event.0 + random.below(lateness as u64) as i64, *trade)).collect();
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, trade)| trade).collect()
}
