//! The client's side of the opening handshake: what a server answers, and whether it is believed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use bytes::BytesMut;
use deepalpha_io::ws::{Deflate, DeflatePolicy, Opened, Opening, OpeningError, RequestLimits, RequestParser, Upgrade};

/// The nonce of RFC 6455 section 1.3, whose answer is in `GOOD`.
fn opening(deflate: bool) -> Opening {
    Opening::new(*b"the sample nonce", vec!["chat".to_owned(), "superchat".to_owned()], deflate)
}

const GOOD: &str = "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\n\
                    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

fn verify(deflate: bool, answer: &str) -> Result<Option<Opened>, OpeningError> {
    opening(deflate).verify(&mut BytesMut::from(answer))
}

#[test]
fn both_sides_agree_with_each_other_and_bytes_after_the_head_stay() {
    let request = opening(true).request("h:1", "/a?b", &[("Authorization".to_owned(), "Bearer x".to_owned())]).unwrap();
    let parsed =
        RequestParser::new(RequestLimits::default()).parse(&mut BytesMut::from(&request[..])).unwrap().unwrap();
    assert_eq!((parsed.headers.get("host"), parsed.headers.get("authorization")), (Some("h:1"), Some("Bearer x")));
    let policy = DeflatePolicy { client_max_window_bits: 9, ..DeflatePolicy::default() };
    let accepted = Upgrade::check(&parsed).unwrap().accept(Some("superchat"), Some(&policy));
    let mut input = BytesMut::from(&accepted.response[..]);
    input.extend_from_slice(b"\x81\x00");
    let opened = opening(true).verify(&mut input).unwrap().unwrap();
    assert_eq!(opened, Opened { protocol: Some("superchat".to_owned()), deflate: accepted.deflate });
    assert_eq!(opened.deflate.map(|deflate: Deflate| deflate.client_max_window_bits), Some(9));
    assert_eq!(&input[..], b"\x81\x00");
}

#[test]
fn a_header_cannot_smuggle_another() {
    for (name, value) in [("X", "a\r\nY: b"), ("X Y", "a"), ("", "a"), ("X", "\0")] {
        let headers = [(name.to_owned(), value.to_owned())];
        assert_eq!(opening(false).request("h", "/", &headers), Err(OpeningError::Header(name.to_owned())));
    }
}

#[test]
fn answers_that_break_a_rule_are_not_believed() {
    let end = "\r\n";
    assert!(verify(false, &format!("{GOOD}{end}")).unwrap().is_some());
    assert_eq!(verify(false, GOOD), Ok(None));
    let rows = [
        (false, GOOD.replace("101", "200"), ""),
        (false, GOOD.replace("HTTP/1.1", "HTTP/1.0"), ""),
        (false, GOOD.replace("s3pP", "t3pP"), ""),
        (false, GOOD.replace("upgrade: WebSocket", "upgrade: h2c"), ""),
        (false, GOOD.replace("keep-alive, upgrade", "close"), ""),
        (false, GOOD.to_owned(), "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
        (false, GOOD.to_owned(), "Sec-WebSocket-Protocol: other\r\n"),
        (false, GOOD.to_owned(), "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat\r\n"),
        (false, GOOD.to_owned(), "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
        (true, GOOD.to_owned(), "Sec-WebSocket-Extensions: x-other\r\n"),
        (true, GOOD.to_owned(), "Sec-WebSocket-Extensions: permessage-deflate; x\r\n"),
        (true, GOOD.to_owned(), "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"),
        (true, GOOD.to_owned(), "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=16\r\n"),
        (true, GOOD.to_owned(), "Sec-WebSocket-Extensions: permessage-deflate, permessage-deflate\r\n"),
        (false, "SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned(), ""),
        (false, format!("HTTP/1.1 101 {}", "a".repeat(17_000)), ""),
    ];
    for (deflate, head, extra) in rows {
        assert!(verify(deflate, &format!("{head}{extra}{end}")).is_err(), "{head}{extra}");
    }
    let busy = "HTTP/1.1 429 Slow down\r\nRetry-After: 30\r\n\r\n";
    assert_eq!(verify(false, busy), Err(OpeningError::Refused { status: 429, retry_after_s: Some(30) }));
    assert!(verify(false, "SSH-2.0").is_err(), "another protocol is noticed at once");
}
