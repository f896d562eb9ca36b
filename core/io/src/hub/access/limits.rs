//! Rates and bounds, and what follows when one is passed.
//!
//! Rates are GCRA (the generic cell rate algorithm of ITU-T I.371, as ATM cell meters use it): one `u64`, the
//! theoretical arrival time in monotonic nanoseconds, is the whole state of a meter; there is no timer and no refill. A
//! cost of `n` units at `r` per second moves it by `floor(n * 10^9 / r)` ns, so a burst is exact and the long-run rate
//! exceeds `r` by at most the fraction `r / 10^9` (rates end at 10^9). A refused cost moves nothing. Everything is O(1)
//! but the clearing of the address table, which is linear and happens only when it is full.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use thiserror::Error;

use super::roles::is_loopback;

const NANOSECONDS: u64 = 1_000_000_000;
const MAX_RATE: u64 = NANOSECONDS;

/// A setting that makes no sense.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum LimitError {
    /// Out of bounds.
    #[error("limit {name} = {value} is not in {least}..={most}")]
    OutOfRange {
        /// Name of the setting.
        name: &'static str,
        /// As given.
        value: u64,
        /// Smallest accepted value.
        least: u64,
        /// Largest accepted value.
        most: u64,
    },
}

/// Units a second, and how many may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// In the long run, 1..=1,000,000,000.
    pub per_second: u64,
    /// After a silence, 1..=1,000,000,000.
    pub burst: u64,
}

impl Rate {
    /// A rate; [`Limits::checked`] checks its bounds.
    #[must_use]
    pub const fn new(per_second: u64, burst: u64) -> Self {
        Self { per_second, burst }
    }

    const fn nanoseconds(self, units: u64) -> u64 {
        units.saturating_mul(NANOSECONDS) / if self.per_second == 0 { 1 } else { self.per_second }
    }

    const fn tolerance(self) -> u64 {
        let per_second = if self.per_second == 0 { 1 } else { self.per_second };
        self.burst.saturating_mul(NANOSECONDS).div_ceil(per_second)
    }
}

/// What one peer has used of a [`Rate`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meter(u64);

/// Over the rate: how long until the same cost would be taken (`u64::MAX`: never, it is above the burst).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait(pub u64);

impl Meter {
    /// Takes `units` at `now`, or nothing.
    pub fn take(&mut self, rate: Rate, units: u64, now: u64) -> Result<(), Wait> {
        let cost = rate.nanoseconds(units);
        let tolerance = rate.tolerance();
        if cost > tolerance {
            return Err(Wait(u64::MAX));
        }
        let arrival = self.0.max(now).saturating_add(cost);
        let ahead = arrival - now;
        if ahead > tolerance {
            return Err(Wait(ahead - tolerance));
        }
        self.0 = arrival;
        Ok(())
    }

    /// Whether it is as if nothing had ever been taken.
    #[must_use]
    pub const fn is_rested(self, now: u64) -> bool {
        self.0 <= now
    }
}

/// All rates and bounds of access. [`Limits::default`] suits one desk with programs that behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// New connections of one address (IPv6: one /64).
    pub connects: Rate,
    /// Open connections of one address, 1..=1,000,000.
    pub connections_per_address: usize,
    /// Whether this machine's own connections are exempt from the two limits above.
    pub loopback_exempt: bool,
    /// Addresses remembered, 16..=1,000,000; what does not fit shares one entry.
    pub addresses: usize,
    /// Inbound messages of one connection; beyond it 1008.
    pub messages: Rate,
    /// Inbound bytes of one connection; beyond it 4429.
    pub bytes: Rate,
    /// Pings, pongs and close frames of one connection; beyond it 1008.
    pub control: Rate,
    /// Topics asked for by one connection; beyond it an error answer.
    pub subscribes: Rate,
    /// Messages published by one connection; beyond it an error answer.
    pub publishes: Rate,
    /// Subscriptions with a wildcard that one connection may ask for in its life, 0..=1,000,000.
    pub wildcard_subscriptions: usize,
    /// Error answers for refused requests on one connection before it is closed 1008, 1..=1,000,000.
    pub refusals: u32,
    /// Bytes reckoned for each connection against [`Self::memory`], 1..=1 GiB.
    pub connection_bytes: u64,
    /// Bytes all connections together may be reckoned at; beyond it 503.
    pub memory: u64,
    /// How long a connection may stay without a token, 10 ms..=5 min.
    pub authentication: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connects: Rate::new(50, 200),
            connections_per_address: 1_024,
            loopback_exempt: true,
            addresses: 65_536,
            messages: Rate::new(1_000, 4_000),
            bytes: Rate::new(4 << 20, 16 << 20),
            control: Rate::new(20, 100),
            subscribes: Rate::new(1_000, 2_048),
            publishes: Rate::new(1_000, 4_000),
            wildcard_subscriptions: 64,
            refusals: 64,
            connection_bytes: 16 << 10,
            memory: 2 << 30,
            authentication: Duration::from_secs(5),
        }
    }
}

impl Limits {
    /// Checks every bound.
    pub fn checked(self) -> Result<Self, LimitError> {
        let within = |name, value: u64, least, most| {
            if (least..=most).contains(&value) {
                Ok(())
            } else {
                Err(LimitError::OutOfRange { name, value, least, most })
            }
        };
        let rates = [
            ("connects", self.connects),
            ("messages", self.messages),
            ("bytes", self.bytes),
            ("control", self.control),
            ("subscribes", self.subscribes),
            ("publishes", self.publishes),
        ];
        for (name, rate) in rates {
            within(name, rate.per_second, 1, MAX_RATE)?;
            within(name, rate.burst, 1, MAX_RATE)?;
        }
        within("connections_per_address", self.connections_per_address as u64, 1, 1_000_000)?;
        within("addresses", self.addresses as u64, 16, 1_000_000)?;
        within("wildcard_subscriptions", self.wildcard_subscriptions as u64, 0, 1_000_000)?;
        within("refusals", u64::from(self.refusals), 1, 1_000_000)?;
        within("connection_bytes", self.connection_bytes, 1, 1 << 30)?;
        within("memory", self.memory, self.connection_bytes, u64::MAX)?;
        let authentication = u64::try_from(self.authentication.as_millis()).unwrap_or(u64::MAX);
        within("authentication (ms)", authentication, 10, 300_000)?;
        Ok(self)
    }
}

/// What follows when a limit is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Turn away before the upgrade.
    Refuse {
        /// HTTP status.
        status: u16,
        /// Which limit, for counters.
        limit: &'static str,
        /// Seconds for `Retry-After`.
        retry_after_seconds: u32,
    },
    /// Answer this request with an error; the connection goes on.
    Answer {
        /// The error's `code`.
        code: &'static str,
        /// Milliseconds after which it may be asked again; 0: never on this connection.
        retry_after_millis: u64,
    },
    /// Close the connection.
    Close {
        /// 1008 for abuse, 4429 for a quota that a later connection has again.
        code: u16,
        /// Which limit.
        reason: &'static str,
    },
}

#[derive(Clone, Copy, Debug, Default)]
struct Address {
    connects: Meter,
    open: usize,
}

/// Connections by address, and the memory reckoned for them. One for a hub.
#[derive(Debug)]
pub struct Admissions {
    limits: Limits,
    addresses: HashMap<IpAddr, Address>,
    /// Of all addresses that found no room in the table.
    others: Address,
    reckoned: u64,
}

impl Admissions {
    /// Nobody is connected.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, addresses: HashMap::new(), others: Address::default(), reckoned: 0 }
    }

    /// A connection comes; [`Self::leave`] must follow when it was let in.
    pub fn enter(&mut self, peer: IpAddr, now: u64) -> Result<(), Action> {
        let limits = self.limits;
        let reckoned = self.reckoned.saturating_add(limits.connection_bytes);
        if reckoned > limits.memory {
            return Err(Action::Refuse { status: 503, limit: "memory", retry_after_seconds: 5 });
        }
        if !self.is_exempt(peer) {
            let entry = self.entry(peer, now);
            if entry.open >= limits.connections_per_address {
                return Err(Action::Refuse { status: 429, limit: "connections_per_address", retry_after_seconds: 5 });
            }
            if let Err(Wait(nanoseconds)) = entry.connects.take(limits.connects, 1, now) {
                let seconds = u32::try_from(nanoseconds.div_ceil(NANOSECONDS)).unwrap_or(u32::MAX);
                return Err(Action::Refuse { status: 429, limit: "connects", retry_after_seconds: seconds.max(1) });
            }
            entry.open += 1;
        }
        self.reckoned = reckoned;
        Ok(())
    }

    /// A connection that was let in is gone.
    pub fn leave(&mut self, peer: IpAddr) {
        self.reckoned = self.reckoned.saturating_sub(self.limits.connection_bytes);
        if !self.is_exempt(peer) {
            let entry = match self.addresses.get_mut(&group(peer)) {
                Some(entry) if entry.open > 0 => entry,
                _ => &mut self.others,
            };
            entry.open = entry.open.saturating_sub(1);
        }
    }

    /// Addresses in the table.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.addresses.len()
    }

    /// Bytes reckoned for the open connections.
    #[must_use]
    pub const fn reckoned(&self) -> u64 {
        self.reckoned
    }

    fn is_exempt(&self, peer: IpAddr) -> bool {
        self.limits.loopback_exempt && is_loopback(peer)
    }

    fn entry(&mut self, peer: IpAddr, now: u64) -> &mut Address {
        let key = group(peer);
        if !self.addresses.contains_key(&key) && self.addresses.len() >= self.limits.addresses {
            self.addresses.retain(|_, entry| entry.open > 0 || !entry.connects.is_rested(now));
            if self.addresses.len() >= self.limits.addresses {
                return &mut self.others;
            }
        }
        self.addresses.entry(key).or_default()
    }
}

/// The /64 of an IPv6 address, which is what one host is given; an IPv4 address itself.
fn group(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

/// What one connection has used of its limits. 48 bytes, no allocation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    messages: Meter,
    bytes: Meter,
    control: Meter,
    subscribes: Meter,
    publishes: Meter,
    wildcards: u32,
    refusals: u32,
}

impl Usage {
    /// A message of `bytes` came in.
    pub fn message(&mut self, limits: &Limits, bytes: usize, now: u64) -> Result<(), Action> {
        self.messages
            .take(limits.messages, 1, now)
            .map_err(|_| Action::Close { code: 1008, reason: "message rate" })?;
        self.count_bytes(limits, bytes, now)
    }

    /// A ping, pong or close frame came in.
    pub fn control(&mut self, limits: &Limits, bytes: usize, now: u64) -> Result<(), Action> {
        self.control
            .take(limits.control, 1, now)
            .map_err(|_| Action::Close { code: 1008, reason: "control frame rate" })?;
        self.count_bytes(limits, bytes, now)
    }

    fn count_bytes(&mut self, limits: &Limits, bytes: usize, now: u64) -> Result<(), Action> {
        self.bytes.take(limits.bytes, bytes as u64, now).map_err(|_| Action::Close { code: 4429, reason: "byte rate" })
    }

    /// One topic or pattern is asked for.
    pub fn subscribe(&mut self, limits: &Limits, is_pattern: bool, now: u64) -> Result<(), Action> {
        if let Err(Wait(nanoseconds)) = self.subscribes.take(limits.subscribes, 1, now) {
            return Err(self.refused(limits, "rate_limited", nanoseconds));
        }
        if is_pattern {
            if self.wildcards as usize >= limits.wildcard_subscriptions {
                return Err(self.refused(limits, "too_many_wildcards", 0));
            }
            self.wildcards += 1;
        }
        Ok(())
    }

    /// One message is to be published.
    pub fn publish(&mut self, limits: &Limits, now: u64) -> Result<(), Action> {
        match self.publishes.take(limits.publishes, 1, now) {
            Ok(()) => Ok(()),
            Err(Wait(nanoseconds)) => Err(self.refused(limits, "rate_limited", nanoseconds)),
        }
    }

    /// A request is refused, for whatever reason: an answer, or the end after too many of them.
    pub fn refused(&mut self, limits: &Limits, code: &'static str, wait_nanoseconds: u64) -> Action {
        self.refusals = self.refusals.saturating_add(1);
        if self.refusals > limits.refusals {
            Action::Close { code: 1008, reason: "too many refused requests" }
        } else {
            Action::Answer { code, retry_after_millis: wait_nanoseconds.div_ceil(1_000_000) }
        }
    }
}
