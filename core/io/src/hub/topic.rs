//! Topics as all threads share them: name, class, log, and one mark for each shard.
//!
//! A publish takes the topic's lock for one push (that is the sequencer: every shard reads the same log, so the order
//! of a topic is the same for everybody), then marks the topic dirty for each shard that has subscribers. A mark is
//! set once until the shard looks, so a burst costs one inbox entry and one wake-up for each shard.
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use bytes::{BufMut, Bytes, BytesMut};

use super::error::HubError;
use super::log::{Bounds, Class, Tally, TopicLog};
use super::pattern::{check_name, matches};

/// A shard with no subscriber of the topic: its mark holds nothing back.
pub(crate) const NOT_INTERESTED: u64 = u64::MAX;

/// What one shard does with one topic.
#[derive(Debug)]
pub(crate) struct ShardMark {
    /// The topic waits in the shard's inbox.
    pub(crate) dirty: AtomicBool,
    /// First offset the shard has not taken, or [`NOT_INTERESTED`].
    pub(crate) seen: AtomicU64,
    /// Counted by the shard once a turn.
    pub(crate) tally: AtomicTally,
}

/// A [`Tally`] other threads can read.
#[derive(Debug, Default)]
pub(crate) struct AtomicTally {
    sent: AtomicU64,
    delivered: AtomicU64,
    conflated: AtomicU64,
    dropped: AtomicU64,
}

impl AtomicTally {
    /// Adds; only the shard that owns the mark calls it.
    pub(crate) fn add(&self, tally: Tally) {
        // `sent` first and the others with release, read in the opposite order: a reader never sees more settled than sent.
        self.sent.fetch_add(tally.sent, Ordering::Release);
        self.delivered.fetch_add(tally.delivered, Ordering::Release);
        self.conflated.fetch_add(tally.conflated, Ordering::Release);
        self.dropped.fetch_add(tally.dropped, Ordering::Release);
    }

    /// The counts now.
    pub(crate) fn read(&self) -> Tally {
        let dropped = self.dropped.load(Ordering::Acquire);
        let conflated = self.conflated.load(Ordering::Acquire);
        let delivered = self.delivered.load(Ordering::Acquire);
        Tally { sent: self.sent.load(Ordering::Acquire), delivered, conflated, dropped }
    }
}

/// How a topic's messages are framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// `{"topic":..,"offset":n,"data":<payload>}`.
    Envelope,
    /// The payload alone, as the load generator expects it.
    Raw,
}

/// One topic.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) id: u32,
    pub(crate) name: Box<str>,
    pub(crate) class: Class,
    pub(crate) framing: Framing,
    pub(crate) marks: Box<[ShardMark]>,
    log: Mutex<TopicLog>,
}

impl Topic {
    /// The log, locked: hold it briefly.
    pub(crate) fn log(&self) -> MutexGuard<'_, TopicLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores a message and gives its offset.
    ///
    /// # Errors
    /// [`HubError::Overloaded`] for a reliable topic whose shards lag.
    pub(crate) fn store(&self, payload: &[u8], now: u64) -> Result<u64, HubError> {
        let mut log = self.log();
        let floor = match self.class {
            Class::Reliable => {
                self.marks.iter().map(|mark| mark.seen.load(Ordering::Acquire)).min().unwrap_or(NOT_INTERESTED)
            }
            Class::Buffered | Class::LastValue => NOT_INTERESTED,
        };
        let (frame, span) = self.frame(log.next(), payload, Note::None);
        log.push(frame, span, now, floor)
            .map_err(|full| HubError::Overloaded { topic: self.name.to_string(), held: full.held })
    }

    /// The frame of a message, and where the payload lies in it.
    pub(crate) fn frame(&self, offset: u64, payload: &[u8], note: Note) -> (Bytes, (u32, u32)) {
        let mut body = Vec::new();
        if self.framing == Framing::Envelope {
            body.reserve(self.name.len() + 64);
            body.extend_from_slice(b"{\"topic\":\"");
            body.extend_from_slice(self.name.as_bytes());
            body.extend_from_slice(b"\",\"offset\":");
            decimal(&mut body, offset);
            match note {
                Note::None => {}
                Note::Snapshot => body.extend_from_slice(b",\"snapshot\":true"),
                Note::Skipped(count) => {
                    body.extend_from_slice(b",\"skipped\":");
                    decimal(&mut body, count);
                }
            }
            body.extend_from_slice(b",\"data\":");
        }
        let tail: &[u8] = if self.framing == Framing::Envelope { b"}" } else { b"" };
        let length = body.len() + payload.len() + tail.len();
        let mut frame = BytesMut::with_capacity(length + 10);
        text_header(&mut frame, length);
        frame.put_slice(&body);
        let from = frame.len();
        frame.put_slice(payload);
        let to = frame.len();
        frame.put_slice(tail);
        let span = (u32::try_from(from).unwrap_or(u32::MAX), u32::try_from(to).unwrap_or(u32::MAX));
        (frame.freeze(), span)
    }

    /// The record that tells a reader which messages it will not get.
    pub(crate) fn gap(&self, from: u64, to: u64) -> Bytes {
        let name = &self.name;
        text_frame(format!("{{\"topic\":\"{name}\",\"gap\":[{from},{to}],\"policy\":\"conflated\"}}").as_bytes())
    }

    /// Counts of all shards.
    pub(crate) fn tally(&self) -> Tally {
        let mut sum = Tally::default();
        for mark in &self.marks {
            sum.add(mark.tally.read());
        }
        sum
    }
}

/// What a data record says besides its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Note {
    /// Nothing.
    None,
    /// The last value, sent because of a subscription.
    Snapshot,
    /// This message stands for so many older ones too.
    Skipped(u64),
}

/// Appends a number in decimal without allocating.
fn decimal(out: &mut Vec<u8>, mut number: u64) {
    let start = out.len();
    loop {
        out.push(b'0' + u8::try_from(number % 10).unwrap_or(0));
        number /= 10;
        if number == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(start..) {
        digits.reverse();
    }
}

/// The header of an unmasked, final text frame.
fn text_header(frame: &mut BytesMut, length: usize) {
    frame.put_u8(0x81);
    if length < 126 {
        frame.put_u8(u8::try_from(length).unwrap_or(0));
    } else if let Ok(length) = u16::try_from(length) {
        frame.put_u8(126);
        frame.put_u16(length);
    } else {
        frame.put_u8(127);
        frame.put_u64(length as u64);
    }
}

/// An unmasked, final text frame.
pub(crate) fn text_frame(payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(payload.len() + 10);
    text_header(&mut frame, payload.len());
    frame.put_slice(payload);
    frame.freeze()
}

/// All topics by name and by number.
#[derive(Debug)]
pub(crate) struct Topics {
    shards: usize,
    most: usize,
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    by_name: HashMap<Box<str>, Arc<Topic>>,
    by_id: Vec<Arc<Topic>>,
}

impl Topics {
    pub(crate) fn new(shards: usize, most: usize) -> Self {
        Self { shards, most, inner: RwLock::default() }
    }

    /// A topic by name.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Topic>> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).by_name.get(name).cloned()
    }

    /// All topics, in the order they were made.
    pub(crate) fn all(&self) -> Vec<Arc<Topic>> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).by_id.clone()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).by_id.len()
    }

    /// Topics a pattern stands for.
    pub(crate) fn matching(&self, pattern: &str) -> Vec<Arc<Topic>> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.by_id.iter().filter(|topic| matches(pattern, &topic.name)).cloned().collect()
    }

    /// The topic of this name, made if need be; `made` is called under the lock, so that every shard hears of a topic
    /// before its first message. Shards that `awaited` it hold its first messages back from the start.
    ///
    /// # Errors
    /// A bad name or one topic too many.
    pub(crate) fn get_or_make(
        &self,
        name: &str,
        (class, framing, bounds): (Class, Framing, Bounds),
        awaited: impl Fn(usize) -> bool,
        made: impl FnOnce(&Arc<Topic>),
    ) -> Result<Arc<Topic>, HubError> {
        if let Some(topic) = self.get(name) {
            return Ok(topic);
        }
        check_name(name).map_err(|reason| HubError::TopicName { name: name.chars().take(64).collect(), reason })?;
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(topic) = inner.by_name.get(name) {
            return Ok(Arc::clone(topic));
        }
        let id = u32::try_from(inner.by_id.len()).unwrap_or(u32::MAX);
        if inner.by_id.len() >= self.most || id == u32::MAX {
            return Err(HubError::TooManyTopics { most: self.most });
        }
        let mark = |shard| ShardMark {
            dirty: AtomicBool::new(false),
            seen: AtomicU64::new(if awaited(shard) { 0 } else { NOT_INTERESTED }),
            tally: AtomicTally::default(),
        };
        let marks = (0..self.shards).map(mark).collect();
        let log = Mutex::new(TopicLog::new(bounds));
        let topic = Arc::new(Topic { id, name: name.into(), class, framing, marks, log });
        inner.by_name.insert(name.into(), Arc::clone(&topic));
        inner.by_id.push(Arc::clone(&topic));
        made(&topic);
        Ok(topic)
    }
}
