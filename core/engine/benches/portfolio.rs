//! Cost of the account on the order path: `cargo bench -p deepalpha-engine --bench portfolio`.
//!
//! Best of several rounds, nanoseconds an operation, one core. Every account has 64 instruments; fills walk over all of
//! them, open, add, close and turn, at prices and quantities whose product does and does not fit 64 bits.
#![expect(clippy::print_stdout, clippy::indexing_slicing, reason = "a bench prints, and its indices are its own")]

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use deepalpha_engine::portfolio::{
    AccountKind, AccountTerms, Booking, InstrumentIndex, MarginMode, Need, Portfolio, PositionSide,
};
use deepalpha_engine::types::{
    Currency, Instrument, InstrumentKind, Money, Price, Quantity, Ratio, Side, Symbol, TradeId,
};

const ROUNDS: usize = 7;
const STEPS: usize = 200_000;

fn account(kind: AccountKind, listed: InstrumentKind) -> Result<(Portfolio, Vec<InstrumentIndex>), Box<dyn Error>> {
    let currency = Currency::parse("USDT")?;
    let mut portfolio = Portfolio::open(AccountTerms::new(kind, currency))?;
    portfolio.deposit(currency, Money::parse("1000000000")?)?;
    let mut indices = Vec::new();
    for number in 0..64 {
        let symbol = Symbol::parse(&format!("S{number}"))?;
        let plain = Instrument::new(symbol, Price::parse("0.01")?, Quantity::parse("0.001")?)?;
        let maintenance_margin = Ratio::parse("0.005")?;
        indices.push(portfolio.list(Instrument { kind: listed, currency, maintenance_margin, ..plain })?);
    }
    Ok((portfolio, indices))
}

/// Best nanoseconds an operation over the rounds.
fn best(
    portfolio: &Portfolio,
    mut step: impl FnMut(&mut Portfolio, usize) -> Result<(), Box<dyn Error>>,
) -> Result<f64, Box<dyn Error>> {
    let mut lowest = f64::INFINITY;
    for _ in 0..ROUNDS {
        let mut own = portfolio.clone();
        let start = Instant::now();
        for number in 0..STEPS {
            step(&mut own, number)?;
        }
        lowest = lowest.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(u32::try_from(STEPS)?));
    }
    Ok(lowest)
}

fn booking(indices: &[InstrumentIndex], number: usize) -> Result<Booking, Box<dyn Error>> {
    let step = i64::try_from(number)?;
    let quantity = Quantity::from_raw(100_000_000 * (1 + step % 3));
    let price = Price::from_raw(10_000_000_000 * (1 + step % 700));
    // Buys before sells of a symbol, and as much of each: a spot account can pay for it all.
    let side = if (number / 64 / 3).is_multiple_of(2) { Side::Buy } else { Side::Sell };
    let made = Booking::new(indices[number % 64], side, quantity, price, TradeId::EMPTY);
    Ok(Booking { fee: Money::from_raw(1_000), ..made })
}

fn main() -> Result<(), Box<dyn Error>> {
    let leverage = Ratio::parse("10")?;
    let futures = |mode| AccountKind::Futures { leverage, mode };
    let kinds = [
        ("spot", AccountKind::Spot, InstrumentKind::Equity),
        ("margin", AccountKind::Margin { leverage }, InstrumentKind::Equity),
        ("futures cross", futures(MarginMode::Cross), InstrumentKind::Perpetual),
        ("futures isolated", futures(MarginMode::Isolated), InstrumentKind::Perpetual),
    ];
    for (name, kind, listed) in kinds {
        let (portfolio, indices) = account(kind, listed)?;
        let book = best(&portfolio, |own, number| {
            black_box(own.book_fill(&booking(&indices, number)?, None)?);
            Ok(())
        })?;
        let reserved = best(&portfolio, |own, number| {
            let made = booking(&indices, number)?;
            let Booking { instrument, side, quantity, price, .. } = made;
            let (leg, fee_rate) = (PositionSide::Net, Ratio::from_raw(100_000));
            let mut reservation = own.reserve(&Need { instrument, side, leg, quantity, price, fee_rate })?;
            black_box(own.book_fill(&made, Some(&mut reservation))?);
            Ok(())
        })?;
        let mark = best(&portfolio, |own, number| {
            own.mark_index(indices[number % 64], Price::from_raw(10_000_000_000 + i64::try_from(number)?));
            Ok(())
        })?;
        let mut open = portfolio.clone();
        for number in 0..64 {
            open.book_fill(&booking(&indices, number)?, None)?;
        }
        let marked = best(&open, |own, number| {
            own.mark_index(indices[number % 64], Price::from_raw(10_000_000_000 + i64::try_from(number)?));
            Ok(())
        })?;
        let state = best(&open, |own, _| {
            black_box(own.margin_state()?);
            Ok(())
        })?;
        let totals = best(&open, |own, _| {
            black_box(own.totals()?);
            Ok(())
        })?;
        println!(
            "{name:17} fill {book:5.0}  reserve+fill {reserved:5.0}  mark flat {mark:4.0}  mark open {marked:4.0}  \
             margin state {state:5.0}  totals {totals:5.0}  ns"
        );
    }
    Ok(())
}
