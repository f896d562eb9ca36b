//! Abuse over real sockets, each kind with its end and with others served meanwhile. Deadlines and rates are configured
//! short; the tests wait on conditions.
#![expect(clippy::expect_used, reason = "tests may stop at a wrong shape")]

#[path = "hub_access/client.rs"]
mod client;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use client::{Client, DEADLINE, answer_to, guarded, open, socket, token, upgrade_request};
use deepalpha_io::hub::access::limits::{Limits, Rate};
use deepalpha_io::hub::{Class, Hub, HubConfig};
use deepalpha_io::ws::{Compressor, Deflate, DeflatePolicy, Message, OpCode, Role, encode};

/// Asks until `condition` holds; the answer says whether it ever did.
fn eventually(mut condition: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while !condition() {
        if begun.elapsed() > DEADLINE {
            return false;
        }
        std::thread::yield_now();
    }
    true
}

/// Whether the hub has closed this socket, which must not block.
fn is_closed(socket: &mut TcpStream) -> bool {
    let mut answer = [0_u8; 512];
    loop {
        match socket.read(&mut answer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != ErrorKind::WouldBlock,
        }
    }
}

#[test]
fn slow_handshakes_end_at_a_total_deadline_while_others_connect() {
    let config = HubConfig { handshake_timeout: Duration::from_millis(400), ..HubConfig::default() };
    let hub = open(Limits::default(), config);
    let mut slow: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut socket = socket(hub.local_addr());
            socket.write_all(b"GET / HTTP/1.1\r\nX-Slow: ").expect("writes");
            socket.set_nonblocking(true).expect("nonblocking");
            socket
        })
        .collect();
    assert!(eventually(|| hub.stats().counters.connections == 200));
    let mut served = 0_u32;
    // Every socket gets another byte again and again: a deadline from byte to byte would never come.
    let all_closed = eventually(|| {
        let _upgraded = Client::connect(hub.local_addr(), "");
        served += 1;
        slow.retain_mut(|socket| {
            let _refused = socket.write(b"a");
            !is_closed(socket)
        });
        slow.is_empty()
    });
    assert!(all_closed, "{} of 200 are still open", slow.len());
    assert!(served >= 1);
    assert_eq!(hub.stats().counters.handshake_timeouts, 200);
    assert!(eventually(|| hub.stats().counters.connections == 0), "every slot is free again");
}

#[test]
fn a_flood_of_connections_gets_503_and_a_time_and_room_is_found_again() {
    let config = HubConfig { max_connections: 20, ..HubConfig::default() };
    let hub = open(Limits::default(), config);
    let mut held: Vec<Client> = (0..20).map(|_| Client::connect(hub.local_addr(), "")).collect();
    for _ in 0..50 {
        let refusal = answer_to(hub.local_addr(), &upgrade_request(""));
        assert!(refusal.starts_with("HTTP/1.1 503 "), "{refusal}");
        assert!(refusal.contains("\r\nRetry-After: 1\r\n"), "{refusal}");
    }
    assert_eq!(hub.stats().counters.refused_full, 50);
    held.clear();
    assert!(eventually(|| hub.connections() == 0));
    assert!(Client::try_connect(hub.local_addr(), "").is_ok());
}

#[test]
fn one_address_that_connects_too_fast_gets_429() {
    let limits = Limits { loopback_exempt: false, connects: Rate::new(1, 10), ..Limits::default() };
    let hub = open(limits, HubConfig::default());
    let outcomes: Vec<Result<Client, String>> = (0..40).map(|_| Client::try_connect(hub.local_addr(), "")).collect();
    let refused: Vec<&String> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    // A refill of one a second while this runs is not an error.
    assert!((10..40).contains(&(40 - refused.len())), "{} refused", refused.len());
    assert!(refused.iter().all(|answer| answer.starts_with("HTTP/1.1 429 ")), "{refused:?}");
    assert!(refused.iter().all(|answer| answer.contains("\r\nRetry-After: ")), "{refused:?}");
}

#[test]
fn connections_beyond_the_reckoned_memory_get_503() {
    let limits = Limits { memory: 3_000, connection_bytes: 1_000, ..Limits::default() };
    let hub = open(limits, HubConfig::default());
    let mut held: Vec<Client> = (0..3).map(|_| Client::connect(hub.local_addr(), "")).collect();
    let refusal = Client::try_connect(hub.local_addr(), "").err().expect("full");
    assert!(refusal.starts_with("HTTP/1.1 503 "), "{refusal}");
    held.pop();
    assert!(eventually(|| Client::try_connect(hub.local_addr(), "").is_ok()));
}

#[test]
fn a_hundred_thousand_topics_are_answered_with_limits_and_then_1008() {
    let (hub, _gate) = guarded(Limits::default(), HubConfig { max_subscriptions: 500, ..HubConfig::default() });
    hub.topic("trades.BTCUSDT", Class::Reliable, 16).expect("topic");
    let mut abuser =
        Client::connect(hub.local_addr(), &format!("Authorization: Bearer {}\r\n", token(600, &["reader"])));
    let mut sent = 0;
    for first in (0..100_000).step_by(200) {
        let names: Vec<String> = (first..first + 200).map(|number| format!("\"trades.{number}\"")).collect();
        let request = format!("{{\"op\":\"subscribe\",\"topics\":[{}]}}", names.join(","));
        if abuser.send(&request).is_err() {
            break;
        }
        sent += 200;
    }
    let (code, reason, texts) = abuser.closed();
    assert_eq!((code, reason.as_str()), (1008, "too many refused requests"), "after {sent} names");
    assert!(texts.iter().any(|text| text.contains("too_many_subscriptions")));
    assert!(texts.iter().any(|text| text.contains("rate_limited")));
    assert!(texts.len() < 5_000, "{}", texts.len());
    drop(abuser);
    assert_eq!(hub.stats().topics, 1, "asking for a topic does not make it");
    assert!(eventually(|| hub.stats().counters.subscriptions == 0 && hub.connections() == 0));
}

#[test]
fn names_of_a_megabyte_and_storms_of_wildcards_are_refused() {
    let limits = Limits { wildcard_subscriptions: 8, refusals: 20, ..Limits::default() };
    let hub = open(limits, HubConfig { max_message: 4 << 20, ..HubConfig::default() });
    let mut client = Client::connect(hub.local_addr(), "");
    let long = "a".repeat(1 << 20);
    client.send(&format!("{{\"op\":\"subscribe\",\"topics\":[\"{long}\"]}}")).expect("sends");
    let answer = client.text();
    assert!(answer.contains("\"code\":\"bad_topic\"") && answer.len() < 500, "{}", answer.len());
    let patterns: Vec<String> = (0..100).map(|number| format!("\"trades.{number}.*\"")).collect();
    client.send(&format!("{{\"op\":\"subscribe\",\"topics\":[{}]}}", patterns.join(","))).expect("sends");
    let (code, _, texts) = client.closed();
    assert_eq!(code, 1008);
    assert_eq!(texts.iter().filter(|text| text.contains("too_many_wildcards")).count(), 20);
}

fn frame(opcode: OpCode, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out, opcode, true, false, payload, Some([9, 8, 7, 6]));
    out
}

/// Sends the same bytes until the hub stops reading or `times` is reached, then reads how it ended.
fn flood(hub: &Hub, bytes: &[u8], times: usize) -> (u16, String) {
    let mut client = Client::connect(hub.local_addr(), "");
    for _ in 0..times {
        if client.send_bytes(bytes).is_err() {
            break;
        }
    }
    let (code, reason, _) = client.closed();
    (code, reason)
}

#[test]
fn floods_of_messages_bytes_and_pings_are_closed_and_others_are_served() {
    let limits = Limits {
        messages: Rate::new(100, 200),
        control: Rate::new(10, 20),
        bytes: Rate::new(10_000, 100_000),
        ..Limits::default()
    };
    let hub = open(limits, HubConfig::default());
    hub.topic("trades.BTCUSDT", Class::Reliable, 16).expect("topic");
    let mut healthy = Client::connect(hub.local_addr(), "");
    healthy.send(r#"{"op":"subscribe","topics":["trades.BTCUSDT"]}"#).expect("sends");
    assert!(healthy.text().contains("subscribed"));
    let ping = frame(OpCode::Text, br#"{"op":"ping"}"#);
    assert_eq!(flood(&hub, &ping, 2_000), (1008, "message rate".into()));
    assert_eq!(flood(&hub, &frame(OpCode::Ping, b"x"), 2_000), (1008, "control frame rate".into()));
    let long = frame(OpCode::Text, format!("{{\"op\":\"ping\",\"x\":\"{}\"}}", "x".repeat(30_000)).as_bytes());
    assert_eq!(flood(&hub, &long, 20), (4429, "byte rate".into()));
    hub.publish("trades.BTCUSDT", b"7").expect("publishes");
    assert!(healthy.text().contains("\"data\":7"));
    drop(healthy);
    assert!(eventually(|| hub.stats().counters.connections == 0));
}

#[test]
fn a_compression_bomb_is_closed_1009_and_plain_and_compressed_readers_are_served() {
    let hub = open(Limits::default(), HubConfig::default());
    hub.topic("trades.BTCUSDT", Class::Reliable, 16).expect("topic");
    let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n";
    let agreed: Deflate = DeflatePolicy::default()
        .agree("permessage-deflate; client_no_context_takeover")
        .map(|(deflate, _)| deflate)
        .expect("agrees");
    let mut bomb = Vec::new();
    let zeros = vec![0_u8; 8 << 20];
    Compressor::new(Role::Client, &agreed, 9).encode(&mut bomb, OpCode::Text, &zeros, Some([1, 2, 3, 4]));
    assert!(bomb.len() < 10_000, "{} bytes become {}", bomb.len(), zeros.len());
    let before = resident();
    for _ in 0..20 {
        let mut attacker = Client::connect(hub.local_addr(), offer);
        assert!(attacker.head.contains("permessage-deflate"), "{}", attacker.head);
        attacker.send_bytes(&bomb).expect("sends");
        assert_eq!(attacker.closed().0, 1009);
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 32 << 20, "{grown} bytes more than before twenty bombs of 8 MiB");

    let mut plain = Client::connect(hub.local_addr(), "");
    plain.send(r#"{"op":"subscribe","topics":["trades.BTCUSDT"]}"#).expect("sends");
    assert!(plain.text().contains("subscribed"));
    hub.publish("trades.BTCUSDT", b"8").expect("publishes");
    assert!(matches!(plain.next(), Some(Message::Text(text)) if text.ends_with(b"\"data\":8}")));
}

/// Bytes of this process in memory; 0 where the system does not say.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").trim().parse::<usize>().unwrap_or(0) * 1024
}
