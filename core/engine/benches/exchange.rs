//! Time of the exchange's commands: `cargo bench -p deepalpha-engine --bench exchange`.
//!
//! Requests are made beforehand (their ids are text); events are cleared after each command, as a reader would. Two
//! futures accounts with flat fees, one book, no delays. Best of five runs, and the cost an order of a short run beside
//! that of a long one in the same process. Single commands are timed in a run of their own, the clock's cost included.

use std::time::Instant;

use deepalpha_engine::matching::FeeModel;
use deepalpha_engine::matching::exchange::{CounterpartyId, Exchange, ExchangeConfig, ExchangeEvent, LiquidityKind};
use deepalpha_engine::orders::{OrderRequest, OrderType};
use deepalpha_engine::portfolio::{AccountKind, AccountTerms, MarginMode, Portfolio};
use deepalpha_engine::types::{
    ClientOrderId, Currency, Instrument, InstrumentKind, Money, Price, Quantity, Ratio, SCALE, Side, SourceId, Symbol,
    UtcNanos,
};

type Failure = Box<dyn std::error::Error>;

fn perpetual() -> Result<Instrument, Failure> {
    let plain = Instrument::new(Symbol::parse("BTC-PERP")?, Price::parse("0.1")?, Quantity::parse("0.001")?)?;
    let (initial_margin, maintenance_margin) = (Ratio::parse("0.05")?, Ratio::parse("0.025")?);
    let currency = Currency::parse("USDT")?;
    Ok(Instrument { kind: InstrumentKind::Perpetual, currency, initial_margin, maintenance_margin, ..plain })
}

fn exchange() -> Result<(Exchange, [CounterpartyId; 2]), Failure> {
    let mut exchange = Exchange::new(ExchangeConfig::default());
    exchange.list(perpetual()?, LiquidityKind::Book)?;
    let mut open = || -> Result<CounterpartyId, Failure> {
        let kind = AccountKind::Futures { leverage: Ratio::from_raw(20 * SCALE), mode: MarginMode::Cross };
        let mut portfolio = Portfolio::open(AccountTerms::new(kind, Currency::parse("USDT")?))?;
        portfolio.deposit(Currency::parse("USDT")?, Money::from_raw(1_000_000_000 * SCALE))?;
        let fees = FeeModel::Flat { maker: Ratio::parse("-0.0001")?, taker: Ratio::parse("0.0005")? };
        Ok(exchange.open_counterparty(portfolio, fees)?)
    };
    let accounts = [open()?, open()?];
    Ok((exchange, accounts))
}

/// Resting and taking orders in turn; both sides in turn, so that positions stay small.
fn requests(pairs: usize) -> Result<Vec<OrderRequest>, Failure> {
    let instrument = perpetual()?;
    let mut made = Vec::with_capacity(2 * pairs);
    for number in 0..2 * pairs {
        let side = if (number / 2 + number) % 2 == 0 { Side::Sell } else { Side::Buy };
        let id = ClientOrderId::parse(&format!("BENCH-20261121-{number:09}"))?;
        let decision = SourceId::parse(&format!("decision-{number:09}"))?;
        let quantity = Quantity::parse("0.01")?;
        let limit = Price::from_raw((50_000 + (number / 2 % 7) as i64) * SCALE);
        let order_type = OrderType::Limit(limit);
        made.push(OrderRequest::new(id, decision, instrument.symbol, side, quantity, order_type, limit));
    }
    Ok(made)
}

fn run(requests: &[OrderRequest], single: &mut [Vec<u64>; 2]) -> Result<f64, Failure> {
    let (mut exchange, [maker, taker]) = exchange()?;
    let mut events: Vec<ExchangeEvent> = Vec::with_capacity(64);
    let timed = !single.iter().all(|times| times.capacity() == 0);
    let begun = Instant::now();
    for (number, request) in requests.iter().enumerate() {
        let who = if number % 2 == 0 { maker } else { taker };
        let start = timed.then(Instant::now);
        exchange.submit_counterparty(who, *request, UtcNanos(i64::try_from(number)?), &mut events)?;
        if let (Some(start), Some(times)) = (start, single.get_mut(number % 2)) {
            times.push(u64::try_from(start.elapsed().as_nanos())?);
        }
        events.clear();
    }
    let nanos = begun.elapsed().as_secs_f64() * 1e9;
    Ok(nanos / requests.len() as f64)
}

fn percentile(times: &mut [u64], share: f64) -> u64 {
    times.sort_unstable();
    let place = (times.len() as f64 * share) as usize;
    times.get(place.min(times.len().saturating_sub(1))).copied().unwrap_or_default()
}

fn main() -> Result<(), Failure> {
    let none = || [Vec::new(), Vec::new()];
    println!("{:<64} {:>10}", "per order: submit, accept, match, book both accounts, events", "ns");
    for pairs in [500, 50_000, 200_000] {
        let requests = requests(pairs)?;
        let mut best = f64::MAX;
        let runs = if pairs == 500 { 500 } else { 5 };
        for _ in 0..runs {
            best = best.min(run(&requests, &mut none())?);
        }
        println!("{:<64} {best:>10.1}", format!("  {} orders, half of them rest, half take (best)", 2 * pairs));
    }
    let requests = requests(200_000)?;
    let mut single = [Vec::with_capacity(200_000), Vec::with_capacity(200_000)];
    run(&requests, &mut single)?;
    for (what, times) in
        ["resting order", "order that takes: one fill, both accounts, 5 events"].iter().zip(&mut single)
    {
        for (name, share) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
            println!("{:<64} {:>10}", format!("  {what}, {name} (with the clock)"), percentile(times, share));
        }
    }
    Ok(())
}
