//! permessage-deflate: round trips under every agreement, the samples of RFC 7692, bombs, small windows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use bytes::BytesMut;
use deepalpha_io::ws::{
    CloseCode, Compressor, Decoder, Deflate, FrameHeader, Limits, Message, OpCode, ProtocolError, Role, encode,
};
use proptest::prelude::*;

fn agreement(alone: bool, bits: u8) -> Deflate {
    Deflate {
        server_no_context_takeover: alone,
        client_no_context_takeover: alone,
        server_max_window_bits: bits,
        client_max_window_bits: bits,
    }
}

fn compressed_frame(payload: &[u8]) -> BytesMut {
    let mut out = Vec::new();
    encode(&mut out, OpCode::Text, true, true, payload, None);
    BytesMut::from(&out[..])
}

fn client(deflate: Deflate, max_message: usize) -> Decoder {
    Decoder::new(Role::Client, Limits { max_message, ..Limits::default() }, Some(deflate))
}

fn text(message: Result<Option<Message>, ProtocolError>) -> Vec<u8> {
    match message {
        Ok(Some(Message::Text(text) | Message::Binary(text))) => text.to_vec(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_samples_of_rfc_7692_section_7_2_3_inflate() {
    let hello: [&[u8]; 5] = [
        &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
        &[0xf2, 0x00, 0x11, 0x00, 0x00],
        &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
        &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
    ];
    let mut decoder = client(agreement(false, 15), 5);
    for payload in hello {
        assert_eq!(text(decoder.next_message(&mut compressed_frame(payload))), b"Hello");
    }
}

#[test]
fn an_empty_message_is_one_zero_byte() {
    let mut compressor = Compressor::new(Role::Server, &agreement(false, 15), 6);
    let mut decoder = client(agreement(false, 15), 1 << 20);
    for payload in [&b""[..], b"x", b"", b""] {
        let mut out = Vec::new();
        compressor.encode(&mut out, OpCode::Text, payload, None);
        if payload.is_empty() {
            assert_eq!(out, [0xc1, 1, 0]);
        }
        assert_eq!(text(decoder.next_message(&mut BytesMut::from(&out[..]))), payload);
    }
}

#[test]
fn a_bomb_is_refused_while_it_inflates_and_the_limit_itself_is_not() {
    let mut bomb = Vec::new();
    Compressor::shared(15, 9).encode(&mut bomb, OpCode::Binary, &vec![0; 64 << 20], None);
    assert!(bomb.len() < 128 << 10, "{}", bomb.len());
    // The limit that is one byte too small must refuse, the exact one must not.
    for (limit, fits) in [(1 << 20, false), ((64 << 20) - 1, false), (64 << 20, true)] {
        let mut decoder = client(agreement(true, 15), limit);
        let result = decoder.next_message(&mut BytesMut::from(&bomb[..]));
        match result {
            Ok(Some(Message::Binary(payload))) => assert!(fits && payload.len() == limit),
            Err(error) => assert!(!fits && error.code == CloseCode::TOO_BIG, "{error}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_text_bomb_of_fragments_is_refused() {
    let mut whole = Vec::new();
    Compressor::shared(15, 9).encode(&mut whole, OpCode::Text, &vec![b'a'; 4 << 20], None);
    let (header, size) = FrameHeader::parse(&whole).unwrap().unwrap();
    let body = &whole[size..];
    assert_eq!(header.length, body.len() as u64);
    let mut decoder = client(agreement(true, 15), 1 << 20);
    let mut result = Ok(None);
    for (at, part) in body.chunks(100).enumerate() {
        let mut out = Vec::new();
        encode(&mut out, if at == 0 { OpCode::Text } else { OpCode::Continuation }, false, at == 0, part, None);
        result = decoder.next_message(&mut BytesMut::from(&out[..]));
        if result.is_err() {
            break;
        }
    }
    assert_eq!(result.unwrap_err().code, CloseCode::TOO_BIG);
}

#[test]
fn corrupt_data_is_refused() {
    let mut decoder = client(agreement(true, 15), 1 << 20);
    let error = decoder.next_message(&mut compressed_frame(&[0xff, 0xff, 0xff])).unwrap_err();
    assert_eq!(error.code, CloseCode::INVALID_DATA);
}

#[test]
fn inflated_text_must_be_utf8() {
    let mut out = Vec::new();
    Compressor::shared(15, 6).encode(&mut out, OpCode::Text, &[0xff; 100], None);
    let error = client(agreement(true, 15), 1 << 20).next_message(&mut BytesMut::from(&out[..])).unwrap_err();
    assert_eq!(error.code, CloseCode::INVALID_DATA);
}

/// Inflates by the tables of RFC 1951 as far as needed here and returns the longest distance of a back reference.
fn longest_distance(stream: &[u8]) -> usize {
    let mut longest = 0;
    let mut bits = Bits { stream, at: 0 };
    while bits.at + 3 <= stream.len() * 8 {
        bits.take(1);
        let (literals, distances) = match bits.take(2) {
            0 => {
                bits.at = bits.at.div_ceil(8) * 8;
                if bits.at + 32 > stream.len() * 8 {
                    break;
                }
                let length = bits.take(16);
                bits.at += 16 + length * 8;
                continue;
            }
            1 => {
                let fixed = (0..288)
                    .map(|n| match n {
                        0..=143 => 8,
                        144..=255 => 9,
                        256..=279 => 7,
                        _ => 8,
                    })
                    .collect();
                (Codes::new(fixed), Codes::new(vec![5; 30]))
            }
            2 => bits.tables(),
            _ => panic!("block type"),
        };
        loop {
            let symbol = bits.symbol(&literals);
            if symbol == 256 {
                break;
            }
            if symbol > 256 {
                let extra = match symbol {
                    257..=264 | 285 => 0,
                    symbol => (symbol - 261) / 4,
                };
                bits.take(extra);
                let code = bits.symbol(&distances);
                let distance = if code < 4 {
                    code + 1
                } else {
                    let extra = code / 2 - 1;
                    ((2 + code % 2) << extra) + 1 + bits.take(extra)
                };
                longest = longest.max(distance);
            }
        }
    }
    longest
}

struct Bits<'a> {
    stream: &'a [u8],
    at: usize,
}

struct Codes(std::collections::HashMap<(usize, usize), usize>);

impl Codes {
    fn new(lengths: Vec<usize>) -> Self {
        let mut codes = std::collections::HashMap::new();
        let mut code = 0;
        for length in 1..16 {
            for (symbol, _) in lengths.iter().enumerate().filter(|(_, of)| **of == length) {
                codes.insert((length, code), symbol);
                code += 1;
            }
            code <<= 1;
        }
        Self(codes)
    }
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> usize {
        let mut value = 0;
        for place in 0..count {
            value |= usize::from(self.stream[self.at / 8] >> (self.at % 8) & 1) << place;
            self.at += 1;
        }
        value
    }

    fn symbol(&mut self, codes: &Codes) -> usize {
        let mut code = 0;
        for length in 1..16 {
            code = code << 1 | self.take(1);
            if let Some(symbol) = codes.0.get(&(length, code)) {
                return *symbol;
            }
        }
        panic!("no code");
    }

    fn tables(&mut self) -> (Codes, Codes) {
        let (literals, distances, lengths) = (self.take(5) + 257, self.take(5) + 1, self.take(4) + 4);
        let mut meta = vec![0; 19];
        for place in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15].into_iter().take(lengths) {
            meta[place] = self.take(3);
        }
        let meta = Codes::new(meta);
        let mut all: Vec<usize> = Vec::new();
        while all.len() < literals + distances {
            let (value, times) = match self.symbol(&meta) {
                16 => (*all.last().unwrap(), 3 + self.take(2)),
                17 => (0, 3 + self.take(3)),
                18 => (0, 11 + self.take(7)),
                symbol => (symbol, 1),
            };
            all.extend(std::iter::repeat_n(value, times));
        }
        let rest = all.split_off(literals);
        (Codes::new(all), Codes::new(rest))
    }
}

/// Text with repetitions at all distances.
fn repetitive() -> impl Strategy<Value = Vec<u8>> {
    (proptest::collection::vec(proptest::num::u8::ANY, 1..700), 1..9_usize, proptest::bool::ANY).prop_map(
        |(seed, times, letters)| {
            let seed: Vec<u8> = if letters { seed.iter().map(|byte| b'a' + byte % 4).collect() } else { seed };
            seed.repeat(times)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn every_agreement_round_trips(
        messages in proptest::collection::vec(repetitive(), 1..6),
        bits in 8..=15_u8,
        alone in proptest::bool::ANY,
        level in 0..=9_u32,
        cut in 1..5000_usize,
        masked in proptest::bool::ANY,
    ) {
        let deflate = agreement(alone, bits);
        let (writer, reader, mask) =
            if masked { (Role::Client, Role::Server, Some([1, 2, 3, 4])) } else { (Role::Server, Role::Client, None) };
        let mut compressor = Compressor::new(writer, &deflate, level);
        let mut decoder = Decoder::new(reader, Limits::default(), Some(deflate));
        for message in &messages {
            let mut out = Vec::new();
            compressor.encode(&mut out, OpCode::Binary, message, mask);
            let mut results = Vec::new();
            for part in out.chunks(cut) {
                let mut input = BytesMut::from(part);
                while let Some(result) = decoder.next_message(&mut input).unwrap() {
                    results.push(result);
                }
            }
            prop_assert_eq!(results, vec![Message::Binary(message.clone().into())]);
        }
    }

    #[test]
    fn no_reference_reaches_beyond_the_window(
        messages in proptest::collection::vec(repetitive(), 1..6),
        bits in 8..=11_u8,
        level in 1..=9_u32,
    ) {
        let mut compressor = Compressor::new(Role::Server, &agreement(false, bits), level);
        let mut stream = Vec::new();
        for message in &messages {
            let mut out = Vec::new();
            compressor.encode(&mut out, OpCode::Binary, message, None);
            let (header, size) = FrameHeader::parse(&out).unwrap().unwrap();
            prop_assert!(header.rsv1);
            stream.extend_from_slice(&out[size..]);
            stream.extend_from_slice(&[0, 0, 0xff, 0xff]);
        }
        prop_assert!(longest_distance(&stream) <= 1 << bits);
    }
}
