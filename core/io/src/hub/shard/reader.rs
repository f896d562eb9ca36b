//! The one task of a connection: request head, upgrade, then messages until the end.
//!
//! An idle connection holds its decoder's small state and no buffer: all connections of a shard read into one.
use std::cell::RefCell;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::rc::{Rc, Weak};
use std::sync::Arc;

use bytes::BytesMut;

use super::Shard;
use super::bench::bench_verdict;
use super::conn::{Conn, ConnId, Mode, Phase};
use super::turn::SHARED_WINDOW;
use crate::hub::gate::{Admission, Inbound, Verdict};
use crate::hub::metrics;
use crate::hub::protocol::{SUBPROTOCOL, error};
use crate::hub::shared::nanos;
use crate::hub::transport::Transport;
use crate::ws::{
    CloseCode, Compressor, Decoder, DeflatePolicy, Limits, Message, OpCode, Rejection, Request, RequestLimits,
    RequestParser, Role, Upgrade, encode, encode_close,
};

/// Size of the buffer all connections of a shard read into.
const READ_BYTES: usize = 64 << 10;
/// Reads of one connection before the others get their turn.
const READS: usize = 8;

/// What the reading task does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Wait for bytes.
    Wait,
    /// Let the others run, then read on.
    Yield,
    /// Answers wait: read on when the socket takes them.
    Hold,
    /// The connection is gone.
    End,
}

impl Shard {
    /// Takes an accepted socket in.
    pub(super) fn connect(&mut self, socket: TcpStream, peer: SocketAddr) {
        let made = tokio::net::TcpStream::from_std(socket)
            .and_then(|tcp| Transport::new(tcp, self.shared.config.tls.as_ref()));
        let (Ok(transport), None) = (made.map(Rc::new), self.draining) else {
            sub!(self.shared.counters.connections, 1);
            self.shared.config.gate.left(peer);
            return;
        };
        let now = self.shared.now();
        let deadline = now + nanos(self.shared.config.handshake_timeout);
        let me = Weak::clone(&self.me);
        let id = self.conns.insert(|id| Conn {
            serial: id.serial,
            phase: Phase::Handshake,
            deflate: false,
            close_code: CloseCode::ABNORMAL,
            finish: false,
            mode: Mode::Protocol,
            reader: Some(tokio::task::spawn_local(read_connection(me, id, Rc::clone(&transport), peer)).abort_handle()),
            transport,
            out: None,
            subs: Vec::new(),
            wanted: Vec::new(),
            offered: None,
            session: None,
            peer,
            heard: now,
            pinged: 0,
            deadline,
            check_at: u64::MAX,
            timer_at: u64::MAX,
        });
        self.arm(id, deadline);
    }

    /// Judges a request head: a decoder for what follows, or `None` when another answer was given.
    fn upgrade(&mut self, id: ConnId, peer: SocketAddr, request: &Request) -> Option<Decoder> {
        let now = self.shared.now();
        let gate = Arc::clone(&self.shared.config.gate);
        if !request.is_upgrade()
            && let Some(answer) = metrics::answer(&self.shared, peer, request)
        {
            match answer {
                Ok(answer) => self.respond(id, answer),
                Err(rejection) => self.reject(id, rejection),
            }
            return None;
        }
        let admitted = Upgrade::check(request).and_then(|upgrade| Ok((gate.upgrade(peer, request, now)?, upgrade)));
        let (Admission { mut session, subprotocol }, upgrade) = match admitted {
            Ok(admitted) => admitted,
            Err(rejection) => {
                self.reject(id, rejection);
                return None;
            }
        };
        let topic = request.parameter("topic");
        let bench = self.shared.config.bench.then(|| self.bench_mode(&request.path, topic)).flatten();
        let may = match (&bench, session.as_mut()) {
            (Some(mode), Some(session)) => bench_verdict(mode, session.as_mut(), now),
            _ => Verdict::Allow,
        };
        if may != Verdict::Allow {
            self.reject(id, Rejection::Forbidden("the bench endpoints need a token that reads and writes bench"));
            return None;
        }
        let policy = self.shared.config.deflate.then(DeflatePolicy::default);
        let protocol = subprotocol
            .as_deref()
            .or_else(|| upgrade.protocols.iter().find(|offer| offer.as_str() == SUBPROTOCOL).map(String::as_str));
        let accepted = upgrade.accept(protocol, policy.as_ref());
        let deflate = accepted.deflate;
        let joins = matches!(bench, Some(Mode::BenchSub(_)));
        let echoes = matches!(bench, Some(Mode::Echo(_)));
        let mode = match bench.unwrap_or(Mode::Protocol) {
            Mode::Echo(_) => Mode::Echo(deflate.map(|deflate| Box::new(Compressor::new(Role::Server, &deflate, 1)))),
            mode => mode,
        };
        let conn = self.conns.get_mut(id)?;
        conn.phase = Phase::Open;
        conn.heard = now;
        conn.deflate = deflate.is_some_and(|agreed| agreed.can_share(SHARED_WINDOW));
        conn.check_at = session.as_ref().map_or(u64::MAX, |session| session.next_check(now));
        conn.session = session;
        conn.mode = mode;
        self.deflating += usize::from(conn.deflate);
        add!(self.shared.counters.open, 1);
        add!(self.shared.counters.opened, 1);
        self.enqueue(id, accepted.response.into());
        if joins {
            self.bench_join(id, topic);
        }
        self.first_ping(id, now);
        // Conformance suites send 16 MiB, and 4 MiB in pieces of 64 bytes.
        let limits = if echoes {
            Limits { max_message: 64 << 20, max_fragments: 1 << 17 }
        } else {
            Limits { max_message: self.shared.config.max_message, ..Limits::default() }
        };
        Some(Decoder::new(Role::Server, limits, deflate))
    }

    /// Peers that came together are not pinged together.
    fn first_ping(&mut self, id: ConnId, now: u64) {
        let interval = nanos(self.shared.config.ping_interval);
        let early = (u64::from(id.serial.wrapping_mul(2_654_435_761)) * ((interval / 2) >> 16)) >> 16;
        if let Some(conn) = self.conns.get_mut(id) {
            conn.heard = now.saturating_sub(early);
            conn.timer_at = u64::MAX;
        }
        self.rearm(id);
    }

    fn reject(&mut self, id: ConnId, rejection: Rejection) {
        add!(self.shared.counters.refused_handshake, 1);
        self.respond(id, rejection.to_bytes());
    }

    /// Gives an HTTP answer and ends.
    fn respond(&mut self, id: ConnId, answer: Vec<u8>) {
        self.enqueue(id, answer.into());
        self.finish(id);
    }

    /// Reads what is there and acts on it.
    fn read(&mut self, id: ConnId, decoder: &mut Decoder) -> Next {
        let mut buffer = std::mem::take(&mut self.read_buffer);
        let mut next = Next::Yield;
        let most_answers = self.shared.config.max_control_pending;
        for _ in 0..READS {
            let Some(conn) = self.conns.get_mut(id) else {
                next = Next::End;
                break;
            };
            if conn.out.as_ref().is_some_and(|out| out.control_bytes > most_answers) {
                next = Next::Hold;
                break;
            }
            buffer.clear();
            buffer.reserve(READ_BYTES);
            match conn.transport.try_read(&mut buffer) {
                Ok(0) => {
                    self.remove(id);
                    next = Next::End;
                }
                Ok(read) => {
                    self.bytes_in += read as u64;
                    conn.heard = self.shared.now();
                    conn.pinged = 0;
                    self.messages(id, decoder, &mut buffer);
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => next = Next::Wait,
                Err(_) => {
                    self.remove(id);
                    next = Next::End;
                }
            }
            break;
        }
        buffer.clear();
        if buffer.capacity() <= 2 * READ_BYTES {
            self.read_buffer = buffer;
        }
        self.report();
        next
    }

    /// Takes whole messages out of what was read.
    fn messages(&mut self, id: ConnId, decoder: &mut Decoder, input: &mut BytesMut) {
        loop {
            match decoder.next_message(input) {
                Ok(None) => return,
                Ok(Some(message)) => self.message(id, message),
                Err(wrong) => {
                    // Told once; whatever else a closing peer sends is thrown away.
                    if self.conns.get(id).is_some_and(|conn| conn.phase == Phase::Open) {
                        add!(self.shared.counters.protocol_errors, 1);
                        self.close(id, wrong.code.0, wrong.reason);
                    }
                    input.clear();
                    return;
                }
            }
        }
    }

    fn message(&mut self, id: ConnId, message: Message) {
        let now = self.shared.now();
        let Some(conn) = self.conns.get_mut(id) else { return };
        let (kind, length) = match &message {
            Message::Text(bytes) | Message::Binary(bytes) => (Inbound::Message, bytes.len()),
            Message::Ping(bytes) | Message::Pong(bytes) => (Inbound::Control, bytes.len()),
            Message::Close(_) => return self.peer_closes(id, &message),
        };
        if conn.phase != Phase::Open {
            return;
        }
        let verdict = conn.session.as_mut().map_or(Verdict::Allow, |session| session.inbound(kind, length, now));
        match verdict {
            Verdict::Allow => {}
            Verdict::Deny { code, message } => return self.enqueue(id, error(None, code, &message)),
            Verdict::Close { code, reason } => return self.close(id, code, reason),
        }
        if kind == Inbound::Message {
            self.messages_in += 1;
        }
        match message {
            Message::Ping(payload) => self.pong(id, &payload),
            Message::Text(payload) => self.text(id, OpCode::Text, &payload),
            Message::Binary(payload) => self.text(id, OpCode::Binary, &payload),
            Message::Pong(_) | Message::Close(_) => {}
        }
    }

    fn text(&mut self, id: ConnId, opcode: OpCode, payload: &bytes::Bytes) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        match &mut conn.mode {
            Mode::Echo(compressor) => {
                let mut frame = Vec::with_capacity(payload.len() + 10);
                match compressor {
                    Some(compressor) => compressor.encode(&mut frame, opcode, payload, None),
                    None => encode(&mut frame, opcode, true, false, payload, None),
                }
                self.enqueue(id, frame.into());
            }
            Mode::BenchPub(topic) => {
                let topic = topic.clone();
                self.bench_publish(topic, payload);
            }
            Mode::BenchSub(_) => self.bench_subscribe(id, payload),
            Mode::Protocol if opcode == OpCode::Text => self.request(id, payload),
            Mode::Protocol => self.close(id, CloseCode::UNSUPPORTED.0, "deepalpha.v1 is text"),
        }
    }

    /// Answers a ping; of several that wait only the latest is answered.
    fn pong(&mut self, id: ConnId, payload: &[u8]) {
        let mut frame = Vec::with_capacity(payload.len() + 2);
        encode(&mut frame, OpCode::Pong, true, false, payload, None);
        match self.conns.get_mut(id).and_then(|conn| conn.out.as_mut()) {
            Some(out) => out.pong = Some(frame.into()),
            None => self.enqueue(id, frame.into()),
        }
    }

    /// The peer's close frame: the answer to ours, or to be answered.
    fn peer_closes(&mut self, id: ConnId, message: &Message) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        if conn.phase == Phase::Open {
            conn.phase = Phase::Closing;
            conn.deadline = self.shared.now() + nanos(self.shared.config.close_timeout);
            let deadline = conn.deadline;
            let code = match message {
                Message::Close(Some(frame)) => Some(frame.code),
                _ => None,
            };
            conn.close_code = code.unwrap_or(CloseCode::NONE);
            self.give_up_all(id);
            let mut frame = Vec::new();
            encode_close(&mut frame, code, "", None);
            self.enqueue(id, frame.into());
            self.arm(id, deadline);
        }
        self.finish(id);
    }
}

/// Reads one connection from its first byte to its last.
async fn read_connection(shard: Weak<RefCell<Shard>>, id: ConnId, transport: Rc<Transport>, peer: SocketAddr) {
    let Some(mut decoder) = shake_hands(&shard, id, &transport, peer).await else {
        return discard(&shard, id, &transport).await;
    };
    loop {
        let next = match shard.upgrade() {
            Some(shard) => shard.borrow_mut().read(id, &mut decoder),
            None => return,
        };
        match next {
            Next::End => return,
            Next::Yield => tokio::task::yield_now().await,
            Next::Wait => {
                if transport.readable().await.is_err() {
                    return gone(&shard, id);
                }
            }
            Next::Hold => {
                if transport.writable().await.is_err() {
                    return gone(&shard, id);
                }
                // The writer waits for the same socket: it goes first.
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Reads the request head and answers it.
async fn shake_hands(
    shard: &Weak<RefCell<Shard>>,
    id: ConnId,
    transport: &Transport,
    peer: SocketAddr,
) -> Option<Decoder> {
    let mut parser = RequestParser::new(RequestLimits::default());
    let mut input = BytesMut::new();
    loop {
        if transport.readable().await.is_err() {
            gone(shard, id);
            return None;
        }
        input.reserve(1_024);
        match transport.try_read(&mut input) {
            Ok(0) => {
                gone(shard, id);
                return None;
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(_) => {
                gone(shard, id);
                return None;
            }
        }
        let shard = shard.upgrade()?;
        let mut shard = shard.borrow_mut();
        match parser.parse(&mut input) {
            Ok(None) => {}
            Ok(Some(request)) => {
                let mut decoder = shard.upgrade(id, peer, &request)?;
                shard.messages(id, &mut decoder, &mut input);
                return Some(decoder);
            }
            Err(rejection) => {
                shard.reject(id, rejection);
                return None;
            }
        }
    }
}

/// Throws away what a refused peer still sends, so that it can read the answer; the handshake deadline ends it.
async fn discard(shard: &Weak<RefCell<Shard>>, id: ConnId, transport: &Transport) {
    let mut input = BytesMut::new();
    loop {
        input.clear();
        input.reserve(1_024);
        match transport.try_read(&mut input) {
            Ok(read) if read > 0 => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if transport.readable().await.is_err() {
                    return gone(shard, id);
                }
            }
            _ => return gone(shard, id),
        }
    }
}

fn gone(shard: &Weak<RefCell<Shard>>, id: ConnId) {
    if let Some(shard) = shard.upgrade() {
        shard.borrow_mut().remove(id);
    }
}
