//! Raw messages of exchanges to events in fixed point.
//!
//! # Layout
//! - [`Symbols`], [`Venue`], [`ParseError`], [`Notices`]: what goes in beside the bytes, and what comes out beside events.
//! - `binance`: spot and USD-M futures, with a fast path (`fast`); one file for each other venue, over the same scanner.
//! - `scan` (JSON), `decimal` (digits), `time` (units), `item` (events before they are handed out): the kit.
//! - [`recording`]: the line formats of recorded sessions.
//!
//! # Rules
//! - The form is judged here, sense is not: a negative price passes, `NaN`, `-0`, a ninth decimal or a missing key does not.
//! - All or nothing: an error means that no event of the message came out. Every error is typed; nothing panics.
//! - Any key order, unknown keys, white space and escapes give the same event; a key of ours twice is an error.
//! - A message is read in O(length) and, once the lists have grown, nothing is allocated.

mod binance;
mod bitmex;
mod bitstamp;
mod bybit;
mod coinbase;
mod context;
mod decimal;
mod deribit;
mod error;
mod gate;
mod item;
mod kraken;
mod kucoin;
mod notices;
mod okx;
pub mod recording;
mod scan;
mod symbols;
mod time;
mod venue;

pub use error::{Excerpt, ParseError};
pub use notices::{Notices, ServiceKind};
pub use scan::{DEEPEST, LONGEST_STRING};
pub use symbols::{Symbols, SymbolsError};
pub use time::{ADOPT_AFTER, TimeUnit};
pub use venue::{TradeIds, Venue};

use context::Context;
use item::{Found, Item};

use super::event::{Event, SymbolId};
use crate::types::UtcNanos;

/// Longest message accepted, in bytes.
pub const LONGEST_MESSAGE: usize = 32 << 20;
/// Longest message of the fast path: what is longer has more to check than it saves.
const LONGEST_USUAL: usize = 1 << 20;

/// Reads the messages of one connection to one venue.
///
/// ```
/// use deepalpha_engine::stream::event::Event;
/// use deepalpha_engine::stream::parse::{Parser, Symbols, Venue};
/// use deepalpha_engine::types::UtcNanos;
///
/// let symbols = Symbols::of(&["BTCUSDT"])?;
/// let mut parser = Parser::new(Venue::BinanceSpot, symbols);
/// let raw = br#"{"u":7,"s":"BTCUSDT","b":"61837.63","B":"3.78","a":"61837.64","A":"1.5"}"#;
/// let Event::Quote(quote) = parser.parse(raw, UtcNanos(1))? else { unreachable!() };
/// assert_eq!(quote.ask.to_string(), "61837.64");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Parser {
    context: Context,
    found: Found,
}

impl Parser {
    /// A parser for a fresh connection.
    #[must_use]
    pub fn new(venue: Venue, symbols: Symbols) -> Self {
        Self { context: Context::new(venue, symbols), found: Found::default() }
    }

    /// The symbol of messages that name none: a REST snapshot, a raw partial-depth stream of Binance.
    pub const fn about(&mut self, symbol: Option<SymbolId>) {
        self.context.about = symbol;
    }

    /// Forget what belongs to a connection (the unit of times, levels known by id); the counters stay.
    pub fn reconnected(&mut self) {
        self.context.reconnected();
    }

    /// Whose messages these are.
    #[must_use]
    pub const fn venue(&self) -> Venue {
        self.context.venue
    }

    /// The registry.
    #[must_use]
    pub const fn symbols(&self) -> &Symbols {
        &self.context.symbols
    }

    /// The registry, to add symbols.
    pub const fn symbols_mut(&mut self) -> &mut Symbols {
        &mut self.context.symbols
    }

    /// Counters of what is worth knowing.
    #[must_use]
    pub fn notices(&self) -> Notices {
        self.context.notices()
    }

    /// What the last [`Event::Service`] was.
    #[must_use]
    pub const fn service(&self) -> Option<ServiceKind> {
        self.context.service
    }

    /// Unit of the connection's times, once seen.
    #[must_use]
    pub const fn time_unit(&self) -> Option<TimeUnit> {
        self.context.clock.unit()
    }

    /// Read a message that holds one event at most.
    ///
    /// # Errors
    /// [`ParseError`]; [`ParseError::Several`] when it holds more than one.
    #[inline]
    pub fn parse<'a>(&'a mut self, raw: &'a [u8], ts_init: UtcNanos) -> Result<Event<'a>, ParseError> {
        if let Some(item) = self.usual(raw, ts_init) {
            return Ok(item.event(&self.found.levels));
        }
        self.read(raw, ts_init)?;
        match self.found.items.as_slice() {
            [] => Ok(Event::Service),
            [item] => Ok(item.event(&self.found.levels)),
            items => Err(ParseError::Several { count: items.len() }),
        }
    }

    /// Read a message and hand out its events in their order; how many there were. A message without market data gives one
    /// [`Event::Service`]. Nothing is handed out of a message with an error in it.
    ///
    /// # Errors
    /// [`ParseError`].
    pub fn parse_each(
        &mut self,
        raw: &[u8],
        ts_init: UtcNanos,
        mut take: impl FnMut(Event<'_>),
    ) -> Result<usize, ParseError> {
        if let Some(item) = self.usual(raw, ts_init) {
            take(item.event(&self.found.levels));
            return Ok(1);
        }
        self.read(raw, ts_init)?;
        if self.found.items.is_empty() {
            take(Event::Service);
            return Ok(1);
        }
        for item in &self.found.items {
            take(item.event(&self.found.levels));
        }
        Ok(self.found.items.len())
    }

    /// Read a usual message on the fast path.
    #[inline]
    fn usual(&mut self, raw: &[u8], ts_init: UtcNanos) -> Option<Item> {
        let binance = matches!(self.context.venue, Venue::BinanceSpot | Venue::BinanceUsdm);
        if !binance || raw.len() > LONGEST_USUAL {
            return None;
        }
        self.found.levels.clear();
        binance::fast(&self.context, &mut self.found.levels, raw, ts_init)
    }

    /// Read a message with the general scanner into `found`.
    fn read(&mut self, raw: &[u8], ts_init: UtcNanos) -> Result<(), ParseError> {
        self.found.clear();
        if raw.len() > LONGEST_MESSAGE {
            let (length, bound) = (raw.len(), LONGEST_MESSAGE);
            return Err(ParseError::TooLong { what: "message", at: 0, length, bound });
        }
        let document = scan::document(raw)?;
        self.context.begin(ts_init);
        let result = match self.context.venue {
            Venue::BinanceSpot | Venue::BinanceUsdm => binance::read(&mut self.context, &mut self.found, document),
            Venue::Coinbase => coinbase::read(&mut self.context, &mut self.found, document),
            Venue::Kraken => kraken::read(&mut self.context, &mut self.found, document),
            Venue::Okx => okx::read(&mut self.context, &mut self.found, document),
            Venue::Bybit => bybit::read(&mut self.context, &mut self.found, document),
            Venue::Bitstamp => bitstamp::read(&mut self.context, &mut self.found, document),
            Venue::Deribit => deribit::read(&mut self.context, &mut self.found, document),
            Venue::Gate => gate::read(&mut self.context, &mut self.found, document),
            Venue::Kucoin => kucoin::read(&mut self.context, &mut self.found, document),
            Venue::Bitmex => bitmex::read(&mut self.context, &mut self.found, document),
        }
        .and_then(|()| self.context.end());
        if result.is_err() {
            self.found.clear();
        }
        result
    }
}
