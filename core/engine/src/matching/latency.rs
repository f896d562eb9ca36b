//! Latency: what is sent now arrives later, by a model and a seed, never by a clock.
//!
//! Orders, cancels and reports each have their own delay. [`DelayQueue`] holds what is on its way and releases it by
//! arrival time, then in the order it was sent: two messages that arrive at one instant never change places, but a
//! message with a shorter delay may overtake. Same seed and same calls, same arrivals. Cost: O(log n) a message.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::types::UtcNanos;

/// A small seeded generator (splitmix64, Steele, Lea and Flood 2014): 64 bits of state, all seeds good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// From a seed, or from an earlier [`Self::state`].
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// What [`Self::new`] needs to go on from here.
    #[must_use]
    pub const fn state(&self) -> u64 {
        self.0
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound` (0 for a bound of 0), by multiplication: the bias is below `bound / 2^64`.
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next_u64()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or_default()
    }
}

/// A delay in nanoseconds; negative ones count as 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delay {
    /// Always this.
    Constant(i64),
    /// Any of `least..=most`, equally likely; `least` when the bounds are the wrong way round.
    Uniform {
        /// Shortest.
        least: i64,
        /// Longest.
        most: i64,
    },
}

impl Delay {
    fn draw(self, random: &mut SplitMix64) -> i64 {
        match self {
            Self::Constant(delay) => delay.max(0),
            Self::Uniform { least, most } => {
                let (least, most) = (least.max(0), most.max(0));
                let span = u64::try_from(most.saturating_sub(least)).unwrap_or_default();
                let extra = random.below(span.saturating_add(1));
                least.saturating_add(i64::try_from(extra).unwrap_or(i64::MAX))
            }
        }
    }
}

/// What is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// A new order, to the venue.
    Order,
    /// A cancel or a change, to the venue.
    Cancel,
    /// A report, from the venue.
    Report,
}

/// The delays of a link and its generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencyModel {
    /// Of new orders.
    pub order: Delay,
    /// Of cancels and changes.
    pub cancel: Delay,
    /// Of reports.
    pub report: Delay,
    random: SplitMix64,
}

impl LatencyModel {
    /// No delay at all.
    pub const NONE: Self = Self::new(Delay::Constant(0), Delay::Constant(0), Delay::Constant(0), 0);

    /// Delays of orders, cancels and reports, and the seed of the uniform ones.
    #[must_use]
    pub const fn new(order: Delay, cancel: Delay, report: Delay, seed: u64) -> Self {
        Self { order, cancel, report, random: SplitMix64::new(seed) }
    }

    /// When a message that is sent now arrives.
    pub fn arrival(&mut self, message: Message, now: UtcNanos) -> UtcNanos {
        let delay = match message {
            Message::Order => self.order,
            Message::Cancel => self.cancel,
            Message::Report => self.report,
        };
        UtcNanos(now.0.saturating_add(delay.draw(&mut self.random)))
    }
}

#[derive(Clone, Debug)]
struct Waiting<T> {
    arrival: UtcNanos,
    sequence: u64,
    content: T,
}

// The order of the queue is arrival, then sequence; the content takes no part in it.
impl<T> PartialEq for Waiting<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.arrival, self.sequence) == (other.arrival, other.sequence)
    }
}

impl<T> Eq for Waiting<T> {}

impl<T> PartialOrd for Waiting<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Waiting<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.arrival, self.sequence).cmp(&(other.arrival, other.sequence))
    }
}

/// What is on its way, released by arrival, then in the order it was sent.
#[derive(Clone, Debug)]
pub struct DelayQueue<T> {
    waiting: BinaryHeap<Reverse<Waiting<T>>>,
    next_sequence: u64,
}

impl<T> Default for DelayQueue<T> {
    fn default() -> Self {
        Self { waiting: BinaryHeap::new(), next_sequence: 0 }
    }
}

impl<T> DelayQueue<T> {
    /// Send something that arrives then.
    pub fn push(&mut self, arrival: UtcNanos, content: T) {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        self.waiting.push(Reverse(Waiting { arrival, sequence, content }));
    }

    /// The next thing that has arrived by `now`, with its arrival.
    pub fn pop(&mut self, now: UtcNanos) -> Option<(UtcNanos, T)> {
        if self.next_arrival()? > now {
            return None;
        }
        self.waiting.pop().map(|Reverse(found)| (found.arrival, found.content))
    }

    /// When the next thing arrives.
    #[must_use]
    pub fn next_arrival(&self) -> Option<UtcNanos> {
        self.waiting.peek().map(|Reverse(found)| found.arrival)
    }

    /// How much is on its way.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing is on its way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn agrees_with_the_published_splitmix64_sequence() {
        // Seed 1234567, from the reference implementation's test vector.
        let mut random = SplitMix64::new(1_234_567);
        let found: Vec<u64> = (0..3).map(|_| random.next_u64()).collect();
        assert_eq!(found, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn each_kind_of_message_has_its_own_delay() {
        let mut model = LatencyModel::new(Delay::Constant(5), Delay::Constant(2), Delay::Constant(-1), 0);
        let now = UtcNanos(100);
        assert_eq!(model.arrival(Message::Order, now), UtcNanos(105));
        assert_eq!(model.arrival(Message::Cancel, now), UtcNanos(102));
        assert_eq!(model.arrival(Message::Report, now), UtcNanos(100), "never before it was sent");
    }

    proptest! {
        /// Everything sent comes out once, sorted by arrival and then by sending, and never early.
        #[test]
        fn releases_by_arrival_then_sequence(seed in any::<u64>(), most in 0_i64..50, sends in 1_usize..200) {
            let delay = Delay::Uniform { least: 3, most };
            let mut model = LatencyModel::new(delay, delay, delay, seed);
            let (mut queue, mut expected) = (DelayQueue::default(), Vec::new());
            for (number, now) in (0..sends).zip(0_i64..) {
                let arrival = model.arrival(Message::Order, UtcNanos(now));
                prop_assert!(arrival.0 >= now + 3 && arrival.0 <= now + most.max(3));
                queue.push(arrival, number);
                expected.push((arrival, number));
            }
            expected.sort();
            let mut found = Vec::new();
            for now in (0..400).map(UtcNanos) {
                while let Some((arrival, number)) = queue.pop(now) {
                    prop_assert_eq!(arrival, now, "released at its arrival");
                    found.push((arrival, number));
                }
            }
            prop_assert_eq!(found, expected);
            prop_assert!(queue.is_empty());
        }

        /// The same seed gives the same arrivals.
        #[test]
        fn the_seed_decides(seed in any::<u64>()) {
            let delay = Delay::Uniform { least: 0, most: 1_000_000 };
            let arrivals = || {
                let mut model = LatencyModel::new(delay, delay, delay, seed);
                (0..50).map(|now| model.arrival(Message::Cancel, UtcNanos(now))).collect::<Vec<_>>()
            };
            prop_assert_eq!(arrivals(), arrivals());
        }
    }

    #[test]
    fn a_uniform_delay_takes_every_value_between_its_ends_and_no_other() {
        for (least, most, all) in [(3, 6, 3..=6), (-2, 1, 0..=1), (5, 5, 5..=5), (9, 4, 9..=9)] {
            let mut random = SplitMix64::new(1);
            let seen: std::collections::BTreeSet<i64> =
                (0..1_000).map(|_| Delay::Uniform { least, most }.draw(&mut random)).collect();
            assert!(seen.iter().copied().eq(all), "{least}..{most}: {seen:?}");
        }
    }
}
