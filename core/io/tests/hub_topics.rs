//! Topics over real sockets: order, wildcards, snapshots, resume, filters, publishing, and the counters behind them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
mod hub_support;

use std::time::Duration;

use deepalpha_io::hub::{Class, Hub, HubConfig, HubError};
use hub_support::{Client, Event, quiet, until};
use serde_json::{Value, json};

fn hub(shards: usize) -> Hub {
    Hub::start(HubConfig { shards, ..HubConfig::default() }).unwrap()
}

#[test]
fn every_reader_sees_a_reliable_topic_in_the_same_order() {
    let hub = hub(2);
    hub.topic("fills.A", Class::Reliable, 4_096).unwrap();
    let mut readers: Vec<Client> = (0..8).map(|_| Client::connect(hub.local_addr())).collect();
    for reader in &mut readers {
        reader.subscribe(r#"{"op":"subscribe","id":1,"topics":["fills.A"]}"#);
    }
    std::thread::scope(|scope| {
        for publisher in 0..3 {
            let hub = &hub;
            scope.spawn(move || {
                for number in 0..500 {
                    hub.publish("fills.A", format!("[{publisher},{number}]").as_bytes()).unwrap();
                }
            });
        }
    });
    let mut orders: Vec<Vec<Value>> = Vec::new();
    for reader in &mut readers {
        let mut order = Vec::new();
        for offset in 0..1_500 {
            let record = reader.json();
            assert_eq!(record["offset"], offset);
            order.push(record["data"].clone());
        }
        orders.push(order);
    }
    for publisher in 0..3 {
        let numbers: Vec<&Value> = orders[0].iter().filter(|data| data[0] == publisher).map(|data| &data[1]).collect();
        assert!(
            numbers.iter().zip(0..500).all(|(number, expected)| **number == expected),
            "each publisher's own order"
        );
    }
    assert!(orders.iter().all(|order| order == &orders[0]));
    let audit = quiet(&hub);
    assert_eq!((audit.tally.sent, audit.tally.delivered), (12_000, 12_000));
}

#[test]
fn a_burst_beyond_a_reliable_ring_reaches_everybody_because_the_publisher_is_told_to_wait() {
    let hub = hub(1);
    hub.topic("r", Class::Reliable, 4).unwrap();
    let mut reader = Client::connect(hub.local_addr());
    reader.subscribe(r#"{"op":"subscribe","topics":["r"]}"#);
    for number in 0..5_000 {
        let offset = until("the topic takes the message", || match hub.publish("r", number.to_string().as_bytes()) {
            Ok(offset) => Some(offset),
            Err(HubError::Overloaded { held, .. }) => {
                assert!(held >= 4);
                None
            }
            Err(other) => panic!("{other}"),
        });
        assert_eq!(offset, number);
    }
    for offset in 0..5_000 {
        assert_eq!(reader.json()["data"], offset);
    }
    quiet(&hub);
}

#[test]
fn a_wildcard_gets_present_and_later_topics_from_their_first_message() {
    let hub = hub(1);
    hub.publish("trades.A", b"1").unwrap();
    let mut reader = Client::connect(hub.local_addr());
    let answer = reader.subscribe(r#"{"op":"subscribe","topics":["trades.*","later"]}"#);
    assert_eq!(answer["topics"][0]["topic"], "trades.A");
    assert_eq!(answer["waiting"], json!(["trades.*", "later"]));
    assert_eq!(reader.json()["snapshot"], true);
    hub.publish("trades.B", b"2").unwrap();
    let record = reader.json();
    assert_eq!((&record["topic"], &record["offset"], &record["data"]), (&json!("trades.B"), &json!(0), &json!(2)));
    hub.publish("other.B", b"3").unwrap();
    hub.publish("later", b"4").unwrap();
    assert_eq!(reader.json()["topic"], "later");
    reader.send(r#"{"op":"unsubscribe","id":"x","topics":["trades.*"]}"#);
    assert_eq!(reader.json(), json!({"op":"unsubscribed","id":"x","topics":["trades.*"]}));
    hub.publish("trades.A", b"5").unwrap();
    hub.publish("trades.C", b"6").unwrap();
    hub.publish("later", b"7").unwrap();
    assert_eq!(reader.json()["data"], 7, "nothing of the pattern after unsubscribing");
    quiet(&hub);
}

#[test]
fn a_subscriber_gets_the_last_value_marked_and_then_what_is_new() {
    let hub = hub(1);
    for (name, class) in [("r", Class::Reliable), ("b", Class::Buffered), ("l", Class::LastValue)] {
        hub.topic(name, class, 8).unwrap();
        for number in 0..3 {
            hub.publish(name, number.to_string().as_bytes()).unwrap();
        }
        let mut reader = Client::connect(hub.local_addr());
        let answer = reader.subscribe(&json!({"op":"subscribe","topics":[name]}).to_string());
        assert_eq!(answer["topics"][0]["offset"], 2);
        assert_eq!(answer["topics"][0]["class"], class.name());
        assert_eq!(answer["topics"][0]["from"], "live");
        assert_eq!(reader.json(), json!({"topic":name,"offset":2,"snapshot":true,"data":2}));
        hub.publish(name, b"\"new\"").unwrap();
        assert_eq!(reader.json(), json!({"topic":name,"offset":3,"data":"new"}));
    }
    until("three snapshots are counted", || (hub.stats().counters.snapshots == 3).then_some(()));
}

#[test]
fn payloads_arrive_verbatim() {
    let hub = hub(1);
    let mut reader = Client::connect(hub.local_addr());
    reader.subscribe(r#"{"op":"subscribe","topic":"t"}"#);
    hub.publish("t", br#"{"b":1.50,"a":1e-8,"text":"\u00e9"}"#).unwrap();
    assert_eq!(
        reader.next(),
        Event::Text(r#"{"topic":"t","offset":0,"data":{"b":1.50,"a":1e-8,"text":"\u00e9"}}"#.to_owned())
    );
    let mut other = Client::connect(hub.local_addr());
    other.send(r#"{"op":"publish","id":7,"topic":"t","data":{"z":1.0, "a":[2]}}"#);
    assert_eq!(other.json(), json!({"op":"published","id":7,"topic":"t","offset":1}));
    assert_eq!(reader.next(), Event::Text(r#"{"topic":"t","offset":1,"data":{"z":1.0, "a":[2]}}"#.to_owned()));
}

#[test]
fn a_resume_replays_or_answers_snapshot_or_refuses_a_forged_offset() {
    let hub = hub(1);
    hub.topic("r", Class::Reliable, 4).unwrap();
    for number in 0..10 {
        hub.publish("r", number.to_string().as_bytes()).unwrap();
    }
    let epoch = hub.epoch().to_owned();
    let ask = |epoch: &str, offset: Value| {
        let mut reader = Client::connect(hub.local_addr());
        let resume = json!({"r":{"epoch":epoch,"offset":offset}});
        reader.send(&json!({"op":"subscribe","id":1,"topics":["r"],"resume":resume}).to_string());
        reader
    };
    // In the ring: everything after the offset.
    let mut reader = ask(&epoch, json!(6));
    assert_eq!(reader.json()["topics"][0]["from"], "resumed");
    for offset in 7..10 {
        assert_eq!(reader.json(), json!({"topic":"r","offset":offset,"data":offset}));
    }
    // Nothing missed.
    let mut reader = ask(&epoch, json!(9));
    assert_eq!(reader.json()["topics"][0]["from"], "resumed");
    // Too old, never seen anything, another run: a snapshot, and it says so.
    for mut reader in [ask(&epoch, json!(2)), ask(&epoch, Value::Null), ask("0123456789abcdef", json!(6))] {
        assert_eq!(reader.json()["topics"][0]["from"], "snapshot");
        assert_eq!(reader.json(), json!({"topic":"r","offset":9,"snapshot":true,"data":9}));
    }
    // Never given out: refused, not subscribed.
    let mut reader = ask(&epoch, json!(10));
    let refusal = reader.json();
    assert_eq!((&refusal["op"], &refusal["code"], &refusal["id"]), (&json!("error"), &json!("bad_resume"), &json!(1)));
    assert!(refusal["message"].as_str().unwrap().contains("4401"));
    assert_eq!(reader.json()["topics"], json!([]));
    let audit = quiet(&hub);
    assert_eq!((audit.tally.sent, audit.tally.delivered), (3, 3));
}

#[test]
fn a_reader_that_reconnects_by_offset_misses_nothing_and_sees_nothing_twice() {
    let hub = hub(2);
    hub.topic("r", Class::Reliable, 100_000).unwrap();
    std::thread::scope(|scope| {
        let publisher = scope.spawn(|| {
            for number in 0..20_000 {
                hub.publish("r", number.to_string().as_bytes()).unwrap();
            }
        });
        let mut seen: Option<u64> = None;
        while seen != Some(19_999) {
            let mut reader = Client::connect(hub.local_addr());
            let resume = json!({"r":{"epoch":hub.epoch(),"offset":seen}});
            reader.send(&json!({"op":"subscribe","topics":["r"],"resume":resume}).to_string());
            assert_eq!(reader.json()["topics"][0]["from"], "resumed");
            // Gone in the middle of the stream, again and again.
            for _ in 0..997 {
                let record = reader.json();
                let offset = record["offset"].as_u64().unwrap();
                assert_eq!(offset, seen.map_or(0, |seen| seen + 1));
                seen = Some(offset);
                if offset == 19_999 {
                    break;
                }
            }
        }
        publisher.join().unwrap();
    });
    quiet(&hub);
}

#[test]
fn a_filter_lets_only_its_symbols_through_and_throttles_with_exact_counts() {
    let hub = hub(1);
    hub.publish("q.A", b"0").unwrap();
    hub.publish("q.B", b"0").unwrap();
    let mut reader = Client::connect(hub.local_addr());
    let request = json!({"op":"subscribe","topics":["q.*"],"filter":{"symbols":["B"],"min_interval_ms":200}});
    let answer = reader.subscribe(&request.to_string());
    assert_eq!(answer["topics"].as_array().unwrap().len(), 1);
    assert_eq!(reader.json()["snapshot"], true);
    for number in 1..=50 {
        hub.publish("q.A", b"1").unwrap();
        hub.publish("q.B", number.to_string().as_bytes()).unwrap();
    }
    let (mut got, mut skipped, mut last) = (0, 0, json!(0));
    while last != json!(50) {
        let record = reader.json();
        assert_eq!(record["topic"], "q.B");
        got += 1;
        skipped += record["skipped"].as_u64().unwrap_or(0);
        last = record["data"].clone();
    }
    assert_eq!(got + skipped, 50, "what was not delivered was told");
    assert!(got < 50, "something was throttled");
    let audit = quiet(&hub);
    assert_eq!((audit.tally.delivered, audit.tally.conflated), (got, skipped));
    // A reliable topic is not throttled, and says why.
    hub.topic("fills", Class::Reliable, 8).unwrap();
    reader.send(r#"{"op":"subscribe","topics":["fills"],"filter":{"min_interval_ms":5}}"#);
    assert_eq!(reader.json()["code"], "bad_filter");
}

#[test]
fn refusals_are_typed_and_the_connection_stays() {
    let hub = Hub::start(HubConfig { max_subscriptions: 2, ..HubConfig::default() }).unwrap();
    let mut client = Client::connect(hub.local_addr());
    for (request, code) in [
        ("nonsense", "bad_request"),
        (r#"{"op":"dance","id":3}"#, "bad_request"),
        (r#"{"op":"subscribe"}"#, "bad_request"),
        (r#"{"op":"subscribe","id":{"x":1},"topics":["a"]}"#, "bad_request"),
        (r#"{"op":"subscribe","topics":["a","b","c"]}"#, "too_many_subscriptions"),
        (r#"{"op":"publish","topic":"a"}"#, "bad_request"),
        (r#"{"op":"publish","topic":"a b","data":1}"#, "bad_topic"),
        (r#"{"op":"subscribe","topics":["a"],"filter":{"symbol":["A"]}}"#, "bad_request"),
    ] {
        client.send(request);
        let answer = client.json();
        assert_eq!((&answer["op"], &answer["code"]), (&json!("error"), &json!(code)), "{request}: {answer}");
    }
    client.send(r#"{"op":"subscribe","topics":["a..b"]}"#);
    assert_eq!(client.json()["code"], "bad_topic");
    assert_eq!(client.json()["topics"], json!([]));
    client.send(r#"{"op":"ping","id":9}"#);
    assert_eq!(client.json(), json!({"op":"pong","id":9}));
    client.send_frame(0x89, b"are you there");
    assert_eq!(client.next(), Event::Pong(b"are you there".to_vec()));
}

#[test]
fn the_owner_gets_typed_errors() {
    let hub = hub(1);
    assert!(matches!(hub.publish("t", b"{\"a\":"), Err(HubError::PayloadNotJson { .. })));
    assert!(matches!(hub.publish("t", b"1 2"), Err(HubError::PayloadNotJson { .. })));
    assert!(matches!(hub.publish("a..b", b"1"), Err(HubError::TopicName { .. })));
    assert!(matches!(hub.publish("t", &vec![b'1'; 2 << 20]), Err(HubError::PayloadTooLarge { .. })));
    hub.topic("x", Class::LastValue, 1).unwrap();
    hub.topic("x", Class::LastValue, 1).unwrap();
    assert!(matches!(hub.topic("x", Class::Reliable, 1), Err(HubError::TopicClass { .. })));
    assert!(matches!(hub.topic("y", Class::Reliable, 0), Err(HubError::Config { name: "capacity", .. })));
    let taken = HubConfig { address: hub.local_addr(), ..HubConfig::default() };
    let error = Hub::start(taken).map(drop).unwrap_err();
    assert!(error.to_string().contains(&format!("port {}", hub.local_addr().port())), "{error}");
    let Err(error) = Hub::start(HubConfig { shards: 0, ..HubConfig::default() }) else { panic!("0 shards") };
    assert_eq!(error.to_string(), "hub setting shards = 0 is not in 1..=64");
    let published = hub.publish_many(&[("t", "1"), ("t", "2"), ("t", "nonsense"), ("t", "3")]);
    assert_eq!(published.accepted, 2);
    assert!(matches!(published.refused, Some(HubError::PayloadNotJson { .. })));
    hub.shutdown(Duration::from_secs(1));
    assert!(matches!(hub.publish("t", b"1"), Err(HubError::Closed)));
}

#[test]
fn a_reader_that_agreed_on_deflate_gets_the_same_messages_compressed() {
    let hub = hub(1);
    let extension = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    let (mut packed, head) = Client::request(hub.local_addr(), "/", extension);
    assert!(head.contains("permessage-deflate") && head.contains("server_no_context_takeover"), "{head}");
    let mut plain = Client::connect(hub.local_addr());
    for reader in [&mut packed, &mut plain] {
        reader.subscribe(r#"{"op":"subscribe","topics":["t"]}"#);
    }
    let long = json!({"text": "again and ".repeat(200)}).to_string();
    for payload in ["1", &long, "2", &long] {
        hub.publish("t", payload.as_bytes()).unwrap();
    }
    for (offset, compressed) in [(0, false), (1, true), (2, false), (3, true)] {
        let text = match packed.next() {
            Event::Text(text) => {
                assert!(!compressed, "long messages are compressed");
                text
            }
            Event::Packed(bytes) => {
                assert!(compressed && bytes.len() < 200, "{} bytes", bytes.len());
                let mut inflated = Vec::new();
                let tailed = [&bytes[..], &[0, 0, 0xff, 0xff]].concat();
                let mut inflater = flate2::Decompress::new(false);
                inflated.reserve(10_000);
                inflater.decompress_vec(&tailed, &mut inflated, flate2::FlushDecompress::Sync).unwrap();
                String::from_utf8(inflated).unwrap()
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(plain.next(), Event::Text(text.clone()));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["offset"], offset);
    }
}

#[test]
fn several_hubs_live_beside_each_other() {
    let hubs = [hub(1), hub(2), hub(1)];
    let mut readers: Vec<Client> = hubs.iter().map(|hub| Client::connect(hub.local_addr())).collect();
    for (number, reader) in readers.iter_mut().enumerate() {
        reader.subscribe(r#"{"op":"subscribe","topics":["t"]}"#);
        hubs[number].publish("t", number.to_string().as_bytes()).unwrap();
    }
    for (number, reader) in readers.iter_mut().enumerate() {
        assert_eq!(reader.json()["data"], number);
    }
    drop(readers);
    for hub in &hubs {
        until("the hub has seen its reader go", || (hub.connections() == 0).then_some(()));
    }
}

#[test]
fn a_rule_holds_for_topics_that_peers_make_and_a_reader_who_waited_for_one_can_resume() {
    let hub = hub(1);
    hub.rule("fills.*", Class::Reliable, 64).unwrap();
    hub.rule("fills.>", Class::LastValue, 64).unwrap();
    assert!(matches!(hub.rule("a.>.b", Class::Reliable, 64), Err(HubError::TopicName { .. })));
    assert!(matches!(hub.rule("a.*", Class::Reliable, 0), Err(HubError::Config { name: "capacity", .. })));
    let mut reader = Client::connect(hub.local_addr());
    let told = reader.subscribe(r#"{"op":"subscribe","topics":["fills.A"]}"#);
    assert_eq!((&told["epoch"], &told["waiting"]), (&json!(hub.epoch()), &json!(["fills.A"])));
    let mut peer = Client::connect(hub.local_addr());
    for number in 0..10 {
        peer.send(&format!(r#"{{"op":"publish","topic":"fills.A","data":{number}}}"#));
        assert_eq!(peer.json()["offset"], number);
    }
    assert_eq!(hub.topic_stats(9)[0].class, Class::Reliable, "the older rule");
    assert_eq!((0..4).map(|_| reader.json()["data"].clone()).collect::<Vec<_>>(), [0, 1, 2, 3].map(Value::from));
    drop(reader);
    let mut again = Client::connect(hub.local_addr());
    let resume = format!(r#"{{"fills.A":{{"epoch":"{}","offset":3}}}}"#, hub.epoch());
    let told = again.subscribe(&format!(r#"{{"op":"subscribe","topics":["fills.A"],"resume":{resume}}}"#));
    assert_eq!(told["topics"][0]["from"], "resumed");
    assert_eq!((4..10).map(|_| again.json()["data"].clone()).collect::<Vec<_>>(), [4, 5, 6, 7, 8, 9].map(Value::from));
}

#[test]
fn a_reader_who_waits_for_a_topic_gets_its_first_messages_or_is_told_which_are_gone() {
    let hub = hub(2);
    hub.rule("fills.*", Class::Reliable, 4).unwrap();
    hub.rule("trades.*", Class::Buffered, 4).unwrap();
    for round in 0..20 {
        let mut reader = Client::connect(hub.local_addr());
        reader.subscribe(r#"{"op":"subscribe","topics":["fills.*"],"filter":{"symbols":["F"]}}"#);
        let name = format!("fills.F{round}");
        reader.subscribe(&format!(r#"{{"op":"subscribe","topics":["{name}","trades.T{round}"]}}"#));
        for number in 0..100 {
            until("the topic takes the message", || match hub.publish(&name, number.to_string().as_bytes()) {
                Ok(offset) => Some(offset),
                Err(HubError::Overloaded { .. }) => None,
                Err(error) => panic!("{error}"),
            });
        }
        for number in 0..100 {
            assert_eq!(reader.json()["offset"], number, "round {round}");
        }
        let name = format!("trades.T{round}");
        for number in 0..2_000 {
            hub.publish(&name, number.to_string().as_bytes()).unwrap();
        }
        let mut next = 0;
        while next < 2_000 {
            let record = reader.json();
            if let Some(gap) = record["gap"].as_array() {
                assert_eq!(gap[0], next, "round {round}: {record}");
                next = gap[1].as_u64().unwrap() + 1;
            } else {
                assert_eq!(record["offset"], next, "round {round}: {record}");
                next += 1;
            }
        }
    }
}
