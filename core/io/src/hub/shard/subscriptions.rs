//! Who gets which topic: lists by topic with a cursor each, and the patterns waiting for topics to come.
//!
//! A topic's subscribers lie densely one behind the other; adding and removing one is O(1).
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::Shard;
use super::conn::{Conn, ConnId, SubRef, Wanted};
use crate::hub::log::{Class, Tally};
use crate::hub::pattern::{last_segment, matches};
use crate::hub::protocol::{Filter, GoOn};
use crate::hub::topic::{NOT_INTERESTED, Note, Topic};

/// The cursor of a subscription that has everything its shard has taken.
pub(super) const CURRENT: u64 = u64::MAX;

/// One subscriber of one topic.
#[derive(Default)]
pub(super) struct Sub {
    pub(super) conn: u32,
    /// Where the connection keeps its reference to this.
    slot: u32,
    /// Next offset it is owed, or [`CURRENT`].
    pub(super) next: u64,
    /// Least time between two messages; 0: none.
    pub(super) interval_ms: u32,
    /// The last value goes out before anything else.
    pub(super) snapshot: bool,
    /// It resumed and has not been up to date since: it may be as far behind as the log reaches.
    pub(super) catching_up: bool,
    /// A timer comes back to it.
    pub(super) waiting: bool,
    /// When a throttled one may have its next message.
    pub(super) due: u64,
}

/// One topic as one shard sees it.
pub(super) struct ShardTopic {
    pub(super) topic: Arc<Topic>,
    shard: usize,
    /// First offset not taken from the log.
    pub(super) head: u64,
    pub(super) subs: Vec<Sub>,
    /// Counted and not yet told to the other threads.
    pub(super) tally: Tally,
}

impl ShardTopic {
    pub(super) fn new(topic: Arc<Topic>, shard: usize) -> Self {
        Self { topic, shard, head: 0, subs: Vec::new(), tally: Tally::default() }
    }

    /// Tells publishers how far this shard is.
    pub(super) fn mark(&self, seen: u64) {
        if let Some(mark) = self.topic.marks.get(self.shard) {
            mark.seen.store(seen, Ordering::Release);
        }
    }

    /// The subscription of a connection.
    pub(super) fn sub_of(&mut self, conn: &Conn) -> Option<&mut Sub> {
        let reference = conn.subs.iter().find(|reference| reference.topic == self.topic.id)?;
        self.subs.get_mut(reference.position as usize)
    }

    /// The newest message the shard has taken, marked as a snapshot.
    pub(super) fn snapshot(&self) -> Option<Bytes> {
        let at = self.head.checked_sub(1)?;
        let payload = {
            let log = self.topic.log();
            // If the log has moved on past it, the newer message is on its way to everybody.
            log.get(at)?.payload()
        };
        Some(self.topic.frame(at, &payload, Note::Snapshot).0)
    }

    /// Messages owed to subscribers and not begun.
    pub(super) fn waiting(&self) -> u64 {
        let behind = self.subs.iter().filter(|sub| sub.next != CURRENT);
        behind.map(|sub| self.head.saturating_sub(sub.next)).sum()
    }
}

/// How a subscription began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Began {
    Live,
    Resumed,
    Snapshot,
}

/// Why a topic cannot be subscribed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// A resume offset the hub has not given out yet.
    Forged,
    /// A reliable topic must not skip messages.
    ThrottledReliable,
    /// `max_subscriptions` is reached.
    TooMany,
    /// `max_patterns` is reached.
    TooManyPatterns,
    /// The connection ended meanwhile.
    Gone,
}

impl Shard {
    /// Subscribes a connection; what it has of the topic already is given by `resume`.
    pub(super) fn subscribe(
        &mut self,
        id: ConnId,
        topic: &Arc<Topic>,
        filter: &Filter,
        resume: Option<GoOn>,
    ) -> Result<(Began, u64), Refused> {
        let interval_ms = filter.min_interval_ms.unwrap_or(0);
        if interval_ms > 0 && topic.class == Class::Reliable {
            return Err(Refused::ThrottledReliable);
        }
        self.topic_made(topic);
        self.catch_head_up(topic);
        let most = self.shared.config.max_subscriptions;
        let Self { topics, conns, .. } = self;
        let (Some(Some(entry)), Some(conn)) = (topics.get_mut(topic.id as usize), conns.get_mut(id)) else {
            return Err(Refused::Gone);
        };
        let head = entry.head;
        let (mut began, mut next) = (Began::Live, CURRENT);
        if let Some(resume) = resume {
            began = Began::Snapshot;
            if let GoOn::After(offset) = resume {
                // An offset no reader can have seen: made up, or of another hub with the same epoch.
                if offset.is_some_and(|offset| offset >= head) {
                    return Err(Refused::Forged);
                }
                let wanted = offset.map_or(0, |offset| offset + 1);
                // From the first on: what is gone of a topic that may lose messages is told as a gap.
                let whole = offset.is_none() && topic.class != Class::Reliable;
                if wanted == head || whole || topic.log().get(wanted).is_some() {
                    began = Began::Resumed;
                    next = if wanted == head { CURRENT } else { wanted };
                }
            }
        }
        let known = conn.subs.iter().find(|reference| reference.topic == topic.id).copied();
        if let Some(reference) = known {
            let dropped = {
                let Some(sub) = entry.subs.get_mut(reference.position as usize) else { return Ok((began, head)) };
                sub.interval_ms = interval_ms;
                sub.snapshot = began != Began::Resumed && head > 0;
                if resume.is_none() {
                    return Ok((began, head));
                }
                let before = if sub.next == CURRENT { 0 } else { head - sub.next };
                sub.next = next;
                sub.catching_up = next != CURRENT;
                before
            };
            entry.tally.dropped += dropped;
            entry.tally.sent += if next == CURRENT { 0 } else { head - next };
            return Ok((began, head));
        }
        if conn.subs.len() + conn.wanted.len() >= most {
            return Err(Refused::TooMany);
        }
        let snapshot = began != Began::Resumed && head > 0 && topic.framing == crate::hub::topic::Framing::Envelope;
        let catching_up = next != CURRENT;
        attach(entry, conn, id, Sub { next, interval_ms, snapshot, catching_up, ..Sub::default() });
        entry.tally.sent += if next == CURRENT { 0 } else { head - next };
        add!(self.shared.counters.subscriptions, 1);
        Ok((began, head))
    }

    /// Brings the shard's head of a topic to the log's end, so that a new subscriber starts at what is newest.
    fn catch_head_up(&mut self, topic: &Arc<Topic>) {
        let Some(entry) = self.entry(topic) else { return };
        if entry.subs.is_empty() {
            // Under the log's lock: whoever stores after this sees that the shard is interested.
            let log = topic.log();
            entry.head = log.next();
            entry.mark(entry.head);
        } else {
            loop {
                self.deliver(topic.id);
                let before = self.again.len();
                self.again.retain(|id| *id != topic.id);
                if self.again.len() == before {
                    break;
                }
            }
        }
    }

    /// Ends one subscription; what it was still owed is dropped.
    pub(super) fn unsubscribe(&mut self, id: ConnId, topic: u32) -> bool {
        let Some(conn) = self.conns.get_mut(id) else { return false };
        let Some(slot) = conn.subs.iter().position(|reference| reference.topic == topic) else { return false };
        let reference = conn.subs.swap_remove(slot);
        let moved = conn.subs.get(slot).copied();
        if let Some(moved) = moved
            && let Some(Some(entry)) = self.topics.get_mut(moved.topic as usize)
            && let Some(sub) = entry.subs.get_mut(moved.position as usize)
        {
            sub.slot = u32::try_from(slot).unwrap_or(u32::MAX);
        }
        self.take_sub(reference);
        true
    }

    /// Ends all subscriptions of a connection that a name or pattern stands for; how many.
    pub(super) fn unsubscribe_matching(&mut self, id: ConnId, pattern: &str) -> usize {
        let Some(conn) = self.conns.get(id) else { return 0 };
        let stands_for = |topic: &u32| match self.topics.get(*topic as usize) {
            Some(Some(entry)) => matches(pattern, &entry.topic.name),
            _ => false,
        };
        let topics: Vec<u32> = conn.subs.iter().map(|reference| reference.topic).filter(stands_for).collect();
        topics.iter().filter(|topic| self.unsubscribe(id, **topic)).count()
    }

    fn take_sub(&mut self, reference: SubRef) {
        let Some(Some(entry)) = self.topics.get_mut(reference.topic as usize) else { return };
        let position = reference.position as usize;
        if position >= entry.subs.len() {
            return;
        }
        let gone = entry.subs.swap_remove(position);
        if gone.next != CURRENT {
            entry.tally.dropped += entry.head.saturating_sub(gone.next);
        }
        if let Some(moved) = entry.subs.get(position)
            && let Some(conn) = self.conns.at_mut(moved.conn)
            && let Some(reference) = conn.subs.get_mut(moved.slot as usize)
        {
            reference.position = u32::try_from(position).unwrap_or(u32::MAX);
        }
        if entry.subs.is_empty() {
            entry.mark(NOT_INTERESTED);
        }
        sub!(self.shared.counters.subscriptions, 1);
        self.settle(reference.topic);
    }

    /// Ends all subscriptions and wishes of a connection.
    pub(super) fn give_up_all(&mut self, id: ConnId) {
        while let Some(reference) = self.conns.get_mut(id).and_then(|conn| conn.subs.pop()) {
            self.take_sub(reference);
        }
        let wanted = self.conns.get_mut(id).map(|conn| std::mem::take(&mut conn.wanted)).unwrap_or_default();
        for wish in wanted {
            self.forget(id, &wish.pattern);
        }
    }

    /// Remembers a pattern for topics to come.
    pub(super) fn want(&mut self, id: ConnId, pattern: &str, filter: &Filter) -> Result<(), Refused> {
        let most = self.shared.config.max_subscriptions;
        let most_patterns = self.shared.config.max_patterns;
        let Some(conn) = self.conns.get_mut(id) else { return Ok(()) };
        if let Some(wish) = conn.wanted.iter_mut().find(|wish| wish.pattern == pattern) {
            wish.filter = filter.clone();
            return Ok(());
        }
        if conn.subs.len() + conn.wanted.len() >= most {
            return Err(Refused::TooMany);
        }
        if conn.wanted.len() >= most_patterns {
            return Err(Refused::TooManyPatterns);
        }
        conn.wanted.push(Wanted { pattern: pattern.to_owned(), filter: filter.clone() });
        let ids = self.wanted.entry(pattern.into()).or_default();
        if ids.is_empty() {
            self.shared.wait_for(self.index, pattern);
        }
        ids.push(id);
        Ok(())
    }

    /// Forgets a pattern of one connection.
    pub(super) fn unwant(&mut self, id: ConnId, pattern: &str) -> bool {
        let Some(conn) = self.conns.get_mut(id) else { return false };
        let before = conn.wanted.len();
        conn.wanted.retain(|wish| wish.pattern != pattern);
        let found = conn.wanted.len() < before;
        if found {
            self.forget(id, pattern);
        }
        found
    }

    fn forget(&mut self, id: ConnId, pattern: &str) {
        if let Some(ids) = self.wanted.get_mut(pattern) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.wanted.remove(pattern);
                self.shared.wait_no_more(self.index, pattern);
            }
        }
    }

    /// A topic was made: everybody who waited for it is subscribed, all of them before its first message is taken. Knowing
    /// it already changes nothing.
    pub(super) fn topic_made(&mut self, topic: &Arc<Topic>) {
        if matches!(self.topics.get(topic.id as usize), Some(Some(_))) || self.entry(topic).is_none() {
            return;
        }
        let fitting = self.wanted.iter().filter(|(pattern, _)| matches(pattern, &topic.name));
        let mut ids: Vec<ConnId> = fitting.flat_map(|(_, ids)| ids.iter().copied()).collect();
        ids.sort_unstable_by_key(|id| (id.index, id.serial));
        ids.dedup();
        for id in ids {
            let Some(conn) = self.conns.get(id) else { continue };
            let fits = |wish: &&Wanted| matches(&wish.pattern, &topic.name) && passes(&wish.filter, &topic.name);
            let Some(filter) = conn.wanted.iter().find(fits).map(|wish| wish.filter.clone()) else { continue };
            if conn.session.as_ref().is_none_or(|session| session.receive(&topic.name)) {
                self.subscribe_first(id, topic, &filter);
            }
        }
        if let Some(entry) = self.entry(topic)
            && entry.subs.is_empty()
        {
            entry.mark(NOT_INTERESTED);
        }
    }

    /// Subscribes somebody who waited for the topic: the shard has taken nothing of it, so it is owed every message. A
    /// reader at its bound stays without the topic; its list of subscriptions says so.
    fn subscribe_first(&mut self, id: ConnId, topic: &Arc<Topic>, filter: &Filter) {
        let interval_ms = if topic.class == Class::Reliable { 0 } else { filter.min_interval_ms.unwrap_or(0) };
        let most = self.shared.config.max_subscriptions;
        let Self { topics, conns, .. } = self;
        let (Some(Some(entry)), Some(conn)) = (topics.get_mut(topic.id as usize), conns.get_mut(id)) else { return };
        if conn.subs.len() + conn.wanted.len() < most {
            attach(entry, conn, id, Sub { next: CURRENT, interval_ms, ..Sub::default() });
            add!(self.shared.counters.subscriptions, 1);
        }
    }

    /// Is a connection still owed messages of a reliable topic?
    pub(super) fn owes_reliable(&self, id: ConnId) -> bool {
        let Some(conn) = self.conns.get(id) else { return false };
        let cut = conn.out.as_ref().and_then(|out| out.partial.as_ref()).and_then(|partial| partial.topic);
        let reliable = |topic: u32| match self.topics.get(topic as usize) {
            Some(Some(entry)) if entry.topic.class == Class::Reliable => Some(entry),
            _ => None,
        };
        cut.is_some_and(|topic| reliable(topic).is_some())
            || conn.subs.iter().any(|reference| {
                let entry = reliable(reference.topic);
                let sub = entry.and_then(|entry| entry.subs.get(reference.position as usize));
                sub.is_some_and(|sub| sub.next != CURRENT)
            })
    }
}

/// Puts a subscription into the topic's list and the connection's; who it is for and where it lies is filled in.
fn attach(entry: &mut ShardTopic, conn: &mut Conn, id: ConnId, sub: Sub) {
    let slot = u32::try_from(conn.subs.len()).unwrap_or(u32::MAX);
    let position = u32::try_from(entry.subs.len()).unwrap_or(u32::MAX);
    conn.subs.reserve_exact(usize::from(conn.subs.is_empty()));
    conn.subs.push(SubRef { topic: entry.topic.id, position });
    entry.subs.push(Sub { conn: id.index, slot, ..sub });
}

/// Does a filter let this topic through?
pub(super) fn passes(filter: &Filter, topic: &str) -> bool {
    let symbols = filter.symbols.as_ref();
    symbols.is_none_or(|symbols| symbols.iter().any(|symbol| symbol == last_segment(topic)))
}
