//! The decoder against a second one, written plainly from the RFC, in any cuts; and against bytes of any kind.
//!
//! `DEEPALPHA_FUZZ=<seconds>` lets the last test run longer than its usual number of rounds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use bytes::BytesMut;
use deepalpha_io::ws::{Decoder, Deflate, FrameHeader, Limits, Message, OpCode, Role, apply_mask, encode, header_len};
use proptest::prelude::*;

const LIMITS: Limits = Limits { max_message: 1000, max_fragments: 8 };

/// A message, or the code a connection is closed with.
type Outcome = Result<(u8, Vec<u8>), u16>;

/// Reads all of `bytes` at once, as a server without extensions. Trusts nothing and shares nothing.
fn reference(bytes: &[u8]) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    let (mut at, mut open): (usize, Option<(u8, Vec<u8>, u32)>) = (0, None);
    let incomplete_text = |payload: &[u8]| match std::str::from_utf8(payload) {
        Ok(_) => Ok(()),
        Err(error) if error.error_len().is_none() => Ok(()),
        Err(_) => Err(1007),
    };
    loop {
        let rest = &bytes[at..];
        let step = (|| -> Result<Option<(u8, Vec<u8>)>, Outcome> {
            let more = || Ok((0xff, Vec::new()));
            let first = *rest.first().ok_or_else(more)?;
            let (fin, opcode) = (first >> 7 == 1, first & 15);
            if first & 0x30 != 0 || matches!(opcode, 3..=7 | 11..) || (opcode >= 8 && !fin) {
                return Err(Err(1002));
            }
            let second = *rest.get(1).ok_or_else(more)?;
            let short = second & 127;
            if opcode >= 8 && short > 125 {
                return Err(Err(1002));
            }
            let extended = match short {
                126 => 2,
                127 => 8,
                _ => 0,
            };
            let masked = if second > 127 { 4 } else { 0 };
            let head = rest.get(..2 + extended + masked).ok_or_else(more)?;
            let length = if extended == 0 {
                u64::from(short)
            } else {
                head[2..2 + extended].iter().fold(0, |length, byte| length << 8 | u64::from(*byte))
            };
            if (extended == 2 && length < 126) || (extended == 8 && length < 65_536) {
                return Err(Err(1002));
            }
            if length >> 63 == 1 {
                return Err(Err(1009));
            }
            if masked == 0 || first & 0x40 != 0 {
                return Err(Err(1002));
            }
            if opcode < 8 {
                let (held, fragments) = open.as_ref().map_or((0, 0), |(_, held, fragments)| (held.len(), *fragments));
                if (opcode == 0) != open.is_some() {
                    return Err(Err(1002));
                }
                if fragments + 1 > LIMITS.max_fragments {
                    return Err(Err(1008));
                }
                if length > (LIMITS.max_message - held) as u64 {
                    return Err(Err(1009));
                }
            }
            let key = &head[2 + extended..];
            let arrived = &rest[head.len()..rest.len().min(head.len() + length as usize)];
            let payload: Vec<u8> = arrived.iter().enumerate().map(|(at, byte)| byte ^ key[at % 4]).collect();
            let whole = payload.len() == length as usize;
            if opcode >= 8 {
                if !whole {
                    return Err(more());
                }
                at += head.len() + payload.len();
                return Ok(Some((opcode, payload)));
            }
            let (kind, mut held, fragments) = open.take().unwrap_or((opcode, Vec::new(), 0));
            held.extend(payload);
            if kind == 1 {
                incomplete_text(&held).map_err(Err)?;
                if whole && fin && std::str::from_utf8(&held).is_err() {
                    return Err(Err(1007));
                }
            }
            if !whole {
                return Err(more());
            }
            at += head.len() + length as usize;
            if fin {
                return Ok(Some((kind, held)));
            }
            open = Some((kind, held, fragments + 1));
            Ok(None)
        })();
        match step {
            Ok(None) => {}
            Ok(Some((8, payload))) => {
                let code = payload.first_chunk::<2>().map(|code| u16::from_be_bytes(*code));
                let bad = payload.len() == 1
                    || code.is_some_and(|code| !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999));
                outcomes.push(match payload.get(2..).map(std::str::from_utf8) {
                    _ if bad => Err(1002),
                    Some(Err(_)) => Err(1007),
                    _ => Ok((8, payload)),
                });
                return outcomes;
            }
            Ok(Some(message)) => outcomes.push(Ok(message)),
            Err(Ok(_)) => return outcomes,
            Err(error) => {
                outcomes.push(error);
                return outcomes;
            }
        }
    }
}

fn ours(bytes: &[u8], cuts: &[usize]) -> Vec<Outcome> {
    let mut decoder = Decoder::new(Role::Server, LIMITS, None);
    let (mut outcomes, mut at, mut cut) = (Vec::new(), 0, cuts.iter().cycle());
    while at < bytes.len() {
        let end = bytes.len().min(at + 1 + cut.next().unwrap());
        let mut input = BytesMut::from(&bytes[at..end]);
        at = end;
        loop {
            outcomes.push(match decoder.next_message(&mut input) {
                Ok(None) => break,
                Ok(Some(Message::Text(payload))) => Ok((1, payload.to_vec())),
                Ok(Some(Message::Binary(payload))) => Ok((2, payload.to_vec())),
                Ok(Some(Message::Ping(payload))) => Ok((9, payload.to_vec())),
                Ok(Some(Message::Pong(payload))) => Ok((10, payload.to_vec())),
                Ok(Some(Message::Close(None))) => Ok((8, Vec::new())),
                Ok(Some(Message::Close(Some(frame)))) => {
                    Ok((8, [&frame.code.0.to_be_bytes(), frame.reason.as_bytes()].concat()))
                }
                Err(error) => {
                    outcomes.push(Err(error.code.0));
                    return outcomes;
                }
            });
        }
    }
    outcomes
}

/// A frame that is mostly right: any opcode, sometimes a bad flag, length form, mask or text.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop_oneof![
        4 => "[a-zé€😀]{0,12}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..300),
        1 => (0_u16..5100, "[a-z]{0,5}").prop_map(|(code, text)| [&code.to_be_bytes(), text.as_bytes()].concat()),
    ];
    let opcode = prop_oneof![6 => 0..3_u8, 3 => 8..11_u8, 1 => 0..16_u8];
    let flaw = prop_oneof![30 => Just(0_u8), 1 => 1..7_u8];
    (payload, opcode, any::<bool>(), any::<[u8; 4]>(), flaw).prop_map(|(payload, opcode, fin, mask, flaw)| {
        let known = OpCode::from_bits(opcode).unwrap_or(OpCode::Text);
        let mut out = Vec::new();
        encode(&mut out, known, fin || known.is_control(), false, &payload, (flaw != 1).then_some(mask));
        match flaw {
            2 => out[0] ^= 0x80,
            3 => out[0] ^= 0x40,
            4 => out[0] = out[0] & 0xf0 | opcode,
            5 => out[1] ^= 0x01,
            6 => out[0] ^= 0x10,
            _ => {}
        }
        out
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_frames_in_any_cuts_mean_what_the_reference_says(
        frames in proptest::collection::vec(frame(), 1..12),
        cuts in proptest::collection::vec(prop_oneof![0..3_usize, 0..200_usize], 1..6),
    ) {
        let bytes = frames.concat();
        prop_assert_eq!(ours(&bytes, &cuts), reference(&bytes));
    }

    #[test]
    fn any_bytes_mean_what_the_reference_says(bytes in proptest::collection::vec(any::<u8>(), 0..400), cut in 0..50_usize) {
        prop_assert_eq!(ours(&bytes, &[cut]), reference(&bytes));
    }

    #[test]
    fn masking_is_the_naive_one(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..100),
        mask in any::<[u8; 4]>(),
        offset in 0..9_usize,
    ) {
        let naive: Vec<u8> = bytes.iter().enumerate().map(|(at, byte)| byte ^ mask[(at + offset) % 4]).collect();
        apply_mask(&mut bytes, mask, offset);
        prop_assert_eq!(bytes, naive);
    }

    #[test]
    fn what_is_encoded_has_the_header_it_says(
        length in prop_oneof![0..300_usize, 65_500..65_600_usize],
        mask in any::<Option<[u8; 4]>>(),
        fin in any::<bool>(),
    ) {
        let mut out = Vec::new();
        encode(&mut out, OpCode::Binary, fin, false, &vec![1; length], mask);
        let (header, size) = FrameHeader::parse(&out).unwrap().unwrap();
        prop_assert_eq!(header, FrameHeader { opcode: OpCode::Binary, fin, rsv1: false, length: length as u64, mask });
        prop_assert_eq!((size, out.len()), (header_len(length, mask.is_some()), size + length));
    }
}

/// Mutated frames and noise, compressed or not, for both roles: no panic, and nothing above the limit comes out.
#[test]
fn noise_never_panics_and_never_yields_more_than_the_limit() {
    let seconds: Option<u64> = std::env::var("DEEPALPHA_FUZZ").ok().map(|text| text.parse().expect("seconds"));
    let begin = std::time::Instant::now();
    let mut state = 0x5eed_u64;
    let mut roll = move |bound: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    let deflate = Deflate {
        server_no_context_takeover: false,
        client_no_context_takeover: false,
        server_max_window_bits: 15,
        client_max_window_bits: 15,
    };
    let mut round = 0;
    while seconds.map_or(round < 3000, |seconds| begin.elapsed().as_secs() < seconds) {
        round += 1;
        let role = if roll(2) == 0 { Role::Server } else { Role::Client };
        let mut decoder = Decoder::new(role, LIMITS, (roll(2) == 0).then_some(deflate));
        let mut bytes = Vec::new();
        for _ in 0..=roll(6) {
            let payload: Vec<u8> = (0..roll(200)).map(|_| roll(256) as u8).collect();
            let mask = matches!(role, Role::Server).then_some([1, 2, 3, 4]);
            let opcode = OpCode::from_bits(roll(3) as u8).unwrap();
            encode(&mut bytes, opcode, roll(2) == 0, roll(2) == 0 && opcode != OpCode::Continuation, &payload, mask);
        }
        for _ in 0..roll(4) {
            let place = roll(bytes.len() as u64) as usize;
            bytes[place] = roll(256) as u8;
        }
        'stream: for part in bytes.chunks(1 + roll(100) as usize) {
            let mut input = BytesMut::from(part);
            loop {
                let result = decoder.next_message(&mut input);
                assert!(decoder.held_bytes() <= LIMITS.max_message + 256, "{} bytes held", decoder.held_bytes());
                match result {
                    Ok(Some(Message::Text(payload) | Message::Binary(payload))) => {
                        assert!(payload.len() <= LIMITS.max_message)
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => break assert!(input.is_empty()),
                    Err(_) => break 'stream,
                }
            }
        }
    }
}

#[test]
fn a_claimed_length_allocates_nothing_and_an_idle_decoder_holds_nothing() {
    let limits = Limits { max_message: 1 << 30, ..Limits::default() };
    let mut decoder = Decoder::new(Role::Server, limits, None);
    assert_eq!(decoder.held_bytes(), 0);
    let head = [&[0x82, 0xff][..], &(1_u64 << 30).to_be_bytes(), &[0; 4]].concat();
    assert_eq!(decoder.next_message(&mut BytesMut::from(&head[..])), Ok(None));
    assert!(decoder.held_bytes() <= 256, "{}", decoder.held_bytes());
    let mut arrived = 0;
    while arrived < 1 << 22 {
        arrived += 65_536;
        assert_eq!(decoder.next_message(&mut BytesMut::zeroed(65_536)), Ok(None));
        assert!(decoder.held_bytes() <= 2 * arrived, "{} for {arrived}", decoder.held_bytes());
    }
    let mut decoder = Decoder::new(Role::Server, limits, None);
    let mut out = Vec::new();
    encode(&mut out, OpCode::Binary, true, false, &[7; 5000], Some([1, 2, 3, 4]));
    for part in out.chunks(999) {
        decoder.next_message(&mut BytesMut::from(part)).unwrap();
    }
    assert_eq!((decoder.held_bytes(), decoder.is_midway()), (0, false));
}
