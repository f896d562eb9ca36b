//! The WebSocket protocol (RFC 6455, RFC 7692) without sockets: bytes in, messages out, for both roles.
//!
//! # Layout
//! - [`frame`]: one frame on the wire: header, length, mask; writing frames.
//! - [`decoder`]: bytes to messages: fragments, limits, UTF-8, the rules of the protocol.
//! - [`deflate`]: permessage-deflate: what is agreed on, inflating with a limit.
//! - [`compress`]: writing compressed messages, for one connection or shared by many.
//! - [`request`]: an HTTP request head, read with limits.
//! - [`handshake`]: the opening handshake of a server; [`opening`]: that of a client.
//! - [`error`]: close codes and what a peer did wrong.

pub mod compress;
pub mod decoder;
pub mod deflate;
pub mod error;
pub mod frame;
pub mod handshake;
mod offer;
pub mod opening;
pub mod request;

pub use compress::Compressor;
pub use decoder::{CloseFrame, Decoder, Limits, Message, Role};
pub use deflate::{Deflate, DeflatePolicy};
pub use error::{CloseCode, ProtocolError};
pub use frame::{FrameHeader, OpCode, apply_mask, encode, encode_close, header_len};
pub use handshake::{Accepted, Rejection, Upgrade, plain_response};
pub use opening::{Opened, Opening, OpeningError};
pub use request::{Headers, Request, RequestLimits, RequestParser};
