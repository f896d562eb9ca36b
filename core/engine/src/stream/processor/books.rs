//! The books of a processor: updates that passed the checks of their form are put in the venue's order and applied.
//!
//! Invariants: a book is believed only while it is in step ([`DepthSync`]); a break is said once, as an event
//! [`EventKind::Resync`](crate::stream::output::EventKind::Resync) with the last id that fitted, and ends with the next
//! snapshot that is given in as a message. A book is no part of a saved state: after a restart it waits for a snapshot.
//! O(levels changed) an update.

use super::{Outcome, Processor};
use crate::stream::depth_sync::{Broken, Chain, DepthSync, Limits, Step};
use crate::stream::event::{DepthUpdate, SymbolId};
use crate::stream::output::Reason;
use crate::types::{Price, Quantity, UtcNanos};

/// A book to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookPlan {
    /// Whose.
    pub symbol: SymbolId,
    /// Prices are whole numbers of it.
    pub tick_size: Price,
    /// Quantities are whole numbers of it.
    pub lot_size: Quantity,
    /// How the venue numbers its updates.
    pub chain: Chain,
    /// Bounds.
    pub limits: Limits,
}

/// Books by symbol.
pub(super) fn books(plans: &[BookPlan], symbols: usize) -> Vec<Option<DepthSync>> {
    let of = |symbol: usize| plans.iter().find(|plan| plan.symbol.0 as usize == symbol);
    let make = |plan: &BookPlan| DepthSync::new(plan.chain, plan.tick_size, plan.lot_size, plan.limits);
    (0..symbols).map(|symbol| of(symbol).map(make)).collect()
}

const fn reason(broken: &Broken) -> Reason {
    match broken {
        Broken::Gap { .. } | Broken::NoPrevious { .. } | Broken::BadRange { .. } | Broken::Lost => Reason::Chain,
        Broken::Step(_) => Reason::OffGrid,
        Broken::Level(_) => Reason::Quantity,
        Broken::Crossed { .. } => Reason::Crossed,
        Broken::Checksum { .. } => Reason::Checksum,
    }
}

impl Processor {
    /// The book of a symbol, where one is kept. Believe it only while it is in step.
    #[must_use]
    pub fn book(&self, symbol: SymbolId) -> Option<&DepthSync> {
        self.books.get(symbol.0 as usize)?.as_ref()
    }

    /// An update of a book, of which the checks of its form gave `outcome`.
    pub(super) fn keep_book(&mut self, update: &DepthUpdate<'_>, outcome: Outcome) {
        let Some(Some(book)) = self.books.get_mut(update.symbol.0 as usize) else { return };
        let was_live = book.is_live();
        let step = if outcome == Outcome::Ok { book.apply(update) } else { book.lost() };
        if let Step::Resync(broken) = step
            && (was_live || update.snapshot)
        {
            let last_good = book.last_update();
            self.note_resync(update.symbol, reason(&broken), last_good, UtcNanos(update.ts_event.0));
        }
    }
}
