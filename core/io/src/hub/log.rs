//! A topic's bounded log of ready frames, and what each delivery class owes a reader at a given cursor.
//!
//! Pure: no clock, no socket, no thread. A message is stored once, as the WebSocket frame every reader gets; a reader
//! is a cursor, so a slow one costs no memory. Invariants: offsets are consecutive from 0; `base..next` are held;
//! one message is always held once there was one (the last value). Push and look-up are O(1).
use std::collections::VecDeque;
use std::fmt;

use bytes::Bytes;

/// How a topic is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Every message, in order; a reader that cannot keep up is closed with 4008 and resumes by offset.
    Reliable,
    /// Every message while the reader keeps up; then it jumps to the newest and is told the gap.
    Buffered,
    /// The newest value; what was skipped is counted and told.
    LastValue,
}

impl Class {
    /// All classes, in the order of their metrics.
    pub const ALL: [Self; 3] = [Self::Reliable, Self::Buffered, Self::LastValue];

    /// The class's name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reliable => "reliable",
            Self::Buffered => "buffered",
            Self::LastValue => "last_value",
        }
    }

    /// Position in [`Class::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Reliable => 0,
            Self::Buffered => 1,
            Self::LastValue => 2,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// One stored message.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The unmasked server frame, header included.
    pub frame: Bytes,
    /// The same message compressed on its own (permessage-deflate without context takeover), once somebody needed it.
    pub compressed: Option<Bytes>,
    /// Where the payload lies in `frame`.
    pub payload: (u32, u32),
    /// When it was published, hub clock.
    pub published_at: u64,
    /// Bytes of all frames up to and with this one, since the log began.
    end: u64,
}

impl Entry {
    /// The payload as it was published.
    #[must_use]
    pub fn payload(&self) -> Bytes {
        let (from, to) = (self.payload.0 as usize, self.payload.1 as usize);
        if from <= to && to <= self.frame.len() { self.frame.slice(from..to) } else { Bytes::new() }
    }
}

/// What a log may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Messages.
    pub messages: usize,
    /// Bytes of their frames.
    pub bytes: usize,
}

/// A reliable log is full of messages the shards have not taken: nothing was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full {
    /// Messages not taken yet.
    pub held: u64,
}

/// How far a log may grow over its bounds while a shard has not yet looked (reliable topics only).
const OVERSHOOT: usize = 4;

/// The log of one topic.
#[derive(Debug)]
pub struct TopicLog {
    bounds: Bounds,
    base: u64,
    entries: VecDeque<Entry>,
    end: u64,
    bytes: usize,
}

impl TopicLog {
    /// An empty log; memory is taken as messages come.
    #[must_use]
    pub const fn new(bounds: Bounds) -> Self {
        Self { bounds, base: 0, entries: VecDeque::new(), end: 0, bytes: 0 }
    }

    /// Offset of the oldest message held.
    #[must_use]
    pub const fn base(&self) -> u64 {
        self.base
    }

    /// Offset the next message gets.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.base + self.entries.len() as u64
    }

    /// The message at an offset, if it is held.
    #[must_use]
    pub fn get(&self, offset: u64) -> Option<&Entry> {
        self.entries.get(usize::try_from(offset.checked_sub(self.base)?).ok()?)
    }

    /// The newest message.
    #[must_use]
    pub fn last(&self) -> Option<&Entry> {
        self.entries.back()
    }

    /// Messages from an offset on (from the oldest held if that one is gone).
    pub fn from(&self, offset: u64) -> impl Iterator<Item = (u64, &Entry)> {
        let skip = usize::try_from(offset.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let first = self.base + skip.min(self.entries.len()) as u64;
        (first..).zip(self.entries.iter().skip(skip))
    }

    /// Keeps a compressed form beside the plain one.
    pub fn keep_compressed(&mut self, offset: u64, compressed: Bytes) {
        let Some(index) = offset.checked_sub(self.base).and_then(|index| usize::try_from(index).ok()) else { return };
        if let Some(entry) = self.entries.get_mut(index) {
            entry.compressed.get_or_insert(compressed);
        }
    }

    /// Bytes a reader at `cursor` has before it; `None` when its next message is gone.
    #[must_use]
    pub fn behind(&self, cursor: u64) -> Option<u64> {
        if cursor >= self.next() {
            return Some(0);
        }
        let entry = self.get(cursor)?;
        Some(self.end - (entry.end - entry.frame.len() as u64))
    }

    /// Stores a message and gives its offset. Messages below `floor` may go to make room; those from it on only
    /// when the topic's class lets readers miss messages (`floor` = `u64::MAX`).
    ///
    /// # Errors
    /// [`Full`] when the log is at [`OVERSHOOT`] times its bounds with messages that may not go.
    pub fn push(&mut self, frame: Bytes, payload: (u32, u32), published_at: u64, floor: u64) -> Result<u64, Full> {
        let length = frame.len();
        while self.over(length, 1) && self.base < floor {
            let Some(gone) = self.entries.pop_front() else { break };
            self.bytes -= gone.frame.len();
            self.base += 1;
        }
        if self.over(length, OVERSHOOT) {
            return Err(Full { held: self.entries.len() as u64 });
        }
        self.bytes += length;
        self.end += length as u64;
        let offset = self.next();
        self.entries.push_back(Entry { frame, compressed: None, payload, published_at, end: self.end });
        Ok(offset)
    }

    fn over(&self, length: usize, times: usize) -> bool {
        let full = self.entries.len() >= self.bounds.messages.saturating_mul(times);
        !self.entries.is_empty() && (full || self.bytes + length > self.bounds.bytes.saturating_mul(times))
    }
}

/// What a reader at a cursor is owed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Nothing new.
    Idle,
    /// Every message from the cursor on.
    Send,
    /// The messages `from..=to` are lost to it: tell the gap, go on at `next` (= `to + 1`).
    Jump {
        /// First message missed.
        from: u64,
        /// Last message missed.
        to: u64,
        /// Where it goes on.
        next: u64,
    },
    /// Only the newest message, at `at`; `skipped` older ones are conflated into it.
    Newest {
        /// Offset of the newest.
        at: u64,
        /// How many it stands for besides itself.
        skipped: u64,
    },
    /// A reliable reader is too far behind: close it with 4008.
    Close,
}

/// What `class` owes a reader at `cursor` of the messages below `head` (those its shard has taken), given the most
/// bytes a reader may be behind.
#[must_use]
pub fn plan(class: Class, log: &TopicLog, cursor: u64, head: u64, max_backlog: u64) -> Plan {
    // When the log has moved on past `head` nothing of it is left; the shard is about to take what is newer.
    if cursor >= head || (log.base() >= head && class != Class::Reliable) {
        return Plan::Idle;
    }
    match class {
        Class::LastValue => Plan::Newest { at: head - 1, skipped: head - 1 - cursor },
        Class::Reliable | Class::Buffered => match log.behind(cursor) {
            Some(bytes) if bytes <= max_backlog => Plan::Send,
            // One message alone may be larger than the bound: it is what a jump would end at.
            Some(_) if cursor + 1 == head => Plan::Send,
            _ if class == Class::Reliable => Plan::Close,
            _ => Plan::Jump { from: cursor, to: head - 2, next: head - 1 },
        },
    }
}

/// Counts of messages owed to subscribers: `sent = delivered + conflated + dropped + waiting`, always; at a quiet
/// moment nothing waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Messages owed: one for each message and each subscription it reached.
    pub sent: u64,
    /// Written completely to the subscriber's socket.
    pub delivered: u64,
    /// Left out by the class's policy, with the subscriber told.
    pub conflated: u64,
    /// Not written when the connection ended or the subscription was given up.
    pub dropped: u64,
}

impl Tally {
    /// Adds another tally.
    pub const fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.delivered += other.delivered;
        self.conflated += other.conflated;
        self.dropped += other.dropped;
    }

    /// Messages still owed.
    #[must_use]
    pub const fn waiting(&self) -> u64 {
        self.sent.saturating_sub(self.delivered + self.conflated + self.dropped)
    }
}
