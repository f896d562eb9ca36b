//! The hooks where access rules and limits are asked: before the upgrade, on each inbound message, on each topic.
//!
//! The hub knows no roles and no rates. A [`Gate`] is shared by all shards; the [`Session`] it makes belongs to one
//! connection, lives on one thread and needs no lock. Neither may block. `now` is the hub's monotonic clock in
//! nanoseconds (`Instant` since the hub's start), never the wall clock.
use std::net::SocketAddr;

use crate::ws::{Rejection, Request};

/// Decides over connections.
pub trait Gate: Send + Sync {
    /// A TCP connection was accepted; `Err` closes it with this HTTP answer (before TLS: without one).
    ///
    /// # Errors
    /// The answer to send.
    fn accept(&self, peer: SocketAddr, now: u64) -> Result<(), Rejection> {
        let _ = (peer, now);
        Ok(())
    }

    /// The request head is complete; `Ok` carries the connection's session, `None` for one without any rule.
    ///
    /// # Errors
    /// The answer to send instead of the upgrade.
    fn upgrade(&self, peer: SocketAddr, request: &Request, now: u64) -> Result<Admission, Rejection>;

    /// A plain `GET` asks for the hub's figures (`/metrics`); by default only a peer on this machine gets them.
    ///
    /// # Errors
    /// The answer to send instead of them.
    fn may_read_figures(&self, peer: SocketAddr, request: &Request, now: u64) -> Result<(), Rejection> {
        let _ = (request, now);
        if peer.ip().to_canonical().is_loopback() {
            Ok(())
        } else {
            Err(Rejection::Forbidden("the hub's figures are for this machine"))
        }
    }

    /// How often this gate turned somebody away, by reason.
    fn rejections(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// The connection is gone (also one that never upgraded).
    fn left(&self, peer: SocketAddr) {
        let _ = peer;
    }
}

/// What a gate lets in.
pub struct Admission {
    /// Rules for this connection; `None`: everything allowed.
    pub session: Option<Box<dyn Session>>,
    /// Subprotocol to confirm, if the gate picked one (for example the one beside `bearer.<token>`).
    pub subprotocol: Option<String>,
}

/// Decides over one connection's messages.
pub trait Session {
    /// One inbound message or control frame of `length` bytes.
    fn inbound(&mut self, kind: Inbound, length: usize, now: u64) -> Verdict {
        let _ = (kind, length, now);
        Verdict::Allow
    }

    /// May this topic or pattern be subscribed?
    fn subscribe(&mut self, pattern: &str, now: u64) -> Verdict {
        let _ = (pattern, now);
        Verdict::Allow
    }

    /// A wildcard matched this topic (also one made later): may its messages go to the connection?
    fn receive(&self, topic: &str) -> bool {
        let _ = topic;
        true
    }

    /// May this topic be published to?
    fn publish(&mut self, topic: &str, now: u64) -> Verdict {
        let _ = (topic, now);
        Verdict::Allow
    }

    /// `{"op":"auth","token":...}` arrived.
    fn authenticate(&mut self, token: &str, now: u64) -> Verdict {
        let _ = (token, now);
        Verdict::Allow
    }

    /// Asked at [`Session::next_check`]: still welcome (expiry, revocation, auth deadline)?
    fn check(&mut self, now: u64) -> Verdict {
        let _ = now;
        Verdict::Allow
    }

    /// When to ask [`Session::check`] next, hub clock; asked after the upgrade, each check and each authentication.
    fn next_check(&self, now: u64) -> u64 {
        now + 1_000_000_000
    }
}

/// Kinds of inbound traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inbound {
    /// A text or binary message.
    Message,
    /// A ping, pong or close frame.
    Control,
}

/// What a session decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Allow,
    /// Refuse this request with a typed error answer; the connection stays.
    Deny {
        /// The `code` of the answer, for example `forbidden`.
        code: &'static str,
        /// For a person; never holds a token.
        message: String,
    },
    /// Close the connection.
    Close {
        /// WebSocket close code (1008, 4401, 4429, ...).
        code: u16,
        /// Close reason, at most 123 bytes.
        reason: &'static str,
    },
}

/// Lets everybody do everything: one analyst on loopback, tests, the bench.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenGate;

impl Gate for OpenGate {
    fn upgrade(&self, _: SocketAddr, _: &Request, _: u64) -> Result<Admission, Rejection> {
        Ok(Admission { session: None, subprotocol: None })
    }
}
