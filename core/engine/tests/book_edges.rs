//! Edges of the order book, the replica and the queue models: hostile values, both ends of `i64`, references by formula.
#![allow(clippy::panic, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests may stop at a wrong shape")]

use std::collections::BTreeMap;

use deepalpha_engine::book::{
    Book, BookError, Depth, DepthError, LevelChange, Lots, NewOrder, Outcome, QueueModel, QueuePosition, Report,
    SelfTrade, StepError, Ticks, TimeInForce,
};
use deepalpha_engine::types::{Price, Quantity, Side};
use proptest::prelude::*;

fn limit(key: u64, owner: u32, side: Side, price: i64, quantity: i64) -> NewOrder {
    NewOrder::limit(key, owner, side, Ticks(price), Lots(quantity))
}

fn submit(book: &mut Book, order: NewOrder) -> Outcome {
    book.submit(&order, &mut Report::default()).unwrap()
}

#[test]
fn steps_are_exact_or_an_error() {
    let (price, tick) = (Price::parse("123.45").unwrap(), Price::parse("0.05").unwrap());
    assert_eq!(Ticks::from_price(price, tick), Ok(Ticks(2469)));
    assert_eq!(Ticks(2469).to_price(tick), Ok(price));
    assert_eq!(Ticks::from_price(Price::parse("-0.10").unwrap(), tick), Ok(Ticks(-2)));
    assert!(matches!(Ticks::from_price(Price::parse("0.01").unwrap(), tick), Err(StepError::OffStep { .. })));
    for bad in [0, -1, i64::MIN] {
        assert!(matches!(Ticks::from_price(price, Price::from_raw(bad)), Err(StepError::BadStep { .. })));
        assert!(matches!(Lots(1).to_quantity(Quantity::from_raw(bad)), Err(StepError::BadStep { .. })));
    }
    assert!(matches!(Ticks(i64::MAX).to_price(tick), Err(StepError::OutOfRange { .. })));
    assert!(matches!(Lots(i64::MIN).to_quantity(Quantity::from_raw(2)), Err(StepError::OutOfRange { .. })));
    let lot = Quantity::parse("0.001").unwrap();
    assert_eq!(Lots::from_quantity(Quantity::parse("1.5").unwrap(), lot), Ok(Lots(1500)));
}

#[test]
fn a_hostile_order_is_refused_and_changes_nothing() {
    let mut book = Book::new(4);
    submit(&mut book, limit(1, 1, Side::Buy, 100, i64::MAX - 5));
    submit(&mut book, limit(2, 1, Side::Sell, 101, 5));
    let (before, mut report) = (book.state_hash(), Report::default());
    let with = |change: fn(&mut NewOrder)| {
        let mut order = limit(3, 2, Side::Buy, 100, 5);
        change(&mut order);
        order
    };
    let hostile = [
        with(|order| order.quantity = Lots(0)),
        with(|order| order.quantity = Lots(i64::MIN)),
        with(|order| order.display = Some(Lots(0))),
        with(|order| order.display = Some(Lots(i64::MIN))),
        with(|order| (order.quantity, order.display) = (Lots(1_001), Some(Lots(1)))),
        with(|order| (order.display, order.price) = (Some(Lots(1)), None)),
        with(|order| (order.post_only, order.time_in_force) = (true, TimeInForce::ImmediateOrCancel)),
        with(|order| (order.post_only, order.price) = (true, Some(Ticks(i64::MAX)))),
        with(|order| order.key = 1),
        with(|order| order.quantity = Lots(6)),
        with(|order| order.quantity = Lots(i64::MAX)),
    ];
    for order in hostile {
        let refused = book.submit(&order, &mut report);
        assert!(refused.is_err(), "{order:?}");
    }
    for (price, quantity) in [(100, 0), (100, i64::MIN), (101, -1)] {
        assert!(book.amend(1, Ticks(price), Lots(quantity), &mut report).is_err());
    }
    assert_eq!(book.cancel(9, &mut report), Err(BookError::UnknownKey { key: 9 }));
    assert_eq!(book.amend(9, Ticks(1), Lots(1), &mut report), Err(BookError::UnknownKey { key: 9 }));
    submit(&mut book, limit(4, 2, Side::Buy, 99, 6));
    let overflow = book.amend(4, Ticks(100), Lots(6), &mut report);
    assert!(matches!(overflow, Err(BookError::LevelOverflow { .. })));
    book.cancel(4, &mut Report::default()).unwrap();
    assert_eq!(report, Report::default());
    let same_orders = Book::restore(&book.snapshot()).unwrap();
    assert_eq!(same_orders.orders().count(), 2);
    assert_ne!(book.state_hash(), before, "update ids went on");
    // The level's total may reach the bound itself.
    submit(&mut book, limit(5, 2, Side::Buy, 100, 5));
    assert_eq!(book.best_bid().unwrap().quantity, Lots(i64::MAX));
    assert_eq!(book.available(Side::Sell, None), Lots(i64::MAX));
}

#[test]
fn a_snapshot_that_no_book_can_be_in_is_refused() {
    let mut book = Book::new(4);
    submit(&mut book, NewOrder { display: Some(Lots(2)), ..limit(1, 1, Side::Sell, 10, 5) });
    submit(&mut book, limit(2, 1, Side::Buy, 9, 5));
    let good = book.snapshot();
    assert_eq!(Book::restore(&good).unwrap().state_hash(), book.state_hash());
    let spoilt = [1, 2, 3, 4, 5, 6, 7].map(|how| {
        let mut bad = good.clone();
        match how {
            1 => bad.last_trade = u64::MAX,
            2 => bad.last_update = u64::MAX,
            3 => bad.orders[0].price = Ticks(10),
            4 => bad.orders[0].key = 1,
            5 => bad.orders[0].shown = Lots(4),
            6 => bad.orders[1].shown = Lots(3),
            _ => bad.orders[1].leaves = Lots(-5),
        }
        Book::restore(&bad)
    });
    assert!(spoilt.iter().all(Result::is_err));
}

#[test]
fn both_ends_of_i64_are_prices() {
    let mut book = Book::new(4);
    submit(&mut book, limit(1, 1, Side::Buy, i64::MIN, 1));
    submit(&mut book, limit(2, 1, Side::Sell, i64::MAX, 1));
    submit(&mut book, limit(3, 1, Side::Buy, i64::MAX - 1, 1));
    assert_eq!(book.best_bid().unwrap().price, Ticks(i64::MAX - 1));
    assert_eq!(book.depth(Side::Buy, 9).len(), 2);
    assert_eq!(submit(&mut book, limit(4, 2, Side::Sell, i64::MIN, 2)).executed, Lots(2));
    assert_eq!(submit(&mut book, limit(5, 2, Side::Buy, i64::MAX, 1)).executed, Lots(1));
    assert!(book.is_empty());
    assert_eq!(submit(&mut book, NewOrder::market(6, 2, Side::Sell, Lots(3))).expired, Lots(3));
}

#[test]
fn an_iceberg_refills_behind_those_who_came_later() {
    let (mut book, mut report) = (Book::new(4), Report::default());
    submit(&mut book, NewOrder { display: Some(Lots(2)), ..limit(1, 1, Side::Sell, 10, 5) });
    submit(&mut book, limit(2, 1, Side::Sell, 10, 2));
    book.submit(&limit(3, 2, Side::Buy, 10, 6), &mut report).unwrap();
    let trades: Vec<_> = report.trades.iter().map(|it| (it.maker, it.quantity.0, it.maker_leaves.0)).collect();
    assert_eq!(trades, [(1, 2, 3), (2, 2, 0), (1, 2, 1)]);
    assert_eq!(report.changes.len(), 1, "one command, one change a level");
    assert_eq!((book.best_ask().unwrap().quantity, book.available(Side::Buy, None)), (Lots(1), Lots(1)));
}

#[test]
fn fill_or_kill_counts_only_what_it_can_reach_before_its_own_order() {
    for (mode, quantity, filled) in [
        (SelfTrade::CancelNewest, 3, true),
        (SelfTrade::CancelNewest, 4, false),
        (SelfTrade::CancelBoth, 4, false),
        (SelfTrade::Decrement, 4, false),
        (SelfTrade::CancelOldest, 9, true),
        (SelfTrade::CancelOldest, 10, false),
    ] {
        let mut book = Book::new(4);
        // Shows 3 before the taker's own order; its hidden 2 come behind it.
        submit(&mut book, NewOrder { display: Some(Lots(3)), ..limit(1, 1, Side::Sell, 10, 5) });
        submit(&mut book, limit(2, 7, Side::Sell, 10, 50));
        submit(&mut book, limit(3, 1, Side::Sell, 11, 4));
        let kill = NewOrder {
            time_in_force: TimeInForce::FillOrKill,
            self_trade: mode,
            ..limit(4, 7, Side::Buy, 11, quantity)
        };
        assert_eq!(submit(&mut book, kill).executed, Lots(if filled { quantity } else { 0 }), "{mode:?} {quantity}");
    }
}

fn change(update_id: u64, side: Side, price: i64, quantity: i64) -> LevelChange {
    LevelChange { update_id, side, price: Ticks(price), quantity: Lots(quantity), orders: 0 }
}

#[test]
fn a_replica_refuses_old_and_damaged_updates_and_stays_as_it_was() {
    let mut depth = Depth::new();
    depth.snapshot(5, &[(Ticks(9), Lots(1))], &[(Ticks(11), Lots(2))]).unwrap();
    assert_eq!(depth.apply(&change(5, Side::Buy, 9, 0)), Err(DepthError::Stale { update_id: 5, last: 5 }));
    let damaged = depth.update(6, &[(Ticks(9), Lots(0))], &[(Ticks(11), Lots(-1))]);
    assert_eq!(damaged, Err(DepthError::BadQuantity { price: 11, quantity: -1 }));
    assert!(depth.snapshot(9, &[(Ticks(9), Lots(i64::MIN))], &[]).is_err());
    assert_eq!((depth.quantity(Side::Buy, Ticks(9)), depth.last_update()), (Lots(1), 5));
    assert!(!depth.is_crossed());
    depth.update(7, &[(Ticks(11), Lots(3)), (Ticks(8), Lots(0))], &[]).unwrap();
    assert!(depth.is_crossed());
    assert_eq!(depth.level_count(Side::Buy), 2);
}

/// The reference: hftbacktest's documented formula in floating point.
fn advance(front: f64, previous: f64, now: f64, traded: f64, weight: impl Fn(f64) -> f64) -> f64 {
    let gone = previous - now - traded;
    if gone < 0.0 {
        return front.min(now);
    }
    let back = (previous - front).max(0.0);
    let behind = if front + back == 0.0 { 1.0 } else { weight(back) / (weight(back) + weight(front)) };
    let estimate = front - (1.0 - behind) * gone + (back - behind * gone).min(0.0);
    estimate.min(now).max(0.0)
}

/// Per step: traded at the price, cancelled, added.
fn steps() -> impl Strategy<Value = (i64, Vec<(i64, i64, i64)>)> {
    let step = (prop_oneof![3 => Just(0_i64), 1 => 0_i64..40], 0_i64..40, 0_i64..60);
    (0_i64..500, prop::collection::vec(step, 1..60))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_place_in_the_queue_is_the_formulas_and_never_moves_back((ahead, steps) in steps(), exponent in 1_u8..5) {
        let mut level = ahead;
        let models = [QueueModel::RiskAverse, QueueModel::Logarithm, QueueModel::Power(exponent)];
        let mut positions = models.map(|model| QueuePosition::new(model, Lots(i64::MAX), Lots(ahead)).unwrap());
        let (mut logarithm, mut power) = (ahead as f64, ahead as f64);
        let mut expected_averse = ahead;
        let (mut filled, mut traded_all) = ([0_i64; 3], 0_i64);
        for (traded, cancelled, added) in steps {
            let traded = traded.min(level);
            let now = (level - traded - cancelled).max(0) + added;
            let fronts = positions.map(|position| position.front());
            for (position, filled) in positions.iter_mut().zip(&mut filled) {
                if traded > 0 {
                    position.on_trade(Lots(traded)).unwrap();
                }
                let before_change = position.fills();
                position.on_level_change(Lots(level), Lots(now)).unwrap();
                prop_assert_eq!(position.fills(), Lots(0), "only a trade fills");
                *filled += before_change.0;
            }
            traded_all += traded;
            expected_averse = (expected_averse - traded).max(0).min(now);
            prop_assert_eq!(positions[0].front(), Lots(expected_averse));
            let [level_, now_, traded_] = [level as f64, now as f64, traded as f64];
            logarithm = advance((logarithm - traded_).max(0.0), level_, now_, traded_, |x| x.ln_1p());
            power = advance((power - traded_).max(0.0), level_, now_, traded_, |x| x.powi(i32::from(exponent)));
            for (position, reference) in [(&positions[1], logarithm), (&positions[2], power)] {
                // `front` counts a started lot in full.
                let front = position.front().0 as f64;
                prop_assert!(front > reference - 0.01 && front < reference + 1.01, "{front} is not {reference}");
            }
            for (before, after) in fronts.iter().zip(positions.map(|position| position.front())) {
                prop_assert!(after <= *before);
                prop_assert!(after <= positions[0].front(), "no model is later than the risk averse one");
            }
            level = now;
        }
        prop_assert!(filled.iter().all(|lots| *lots <= traded_all));
        prop_assert!(filled[0] <= filled[1].min(filled[2]));
    }

    #[test]
    fn fills_never_exceed_the_order_and_hostile_events_are_refused(
        quantity in 0_i64..20, events in prop::collection::vec((any::<bool>(), any::<i64>(), any::<i64>()), 1..40),
        model in prop::sample::select(vec![QueueModel::RiskAverse, QueueModel::Logarithm, QueueModel::Power(255), QueueModel::Power(0)]),
    ) {
        let mut position = QueuePosition::new(model, Lots(quantity), Lots(i64::MAX)).unwrap();
        let mut filled = 0;
        for (trade, first, second) in events {
            let before = position;
            let result = if trade { position.on_trade(Lots(first)) } else { position.on_level_change(Lots(first), Lots(second)) };
            if first < 0 || (!trade && second < 0) {
                prop_assert!(result.is_err());
                prop_assert_eq!(position, before);
            }
            filled += position.fills().0;
            prop_assert_eq!(filled + position.leaves().0, quantity);
        }
        position.on_trade_through();
        filled += position.fills().0;
        prop_assert_eq!((filled, position.leaves()), (quantity, Lots(0)));
    }

    #[test]
    fn a_walk_takes_the_best_levels_first_and_leaves_them(
        updates in prop::collection::vec((any::<bool>(), prop_oneof![-9_i64..10, any::<i64>()], 0_i64..9), 1..80),
        buy in any::<bool>(), quantity in 0_i64..60, bound in prop_oneof![Just(None), (-9_i64..10).prop_map(Some)],
    ) {
        let (mut depth, mut model) = (Depth::new(), BTreeMap::new());
        for (id, (bid, price, lots)) in updates.iter().enumerate() {
            let side = if *bid { Side::Buy } else { Side::Sell };
            let before = depth.apply(&change(id as u64 + 1, side, *price, *lots)).unwrap();
            prop_assert_eq!(before.0, model.insert((*bid, *price), *lots).unwrap_or(0));
            model.retain(|_, lots| *lots > 0);
        }
        let side = if buy { Side::Buy } else { Side::Sell };
        let mut candidates: Vec<(i64, i64)> = model.iter().filter(|((bid, _), _)| *bid != buy)
            .map(|((_, price), lots)| (*price, *lots)).collect();
        if !buy {
            candidates.reverse();
        }
        let (mut left, mut expected) = (quantity, Vec::new());
        for (price, lots) in candidates {
            let good = bound.is_none_or(|bound| if buy { price <= bound } else { price >= bound });
            if left > 0 && good {
                expected.push((Ticks(price), Lots(lots.min(left))));
                left -= lots.min(left);
            }
        }
        let (before, mut fills) = (depth.depth(side.opposite(), 99), vec![(Ticks(0), Lots(0))]);
        prop_assert_eq!(depth.walk(side, Lots(quantity), bound.map(Ticks), &mut fills), Lots(quantity - left));
        prop_assert_eq!(fills, expected);
        prop_assert_eq!(depth.depth(side.opposite(), 99), before);
        let crossed = model.keys().any(|(bid, price)| *bid && model.keys().any(|(other, ask)| !*other && ask <= price));
        prop_assert_eq!(depth.is_crossed(), crossed);
    }
}
