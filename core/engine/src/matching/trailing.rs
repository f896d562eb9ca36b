//! Trailing stops of one side, in groups that share their best price; see [`super::triggers`] for rule and cost.

use std::collections::{BTreeMap, BTreeSet};

use super::triggers::{Fired, TrailState};
use crate::orders::TrailOffset;
use crate::types::{AmountError, Price, SCALE, Side};

/// How far behind the best price, resolved: a distance in raw price units, or a share in 1e-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Distance {
    Price(i64),
    Share(i64),
}

/// Orders with one best price. Within a kind of distance the smallest fires first.
#[derive(Clone, Debug, Default)]
struct Group {
    best: i64,
    members: BTreeSet<(Distance, u64)>,
}

#[derive(Clone, Debug)]
pub(super) struct Trails {
    side: Side,
    tick: i64,
    orders: BTreeMap<u64, (Distance, usize)>,
    groups: Vec<Group>,
    unused: Vec<usize>,
    /// Group by best price.
    by_best: BTreeMap<i64, usize>,
    /// Groups by the level that fires first: for sells negated, so that the first element is always the next to fire.
    by_level: BTreeSet<(i64, usize)>,
}

impl Trails {
    pub(super) const fn new(side: Side, tick: Price) -> Self {
        Self {
            side,
            tick: if tick.raw() > 0 { tick.raw() } else { 1 },
            orders: BTreeMap::new(),
            groups: Vec::new(),
            unused: Vec::new(),
            by_best: BTreeMap::new(),
            by_level: BTreeSet::new(),
        }
    }

    /// The offset resolved, checked so that no later level can overflow.
    pub(super) fn distance(&self, offset: TrailOffset, best: Price) -> Result<Distance, AmountError> {
        let distance = match offset {
            TrailOffset::Price(distance) => Distance::Price(distance.raw()),
            TrailOffset::Percent(share) => Distance::Share(share.raw()),
            TrailOffset::Atr { multiple, range } => {
                let distance = crate::types::Money::from_raw(range.raw()).times(multiple)?;
                Distance::Price(distance.raw())
            }
        };
        let (Distance::Price(value) | Distance::Share(value)) = distance;
        if value <= 0 || best <= Price::ZERO {
            let text = if value <= 0 { value } else { best.raw() };
            return Err(AmountError::NotPositive { what: "trailing offset", text: Price::from_raw(text).to_string() });
        }
        // A buy's level only falls from here and a sell's stays below its best price, so this one check is enough.
        if self.side.is_buy() && self.exact(distance, best.raw()) > i128::from(i64::MAX - self.tick) {
            return Err(AmountError::Overflow { what: "best price + trailing offset" });
        }
        Ok(distance)
    }

    /// The level rounded to the tick away from the market, unbounded.
    fn exact(&self, distance: Distance, best: i64) -> i128 {
        let (best, tick) = (i128::from(best), i128::from(self.tick));
        let sign = if self.side.is_buy() { 1 } else { -1 };
        // Shares are kept in 1e-8 units of a raw price until the rounding, so that it is done once.
        let scale = i128::from(SCALE);
        let (numerator, unit) = match distance {
            Distance::Price(distance) => (best + sign * i128::from(distance), tick),
            Distance::Share(share) => (best * (scale + sign * i128::from(share)), tick * scale),
        };
        let steps = numerator.div_euclid(unit);
        let up = self.side.is_buy() && numerator.rem_euclid(unit) != 0;
        (steps + i128::from(up)) * tick
    }

    fn level(&self, distance: Distance, best: i64) -> i64 {
        i64::try_from(self.exact(distance, best).max(0)).unwrap_or(i64::MAX)
    }

    /// Rank of a group in `by_level`.
    fn rank(&self, group: usize) -> Option<i64> {
        let Group { best, members } = self.groups.get(group)?;
        let by_price = members.first().map(|(distance, _)| self.level(*distance, *best));
        let by_share =
            members.range((Distance::Share(i64::MIN), 0)..).next().map(|(distance, _)| self.level(*distance, *best));
        let ranked = |level: i64| if self.side.is_buy() { level } else { -level };
        by_price.into_iter().chain(by_share).map(ranked).min()
    }

    pub(super) fn insert(&mut self, key: u64, distance: Distance, best: Price) {
        let group = if let Some(group) = self.by_best.get(&best.raw()) { *group } else { self.new_group(best.raw()) };
        self.unrank(group);
        self.orders.insert(key, (distance, group));
        if let Some(found) = self.groups.get_mut(group) {
            found.members.insert((distance, key));
        }
        self.rerank(group);
    }

    fn new_group(&mut self, best: i64) -> usize {
        let group = self.unused.pop().unwrap_or_else(|| {
            self.groups.push(Group::default());
            self.groups.len() - 1
        });
        if let Some(found) = self.groups.get_mut(group) {
            found.best = best;
        }
        self.by_best.insert(best, group);
        group
    }

    fn unrank(&mut self, group: usize) {
        if let Some(rank) = self.rank(group) {
            self.by_level.remove(&(rank, group));
        }
    }

    /// Put a changed group back in its place; an empty one is given up.
    fn rerank(&mut self, group: usize) {
        if let Some(rank) = self.rank(group) {
            self.by_level.insert((rank, group));
        } else if let Some(found) = self.groups.get(group) {
            self.by_best.remove(&found.best);
            self.unused.push(group);
        }
    }

    pub(super) fn remove(&mut self, key: u64) -> bool {
        let Some((distance, group)) = self.orders.remove(&key) else { return false };
        self.unrank(group);
        if let Some(found) = self.groups.get_mut(group) {
            found.members.remove(&(distance, key));
        }
        self.rerank(group);
        true
    }

    /// Best prices follow a market that reached `price`; whether any moved.
    pub(super) fn follow(&mut self, price: Price) -> bool {
        let price = price.raw();
        let mut moved = false;
        while let Some((best, group)) = self.behind(price) {
            moved = true;
            self.unrank(group);
            self.by_best.remove(&best);
            let Some(target) = self.by_best.get(&price).copied() else {
                // The first group to come here brings its place along.
                if let Some(found) = self.groups.get_mut(group) {
                    found.best = price;
                }
                self.by_best.insert(price, group);
                self.rerank(group);
                continue;
            };
            self.unrank(target);
            let survivor = self.merge(group, target);
            self.rerank(survivor);
        }
        moved
    }

    /// A group whose best price is not as good as `price`, the farthest first.
    fn behind(&self, price: i64) -> Option<(i64, usize)> {
        let found = if self.side.is_buy() { self.by_best.last_key_value() } else { self.by_best.first_key_value() };
        let behind = |best: i64| if self.side.is_buy() { best > price } else { best < price };
        found.map(|(best, group)| (*best, *group)).filter(|(best, _)| behind(*best))
    }

    /// Bring the members of two groups together at the best price of `to`: the smaller set moves into the larger one's
    /// slot, which is returned; the other slot is free.
    fn merge(&mut self, from: usize, to: usize) -> usize {
        let take = |groups: &mut Vec<Group>, group: usize| {
            groups.get_mut(group).map(|found| std::mem::take(&mut found.members)).unwrap_or_default()
        };
        let (theirs, ours) = (take(&mut self.groups, from), take(&mut self.groups, to));
        let (survivor, gone, mut large, small) =
            if theirs.len() > ours.len() { (from, to, theirs, ours) } else { (to, from, ours, theirs) };
        for member in small {
            if let Some((_, group)) = self.orders.get_mut(&member.1) {
                *group = survivor;
            }
            large.insert(member);
        }
        let best = self.groups.get(to).map(|found| found.best).unwrap_or_default();
        if let Some(found) = self.groups.get_mut(survivor) {
            (found.best, found.members) = (best, large);
        }
        self.by_best.insert(best, survivor);
        self.unused.push(gone);
        survivor
    }

    /// Fire what a market that reached `price` (a high for buys, a low for sells) has passed.
    pub(super) fn fire(&mut self, price: Price, fired: &mut Vec<Fired>) {
        let reached = |level: i64| if self.side.is_buy() { level <= price.raw() } else { level >= price.raw() };
        let mut found = Vec::new();
        for (rank, group) in &self.by_level {
            if !reached(rank.saturating_abs()) {
                break;
            }
            let Some(Group { best, members }) = self.groups.get(*group) else { continue };
            // Levels are ordered like distances within a kind, so each walk stops at the first that is not reached.
            let prices = members.range(..(Distance::Share(i64::MIN), 0));
            let shares = members.range((Distance::Share(i64::MIN), 0)..);
            let level = |member: &(Distance, u64)| (self.level(member.0, *best), member.1);
            found.extend(prices.map(level).take_while(|(level, _)| reached(*level)));
            found.extend(shares.map(level).take_while(|(level, _)| reached(*level)));
        }
        for (level, key) in found {
            self.remove(key);
            fired.push(Fired { key, level: Price::from_raw(level), rising: self.side.is_buy() });
        }
    }

    pub(super) fn state(&self, key: u64) -> Option<TrailState> {
        let (distance, group) = self.orders.get(&key)?;
        let best = self.groups.get(*group)?.best;
        Some(TrailState { best: Price::from_raw(best), level: Price::from_raw(self.level(*distance, best)) })
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = u64> {
        self.orders.keys().copied()
    }

    pub(super) fn len(&self) -> usize {
        self.orders.len()
    }
}
