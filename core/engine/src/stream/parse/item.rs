//! Parsed events before they are handed out: everything but the levels, which stand in one list beside them.

use std::ops::Range;

use super::context::{Context, Listed};
use super::error::ParseError;
use crate::stream::event::{DepthUpdate, Event, Level, Quote, SymbolId, Trade, VenueBar};
use crate::types::UtcNanos;

/// A book message without its levels: `bids` and `asks` are ranges of the list.
#[derive(Clone, Debug)]
pub(super) struct DepthHead {
    pub(super) symbol: SymbolId,
    pub(super) snapshot: bool,
    pub(super) first_update: u64,
    pub(super) last_update: u64,
    pub(super) previous_update: Option<u64>,
    pub(super) checksum: Option<u32>,
    pub(super) bids: Range<usize>,
    pub(super) asks: Range<usize>,
    pub(super) ts_event: UtcNanos,
    pub(super) ts_init: UtcNanos,
}

impl DepthHead {
    /// A message of a venue without update ids: they are 0.
    pub(super) const fn unnumbered(
        context: &Context,
        listed: Listed,
        snapshot: bool,
        bids: Range<usize>,
        asks: Range<usize>,
        ts_event: UtcNanos,
    ) -> Self {
        Self {
            symbol: listed.id,
            snapshot,
            first_update: 0,
            last_update: 0,
            previous_update: None,
            checksum: None,
            bids,
            asks,
            ts_event,
            ts_init: context.ts_init,
        }
    }

    /// The same with ids.
    pub(super) fn numbered(self, first_update: u64, last_update: u64, previous_update: Option<u64>) -> Self {
        Self { first_update, last_update, previous_update, ..self }
    }
}

/// An event whose levels stand elsewhere.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Trade(Trade),
    Quote(Quote),
    Depth(DepthHead),
    Bar(VenueBar),
}

impl Item {
    #[inline]
    pub(super) fn event<'a>(&self, levels: &'a [Level]) -> Event<'a> {
        match self {
            Self::Trade(trade) => Event::Trade(*trade),
            Self::Quote(quote) => Event::Quote(*quote),
            Self::Bar(bar) => Event::Bar(*bar),
            Self::Depth(head) => Event::Depth(DepthUpdate {
                symbol: head.symbol,
                snapshot: head.snapshot,
                first_update: head.first_update,
                last_update: head.last_update,
                previous_update: head.previous_update,
                checksum: head.checksum,
                bids: levels.get(head.bids.clone()).unwrap_or_default(),
                asks: levels.get(head.asks.clone()).unwrap_or_default(),
                ts_event: head.ts_event,
                ts_init: head.ts_init,
            }),
        }
    }
}

/// Most levels in one message.
pub(super) const MOST_LEVELS: usize = 1 << 20;

/// What a message holds, filled while it is read and handed out when it was read to the end.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) items: Vec<Item>,
    pub(super) levels: Vec<Level>,
}

impl Found {
    pub(super) fn clear(&mut self) {
        self.items.clear();
        self.levels.clear();
    }

    pub(super) fn level(&mut self, level: Level) -> Result<(), ParseError> {
        if self.levels.len() >= MOST_LEVELS {
            let length = self.levels.len() + 1;
            return Err(ParseError::TooLong { what: "list of levels", at: 0, length, bound: MOST_LEVELS });
        }
        self.levels.push(level);
        Ok(())
    }
}
