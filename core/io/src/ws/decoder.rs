//! Bytes to messages: fragments, control frames between them, masks, limits, UTF-8, compression.
//!
//! # Invariants
//! - Every byte that is given is consumed: after `Ok(None)` the input is empty, so one read buffer can serve many
//!   connections. What is incomplete is kept here; an idle decoder owns no heap memory.
//! - Nothing is allocated for a claimed length, only for bytes that arrived, and never more than
//!   [`Limits::max_message`] for a message (compressed ones are counted inflated).
//! - Text is checked as it arrives: a wrong byte fails at once, in whatever fragment it stands.
//! - After a close frame the input is ignored; after an error every call returns that error.
//!
//! O(bytes); a message that arrived whole and uncompressed is a slice of the input, not a copy (it pins the read
//! buffer until it is dropped).

use bytes::{Buf, Bytes, BytesMut};

use super::deflate::{Deflate, InflateError, Inflater};
use super::error::{CloseCode, ProtocolError};
use super::frame::{FrameHeader, MAX_HEADER, OpCode, apply_mask};

/// Which end of the connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads masked frames, writes plain ones.
    Server,
    /// Reads plain frames, writes masked ones.
    Client,
}

/// What a peer may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a message after inflation; above it the connection is closed with 1009.
    pub max_message: usize,
    /// Fragments of a message; above it the connection is closed with 1008 (a flood of empty fragments).
    pub max_fragments: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_message: 1 << 20, max_fragments: 1024 }
    }
}

/// The payload of a close frame that has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseFrame {
    /// Why the peer closes.
    pub code: CloseCode,
    /// The same in words, possibly empty.
    pub reason: String,
}

/// A whole message, or a control frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text, checked to be UTF-8.
    Text(Bytes),
    /// Bytes.
    Binary(Bytes),
    /// To be answered with a pong of the same payload.
    Ping(Bytes),
    /// An answer to a ping.
    Pong(Bytes),
    /// The peer closes, or answers our close.
    Close(Option<CloseFrame>),
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    header: FrameHeader,
    received: u64,
}

#[derive(Clone, Copy, Debug)]
struct Assembly {
    text: bool,
    compressed: bool,
    fragments: u32,
    /// Bytes of the assembled payload known to be UTF-8.
    checked: usize,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Open,
    Closed,
    Failed(ProtocolError),
}

/// Turns one direction of a connection into messages.
#[derive(Debug)]
pub struct Decoder {
    role: Role,
    limits: Limits,
    state: State,
    head: [u8; MAX_HEADER],
    head_length: u8,
    frame: Option<Frame>,
    control: Vec<u8>,
    message: Option<Assembly>,
    payload: Vec<u8>,
    deflate: Option<Deflate>,
    inflater: Option<Box<Inflater>>,
}

impl Decoder {
    /// A decoder for what the *peer* of `role` sends; `deflate` is what the handshake agreed on.
    #[must_use]
    pub fn new(role: Role, limits: Limits, deflate: Option<Deflate>) -> Self {
        Self {
            role,
            limits,
            state: State::Open,
            head: [0; MAX_HEADER],
            head_length: 0,
            frame: None,
            control: Vec::new(),
            message: None,
            payload: Vec::new(),
            deflate,
            inflater: None,
        }
    }

    /// Whether a frame or a message has begun and is not complete: the peer owes us bytes.
    #[must_use]
    pub fn is_midway(&self) -> bool {
        self.head_length > 0 || self.frame.is_some() || self.message.is_some()
    }

    /// Bytes of heap held for what is incomplete, without the window of a compressed stream.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.payload.capacity() + self.control.capacity()
    }

    /// Takes bytes from `input` until a message is complete. `Ok(None)` means that all of `input` was consumed.
    ///
    /// # Errors
    /// What the peer did wrong, with the code to close the connection with.
    pub fn next_message(&mut self, input: &mut BytesMut) -> Result<Option<Message>, ProtocolError> {
        match self.state {
            State::Open => {}
            State::Closed => {
                input.clear();
                return Ok(None);
            }
            State::Failed(error) => return Err(error),
        }
        let result = self.advance(input);
        match &result {
            Ok(Some(Message::Close(_))) => self.end(State::Closed),
            Err(error) => self.end(State::Failed(*error)),
            Ok(_) => {}
        }
        result
    }

    fn end(&mut self, state: State) {
        *self = Self::new(self.role, self.limits, None);
        self.state = state;
    }

    fn advance(&mut self, input: &mut BytesMut) -> Result<Option<Message>, ProtocolError> {
        loop {
            let frame = match self.frame {
                Some(frame) => frame,
                None => match self.read_header(input)? {
                    Some(header) => Frame { header, received: 0 },
                    None => return Ok(None),
                },
            };
            let remaining = frame.header.length - frame.received;
            let take = usize::try_from(remaining).unwrap_or(usize::MAX).min(input.len());
            let mut chunk = input.split_to(take);
            if let Some(mask) = frame.header.mask {
                // Only the offset modulo four matters, so a cut to 32 bits loses nothing.
                apply_mask(&mut chunk, mask, (frame.received & 3) as usize);
            }
            let complete = take as u64 == remaining;
            self.frame = (!complete).then_some(Frame { received: frame.received + take as u64, ..frame });
            let message = if frame.header.opcode.is_control() {
                self.control_chunk(frame.header.opcode, chunk, complete)?
            } else {
                self.data_chunk(&frame, chunk, complete)?
            };
            if message.is_some() || !complete {
                return Ok(message);
            }
        }
    }

    fn read_header(&mut self, input: &mut BytesMut) -> Result<Option<FrameHeader>, ProtocolError> {
        let kept = usize::from(self.head_length);
        for (slot, byte) in self.head.iter_mut().skip(kept).zip(input.iter()) {
            *slot = *byte;
            self.head_length += 1;
        }
        let known = self.head.get(..usize::from(self.head_length)).unwrap_or_default();
        match FrameHeader::parse(known)? {
            Some((header, size)) => {
                input.advance(size.saturating_sub(kept));
                self.head_length = 0;
                self.begin(&header)?;
                Ok(Some(header))
            }
            None => {
                // The longest header fits, so an incomplete one took everything there was.
                input.clear();
                Ok(None)
            }
        }
    }

    /// The rules that a header must keep in the place where it stands.
    fn begin(&mut self, header: &FrameHeader) -> Result<(), ProtocolError> {
        match (self.role, header.mask) {
            (Role::Server, None) => return Err(ProtocolError::protocol("a client's frame is not masked")),
            (Role::Client, Some(_)) => return Err(ProtocolError::protocol("a server's frame is masked")),
            _ => {}
        }
        let starts = matches!(header.opcode, OpCode::Text | OpCode::Binary);
        if header.rsv1 && (self.deflate.is_none() || !starts) {
            return Err(ProtocolError::protocol("the first reserved bit is set where no extension allows it"));
        }
        if header.opcode.is_control() {
            return Ok(());
        }
        let mut message = match (starts, self.message.take()) {
            (true, None) => {
                Assembly { text: header.opcode == OpCode::Text, compressed: header.rsv1, fragments: 0, checked: 0 }
            }
            (false, Some(message)) => message,
            (true, Some(_)) => return Err(ProtocolError::protocol("a message starts inside another")),
            (false, None) => return Err(ProtocolError::protocol("a continuation without a message")),
        };
        message.fragments += 1;
        if message.fragments > self.limits.max_fragments {
            return Err(ProtocolError::new(CloseCode::POLICY, "too many fragments in a message"));
        }
        let most = if message.compressed {
            // What does not compress grows by five bytes in a block.
            self.limits.max_message + self.limits.max_message / 256 + 64
        } else {
            self.limits.max_message.saturating_sub(self.payload.len())
        };
        if header.length > most as u64 {
            return Err(too_big());
        }
        self.message = Some(message);
        Ok(())
    }

    fn data_chunk(&mut self, frame: &Frame, chunk: BytesMut, complete: bool) -> Result<Option<Message>, ProtocolError> {
        let Some(mut message) = self.message else {
            return Err(ProtocolError::new(CloseCode::INTERNAL, "a fragment without its message"));
        };
        let last = complete && frame.header.fin;
        if last && frame.received == 0 && message.fragments == 1 && !message.compressed {
            self.message = None;
            if message.text {
                check_text(&chunk, 0, true)?;
            }
            return Ok(Some(data(message.text, chunk.freeze())));
        }
        if message.compressed {
            self.inflate(&chunk, last)?;
        } else {
            let most = self.limits.max_message;
            grow(&mut self.payload, chunk.len(), most);
            self.payload.extend_from_slice(&chunk);
        }
        if message.text {
            message.checked = check_text(&self.payload, message.checked, last)?;
        }
        self.message = (!last).then_some(message);
        Ok(last.then(|| data(message.text, std::mem::take(&mut self.payload).into())))
    }

    fn inflate(&mut self, chunk: &[u8], last: bool) -> Result<(), ProtocolError> {
        let Some(deflate) = self.deflate else {
            return Err(ProtocolError::new(CloseCode::INTERNAL, "a compressed message without the extension"));
        };
        let role = self.role;
        let inflater = self.inflater.get_or_insert_with(|| Box::new(Inflater::new(role, &deflate)));
        let most = self.limits.max_message;
        let mut result = inflater.push(chunk, &mut self.payload, most);
        if last && result.is_ok() {
            result = inflater.finish(&mut self.payload, most);
            if !deflate.keeps_inbound_context(role) {
                self.inflater = None;
            }
        }
        result.map_err(|error| match error {
            InflateError::TooBig => too_big(),
            InflateError::Corrupt => ProtocolError::new(CloseCode::INVALID_DATA, "the compressed data is corrupt"),
        })
    }

    fn control_chunk(
        &mut self,
        opcode: OpCode,
        chunk: BytesMut,
        complete: bool,
    ) -> Result<Option<Message>, ProtocolError> {
        if !complete {
            self.control.extend_from_slice(&chunk);
            return Ok(None);
        }
        let payload = if self.control.is_empty() {
            chunk.freeze()
        } else {
            let mut whole = std::mem::take(&mut self.control);
            whole.extend_from_slice(&chunk);
            whole.into()
        };
        Ok(Some(match opcode {
            OpCode::Ping => Message::Ping(payload),
            OpCode::Pong => Message::Pong(payload),
            _ => Message::Close(parse_close(&payload)?),
        }))
    }
}

fn data(text: bool, payload: Bytes) -> Message {
    if text { Message::Text(payload) } else { Message::Binary(payload) }
}

const fn too_big() -> ProtocolError {
    ProtocolError::new(CloseCode::TOO_BIG, "a message is longer than the limit")
}

/// Makes room for `more` bytes by doubling, but never above `most`, which the caller knows to be enough.
pub(super) fn grow(buffer: &mut Vec<u8>, more: usize, most: usize) {
    let needed = buffer.len() + more;
    if needed > buffer.capacity() {
        let target = needed.max(buffer.capacity().saturating_mul(2).min(most));
        buffer.reserve_exact(target - buffer.len());
    }
}

/// Checks `payload` from `checked` on and returns up to where it is UTF-8; the rest is the start of a character,
/// which is an error at the end of a message.
fn check_text(payload: &[u8], checked: usize, last: bool) -> Result<usize, ProtocolError> {
    let wrong = ProtocolError::new(CloseCode::INVALID_DATA, "text is not UTF-8");
    match std::str::from_utf8(payload.get(checked..).unwrap_or_default()) {
        Ok(_) => Ok(payload.len()),
        Err(error) if last || error.error_len().is_some() => Err(wrong),
        Err(error) => Ok(checked + error.valid_up_to()),
    }
}

fn parse_close(payload: &[u8]) -> Result<Option<CloseFrame>, ProtocolError> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() { Ok(None) } else { Err(ProtocolError::protocol("a close payload of one byte")) };
    };
    let code = CloseCode(u16::from_be_bytes(*code));
    if !code.may_be_sent() {
        return Err(ProtocolError::protocol("a close code that must not be sent"));
    }
    match std::str::from_utf8(reason) {
        Ok(reason) => Ok(Some(CloseFrame { code, reason: reason.to_owned() })),
        Err(_) => Err(ProtocolError::new(CloseCode::INVALID_DATA, "a close reason is not UTF-8")),
    }
}
