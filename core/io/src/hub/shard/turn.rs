//! One turn over a dirty topic: build the new frames once, write them to every subscriber that keeps up.
//!
//! O(subscribers) writes and O(1) allocations a topic. A subscriber whose socket is full, or who is behind already,
//! gets (or keeps) a cursor; its own task catches up.
use std::io::ErrorKind;

use bytes::{Bytes, BytesMut};

use super::conn::{ConnId, Out, Partial};
use super::{CURRENT, Shard, ShardTopic};
use crate::hub::log::{Class, Entry, Tally};
use crate::hub::topic::{Note, Topic};
use crate::ws::OpCode;
use crate::ws::compress::Compressor;

/// Most bytes of one topic built and written in one turn; the rest is the next turn's.
const TURN_BYTES: usize = 256 << 10;
/// Window and level of the shared compressed frames.
pub(super) const SHARED_WINDOW: u8 = 15;
const SHARED_LEVEL: u32 = 3;
/// Below this a message is not worth compressing.
const COMPRESS_FROM: usize = 128;

/// Frames one behind the other, and where each ends.
#[derive(Default)]
pub(super) struct Frames {
    pub(super) bytes: Bytes,
    pub(super) ends: Vec<usize>,
}

impl Frames {
    pub(super) fn of(frames: &[Bytes]) -> Self {
        let mut ends = Vec::with_capacity(frames.len());
        if let [only] = frames {
            ends.push(only.len());
            return Self { bytes: only.clone(), ends };
        }
        let mut bytes = BytesMut::with_capacity(frames.iter().map(Bytes::len).sum());
        for frame in frames {
            bytes.extend_from_slice(frame);
            ends.push(bytes.len());
        }
        Self { bytes: bytes.freeze(), ends }
    }

    /// After `written` bytes: how many frames are out, and the rest of the one that is cut.
    pub(super) fn cut(&self, written: usize) -> (usize, Option<Bytes>) {
        let whole = self.ends.partition_point(|end| *end <= written);
        let start = whole.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or(0);
        match self.ends.get(whole) {
            // A copy, so that a reader that stops does not hold the whole turn's buffer.
            Some(end) if written > start => (whole, self.bytes.get(written..*end).map(Bytes::copy_from_slice)),
            _ => (whole, None),
        }
    }
}

/// The new messages of one topic in one turn.
struct Batch {
    from: u64,
    /// Messages each frame list stands for in all, beyond its frames (last value only).
    skipped: u64,
    plain: Frames,
    deflated: Option<Frames>,
    published_at: u64,
}

/// A frame's payload, for compressing it.
fn body(frame: &Bytes) -> Bytes {
    let header = match frame.get(1) {
        Some(126) => 4,
        Some(127) => 10,
        _ => 2,
    };
    frame.slice(header.min(frame.len())..)
}

/// The compressed form of a stored message; small ones stay plain.
pub(super) fn compressed(compressor: &mut Option<Compressor>, frame: &Bytes) -> Bytes {
    let body = body(frame);
    if body.len() < COMPRESS_FROM {
        return frame.clone();
    }
    let compressor = compressor.get_or_insert_with(|| Compressor::shared(SHARED_WINDOW, SHARED_LEVEL));
    compressor.frame(OpCode::Text, &body)
}

impl Shard {
    /// Takes a topic's new messages and hands them out.
    pub(super) fn deliver(&mut self, id: u32) {
        let Some(Some(entry)) = self.topics.get_mut(id as usize) else { return };
        if entry.subs.is_empty() {
            return;
        }
        let (batch, more) = entry.collect(self.deflating > 0, &mut self.compressor);
        if let Some(batch) = batch {
            self.walk(id, &batch);
            let now = self.shared.now();
            if batch.published_at < now
                && let Some(Some(entry)) = self.topics.get(id as usize)
                && let Some(latency) = self.shared.latency.get(entry.topic.class.index())
            {
                latency.record(now.saturating_sub(batch.published_at));
            }
        }
        if more {
            self.again.push(id);
        }
        self.settle(id);
    }

    /// Writes a batch to every subscriber that has nothing before it.
    fn walk(&mut self, id: u32, batch: &Batch) {
        let Some(Some(entry)) = self.topics.get_mut(id as usize) else { return };
        let mut tally = Tally::default();
        let mut written_bytes = 0_u64;
        let mut blocked = Vec::new();
        let mut failed = Vec::new();
        let mut lagging = Vec::new();
        for sub in &mut entry.subs {
            let Some(conn) = self.conns.at_mut(sub.conn) else { continue };
            let conn_id = ConnId { index: sub.conn, serial: conn.serial };
            if sub.next != CURRENT || sub.interval_ms > 0 || conn.out.is_some() || batch.plain.ends.is_empty() {
                if sub.next == CURRENT {
                    sub.next = batch.from;
                }
                lagging.push((conn_id, sub.next, sub.catching_up));
                continue;
            }
            let frames = if conn.deflate { batch.deflated.as_ref().unwrap_or(&batch.plain) } else { &batch.plain };
            match conn.transport.try_write(&frames.bytes) {
                Ok(written) if written == frames.bytes.len() => {
                    written_bytes += written as u64;
                    tally.delivered += frames.ends.len() as u64;
                    tally.conflated += batch.skipped;
                    if conn.transport.flush().is_ok_and(|flushed| flushed) {
                        continue;
                    }
                    conn.out = Some(Box::new(Out::default()));
                }
                Ok(written) => {
                    written_bytes += written as u64;
                    let (whole, rest) = frames.cut(written);
                    tally.delivered += whole as u64;
                    let taken = whole + usize::from(rest.is_some());
                    if taken > 0 {
                        tally.conflated += batch.skipped;
                    }
                    let next = batch.from + if taken > 0 { batch.skipped } else { 0 } + taken as u64;
                    sub.next = if taken == frames.ends.len() { CURRENT } else { next };
                    let partial = rest.map(|bytes| Partial { bytes, topic: Some(id) });
                    conn.out = Some(Box::new(Out { partial, ..Out::default() }));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    sub.next = batch.from;
                    conn.out = Some(Box::new(Out::default()));
                }
                Err(_) => {
                    sub.next = batch.from;
                    failed.push(conn_id);
                    continue;
                }
            }
            blocked.push(conn_id);
        }
        entry.tally.add(tally);
        self.bytes_out += written_bytes;
        for conn in failed {
            self.remove(conn);
        }
        for conn in blocked {
            self.start_writer(conn);
        }
        self.check_lagging(id, &lagging);
    }

    /// Closes reliable readers that are too far behind (one that resumed: behind the log); wakes those that wait for nothing but this.
    fn check_lagging(&mut self, id: u32, lagging: &[(ConnId, u64, bool)]) {
        let Some(Some(entry)) = self.topics.get(id as usize) else { return };
        let mut slow = Vec::new();
        if entry.topic.class == Class::Reliable && !lagging.is_empty() {
            let log = entry.topic.log();
            let most = self.shared.config.max_backlog as u64;
            for (conn, next, catching_up) in lagging {
                let over = |bytes| bytes > most && !catching_up && next + 1 < entry.head;
                if log.behind(*next).is_none_or(over) {
                    slow.push(*conn);
                }
            }
        }
        for conn in slow {
            self.close_slow(conn);
        }
        for (conn, ..) in lagging {
            self.pump(*conn);
        }
    }
}

impl ShardTopic {
    /// Takes the messages since the last turn; `true` when some are left for another.
    fn collect(&mut self, deflating: bool, compressor: &mut Option<Compressor>) -> (Option<Batch>, bool) {
        let topic = std::sync::Arc::clone(&self.topic);
        let log = topic.log();
        let (from, next) = (self.head, log.next());
        if from >= next {
            return (None, false);
        }
        let mut entries: Vec<Entry> = Vec::new();
        let mut to = next;
        if topic.class == Class::LastValue {
            entries.extend(log.last().cloned());
        } else if log.base() <= from {
            let mut bytes = 0;
            for (offset, entry) in log.from(from) {
                if bytes > 0 && bytes + entry.frame.len() > TURN_BYTES {
                    to = offset;
                    break;
                }
                bytes += entry.frame.len();
                entries.push(entry.clone());
            }
        }
        drop(log);
        self.head = to;
        self.mark(to);
        self.tally.sent += (to - from) * self.subs.len() as u64;
        let skipped = if topic.class == Class::LastValue { to - from - 1 } else { 0 };
        let mut plain: Vec<Bytes> = entries.iter().map(|entry| entry.frame.clone()).collect();
        if skipped > 0
            && let (Some(entry), Some(frame)) = (entries.first(), plain.first_mut())
        {
            *frame = topic.frame(to - 1, &entry.payload(), Note::Skipped(skipped)).0;
        }
        let deflated = deflating.then(|| compress_all(&topic, &entries, &plain, to, compressor));
        let batch = Batch {
            from,
            skipped,
            plain: Frames::of(&plain),
            deflated: deflated.map(|frames| Frames::of(&frames)),
            published_at: entries.first().map_or(u64::MAX, |entry| entry.published_at),
        };
        (Some(batch), to < next)
    }
}

/// Compressed forms of frames: those kept in the log, or made now and kept there for the other shards.
fn compress_all(
    topic: &Topic,
    entries: &[Entry],
    plain: &[Bytes],
    to: u64,
    compressor: &mut Option<Compressor>,
) -> Vec<Bytes> {
    let first = to - entries.len() as u64;
    let each = (first..).zip(entries.iter().zip(plain));
    each.map(|(offset, (entry, frame))| {
        let stored = entry.frame.as_ptr() == frame.as_ptr();
        if let Some(ready) = entry.compressed.as_ref().filter(|_| stored) {
            return ready.clone();
        }
        let made = compressed(compressor, frame);
        if stored {
            topic.log().keep_compressed(offset, made.clone());
        }
        made
    })
    .collect()
}
