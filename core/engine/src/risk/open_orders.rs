//! The orders that work, as the gate counts them: what each holds back.
//!
//! The order that was opened last stands by itself: one that is done at once, as a market order is, comes and goes
//! without a look into the map. Invariant: an id is known once, there or here. O(1).

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::types::quick::QuickBuild;
use crate::types::{ClientOrderId, Money, Price, Quantity, Side, StrategyId};

/// What an order holds back.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenOrder {
    pub(super) row: usize,
    pub(super) strategy: StrategyId,
    pub(super) side: Side,
    pub(super) price: Price,
    pub(super) remaining: Quantity,
    pub(super) value: Money,
    pub(super) adds: bool,
    /// Whether it is among the resting limit orders of its row.
    pub(super) rests: bool,
    pub(super) unknown: bool,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenOrders {
    latest: Option<(ClientOrderId, OpenOrder)>,
    others: HashMap<ClientOrderId, OpenOrder, QuickBuild>,
}

impl OpenOrders {
    pub(super) fn len(&self) -> usize {
        self.others.len() + usize::from(self.latest.is_some())
    }

    #[inline]
    pub(super) fn contains(&self, id: &ClientOrderId) -> bool {
        self.get(id).is_some()
    }

    #[inline]
    pub(super) fn get(&self, id: &ClientOrderId) -> Option<&OpenOrder> {
        match &self.latest {
            Some((latest, order)) if latest == id => Some(order),
            _ if self.others.is_empty() => None,
            _ => self.others.get(id),
        }
    }

    #[inline]
    pub(super) fn get_mut(&mut self, id: &ClientOrderId) -> Option<&mut OpenOrder> {
        match &mut self.latest {
            Some((latest, order)) if latest == id => Some(order),
            _ if self.others.is_empty() => None,
            _ => self.others.get_mut(id),
        }
    }

    /// As [`Self::get_mut`], by the text of an id.
    pub(super) fn get_by_text(&mut self, id: &str) -> Option<&mut OpenOrder> {
        match &mut self.latest {
            Some((latest, order)) if latest == id => Some(order),
            _ => self.others.get_mut(id),
        }
    }

    /// Put an order in; one that is known stays as it is.
    #[inline]
    pub(super) fn insert(&mut self, id: ClientOrderId, order: OpenOrder) {
        if self.contains(&id) {
            return;
        }
        if let Some((id, order)) = self.latest.replace((id, order))
            && let Entry::Vacant(place) = self.others.entry(id)
        {
            place.insert(order);
        }
    }

    #[inline]
    pub(super) fn remove(&mut self, id: &ClientOrderId) -> Option<OpenOrder> {
        match &self.latest {
            Some((latest, _)) if latest == id => self.latest.take().map(|(_, order)| order),
            _ if self.others.is_empty() => None,
            _ => self.others.remove(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: OpenOrder = OpenOrder {
        row: 0,
        strategy: StrategyId::EMPTY,
        side: Side::Buy,
        price: Price::ZERO,
        remaining: Quantity::ZERO,
        value: Money::ZERO,
        adds: true,
        rests: false,
        unknown: false,
    };

    #[test]
    fn it_holds_what_a_map_holds_whatever_comes_and_goes() {
        let (mut ours, mut naive, mut seed) = (OpenOrders::default(), HashMap::new(), 5_u64);
        for step in 0..50_000_usize {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let id = ClientOrderId::parse(&format!("O-{}", seed >> 40 & 31)).unwrap_or_default();
            match seed >> 60 {
                0..8 => {
                    ours.insert(id, OpenOrder { row: step, ..NONE });
                    naive.entry(id).or_insert(step);
                }
                8..13 => assert_eq!(ours.remove(&id).map(|order| order.row), naive.remove(&id)),
                13 => assert_eq!(ours.get_by_text(&id).map(|order| order.row), naive.get(&id).copied()),
                _ => assert_eq!(ours.get_mut(&id).map(|order| order.row), naive.get(&id).copied()),
            }
            assert_eq!(ours.get(&id).map(|order| order.row), naive.get(&id).copied());
            assert_eq!((ours.len(), ours.contains(&id)), (naive.len(), naive.contains_key(&id)));
        }
    }
}
