//! The server's side of the opening handshake: a table of requests and their answers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use bytes::BytesMut;
use deepalpha_io::ws::{DeflatePolicy, Rejection, Request, RequestLimits, RequestParser, Upgrade};

/// The request of RFC 6455 section 1.2, with `extra` lines.
fn sample(extra: &str) -> String {
    format!(
        "GET /chat?room=a&x= HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://example.com\r\nSec-WebSocket-Version: 13\r\n{extra}\r\n"
    )
}

fn parse(text: &str) -> Result<Option<Request>, Rejection> {
    let whole = RequestParser::new(RequestLimits::default()).parse(&mut BytesMut::from(text));
    let mut parser = RequestParser::new(RequestLimits::default());
    let mut input = BytesMut::new();
    let mut piecewise = Ok(None);
    for byte in text.bytes() {
        input.extend_from_slice(&[byte]);
        piecewise = parser.parse(&mut input);
        if !matches!(piecewise, Ok(None)) {
            break;
        }
    }
    // A piecewise reader may refuse earlier, so only the good ones must be the same.
    assert_eq!(whole.is_err(), piecewise.is_err(), "{text}");
    if whole.is_ok() {
        assert_eq!(whole, piecewise, "{text}");
    }
    whole
}

fn upgrade(text: &str) -> Result<Upgrade, Rejection> {
    Upgrade::check(&parse(text)?.expect("a whole head"))
}

#[test]
fn the_sample_of_the_rfc_is_answered_with_its_key() {
    let request = parse(&sample("Sec-WebSocket-Protocol: chat, superchat\r\n")).unwrap().unwrap();
    assert_eq!((request.path.as_str(), request.query.as_deref()), ("/chat", Some("room=a&x=")));
    assert_eq!(
        (request.parameter("room"), request.parameter("x"), request.parameter("y")),
        (Some("a"), Some(""), None)
    );
    assert_eq!(request.origin(), Some("http://example.com"));
    let upgrade = Upgrade::check(&request).unwrap();
    assert_eq!(upgrade.protocols, ["chat", "superchat"]);
    let response = String::from_utf8(upgrade.accept(Some("superchat"), None).response).unwrap();
    assert_eq!(
        response,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: superchat\r\n\r\n"
    );
    let response = String::from_utf8(upgrade.accept(Some("other"), None).response).unwrap();
    assert!(!response.contains("Protocol:"), "a protocol that was not offered must not be named");
}

#[test]
fn what_follows_the_head_stays_for_the_decoder() {
    let mut input = BytesMut::from(format!("{}\u{1}after", sample("")).as_str());
    assert!(RequestParser::new(RequestLimits::default()).parse(&mut input).unwrap().is_some());
    assert_eq!(&input[..], b"\x01after");
}

#[test]
fn a_plain_request_is_recognised() {
    let request = parse("GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").unwrap().unwrap();
    assert!(!request.is_upgrade());
    assert_eq!(Upgrade::check(&request), Err(Rejection::UpgradeRequired));
}

#[test]
fn bad_requests_get_their_status() {
    let swap = |from: &str, to: &str| sample("").replace(from, to);
    let many = "X-Y: 1\r\n".repeat(60);
    let rows = [
        ("version 8", swap("Version: 13", "Version: 8"), 426),
        ("no version", swap("Sec-WebSocket-Version: 13\r\n", ""), 426),
        ("two versions", sample("Sec-WebSocket-Version: 13\r\n"), 426),
        ("no upgrade", swap("Upgrade: websocket\r\n", ""), 426),
        ("HTTP/1.0", swap("HTTP/1.1", "HTTP/1.0"), 505),
        ("HTTP/2.0", swap("HTTP/1.1", "HTTP/2.0"), 505),
        ("no version of HTTP", swap(" HTTP/1.1", ""), 400),
        ("POST", swap("GET", "POST"), 405),
        ("no host", swap("Host: server.example.com\r\n", ""), 400),
        ("two hosts", sample("Host: other\r\n"), 400),
        ("no connection", swap("Connection: keep-alive, Upgrade\r\n", ""), 400),
        ("short key", swap("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZQ=="), 400),
        ("key not base64", swap("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZ!=="), 400),
        ("two keys", sample("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), 400),
        ("a body", sample("Content-Length: 5\r\n"), 400),
        ("folded line", sample("X-A: 1\r\n 2\r\n"), 400),
        ("space before the colon", sample("X-A : 1\r\n"), 400),
        ("bare line feed", sample("X-A: 1\nX-B: 2\r\n"), 400),
        ("nul", sample("X-A: \0\r\n"), 400),
        ("absolute target", swap("/chat?room=a&x=", "http://x/"), 400),
        ("protocol not a token", sample("Sec-WebSocket-Protocol: a b\r\n"), 400),
        ("64 headers and one", sample(&many), 431),
        ("long head", sample(&format!("X-A: {}\r\n", "a".repeat(8192))), 431),
        ("TLS", "\u{16}\u{3}\u{1}\r\n\r\n".to_owned(), 400),
    ];
    for (what, text, status) in rows {
        let rejection = upgrade(&text).expect_err(what);
        assert_eq!(rejection.status(), status, "{what}: {rejection}");
        let answer = String::from_utf8(rejection.to_bytes()).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{answer}");
    }
    let busy = String::from_utf8(Rejection::Unavailable { retry_after_s: 7 }.to_bytes()).unwrap();
    assert!(busy.contains("503 Service Unavailable") && busy.contains("Retry-After: 7\r\n"), "{busy}");
    let version = String::from_utf8(Rejection::UpgradeRequired.to_bytes()).unwrap();
    assert!(version.contains("Sec-WebSocket-Version: 13\r\n"), "{version}");
}

#[test]
fn an_endless_head_is_refused_at_its_limit() {
    let mut parser = RequestParser::new(RequestLimits::default());
    let mut input = BytesMut::from("GET / HTTP/1.1\r\nX: ");
    while input.len() < 8192 {
        assert_eq!(parser.parse(&mut input), Ok(None));
        input.extend_from_slice(b"a");
    }
    assert_eq!(parser.parse(&mut input), Err(Rejection::HeadTooLarge));
}

#[test]
fn compression_offers_are_answered_by_the_rules() {
    let dear = DeflatePolicy {
        server_no_context_takeover: false,
        client_no_context_takeover: false,
        ..DeflatePolicy::default()
    };
    let small = DeflatePolicy { server_max_window_bits: 11, client_max_window_bits: 10, ..dear };
    let rows = [
        (dear, "permessage-deflate", Some("permessage-deflate")),
        (dear, "x-webkit, permessage-deflate; client_max_window_bits", Some("permessage-deflate")),
        (
            dear,
            "permessage-deflate; client_no_context_takeover",
            Some("permessage-deflate; client_no_context_takeover"),
        ),
        (dear, "permessage-deflate; server_max_window_bits=8", Some("permessage-deflate; server_max_window_bits=8")),
        (
            dear,
            "permessage-deflate; server_max_window_bits=\"10\"",
            Some("permessage-deflate; server_max_window_bits=10"),
        ),
        (dear, "permessage-deflate; client_max_window_bits=9", Some("permessage-deflate; client_max_window_bits=9")),
        (small, "permessage-deflate", Some("permessage-deflate; server_max_window_bits=11")),
        (
            small,
            "permessage-deflate; client_max_window_bits",
            Some("permessage-deflate; server_max_window_bits=11; client_max_window_bits=10"),
        ),
        (
            DeflatePolicy::default(),
            "permessage-deflate",
            Some("permessage-deflate; server_no_context_takeover; client_no_context_takeover"),
        ),
        (dear, "permessage-deflate; server_max_window_bits=7", None),
        (dear, "permessage-deflate; server_max_window_bits=16", None),
        (dear, "permessage-deflate; server_max_window_bits=08", None),
        (dear, "permessage-deflate; server_max_window_bits", None),
        (dear, "permessage-deflate; server_no_context_takeover=1", None),
        (dear, "permessage-deflate; server_no_context_takeover; server_no_context_takeover", None),
        (dear, "permessage-deflate; unknown", None),
        (dear, "permessage-deflate; unknown, permessage-deflate", Some("permessage-deflate")),
        (dear, "permessage-deflate; ;", None),
        (dear, "permessage-bzip2", None),
    ];
    for (policy, offer, expected) in rows {
        let upgrade = upgrade(&sample(&format!("Sec-WebSocket-Extensions: {offer}\r\n"))).unwrap();
        let accepted = upgrade.accept(None, Some(&policy));
        let response = String::from_utf8(accepted.response).unwrap();
        let answer = response.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
        assert_eq!(answer, expected, "{offer}");
        assert_eq!(accepted.deflate.is_some(), expected.is_some(), "{offer}");
    }
}
