//! The whole way of an order: gate with every rule, match, account, event. `cargo bench -p deepalpha-engine --bench desk`.
//!
//! One instrument in a book of the desk's own; a counterparty quotes far more than is taken. A round trip is a buy and
//! a sell at the market. Times are of single `submit` calls by the monotonic clock (its own cost, some 40 ns, included).
//! Growth: a desk with 1,000,000 round trips behind it and fresh ones take turns, block by block of 1,000 round trips in
//! one process, so that other load, the clock and the state of the machine are the same for both; the median of the
//! blocks counts, the lower quartile stands beside it. A fresh desk's block is its second: it has 1,000 behind it, and its
//! memory is grown.

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

/// A desk on its way: how many round trips it has behind it, and its clock.
struct Way {
    desk: ExecutionDesk,
    symbol: Symbol,
    now: i64,
    trips: u32,
    name: String,
}

impl Way {
    fn new() -> Result<Self, Box<dyn Error>> {
        let symbol = Symbol::parse("BTC/USDT")?;
        Ok(Self { desk: desk(symbol)?, symbol, now: 10, trips: 0, name: String::new() })
    }

    /// Go on for some round trips; nanoseconds an order, all work of the caller included.
    fn go(&mut self, round_trips: u32, times: &mut LatencyHistogram) -> Result<u64, Box<dyn Error>> {
        let begin = Instant::now();
        for _ in 0..round_trips {
            for side in [Side::Buy, Side::Sell] {
                self.now += STEP;
                self.name.clear();
                std::fmt::Write::write_fmt(&mut self.name, format_args!("PRA-{}-{:08}", side.as_str(), self.trips))?;
                let id = ClientOrderId::parse(&self.name)?;
                let (source, quantity, price) =
                    (SourceId::parse(&self.name)?, Quantity::from_raw(1_000_000), Price::from_raw(6_500_000_000_000));
                let order = OrderRequest::new(id, source, self.symbol, side, quantity, OrderType::Market, price);
                let begin = Instant::now();
                let sent = self.desk.submit(order, UtcNanos(self.now));
                times.record(u64::try_from(begin.elapsed().as_nanos())?);
                sent?;
            }
            // A price a day keeps the data fresh for the gate.
            if self.trips % 40_000 == 39_999 {
                self.now += STEP;
                let size = Quantity::from_raw(100_000_000_000_000);
                let (bid, ask) = (Price::from_raw(6_499_999_000_000), Price::from_raw(6_500_001_000_000));
                self.desk.quote(&self.symbol, &[(bid, size)], &[(ask, size)], UtcNanos(self.now))?;
            }
            self.trips += 1;
        }
        Ok(u64::try_from(begin.elapsed().as_nanos())? / u64::from(2 * round_trips.max(1)))
    }

    fn tell(&self) {
        let counts = self.desk.counts();
        println!("  {} fills of {} orders, state {:016x}", counts.fills, counts.approved, self.desk.state_hash());
    }
}

/// The value below which a share (in percent) of the blocks lies.
fn quantile(blocks: &mut [u64], percent: usize) -> u64 {
    blocks.sort_unstable();
    blocks.get(blocks.len() * percent / 100).copied().unwrap_or_default()
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut unused = LatencyHistogram::default();
    let mut warm = Way::new()?;
    warm.go(20_000, &mut unused)?;
    warm.tell();
    let (mut large, mut times) = (Way::new()?, LatencyHistogram::default());
    let mean = large.go(1_000_000, &mut times)?;
    large.tell();
    let summary = times.summary();
    println!(
        "submit (risk + match + account + event): p50 {} ns, p90 {} ns, p99 {} ns, p99.9 {} ns, max {} ns; goal 500 / 2000 ns",
        summary.p50, summary.p90, summary.p99, summary.p99_9, summary.max
    );
    let (mut at_small, mut at_large) = (Vec::new(), Vec::new());
    for turn in 0..400 {
        let mut fresh = Way::new()?;
        fresh.go(1_000, &mut unused)?;
        // Neither side always goes first.
        if turn % 2 == 0 {
            at_small.push(fresh.go(1_000, &mut unused)?);
            at_large.push(large.go(1_000, &mut unused)?);
        } else {
            at_large.push(large.go(1_000, &mut unused)?);
            at_small.push(fresh.go(1_000, &mut unused)?);
        }
    }
    for (what, percent) in [("lower quartile", 25), ("median", 50)] {
        let (small, large) = (quantile(&mut at_small, percent), quantile(&mut at_large, percent));
        println!(
            "cost per order, {what}: {small} ns after 1,000 round trips, {large} ns after 1,000,000: ratio {:.3}; goal 0.9 to 1.1",
            f64::from(u32::try_from(large)?) / f64::from(u32::try_from(small)?)
        );
    }
    println!("mean of the first 1,000,000 round trips, with whatever else ran: {mean} ns");
    Ok(())
}
