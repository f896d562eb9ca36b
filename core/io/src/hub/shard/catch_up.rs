//! A connection whose socket was full: what is cut goes first, then answers, then what its cursors owe it.
//!
//! Bounded: one cut frame, the answers (nothing is read from a peer that does not take its answers) and cursors. One
//! run writes at most [`RUN_BYTES`], so that one reader on a fast socket does not hold up the others.
use std::io::ErrorKind;
use std::rc::Rc;

use bytes::{Buf, Bytes};

use super::conn::{ConnId, Out, Partial, Phase};
use super::turn::{Frames, compressed};
use super::{CURRENT, Shard};
use crate::hub::log::{Class, Entry, Plan, Tally, plan};
use crate::hub::topic::Note;

/// Most bytes of data one run writes.
const RUN_BYTES: usize = 128 << 10;
/// Most bytes of frames put into one write.
const PIECE_BYTES: usize = 64 << 10;

/// How far a run came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing waits any more.
    Done,
    /// The socket is full.
    Blocked,
    /// The run's share is used up.
    More,
    /// The socket is broken or the connection is gone.
    Gone,
    /// A reliable reader is too far behind.
    Slow,
}

/// What one subscription gets next.
enum Piece {
    /// Frames of one topic, and where its cursor is when all are out.
    Frames {
        frames: Frames,
        first: u64,
        skipped: u64,
        snapshot: bool,
    },
    /// It may go on at `next` once the record is out.
    Gap {
        record: Bytes,
        next: u64,
        missed: u64,
    },
    /// Not before this time.
    Wait {
        until: u64,
    },
    Slow,
    Nothing,
}

impl Shard {
    /// Writes what waits for a connection, unless a writer task does so already.
    pub(super) fn pump(&mut self, id: ConnId) {
        match self.conns.get_mut(id) {
            Some(conn) if conn.out.is_none() => conn.out = Some(Box::default()),
            _ => return,
        }
        if matches!(self.catch_up(id), Progress::Blocked | Progress::More) {
            self.start_writer(id);
        }
    }

    /// One run for one connection. `Gone` when it was removed (or had nothing waiting).
    pub(super) fn catch_up(&mut self, id: ConnId) -> Progress {
        let Some(mut out) = self.conns.get_mut(id).and_then(|conn| conn.out.take()) else { return Progress::Gone };
        let before = self.bytes_out;
        let progress = self.run(id, &mut out);
        let wrote = self.bytes_out > before;
        let now = self.shared.now();
        let Some(conn) = self.conns.get_mut(id) else { return Progress::Gone };
        if wrote {
            // The peer takes bytes: alive, even if its pong is queued behind them.
            conn.heard = now;
            conn.pinged = if conn.pinged > 0 { now } else { 0 };
        }
        match progress {
            Progress::Done if conn.finish => {
                self.remove(id);
                Progress::Gone
            }
            Progress::Done => {
                self.drained(id);
                Progress::Done
            }
            Progress::Blocked | Progress::More => {
                conn.out = Some(out);
                progress
            }
            Progress::Gone => {
                conn.out = Some(out);
                self.remove(id);
                Progress::Gone
            }
            Progress::Slow => {
                conn.out = Some(out);
                self.close_slow(id);
                Progress::Blocked
            }
        }
    }

    fn run(&mut self, id: ConnId, out: &mut Out) -> Progress {
        let Some(conn) = self.conns.get(id) else { return Progress::Gone };
        let transport = Rc::clone(&conn.transport);
        let mut left = RUN_BYTES;
        loop {
            while let Some(partial) = &mut out.partial {
                match transport.try_write(&partial.bytes) {
                    Ok(written) => {
                        self.bytes_out += written as u64;
                        partial.bytes.advance(written.min(partial.bytes.len()));
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Progress::Blocked,
                    Err(_) => return Progress::Gone,
                }
                if partial.bytes.is_empty() {
                    if let Some(topic) = partial.topic {
                        self.count(topic, Tally { delivered: 1, ..Tally::default() });
                    }
                    out.partial = None;
                }
            }
            if let Some(bytes) = out.pop() {
                out.partial = Some(Partial { bytes, topic: None });
                continue;
            }
            if left == 0 {
                return Progress::More;
            }
            match self.next_piece(id, out) {
                None => break,
                Some((_, Piece::Slow)) => return Progress::Slow,
                Some((topic, Piece::Gap { record, next, missed })) => {
                    self.count(topic, Tally { conflated: missed, ..Tally::default() });
                    self.move_cursor(id, topic, next);
                    out.push(record);
                }
                Some((topic, Piece::Frames { frames, first, skipped, snapshot })) => {
                    let written = match transport.try_write(&frames.bytes) {
                        Ok(written) => written,
                        Err(error) if error.kind() == ErrorKind::WouldBlock => return Progress::Blocked,
                        Err(_) => return Progress::Gone,
                    };
                    self.bytes_out += written as u64;
                    left = left.saturating_sub(written);
                    let (whole, rest) = frames.cut(written);
                    let taken = whole + usize::from(rest.is_some());
                    let owner = (!snapshot).then_some(topic);
                    out.partial = rest.map(|bytes| Partial { bytes, topic: owner });
                    if taken == 0 {
                        continue;
                    }
                    if snapshot {
                        self.snapshot_sent(id, topic);
                    } else {
                        let delivered = whole as u64;
                        self.count(topic, Tally { delivered, conflated: skipped, ..Tally::default() });
                        self.move_cursor(id, topic, first + taken as u64);
                    }
                }
                // `next_piece` answers with something to do or with nothing at all.
                Some((_, Piece::Wait { .. } | Piece::Nothing)) => break,
            }
        }
        match transport.flush() {
            Ok(true) => Progress::Done,
            Ok(false) => Progress::Blocked,
            Err(_) => Progress::Gone,
        }
    }

    /// The next thing owed to a connection, its subscriptions taking turns.
    fn next_piece(&mut self, id: ConnId, out: &mut Out) -> Option<(u32, Piece)> {
        let now = self.shared.now();
        let count = self.conns.get(id).filter(|conn| conn.phase == Phase::Open)?.subs.len();
        for step in 0..count {
            let index = (out.turn + step) % count;
            let topic = self.conns.get(id)?.subs.get(index)?.topic;
            let reference = *self.conns.get(id)?.subs.get(index)?;
            match self.piece(id, reference.topic, reference.position, now) {
                Piece::Nothing => {}
                Piece::Wait { until } => self.wait_for(id, reference.topic, reference.position, until),
                piece => {
                    out.turn = (index + 1) % count;
                    return Some((topic, piece));
                }
            }
        }
        None
    }

    fn piece(&mut self, id: ConnId, topic: u32, position: u32, now: u64) -> Piece {
        let deflate = self.conns.get(id).is_some_and(|conn| conn.deflate);
        let Some(Some(entry)) = self.topics.get_mut(topic as usize) else { return Piece::Nothing };
        if entry.subs.get(position as usize).is_some_and(|sub| sub.snapshot)
            && let Some(frame) = entry.snapshot()
        {
            let frame = if deflate { compressed(&mut self.compressor, &frame) } else { frame };
            return Piece::Frames { frames: Frames::of(&[frame]), first: 0, skipped: 0, snapshot: true };
        }
        let Some(sub) = entry.subs.get_mut(position as usize) else { return Piece::Nothing };
        sub.snapshot = false;
        if sub.next == CURRENT {
            return Piece::Nothing;
        }
        let throttled = sub.interval_ms > 0;
        if throttled && sub.due > now {
            return Piece::Wait { until: sub.due };
        }
        let class = if throttled { Class::LastValue } else { entry.topic.class };
        let log = entry.topic.log();
        let most = if sub.catching_up { u64::MAX } else { self.shared.config.max_backlog as u64 };
        match plan(class, &log, sub.next, entry.head, most) {
            Plan::Idle => Piece::Nothing,
            Plan::Close => Piece::Slow,
            Plan::Jump { from, to, next } => {
                drop(log);
                Piece::Gap { record: entry.topic.gap(from, to), next, missed: to + 1 - from }
            }
            Plan::Newest { at, skipped } => {
                let Some(stored) = log.get(at).cloned() else { return Piece::Nothing };
                drop(log);
                if throttled {
                    sub.due = now + u64::from(sub.interval_ms) * 1_000_000;
                }
                let frame = match skipped {
                    0 => stored.frame,
                    _ => entry.topic.frame(at, &stored.payload(), Note::Skipped(skipped)).0,
                };
                let frame = if deflate { compressed(&mut self.compressor, &frame) } else { frame };
                Piece::Frames { frames: Frames::of(&[frame]), first: at, skipped, snapshot: false }
            }
            Plan::Send => {
                let mut bytes = 0;
                let room = |(offset, stored): &(u64, &Entry)| {
                    let fits = bytes == 0 || bytes + stored.frame.len() <= PIECE_BYTES;
                    bytes += stored.frame.len();
                    fits && *offset < entry.head
                };
                let taken: Vec<Entry> = log.from(sub.next).take_while(room).map(|(_, stored)| stored.clone()).collect();
                drop(log);
                let compressor = &mut self.compressor;
                let each = taken.into_iter().map(|stored| match (deflate, stored.compressed) {
                    (false, _) => stored.frame,
                    (true, Some(ready)) => ready,
                    (true, None) => compressed(compressor, &stored.frame),
                });
                let frames = Frames::of(&each.collect::<Vec<_>>());
                Piece::Frames { frames, first: sub.next, skipped: 0, snapshot: false }
            }
        }
    }

    /// Moves the cursor of a connection's subscription.
    fn move_cursor(&mut self, id: ConnId, topic: u32, next: u64) {
        let Some(Some(entry)) = self.topics.get_mut(topic as usize) else { return };
        let head = entry.head;
        if let Some(sub) = self.conns.get(id).and_then(|conn| entry.sub_of(conn)) {
            sub.next = if next >= head { CURRENT } else { next };
            sub.catching_up &= sub.next != CURRENT;
        }
    }

    fn snapshot_sent(&mut self, id: ConnId, topic: u32) {
        self.snapshots += 1;
        let Some(Some(entry)) = self.topics.get_mut(topic as usize) else { return };
        if let Some(sub) = self.conns.get(id).and_then(|conn| entry.sub_of(conn)) {
            sub.snapshot = false;
        }
    }

    /// Comes back to a throttled subscription when it may have its next message.
    fn wait_for(&mut self, id: ConnId, topic: u32, position: u32, until: u64) {
        let Some(Some(entry)) = self.topics.get_mut(topic as usize) else { return };
        if let Some(sub) = entry.subs.get_mut(position as usize)
            && !sub.waiting
        {
            sub.waiting = true;
            self.schedule(until, id, Some(topic));
        }
    }
}
