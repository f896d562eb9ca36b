//! The naive book: a vector of orders, linear scans, no shared code with the real one.

use deepalpha_engine::book::{NewOrder, SelfTrade, TimeInForce};
use deepalpha_engine::types::Side;

#[derive(Clone, Copy, Debug)]
struct Order {
    key: u64,
    owner: u32,
    buy: bool,
    price: i128,
    leaves: i64,
    shown: i64,
    display: i64,
    post_only: bool,
    mode: SelfTrade,
    /// Higher came (back) later.
    arrival: u64,
}

/// Resting orders in no order at all.
#[derive(Clone, Default)]
pub(crate) struct Naive {
    orders: Vec<Order>,
    arrivals: u64,
    /// Maker, taker, price, quantity, what the maker has left.
    pub(crate) trades: Vec<(u64, u64, i64, i64, i64)>,
    /// Key, quantity taken away, what is left.
    pub(crate) prevented: Vec<(u64, i64, i64)>,
}

impl Naive {
    /// Executed, resting, expired, prevented; none when refused.
    pub(crate) fn submit(&mut self, new: &NewOrder) -> Option<[i64; 4]> {
        let rests = new.price.is_some() && new.time_in_force == TimeInForce::Rest;
        let display = new.display.map_or(i64::MAX, |lots| lots.0);
        let bad = new.quantity.0 < 1 || display < 1 || self.orders.iter().any(|it| it.key == new.key);
        if bad || (!rests && (new.display.is_some() || new.post_only)) {
            return None;
        }
        let buy = new.side == Side::Buy;
        let price = new.price.map_or(if buy { i128::MAX } else { i128::MIN }, |ticks| i128::from(ticks.0));
        let mut order = Order {
            key: new.key,
            owner: new.owner,
            buy,
            price,
            leaves: new.quantity.0,
            shown: 0,
            display,
            post_only: new.post_only,
            mode: new.self_trade,
            arrival: 0,
        };
        if order.post_only && self.first_match(&order).is_some() {
            return None;
        }
        if new.time_in_force == TimeInForce::FillOrKill {
            // The plainest definition there is: try it on a copy.
            let mut copy = self.clone();
            let [executed, _] = copy.take(&mut order.clone());
            if executed < new.quantity.0 {
                return Some([0, 0, new.quantity.0, 0]);
            }
        }
        let [executed, prevented] = self.take(&mut order);
        if !rests {
            return Some([executed, 0, order.leaves, prevented]);
        }
        self.rest(order);
        Some([executed, order.leaves, 0, prevented])
    }

    pub(crate) fn cancel(&mut self, key: u64) -> Option<i64> {
        let at = self.orders.iter().position(|it| it.key == key)?;
        Some(self.orders.remove(at).leaves)
    }

    pub(crate) fn amend(&mut self, key: u64, price: i64, quantity: i64) -> Option<[i64; 4]> {
        let at = self.orders.iter().position(|it| it.key == key)?;
        if quantity < 1 {
            return None;
        }
        let mut order = self.orders[at];
        if order.price == i128::from(price) && quantity <= order.leaves {
            self.orders[at].leaves = quantity;
            self.orders[at].shown = order.shown.min(quantity);
            return Some([0, quantity, 0, 0]);
        }
        (order.price, order.leaves) = (i128::from(price), quantity);
        if order.post_only && self.first_match(&order).is_some() {
            return None;
        }
        self.orders.remove(at);
        let [executed, prevented] = self.take(&mut order);
        self.rest(order);
        Some([executed, order.leaves, 0, prevented])
    }

    /// Key, price, leaves, shown: bids, then asks, best first, then by arrival.
    pub(crate) fn in_priority(&self) -> Vec<(u64, i64, i64, i64)> {
        let mut sorted = self.orders.clone();
        sorted.sort_by_key(|it| (!it.buy, if it.buy { -it.price } else { it.price }, it.arrival));
        sorted.iter().map(|it| (it.key, i64::try_from(it.price).unwrap(), it.leaves, it.shown)).collect()
    }

    fn rest(&mut self, mut order: Order) {
        if order.leaves > 0 {
            self.arrivals += 1;
            order.arrival = self.arrivals;
            order.shown = order.leaves.min(order.display);
            self.orders.push(order);
        }
    }

    /// The resting order that comes first among those the order would trade with.
    fn first_match(&self, order: &Order) -> Option<usize> {
        let crosses = |it: &Order| if order.buy { it.price <= order.price } else { it.price >= order.price };
        let candidates = self.orders.iter().enumerate().filter(|(_, it)| it.buy != order.buy && crosses(it));
        candidates.min_by_key(|(_, it)| (if it.buy { -it.price } else { it.price }, it.arrival)).map(|(at, _)| at)
    }

    fn take(&mut self, order: &mut Order) -> [i64; 2] {
        let (mut executed, mut prevented) = (0, 0);
        while let Some(at) = (order.leaves > 0).then(|| self.first_match(order)).flatten() {
            let maker = self.orders[at];
            if maker.owner == order.owner {
                let smaller = maker.leaves.min(order.leaves);
                let (resting, incoming) = match order.mode {
                    SelfTrade::CancelNewest => (0, order.leaves),
                    SelfTrade::CancelOldest => (maker.leaves, 0),
                    SelfTrade::CancelBoth => (maker.leaves, order.leaves),
                    SelfTrade::Decrement => (smaller, smaller),
                };
                order.leaves -= incoming;
                prevented += incoming;
                let left = maker.leaves - resting;
                self.orders[at].leaves = left;
                self.orders[at].shown = maker.shown.min(left);
                self.prevented.extend((resting > 0).then_some((maker.key, resting, left)));
                self.prevented.extend((incoming > 0).then_some((order.key, incoming, order.leaves)));
            } else {
                let lots = order.leaves.min(maker.shown);
                order.leaves -= lots;
                executed += lots;
                self.orders[at].leaves -= lots;
                self.orders[at].shown -= lots;
                let price = i64::try_from(maker.price).unwrap();
                self.trades.push((maker.key, order.key, price, lots, maker.leaves - lots));
                if self.orders[at].shown == 0 {
                    let refilled = self.orders.remove(at);
                    self.rest(refilled);
                }
            }
            self.orders.retain(|it| it.leaves > 0);
        }
        [executed, prevented]
    }
}
