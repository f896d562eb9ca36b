//! A small blocking WebSocket client whose every wait ends at a deadline; and a hub with keys to point it at.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::BytesMut;
use deepalpha_io::hub::access::guard::{AccessConfig, AccessGate, Authentication};
use deepalpha_io::hub::access::jws::{Key, KeySet};
use deepalpha_io::hub::access::jwt::{Claims, Expectations};
use deepalpha_io::hub::access::limits::Limits;
use deepalpha_io::hub::access::roles::RoleTable;
use deepalpha_io::hub::{Hub, HubConfig};
use deepalpha_io::ws::{Decoder, Limits as FrameLimits, Message, OpCode, Role, encode};

/// Longer than anything here takes on a busy machine; only a failing test waits so long.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

pub(crate) fn key() -> Key {
    Key::hs256(None, b"0123456789abcdef0123456789abcdef").expect("key")
}

pub(crate) fn now_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("fits")
}

pub(crate) fn token(lifetime: i64, roles: &[&str]) -> String {
    let roles = roles.iter().map(|&role| role.to_owned()).collect();
    let subject = Some("ann".to_owned());
    let claims = Claims { subject, expires_at_seconds: now_seconds() + lifetime, roles, ..Claims::default() };
    claims.issue(&key()).expect("signs")
}

pub(crate) fn authentication() -> Authentication {
    Authentication {
        keys: KeySet::new(vec![key()]).expect("keys"),
        expected: Expectations::default(),
        roles: RoleTable::standard(),
    }
}

pub(crate) fn start(gate: Arc<AccessGate>, config: HubConfig) -> Hub {
    Hub::start(HubConfig { gate, ..config }).expect("starts")
}

/// A hub that asks for tokens.
pub(crate) fn guarded(limits: Limits, config: HubConfig) -> (Hub, Arc<AccessGate>) {
    let access = AccessConfig { authentication: Some(authentication()), limits, ..AccessConfig::default() };
    let gate = AccessGate::new(access, config.address).expect("gate");
    (start(Arc::clone(&gate), config), gate)
}

/// A hub that asks nobody but counts.
pub(crate) fn open(limits: Limits, config: HubConfig) -> Hub {
    let access = AccessConfig { limits, ..AccessConfig::default() };
    start(AccessGate::new(access, config.address).expect("gate"), config)
}

pub(crate) fn socket(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect_timeout(&address, DEADLINE).expect("connects");
    socket.set_read_timeout(Some(DEADLINE)).expect("deadline");
    socket.set_write_timeout(Some(DEADLINE)).expect("deadline");
    socket.set_nodelay(true).expect("nodelay");
    socket
}

pub(crate) fn upgrade_request(headers: &str) -> String {
    format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
}

/// Everything the hub answers to a request until it closes.
pub(crate) fn answer_to(address: SocketAddr, request: &str) -> String {
    let mut socket = socket(address);
    // The hub may refuse before the request is written.
    let _refused = socket.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _end = socket.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

pub(crate) fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

pub(crate) struct Client {
    stream: Box<dyn Stream>,
    input: BytesMut,
    decoder: Decoder,
    /// The answer to the upgrade.
    pub(crate) head: String,
}

impl Client {
    /// Upgrades, or gives the hub's refusal (head and what follows).
    pub(crate) fn try_over(stream: Box<dyn Stream>, headers: &str) -> Result<Self, String> {
        Self::try_request(stream, &upgrade_request(headers))
    }

    /// The same with a request of its own.
    pub(crate) fn try_request(mut stream: Box<dyn Stream>, request: &str) -> Result<Self, String> {
        stream.write_all(request.as_bytes()).map_err(|error| error.to_string())?;
        let mut input = BytesMut::new();
        let head_end = loop {
            if let Some(end) = input.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            match read_some(&mut stream, &mut input) {
                Ok(0) => return Err(String::from_utf8_lossy(&input).into_owned()),
                Ok(_) => {}
                Err(error) => return Err(format!("{error}: {}", String::from_utf8_lossy(&input))),
            }
        };
        let head = String::from_utf8_lossy(&input.split_to(head_end)).into_owned();
        if !head.starts_with("HTTP/1.1 101 ") {
            return Err(head);
        }
        let decoder = Decoder::new(Role::Client, FrameLimits::default(), None);
        Ok(Self { stream, input, decoder, head })
    }

    pub(crate) fn try_connect(address: SocketAddr, headers: &str) -> Result<Self, String> {
        Self::try_over(Box::new(socket(address)), headers)
    }

    pub(crate) fn connect(address: SocketAddr, headers: &str) -> Self {
        Self::try_connect(address, headers).expect("upgraded")
    }

    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    pub(crate) fn send(&mut self, text: &str) -> io::Result<()> {
        let mut frame = Vec::new();
        encode(&mut frame, OpCode::Text, true, false, text.as_bytes(), Some([1, 2, 3, 4]));
        self.send_bytes(&frame)
    }

    /// The next message, `None` at the end of the connection.
    pub(crate) fn next(&mut self) -> Option<Message> {
        loop {
            if let Some(message) = self.decoder.next_message(&mut self.input).expect("the hub keeps the rules") {
                return Some(message);
            }
            if !matches!(read_some(&mut self.stream, &mut self.input), Ok(1..)) {
                return None;
            }
        }
    }

    /// The next text; stops at a close or the end.
    pub(crate) fn text(&mut self) -> String {
        loop {
            match self.next() {
                Some(Message::Text(text)) => return String::from_utf8_lossy(&text).into_owned(),
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                other => return format!("no text but {other:?}"),
            }
        }
    }

    /// Reads until the close frame: its code, its reason and the texts before it.
    pub(crate) fn closed(&mut self) -> (u16, String, Vec<String>) {
        let mut texts = Vec::new();
        loop {
            match self.next() {
                Some(Message::Close(Some(close))) => return (close.code.0, close.reason, texts),
                Some(Message::Close(None)) => return (1005, String::new(), texts),
                Some(Message::Text(text)) => texts.push(String::from_utf8_lossy(&text).into_owned()),
                Some(_) => {}
                None => return (1006, String::new(), texts),
            }
        }
    }
}

fn read_some(stream: &mut Box<dyn Stream>, input: &mut BytesMut) -> io::Result<usize> {
    let mut buffer = [0_u8; 16 * 1024];
    let count = stream.read(&mut buffer)?;
    input.extend_from_slice(buffer.get(..count).unwrap_or_default());
    Ok(count)
}
