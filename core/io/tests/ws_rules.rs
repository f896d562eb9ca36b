//! The rules of RFC 6455, one row each: bytes of a peer, and what must come of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use bytes::{Bytes, BytesMut};
use deepalpha_io::ws::{CloseCode, CloseFrame, Decoder, Limits, Message, OpCode, Role, encode, encode_close};

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn frame(opcode: OpCode, fin: bool, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out, opcode, fin, false, payload, Some(KEY));
    out
}

/// What a server makes of `bytes`, given whole and then byte by byte: both must agree.
fn run(bytes: &[u8], limits: Limits) -> (Vec<Message>, Option<CloseCode>) {
    let whole = run_chunks(&mut [bytes].into_iter(), limits);
    let single = run_chunks(&mut bytes.chunks(1), limits);
    assert_eq!(whole, single, "cut into bytes, {bytes:02x?} means something else");
    whole
}

fn run_chunks(chunks: &mut dyn Iterator<Item = &[u8]>, limits: Limits) -> (Vec<Message>, Option<CloseCode>) {
    let mut decoder = Decoder::new(Role::Server, limits, None);
    let mut messages = Vec::new();
    for chunk in chunks {
        let mut input = BytesMut::from(chunk);
        loop {
            match decoder.next_message(&mut input) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break assert!(input.is_empty(), "the decoder left bytes behind"),
                Err(error) => return (messages, Some(error.code)),
            }
        }
    }
    (messages, None)
}

fn text(words: &str) -> Message {
    Message::Text(Bytes::copy_from_slice(words.as_bytes()))
}

#[test]
fn what_the_rules_allow_comes_out_as_messages() {
    let join = |parts: &[Vec<u8>]| parts.concat();
    let mut close = Vec::new();
    encode_close(&mut close, Some(CloseCode(4008)), "slow", Some(KEY));
    let long = vec![7_u8; 70_000];
    let rows: Vec<(&str, Vec<u8>, Vec<Message>)> = vec![
        ("text", frame(OpCode::Text, true, b"Hello"), vec![text("Hello")]),
        ("empty text", frame(OpCode::Text, true, b""), vec![text("")]),
        (
            "16-bit length",
            frame(OpCode::Binary, true, &long[..126]),
            vec![Message::Binary(Bytes::copy_from_slice(&long[..126]))],
        ),
        ("64-bit length", frame(OpCode::Binary, true, &long), vec![Message::Binary(Bytes::from(long.clone()))]),
        (
            "a ping between fragments",
            join(&[
                frame(OpCode::Text, false, b"Hel"),
                frame(OpCode::Ping, true, b"?"),
                frame(OpCode::Continuation, false, b""),
                frame(OpCode::Continuation, true, b"lo"),
            ]),
            vec![Message::Ping(Bytes::from_static(b"?")), text("Hello")],
        ),
        (
            "a character cut by a fragment",
            join(&[frame(OpCode::Text, false, b"\xe2\x82"), frame(OpCode::Continuation, true, b"\xac")]),
            vec![text("\u{20ac}")],
        ),
        ("pong", frame(OpCode::Pong, true, b"x"), vec![Message::Pong(Bytes::from_static(b"x"))]),
        ("close without payload", frame(OpCode::Close, true, b""), vec![Message::Close(None)]),
        (
            "what follows a close is ignored",
            join(&[close, frame(OpCode::Text, true, b"late"), vec![0xff; 9]]),
            vec![Message::Close(Some(CloseFrame { code: CloseCode(4008), reason: "slow".to_owned() }))],
        ),
    ];
    for (what, bytes, expected) in rows {
        assert_eq!(run(&bytes, Limits::default()), (expected, None), "{what}");
    }
}

#[test]
fn what_the_rules_forbid_closes_with_its_code() {
    let join = |parts: &[Vec<u8>]| parts.concat();
    let close = |payload: &[u8]| frame(OpCode::Close, true, payload);
    let (protocol, data, big, policy) =
        (CloseCode::PROTOCOL, CloseCode::INVALID_DATA, CloseCode::TOO_BIG, CloseCode::POLICY);
    let masked_length = |first: u8, second: u8, length: &[u8]| [&[first, second], length, &KEY].concat();
    let mut rows: Vec<(String, Vec<u8>, CloseCode)> = vec![
        ("not masked".into(), vec![0x81, 0x01, b'x'], protocol),
        ("first reserved bit".into(), vec![0xc1, 0x80, 0, 0, 0, 0], protocol),
        ("second reserved bit".into(), vec![0xa1, 0x80, 0, 0, 0, 0], protocol),
        ("third reserved bit".into(), vec![0x91, 0x80, 0, 0, 0, 0], protocol),
        ("fragmented ping".into(), frame(OpCode::Ping, false, b""), protocol),
        ("ping of 126 bytes".into(), frame(OpCode::Ping, true, &[0; 126]), protocol),
        ("continuation first".into(), frame(OpCode::Continuation, true, b""), protocol),
        ("text inside text".into(), join(&[frame(OpCode::Text, false, b""), frame(OpCode::Text, true, b"")]), protocol),
        ("close of one byte".into(), close(&[3]), protocol),
        ("reason not UTF-8".into(), close(&[3, 232, 0xff]), data),
        (
            "text not UTF-8".into(),
            frame(OpCode::Text, true, b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80"),
            data,
        ),
        ("text cut inside a character".into(), frame(OpCode::Text, true, b"\xe2\x82"), data),
        ("125 in two bytes".into(), masked_length(0x82, 0xfe, &[0, 125]), protocol),
        ("65535 in eight bytes".into(), masked_length(0x82, 0xff, &65_535_u64.to_be_bytes()), protocol),
        ("2^63".into(), masked_length(0x82, 0xff, &(1_u64 << 63).to_be_bytes()), big),
        ("2^63 - 1, nothing sent".into(), masked_length(0x82, 0xff, &i64::MAX.to_be_bytes()), big),
        ("one above the limit".into(), masked_length(0x82, 0xff, &((1_u64 << 20) + 1).to_be_bytes()), big),
        (
            "fragments above the limit together".into(),
            join(&[frame(OpCode::Binary, false, &vec![0; 1 << 20]), frame(OpCode::Continuation, true, b"x")]),
            big,
        ),
        (
            "1,025 empty fragments".into(),
            join(&[frame(OpCode::Text, false, b""), frame(OpCode::Continuation, false, b"").repeat(1024)]),
            policy,
        ),
    ];
    for opcode in [3_u8, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        rows.push((format!("opcode {opcode}"), vec![0x80 | opcode, 0x80, 0, 0, 0, 0], protocol));
    }
    for code in [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        rows.push((format!("close code {code}"), close(&code.to_be_bytes()), protocol));
    }
    for (what, bytes, code) in rows {
        assert_eq!(run(&bytes, Limits::default()), (vec![], Some(code)), "{what}");
    }
}

#[test]
fn wrong_text_fails_before_its_frame_is_complete() {
    let mut decoder = Decoder::new(Role::Server, Limits::default(), None);
    let whole = frame(OpCode::Text, true, b"\xce\xba\xf4\x90\x80\x80 and more that never comes");
    let mut input = BytesMut::from(&whole[..6 + 3]);
    assert_eq!(decoder.next_message(&mut input), Ok(None));
    let mut input = BytesMut::from(&whole[6 + 3..6 + 4]);
    assert_eq!(decoder.next_message(&mut input).unwrap_err().code, CloseCode::INVALID_DATA);
    let mut input = BytesMut::from(&whole[6 + 4..]);
    assert!(decoder.next_message(&mut input).is_err(), "an error stays");
}

#[test]
fn a_client_refuses_masked_frames() {
    let mut decoder = Decoder::new(Role::Client, Limits::default(), None);
    let mut input = BytesMut::from(frame(OpCode::Text, true, b"x").as_slice());
    assert_eq!(decoder.next_message(&mut input).unwrap_err().code, CloseCode::PROTOCOL);
}

#[test]
fn an_idle_decoder_is_at_most_200_bytes() {
    assert!(size_of::<Decoder>() <= 200, "{}", size_of::<Decoder>());
}
