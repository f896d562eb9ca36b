//! The bounded queue: the wake-up protocol under every schedule of a seeded scheduler, its policies, and real threads.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod stream_support;

use std::collections::VecDeque;
use std::thread;
use std::time::Duration;

use deepalpha_engine::stream::output::Overflow;
use deepalpha_engine::stream::ring::{Push, Ring, Wake, channel};
use proptest::prelude::*;
use stream_support::Random;

/// What a model thread is about to do. Each variant is one critical section or one wait, as in `channel`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Producer: put the next item in and signal. Consumer: look and take, or fall asleep.
    Work,
    /// Waits on its condition.
    Asleep,
    Done,
}

/// The protocol of `channel`, a step a critical section, with spurious wake-ups: as small as it gets without threads.
struct Model {
    ring: Ring<u32>,
    consumer: Wake,
    producer: Wake,
    next: u32,
    last: u32,
    got: Vec<u32>,
    places: [At; 2],
    signals: u32,
    /// Break the protocol: the producer signals only when it thinks the queue was empty, and forgets sleepers.
    broken: bool,
}

impl Model {
    fn new(capacity: usize, last: u32, broken: bool) -> Self {
        let ring = Ring::new(capacity, Overflow::Block);
        let (consumer, producer) = (Wake::default(), Wake::default());
        Self { ring, consumer, producer, next: 0, last, got: vec![], places: [At::Work; 2], signals: 0, broken }
    }

    fn produce(&mut self) {
        if self.next == self.last {
            self.places[0] = At::Done;
            self.wake_consumer();
            return;
        }
        match self.ring.push(self.next) {
            Push::Full(_) => {
                self.wake_consumer();
                self.producer.sleeps();
                self.places[0] = At::Asleep;
            }
            _ => {
                self.next += 1;
                self.wake_consumer();
            }
        }
    }

    fn wake_consumer(&mut self) {
        if self.consumer.rings() && !(self.broken && self.next % 7 == 3) {
            self.signals += 1;
            if self.places[1] == At::Asleep {
                self.places[1] = At::Work;
            }
        }
    }

    fn consume(&mut self) {
        self.consumer.wakes();
        if self.ring.is_empty() {
            if self.places[0] == At::Done {
                self.places[1] = At::Done;
            } else {
                self.consumer.sleeps();
                self.places[1] = At::Asleep;
            }
            return;
        }
        self.ring.pop_into(&mut self.got, 3);
        if self.producer.rings() && self.places[0] == At::Asleep {
            self.places[0] = At::Work;
        }
    }

    /// Run under a schedule; whether everything came.
    fn run(&mut self, random: &mut Random) -> bool {
        for _ in 0..100_000 {
            let ready: Vec<usize> = (0..2).filter(|who| self.places[*who] == At::Work).collect();
            match ready.as_slice() {
                [] => break,
                _ if random.chance(3) => {
                    // A wake-up nobody asked for.
                    let who = random.below(2) as usize;
                    if self.places[who] == At::Asleep {
                        self.places[who] = At::Work;
                        if who == 0 {
                            self.producer.wakes();
                        }
                    }
                }
                ready => match ready[random.below(ready.len() as u64) as usize] {
                    0 => self.produce(),
                    _ => self.consume(),
                },
            }
        }
        self.places == [At::Done; 2] && self.got == (0..self.last).collect::<Vec<_>>()
    }
}

#[test]
fn no_schedule_of_ten_thousand_loses_a_wake_up_and_signals_are_at_most_the_sleeps() {
    for seed in 0..10_000 {
        let mut model = Model::new(1 + seed as usize % 5, 40, false);
        assert!(model.run(&mut Random(seed)), "seed {seed}: {:?} {:?}", model.places, model.got);
        assert!(model.signals <= model.last + 1);
    }
}

#[test]
fn the_model_finds_a_protocol_that_forgets_a_sleeper() {
    assert!((0..1_000).any(|seed| !Model::new(4, 40, true).run(&mut Random(seed))));
}

#[test]
fn a_thread_gets_everything_in_order_and_is_woken_less_often_than_there_are_items() {
    for capacity in [1, 2, 64, 4_096] {
        let (producer, consumer) = channel::<u64>(capacity, Overflow::Block);
        let feed = thread::spawn(move || {
            let mut batch = Vec::new();
            for item in 0..50_000 {
                batch.push(item);
                if batch.len() == 100 {
                    assert!(producer.push_all(&mut batch));
                }
            }
            producer.push_all(&mut batch);
        });
        let mut got = Vec::new();
        while consumer.pop_into(&mut got, 256, Duration::from_secs(30)) {}
        feed.join().unwrap();
        assert!(got.iter().copied().eq(0..50_000));
        let counters = consumer.counters();
        assert_eq!((counters.pushed, counters.popped, counters.dropped, counters.refused), (50_000, 50_000, 0, 0));
        assert!(counters.most <= capacity && counters.woken <= counters.popped);
    }
}

#[test]
fn an_end_that_goes_away_ends_the_other_and_hands_back_what_was_not_taken() {
    let (producer, consumer) = channel::<u32>(2, Overflow::Block);
    producer.push_all(&mut vec![1, 2]);
    drop(producer);
    let mut got = Vec::new();
    assert!(consumer.pop_into(&mut got, 10, Duration::from_secs(30)));
    assert!(!consumer.pop_into(&mut got, 10, Duration::from_secs(30)));
    assert_eq!(got, [1, 2]);
    let (producer, consumer) = channel::<u32>(2, Overflow::Block);
    let blocked = thread::spawn(move || {
        let mut items = vec![1, 2, 3, 4];
        let all = producer.push_all(&mut items);
        (all, items)
    });
    let mut got = Vec::new();
    while got.is_empty() {
        consumer.pop_into(&mut got, 1, Duration::from_secs(30));
    }
    drop(consumer);
    let (all, rest) = blocked.join().unwrap();
    assert!(!all && (rest == [3, 4] || rest == [4]), "{rest:?}");
}

#[test]
fn a_consumer_that_waits_for_nothing_comes_back_after_its_time() {
    let (producer, consumer) = channel::<u32>(2, Overflow::Block);
    let mut got = Vec::new();
    assert!(consumer.pop_into(&mut got, 10, Duration::from_millis(5)));
    assert!(got.is_empty());
    drop(producer);
}

proptest! {
    #[test]
    fn a_ring_is_a_bounded_list_with_exact_counts(
        capacity in 1..6_usize, script in prop::collection::vec((0..4_usize, any::<bool>()), 1..80),
        overflow in prop::sample::select(vec![Overflow::Block, Overflow::DropOldest, Overflow::Refuse])
    ) {
        let mut ring = Ring::new(capacity, overflow);
        let (mut list, mut got, mut expected) = (VecDeque::new(), Vec::new(), Vec::new());
        for (item, (count, push)) in script.into_iter().enumerate() {
            if push {
                let full = list.len() == capacity;
                let answer = ring.push(item);
                match (full, overflow) {
                    (false, _) => {
                        prop_assert_eq!(answer, Push::Queued { first: list.is_empty() });
                        list.push_back(item);
                    }
                    (true, Overflow::Block) => prop_assert_eq!(answer, Push::Full(item)),
                    (true, Overflow::Refuse) => prop_assert_eq!(answer, Push::Lost(item)),
                    (true, Overflow::DropOldest) => {
                        prop_assert_eq!(Some(answer), list.pop_front().map(Push::Lost));
                        list.push_back(item);
                    }
                }
            } else {
                ring.pop_into(&mut got, count);
                expected.extend(list.drain(..count.min(list.len())));
            }
            prop_assert_eq!(&got, &expected);
            let counters = ring.counters();
            prop_assert_eq!(counters.pushed, counters.popped + counters.dropped + counters.refused + ring.len() as u64);
        }
    }
}
