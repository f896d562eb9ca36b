//! The client's side of the opening handshake (RFC 6455 section 4.1), strict: what was not asked for is an error.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf, BytesMut};
use thiserror::Error;

use super::deflate::Deflate;
use super::handshake::accept_key;
use super::offer::{DeflateOffer, parse_extensions};
use super::request::{Headers, find_end, is_field_value, is_token};

/// The longest answer that is read.
const MAX_HEAD: usize = 16 * 1024;
const MAX_HEADERS: usize = 128;

/// Why an opening handshake failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpeningError {
    /// The server answered, but not with an upgrade.
    #[error("the server answered {status} instead of 101")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Seconds the server asks to wait, when it says so.
        retry_after_s: Option<u32>,
    },
    /// The answer breaks a rule.
    #[error("the server's handshake is wrong: {0}")]
    Wrong(&'static str),
    /// A header of ours cannot be sent.
    #[error("header {0:?} is not a token and a line of text")]
    Header(String),
}

/// What the server agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// One of the subprotocols that were offered.
    pub protocol: Option<String>,
    /// For the decoder and for compressing.
    pub deflate: Option<Deflate>,
}

/// One opening handshake.
#[derive(Clone, Debug)]
pub struct Opening {
    key: String,
    protocols: Vec<String>,
    deflate: bool,
    searched: usize,
}

impl Opening {
    /// With 16 random bytes, subprotocols (the dearest first), and whether compression is offered.
    #[must_use]
    pub fn new(nonce: [u8; 16], protocols: Vec<String>, deflate: bool) -> Self {
        Self { key: STANDARD.encode(nonce), protocols, deflate, searched: 0 }
    }

    /// The request for `target` (path and query) of `host` (with its port unless it is the usual one).
    ///
    /// # Errors
    /// A header that would break the request.
    pub fn request(&self, host: &str, target: &str, headers: &[(String, String)]) -> Result<Vec<u8>, OpeningError> {
        let mut out = format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n",
            self.key
        );
        let mut line = |name: &str, value: &str| {
            if name.is_empty() || !name.bytes().all(is_token) || !is_field_value(value) {
                return Err(OpeningError::Header(name.to_owned()));
            }
            out.extend([name, ": ", value, "\r\n"]);
            Ok(())
        };
        if !self.protocols.is_empty() {
            line("Sec-WebSocket-Protocol", &self.protocols.join(", "))?;
        }
        if self.deflate {
            line("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")?;
        }
        for (name, value) in headers {
            line(name, value)?;
        }
        out.push_str("\r\n");
        Ok(out.into_bytes())
    }

    /// Takes the answer out of `input` when it is complete, and leaves what follows.
    ///
    /// # Errors
    /// A refusal, or an answer that breaks a rule.
    pub fn verify(&mut self, input: &mut BytesMut) -> Result<Option<Opened>, OpeningError> {
        let Some(end) = find_end(input, self.searched) else {
            self.searched = input.len();
            let start = input.get(..input.len().min(5)).unwrap_or_default();
            if input.len() > MAX_HEAD || !b"HTTP/".starts_with(start) {
                return Err(OpeningError::Wrong("not an HTTP answer, or an endless one"));
            }
            return Ok(None);
        };
        if end > MAX_HEAD {
            return Err(OpeningError::Wrong("the head is too long"));
        }
        let head = std::str::from_utf8(input.get(..end).unwrap_or_default())
            .map_err(|_| OpeningError::Wrong("the head is not UTF-8"))?;
        let opened = self.check(head)?;
        input.advance(end);
        Ok(Some(opened))
    }

    fn check(&self, head: &str) -> Result<Opened, OpeningError> {
        let (first, rest) = head.split_once("\r\n").ok_or(OpeningError::Wrong("no status line"))?;
        let headers = Headers::parse(rest, MAX_HEADERS).map_err(|_| OpeningError::Wrong("a malformed header line"))?;
        let status = first.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
        match status {
            None => return Err(OpeningError::Wrong("the status line is not HTTP/1.1 with a code")),
            Some(101) => {}
            Some(status) => {
                let retry_after_s = headers.get("retry-after").and_then(|seconds| seconds.parse().ok());
                return Err(OpeningError::Refused { status, retry_after_s });
            }
        }
        let names = |name, item: &str| headers.list(name).any(|found| found.eq_ignore_ascii_case(item));
        if !names("upgrade", "websocket") || !names("connection", "upgrade") {
            return Err(OpeningError::Wrong("101 without the headers of an upgrade"));
        }
        let mut accepts = headers.all("sec-websocket-accept");
        if accepts.next() != Some(accept_key(&self.key).as_str()) || accepts.next().is_some() {
            return Err(OpeningError::Wrong("Sec-WebSocket-Accept is not the answer to our key"));
        }
        let mut protocols = headers.all("sec-websocket-protocol");
        let protocol = protocols.next().map(str::to_owned);
        if protocols.next().is_some() || protocol.as_ref().is_some_and(|protocol| !self.protocols.contains(protocol)) {
            return Err(OpeningError::Wrong("a subprotocol that was not offered"));
        }
        let extensions: Vec<&str> = headers.all("sec-websocket-extensions").collect();
        Ok(Opened { protocol, deflate: self.extension(&extensions.join(","))? })
    }

    fn extension(&self, text: &str) -> Result<Option<Deflate>, OpeningError> {
        let wrong = OpeningError::Wrong("an extension, or a parameter of one, that was not offered");
        let extensions = parse_extensions(text).ok_or_else(|| wrong.clone())?;
        let [extension] = extensions.as_slice() else {
            return if extensions.is_empty() { Ok(None) } else { Err(wrong) };
        };
        let agreed = DeflateOffer::read(extension).filter(|_| self.deflate).ok_or_else(|| wrong.clone())?;
        let client_max_window_bits = match agreed.client_max_window_bits {
            None => 15,
            Some(bits) => bits.ok_or(wrong)?,
        };
        Ok(Some(Deflate {
            server_no_context_takeover: agreed.server_no_context_takeover,
            client_no_context_takeover: agreed.client_no_context_takeover,
            server_max_window_bits: agreed.server_max_window_bits.unwrap_or(15),
            client_max_window_bits,
        }))
    }
}
