//! Conditional orders of one instrument: which of them wake when the price moves.
//!
//! A key (the rank of acceptance, say) has either a fixed trigger or a trailing one. A buy stop and a sell take-profit
//! wake when the price *rises* to the trigger, a sell stop and a buy take-profit when it *falls* to it.
//!
//! **Order of firing**: first what the price rose to, nearest (lowest) trigger first; then what it fell to, nearest
//! (highest) first; equal triggers by key. A key fires once and is gone.
//!
//! **Trailing**: a sell trails the highest price since it was put here, a buy the lowest. Its level is that best price
//! less (plus) the offset, rounded to the tick *away* from the market: a trailing stop never wakes nearer than it was
//! told. The best price only moves in the order's favour, so the level does too. An ATR offset is fixed when it is put
//! here (`multiple * range`, half to even).
//!
//! **Cost**: a price costs O(log n + fired), amortised, also with n trailing orders: orders with one best price share
//! a group, a new best merges groups (the smaller into the larger), and groups are found by the level that fires first.

use std::collections::{BTreeMap, BTreeSet};

use super::trailing::Trails;
use crate::orders::{OrderType, TrailOffset};
use crate::types::{AmountError, Price, Side};

/// An order that wakes now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fired {
    /// Which order.
    pub key: u64,
    /// The trigger that was reached.
    pub level: Price,
    /// Whether the price rose to it (else it fell).
    pub rising: bool,
}

/// A trailing order's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrailState {
    /// Best price so far.
    pub best: Price,
    /// Where it wakes; zero when the offset is larger than the price.
    pub level: Price,
}

/// The sleeping orders of one instrument.
#[derive(Clone, Debug)]
pub struct TriggerBook {
    /// Fixed triggers by key: the level, and whether the price has to rise to it.
    fixed: BTreeMap<u64, (Price, bool)>,
    rising: BTreeSet<(Price, u64)>,
    falling: BTreeSet<(std::cmp::Reverse<Price>, u64)>,
    /// Trailing sells, which fire when the price falls.
    sells: Trails,
    /// Trailing buys, which fire when the price rises.
    buys: Trails,
}

/// Whether a conditional order of this type and side wakes on a rising price; `None` when it is not conditional.
#[must_use]
pub const fn wakes_rising(order_type: &OrderType, side: Side) -> Option<bool> {
    match order_type {
        OrderType::Stop(_) | OrderType::StopLimit { .. } | OrderType::TrailingStop(_) => Some(side.is_buy()),
        OrderType::TakeProfit(_) | OrderType::TakeProfitLimit { .. } => Some(!side.is_buy()),
        OrderType::Market | OrderType::Limit(_) => None,
    }
}

impl TriggerBook {
    /// An empty book for an instrument with this tick.
    #[must_use]
    pub const fn new(tick: Price) -> Self {
        Self {
            fixed: BTreeMap::new(),
            rising: BTreeSet::new(),
            falling: BTreeSet::new(),
            sells: Trails::new(Side::Sell, tick),
            buys: Trails::new(Side::Buy, tick),
        }
    }

    /// Put an order to sleep; `best` is the price a trailing stop begins to follow from (the last trade, or after a
    /// restart the best price it had). Market and limit orders are awake and change nothing. A key that is here is
    /// replaced.
    ///
    /// # Errors
    /// A trailing offset that overflows or is not positive; nothing is changed then.
    pub fn insert(&mut self, key: u64, order_type: &OrderType, side: Side, best: Price) -> Result<(), AmountError> {
        if let OrderType::TrailingStop(offset) = order_type {
            return self.trail(key, side, *offset, best);
        }
        let (Some(rising), Some(level)) = (wakes_rising(order_type, side), order_type.trigger()) else { return Ok(()) };
        self.remove(key);
        self.fixed.insert(key, (level, rising));
        if rising {
            self.rising.insert((level, key));
        } else {
            self.falling.insert((std::cmp::Reverse(level), key));
        }
        Ok(())
    }

    fn trail(&mut self, key: u64, side: Side, offset: TrailOffset, best: Price) -> Result<(), AmountError> {
        let trails = if side.is_buy() { &self.buys } else { &self.sells };
        let distance = trails.distance(offset, best)?;
        self.remove(key);
        let trails = if side.is_buy() { &mut self.buys } else { &mut self.sells };
        trails.insert(key, distance, best);
        Ok(())
    }

    /// Take an order out; whether it was here.
    pub fn remove(&mut self, key: u64) -> bool {
        if let Some((level, rising)) = self.fixed.remove(&key) {
            return if rising {
                self.rising.remove(&(level, key))
            } else {
                self.falling.remove(&(std::cmp::Reverse(level), key))
            };
        }
        self.sells.remove(key) || self.buys.remove(key)
    }

    /// Trailing levels follow a market that was between `low` and `high`. Returns whether any best price moved.
    pub fn follow(&mut self, low: Price, high: Price) -> bool {
        let sells = self.sells.follow(high);
        self.buys.follow(low) || sells
    }

    /// Everything whose trigger lies within reach of a market between `low` and `high` fires, with the levels as they
    /// stand, in the documented order, onto `fired`.
    pub fn reach(&mut self, low: Price, high: Price, fired: &mut Vec<Fired>) {
        let start = fired.len();
        while let Some((level, key)) = self.rising.first().copied().filter(|(level, _)| *level <= high) {
            self.rising.pop_first();
            self.fixed.remove(&key);
            fired.push(Fired { key, level, rising: true });
        }
        self.buys.fire(high, fired);
        sort(fired, start, |found| (found.level.raw(), found.key));
        let start = fired.len();
        while let Some((level, key)) = self.falling.first().copied().filter(|(level, _)| level.0 >= low) {
            self.falling.pop_first();
            self.fixed.remove(&key);
            fired.push(Fired { key, level: level.0, rising: false });
        }
        self.sells.fire(low, fired);
        sort(fired, start, |found| (found.level.raw().saturating_neg(), found.key));
    }

    /// One traded price: trailing levels follow, then what it reaches fires.
    pub fn update(&mut self, price: Price, fired: &mut Vec<Fired>) {
        self.follow(price, price);
        self.reach(price, price, fired);
    }

    /// Where a trailing order stands; `None` for other keys.
    #[must_use]
    pub fn trail_state(&self, key: u64) -> Option<TrailState> {
        self.sells.state(key).or_else(|| self.buys.state(key))
    }

    /// The level at which a key fires.
    #[must_use]
    pub fn level(&self, key: u64) -> Option<Price> {
        let fixed = self.fixed.get(&key).map(|(level, _)| *level);
        fixed.or_else(|| self.trail_state(key).map(|state| state.level))
    }

    /// Keys of the trailing orders, ascending.
    pub fn trailing(&self) -> impl Iterator<Item = u64> {
        let mut keys: Vec<u64> = self.sells.keys().chain(self.buys.keys()).collect();
        keys.sort_unstable();
        keys.into_iter()
    }

    /// How many orders sleep here.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fixed.len() + self.sells.len() + self.buys.len()
    }

    /// Whether none does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn sort(fired: &mut [Fired], start: usize, rank: impl Fn(&Fired) -> (i64, u64)) {
    if let Some(new) = fired.get_mut(start..) {
        new.sort_unstable_by_key(rank);
    }
}
