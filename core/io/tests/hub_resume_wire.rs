//! Resuming as the protocol has it: offsets for wildcards, offsets ahead of a subscribe, and how connections ended.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
mod hub_support;

use std::net::Shutdown;
use std::time::Duration;

use deepalpha_io::hub::access::guard::{AccessConfig, AccessGate};
use deepalpha_io::hub::access::limits::{Limits, Rate};
use deepalpha_io::hub::{CLOSE_CODES, Class, Gate, Hub, HubConfig};
use hub_support::{Client, DEADLINE, Event, quiet, until};
use serde_json::{Value, json};

fn hub(change: impl FnOnce(&mut HubConfig)) -> Hub {
    let mut config = HubConfig::default();
    change(&mut config);
    let hub = Hub::start(config).unwrap();
    hub.rule("r.*", Class::Reliable, 4).unwrap();
    hub.rule("b.*", Class::Buffered, 4).unwrap();
    for (topic, messages) in [("r.a", 4), ("r.b", 3), ("r.long", 9), ("b.long", 9)] {
        for number in 0..messages {
            hub.publish(topic, number.to_string().as_bytes()).unwrap();
        }
    }
    hub
}

/// How each topic of an answer began, by name.
fn begun(answer: &Value) -> Vec<(String, String)> {
    let word = |topic: &Value, key: &str| topic[key].as_str().unwrap().to_owned();
    let each = answer["topics"].as_array().unwrap().iter();
    let mut each: Vec<_> = each.map(|topic| (word(topic, "topic"), word(topic, "from"))).collect();
    each.sort();
    each
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(topic, from)| ((*topic).to_owned(), (*from).to_owned())).collect()
}

/// The next records, as topic and offset (of a gap its first).
fn records(reader: &mut Client, count: usize) -> Vec<(String, u64)> {
    let mut seen: Vec<_> = (0..count)
        .map(|_| {
            let record = reader.json();
            let offset = record["offset"].as_u64().or_else(|| record["gap"][0].as_u64()).unwrap();
            (record["topic"].as_str().unwrap().to_owned(), offset)
        })
        .collect();
    // Topics take turns; each keeps its order.
    seen.sort_by(|one, other| one.0.cmp(&other.0));
    seen
}

#[test]
fn a_wildcard_goes_on_topic_by_topic_and_begins_unnamed_ones_with_their_first_message() {
    let hub = hub(|_| {});
    let epoch = hub.epoch();
    let mut reader = Client::connect(hub.local_addr());
    let resume = json!({"r.a": {"epoch": epoch, "offset": 1}, "r.*": {"epoch": epoch, "offset": null}});
    let answer = reader.subscribe(&json!({"op": "subscribe", "topics": ["r.*"], "resume": resume}).to_string());
    // The first message of r.long is gone.
    assert_eq!(begun(&answer), pairs(&[("r.a", "resumed"), ("r.b", "resumed"), ("r.long", "snapshot")]));
    let expected = [("r.a", 2), ("r.a", 3), ("r.b", 0), ("r.b", 1), ("r.b", 2), ("r.long", 8)];
    assert_eq!(records(&mut reader, 6), expected.map(|(topic, offset)| (topic.to_owned(), offset)));
    // Without the wildcard's own entry a topic begins with its last value, as ever.
    let mut reader = Client::connect(hub.local_addr());
    let answer = reader.subscribe(r#"{"op":"subscribe","topics":["r.*"],"resume":{}}"#);
    assert_eq!(begun(&answer), pairs(&[("r.a", "live"), ("r.b", "live"), ("r.long", "live")]));
    // A buffered topic tells which of its first messages are gone.
    let mut reader = Client::connect(hub.local_addr());
    let resume = json!({"b.*": {"epoch": epoch, "offset": null}});
    reader.subscribe(&json!({"op": "subscribe", "topics": ["b.*"], "resume": resume}).to_string());
    let gap = reader.json();
    assert_eq!(gap["gap"][0], 0, "{gap}");
    // Another run: last values.
    let mut reader = Client::connect(hub.local_addr());
    let resume = json!({"r.*": {"epoch": "0123456789abcdef", "offset": null}});
    let answer = reader.subscribe(&json!({"op": "subscribe", "topics": ["r.*"], "resume": resume}).to_string());
    assert!(begun(&answer).iter().all(|(_, from)| from == "snapshot"), "{answer}");
    quiet(&hub);
}

#[test]
fn offsets_told_ahead_count_for_the_next_subscribe_and_no_further() {
    let hub = hub(|config| config.max_subscriptions = 3);
    let ahead = |epoch: &str, offsets: Value| json!({"op": "resume", "id": 7, "epoch": epoch, "offsets": offsets});
    let mut reader = Client::connect(hub.local_addr());
    for offsets in [json!({"r.a": 2, "nobody": 5}), json!({"r.b": null})] {
        reader.send(&ahead(hub.epoch(), offsets.clone()).to_string());
        let told = offsets.as_object().unwrap().len();
        assert_eq!(reader.json(), json!({"op": "resuming", "id": 7, "topics": told}), "as many as were told");
    }
    let subscribe = r#"{"op":"subscribe","topics":["r.a","r.b"]}"#;
    assert_eq!(begun(&reader.subscribe(subscribe)), pairs(&[("r.a", "resumed"), ("r.b", "resumed")]));
    let expected = [("r.a", 3), ("r.b", 0), ("r.b", 1), ("r.b", 2)];
    assert_eq!(records(&mut reader, 4), expected.map(|(topic, offset)| (topic.to_owned(), offset)));
    assert_eq!(begun(&reader.subscribe(subscribe)), pairs(&[("r.a", "live"), ("r.b", "live")]));
    // Another run, an offset that was never given out, too many, something missing.
    let mut reader = Client::connect(hub.local_addr());
    reader.send(&ahead("0123456789abcdef", json!({"r.a": 1, "r.b": 9})).to_string());
    assert_eq!(reader.json()["op"], "resuming");
    let answer = reader.subscribe(subscribe);
    assert_eq!(begun(&answer), pairs(&[("r.a", "snapshot"), ("r.b", "snapshot")]));
    let mut reader = Client::connect(hub.local_addr());
    reader.send(&ahead(hub.epoch(), json!({"r.a": 4})).to_string());
    assert_eq!(reader.json()["op"], "resuming");
    reader.send(r#"{"op":"subscribe","topics":["r.a"]}"#);
    assert_eq!(reader.json()["code"], "bad_resume");
    assert_eq!(reader.json()["topics"], json!([]));
    let mut reader = Client::connect(hub.local_addr());
    reader.send(&ahead(hub.epoch(), json!({"r.a": 0, "r.b": 0, "r.long": 0, "b.long": 0})).to_string());
    assert_eq!(reader.json()["code"], "too_many_subscriptions");
    reader.send(r#"{"op":"resume","offsets":{}}"#);
    assert_eq!(reader.json()["code"], "bad_request");
    reader.send(&json!({"op":"subscribe","topics":["r.*"],"resume":{"r.*":{"epoch":"x","offset":1}}}).to_string());
    assert_eq!(reader.json()["code"], "bad_request", "an offset of a wildcard means nothing");
}

/// Small limits, so that floods end soon.
fn strict() -> std::sync::Arc<dyn Gate> {
    let limits = Limits { control: Rate::new(1, 5), ..Limits::default() };
    let config = AccessConfig { limits, ..AccessConfig::default() };
    AccessGate::new(config, HubConfig::default().address).unwrap()
}

#[test]
fn connections_are_counted_by_the_code_they_ended_with() {
    let hub = hub(|config| {
        config.gate = strict();
        config.send_buffer = Some(4 << 10);
        config.max_backlog = 4 << 10;
        config.close_timeout = Duration::from_millis(200);
        config.retry_spread = Duration::ZERO;
    });
    let join = || Client::connect(hub.local_addr());
    let code = |code: u16| code.to_be_bytes().to_vec();
    let ends = |mut client: Client, first: u8, payload: &[u8]| {
        client.send_frame(first, payload);
        assert!(client.close_code().is_some());
    };
    ends(join(), 0x88, &code(1000));
    ends(join(), 0x88, &code(1001));
    ends(join(), 0x88, &[]); // 1005
    ends(join(), 0x88, &code(4999)); // other
    ends(join(), 0x83, b""); // 1002: an opcode that is none
    ends(join(), 0x82, b"binary"); // 1003
    ends(join(), 0x81, b"\xff"); // 1007
    let mut flood = join();
    for _ in 0..10 {
        flood.send_frame(0x89, b"");
    }
    assert_eq!(flood.close_code(), Some(1008));
    let mut big = join();
    big.send_frame(0x01, &[b' '; 60_000]);
    big.send_frame(0x80, &[b' '; 60_000]);
    assert_eq!(big.close_code(), Some(1009));
    // Without a word, in two ways: 1006.
    drop(join());
    join().socket.shutdown(Shutdown::Both).unwrap();
    // Too slow for a reliable topic.
    let mut slow = join();
    slow.subscribe(r#"{"op":"subscribe","topics":["r.a"]}"#);
    let text = format!("\"{}\"", "x".repeat(60_000));
    until("a close with 4008", || {
        let _ = hub.publish("r.a", text.as_bytes());
        (hub.stats().counters.slow_closes == 1).then_some(())
    });
    assert_eq!(slow.close_code(), Some(4008));
    // One refused before the upgrade is none of these.
    let (_, head) = Client::request(hub.local_addr(), "/", "Origin: http://elsewhere.example\r\n");
    assert!(head.starts_with("HTTP/1.1 403"), "{head}");
    until("all are gone", || (hub.stats().counters.connections == 0).then_some(()));
    let mut last = join();
    let stats = std::thread::scope(|scope| {
        let stop = scope.spawn(|| hub.shutdown(DEADLINE));
        assert!(matches!(last.next(), Event::Close(1001, _)));
        drop(last);
        stop.join().unwrap()
    });
    let counted: Vec<(String, u64)> = stats.closes.by_label().filter(|(_, count)| *count > 0).collect();
    let expected = [
        ("1000", 1),
        ("1001", 2),
        ("1002", 1),
        ("1003", 1),
        ("1005", 1),
        ("1006", 2),
        ("1007", 1),
        ("1008", 1),
        ("1009", 1),
        ("4008", 1),
        ("other", 1),
    ];
    assert_eq!(counted, expected.map(|(label, count)| (label.to_owned(), count)));
    assert_eq!(stats.closes.total(), stats.counters.opened - stats.counters.open);
    assert_eq!(stats.closes.by_label().count(), CLOSE_CODES.len() + 1);
}
