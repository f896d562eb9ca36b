//! The channel of `stream::ring` under loom: its own source, compiled here against loom's threads, in every interleaving of
//! its locks, waits and wake-ups. A sleeper nobody wakes is a deadlock, which loom reports.
//!
//! Loom has no time: a consumer here waits without a limit, so an end that came by the limit alone would be a deadlock too.
#![allow(clippy::unwrap_used, clippy::panic, unreachable_pub, dead_code, missing_docs)]

#[path = "../src/stream/ring.rs"]
mod ring;

mod output {
    pub use deepalpha_engine::stream::output::Overflow;
}

mod sync {
    use std::sync::LockResult;
    use std::time::Duration;

    pub use loom::sync::{Arc, Mutex, MutexGuard};
    pub use std::sync::PoisonError;

    /// Loom's condition, with what it lacks.
    pub struct Condvar(loom::sync::Condvar);

    impl Condvar {
        pub fn new() -> Self {
            Self(loom::sync::Condvar::new())
        }

        pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
            self.0.wait(guard)
        }

        pub fn wait_timeout_while<'a, T>(
            &self,
            mut guard: MutexGuard<'a, T>,
            _limit: Duration,
            mut condition: impl FnMut(&mut T) -> bool,
        ) -> LockResult<(MutexGuard<'a, T>, ())> {
            while condition(&mut guard) {
                guard = self.0.wait(guard).unwrap();
            }
            Ok((guard, ()))
        }

        pub fn notify_one(&self) {
            self.0.notify_one();
        }

        pub fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}

use std::time::Duration;

use loom::thread;
use output::Overflow;
use ring::channel;

const FOREVER: Duration = Duration::MAX;

fn every_interleaving(test: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    // More switches than this within one run find no fault that fewer do not (CHESS, Musuvathi & Qadeer 2007), and cost much.
    model.preemption_bound = Some(4);
    model.check(test);
}

#[test]
fn a_producer_that_must_wait_for_room_loses_nothing_and_ends() {
    every_interleaving(|| {
        let (producer, consumer) = channel(1, Overflow::Block);
        let giving = thread::spawn(move || {
            assert!(producer.push_all(&mut vec![1, 2]));
            assert!(producer.push_all(&mut vec![3]));
        });
        let mut got = Vec::new();
        while consumer.pop_into(&mut got, 2, FOREVER) {}
        giving.join().unwrap();
        assert_eq!(got, [1, 2, 3]);
        let counters = consumer.counters();
        assert_eq!((counters.pushed, counters.popped, counters.dropped, counters.refused), (3, 3, 0, 0));
    });
}

#[test]
fn a_consumer_that_goes_away_leaves_every_item_with_somebody() {
    every_interleaving(|| {
        let (producer, consumer) = channel(1, Overflow::Block);
        let taking = thread::spawn(move || {
            let mut got = Vec::new();
            consumer.pop_into(&mut got, 1, FOREVER);
            got
        });
        let mut left = vec![1, 2, 3];
        let whole = producer.push_all(&mut left);
        let counters = producer.counters();
        let got = taking.join().unwrap();
        assert!(!whole, "the third item has no room: only an end lets the producer go on");
        assert_eq!(got, [1]);
        let waiting: Vec<i32> = (1..).take(counters.pushed as usize).collect();
        assert_eq!([waiting, left].concat(), [1, 2, 3], "what was not accepted is handed back, in order");
    });
}

#[test]
fn what_is_dropped_or_refused_is_counted_and_the_rest_is_in_order() {
    for (overflow, capacity) in [(Overflow::DropOldest, 2), (Overflow::Refuse, 2)] {
        every_interleaving(move || {
            let (producer, consumer) = channel(capacity, overflow);
            let giving = thread::spawn(move || {
                for batch in [vec![1, 2], vec![3, 4]] {
                    assert!(producer.push_all(&mut batch.clone()));
                }
            });
            let mut got = Vec::new();
            while consumer.pop_into(&mut got, 8, FOREVER) {}
            giving.join().unwrap();
            let counters = consumer.counters();
            assert!(got.is_sorted() && !got.is_empty());
            assert_eq!(counters.pushed, 4);
            assert_eq!(counters.popped, got.len() as u64);
            assert_eq!(counters.popped + counters.dropped + counters.refused, 4);
        });
    }
}
