//! The server's side of the opening handshake (RFC 6455 section 4.2), and every HTTP answer that is not an upgrade.
//!
//! [`Upgrade::check`] judges a request by the protocol alone. Who may connect (origin, token, room) is for the caller,
//! who answers with a [`Rejection`] or with [`Upgrade::accept`].

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use thiserror::Error;

use super::deflate::{Deflate, DeflatePolicy};
use super::request::{Request, is_token};

const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Why a connection is not upgraded; each is one HTTP answer, after which the connection closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    /// 400.
    #[error("bad request: {0}")]
    BadRequest(&'static str),
    /// 401: no token, or one that is not good.
    #[error("unauthorized: {0}")]
    Unauthorized(&'static str),
    /// 403: a foreign origin, or a role that may not.
    #[error("forbidden: {0}")]
    Forbidden(&'static str),
    /// 404.
    #[error("not found")]
    NotFound,
    /// 405: only GET upgrades.
    #[error("method not allowed: only GET")]
    MethodNotAllowed,
    /// 408: the head did not come in time.
    #[error("request timeout: the head did not come in time")]
    Timeout,
    /// 426: another version of the WebSocket protocol, or no upgrade where only that is served.
    #[error("upgrade required: websocket, version 13")]
    UpgradeRequired,
    /// 429.
    #[error("too many requests: retry after {retry_after_s} s")]
    TooManyRequests {
        /// Seconds to wait.
        retry_after_s: u32,
    },
    /// 431.
    #[error("request header fields too large")]
    HeadTooLarge,
    /// 503: as many connections as there may be, or the server is draining.
    #[error("unavailable: retry after {retry_after_s} s")]
    Unavailable {
        /// Seconds to wait.
        retry_after_s: u32,
    },
    /// 505: only HTTP/1.1 is spoken.
    #[error("HTTP version not supported: only HTTP/1.1")]
    Version,
}

impl Rejection {
    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::BadRequest(_) => 400,
            Self::Unauthorized(_) => 401,
            Self::Forbidden(_) => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Timeout => 408,
            Self::UpgradeRequired => 426,
            Self::TooManyRequests { .. } => 429,
            Self::HeadTooLarge => 431,
            Self::Unavailable { .. } => 503,
            Self::Version => 505,
        }
    }

    /// The whole answer, ready to be sent.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let extra = match self {
            Self::Unauthorized(_) => "WWW-Authenticate: Bearer\r\n".to_owned(),
            Self::MethodNotAllowed => "Allow: GET\r\n".to_owned(),
            Self::UpgradeRequired => "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n".to_owned(),
            Self::TooManyRequests { retry_after_s } | Self::Unavailable { retry_after_s } => {
                format!("Retry-After: {retry_after_s}\r\n")
            }
            _ => String::new(),
        };
        response(self.status(), "text/plain; charset=utf-8", &extra, format!("{self}\n").as_bytes())
    }
}

/// A plain HTTP answer (metrics, health), after which the connection closes.
#[must_use]
pub fn plain_response(status: u16, content_type: &str, body: &[u8]) -> Vec<u8> {
    response(status, content_type, "", body)
}

fn response(status: u16, content_type: &str, extra: &str, body: &[u8]) -> Vec<u8> {
    let reason = match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Status",
    };
    let connection = if status == 426 { "Upgrade, close" } else { "close" };
    let length = body.len();
    let mut out = format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\
         Connection: {connection}\r\n{extra}\r\n"
    )
    .into_bytes();
    out.extend_from_slice(body);
    out
}

/// The value of `Sec-WebSocket-Accept` for a key.
pub(super) fn accept_key(key: &str) -> String {
    let mut text = String::with_capacity(key.len() + GUID.len());
    text.push_str(key);
    text.push_str(GUID);
    STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()))
}

/// A request that the protocol allows to be upgraded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    accept: String,
    /// Subprotocols the client offers, the dearest first.
    pub protocols: Vec<String>,
    extensions: String,
}

/// The answer to an upgrade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The whole answer, ready to be sent.
    pub response: Vec<u8>,
    /// What was agreed on, for the decoder and for compressing.
    pub deflate: Option<Deflate>,
}

impl Upgrade {
    /// Judges a request.
    ///
    /// # Errors
    /// The answer to give before closing.
    pub fn check(request: &Request) -> Result<Self, Rejection> {
        if request.method != "GET" {
            return Err(Rejection::MethodNotAllowed);
        }
        let headers = &request.headers;
        if !request.is_upgrade() {
            return Err(Rejection::UpgradeRequired);
        }
        if !headers.list("connection").any(|item| item.eq_ignore_ascii_case("upgrade")) {
            return Err(Rejection::BadRequest("the Connection header does not name Upgrade"));
        }
        if headers.get("content-length").is_some_and(|length| length != "0")
            || headers.get("transfer-encoding").is_some()
        {
            return Err(Rejection::BadRequest("an upgrade has no body"));
        }
        if only(headers.all("sec-websocket-version")) != Some("13") {
            return Err(Rejection::UpgradeRequired);
        }
        let key = only(headers.all("sec-websocket-key")).filter(|key| is_nonce(key));
        let Some(key) = key else {
            return Err(Rejection::BadRequest("Sec-WebSocket-Key is not one base64 value of 16 bytes"));
        };
        let protocols: Vec<String> = headers.list("sec-websocket-protocol").map(str::to_owned).collect();
        if !protocols.iter().all(|protocol| protocol.bytes().all(is_token)) {
            return Err(Rejection::BadRequest("Sec-WebSocket-Protocol is not a list of tokens"));
        }
        let extensions: Vec<&str> = headers.all("sec-websocket-extensions").collect();
        Ok(Self { accept: accept_key(key), protocols, extensions: extensions.join(",") })
    }

    /// Agrees: `protocol` must be one the client offers (otherwise none is named), `policy` is how this server
    /// compresses, `None` not at all.
    #[must_use]
    pub fn accept(&self, protocol: Option<&str>, policy: Option<&DeflatePolicy>) -> Accepted {
        let mut response = String::with_capacity(256);
        response.push_str(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
        );
        response.push_str(&self.accept);
        response.push_str("\r\n");
        if let Some(protocol) = protocol.filter(|protocol| self.protocols.iter().any(|offer| offer == protocol)) {
            response.push_str("Sec-WebSocket-Protocol: ");
            response.push_str(protocol);
            response.push_str("\r\n");
        }
        let agreed = policy.and_then(|policy| policy.agree(&self.extensions));
        if let Some((_, header)) = &agreed {
            response.push_str("Sec-WebSocket-Extensions: ");
            response.push_str(header);
            response.push_str("\r\n");
        }
        response.push_str("\r\n");
        Accepted { response: response.into_bytes(), deflate: agreed.map(|(deflate, _)| deflate) }
    }
}

/// The only item; `None` for none or several.
fn only<'a>(mut items: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let first = items.next()?;
    items.next().is_none().then_some(first)
}

fn is_nonce(key: &str) -> bool {
    STANDARD.decode(key).is_ok_and(|nonce| nonce.len() == 16)
}
