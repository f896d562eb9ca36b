//! Orders and cancels of the near past, in bounded memory.
//!
//! Rings hold the last instants; a count within a window is a binary search. Duplicate intents are kept in a ring of
//! [`INTENTS`]: when more orders than that are approved within the window the oldest are forgotten (the order rate
//! refuses long before). Ids and decisions are kept for good, as 64-bit prints: they are never reused.

use std::collections::VecDeque;

use super::intents::Intents;
use super::prints::PrintSet;
use crate::orders::{OrderRequest, OrderType, TrailOffset};
use crate::types::quick::{print_of_id, print_of_words};
use crate::types::{Money, UtcNanos};

/// Instants a rate ring keeps: the largest rate that can be bounded.
pub const LARGEST_RATE: usize = 4096;
pub use super::intents::INTENTS;
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

/// The median of the last few amounts: O([`MEDIAN_OF`]) a push, O(1) a look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Median {
    recent: [i64; MEDIAN_OF],
    middle: i64,
    count: usize,
    next: usize,
}

impl Median {
    /// Add an amount; the oldest makes room.
    pub fn push(&mut self, amount: i64) {
        let Some(slot) = self.recent.get_mut(self.next) else { return };
        let oldest = std::mem::replace(slot, amount);
        self.next = (self.next + 1) % MEDIAN_OF;
        if self.count >= MEDIAN_OF - 1 {
            // What stays on its side of the middle, or at it, leaves the middle where it is.
            if self.count < MEDIAN_OF || oldest.cmp(&self.middle) != amount.cmp(&self.middle) {
                self.count = MEDIAN_OF;
                self.middle = middle_of_nine(self.recent);
            }
            return;
        }
        self.count += 1;
        let mut sorted = self.recent;
        // Not yet full: the places behind `count` were never used.
        if let Some(used) = sorted.get_mut(..self.count) {
            used.sort_unstable();
            self.middle = used.get((self.count - 1) / 2).copied().unwrap_or_default();
        }
    }

    /// The median, once there are [`MEDIAN_FROM`] amounts; the lower one of two.
    #[must_use]
    pub fn median(&self) -> Option<i64> {
        (self.count >= MEDIAN_FROM).then_some(self.middle)
    }
}

/// Three amounts, the lowest first; without a branch on the amounts, which would be guessed wrong.
#[inline]
fn sorted([one, two, three]: [i64; 3]) -> [i64; 3] {
    let (low, high) = (one.min(two), one.max(two));
    let (middle, highest) = (high.min(three), high.max(three));
    [low.min(middle), low.max(middle), highest]
}

/// The fifth of nine: of three triples, the middle one of the highest low, the middle middle and the lowest high.
#[inline]
fn middle_of_nine([a, b, c, d, e, f, g, h, i]: [i64; MEDIAN_OF]) -> i64 {
    let ([a, b, c], [d, e, f], [g, h, i]) = (sorted([a, b, c]), sorted([d, e, f]), sorted([g, h, i]));
    let [_, middle, _] = sorted([b, e, h]);
    let [_, middle, _] = sorted([a.max(d).max(g), middle, c.min(f).min(i)]);
    middle
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
    intents: Intents,
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
            order: print_of_id(1, request.client_order_id.as_bytes()),
            decision: print_of_id(2, request.decision_id.as_bytes()),
            intent: print_of_words(&request.strategy, &request.symbol, words),
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
            !prints.forced && self.intents.last(prints.intent).is_some_and(|at| now.0.saturating_sub(at) < window);
        [order, self.prints.contains(prints.decision), same]
    }

    /// Remember an order; `seen` is what [`Activity::seen`] said of it just now.
    pub(crate) fn approved(&mut self, prints: &Prints, seen: [bool; 3], now: UtcNanos, opening: Option<Money>) {
        if !seen[0] {
            self.prints.insert_new(prints.order);
        }
        // Of a slice nobody asked whether its decision is known, and its siblings have the same.
        if prints.slice {
            self.prints.insert(prints.decision);
        } else if !seen[1] {
            self.prints.insert_new(prints.decision);
        }
        self.orders.push(now);
        if let Some(notional) = opening {
            self.notionals.push(notional.raw());
        }
        if prints.slice {
            return;
        }
        self.intents.push(prints.intent, now.0);
    }

    pub(crate) fn remember(&mut self, client_order_id: &str, decision_id: &str) {
        self.prints.insert(print_of_id(1, client_order_id.as_bytes()));
        self.prints.insert(print_of_id(2, decision_id.as_bytes()));
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
