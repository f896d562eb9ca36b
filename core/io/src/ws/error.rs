//! Close codes and what a peer did wrong.

use thiserror::Error;

use super::frame::encode_close;

/// The two bytes at the start of a close frame's payload (RFC 6455 section 7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// The purpose is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// The endpoint goes away: shutdown.
    pub const GOING_AWAY: Self = Self(1001);
    /// The peer broke the protocol.
    pub const PROTOCOL: Self = Self(1002);
    /// A kind of data that is not accepted.
    pub const UNSUPPORTED: Self = Self(1003);
    /// No code was sent (never on the wire).
    pub const NONE: Self = Self(1005);
    /// The transport broke (never on the wire).
    pub const ABNORMAL: Self = Self(1006);
    /// Data does not fit its type: text that is not UTF-8.
    pub const INVALID_DATA: Self = Self(1007);
    /// A rule of the application was broken.
    pub const POLICY: Self = Self(1008);
    /// A message above the limit.
    pub const TOO_BIG: Self = Self(1009);
    /// The server failed.
    pub const INTERNAL: Self = Self(1011);
    /// The server restarts.
    pub const RESTART: Self = Self(1012);
    /// The server is overloaded.
    pub const TRY_LATER: Self = Self(1013);

    /// Whether a close frame may carry the code.
    #[must_use]
    pub fn may_be_sent(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

/// What the peer did wrong; the connection is to be closed with this code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{reason} (close code {})", code.0)]
pub struct ProtocolError {
    /// The code to close with.
    pub code: CloseCode,
    /// What was wrong, in words the peer may read.
    pub reason: &'static str,
}

impl ProtocolError {
    pub(crate) const fn new(code: CloseCode, reason: &'static str) -> Self {
        Self { code, reason }
    }

    pub(crate) const fn protocol(reason: &'static str) -> Self {
        Self::new(CloseCode::PROTOCOL, reason)
    }

    /// Appends the close frame that tells the peer.
    pub fn close_frame(&self, out: &mut Vec<u8>, mask: Option<[u8; 4]>) {
        encode_close(out, Some(self.code), self.reason, mask);
    }
}
