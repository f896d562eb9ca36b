//! How many operations a second may leave: token buckets in integers, time given by the caller.
//!
//! One bucket for orders, one for amends, and one over everything that leaves (what a venue counts). A slice of the
//! last is reserved: ordinary operations stop when only the slice is left, orders that reduce risk may use it up, and a
//! cancel always passes, if need be on credit, which the next ordinary operations pay back.
//!
//! Invariants: in any window of `w` ns at most `burst + refill * w / per` ordinary operations pass (a venue that counts
//! `N` in fixed windows is never exceeded with `burst + refill <= N`); a refused operation costs nothing; time that
//! steps back gives no tokens and takes none. O(1), no allocation.

use thiserror::Error;

use crate::types::UtcNanos;

/// A bucket: `burst` at once, refilled by `refill` every `per` nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    burst: u32,
    refill: u32,
    per: i64,
}

/// A rate that cannot be kept.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ThrottleError {
    /// Zero or beyond reason.
    #[error("{what} {value} is not in 1..={most}")]
    Bound {
        /// Which number.
        what: &'static str,
        /// The value given.
        value: i64,
        /// The largest allowed.
        most: i64,
    },
    /// The slice for cancels is the whole bucket.
    #[error(
        "{reserved} operations reserved for cancels leave none of the {burst} in all; reserve fewer or raise the burst"
    )]
    Reserve {
        /// Tokens reserved.
        reserved: u32,
        /// Tokens in all.
        burst: u32,
    },
}

impl Rate {
    /// The longest refill interval: one day.
    pub const LONGEST: i64 = UtcNanos::DAY;
    const MOST: i64 = 1_000_000_000;

    /// `burst` at once, then `refill` every `per` nanoseconds.
    ///
    /// # Errors
    /// A number that is zero or beyond reason.
    pub fn new(burst: u32, refill: u32, per: i64) -> Result<Self, ThrottleError> {
        let numbers = [
            ("burst", i64::from(burst), Self::MOST),
            ("refill", i64::from(refill), Self::MOST),
            ("interval in nanoseconds", per, Self::LONGEST),
        ];
        for (what, value, most) in numbers {
            if !(1..=most).contains(&value) {
                return Err(ThrottleError::Bound { what, value, most });
            }
        }
        Ok(Self { burst, refill, per })
    }

    /// `count` at once and `count` a second.
    ///
    /// # Errors
    /// A count of zero or beyond reason.
    pub fn per_second(count: u32) -> Result<Self, ThrottleError> {
        Self::new(count, count, 1_000_000_000)
    }
}

/// What wants to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Take an order back. Always passes.
    Cancel,
    /// A new order that can only shrink a position; may use the reserve.
    Reduce,
    /// A new order.
    Submit,
    /// Change an order.
    Amend,
}

impl Operation {
    /// Wire value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Reduce => "reduce",
            Self::Submit => "submit",
            Self::Amend => "amend",
        }
    }
}

/// What happens to an operation that is one too many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThrottlePolicy {
    /// The caller is told no.
    #[default]
    Refuse,
    /// It waits its turn in the [`super::PriorityQueue`].
    Queue,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Go; its token is taken.
    Pass,
    /// Not now: ask again at `until`. Nothing was taken.
    Wait {
        /// The first instant at which this operation alone would pass.
        until: UtcNanos,
    },
    /// No. Nothing was taken.
    Refuse {
        /// Which bucket is empty: `orders`, `amends` or `total`.
        bucket: &'static str,
        /// The first instant at which it would pass.
        until: UtcNanos,
    },
}

/// Bounds of the three buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleLimits {
    /// New orders.
    pub orders: Rate,
    /// Changes of orders.
    pub amends: Rate,
    /// Everything that leaves, cancels included.
    pub total: Rate,
    /// Of the total, what only cancels and reducing orders may use.
    pub reserved: u32,
    /// What happens to one too many.
    pub policy: ThrottlePolicy,
}

impl ThrottleLimits {
    /// `count` orders, `count` amends and `2 * count` operations a second, a fifth of them reserved.
    ///
    /// # Errors
    /// A count of zero or beyond reason.
    pub fn per_second(count: u32, policy: ThrottlePolicy) -> Result<Self, ThrottleError> {
        let (each, total) = (Rate::per_second(count)?, count.saturating_mul(2));
        Ok(Self { orders: each, amends: each, total: Rate::per_second(total)?, reserved: total / 5, policy })
    }
}

/// How often each answer was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThrottleCounts {
    /// Passed, cancels included.
    pub passed: u64,
    /// Cancels that passed on credit.
    pub on_credit: u64,
    /// Told to wait.
    pub waited: u64,
    /// Told no.
    pub refused: u64,
}

/// One bucket. A token is `per` units and a nanosecond brings `refill` units, so nothing is ever rounded.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    rate: Rate,
    level: i128,
}

impl Bucket {
    fn full(rate: Rate) -> Self {
        Self { rate, level: i128::from(rate.burst) * i128::from(rate.per) }
    }

    fn refill(&mut self, elapsed: i64) {
        let most = i128::from(self.rate.burst) * i128::from(self.rate.per);
        self.level = (self.level + i128::from(elapsed) * i128::from(self.rate.refill)).min(most);
    }

    /// Nanoseconds until one token above `kept` is there; 0 when it is.
    fn wait(&self, kept: u32) -> i64 {
        let missing = (i128::from(kept) + 1) * i128::from(self.rate.per) - self.level;
        if missing <= 0 {
            return 0;
        }
        let refill = i128::from(self.rate.refill);
        i64::try_from((missing + refill - 1) / refill).unwrap_or(i64::MAX)
    }

    fn take(&mut self) {
        self.level -= i128::from(self.rate.per);
    }
}

/// The three buckets.
#[derive(Clone, Debug)]
pub struct Throttle {
    orders: Bucket,
    amends: Bucket,
    total: Bucket,
    reserved: u32,
    policy: ThrottlePolicy,
    last: UtcNanos,
    counts: ThrottleCounts,
}

impl Throttle {
    /// Full buckets at `now`.
    ///
    /// # Errors
    /// A reserve that leaves nothing for orders.
    pub fn new(limits: ThrottleLimits, now: UtcNanos) -> Result<Self, ThrottleError> {
        let burst = limits.total.burst;
        if limits.reserved >= burst {
            return Err(ThrottleError::Reserve { reserved: limits.reserved, burst });
        }
        Ok(Self {
            orders: Bucket::full(limits.orders),
            amends: Bucket::full(limits.amends),
            total: Bucket::full(limits.total),
            reserved: limits.reserved,
            policy: limits.policy,
            last: now,
            counts: ThrottleCounts::default(),
        })
    }

    /// May this leave now? `Pass` takes its token.
    pub fn admit(&mut self, operation: Operation, now: UtcNanos) -> Admission {
        let elapsed = now.since(self.last).max(0);
        // A clock that stepped back is followed: tokens come again with its next step forward.
        self.last = now;
        for bucket in [&mut self.orders, &mut self.amends, &mut self.total] {
            bucket.refill(elapsed);
        }
        let (own, kept) = match operation {
            Operation::Cancel => (None, 0),
            Operation::Reduce => (None, 0),
            Operation::Submit => (Some(("orders", &mut self.orders)), self.reserved),
            Operation::Amend => (Some(("amends", &mut self.amends)), self.reserved),
        };
        let shared = self.total.wait(kept);
        let (bucket, wait) = match &own {
            Some((name, bucket)) if bucket.wait(0) > shared => (*name, bucket.wait(0)),
            _ => ("total", shared),
        };
        if wait > 0 && operation != Operation::Cancel {
            let until = UtcNanos(now.0.saturating_add(wait));
            return match self.policy {
                ThrottlePolicy::Queue => {
                    self.counts.waited += 1;
                    Admission::Wait { until }
                }
                ThrottlePolicy::Refuse => {
                    self.counts.refused += 1;
                    Admission::Refuse { bucket, until }
                }
            };
        }
        self.counts.on_credit += u64::from(wait > 0);
        self.counts.passed += 1;
        if let Some((_, bucket)) = own {
            bucket.take();
        }
        self.total.take();
        Admission::Pass
    }

    /// How often each answer was given.
    #[must_use]
    pub const fn counts(&self) -> ThrottleCounts {
        self.counts
    }
}
