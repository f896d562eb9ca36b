//! permessage-deflate (RFC 7692): what was agreed on, how a server agrees, inflating with a hard limit.
//!
//! A message marked as the last block of its stream (section 7.2.3.4) is inflated, but the window starts anew after it.

use flate2::{Decompress, FlushDecompress, Status};

use super::decoder::{Role, grow};
use super::offer::{DeflateOffer, Extension, parse_extensions};

/// What the two ends agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deflate {
    /// The server compresses every message on its own.
    pub server_no_context_takeover: bool,
    /// The client compresses every message on its own.
    pub client_no_context_takeover: bool,
    /// Base-two logarithm of the server's window, 8..=15.
    pub server_max_window_bits: u8,
    /// Base-two logarithm of the client's window, 8..=15.
    pub client_max_window_bits: u8,
}

impl Deflate {
    /// Whether what `role` receives refers to earlier messages.
    #[must_use]
    pub fn keeps_inbound_context(&self, role: Role) -> bool {
        match role {
            Role::Server => !self.client_no_context_takeover,
            Role::Client => !self.server_no_context_takeover,
        }
    }

    /// Whether a server may send a frame compressed on its own with this window, as long as it sends no others.
    #[must_use]
    pub fn can_share(&self, window_bits: u8) -> bool {
        self.server_max_window_bits >= window_bits
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InflateError {
    TooBig,
    Corrupt,
}

/// Inflates one direction. About 10 KiB and the window, so it is made for the first compressed message only.
#[derive(Debug)]
pub(super) struct Inflater {
    stream: Decompress,
}

/// The end of every message, which the sender leaves out.
pub(super) const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// Room made for output when there is none.
const STEP: usize = 4096;

impl Inflater {
    pub(super) fn new(role: Role, deflate: &Deflate) -> Self {
        let bits = match role {
            Role::Server => deflate.client_max_window_bits,
            Role::Client => deflate.server_max_window_bits,
        };
        // A larger window than agreed on inflates the same, and nine is the smallest the library makes.
        Self { stream: Decompress::new_with_window_bits(false, bits.clamp(9, 15)) }
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>, most: usize) -> Result<(), InflateError> {
        self.push(&TAIL, out, most)
    }

    /// Appends what `input` inflates to; `out` never grows above `most` bytes.
    pub(super) fn push(&mut self, mut input: &[u8], out: &mut Vec<u8>, most: usize) -> Result<(), InflateError> {
        loop {
            let (read_before, written_before) = (self.stream.total_in(), self.stream.total_out());
            let full = out.len() >= most;
            let status = if full {
                // Only a byte too many, or the end of a block, can come now.
                self.stream.decompress(input, &mut [0], FlushDecompress::Sync)
            } else {
                if out.len() == out.capacity() {
                    grow(out, STEP.min(most - out.len()), most);
                }
                self.stream.decompress_vec(input, out, FlushDecompress::Sync)
            };
            let status = status.map_err(|_| InflateError::Corrupt)?;
            let read = usize::try_from(self.stream.total_in() - read_before).unwrap_or(usize::MAX);
            let written = self.stream.total_out() - written_before;
            if out.len() > most || (full && written > 0) {
                return Err(InflateError::TooBig);
            }
            input = input.get(read..).unwrap_or_default();
            if status == Status::StreamEnd {
                // A block marked as the last one: what follows starts anew.
                self.stream.reset(false);
            } else if read == 0 && written == 0 {
                return if input.is_empty() { Ok(()) } else { Err(InflateError::Corrupt) };
            }
        }
    }
}

/// How a server answers offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeflatePolicy {
    /// Every message of this server is compressed on its own, so that one compressed frame serves all (broadcasts).
    pub server_no_context_takeover: bool,
    /// Asks clients to do the same, so that no window is kept for each of them.
    pub client_no_context_takeover: bool,
    /// The largest window this server compresses with, 9..=15.
    pub server_max_window_bits: u8,
    /// The largest window it lets a client use, 9..=15, if the client says that it can be told.
    pub client_max_window_bits: u8,
}

impl Default for DeflatePolicy {
    fn default() -> Self {
        Self {
            server_no_context_takeover: true,
            client_no_context_takeover: true,
            server_max_window_bits: 15,
            client_max_window_bits: 15,
        }
    }
}

impl DeflatePolicy {
    /// The first acceptable offer of a `Sec-WebSocket-Extensions` value: what is agreed on, and the answer's value.
    #[must_use]
    pub fn agree(&self, offers: &str) -> Option<(Deflate, String)> {
        parse_extensions(offers)?.iter().find_map(|offer| self.answer(offer))
    }

    fn answer(&self, offer: &Extension) -> Option<(Deflate, String)> {
        let offer = DeflateOffer::read(offer)?;
        let server_bits = offer.server_max_window_bits.unwrap_or(15).min(self.server_max_window_bits.clamp(9, 15));
        let client_bits = match offer.client_max_window_bits {
            Some(bits) => bits.unwrap_or(15).min(self.client_max_window_bits.clamp(9, 15)),
            None => 15,
        };
        let deflate = Deflate {
            server_no_context_takeover: self.server_no_context_takeover || offer.server_no_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover || offer.client_no_context_takeover,
            server_max_window_bits: server_bits,
            client_max_window_bits: client_bits,
        };
        let mut header = "permessage-deflate".to_owned();
        if deflate.server_no_context_takeover {
            header.push_str("; server_no_context_takeover");
        }
        if deflate.client_no_context_takeover {
            header.push_str("; client_no_context_takeover");
        }
        if server_bits < 15 || offer.server_max_window_bits.is_some() {
            header.push_str(&format!("; server_max_window_bits={server_bits}"));
        }
        if client_bits < 15 {
            header.push_str(&format!("; client_max_window_bits={client_bits}"));
        }
        Some((deflate, header))
    }
}
