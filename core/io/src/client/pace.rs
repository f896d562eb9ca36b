//! When to try again and how fast to send: pure arithmetic on durations, no clock.

use std::time::Duration;

/// A capped exponential backoff with full jitter: before attempt n, uniformly between zero and
/// `min(cap, base * 2^n)` (M. Brooker, "Exponential Backoff And Jitter", 2015).
///
/// The same seed gives the same delays.
#[derive(Clone, Debug)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    failures: u32,
    random: Spread,
}

impl Backoff {
    /// No failure yet.
    #[must_use]
    pub fn new(base: Duration, cap: Duration, seed: u64) -> Self {
        Self { base, cap, failures: 0, random: Spread::new(seed) }
    }

    /// The connection was good for long enough: the next failure is the first one again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// The largest delay that the next failure can get.
    #[must_use]
    pub fn bound(&self) -> Duration {
        self.base.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX)).min(self.cap)
    }

    /// Counts a failure and says how long to wait.
    pub fn next_delay(&mut self) -> Duration {
        let bound = self.bound();
        self.failures = self.failures.saturating_add(1).min(31);
        self.random.up_to(bound)
    }
}

/// Random durations; the same seed gives the same ones.
#[derive(Clone, Debug)]
pub struct Spread(SplitMix);

impl Spread {
    /// From a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(SplitMix(seed))
    }

    /// Uniformly between zero and `bound`, both included.
    pub fn up_to(&mut self, bound: Duration) -> Duration {
        let nanos = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.0.below(nanos.saturating_add(1)))
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): enough to spread clients, not for keys.
#[derive(Clone, Debug)]
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Uniform in `0..bound` up to 2^-64 of a bias.
    fn below(&mut self, bound: u64) -> u64 {
        // The product of two 64-bit numbers fits 128 bits, and its upper half 64.
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }
}

/// The generic cell rate algorithm (ITU-T I.371): at most `rate` messages a second after a burst of `burst`.
///
/// Times are durations since any fixed moment.
#[derive(Clone, Copy, Debug)]
pub struct Pacer {
    interval: Duration,
    tolerance: Duration,
    expected: Duration,
}

impl Pacer {
    /// `rate` and `burst` of zero count as one.
    #[must_use]
    pub fn new(rate: u32, burst: u32) -> Self {
        let interval = Duration::from_secs(1) / rate.max(1);
        Self { interval, tolerance: interval * (burst.max(1) - 1), expected: Duration::ZERO }
    }

    /// When the next message may go, at `now` or later; the pacer counts it as sent then.
    pub fn reserve(&mut self, now: Duration) -> Duration {
        let at = now.max(self.expected.saturating_sub(self.tolerance));
        self.expected = self.expected.max(at) + self.interval;
        at
    }
}
