//! Connections of one shard, and what each holds.
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::AbortHandle;

use crate::hub::gate::Session;
use crate::hub::protocol::{Filter, GoOn};
use crate::hub::topic::Topic;
use crate::hub::transport::Transport;
use crate::ws::{CloseCode, Compressor};

/// Names one connection for as long as it lives; a slot that is used again has another serial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ConnId {
    pub(super) index: u32,
    pub(super) serial: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The request head is not complete.
    Handshake,
    /// A WebSocket.
    Open,
    /// Our close frame (or HTTP refusal) is on its way; nothing but the end is expected.
    Closing,
}

/// What a connection's messages mean.
pub(super) enum Mode {
    /// `deepalpha.v1`.
    Protocol,
    /// Every message goes back, compressed when that was agreed: conformance suites measure it.
    Echo(Option<Box<Compressor>>),
    /// A reader of the bench; `true`: still on the topic that gets everything.
    BenchSub(bool),
    /// Text is published as it is, to this topic or to the one the text names.
    BenchPub(Option<Arc<Topic>>),
}

/// Where a subscription lies in its topic's list.
#[derive(Debug, Clone, Copy)]
pub(super) struct SubRef {
    pub(super) topic: u32,
    pub(super) position: u32,
}

/// A wildcard, or the name of a topic nobody has made yet.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) pattern: String,
    pub(super) filter: Filter,
}

/// Offsets a peer told; behind one pointer, as hardly a connection ever has them.
#[derive(Default)]
pub(super) struct Offered {
    pub(super) by_topic: HashMap<u32, GoOn>,
}

pub(super) struct Conn {
    pub(super) serial: u32,
    pub(super) phase: Phase,
    /// Takes compressed frames.
    pub(super) deflate: bool,
    /// Code of the first close frame, sent or received; [`CloseCode::ABNORMAL`] while there was none.
    pub(super) close_code: CloseCode,
    /// To be removed as soon as everything is written.
    pub(super) finish: bool,
    pub(super) mode: Mode,
    pub(super) transport: Rc<Transport>,
    pub(super) reader: Option<AbortHandle>,
    /// There while the socket is full (or something waits for it).
    pub(super) out: Option<Box<Out>>,
    pub(super) subs: Vec<SubRef>,
    pub(super) wanted: Vec<Wanted>,
    /// Where the next subscribe goes on, by topic: told beforehand, as one message does not hold it.
    pub(super) offered: Option<Box<Offered>>,
    pub(super) session: Option<Box<dyn Session>>,
    pub(super) peer: SocketAddr,
    /// Last sign of life.
    pub(super) heard: u64,
    /// When the unanswered ping went out; 0: none.
    pub(super) pinged: u64,
    /// End of the handshake or of the close.
    pub(super) deadline: u64,
    /// When the session wants to be asked; `u64::MAX`: never.
    pub(super) check_at: u64,
    /// The one timer entry that counts.
    pub(super) timer_at: u64,
}

/// What waits for a full socket.
#[derive(Default)]
pub(super) struct Out {
    /// The rest of a frame whose beginning is written; nothing else may go before it.
    pub(super) partial: Option<Partial>,
    /// Answers and control frames.
    pub(super) control: VecDeque<Bytes>,
    pub(super) control_bytes: usize,
    /// The answer to the latest ping only.
    pub(super) pong: Option<Bytes>,
    /// Which subscription is looked at next: each gets its turn.
    pub(super) turn: usize,
    /// The task that waits for the socket.
    pub(super) writer: Option<AbortHandle>,
}

pub(super) struct Partial {
    pub(super) bytes: Bytes,
    /// Counted as delivered to this topic when it is out.
    pub(super) topic: Option<u32>,
}

impl Out {
    /// Bytes held here.
    pub(super) fn held(&self) -> usize {
        let partial = self.partial.as_ref().map_or(0, |partial| partial.bytes.len());
        partial + self.control_bytes + self.pong.as_ref().map_or(0, Bytes::len)
    }

    pub(super) fn push(&mut self, frame: Bytes) {
        self.control_bytes += frame.len();
        self.control.push_back(frame);
    }

    /// The next frame that is not data.
    pub(super) fn pop(&mut self) -> Option<Bytes> {
        if let Some(frame) = self.control.pop_front() {
            self.control_bytes -= frame.len();
            return Some(frame);
        }
        self.pong.take()
    }
}

/// Dense storage of connections; a freed slot is used again.
#[derive(Default)]
pub(super) struct Conns {
    slots: Vec<Option<Conn>>,
    free: Vec<u32>,
    serial: u32,
    live: usize,
}

impl Conns {
    pub(super) fn len(&self) -> usize {
        self.live
    }

    /// Puts a connection in; `make` learns its name.
    pub(super) fn insert(&mut self, make: impl FnOnce(ConnId) -> Conn) -> ConnId {
        self.serial = self.serial.wrapping_add(1);
        self.live += 1;
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        let id = ConnId { index, serial: self.serial };
        if let Some(slot) = self.slots.get_mut(index as usize) {
            *slot = Some(make(id));
        }
        id
    }

    pub(super) fn get_mut(&mut self, id: ConnId) -> Option<&mut Conn> {
        self.at_mut(id.index).filter(|conn| conn.serial == id.serial)
    }

    pub(super) fn get(&self, id: ConnId) -> Option<&Conn> {
        self.slots.get(id.index as usize)?.as_ref().filter(|conn| conn.serial == id.serial)
    }

    /// The connection in a slot.
    pub(super) fn at_mut(&mut self, index: u32) -> Option<&mut Conn> {
        self.slots.get_mut(index as usize)?.as_mut()
    }

    pub(super) fn take(&mut self, id: ConnId) -> Option<Conn> {
        self.get(id)?;
        let conn = self.slots.get_mut(id.index as usize)?.take()?;
        self.free.push(id.index);
        self.live -= 1;
        Some(conn)
    }

    pub(super) fn ids(&self) -> Vec<ConnId> {
        let each = self.slots.iter().enumerate();
        each.filter_map(|(index, slot)| {
            let index = u32::try_from(index).ok()?;
            slot.as_ref().map(|conn| ConnId { index, serial: conn.serial })
        })
        .collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Conn> {
        self.slots.iter().flatten()
    }
}
