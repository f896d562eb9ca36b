//! Trades that are kept aside: neither in the bars nor lost. A caller looks at them and releases or discards each.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Tick;
use crate::stream::event::{SymbolId, Trade};
use crate::stream::output::Reason;

/// A trade in quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Names it: rises by one a trade.
    pub key: u64,
    /// The trade.
    pub trade: Trade,
    /// Why it is here.
    pub reason: Reason,
    pub(crate) tick: Tick,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    key: u64,
    symbol: u32,
    tick: Tick,
    reason: u8,
}

/// The quarantine of a processor. Bounded: its oldest trade leaves when it is full, with an event that holds all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantine {
    entries: VecDeque<Entry>,
    capacity: usize,
    next_key: u64,
    evicted: u64,
}

impl Quarantine {
    pub(crate) const fn new(capacity: usize) -> Self {
        Self { entries: VecDeque::new(), capacity, next_key: 0, evicted: 0 }
    }

    /// Trades in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Trades that left it because it was full.
    #[must_use]
    pub const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// The trades, oldest first.
    pub fn trades(&self) -> impl Iterator<Item = Kept> + '_ {
        self.entries.iter().map(show)
    }

    /// Keep a trade; its key, and the one that had to leave.
    pub(crate) fn keep(&mut self, symbol: SymbolId, tick: Tick, reason: Reason) -> (u64, Option<Kept>) {
        let key = self.next_key;
        self.next_key += 1;
        self.entries.push_back(Entry { key, symbol: symbol.0, tick, reason: reason as u8 });
        let evicted = if self.entries.len() > self.capacity { self.entries.pop_front() } else { None };
        self.evicted += u64::from(evicted.is_some());
        (key, evicted.as_ref().map(show))
    }

    /// Take a trade out.
    pub(crate) fn remove(&mut self, key: u64) -> Option<Kept> {
        // Keys rise, so they can be searched.
        let place = self.entries.binary_search_by_key(&key, |entry| entry.key).ok()?;
        self.entries.remove(place).as_ref().map(show)
    }
}

fn show(entry: &Entry) -> Kept {
    let reason = match entry.reason {
        7 => Reason::Halted,
        8 => Reason::Conflict,
        9 => Reason::Spike,
        _ => Reason::None,
    };
    Kept { key: entry.key, trade: entry.tick.trade(SymbolId(entry.symbol)), reason, tick: entry.tick }
}
