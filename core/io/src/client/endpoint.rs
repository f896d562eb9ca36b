//! Addresses of WebSocket servers: `ws://host:port/path?query` and `wss://`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Where to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// TLS or not.
    pub secure: bool,
    /// Name or address, without the brackets of IPv6.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Path and query.
    pub target: String,
}

/// An address that is not one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text:?} is not an address of a WebSocket server: {reason}; write ws://host:port/path or wss://host/path")]
pub struct EndpointError {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Endpoint {
    /// The value of the Host header.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == usual_port(self.secure) { host } else { format!("{host}:{}", self.port) }
    }
}

const fn usual_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

impl fmt::Display for Endpoint {
    /// Without the query, which may hold a key.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.target.split('?').next().unwrap_or_default();
        write!(out, "{}://{}{path}", if self.secure { "wss" } else { "ws" }, self.authority())
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let wrong = |reason| EndpointError { text: text.to_owned(), reason };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| wrong("no scheme"))?;
        let secure = match scheme {
            "ws" => false,
            "wss" => true,
            _ => return Err(wrong("the scheme is neither ws nor wss")),
        };
        if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong("a space, a control character or one that is not ASCII"));
        }
        let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(at);
        if target.contains('#') {
            return Err(wrong("a fragment"));
        }
        if authority.contains('@') {
            return Err(wrong("a user name; give a header instead"));
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => rest.split_once(']').ok_or_else(|| wrong("a bracket without its end"))?,
            None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
        };
        let port = match port.strip_prefix(':') {
            Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or_else(|| wrong("the port"))?,
            None if port.is_empty() => usual_port(secure),
            None => return Err(wrong("the port")),
        };
        if host.is_empty() {
            return Err(wrong("no host"));
        }
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        Ok(Self { secure, host: host.to_owned(), port, target })
    }
}
