//! Writing compressed messages (RFC 7692 section 7.2.1).
//!
//! A [`Compressor`] belongs to one connection when its end keeps context, or serves all connections when it does not:
//! then a frame is compressed once ([`Compressor::frame`]) and shared by every connection whose window is as large
//! ([`Deflate::can_share`]). About 260 KiB each, so a server has one for each thread, not for each connection.

use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress};

use super::decoder::Role;
use super::deflate::{Deflate, TAIL};
use super::frame::{OpCode, encode};

/// More than the end of a block needs, so that no end is written twice.
const SPARE: usize = 64;

/// Compresses messages.
#[derive(Debug)]
pub struct Compressor {
    stream: Compress,
    keeps_context: bool,
    scratch: Vec<u8>,
}

impl Compressor {
    /// For one connection, as agreed on; `level` is zlib's, 0..=9 (above: 9).
    #[must_use]
    pub fn new(role: Role, deflate: &Deflate, level: u32) -> Self {
        let (bits, alone) = match role {
            Role::Server => (deflate.server_max_window_bits, deflate.server_no_context_takeover),
            Role::Client => (deflate.client_max_window_bits, deflate.client_no_context_takeover),
        };
        Self::with(bits, !alone, level)
    }

    /// For frames that any connection may get whose window has at least `window_bits` (9..=15).
    #[must_use]
    pub fn shared(window_bits: u8, level: u32) -> Self {
        Self::with(window_bits, false, level)
    }

    fn with(bits: u8, keeps_context: bool, level: u32) -> Self {
        // The library has no window of 256 bytes, but with one of 512 it never looks back further than 512 less its
        // lookahead of 262, so the result fits a reader with 256.
        let stream = Compress::new_with_window_bits(Compression::new(level.min(9)), false, bits.clamp(9, 15));
        Self { stream, keeps_context, scratch: Vec::new() }
    }

    /// Appends a message as one compressed frame.
    pub fn encode(&mut self, out: &mut Vec<u8>, opcode: OpCode, payload: &[u8], mask: Option<[u8; 4]>) {
        self.write(out, opcode, payload, mask, usize::MAX);
    }

    /// A message as a server's frame of its own, to be shared: compressed, or plain when that is shorter.
    ///
    /// Only of a compressor without context: a reader's window holds nothing of what was sent plain.
    #[must_use]
    pub fn frame(&mut self, opcode: OpCode, payload: &[u8]) -> Bytes {
        let mut out = Vec::new();
        let most = if self.keeps_context { usize::MAX } else { payload.len() };
        self.write(&mut out, opcode, payload, None, most);
        out.into()
    }

    /// Compresses to at most `most` bytes, otherwise writes the message plain.
    fn write(&mut self, out: &mut Vec<u8>, opcode: OpCode, payload: &[u8], mask: Option<[u8; 4]>, most: usize) {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        let done = self.deflate(payload, &mut scratch);
        if !done || !self.keeps_context {
            self.stream.reset();
        }
        if done && scratch.len() <= most {
            encode(out, opcode, true, true, &scratch, mask);
        } else {
            encode(out, opcode, true, false, payload, mask);
        }
        // One large message must not hold its memory for ever.
        if scratch.capacity() <= 64 * 1024 {
            self.scratch = scratch;
        }
    }

    /// Whether everything was compressed; a library error (there is none for valid streams) says no.
    fn deflate(&mut self, mut input: &[u8], out: &mut Vec<u8>) -> bool {
        out.reserve(input.len() / 2 + SPARE);
        loop {
            let before = self.stream.total_in();
            if self.stream.compress_vec(input, out, FlushCompress::Sync).is_err() {
                return false;
            }
            let read = usize::try_from(self.stream.total_in() - before).unwrap_or(usize::MAX);
            input = input.get(read..).unwrap_or_default();
            if out.len() < out.capacity() {
                break;
            }
            out.reserve(SPARE.max(input.len()));
        }
        if out.ends_with(&TAIL) {
            out.truncate(out.len() - TAIL.len());
        }
        if out.is_empty() {
            // An empty message: the head of an empty block, which the left-out end completes.
            out.push(0);
        }
        input.is_empty()
    }
}
