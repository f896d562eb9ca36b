//! One frame on the wire (RFC 6455 section 5.2): header, length, mask.
//!
//! Invariants: a length is written in its shortest form and refused in any other; reserved bits and opcodes are
//! reported, not judged (the decoder knows what was negotiated). Masking is eight bytes a step, O(length).

use super::error::{CloseCode, ProtocolError};

/// The longest header: two bytes, eight of length, four of mask.
pub const MAX_HEADER: usize = 14;
/// The longest payload of a control frame.
pub const MAX_CONTROL: usize = 125;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OpCode {
    /// The next fragment of a message.
    Continuation,
    /// A text message or its first fragment.
    Text,
    /// A binary message or its first fragment.
    Binary,
    /// Start of the closing handshake, or the answer to it.
    Close,
    /// A question that a pong answers.
    Ping,
    /// An answer to a ping, or a heartbeat of its own.
    Pong,
}

impl OpCode {
    /// The opcode of the four low bits of a frame's first byte; `None` when reserved.
    #[must_use]
    pub fn from_bits(bits: u8) -> Option<Self> {
        match bits & 0x0f {
            0x0 => Some(Self::Continuation),
            0x1 => Some(Self::Text),
            0x2 => Some(Self::Binary),
            0x8 => Some(Self::Close),
            0x9 => Some(Self::Ping),
            0xa => Some(Self::Pong),
            _ => None,
        }
    }

    /// The four bits on the wire.
    #[must_use]
    pub fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xa,
        }
    }

    /// Whether frames of this kind may stand between fragments and must not be fragmented themselves.
    #[must_use]
    pub fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// A parsed header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// What the frame carries.
    pub opcode: OpCode,
    /// Last fragment of its message.
    pub fin: bool,
    /// First reserved bit: the message is compressed, when that was negotiated.
    pub rsv1: bool,
    /// Bytes of payload that follow.
    pub length: u64,
    /// Key the payload is masked with.
    pub mask: Option<[u8; 4]>,
}

impl FrameHeader {
    /// Bytes of the header that starts with these two bytes.
    #[must_use]
    pub fn wire_length(second: u8) -> usize {
        let length = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        2 + length + if second & 0x80 == 0 { 0 } else { 4 }
    }

    /// Reads a header from the start of `bytes`; `Ok(None)` when more bytes are needed.
    ///
    /// # Errors
    /// A reserved bit or opcode, a length not in its shortest form or above 2^63 - 1, a control frame that is
    /// fragmented or longer than 125 bytes. All of them are visible in the first bytes, so nothing waits for a payload.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, ProtocolError> {
        let Some(&first) = bytes.first() else { return Ok(None) };
        if first & 0x30 != 0 {
            return Err(ProtocolError::protocol("a reserved bit is set that no extension uses"));
        }
        let Some(opcode) = OpCode::from_bits(first) else {
            return Err(ProtocolError::protocol("a reserved opcode"));
        };
        let fin = first & 0x80 != 0;
        if opcode.is_control() && !fin {
            return Err(ProtocolError::protocol("a control frame is fragmented"));
        }
        let Some(&second) = bytes.get(1) else { return Ok(None) };
        let short = second & 0x7f;
        if opcode.is_control() && usize::from(short) > MAX_CONTROL {
            return Err(ProtocolError::protocol("a control frame is longer than 125 bytes"));
        }
        let size = Self::wire_length(second);
        let Some(rest) = bytes.get(2..size) else { return Ok(None) };
        let (length, rest) = match short {
            126 => match rest.split_first_chunk::<2>() {
                Some((bytes, rest)) => (u64::from(u16::from_be_bytes(*bytes)), rest),
                None => return Ok(None),
            },
            127 => match rest.split_first_chunk::<8>() {
                Some((bytes, rest)) => (u64::from_be_bytes(*bytes), rest),
                None => return Ok(None),
            },
            _ => (u64::from(short), rest),
        };
        if (short == 126 && length < 126) || (short == 127 && length <= u64::from(u16::MAX)) {
            return Err(ProtocolError::protocol("a length is not in its shortest form"));
        }
        if length > i64::MAX.unsigned_abs() {
            return Err(ProtocolError::new(CloseCode::TOO_BIG, "a length above 2^63 - 1"));
        }
        let mask = rest.first_chunk::<4>().copied();
        Ok(Some((Self { opcode, fin, rsv1: first & 0x40 != 0, length, mask }, size)))
    }

    /// Appends the header to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let flags = if self.fin { 0x80 } else { 0 } | if self.rsv1 { 0x40 } else { 0 };
        out.push(flags | self.opcode.bits());
        let masked = if self.mask.is_some() { 0x80 } else { 0 };
        match (u8::try_from(self.length), u16::try_from(self.length)) {
            (Ok(short), _) if short < 126 => out.push(masked | short),
            (_, Ok(medium)) => {
                out.push(masked | 126);
                out.extend_from_slice(&medium.to_be_bytes());
            }
            _ => {
                out.push(masked | 127);
                out.extend_from_slice(&self.length.to_be_bytes());
            }
        }
        if let Some(mask) = self.mask {
            out.extend_from_slice(&mask);
        }
    }
}

/// Bytes of the header for a payload of this length.
#[must_use]
pub fn header_len(payload: usize, masked: bool) -> usize {
    let length = match payload {
        0..=125 => 0,
        126..=0xffff => 2,
        _ => 8,
    };
    2 + length + if masked { 4 } else { 0 }
}

/// Appends one frame to `out`. Servers give no mask, clients a fresh random one for each frame.
pub fn encode(out: &mut Vec<u8>, opcode: OpCode, fin: bool, rsv1: bool, payload: &[u8], mask: Option<[u8; 4]>) {
    out.reserve(header_len(payload.len(), mask.is_some()) + payload.len());
    FrameHeader { opcode, fin, rsv1, length: payload.len() as u64, mask }.write(out);
    let start = out.len();
    out.extend_from_slice(payload);
    if let (Some(mask), Some(written)) = (mask, out.get_mut(start..)) {
        apply_mask(written, mask, 0);
    }
}

/// Masks or unmasks `bytes`, which start `offset` bytes into the payload.
pub fn apply_mask(bytes: &mut [u8], mask: [u8; 4], offset: usize) {
    let mut key = mask;
    key.rotate_left(offset % 4);
    let [a, b, c, d] = key;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, tail) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

/// Appends a close frame; without a code its payload is empty.
///
/// The reason is cut at a character border so that the frame stays within 125 bytes.
pub fn encode_close(out: &mut Vec<u8>, code: Option<CloseCode>, reason: &str, mask: Option<[u8; 4]>) {
    let mut payload = Vec::with_capacity(MAX_CONTROL);
    if let Some(code) = code {
        payload.extend_from_slice(&code.0.to_be_bytes());
        let room = (0..=reason.len().min(MAX_CONTROL - 2)).rev().find(|at| reason.is_char_boundary(*at));
        payload.extend_from_slice(reason.as_bytes().get(..room.unwrap_or(0)).unwrap_or_default());
    }
    encode(out, OpCode::Close, true, false, &payload, mask);
}
