//! The head of an HTTP/1.1 request, read from a stream with limits.
//!
//! Strict on purpose: what a browser or a library never sends (folded lines, bare line feeds, spaces before a colon,
//! control characters) is refused, because two readers may understand it differently. What follows the head stays in
//! the input. O(bytes): the search for the end goes on where it stopped.

use bytes::{Buf, BytesMut};

use super::handshake::Rejection;

/// How long a request may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLimits {
    /// Bytes of the whole head.
    pub max_bytes: usize,
    /// Header lines.
    pub max_headers: usize,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self { max_bytes: 8 * 1024, max_headers: 64 }
    }
}

/// Header lines in their order; names compare without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// The value of the first line of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The values of all lines of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The comma-separated items of all lines of this name, trimmed, without empty ones.
    pub fn list<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.all(name).flat_map(|value| value.split(',')).map(str::trim).filter(|item| !item.is_empty())
    }

    /// All lines.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Parses `lines`, the part of a head after its first line; the error says what is wrong.
    pub(super) fn parse(lines: &str, most: usize) -> Result<Self, HeadError> {
        let mut headers = Vec::new();
        for line in lines.split("\r\n").filter(|line| !line.is_empty()) {
            if headers.len() == most {
                return Err(HeadError::TooMany);
            }
            let (name, value) = line.split_once(':').ok_or(HeadError::Malformed)?;
            let value = value.trim_matches([' ', '\t']);
            if name.is_empty() || !name.bytes().all(is_token) || !is_field_value(value) {
                return Err(HeadError::Malformed);
            }
            headers.push((name.to_owned(), value.to_owned()));
        }
        Ok(Self(headers))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadError {
    TooMany,
    Malformed,
}

/// A byte of an HTTP token (RFC 9110 section 5.6.2).
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether a header may have the value: one line without control characters.
pub(super) fn is_field_value(value: &str) -> bool {
    value.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f))
}

/// A parsed request, an upgrade or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// GET and the others, as sent.
    pub method: String,
    /// The target up to the question mark, not percent-decoded.
    pub path: String,
    /// The target after the question mark, not percent-decoded.
    pub query: Option<String>,
    /// All header lines.
    pub headers: Headers,
}

impl Request {
    /// Whether the client asks for a WebSocket; otherwise it is a plain HTTP request.
    #[must_use]
    pub fn is_upgrade(&self) -> bool {
        self.headers.list("upgrade").any(|item| item.eq_ignore_ascii_case("websocket"))
    }

    /// Where the page of a browser came from.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.headers.get("origin")
    }

    /// The value of a parameter of the query, not percent-decoded.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let pairs = self.query.as_deref()?.split('&');
        pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

/// Reads one request.
#[derive(Clone, Debug, Default)]
pub struct RequestParser {
    limits: RequestLimits,
    searched: usize,
}

impl RequestParser {
    /// A parser for one request.
    #[must_use]
    pub fn new(limits: RequestLimits) -> Self {
        Self { limits, searched: 0 }
    }

    /// Takes the head out of `input` when it is complete, and leaves what follows; `Ok(None)` when more is needed.
    ///
    /// `input` must hold everything that came since the start of the connection.
    ///
    /// # Errors
    /// The answer to give before closing.
    pub fn parse(&mut self, input: &mut BytesMut) -> Result<Option<Request>, Rejection> {
        let Some(end) = find_end(input, self.searched) else {
            if input.len() >= self.limits.max_bytes {
                return Err(Rejection::HeadTooLarge);
            }
            self.searched = input.len();
            // A TLS client hello or another protocol on this port need not wait for the deadline.
            return match input.first() {
                Some(byte) if !is_token(*byte) => Err(Rejection::BadRequest("not an HTTP request")),
                _ => Ok(None),
            };
        };
        if end > self.limits.max_bytes {
            return Err(Rejection::HeadTooLarge);
        }
        let head = std::str::from_utf8(input.get(..end).unwrap_or_default())
            .map_err(|_| Rejection::BadRequest("the head is not UTF-8"))?;
        let request = self.head(head)?;
        input.advance(end);
        Ok(Some(request))
    }

    fn head(&self, head: &str) -> Result<Request, Rejection> {
        let (first, rest) = head.split_once("\r\n").ok_or(Rejection::BadRequest("no request line"))?;
        let mut words = first.split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(Rejection::BadRequest("the request line is not: method target version"));
        };
        match version {
            "HTTP/1.1" => {}
            _ if version.starts_with("HTTP/") => return Err(Rejection::Version),
            _ => return Err(Rejection::BadRequest("the request line has no HTTP version")),
        }
        if method.is_empty() || !method.bytes().all(is_token) {
            return Err(Rejection::BadRequest("the method is not a token"));
        }
        if !target.starts_with('/') || !target.bytes().all(|byte| byte.is_ascii_graphic()) || target.contains('#') {
            return Err(Rejection::BadRequest("the target is not a path"));
        }
        let headers = Headers::parse(rest, self.limits.max_headers).map_err(|error| match error {
            HeadError::TooMany => Rejection::HeadTooLarge,
            HeadError::Malformed => Rejection::BadRequest("a malformed header line"),
        })?;
        let mut hosts = headers.all("host");
        if hosts.next().is_none_or(str::is_empty) || hosts.next().is_some() {
            return Err(Rejection::BadRequest("not exactly one Host header"));
        }
        drop(hosts);
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        Ok(Request { method: method.to_owned(), path: path.to_owned(), query, headers })
    }
}

/// The position after the empty line; `searched` bytes are known not to hold it.
pub(super) fn find_end(input: &[u8], searched: usize) -> Option<usize> {
    let from = searched.saturating_sub(3);
    let tail = input.get(from..)?;
    tail.windows(4).position(|window| window == b"\r\n\r\n").map(|at| from + at + 4)
}
