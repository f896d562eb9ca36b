//! The account: identities to the last unit for every kind and mode, against models that keep no running sums.
#![expect(clippy::panic, clippy::indexing_slicing, reason = "tests may stop at a wrong shape")]

mod any_account;
mod figures;
mod hostile;
mod lots;
mod margin;
mod multi_currency;
mod naive;
mod spot;

use deepalpha_engine::portfolio::{
    AccountKind, AccountTerms, Booking, InstrumentIndex, MarginMode, Portfolio, PositionMode, PositionSide,
};
use deepalpha_engine::types::{
    Currency, Instrument, InstrumentKind, Money, Price, Quantity, Ratio, SCALE, Side, Symbol, TradeId,
};

pub(crate) fn ok<T, E: std::fmt::Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn price(text: &str) -> Price {
    ok(Price::parse(text))
}

pub(crate) fn money(text: &str) -> Money {
    ok(Money::parse(text))
}

pub(crate) fn ratio(text: &str) -> Ratio {
    ok(Ratio::parse(text))
}

pub(crate) fn whole(quantity: i64) -> Quantity {
    Quantity::from_raw(quantity * SCALE)
}

pub(crate) fn currency(name: &str) -> Currency {
    ok(Currency::parse(name))
}

pub(crate) fn side(buy: bool) -> Side {
    if buy { Side::Buy } else { Side::Sell }
}

pub(crate) fn listed(symbol: &str, kind: InstrumentKind) -> Instrument {
    let plain = ok(Instrument::new(ok(Symbol::parse(symbol)), price("0.01"), Quantity::from_raw(1_000_000)));
    let base = symbol.split_once('/').map(|(base, _)| currency(base)).filter(|_| kind == InstrumentKind::Spot);
    let quote = symbol.split_once('/').map_or("USD", |(_, quote)| quote);
    ok(Instrument { kind, base, currency: currency(quote), ..plain }.validated())
}

pub(crate) fn perpetual(symbol: &str) -> Instrument {
    let plain = listed(symbol, InstrumentKind::Perpetual);
    let (initial_margin, maintenance_margin) = (ratio("0.05"), ratio("0.025"));
    ok(Instrument { multiplier: ok(Quantity::parse("0.1")), initial_margin, maintenance_margin, ..plain }.validated())
}

pub(crate) fn futures(mode: MarginMode, position_mode: PositionMode) -> AccountTerms {
    let kind = AccountKind::Futures { leverage: ratio("10"), mode };
    AccountTerms { position_mode, ..AccountTerms::new(kind, currency("USD")) }
}

pub(crate) fn opened(terms: AccountTerms, cash: &str, instruments: &[Instrument]) -> (Portfolio, Vec<InstrumentIndex>) {
    let mut portfolio = ok(Portfolio::open(terms));
    ok(portfolio.deposit(terms.currency, money(cash)));
    let indices = instruments.iter().map(|instrument| ok(portfolio.list(*instrument))).collect();
    (portfolio, indices)
}

pub(crate) fn fill(index: InstrumentIndex, buy: bool, quantity: Quantity, at: Price) -> Booking {
    Booking::new(index, side(buy), quantity, at, ok(TradeId::parse("T1")))
}

pub(crate) fn on_leg(leg: PositionSide, booking: Booking) -> Booking {
    Booking { leg, ..booking }
}
