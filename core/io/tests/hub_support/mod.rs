//! A small blocking WebSocket client, written for these tests alone: it shares no code with the server.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use deepalpha_io::hub::{Audit, Hub};
use serde_json::Value;

/// How long a test waits for what must happen.
pub const DEADLINE: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Text(String),
    /// Compressed text, as it came.
    Packed(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16, String),
    End,
}

pub struct Client {
    pub socket: TcpStream,
    buffer: Vec<u8>,
    pub answer_pings: bool,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        Self::connect_to(address, "/", "")
    }

    pub fn connect_to(address: SocketAddr, path: &str, headers: &str) -> Self {
        let (client, head) = Self::request(address, path, headers);
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        client
    }

    /// Sends an upgrade request and reads the answer's head.
    pub fn request(address: SocketAddr, path: &str, headers: &str) -> (Self, String) {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: deepalpha.v1\r\n{headers}\r\n"
        );
        socket.write_all(request.as_bytes()).unwrap();
        let mut client = Self { socket, buffer: Vec::new(), answer_pings: true };
        let end = loop {
            if let Some(at) = client.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(client.fill().unwrap_or(0) > 0, "the server ended inside the head");
        };
        let rest = client.buffer.split_off(end);
        let head = String::from_utf8(std::mem::replace(&mut client.buffer, rest)).unwrap();
        (client, head)
    }

    fn fill(&mut self) -> std::io::Result<usize> {
        let mut chunk = [0; 65_536];
        let read = self.socket.read(&mut chunk)?;
        self.buffer.extend_from_slice(&chunk[..read]);
        Ok(read)
    }

    pub fn send(&mut self, text: &str) {
        self.send_frame(0x81, text.as_bytes());
    }

    pub fn send_frame(&mut self, first: u8, payload: &[u8]) {
        let mut frame = vec![first];
        if payload.len() < 126 {
            frame.push(0x80 | payload.len() as u8);
        } else {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&u16::try_from(payload.len()).unwrap().to_be_bytes());
        }
        let mask = [1, 2, 3, 4];
        frame.extend_from_slice(&mask);
        frame.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]));
        self.socket.write_all(&frame).unwrap();
    }

    fn parse(&mut self) -> Option<(u8, Vec<u8>)> {
        let buffer = &self.buffer;
        let short = usize::from(buffer.get(1)? & 0x7f);
        let (head, length) = match short {
            126 => (4, usize::from(u16::from_be_bytes(buffer.get(2..4)?.try_into().unwrap()))),
            127 => (10, u64::from_be_bytes(buffer.get(2..10)?.try_into().unwrap()) as usize),
            _ => (2, short),
        };
        assert_eq!(buffer[1] & 0x80, 0, "a server's frame is not masked");
        let payload = buffer.get(head..head + length)?.to_vec();
        let first = buffer[0];
        self.buffer.drain(..head + length);
        Some((first, payload))
    }

    /// The next frame; `None` when `within` passes without one.
    pub fn next_within(&mut self, within: Duration) -> Option<Event> {
        let end = Instant::now() + within;
        loop {
            if let Some((first, payload)) = self.parse() {
                return Some(match first {
                    0x81 => Event::Text(String::from_utf8(payload).unwrap()),
                    0xc1 => Event::Packed(payload),
                    0x89 => {
                        if self.answer_pings {
                            self.send_frame(0x8a, &payload);
                        }
                        Event::Ping(payload)
                    }
                    0x8a => Event::Pong(payload),
                    0x88 if payload.len() >= 2 => Event::Close(
                        u16::from_be_bytes([payload[0], payload[1]]),
                        String::from_utf8(payload[2..].to_vec()).unwrap(),
                    ),
                    0x88 => Event::Close(1005, String::new()),
                    other => panic!("first byte {other:#x}"),
                });
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            self.socket.set_read_timeout(Some(left)).unwrap();
            match self.fill() {
                Ok(0) => return Some(Event::End),
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return None,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Some(Event::End),
            }
        }
    }

    pub fn next(&mut self) -> Event {
        self.next_within(DEADLINE).expect("something comes before the deadline")
    }

    /// The next text, as JSON; pings are passed over.
    pub fn json(&mut self) -> Value {
        loop {
            match self.next() {
                Event::Text(text) => return serde_json::from_str(&text).unwrap(),
                Event::Ping(_) | Event::Pong(_) => {}
                other => panic!("expected text, got {other:?}"),
            }
        }
    }

    /// Subscribes and gives the answer.
    pub fn subscribe(&mut self, request: &str) -> Value {
        self.send(request);
        let answer = self.json();
        assert_eq!(answer["op"], "subscribed", "{answer}");
        answer
    }

    /// Reads on until the connection ends; the close code, if there was one.
    pub fn close_code(&mut self) -> Option<u16> {
        let mut code = None;
        loop {
            match self.next() {
                Event::Close(given, _) => {
                    code = Some(given);
                    self.send_frame(0x88, &given.to_be_bytes());
                }
                Event::End => return code,
                _ => {}
            }
        }
    }
}

/// Asks until the condition holds; gives the last value.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(value) = ask() {
            return value;
        }
        assert!(Instant::now() < end, "not before the deadline: {what}");
        std::thread::yield_now();
    }
}

/// Waits until every message is settled, and checks the identity on the way.
pub fn quiet(hub: &Hub) -> Audit {
    until("all messages are settled", || {
        let audit = hub.audit(DEADLINE).expect("the shards answer");
        let Audit { tally, waiting, .. } = audit;
        assert_eq!(tally.sent, tally.delivered + tally.conflated + tally.dropped + waiting, "{audit:?}");
        (waiting == 0).then_some(audit)
    })
}
