//! What a parser knows beyond the message at hand: symbols, unit of times, counters; and how values are read with it.

use std::collections::BTreeMap;
use std::ops::Range;

use super::error::{Excerpt, ParseError};
use super::item::Found;
use super::notices::{Notices, ServiceKind};
use super::scan::{Kind, Token, need, unknown_word};
use super::symbols::{Steps, Symbols};
use super::time::{Clock, TimeUnit, from_iso, from_number};
use super::venue::Venue;
use crate::stream::event::{Aggressor, SymbolId};
use crate::types::{Price, Quantity, UtcNanos};

/// A symbol of a message and the steps of its numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listed {
    pub(super) id: SymbolId,
    pub(super) steps: Steps,
}

/// Whether `value` is a multiple of a step, where one is known.
#[inline]
pub(super) fn on_step(key: &'static str, value: i64, step: i64) -> Result<(), ParseError> {
    if step != 0 && value % step != 0 {
        return Err(ParseError::OffStep { key, value, step });
    }
    Ok(())
}

#[derive(Clone, Debug)]
pub(super) struct Context {
    pub(super) venue: Venue,
    pub(super) symbols: Symbols,
    pub(super) about: Option<SymbolId>,
    pub(super) clock: Clock,
    pub(super) service: Option<ServiceKind>,
    pub(super) ts_init: UtcNanos,
    /// Unit of the times of the message at hand, and the key of the first.
    message_unit: Option<(&'static str, TimeUnit)>,
    /// Keys whose type has changed, each once.
    changed: Vec<&'static str>,
    /// Prices of levels that the venue names by an id only (BitMEX).
    pub(super) level_prices: BTreeMap<(SymbolId, u64), Price>,
}

impl Context {
    pub(super) const fn new(venue: Venue, symbols: Symbols) -> Self {
        Self {
            venue,
            symbols,
            about: None,
            clock: Clock::new(),
            service: None,
            ts_init: UtcNanos(0),
            message_unit: None,
            changed: Vec::new(),
            level_prices: BTreeMap::new(),
        }
    }

    pub(super) fn reconnected(&mut self) {
        self.clock.forget();
        self.level_prices.clear();
    }

    pub(super) fn notices(&self) -> Notices {
        Notices {
            type_changes: u32::try_from(self.changed.len()).unwrap_or(u32::MAX),
            last_type_change: self.changed.last().copied(),
            unit_changes: self.clock.changes,
        }
    }

    pub(super) fn begin(&mut self, ts_init: UtcNanos) {
        self.ts_init = ts_init;
        self.message_unit = None;
        self.service = None;
    }

    /// The message was read to its end: its unit of times becomes, or has to be, the connection's.
    pub(super) fn end(&mut self) -> Result<(), ParseError> {
        self.message_unit.map_or(Ok(()), |(key, unit)| self.clock.take(key, unit))
    }

    /// The message carries no market data.
    pub(super) fn serve(&mut self, found: &Found, kind: ServiceKind) {
        if found.items.is_empty() {
            self.service = Some(kind);
        }
    }

    /// Count a value that is a number where the venue sends a string, or the other way round.
    pub(super) fn expect(&mut self, token: Token<'_>, kind: Kind, key: &'static str) {
        if matches!((token.kind, kind), (Kind::Text, Kind::Number) | (Kind::Number, Kind::Text))
            && !self.changed.contains(&key)
        {
            self.changed.push(key);
        }
    }

    pub(super) fn listed(&self, id: SymbolId) -> Listed {
        Listed { id, steps: self.symbols.steps(id) }
    }

    /// The symbol of this name.
    pub(super) fn named(&self, name: &[u8]) -> Result<Listed, ParseError> {
        let id = self.symbols.find(name).ok_or(ParseError::UnknownSymbol { name: Excerpt::new(name) })?;
        Ok(self.listed(id))
    }

    /// The symbol that a required key names.
    pub(super) fn symbol(
        &self,
        token: Option<Token<'_>>,
        message: &'static str,
        key: &'static str,
    ) -> Result<Listed, ParseError> {
        self.named(need(token, message, key)?.word(key)?.bytes())
    }

    /// The symbol of a message that names none.
    pub(super) fn unnamed(&self, message: &'static str) -> Result<Listed, ParseError> {
        self.about.map(|id| self.listed(id)).ok_or(ParseError::NoSymbol { message })
    }

    /// A whole number that the venue sends bare.
    pub(super) fn number(
        &mut self,
        token: Option<Token<'_>>,
        message: &'static str,
        key: &'static str,
    ) -> Result<u64, ParseError> {
        let token = need(token, message, key)?;
        let value = token.uint(key)?;
        self.expect(token, Kind::Number, key);
        Ok(value)
    }

    /// A price that the venue sends as `kind`.
    pub(super) fn price(
        &mut self,
        listed: Listed,
        token: Option<Token<'_>>,
        message: &'static str,
        key: &'static str,
        kind: Kind,
    ) -> Result<Price, ParseError> {
        let token = need(token, message, key)?;
        let value = token.decimal(key)?;
        on_step(key, value, listed.steps.price)?;
        self.expect(token, kind, key);
        Ok(Price::from_raw(value))
    }

    /// A quantity that the venue sends as `kind`.
    pub(super) fn quantity(
        &mut self,
        listed: Listed,
        token: Option<Token<'_>>,
        message: &'static str,
        key: &'static str,
        kind: Kind,
    ) -> Result<Quantity, ParseError> {
        let token = need(token, message, key)?;
        let value = token.decimal(key)?;
        on_step(key, value, listed.steps.quantity)?;
        self.expect(token, kind, key);
        Ok(Quantity::from_raw(value))
    }

    /// A time whose unit is the connection's.
    pub(super) fn time(
        &mut self,
        token: Option<Token<'_>>,
        message: &'static str,
        key: &'static str,
    ) -> Result<UtcNanos, ParseError> {
        let token = need(token, message, key)?;
        let value = token.uint(key)?;
        let read = from_number(value).ok_or_else(|| ParseError::BadTime { key, text: Excerpt::new(token.bytes()) });
        let (time, found) = read?;
        let (_, expected) = *self.message_unit.get_or_insert((key, found));
        if expected != found {
            return Err(ParseError::UnitChanged { key, expected, found });
        }
        self.expect(token, Kind::Number, key);
        Ok(time)
    }

    /// Unit of the times of the message at hand.
    pub(super) fn message_unit(&self) -> Option<TimeUnit> {
        self.message_unit.map(|(_, unit)| unit)
    }

    /// A list of `[price, quantity, ..]` into `found`; its place there.
    pub(super) fn levels(
        &mut self,
        found: &mut Found,
        listed: Listed,
        list: Token<'_>,
        key: &'static str,
        kind: Kind,
    ) -> Result<Range<usize>, ParseError> {
        let from = found.levels.len();
        let mut elements = list.elements(key)?;
        while let Some(element) = elements.next()? {
            let mut level = element.elements(key)?;
            let price = self.price(listed, level.next()?, "level", key, kind)?;
            let quantity = self.quantity(listed, level.next()?, "level", key, kind)?;
            found.level((price, quantity))?;
        }
        Ok(from..found.levels.len())
    }

    /// Whole numbers that are a time of a documented unit.
    pub(super) fn time_in(
        unit: TimeUnit,
        token: Option<Token<'_>>,
        message: &'static str,
        key: &'static str,
    ) -> Result<UtcNanos, ParseError> {
        let token = need(token, message, key)?;
        let bad = || ParseError::BadTime { key, text: Excerpt::new(token.bytes()) };
        let (time, found) = from_number(token.uint(key)?).ok_or_else(bad)?;
        if found != unit {
            return Err(ParseError::UnitChanged { key, expected: unit, found });
        }
        Ok(time)
    }

    /// Seconds (`unit` of 1e9) or milliseconds with decimals, as Kraken and Gate send them.
    pub(super) fn decimal_time(
        unit: TimeUnit,
        token: Option<Token<'_>>,
        message: &'static str,
        key: &'static str,
    ) -> Result<UtcNanos, ParseError> {
        let token = need(token, message, key)?;
        let value = i128::from(token.decimal(key)?) * i128::from(unit.nanos()) / 100_000_000;
        let nanos = i64::try_from(value).ok().filter(|nanos| *nanos >= 100_000_000 * TimeUnit::Seconds.nanos());
        nanos.map(UtcNanos).ok_or_else(|| ParseError::BadTime { key, text: Excerpt::new(token.bytes()) })
    }

    /// A time in ISO 8601.
    pub(super) fn iso_time(
        token: Option<Token<'_>>,
        message: &'static str,
        key: &'static str,
    ) -> Result<UtcNanos, ParseError> {
        from_iso(need(token, message, key)?.word(key)?.bytes(), key)
    }

    /// Who took, from a word `buy` or `sell`.
    pub(super) fn taker(
        token: Option<Token<'_>>,
        message: &'static str,
        key: &'static str,
    ) -> Result<Aggressor, ParseError> {
        let word = need(token, message, key)?.word(key)?;
        match word.bytes() {
            side if side.eq_ignore_ascii_case(b"buy") => Ok(Aggressor::Buyer),
            side if side.eq_ignore_ascii_case(b"sell") => Ok(Aggressor::Seller),
            side => Err(unknown_word(key, side)),
        }
    }
}

/// A number for an id that is text, or made of several values: FNV-1a, 64 bits.
pub(super) fn hash_id<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    parts
        .into_iter()
        .fold(0xCBF2_9CE4_8422_2325, |hash, part| step(part.iter().fold(hash, |hash, byte| step(hash, *byte)), 0xFF))
}
