//! One thread, its connections and its view of the topics.
//!
//! # Layout
//! - `conn`: what a connection holds; `reader`: the task that reads it; `requests`: what its messages ask.
//! - `turn`: new messages to everybody who keeps up; `catch_up`: cursors for those who do not.
//! - `subscriptions`: who gets what; `timers`: heartbeats, deadlines, throttles.
//!
//! Everything of a shard lives on its thread and is borrowed only between awaits. Invariants: a subscription's cursor is
//! `CURRENT` or below `head`; a connection with a cursor behind, an answer or a cut frame waiting has `out`, and then
//! nothing bypasses it; `sent = delivered + conflated + dropped + waiting` holds between any two calls.

/// Adds to a counter of the hub.
macro_rules! add {
    ($counter:expr, $amount:expr) => {
        $counter.fetch_add($amount, std::sync::atomic::Ordering::Relaxed)
    };
}
/// Subtracts from a gauge of the hub.
macro_rules! sub {
    ($counter:expr, $amount:expr) => {
        $counter.fetch_sub($amount, std::sync::atomic::Ordering::Relaxed)
    };
}

mod bench;
mod catch_up;
mod conn;
mod reader;
mod requests;
mod subscriptions;
mod timers;
mod turn;

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::ErrorKind;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::{Bytes, BytesMut};
use tokio::task::LocalSet;

use super::log::Tally;
use super::shared::{Audit, Command, Inbox, Queue, Shared, nanos};
use super::topic::Topic;
use crate::ws::{CloseCode, encode_close};
use catch_up::Progress;
use conn::{ConnId, Conns, Out, Partial, Phase};
use subscriptions::{CURRENT, ShardTopic};
use timers::Timers;

/// Close code of a reliable reader that cannot keep up.
const SLOW: u16 = 4008;

/// The state of one shard's thread.
pub(crate) struct Shard {
    me: Weak<RefCell<Self>>,
    index: usize,
    shared: Arc<Shared>,
    conns: Conns,
    topics: Vec<Option<ShardTopic>>,
    /// Connections by the wildcard (or the name nobody has made yet) they want.
    wanted: HashMap<Box<str>, Vec<ConnId>>,
    timers: Timers,
    /// Topics with messages left from the last turn.
    again: Vec<u32>,
    read_buffer: BytesMut,
    compressor: Option<crate::ws::Compressor>,
    /// Connections that take compressed frames.
    deflating: usize,
    draining: Option<u64>,
    tick_ns: u64,
    /// When the loop meant to wake at the latest.
    planned: u64,
    trust_silence_from: u64,
    bytes_out: u64,
    bytes_in: u64,
    messages_in: u64,
    snapshots: u64,
}

/// Runs a shard until it is drained; the thread's whole life.
pub(crate) fn run(shared: &Arc<Shared>, index: usize, runtime: &tokio::runtime::Runtime) {
    let Some(inbox) = shared.inboxes.get(index) else { return };
    let shard = Rc::new_cyclic(|me| RefCell::new(Shard::new(Weak::clone(me), index, Arc::clone(shared))));
    let local = LocalSet::new();
    local.block_on(runtime, serve(&shard, inbox));
    // Tasks hold the sockets; dropping them closes what is left.
    shard.borrow_mut().end();
}

async fn serve(shard: &Rc<RefCell<Shard>>, inbox: &Inbox) {
    let mut queue = Queue::default();
    let mut again = false;
    loop {
        if !again {
            let wake = shard.borrow_mut().plan_tick();
            let shared = Arc::clone(&shard.borrow().shared);
            match wake {
                None => inbox.wait().await,
                Some(at) => {
                    let _ = tokio::time::timeout_at(shared.instant(at).into(), inbox.wait()).await;
                }
            }
        }
        // Sockets are polled once more before the turn: what a publisher sent together goes out together.
        tokio::task::yield_now().await;
        inbox.take(&mut queue);
        let mut shard = shard.borrow_mut();
        again = shard.turn(&mut queue);
        if shard.is_drained() {
            return;
        }
    }
}

impl Shard {
    fn new(me: Weak<RefCell<Self>>, index: usize, shared: Arc<Shared>) -> Self {
        let config = &shared.config;
        let shortest = config.ping_interval.min(config.pong_timeout);
        let shortest = shortest.min(config.handshake_timeout).min(config.close_timeout);
        Self {
            me,
            index,
            conns: Conns::default(),
            topics: Vec::new(),
            wanted: HashMap::new(),
            timers: Timers::default(),
            again: Vec::new(),
            read_buffer: BytesMut::new(),
            compressor: None,
            deflating: 0,
            draining: None,
            tick_ns: timers::tick_length(shortest),
            planned: u64::MAX,
            trust_silence_from: 0,
            bytes_out: 0,
            bytes_in: 0,
            messages_in: 0,
            snapshots: 0,
            shared,
        }
    }

    /// Does all that waits; `true` when some is left for another turn.
    fn turn(&mut self, queue: &mut Queue) -> bool {
        for command in queue.commands.drain(..) {
            match command {
                Command::Connect(socket, peer) => self.connect(socket, peer),
                Command::Topic(topic) => self.topic_made(&topic),
                Command::Drain(deadline) => self.drain(deadline),
                Command::Audit(answer) => {
                    let _ = answer.try_send(self.audit());
                }
            }
        }
        let mut dirty = std::mem::take(&mut self.again);
        for id in queue.dirty.drain(..) {
            if let Some(Some(entry)) = self.topics.get(id as usize)
                && let Some(mark) = entry.topic.marks.get(self.index)
            {
                // Before the log is read: a message stored after this marks the topic anew.
                mark.dirty.swap(false, Ordering::AcqRel);
            }
            dirty.push(id);
        }
        dirty.sort_unstable();
        dirty.dedup();
        for id in dirty {
            self.deliver(id);
        }
        self.tick();
        self.report();
        !self.again.is_empty()
    }

    /// Adds what was counted since the last turn to the hub's counters.
    fn report(&mut self) {
        let counters = &self.shared.counters;
        for (counter, count) in [
            (&counters.bytes_out, &mut self.bytes_out),
            (&counters.bytes_in, &mut self.bytes_in),
            (&counters.messages_in, &mut self.messages_in),
            (&counters.snapshots, &mut self.snapshots),
        ] {
            if *count > 0 {
                add!(counter, std::mem::take(count));
            }
        }
    }

    /// Sends an answer or control frame, at once if nothing waits before it.
    fn enqueue(&mut self, id: ConnId, frame: Bytes) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        if let Some(out) = conn.out.as_mut() {
            out.push(frame);
            return;
        }
        let written = match conn.transport.try_write(&frame) {
            Ok(written) => written,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            // The reader meets the broken socket and removes the connection.
            Err(_) => return,
        };
        self.bytes_out += written as u64;
        let flushed = conn.transport.flush().is_ok_and(|flushed| flushed);
        if written < frame.len() || !flushed {
            let bytes = frame.slice(written.min(frame.len())..);
            let partial = (!bytes.is_empty()).then_some(Partial { bytes, topic: None });
            conn.out = Some(Box::new(Out { partial, ..Out::default() }));
            self.start_writer(id);
        }
    }

    /// Lets a task wait for a full socket.
    fn start_writer(&mut self, id: ConnId) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        let transport = Rc::clone(&conn.transport);
        if let Some(out) = conn.out.as_mut()
            && out.writer.is_none()
        {
            let shard = Weak::clone(&self.me);
            out.writer = Some(tokio::task::spawn_local(write_waiting(shard, id, transport)).abort_handle());
        }
    }

    /// Begins to close: subscriptions end now, the close frame goes after what is cut, the peer's answer is awaited.
    fn close(&mut self, id: ConnId, code: u16, reason: &str) {
        match self.conns.get_mut(id) {
            Some(conn) if conn.phase == Phase::Open => conn.phase = Phase::Closing,
            _ => return,
        }
        self.give_up_all(id);
        let deadline = self.shared.now() + nanos(self.shared.config.close_timeout);
        if let Some(conn) = self.conns.get_mut(id) {
            conn.deadline = deadline;
            conn.close_code = CloseCode(code);
        }
        let mut frame = Vec::new();
        encode_close(&mut frame, Some(CloseCode(code)), reason, None);
        self.enqueue(id, frame.into());
        self.arm(id, deadline);
    }

    fn close_slow(&mut self, id: ConnId) {
        if self.conns.get(id).is_some_and(|conn| conn.phase == Phase::Open) {
            add!(self.shared.counters.slow_closes, 1);
            self.close(id, SLOW, "too slow for a reliable topic; resume from the last offset");
        }
    }

    /// Ends a connection once everything is written.
    fn finish(&mut self, id: ConnId) {
        match self.conns.get_mut(id) {
            Some(conn) if conn.out.is_some() => conn.finish = true,
            Some(_) => self.remove(id),
            None => {}
        }
    }

    /// Ends a connection now; what it was still owed is dropped.
    fn remove(&mut self, id: ConnId) {
        self.give_up_all(id);
        let Some(mut conn) = self.conns.take(id) else { return };
        if let Some(out) = conn.out.take() {
            if let Some(topic) = out.partial.as_ref().and_then(|partial| partial.topic) {
                self.count(topic, Tally { dropped: 1, ..Tally::default() });
            }
            if let Some(writer) = out.writer {
                writer.abort();
            }
        }
        if let Some(reader) = conn.reader.take() {
            reader.abort();
        }
        self.deflating -= usize::from(conn.deflate);
        if !matches!(conn.phase, Phase::Handshake) {
            self.shared.closes.count(conn.close_code);
            sub!(self.shared.counters.open, 1);
        }
        sub!(self.shared.counters.connections, 1);
        self.shared.config.gate.left(conn.peer);
        if self.draining.is_some() {
            self.nudge();
        }
    }

    /// Counts for a topic at once (outside a turn's own sum).
    fn count(&mut self, topic: u32, tally: Tally) {
        if let Some(Some(entry)) = self.topics.get_mut(topic as usize) {
            entry.tally.add(tally);
        }
        self.settle(topic);
    }

    /// Publishes a topic's counts to the other threads.
    fn settle(&mut self, topic: u32) {
        if let Some(Some(entry)) = self.topics.get_mut(topic as usize) {
            let tally = std::mem::take(&mut entry.tally);
            if let Some(mark) = entry.topic.marks.get(self.index) {
                mark.tally.add(tally);
            }
        }
    }

    /// Begins to stop: every connection is flushed and closed with 1001.
    fn drain(&mut self, deadline: u64) {
        self.draining = Some(deadline);
        for id in 0..u32::try_from(self.topics.len()).unwrap_or(u32::MAX) {
            self.deliver(id);
        }
        for id in self.conns.ids() {
            self.drained(id);
        }
        // One entry without a connection, so that the loop wakes at the deadline.
        self.schedule(deadline, ConnId { index: u32::MAX, serial: 0 }, None);
    }

    /// While the hub stops: a connection that is owed nothing more on reliable topics is told to go.
    fn drained(&mut self, id: ConnId) {
        if self.draining.is_none() || !self.again.is_empty() {
            return;
        }
        let Some(conn) = self.conns.get(id) else { return };
        match conn.phase {
            Phase::Handshake => self.remove(id),
            Phase::Open if !self.owes_reliable(id) => {
                let spread = u64::try_from(self.shared.config.retry_spread.as_millis()).unwrap_or(u64::MAX);
                let retry = random().checked_rem(spread + 1).unwrap_or(0);
                self.close(id, CloseCode::GOING_AWAY.0, &format!("{{\"retry_after_ms\":{retry}}}"));
            }
            Phase::Open | Phase::Closing => {}
        }
    }

    /// Has a stopping shard nothing left to do, or no time?
    fn is_drained(&mut self) -> bool {
        let Some(deadline) = self.draining else { return false };
        if self.again.is_empty() && self.conns.len() > 0 && self.shared.now() < deadline {
            for id in self.conns.ids() {
                self.drained(id);
            }
        }
        self.conns.len() == 0 || self.shared.now() >= deadline
    }

    /// Drops every connection and counts what they were owed.
    fn end(&mut self) {
        for id in self.conns.ids() {
            self.remove(id);
        }
        self.report();
    }

    /// Walks all cursors.
    fn audit(&mut self) -> Audit {
        let mut audit = Audit { connections: self.conns.len() as u64, ..Audit::default() };
        for entry in self.topics.iter_mut().flatten() {
            audit.subscriptions += entry.subs.len() as u64;
            audit.waiting += entry.waiting();
            if let Some(mark) = entry.topic.marks.get(self.index) {
                let mut tally = mark.tally.read();
                tally.add(entry.tally);
                audit.tally.add(tally);
            }
        }
        for out in self.conns.iter().filter_map(|conn| conn.out.as_ref()) {
            audit.pending_bytes += out.held() as u64;
            audit.waiting += u64::from(out.partial.as_ref().is_some_and(|partial| partial.topic.is_some()));
        }
        audit
    }

    /// The shard's view of a topic, made if need be.
    fn entry(&mut self, topic: &Arc<Topic>) -> Option<&mut ShardTopic> {
        let index = topic.id as usize;
        if self.topics.len() <= index {
            self.topics.resize_with(index + 1, || None);
        }
        let slot = self.topics.get_mut(index)?;
        Some(slot.get_or_insert_with(|| ShardTopic::new(Arc::clone(topic), self.index)))
    }
}

/// Waits for a full socket and lets the connection catch up.
async fn write_waiting(shard: Weak<RefCell<Shard>>, id: ConnId, transport: Rc<super::transport::Transport>) {
    loop {
        if transport.writable().await.is_err() {
            return;
        }
        let Some(shard) = shard.upgrade() else { return };
        let progress = shard.borrow_mut().catch_up(id);
        shard.borrow_mut().report();
        match progress {
            Progress::Blocked => {}
            Progress::More => tokio::task::yield_now().await,
            Progress::Done | Progress::Gone | Progress::Slow => return,
        }
    }
}

/// A random number, for spreading retries.
fn random() -> u64 {
    let mut bytes = [0; 8];
    // Without randomness every peer gets the same hint: worse spread, nothing wrong.
    let _ = ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes);
    u64::from_ne_bytes(bytes)
}
