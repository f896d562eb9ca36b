//! The trigger book against a naive one that looks at every order on every price.
#![expect(clippy::panic, reason = "tests may stop at a wrong shape")]

use std::collections::BTreeMap;

use deepalpha_engine::matching::{Fired, TriggerBook, wakes_rising};
use deepalpha_engine::orders::{OrderType, TrailOffset};
use deepalpha_engine::types::{Price, Ratio, SCALE, Side};
use proptest::prelude::*;

const TICK: i64 = 5;

fn price(raw: i64) -> Price {
    Price::from_raw(raw)
}

/// The rule as it is written in the module's head, in the plainest form.
#[derive(Clone, Copy, Debug)]
struct Naive {
    side: Side,
    order_type: OrderType,
    best: i64,
}

impl Naive {
    fn level(&self) -> i64 {
        let OrderType::TrailingStop(offset) = self.order_type else {
            return self.order_type.trigger().map_or(0, Price::raw);
        };
        let scale = i128::from(SCALE);
        let away = match offset {
            TrailOffset::Price(distance) => i128::from(distance.raw()) * scale,
            TrailOffset::Percent(share) => i128::from(self.best) * i128::from(share.raw()),
            TrailOffset::Atr { multiple, range } => i128::from(multiple.raw() / SCALE * range.raw()) * scale,
        };
        let (best, step) = (i128::from(self.best) * scale, i128::from(TICK) * scale);
        let ticks =
            if self.side.is_buy() { -((-(best + away)).div_euclid(step)) } else { (best - away).div_euclid(step) };
        i64::try_from(ticks).unwrap_or_default().max(0) * TICK
    }

    fn rising(&self) -> bool {
        wakes_rising(&self.order_type, self.side).unwrap_or_else(|| panic!("{self:?} never sleeps"))
    }
}

fn naive_reach(book: &mut BTreeMap<u64, Naive>, low: i64, high: i64) -> Vec<Fired> {
    let mut found: Vec<Fired> = book
        .iter()
        .filter(|(_, order)| if order.rising() { order.level() <= high } else { order.level() >= low })
        .map(|(key, order)| Fired { key: *key, level: price(order.level()), rising: order.rising() })
        .collect();
    found.sort_by_key(|found| {
        let level = found.level.raw();
        (!found.rising, if found.rising { level } else { -level }, found.key)
    });
    for gone in &found {
        book.remove(&gone.key);
    }
    found
}

#[derive(Clone, Debug)]
enum Act {
    Insert(u64, Side, OrderType),
    Remove(u64),
    Update(i64),
    Bar(i64, i64),
}

fn acts() -> impl Strategy<Value = Act> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let level = (100_i64..300).prop_map(|ticks| price(ticks * TICK));
    let order_type = prop_oneof![
        level.clone().prop_map(OrderType::Stop),
        level.clone().prop_map(|trigger| OrderType::StopLimit { trigger, limit: trigger }),
        level.prop_map(OrderType::TakeProfit),
        (1_i64..200).prop_map(|away| OrderType::TrailingStop(TrailOffset::Price(price(away)))),
        (1_i64..50).prop_map(|away| OrderType::TrailingStop(TrailOffset::Percent(Ratio::from_raw(away * 1_000_003)))),
        ((1_i64..4), (1_i64..60)).prop_map(|(multiple, range)| {
            OrderType::TrailingStop(TrailOffset::Atr {
                multiple: Ratio::from_raw(multiple * SCALE),
                range: price(range),
            })
        }),
    ];
    prop_oneof![
        4 => (0_u64..40, side, order_type).prop_map(|(key, side, order_type)| Act::Insert(key, side, order_type)),
        1 => (0_u64..40).prop_map(Act::Remove),
        5 => (500_i64..1500).prop_map(Act::Update),
        1 => (500_i64..1500, 0_i64..100).prop_map(|(low, wide)| Act::Bar(low, low + wide)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Same levels and same firing, in the same order, as looking at every order; trailing levels never turn back.
    #[test]
    fn fires_what_a_naive_book_fires_in_the_documented_order(
        flow in prop::collection::vec(acts(), 1..120), start in 500_i64..1500,
    ) {
        let mut book = TriggerBook::new(price(TICK));
        let mut naive: BTreeMap<u64, Naive> = BTreeMap::new();
        let mut last = start;
        for act in flow {
            let before: BTreeMap<u64, i64> =
                book.trailing().filter_map(|key| Some((key, book.level(key)?.raw()))).collect();
            let mut fired = Vec::new();
            let expected = match act {
                Act::Insert(key, side, order_type) => {
                    prop_assert!(book.insert(key, &order_type, side, price(last)).is_ok());
                    naive.insert(key, Naive { side, order_type, best: last });
                    Vec::new()
                }
                Act::Remove(key) => {
                    prop_assert_eq!(book.remove(key), naive.remove(&key).is_some());
                    Vec::new()
                }
                Act::Update(traded) => {
                    book.update(price(traded), &mut fired);
                    last = traded;
                    for order in naive.values_mut() {
                        order.best = if order.side.is_buy() { order.best.min(traded) } else { order.best.max(traded) };
                    }
                    naive_reach(&mut naive, traded, traded)
                }
                Act::Bar(low, high) => {
                    book.reach(price(low), price(high), &mut fired);
                    let expected = naive_reach(&mut naive, low, high);
                    book.follow(price(low), price(high));
                    for order in naive.values_mut() {
                        order.best = if order.side.is_buy() { order.best.min(low) } else { order.best.max(high) };
                    }
                    expected
                }
            };
            prop_assert_eq!(&fired, &expected);
            prop_assert_eq!(book.len(), naive.len());
            for (key, order) in &naive {
                prop_assert_eq!(book.level(*key).map(Price::raw), Some(order.level()), "{:?}", order);
                let Some(state) = book.trail_state(*key) else { continue };
                prop_assert_eq!(state.best.raw(), order.best);
                prop_assert_eq!(state.level.raw() % TICK, 0);
                if let (Act::Update(_) | Act::Bar(..), Some(before)) = (&act, before.get(key)) {
                    let turned = if order.side.is_buy() { state.level.raw() > *before } else { state.level.raw() < *before };
                    prop_assert!(!turned, "the level of {:?} turned back from {}", order, before);
                }
            }
        }
    }
}

#[test]
fn a_trailing_sell_follows_up_and_never_down() {
    let mut book = TriggerBook::new(price(TICK));
    let trail = OrderType::TrailingStop(TrailOffset::Price(price(52)));
    assert!(book.insert(1, &trail, Side::Sell, price(1000)).is_ok());
    let mut fired = Vec::new();
    let mut levels = Vec::new();
    for traded in [1000, 1100, 1060, 1050] {
        book.update(price(traded), &mut fired);
        levels.push(book.level(1).map(Price::raw));
    }
    assert_eq!(levels, [Some(945), Some(1045), Some(1045), Some(1045)], "rounded away from the market");
    book.update(price(1040), &mut fired);
    assert_eq!(fired, [Fired { key: 1, level: price(1045), rising: false }]);
    assert!(book.is_empty());
}

#[test]
fn hostile_offsets_are_refused_and_change_nothing() {
    let mut book = TriggerBook::new(price(TICK));
    let wide = OrderType::TrailingStop(TrailOffset::Price(price(i64::MAX)));
    assert!(book.insert(1, &wide, Side::Buy, price(1000)).is_err(), "overflow");
    let atr = TrailOffset::Atr { multiple: Ratio::from_raw(i64::MAX), range: price(i64::MAX) };
    assert!(book.insert(1, &OrderType::TrailingStop(atr), Side::Sell, price(1000)).is_err());
    let none = OrderType::TrailingStop(TrailOffset::Percent(Ratio::ZERO));
    assert!(book.insert(1, &none, Side::Sell, price(1000)).is_err());
    assert!(book.is_empty());
    assert!(book.insert(1, &wide, Side::Sell, price(1000)).is_ok(), "farther than the price: it never fires");
    let mut fired = Vec::new();
    book.update(price(1), &mut fired);
    assert!(fired.is_empty());
}

#[test]
fn a_trailing_stop_says_what_is_not_positive_and_which_side_a_market_moved() {
    let tick = Price::from_raw(1_000_000);
    let best = Price::from_raw(100 * SCALE);
    let trailing = |raw| OrderType::TrailingStop(TrailOffset::Price(Price::from_raw(raw)));
    let mut book = TriggerBook::new(tick);
    let refused = book.insert(1, &trailing(-5), Side::Sell, best).map_err(|error| error.to_string());
    assert_eq!(refused, Err("trailing offset -0.00000005 must be greater than 0".to_owned()));
    let refused = book.insert(1, &trailing(SCALE), Side::Sell, Price::from_raw(-7)).map_err(|error| error.to_string());
    assert_eq!(refused, Err("trailing offset -0.00000007 must be greater than 0".to_owned()));
    for (key, side) in [(1, Side::Sell), (2, Side::Buy)] {
        assert!(book.insert(key, &trailing(SCALE), side, best).is_ok());
        // A sell follows the highs, a buy the lows: one that moved is enough, and none is not.
        let (low, high) = if side.is_buy() { (99, 100) } else { (100, 101) };
        assert!(!book.follow(best, best));
        assert!(book.follow(Price::from_raw(low * SCALE), Price::from_raw(high * SCALE)));
        assert!(book.remove(key));
    }
}
