//! Rules 1 and 3: which trade ids came before, and whether an id that goes back is late, repeated or a venue's new start.
//!
//! A direct-mapped window of the last ids: O(1) a trade, no hashing. The payload is kept beside the id, so a repeated id
//! with another content is told from a repeated message.

use serde::{Deserialize, Serialize};

use super::Tick;
use crate::stream::parse::TradeIds;

/// Conflicting ids in a row, each one more than the last and each with a new time, that mean a new start of the ids.
const CONFLICTS_OF_A_RESET: u8 = 3;

/// What an id says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sighting {
    /// Not seen before, and above all others.
    New,
    /// Below others and not seen: it was missing.
    Missing,
    /// Seen, with the same content.
    Repeated,
    /// Seen, with another content.
    Conflict,
    /// Below the window, and its time is old: nobody can say whether it came before.
    Forgotten,
    /// Below the window (or conflicting several times in a row), and its time is new: the venue counts anew. Holds the
    /// highest id before.
    Reset(u64),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Slot {
    /// One more than the id; 0: empty.
    id: u64,
    price: i64,
    quantity: i64,
    ts_event: i64,
    aggressor: u8,
}

impl Slot {
    const fn of(tick: &Tick) -> Self {
        Self {
            id: tick.id.wrapping_add(1),
            price: tick.price,
            quantity: tick.quantity,
            ts_event: tick.ts_event,
            aggressor: tick.aggressor,
        }
    }
}

/// The last ids of a symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    slots: Vec<Slot>,
    mask: u64,
    /// Highest id; none before the first.
    last: Option<u64>,
    /// The last conflicting id, and how many in a row there were.
    conflict: (u64, u8),
}

impl Seen {
    /// `window` is a power of two.
    pub(crate) fn new(window: usize) -> Self {
        Self { slots: vec![Slot::default(); window], mask: window as u64 - 1, last: None, conflict: (0, 0) }
    }

    /// What the id of `tick` says; a new one is remembered. `fresh`: its time is above all times before. `missed` says
    /// whether an id below the window is known to be missing. Of ids with holes a low one is no new start.
    #[inline]
    pub(crate) fn look(
        &mut self,
        tick: &Tick,
        fresh: bool,
        ids: TradeIds,
        missed: impl FnOnce(u64) -> bool,
    ) -> Sighting {
        let Some(slot) = self.slots.get_mut((tick.id & self.mask) as usize) else { return Sighting::New };
        if ids == TradeIds::Opaque {
            let whole = Slot::of(tick);
            return match slot.id == whole.id && tick.id != 0 {
                true if *slot == whole => Sighting::Repeated,
                true => Sighting::Conflict,
                false => {
                    *slot = whole;
                    Sighting::New
                }
            };
        }
        let Some(last) = self.last else {
            *slot = Slot::of(tick);
            self.last = Some(tick.id);
            return Sighting::New;
        };
        if tick.id > last {
            *slot = Slot::of(tick);
            self.last = Some(tick.id);
            return Sighting::New;
        }
        let whole = Slot::of(tick);
        if slot.id == whole.id {
            if *slot == whole {
                return Sighting::Repeated;
            }
            return self.conflicting(tick, fresh, last);
        }
        if last - tick.id > self.mask || slot.id > whole.id {
            if ids == TradeIds::Rising || missed(tick.id) {
                return Sighting::Missing;
            }
            if !fresh {
                return Sighting::Forgotten;
            }
            self.restart(tick);
            return Sighting::Reset(last);
        }
        *slot = whole;
        Sighting::Missing
    }

    fn conflicting(&mut self, tick: &Tick, fresh: bool, last: u64) -> Sighting {
        let (before, run) = self.conflict;
        let follows = fresh && run > 0 && tick.id == before.wrapping_add(1);
        let run = if follows { run + 1 } else { u8::from(fresh) };
        self.conflict = (tick.id, run);
        if run < CONFLICTS_OF_A_RESET {
            return Sighting::Conflict;
        }
        self.restart(tick);
        Sighting::Reset(last)
    }

    fn restart(&mut self, tick: &Tick) {
        self.slots.fill(Slot::default());
        if let Some(slot) = self.slots.get_mut((tick.id & self.mask) as usize) {
            *slot = Slot::of(tick);
        }
        (self.last, self.conflict) = (Some(tick.id), (0, 0));
    }
}
