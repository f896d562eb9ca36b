//! Throttle, queue and latency against naive models.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may stop at a wrong shape")]

use deepalpha_engine::desk::{
    Admission, Durability, LatencyByDurability, LatencyHistogram, Operation, Overflow, Priority, PriorityQueue, Rate,
    Throttle, ThrottleLimits, ThrottlePolicy,
};
use deepalpha_engine::types::UtcNanos;
use proptest::prelude::*;

const SECOND: i64 = 1_000_000_000;

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        5 => Just(Operation::Submit),
        2 => Just(Operation::Amend),
        1 => Just(Operation::Reduce),
        2 => Just(Operation::Cancel),
    ]
}

fn rate() -> impl Strategy<Value = Rate> {
    (1_u32..20, 1_u32..20, 1_i64..2_000).prop_map(|(burst, refill, per)| Rate::new(burst, refill, per).unwrap())
}

fn limits(policy: ThrottlePolicy) -> impl Strategy<Value = (ThrottleLimits, u32)> {
    (rate(), rate(), 2_u32..30, 1_u32..20, 1_i64..2_000, any::<prop::sample::Index>()).prop_map(
        move |(orders, amends, burst, refill, per, index)| {
            let total = Rate::new(burst, refill, per).unwrap();
            let reserved = u32::try_from(index.index(burst as usize)).unwrap();
            (ThrottleLimits { orders, amends, total, reserved, policy }, reserved)
        },
    )
}

/// A bucket in exact fractions, told every instant anew: `level` counts units of 1/per token.
struct NaiveBucket {
    burst: i128,
    refill: i128,
    per: i128,
    level: i128,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn cancels_always_pass_and_a_wait_is_exact(
        (limits, _) in limits(ThrottlePolicy::Queue),
        steps in prop::collection::vec((operation(), 0_i64..600), 1..200),
    ) {
        let mut throttle = Throttle::new(limits, UtcNanos(0)).unwrap();
        let mut now = 0;
        for (operation, wait) in steps {
            now += wait;
            let before = throttle.clone();
            match throttle.admit(operation, UtcNanos(now)) {
                Admission::Pass => {}
                Admission::Wait { until } => {
                    prop_assert_ne!(operation, Operation::Cancel);
                    prop_assert!(until.0 > now);
                    let early = before.clone().admit(operation, UtcNanos(until.0 - 1));
                    prop_assert!(early != Admission::Pass, "passes before the time given");
                    prop_assert_eq!(before.clone().admit(operation, until), Admission::Pass);
                }
                Admission::Refuse { .. } => prop_assert!(false, "the policy is to queue"),
            }
        }
    }

    #[test]
    fn no_window_has_more_than_burst_plus_refill(
        (limits, _) in limits(ThrottlePolicy::Refuse),
        numbers in (1_u32..20, 1_u32..20, 1_i64..2_000),
        steps in prop::collection::vec(0_i64..300, 1..200),
    ) {
        let (burst, refill, per) = numbers;
        let limits = ThrottleLimits { orders: Rate::new(burst, refill, per).unwrap(), ..limits };
        let mut throttle = Throttle::new(limits, UtcNanos(0)).unwrap();
        let mut naive = NaiveBucket { burst: burst.into(), refill: refill.into(), per: per.into(), level: 0 };
        naive.level = naive.burst * naive.per;
        let (mut now, mut passed) = (0, Vec::new());
        for wait in steps {
            now += wait;
            naive.level = (naive.level + i128::from(wait) * naive.refill).min(naive.burst * naive.per);
            if throttle.admit(Operation::Submit, UtcNanos(now)) == Admission::Pass {
                prop_assert!(naive.level >= naive.per, "passed without a token of its own");
                naive.level -= naive.per;
                passed.push(now);
            }
        }
        for (index, from) in passed.iter().enumerate() {
            for (count, to) in passed[index..].iter().enumerate() {
                let allowed = i128::from(burst) * i128::from(per) + i128::from(to - from) * i128::from(refill);
                prop_assert!((count as i128 + 1) * i128::from(per) <= allowed);
            }
        }
    }

    #[test]
    fn a_queue_loses_nothing_and_keeps_its_order(
        capacity in 1_usize..12,
        displaces in any::<bool>(),
        steps in prop::collection::vec(prop::option::weighted(0.6, 0_u8..3), 1..200),
    ) {
        let overflow = if displaces { Overflow::DisplaceLeastUrgent } else { Overflow::RefuseNewest };
        let mut queue = PriorityQueue::new(capacity, overflow);
        let mut model: Vec<(Priority, usize)> = Vec::new();
        for (number, step) in steps.into_iter().enumerate() {
            let Some(class) = step else {
                let next = model.iter().min().copied();
                model.retain(|item| Some(*item) != next);
                prop_assert_eq!(queue.pop(), next);
                continue;
            };
            let priority = [Priority::Cancel, Priority::Reducing, Priority::Normal][usize::from(class)];
            let item = (priority, number);
            let worst = model.iter().max().copied();
            match queue.push(priority, item) {
                Ok(None) => prop_assert!(model.len() < capacity),
                Ok(Some(displaced)) => {
                    prop_assert!(displaces && model.len() == capacity && displaced.0 > priority);
                    prop_assert_eq!(Some(displaced), worst, "the newest of the least urgent");
                    model.retain(|waiting| *waiting != displaced);
                }
                Err(full) => {
                    prop_assert_eq!(full.item, item);
                    prop_assert!(model.len() == capacity && (!displaces || worst.unwrap().0 <= priority));
                    continue;
                }
            }
            model.push(item);
        }
        let counts = queue.counts();
        prop_assert_eq!(counts.pushed, counts.popped + counts.displaced + queue.len() as u64);
        prop_assert_eq!(queue.peek().map(|(_, item)| *item), model.iter().min().copied());
    }

    #[test]
    fn percentiles_are_within_a_sixty_fourth_above(
        values in prop::collection::vec(prop_oneof![0_u64..200, 0_u64..100_000, 0_u64..(1 << 43)], 1..300),
        share in 0_u32..=100_000,
        split in any::<prop::sample::Index>(),
    ) {
        let mut whole = LatencyHistogram::default();
        let mut parts = LatencyByDurability::default();
        let middle = split.index(values.len());
        for (index, value) in values.iter().enumerate() {
            whole.record(*value);
            parts.record(if index < middle { Durability::None } else { Durability::Durable }, *value);
        }
        let mut sorted = values.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * share as usize).div_ceil(100_000).max(1);
        let (exact, found) = (sorted[rank - 1], whole.percentile(share));
        prop_assert!(found >= exact && found - exact <= exact / 64, "{found} for {exact}");
        prop_assert_eq!(whole.max(), sorted[sorted.len() - 1]);
        prop_assert_eq!(whole.min(), sorted[0]);
        prop_assert_eq!(u128::from(whole.mean()), values.iter().map(|v| u128::from(*v)).sum::<u128>() / values.len() as u128);
        prop_assert_eq!(parts.together().summary(), whole.summary(), "parts merge to the whole");
    }
}

/// Scenario 14: a burst of ten times the limit.
#[test]
fn of_a_burst_the_first_pass_the_rest_is_refused_or_queued_and_every_cancel_passes() {
    for policy in [ThrottlePolicy::Refuse, ThrottlePolicy::Queue] {
        let limits = ThrottleLimits::per_second(100, policy).unwrap();
        let mut throttle = Throttle::new(limits, UtcNanos(0)).unwrap();
        let (mut passed, mut queue) = (0, PriorityQueue::new(2_000, Overflow::default()));
        for number in 0..1_000 {
            match throttle.admit(Operation::Submit, UtcNanos(0)) {
                Admission::Pass => passed += 1,
                Admission::Wait { until } => {
                    assert_eq!(until, UtcNanos(SECOND / 100));
                    assert!(queue.push(Priority::Normal, number).is_ok());
                }
                Admission::Refuse { bucket, .. } => assert_eq!((bucket, policy), ("orders", ThrottlePolicy::Refuse)),
            }
        }
        assert_eq!(passed, 100);
        for _ in 0..1_000 {
            assert_eq!(throttle.admit(Operation::Cancel, UtcNanos(0)), Admission::Pass);
        }
        let counts = throttle.counts();
        assert_eq!(counts.passed, 1_100);
        assert_eq!(if policy == ThrottlePolicy::Queue { counts.waited } else { counts.refused }, 900);
        assert_eq!(counts.on_credit, 1_000 - 100);
    }
}

#[test]
fn the_reserve_is_for_cancels_and_reducing_orders() {
    let one = Rate::new(1_000, 1, SECOND).unwrap();
    let total = Rate::new(10, 1, SECOND).unwrap();
    let limits = ThrottleLimits { orders: one, amends: one, total, reserved: 4, policy: ThrottlePolicy::Refuse };
    let mut throttle = Throttle::new(limits, UtcNanos(0)).unwrap();
    let passes = |throttle: &mut Throttle, operation, now| {
        (0..20).filter(|_| throttle.admit(operation, UtcNanos(now)) == Admission::Pass).count()
    };
    assert_eq!(passes(&mut throttle, Operation::Submit, 0), 6);
    assert_eq!(passes(&mut throttle, Operation::Amend, 0), 0);
    assert_eq!(passes(&mut throttle, Operation::Reduce, 0), 4);
    assert_eq!(passes(&mut throttle, Operation::Cancel, 0), 20);
    assert_eq!(passes(&mut throttle, Operation::Submit, 24 * SECOND), 0, "the credit of the cancels is paid back");
    assert_eq!(passes(&mut throttle, Operation::Submit, 25 * SECOND), 1);
}

#[test]
fn a_clock_that_steps_back_gives_no_tokens() {
    let mut throttle =
        Throttle::new(ThrottleLimits::per_second(1, ThrottlePolicy::Refuse).unwrap(), UtcNanos(SECOND)).unwrap();
    assert_eq!(throttle.admit(Operation::Submit, UtcNanos(SECOND)), Admission::Pass);
    assert!(matches!(throttle.admit(Operation::Submit, UtcNanos(0)), Admission::Refuse { .. }));
    assert_eq!(throttle.admit(Operation::Submit, UtcNanos(SECOND)), Admission::Pass, "it is followed, not waited for");
    assert!(Rate::new(0, 1, 1).is_err() && Rate::new(1, 0, 1).is_err() && Rate::new(1, 1, 0).is_err());
    assert!(Rate::new(1, 1, i64::MAX).is_err() && Rate::new(u32::MAX, 1, 1).is_err());
    let limits = ThrottleLimits::per_second(10, ThrottlePolicy::Refuse).unwrap();
    assert!(Throttle::new(ThrottleLimits { reserved: 20, ..limits }, UtcNanos(0)).is_err());
}
