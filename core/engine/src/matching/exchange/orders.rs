//! All orders of the exchange in one arena: found by key in one step, by id through one hash.
//!
//! A key is the number of the order (40 bits, counting up, never reused) and its slot (24 bits), so that keys sort by
//! arrival. Closed orders stay until as many as the setting says have closed after them. Nothing is allocated once the
//! arena has grown to the open and remembered orders.

use std::collections::{HashMap, VecDeque};

use super::error::ExchangeError;
use super::ids::{Ids, Print};
use crate::book::{QueuePosition, Ticks};
use crate::matching::OrderRecord;
use crate::portfolio::Reservation;
use crate::types::quick::QuickBuild;
use crate::types::{ClientOrderId, UtcNanos};

const SLOT_BITS: u32 = 24;
const SLOT_MASK: u64 = (1 << SLOT_BITS) - 1;

/// Where an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// On its way.
    InFlight,
    /// Waiting for its trigger.
    Asleep,
    /// Waiting for market data newer than itself.
    Waiting,
    /// In the book, or in the queue of a replica.
    Resting,
    /// Being matched.
    Matching,
    /// Over.
    Closed,
}

/// An order and what the exchange knows of it.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub key: u64,
    pub account: u32,
    pub listing: u32,
    pub place: Place,
    /// May only shrink a position: reduce-only, or the close of a hedged leg.
    pub shrinks: bool,
    /// The order closes a position that its account can no longer keep.
    pub liquidates: bool,
    pub record: OrderRecord,
    /// The price it may not be worse than; none before it is worked out.
    pub limit: Option<Ticks>,
    /// What is left, in lots.
    pub leaves: i64,
    pub reservation: Option<Reservation>,
    /// Its place in the queue of a replica, once the level is known.
    pub queue: Option<QueuePosition>,
    /// Since when it can trade: only on data that is newer.
    pub live_since: UtcNanos,
    /// Place in its account's list of open orders.
    pub open_at: u32,
}

/// Without a secret: the keys are our own users' ids, and no result depends on the order of a map.
pub(super) type QuickMap<K, V> = HashMap<K, V, QuickBuild>;

/// The arena.
#[derive(Clone, Debug)]
pub(super) struct Orders {
    slots: Vec<Order>,
    unused: Vec<u32>,
    /// Closed orders, the one that closed first first.
    closed: VecDeque<u32>,
    by_id: Ids,
    remembered: usize,
    next_number: u64,
}

impl Orders {
    pub(super) fn new(remembered: usize) -> Self {
        Self {
            slots: Vec::new(),
            unused: Vec::new(),
            closed: VecDeque::new(),
            by_id: Ids::default(),
            remembered: remembered.max(1),
            next_number: 1,
        }
    }

    /// How many orders have come so far, plus one.
    pub(super) const fn next_number(&self) -> u64 {
        self.next_number
    }

    /// Open orders.
    pub(super) fn open_count(&self) -> usize {
        self.slots.len() - self.unused.len() - self.closed.len()
    }

    /// Room for one more?
    pub(super) fn check_room(&self) -> Result<(), ExchangeError> {
        let room = !self.unused.is_empty() || self.slots.len() < SLOT_MASK as usize;
        if room { Ok(()) } else { Err(ExchangeError::Full { open: self.open_count() }) }
    }

    /// Put an order in; `make` gets its key. The caller has checked that there is room.
    pub(super) fn insert(&mut self, id: (u32, ClientOrderId), make: impl FnOnce(u64) -> Order) -> u64 {
        let slot = self.unused.pop().unwrap_or(u32::try_from(self.slots.len()).unwrap_or(u32::MAX));
        let key = self.next_number << SLOT_BITS | u64::from(slot);
        self.next_number += 1;
        self.by_id.insert(Print::of(id.0, &id.1), slot);
        let order = make(key);
        match self.slots.get_mut(slot as usize) {
            Some(place) => *place = order,
            None => self.slots.push(order),
        }
        key
    }

    #[inline]
    pub(super) fn get(&self, key: u64) -> Option<&Order> {
        self.slots.get((key & SLOT_MASK) as usize).filter(|order| order.key == key)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, key: u64) -> Option<&mut Order> {
        self.slots.get_mut((key & SLOT_MASK) as usize).filter(|order| order.key == key)
    }

    pub(super) fn find(&self, account: u32, id: &ClientOrderId) -> Option<&Order> {
        let is_it = |slot| self.of(slot).is_some_and(|(owner, own)| owner == account && own == id);
        let slot = self.by_id.find(Print::of(account, id), is_it)?;
        self.slots.get(slot as usize)
    }

    /// Account and id of the order in a slot.
    #[inline]
    fn of(&self, slot: u32) -> Option<(u32, &ClientOrderId)> {
        self.slots.get(slot as usize).map(|order| (order.account, &order.record.request.client_order_id))
    }

    /// An order is over: remember it for a while, forget one that was over before.
    pub(super) fn close(&mut self, key: u64) {
        if let Some(order) = self.get_mut(key) {
            order.place = Place::Closed;
            self.closed.push_back((key & SLOT_MASK) as u32);
        }
        if self.closed.len() > self.remembered
            && let Some(slot) = self.closed.pop_front()
            && let Some(order) = self.slots.get_mut(slot as usize)
        {
            order.key = 0;
            self.by_id.remove(Print::of(order.account, &order.record.request.client_order_id), slot);
            self.unused.push(slot);
        }
    }

    /// Open orders by key; for hashes and looks, not for the hot path.
    pub(super) fn open(&self) -> Vec<&Order> {
        let mut open: Vec<&Order> =
            self.slots.iter().filter(|order| order.key != 0 && order.place != Place::Closed).collect();
        open.sort_unstable_by_key(|order| order.key);
        open
    }
}
