//! Orders and cancels of the near past, in bounded memory.
//!
//! Rings hold the last instants; a count within a window is a binary search. Duplicate intents are kept in a ring of
//! [`INTENTS`]: when more orders than that are approved within the window the oldest are forgotten (the order rate
//! refuses long before). Ids and decisions are kept for good, as 64-bit prints: they are never reused.

use std::collections::{HashMap, VecDeque};

use super::prints::PrintSet;
use crate::orders::{OrderRequest, OrderType, TrailOffset};
use crate::types::quick::{QuickBuild, print_of, print_of_words};
use crate::types::{Money, UtcNanos};

/// Instants a rate ring keeps: the largest rate that can be bounded.
pub const LARGEST_RATE: usize = 4096;
/// Intents kept for the duplicate rule.
pub const INTENTS: usize = 1024;
/// Orders that the median is taken of.
pub const MEDIAN_OF: usize = 9;
/// Orders needed before there is a median.
pub const MEDIAN_FROM: usize = 5;

/// The last instants of something, never decreasing.
#[derive(Clone, Debug, Default)]
pub struct Rate {
    instants: VecDeque<i64>,
}

impl Rate {
    fn push(&mut self, now: UtcNanos) {
        if self.instants.len() == LARGEST_RATE {
            self.instants.pop_front();
        }
        // A clock that steps back counts as standing still, so that the ring stays sorted and nothing is forgiven.
        let last = self.instants.back().copied().unwrap_or(i64::MIN);
        self.instants.push_back(now.0.max(last));
    }

    /// How many happened in the `window` before `now`.
    #[must_use]
    pub fn within(&self, now: UtcNanos, window: i64) -> usize {
        let from = now.0.saturating_sub(window);
        match (self.instants.front(), self.instants.back()) {
            (_, Some(last)) if *last <= from => 0,
            (Some(first), _) if *first > from => self.instants.len(),
            _ => self.instants.len() - self.instants.partition_point(|instant| *instant <= from),
        }
    }
}

/// The median of the last few amounts, kept sorted: O([`MEDIAN_OF`]) a push, O(1) a look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Median {
    recent: [i64; MEDIAN_OF],
    sorted: [i64; MEDIAN_OF],
    count: usize,
    next: usize,
}

impl Median {
    /// Add an amount; the oldest makes room.
    pub fn push(&mut self, amount: i64) {
        let Some(slot) = self.recent.get_mut(self.next) else { return };
        let oldest = std::mem::replace(slot, amount);
        self.next = (self.next + 1) % MEDIAN_OF;
        // It takes the place of the oldest (or the first unused one) among the sorted, then moves to where it belongs.
        let mut place = if self.count < MEDIAN_OF {
            self.count += 1;
            self.count - 1
        } else {
            self.sorted.iter().map(|value| usize::from(*value < oldest)).sum()
        };
        self.set(place, amount);
        while place > 0 && self.sorted.get(place - 1).is_some_and(|below| *below > amount) {
            self.sorted.swap(place, place - 1);
            place -= 1;
        }
        while place + 1 < self.count && self.sorted.get(place + 1).is_some_and(|above| *above < amount) {
            self.sorted.swap(place, place + 1);
            place += 1;
        }
    }

    fn set(&mut self, at: usize, amount: i64) {
        if let Some(slot) = self.sorted.get_mut(at) {
            *slot = amount;
        }
    }

    /// The median, once there are [`MEDIAN_FROM`] amounts; the lower one of two.
    #[must_use]
    pub fn median(&self) -> Option<i64> {
        if self.count < MEDIAN_FROM { None } else { self.sorted.get((self.count - 1) / 2).copied() }
    }
}

/// What the gate remembers of orders.
#[derive(Clone, Debug, Default)]
pub struct Activity {
    /// Approved orders.
    pub orders: Rate,
    /// Cancels asked for.
    pub cancels: Rate,
    /// Notionals of approved opening orders.
    pub notionals: Median,
    prints: PrintSet,
    intents: HashMap<u64, i64, QuickBuild>,
    intent_ring: VecDeque<(u64, i64)>,
}

/// The identity of an order: its id, its decision and its intent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prints {
    order: u64,
    decision: u64,
    intent: u64,
    /// A slice shares its parent's decision and looks like its siblings; its own id is what must be new.
    slice: bool,
    forced: bool,
}

impl Prints {
    pub(crate) fn of(request: &OrderRequest) -> Self {
        let price = request.order_type.price().map_or(0, |price| price.raw().cast_unsigned());
        let trail = match request.order_type {
            OrderType::TrailingStop(TrailOffset::Price(distance)) => distance.raw(),
            OrderType::TrailingStop(TrailOffset::Percent(share)) => share.raw(),
            OrderType::TrailingStop(TrailOffset::Atr { range, .. }) => range.raw(),
            _ => 0,
        };
        let kind = (request.order_type.as_str().len() as u64) << 8 | u64::from(request.side.is_buy());
        let words = [request.quantity.raw().cast_unsigned(), price, trail.cast_unsigned(), kind];
        Self {
            order: print_of(1, request.client_order_id.as_bytes()),
            decision: print_of(2, request.decision_id.as_bytes()),
            intent: print_of_words([request.strategy.as_bytes(), request.symbol.as_bytes()], words),
            slice: !request.parent.is_empty(),
            forced: request.forced,
        }
    }
}

impl Activity {
    /// Whether the order id, the decision, or the same intent within `window` was approved before.
    pub(crate) fn seen(&self, prints: &Prints, now: UtcNanos, window: i64) -> [bool; 3] {
        let order = self.prints.contains(prints.order);
        if prints.slice {
            return [order, false, false];
        }
        let same =
            !prints.forced && self.intents.get(&prints.intent).is_some_and(|at| now.0.saturating_sub(*at) < window);
        [order, self.prints.contains(prints.decision), same]
    }

    pub(crate) fn approved(&mut self, prints: &Prints, now: UtcNanos, opening: Option<Money>) {
        self.prints.insert(prints.order);
        self.prints.insert(prints.decision);
        self.orders.push(now);
        if let Some(notional) = opening {
            self.notionals.push(notional.raw());
        }
        if prints.slice {
            return;
        }
        if self.intent_ring.len() >= INTENTS
            && let Some((print, at)) = self.intent_ring.pop_front()
            && self.intents.get(&print) == Some(&at)
        {
            self.intents.remove(&print);
        }
        self.intent_ring.push_back((prints.intent, now.0));
        self.intents.insert(prints.intent, now.0);
    }

    pub(crate) fn remember(&mut self, client_order_id: &str, decision_id: &str) {
        self.prints.insert(print_of(1, client_order_id.as_bytes()));
        self.prints.insert(print_of(2, decision_id.as_bytes()));
    }

    pub(crate) fn cancelled(&mut self, now: UtcNanos) {
        self.cancels.push(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_that_of_the_last_few() {
        let (mut median, mut all) = (Median::default(), Vec::new());
        let mut seed = 7_u64;
        for _ in 0..2_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            all.push((seed >> 59).cast_signed());
            median.push(*all.last().unwrap_or(&0));
            let mut last: Vec<i64> = all.iter().rev().take(MEDIAN_OF).copied().collect();
            last.sort_unstable();
            let expected = if last.len() < MEDIAN_FROM { None } else { last.get((last.len() - 1) / 2).copied() };
            assert_eq!(median.median(), expected);
        }
    }
}
