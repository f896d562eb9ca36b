//! Orders that depend on each other: OCO groups, and brackets around a position.
//!
//! Both are plain bookkeeping over the caller's keys: they say what is to be done, the venue does it. Invariants:
//! - of an OCO group one order trades; the others are named for cancelling exactly once;
//! - a bracket's legs are at most one stop and one target, each as large as the position, none when there is none.
//!
//! Cost: O(log groups + group size) a step of an OCO group, O(1) a step of a bracket.

use std::collections::BTreeMap;

use crate::types::{ClientOrderId, Price, Quantity, Side, SignedQuantity};

/// Groups of which one order may trade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcoGroups<K> {
    /// Members by group, oldest first.
    groups: BTreeMap<ClientOrderId, Vec<K>>,
}

impl<K> Default for OcoGroups<K> {
    fn default() -> Self {
        Self { groups: BTreeMap::new() }
    }
}

impl<K: Copy + Eq> OcoGroups<K> {
    /// An order joins its group. The empty group is no group.
    pub fn join(&mut self, group: ClientOrderId, key: K) {
        if !group.is_empty() {
            self.groups.entry(group).or_default().push(key);
        }
    }

    /// An order has traded: the others, oldest first, which are to be cancelled now. A second trade of it names nobody.
    pub fn traded(&mut self, group: &ClientOrderId, key: K) -> Vec<K> {
        let Some(members) = self.groups.get_mut(group) else { return Vec::new() };
        if !members.contains(&key) {
            return Vec::new();
        }
        let others = members.iter().copied().filter(|member| *member != key).collect();
        members.retain(|member| *member == key);
        others
    }

    /// An order is closed and leaves its group; the last one takes the group with it.
    pub fn leave(&mut self, group: &ClientOrderId, key: K) {
        if let Some(members) = self.groups.get_mut(group) {
            members.retain(|member| *member != key);
            if members.is_empty() {
                self.groups.remove(group);
            }
        }
    }

    /// Members of a group, oldest first.
    #[must_use]
    pub fn members(&self, group: &ClientOrderId) -> &[K] {
        self.groups.get(group).map(Vec::as_slice).unwrap_or_default()
    }
}

/// One of the two orders around a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leg {
    /// The protective stop.
    StopLoss,
    /// The target.
    TakeProfit,
}

impl Leg {
    /// Stop before target, always.
    pub const BOTH: [Self; 2] = [Self::StopLoss, Self::TakeProfit];

    /// As it stands in an order id.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StopLoss => "SL",
            Self::TakeProfit => "TP",
        }
    }
}

/// What a venue has to do so that the legs fit the position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegAction<K> {
    /// Make the order; tell the bracket its key with [`Bracket::placed`].
    Place {
        /// Which leg.
        leg: Leg,
        /// Direction: against the position.
        side: Side,
        /// As large as the position.
        quantity: Quantity,
        /// Trigger of the stop or limit of the target.
        price: Price,
    },
    /// Change how much of the order is left.
    Resize {
        /// Which leg.
        leg: Leg,
        /// The order.
        key: K,
        /// What is to be left of it.
        quantity: Quantity,
    },
    /// Take the order back.
    Cancel {
        /// Which leg.
        leg: Leg,
        /// The order.
        key: K,
    },
}

/// A working leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Working<K> {
    key: K,
    side: Side,
    price: Price,
    left: Quantity,
}

/// Stop and target around the position of one instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bracket<K> {
    stop_loss: Option<Price>,
    take_profit: Option<Price>,
    stop_order: Option<Working<K>>,
    target_order: Option<Working<K>>,
}

impl<K> Default for Bracket<K> {
    fn default() -> Self {
        Self { stop_loss: None, take_profit: None, stop_order: None, target_order: None }
    }
}

impl<K: Copy + Eq> Bracket<K> {
    /// The levels that the position should have; the orders follow with [`Self::follow`].
    pub const fn set(&mut self, stop_loss: Option<Price>, take_profit: Option<Price>) {
        (self.stop_loss, self.take_profit) = (stop_loss, take_profit);
    }

    /// The levels: stop, target.
    #[must_use]
    pub const fn levels(&self) -> (Option<Price>, Option<Price>) {
        (self.stop_loss, self.take_profit)
    }

    /// The working order of a leg.
    #[must_use]
    pub fn order(&self, leg: Leg) -> Option<K> {
        self.slot(leg).map(|working| working.key)
    }

    const fn slot(&self, leg: Leg) -> Option<Working<K>> {
        match leg {
            Leg::StopLoss => self.stop_order,
            Leg::TakeProfit => self.target_order,
        }
    }

    const fn slot_mut(&mut self, leg: Leg) -> &mut Option<Working<K>> {
        match leg {
            Leg::StopLoss => &mut self.stop_order,
            Leg::TakeProfit => &mut self.target_order,
        }
    }

    /// A leg works now, with this much left.
    pub const fn placed(&mut self, leg: Leg, key: K, side: Side, price: Price, left: Quantity) {
        *self.slot_mut(leg) = Some(Working { key, side, price, left });
    }

    /// A leg traded; call [`Self::follow`] with the position after it.
    pub fn filled(&mut self, key: K, quantity: Quantity) {
        for leg in Leg::BOTH {
            if let Some(working) = self.slot_mut(leg)
                && working.key == key
            {
                working.left = Quantity::from_raw(working.left.raw().saturating_sub(quantity.raw()).max(0));
                if working.left == Quantity::ZERO {
                    *self.slot_mut(leg) = None;
                }
            }
        }
    }

    /// An order is gone for another reason (cancelled by hand, rejected); unknown keys change nothing.
    pub fn gone(&mut self, key: K) {
        for leg in Leg::BOTH {
            if self.slot(leg).is_some_and(|working| working.key == key) {
                *self.slot_mut(leg) = None;
            }
        }
    }

    /// What must be done so that the legs fit a position: stop first, cancels before what replaces them. The bracket
    /// counts cancels and resizes as done, so that nothing is asked for twice; a flat position loses its levels.
    pub fn follow(&mut self, held: SignedQuantity) -> Vec<LegAction<K>> {
        let mut actions = Vec::new();
        let quantity = held.magnitude();
        if quantity == Quantity::ZERO {
            self.set(None, None);
        }
        let side = if held.raw() > 0 { Side::Sell } else { Side::Buy };
        for (leg, level) in [(Leg::StopLoss, self.stop_loss), (Leg::TakeProfit, self.take_profit)] {
            let working = self.slot(leg);
            if let Some(Working { key, .. }) = working.filter(|found| level != Some(found.price) || found.side != side)
            {
                actions.push(LegAction::Cancel { leg, key });
                *self.slot_mut(leg) = None;
            }
            match (level, self.slot_mut(leg)) {
                (Some(price), None) => actions.push(LegAction::Place { leg, side, quantity, price }),
                (_, Some(found)) if found.left != quantity => {
                    found.left = quantity;
                    actions.push(LegAction::Resize { leg, key: found.key, quantity });
                }
                _ => {}
            }
        }
        actions
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn group(text: &str) -> ClientOrderId {
        ClientOrderId::parse(text).unwrap_or_default()
    }

    #[test]
    fn the_first_trade_cancels_the_others_once() {
        let mut groups = OcoGroups::default();
        for key in [1, 2, 3] {
            groups.join(group("g"), key);
        }
        groups.join(ClientOrderId::EMPTY, 9);
        assert_eq!(groups.traded(&group("g"), 2), [1, 3]);
        assert!(groups.traded(&group("g"), 2).is_empty(), "a second partial fill");
        assert!(groups.traded(&group("g"), 1).is_empty(), "already named for cancelling");
        groups.leave(&group("g"), 2);
        assert!(groups.members(&group("g")).is_empty());
        assert!(groups.traded(&ClientOrderId::EMPTY, 9).is_empty());
    }

    fn act(bracket: &mut Bracket<u64>, book: &mut BTreeMap<u64, Quantity>, next: &mut u64, held: i64) -> usize {
        let actions = bracket.follow(SignedQuantity::from_raw(held));
        let count = actions.len();
        for action in actions {
            match action {
                LegAction::Place { leg, side, quantity, price } => {
                    *next += 1;
                    book.insert(*next, quantity);
                    bracket.placed(leg, *next, side, price, quantity);
                }
                LegAction::Resize { key, quantity, .. } => {
                    assert!(book.insert(key, quantity).is_some(), "resized an order that is not working");
                }
                LegAction::Cancel { key, .. } => {
                    assert!(book.remove(&key).is_some(), "cancelled twice");
                }
            }
        }
        count
    }

    proptest! {
        /// Whatever the position does, each leg with a level is one order of its size, and a second look changes nothing.
        #[test]
        fn legs_are_as_large_as_the_position(
            steps in prop::collection::vec((0_u8..4, -50_i64..50, any::<bool>(), any::<bool>()), 1..60),
        ) {
            let mut book: BTreeMap<u64, Quantity> = BTreeMap::new();
            let (mut bracket, mut next, mut held) = (Bracket::default(), 0, 0_i64);
            for (kind, change, stop, target) in steps {
                let leg = if stop { Leg::StopLoss } else { Leg::TakeProfit };
                match (kind, bracket.order(leg)) {
                    (0, Some(key)) => {
                        let part = change.abs().min(held.abs());
                        let quantity = Quantity::from_raw(part);
                        held -= part * held.signum();
                        let left = book.get(&key).map_or(0, |left| left.raw()) - part;
                        if left > 0 { book.insert(key, Quantity::from_raw(left)); } else { book.remove(&key); }
                        bracket.filled(key, quantity);
                    }
                    _ => {
                        held += change;
                        bracket.set(stop.then_some(Price::from_raw(90)), target.then_some(Price::from_raw(110)));
                    }
                }
                act(&mut bracket, &mut book, &mut next, held);
                prop_assert_eq!(act(&mut bracket, &mut book, &mut next, held), 0, "a second look");
                let (stop, target) = bracket.levels();
                prop_assert_eq!(book.len(), usize::from(stop.is_some()) + usize::from(target.is_some()));
                prop_assert!(book.values().all(|left| left.raw() == held.abs()));
                prop_assert!(held != 0 || book.is_empty());
            }
        }
    }
}
