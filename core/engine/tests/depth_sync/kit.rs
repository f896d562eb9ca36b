//! Owned updates, snapshots of a book, and a naive book to compare with.

use std::collections::BTreeMap;

use deepalpha_engine::book::Depth;
use deepalpha_engine::stream::depth_sync::{Chain, DepthSync, Limits};
use deepalpha_engine::stream::event::{DepthUpdate, Level, SymbolId};
use deepalpha_engine::types::{Price, Quantity, Side, UtcNanos};

/// An update that owns its levels.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Owned {
    pub(crate) symbol: SymbolId,
    pub(crate) snapshot: bool,
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) previous: Option<u64>,
    pub(crate) checksum: Option<u32>,
    pub(crate) bids: Vec<Level>,
    pub(crate) asks: Vec<Level>,
}

impl Owned {
    pub(crate) fn of(update: &DepthUpdate<'_>) -> Self {
        Self {
            symbol: update.symbol,
            snapshot: update.snapshot,
            first: update.first_update,
            last: update.last_update,
            previous: update.previous_update,
            checksum: update.checksum,
            bids: update.bids.to_vec(),
            asks: update.asks.to_vec(),
        }
    }

    pub(crate) fn borrow(&self) -> DepthUpdate<'_> {
        DepthUpdate {
            symbol: self.symbol,
            snapshot: self.snapshot,
            first_update: self.first,
            last_update: self.last,
            previous_update: self.previous,
            checksum: self.checksum,
            bids: &self.bids,
            asks: &self.asks,
            ts_event: UtcNanos(0),
            ts_init: UtcNanos(0),
        }
    }
}

/// Levels in 1e-8 units as a synchroniser of the finest steps would hold them.
pub(crate) const FINEST: (Price, Quantity) = (Price::from_raw(1), Quantity::from_raw(1));

/// One that works in 1e-8 units: any recording fits.
pub(crate) fn finest(chain: Chain) -> DepthSync {
    DepthSync::new(chain, FINEST.0, FINEST.1, Limits::default())
}

/// All levels of a book as prices and quantities.
pub(crate) fn levels(depth: &Depth, side: Side, steps: (Price, Quantity)) -> Vec<Level> {
    let level = |level: deepalpha_engine::book::DepthLevel| {
        (level.price.to_price(steps.0).unwrap(), level.quantity.to_quantity(steps.1).unwrap())
    };
    depth.levels(side).map(level).collect()
}

/// Two sorted maps and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NaiveBook {
    pub(crate) sides: [BTreeMap<Price, Quantity>; 2],
    pub(crate) last: u64,
}

impl NaiveBook {
    pub(crate) fn apply(&mut self, update: &Owned) {
        if update.snapshot {
            *self = Self::default();
        }
        self.last = update.last;
        for (side, levels) in self.sides.iter_mut().zip([&update.bids, &update.asks]) {
            for (price, quantity) in levels {
                if *quantity == Quantity::ZERO {
                    side.remove(price);
                } else {
                    side.insert(*price, *quantity);
                }
            }
        }
    }

    /// What a venue's REST interface would answer now.
    pub(crate) fn snapshot(&self) -> Owned {
        let [bids, asks] = &self.sides;
        let list =
            |side: &BTreeMap<Price, Quantity>| side.iter().map(|(price, quantity)| (*price, *quantity)).collect();
        Owned {
            snapshot: true,
            first: self.last,
            last: self.last,
            bids: list(bids),
            asks: list(asks),
            ..Owned::default()
        }
    }

    pub(crate) fn assert_equals(&self, sync: &DepthSync, steps: (Price, Quantity)) {
        let [bids, asks] = &self.sides;
        let naive: [Vec<Level>; 2] = [
            bids.iter().rev().map(|(price, quantity)| (*price, *quantity)).collect(),
            asks.iter().map(|(price, quantity)| (*price, *quantity)).collect(),
        ];
        let ours = [Side::Buy, Side::Sell].map(|side| levels(sync.depth(), side, steps));
        let differing = ours.iter().flatten().zip(naive.iter().flatten()).find(|(ours, naive)| ours != naive);
        assert!(ours == naive, "books differ, first at {differing:?}");
    }
}

/// Every counted update went somewhere.
pub(crate) fn assert_counts_add_up(sync: &DepthSync) {
    let counts = sync.counts();
    let sum = counts.applied + sync.buffered() as u64 + counts.dropped + counts.overflowed + counts.breaking;
    assert_eq!(counts.received, sum, "{counts:?}");
}
