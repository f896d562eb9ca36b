//! Access over real sockets: tokens, origins, roles, expiry, figures, each with the answer the fault table asks for.
#![expect(clippy::expect_used, reason = "tests may stop at a wrong shape")]

#[path = "hub_access/client.rs"]
mod client;
#[path = "hub_access/prometheus.rs"]
mod prometheus;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use client::{
    Client, DEADLINE, answer_to, authentication, body, guarded, key, now_seconds, open, socket, start, token,
    upgrade_request,
};
use deepalpha_io::hub::access::guard::{AccessConfig, AccessGate};
use deepalpha_io::hub::access::jwt::Claims;
use deepalpha_io::hub::access::limits::Limits;
use deepalpha_io::hub::{Class, HubConfig};

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

const SUBSCRIBE: &str = r#"{"op":"subscribe","id":1,"topics":["trades.BTCUSDT"]}"#;

#[test]
fn a_good_token_reads_from_wherever_a_client_can_put_it() {
    let (hub, _gate) = guarded(Limits::default(), HubConfig::default());
    hub.topic("trades.BTCUSDT", Class::Reliable, 16).expect("topic");
    let token = token(600, &["reader"]);
    let mut by_header = Client::connect(hub.local_addr(), &bearer(&token));
    // The token first: the hub must not take the first it is offered.
    let protocols = format!("Sec-WebSocket-Protocol: bearer.{token}, deepalpha.v1\r\n");
    let mut by_subprotocol = Client::connect(hub.local_addr(), &protocols);
    assert!(by_subprotocol.head.contains("Sec-WebSocket-Protocol: deepalpha.v1\r\n"), "{}", by_subprotocol.head);
    assert!(!by_subprotocol.head.contains("bearer"), "the token does not come back");
    let mut by_message = Client::connect(hub.local_addr(), "");
    by_message.send(SUBSCRIBE).expect("sends");
    assert!(by_message.text().contains("\"code\":\"unauthenticated\""));
    assert!(by_message.text().contains("\"topics\":[]"));
    by_message.send(&format!(r#"{{"op":"auth","id":7,"token":"{token}"}}"#)).expect("sends");
    let answer = by_message.text();
    assert!(answer.contains("\"id\":7") && !answer.contains("error"), "{answer}");
    for reader in [&mut by_header, &mut by_subprotocol, &mut by_message] {
        reader.send(SUBSCRIBE).expect("sends");
        assert!(reader.text().contains("\"op\":\"subscribed\""));
    }
    hub.publish("trades.BTCUSDT", b"{\"price\":1}").expect("publishes");
    for reader in [&mut by_header, &mut by_subprotocol, &mut by_message] {
        assert!(reader.text().contains("{\"price\":1}"));
    }
}

#[test]
fn every_forged_or_outdated_token_is_answered_401_and_never_repeated() {
    let (hub, gate) = guarded(Limits::default(), HubConfig::default());
    let exp = now_seconds() + 600;
    let part = |text: String| URL_SAFE_NO_PAD.encode(text);
    let none = format!("{}.{}.", part(r#"{"alg":"none"}"#.into()), part(format!(r#"{{"exp":{exp}}}"#)));
    let good = token(600, &["reader"]);
    let content = format!("{}.{}", part(r#"{"alg":"HS256","kid":"x"}"#.into()), part(format!(r#"{{"exp":{exp}}}"#)));
    let unknown_key = format!("{content}.{}", good.rsplit('.').next().expect("signature"));
    let altered = format!("{}x", good.get(..good.len() - 1).expect("ascii"));
    for token in [none, token(-1, &["reader"]), unknown_key, altered, "x".repeat(7_000)] {
        for headers in [bearer(&token), format!("Sec-WebSocket-Protocol: deepalpha.v1, bearer.{token}\r\n")] {
            let refusal = answer_to(hub.local_addr(), &upgrade_request(&headers));
            assert!(refusal.starts_with("HTTP/1.1 401 "), "{token}: {refusal}");
            assert!(refusal.contains("WWW-Authenticate: Bearer") && !refusal.contains(&token), "{refusal}");
        }
    }
    let counted: u64 = gate_rejections(&gate);
    assert_eq!(counted, 10);
}

fn gate_rejections(gate: &AccessGate) -> u64 {
    use deepalpha_io::hub::Gate;
    gate.rejections().iter().map(|(_, count)| count).sum()
}

#[test]
fn silence_and_wrong_first_messages_are_closed_4401() {
    let limits = Limits { authentication: std::time::Duration::from_millis(200), ..Limits::default() };
    let (hub, _gate) = guarded(limits, HubConfig::default());
    let mut silent = Client::connect(hub.local_addr(), "");
    let mut wrong = Client::connect(hub.local_addr(), "");
    wrong.send(r#"{"op":"auth","token":"a.b.c"}"#).expect("sends");
    assert_eq!(wrong.closed(), (4401, "token refused".into(), vec![]));
    assert_eq!(silent.closed(), (4401, "no token in time".into(), vec![]));
}

#[test]
fn a_token_that_ends_while_connected_closes_4401_within_a_second() {
    // The wall clock of this hub stands 300 ms before the end of the token.
    let ends = now_seconds() + 600;
    let access = AccessConfig { authentication: Some(authentication()), ..AccessConfig::default() };
    let config = HubConfig::default();
    let clock = Arc::new(move || ends * 1_000_000_000 - 300_000_000);
    let gate = AccessGate::with_clock(access, config.address, clock).expect("gate");
    let hub = start(gate, config);
    let claims = Claims { expires_at_seconds: ends, roles: vec!["reader".into()], ..Claims::default() };
    let begun = Instant::now();
    let mut reader = Client::connect(hub.local_addr(), &bearer(&claims.issue(&key()).expect("signs")));
    reader.send(SUBSCRIBE).expect("sends");
    assert!(reader.text().contains("subscribed"));
    assert_eq!(reader.closed(), (4401, "token expired".into(), vec![]));
    // The bound is a second; a busy machine is given five.
    let spent = begun.elapsed().as_millis();
    assert!((300..5_000).contains(&spent), "{spent} ms");
}

#[test]
fn what_is_revoked_is_closed_4401_and_others_stay() {
    let (hub, gate) = guarded(Limits::default(), HubConfig::default());
    hub.topic("trades.BTCUSDT", Class::Reliable, 16).expect("topic");
    let of = |subject: &str| {
        let claims = Claims {
            subject: Some(subject.into()),
            expires_at_seconds: now_seconds() + 600,
            roles: vec!["reader".into()],
            ..Claims::default()
        };
        let mut reader = Client::connect(hub.local_addr(), &bearer(&claims.issue(&key()).expect("signs")));
        reader.send(SUBSCRIBE).expect("sends");
        assert!(reader.text().contains("subscribed"));
        reader
    };
    let (mut ann, mut bob) = (of("ann"), of("bob"));
    gate.revoke(|revocations| revocations.revoke_subject("ann"));
    assert_eq!(ann.closed(), (4401, "token revoked".into(), vec![]));
    hub.publish("trades.BTCUSDT", b"1").expect("publishes");
    assert!(bob.text().contains("\"data\":1"));
}

#[test]
fn a_reader_may_not_write_and_a_topic_outside_its_role_is_not_read() {
    let (hub, _gate) = guarded(Limits::default(), HubConfig::default());
    hub.topic("trades.BTCUSDT", Class::Reliable, 16).expect("topic");
    hub.topic("orders.fills", Class::Reliable, 16).expect("topic");
    let claims = Claims {
        expires_at_seconds: now_seconds() + 600,
        subscribe: vec!["trades.*".into()],
        publish: vec!["notes.>".into()],
        ..Claims::default()
    };
    let mut reader = Client::connect(hub.local_addr(), &bearer(&claims.issue(&key()).expect("signs")));
    for request in [
        r#"{"op":"subscribe","id":2,"topics":["orders.fills"]}"#,
        r#"{"op":"subscribe","id":2,"topics":[">"]}"#,
        r#"{"op":"publish","id":2,"topic":"trades.BTCUSDT","data":1}"#,
    ] {
        reader.send(request).expect("sends");
        let answer = reader.text();
        assert!(answer.contains("\"code\":\"forbidden\"") && answer.contains("\"id\":2"), "{answer}");
        if request.contains("subscribe") {
            let answer = reader.text();
            assert!(answer.contains("\"topics\":[]"), "{answer}");
        }
    }
    reader.send(r#"{"op":"subscribe","id":3,"topics":["trades.*"]}"#).expect("sends");
    assert!(reader.text().contains("subscribed"));
    hub.publish("trades.BTCUSDT", b"2").expect("publishes");
    assert!(reader.text().contains("\"data\":2"));
}

#[test]
fn pages_of_strangers_and_rebound_names_are_answered_403() {
    let hub = open(Limits::default(), HubConfig::default());
    let origin = |origin: &str| upgrade_request(&format!("Origin: {origin}\r\n"));
    for stranger in ["https://evil.example", "null", "http://localhost.evil.example"] {
        let refusal = answer_to(hub.local_addr(), &origin(stranger));
        assert!(refusal.starts_with("HTTP/1.1 403 "), "{stranger}: {refusal}");
    }
    let rebound = upgrade_request("").replace("Host: localhost", "Host: evil.example");
    assert!(answer_to(hub.local_addr(), &rebound).starts_with("HTTP/1.1 403 "));
    let _streamlit = Client::connect(hub.local_addr(), "Origin: http://localhost:8501\r\n");
}

#[test]
fn the_endpoints_of_the_load_generator_ask_for_the_same_tokens() {
    let (hub, _gate) = guarded(Limits::default(), HubConfig { bench: true, ..HubConfig::default() });
    let (reader, publisher) = (bearer(&token(600, &["reader"])), bearer(&token(600, &["publisher"])));
    let enter = |path: &str, headers: &str| {
        let request = upgrade_request(headers).replacen("GET / ", &format!("GET {path} "), 1);
        Client::try_request(Box::new(socket(hub.local_addr())), &request)
    };
    for (path, headers) in [("/sub", ""), ("/pub", ""), ("/pub", reader.as_str())] {
        let refusal = enter(path, headers).err().unwrap_or_default();
        assert!(refusal.starts_with("HTTP/1.1 403 "), "{path}: {refusal}");
    }
    let mut sub = enter("/sub", &reader).expect("reads");
    let mut publish = enter("/pub", &publisher).expect("writes");
    publish.send("tick").expect("sends");
    assert_eq!(sub.text(), "tick");
}

fn get(address: SocketAddr, path: &str, headers: &str) -> String {
    answer_to(address, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"))
}

#[test]
fn figures_and_health_are_served_on_the_same_port() {
    let hub = open(Limits::default(), HubConfig::default());
    hub.topic("trades.BTCUSDT", Class::Reliable, 16).expect("topic");
    let mut reader = Client::connect(hub.local_addr(), "");
    reader.send(SUBSCRIBE).expect("sends");
    assert!(reader.text().contains("subscribed"));
    for number in 0..5 {
        hub.publish("trades.BTCUSDT", number.to_string().as_bytes()).expect("publishes");
        assert!(reader.text().contains(&format!("\"data\":{number}")));
    }
    assert!(answer_to(hub.local_addr(), &upgrade_request("Origin: null\r\n")).starts_with("HTTP/1.1 403 "));
    assert!(get(hub.local_addr(), "/health", "").starts_with("HTTP/1.1 200 "));
    assert!(get(hub.local_addr(), "/nothing", "").starts_with("HTTP/1.1 4"));

    // The reader has the message before the shard has counted it: ask until the counters rest.
    let begun = Instant::now();
    let (families, text) = loop {
        let text = get(hub.local_addr(), "/metrics", "");
        assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
        assert!(text.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{text}");
        let families = prometheus::parse(body(&text)).expect("strict");
        let delivered = "deepalpha_hub_deliveries_total{class=\"reliable\",outcome=\"delivered\"}";
        if families.number(delivered) == 5 || begun.elapsed() > DEADLINE {
            break (families, text);
        }
    };
    let number = |series: &str| families.number(&format!("deepalpha_hub_{series}"));
    assert_eq!(number("sent_total{class=\"reliable\"}"), 5, "{text}");
    assert_eq!(number("topic_sent_total{topic=\"trades.BTCUSDT\",class=\"reliable\"}"), 5, "{text}");
    assert_eq!(number("delivery_latency_seconds_count{class=\"reliable\"}"), 5, "{text}");
    assert_eq!(number("published_total"), 5);
    assert_eq!(number("connections{state=\"open\"}"), 1, "{text}");
    assert_eq!(number("subscriptions"), 1);
    assert_eq!(number("refused_total{reason=\"origin\"}"), 1, "{text}");
    assert_eq!(number("upgraded_total"), 1);
    assert!(get(hub.local_addr(), "/metrics", "X-Forwarded-For: 10.0.0.1\r\n").starts_with("HTTP/1.1 401 "));
    let rebound = "GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n";
    assert!(answer_to(hub.local_addr(), rebound).starts_with("HTTP/1.1 403 "));
}
