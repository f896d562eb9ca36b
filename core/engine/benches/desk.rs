//! The whole way of an order: gate with every rule, match, account, event. `cargo bench -p deepalpha-engine --bench desk`.
//!
//! One instrument in a book of the desk's own; a counterparty quotes far more than is taken. A round trip is a buy and
//! a sell at the market. Times are of single `submit` calls by the monotonic clock (its own cost, some 40 ns, included).
//! The cost per order is time on the core where the system tells it (Linux), as the median of blocks of 1,000 round
//! trips: of 20 fresh desks at 1,000, of the last 100 blocks at 1,000,000. So other load, which makes single blocks
//! several times slower, does not count as growth; the mean over all of them stands beside it.

use std::error::Error;
use std::time::Instant;

use deepalpha_engine::desk::{DeskConfig, EventOverflow, ExecutionDesk, LatencyHistogram, Overflow};
use deepalpha_engine::matching::FeeModel;
use deepalpha_engine::matching::exchange::{ExchangeConfig, LiquidityKind};
use deepalpha_engine::orders::{OrderRequest, OrderType};
use deepalpha_engine::portfolio::{AccountKind, AccountTerms};
use deepalpha_engine::risk::{Limits, OFF};
use deepalpha_engine::types::{
    ClientOrderId, Currency, Instrument, Money, Price, Quantity, Ratio, Side, SourceId, Symbol, UtcNanos,
};

const STEP: i64 = 1_000_000_000;

fn desk(symbol: Symbol) -> Result<ExecutionDesk, Box<dyn Error>> {
    let usd = Currency::parse("USDT")?;
    let mut limits = Limits::default();
    limits.allow_short = true;
    // An entry without a stop, and a round trip that loses the spread, are meant here; every other rule is on.
    limits.set("consecutive_losses", 1_000_000_000)?;
    limits.set("max_stop_distance", OFF)?;
    let config = DeskConfig {
        limits,
        account: AccountTerms::new(AccountKind::Margin { leverage: Ratio::parse("3")? }, usd),
        cash: Money::parse("10000000")?,
        fees: FeeModel::flat(Ratio::parse("0.0001")?),
        exchange: ExchangeConfig { remembered: 1_024, ..ExchangeConfig::default() },
        liquidity: LiquidityKind::Book,
        throttle: None,
        waiting: 1,
        overflow: Overflow::default(),
        events: 4_096,
        event_overflow: EventOverflow::DropOldest,
    };
    let mut desk = ExecutionDesk::new(config, UtcNanos(0))?;
    desk.list(Instrument {
        currency: usd,
        ..Instrument::new(symbol, Price::parse("0.01")?, Quantity::parse("0.0001")?)?
    })?;
    let levels = |from: i64, step: i64| -> Vec<(Price, Quantity)> {
        let level =
            |index| (Price::from_raw((from + step * index) * 1_000_000), Quantity::from_raw(100_000_000_000_000));
        (0..5).map(level).collect()
    };
    desk.quote(&symbol, &levels(6_499_999, -1), &levels(6_500_001, 1), UtcNanos(1))?;
    Ok(desk)
}

/// Nanoseconds that this thread has been on a core; without such a clock those that have passed.
fn on_core(begin: Instant) -> Result<u64, Box<dyn Error>> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.as_deref().and_then(|text| text.split(' ').next()).and_then(|nanos| nanos.parse().ok());
    nanos.map_or_else(|| Ok(u64::try_from(begin.elapsed().as_nanos())?), Ok)
}

/// Latencies of a run and the nanoseconds an order of each block of 1,000 round trips.
fn run(round_trips: u32) -> Result<(LatencyHistogram, Vec<u64>), Box<dyn Error>> {
    let symbol = Symbol::parse("BTC/USDT")?;
    let mut desk = desk(symbol)?;
    let mut times = LatencyHistogram::default();
    let mut name = String::new();
    let (mut now, begin) = (10_i64, Instant::now());
    let (mut blocks, mut before) = (Vec::new(), on_core(begin)?);
    for trip in 0..round_trips {
        for side in [Side::Buy, Side::Sell] {
            now += STEP;
            name.clear();
            std::fmt::Write::write_fmt(&mut name, format_args!("PRA-{}-{trip:08}", side.as_str()))?;
            let id = ClientOrderId::parse(&name)?;
            let (source, quantity, price) =
                (SourceId::parse(&name)?, Quantity::from_raw(1_000_000), Price::from_raw(6_500_000_000_000));
            let order = OrderRequest::new(id, source, symbol, side, quantity, OrderType::Market, price);
            let begin = Instant::now();
            let sent = desk.submit(order, UtcNanos(now));
            times.record(u64::try_from(begin.elapsed().as_nanos())?);
            sent?;
        }
        if trip % 1_000 == 999 {
            let now = on_core(begin)?;
            blocks.push((now - std::mem::replace(&mut before, now)) / 2_000);
        }
        // A price a day keeps the data fresh for the gate.
        if trip % 40_000 == 39_999 {
            now += STEP;
            let size = Quantity::from_raw(100_000_000_000_000);
            let (bid, ask) = (Price::from_raw(6_499_999_000_000), Price::from_raw(6_500_001_000_000));
            desk.quote(&symbol, &[(bid, size)], &[(ask, size)], UtcNanos(now))?;
        }
    }
    let counts = desk.counts();
    println!("  {} fills of {} orders, state {:016x}", counts.fills, counts.approved, desk.state_hash());
    Ok((times, blocks))
}

fn median(blocks: &[u64]) -> u64 {
    let mut sorted = blocks.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn main() -> Result<(), Box<dyn Error>> {
    run(20_000)?;
    let mut small = Vec::new();
    for _ in 0..20 {
        small.extend(run(1_000)?.1);
    }
    let (times, blocks) = run(1_000_000)?;
    let mean = blocks.iter().sum::<u64>() / u64::try_from(blocks.len())?;
    let (small, large) = (median(&small), median(blocks.get(900..).unwrap_or_default()));
    let summary = times.summary();
    println!(
        "submit (risk + match + account + event): p50 {} ns, p90 {} ns, p99 {} ns, p99.9 {} ns, max {} ns; goal 500 / 2000 ns",
        summary.p50, summary.p90, summary.p99, summary.p99_9, summary.max
    );
    println!(
        "cost per order: {small} ns at 1,000 round trips, {large} ns at 1,000,000: ratio {:.3}; goal 0.9 to 1.1; mean of all {mean} ns",
        f64::from(u32::try_from(large)?) / f64::from(u32::try_from(small)?)
    );
    Ok(())
}
