//! Timers of one shard: one entry a connection, looked at in ticks, so that ten thousand heartbeats are a few wake-ups.
//!
//! Activity moves no entry: when one is due, the connection is asked when it really wants to be looked at. O(log n).
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::Shard;
use super::conn::{ConnId, Phase};
use crate::hub::gate::Verdict;
use crate::hub::protocol;
use crate::hub::shared::nanos;
use crate::ws::Rejection;
use crate::ws::{OpCode, encode};

/// When the loop woke this much later than it meant to, silence of peers proves nothing for another `pong_timeout`.
const STALL: u64 = 1_000_000_000;

/// Entries by time.
#[derive(Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(u64, ConnId, u32)>>,
}

/// Stands for the connection itself instead of one of its topics.
const CONNECTION: u32 = u32::MAX;

impl Timers {
    fn push(&mut self, at: u64, id: ConnId, topic: Option<u32>) {
        self.heap.push(Reverse((at, id, topic.unwrap_or(CONNECTION))));
    }

    pub(super) fn next(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse((at, ..))| *at)
    }

    fn pop_due(&mut self, now: u64) -> Option<(u64, ConnId, u32)> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry)
    }
}

impl Shard {
    /// Makes sure a connection is looked at by then.
    pub(super) fn arm(&mut self, id: ConnId, at: u64) {
        if let Some(conn) = self.conns.get_mut(id)
            && at < conn.timer_at
        {
            conn.timer_at = at;
            self.schedule(at, id, None);
        }
    }

    /// Adds an entry. The loop sleeps until the first one it knew, so an earlier one wakes it.
    pub(super) fn schedule(&mut self, at: u64, id: ConnId, topic: Option<u32>) {
        let sooner = self.timers.next().is_none_or(|next| at < next);
        self.timers.push(at, id, topic);
        if sooner {
            self.nudge();
        }
    }

    /// Wakes the shard's loop without giving it anything.
    pub(super) fn nudge(&self) {
        if let Some(inbox) = self.shared.inboxes.get(self.index) {
            inbox.nudge();
        }
    }

    /// Looks at everything that is due.
    pub(super) fn tick(&mut self) {
        let now = self.shared.now();
        if now.saturating_sub(self.planned) > STALL {
            // Stopped, swapped out or very busy: answers of peers may lie unread in the sockets.
            self.trust_silence_from = now + nanos(self.shared.config.pong_timeout);
        }
        self.planned = u64::MAX;
        while let Some((at, id, topic)) = self.timers.pop_due(now) {
            if topic == CONNECTION {
                match self.conns.get_mut(id) {
                    Some(conn) if conn.timer_at == at => conn.timer_at = u64::MAX,
                    _ => continue,
                }
                self.look_at(id, now);
            } else {
                self.unthrottle(id, topic);
            }
        }
    }

    fn unthrottle(&mut self, id: ConnId, topic: u32) {
        if let Some(conn) = self.conns.get(id)
            && let Some(Some(entry)) = self.topics.get_mut(topic as usize)
            && let Some(sub) = entry.sub_of(conn)
        {
            sub.waiting = false;
        }
        self.pump(id);
    }

    fn look_at(&mut self, id: ConnId, now: u64) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        if conn.phase != Phase::Open && conn.deadline <= now {
            if conn.phase == Phase::Handshake {
                add!(self.shared.counters.handshake_timeouts, 1);
                let _ = conn.transport.try_write(&Rejection::Timeout.to_bytes());
            }
            self.remove(id);
            return;
        }
        if conn.phase == Phase::Open {
            if conn.check_at <= now
                && let Some(session) = conn.session.as_mut()
            {
                let verdict = session.check(now);
                conn.check_at = session.next_check(now);
                match verdict {
                    Verdict::Allow => {}
                    Verdict::Deny { code, message } => self.enqueue(id, protocol::error(None, code, &message)),
                    Verdict::Close { code, reason } => self.close(id, code, reason),
                }
            }
            if self.heartbeat(id, now) {
                return;
            }
        }
        self.rearm(id);
    }

    /// Pings a silent peer; `true` when it was removed for not answering.
    fn heartbeat(&mut self, id: ConnId, now: u64) -> bool {
        let interval = nanos(self.shared.config.ping_interval);
        let timeout = nanos(self.shared.config.pong_timeout);
        let Some(conn) = self.conns.get_mut(id).filter(|conn| conn.phase == Phase::Open) else { return false };
        if conn.pinged > 0 {
            if now < conn.pinged + timeout || now < self.trust_silence_from {
                return false;
            }
            add!(self.shared.counters.ping_timeouts, 1);
            self.remove(id);
            return true;
        }
        if now >= conn.heard + interval {
            conn.pinged = now;
            add!(self.shared.counters.pings, 1);
            let mut frame = Vec::with_capacity(2);
            encode(&mut frame, OpCode::Ping, true, false, b"", None);
            self.enqueue(id, frame.into());
        }
        false
    }

    /// Sets the timer to the next moment something can be due.
    pub(super) fn rearm(&mut self, id: ConnId) {
        let interval = nanos(self.shared.config.ping_interval);
        let timeout = nanos(self.shared.config.pong_timeout);
        let Some(conn) = self.conns.get(id) else { return };
        let at = match conn.phase {
            Phase::Handshake | Phase::Closing => conn.deadline,
            Phase::Open if conn.pinged > 0 => (conn.pinged + timeout).max(self.trust_silence_from).min(conn.check_at),
            Phase::Open => (conn.heard + interval).min(conn.check_at),
        };
        self.arm(id, at);
    }

    /// When to tick next, rounded up so that timers close to each other share a wake-up.
    pub(super) fn plan_tick(&mut self) -> Option<u64> {
        let at = self.timers.next()?.div_ceil(self.tick_ns).saturating_mul(self.tick_ns);
        self.planned = at;
        Some(at)
    }
}

/// Length of a tick: fine enough for the shortest configured time, 100 ms at most.
pub(super) fn tick_length(shortest: Duration) -> u64 {
    (nanos(shortest) / 32).clamp(1_000_000, 100_000_000)
}
