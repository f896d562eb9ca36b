//! A reader whose connections are cut, stalled, rotated and turned to another hub goes on where it was: real hub, real
//! client, real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
mod hub_support;
mod resume_support;

use std::time::Duration;

use deepalpha_io::hub::{Class, Hub, HubConfig, HubError};
use hub_support::until;
use resume_support::{Coverage, Proxy, Reader, roll};

fn hub_with(change: impl FnOnce(&mut HubConfig)) -> Hub {
    let mut config = HubConfig { retry_spread: Duration::ZERO, ..HubConfig::default() };
    change(&mut config);
    Hub::start(config).unwrap()
}

fn hub() -> Hub {
    hub_with(|_| {})
}

/// Publishes, again while the hub has no room; its offset.
fn publish(hub: &Hub, topic: &str, payload: &str) -> u64 {
    until("the topic takes the message", || match hub.publish(topic, payload.as_bytes()) {
        Ok(offset) => Some(offset),
        Err(HubError::Overloaded { .. }) => None,
        Err(error) => panic!("{error}"),
    })
}

/// All messages came, and nothing else was told.
fn whole(messages: u64) -> Coverage {
    Coverage { end: messages, messages, ..Coverage::default() }
}

#[test]
fn cut_at_random_bytes_a_reader_of_a_reliable_topic_gets_every_offset_once_and_in_order() {
    for seed in 1..=4_u64 {
        let hub = hub();
        hub.topic("fills", Class::Reliable, 4_096).unwrap();
        // Many a cut falls into a handshake or an answer.
        let proxy = Proxy::start(hub.local_addr(), seed * 7_919, 80, 20_000);
        let reader = Reader::start(proxy.address, r#"["fills"]"#, |config| config.jitter_seed = seed);
        reader.subscribed(1);
        let mut next = 0;
        while proxy.cuts_left() > 0 {
            reader.within("fills", next, 2_000);
            next = publish(&hub, "fills", &next.to_string()) + 1;
        }
        let seen = reader.through(&[("fills", next - 1)]);
        assert_eq!(seen["fills"], whole(next), "seed {seed}");
        assert_eq!(reader.counts().duplicates, 0, "seed {seed}: only what was missing is sent again");
        assert!(proxy.made() > 80, "seed {seed}");
        assert!(reader.stats().disconnections >= 40, "seed {seed}: {:?}", reader.stats());
    }
}

#[test]
fn cut_at_random_bytes_a_reader_of_wildcards_gets_every_topic_from_its_first_message_on() {
    for seed in 1..=4_u64 {
        let hub = hub_with(|config| config.shards = 2);
        hub.rule("fills.>", Class::Reliable, 4_096).unwrap();
        let proxy = Proxy::start(hub.local_addr(), seed * 104_729, 60, 20_000);
        let reader = Reader::start(proxy.address, r#"["fills.*","fills.x.>","fills.later"]"#, |_| {});
        reader.subscribed(1);
        let (mut state, mut nexts) = (seed, Vec::<(String, u64)>::new());
        while proxy.cuts_left() > 0 {
            // Now and then a new topic, whether the reader is there or not.
            let topics = nexts.len() as u64;
            let fresh = topics == 0 || (topics < 40 && roll(&mut state, 50) == 0);
            let at = if fresh { topics } else { roll(&mut state, topics) };
            if fresh {
                let name = match topics {
                    7 => "fills.later".to_owned(),
                    _ if topics.is_multiple_of(2) => format!("fills.t{topics}"),
                    _ => format!("fills.x.y.t{topics}"),
                };
                nexts.push((name, 0));
            }
            let (name, next) = &mut nexts[at as usize];
            reader.within(name, *next, 500);
            *next = publish(&hub, name, "1") + 1;
        }
        let lasts: Vec<(&str, u64)> = nexts.iter().map(|(name, next)| (name.as_str(), next - 1)).collect();
        let seen = reader.through(&lasts);
        assert!(nexts.len() > 8, "seed {seed}");
        assert_eq!(reader.counts().duplicates, 0, "seed {seed}: only what was missing is sent again");
        for (name, next) in &nexts {
            assert_eq!(seen[name], whole(*next), "seed {seed}: {name}");
        }
    }
}

#[test]
fn with_a_ring_too_small_the_gaps_are_exactly_what_is_missing() {
    for (seed, class) in [(1, Class::Reliable), (2, Class::Buffered), (3, Class::LastValue), (4, Class::Reliable)] {
        let hub = hub();
        hub.rule("t.*", class, 8).unwrap();
        let proxy = Proxy::start(hub.local_addr(), seed * 15_485_863, 40, 6_000);
        let reader = Reader::start(proxy.address, r#"["t.*"]"#, |_| {});
        reader.subscribed(1);
        let mut next = 0;
        while proxy.cuts_left() > 0 {
            reader.within("t.a", next, 3_000);
            next = publish(&hub, "t.a", "1") + 1;
        }
        // Until it follows again: the last message comes as such.
        let seen = reader.through(&[("t.a", next - 1)])["t.a"].clone();
        assert_eq!(seen.messages + seen.skipped + seen.missed + seen.conflated, next, "{class}: {seen:?}");
        assert!(seen.missed > 0 && seen.restarts == 0, "{class}: {seen:?}");
        assert_eq!(reader.counts().missed, seen.missed, "{class}");
        assert_eq!(seen.skipped > 0, class == Class::LastValue, "{class}: {seen:?}");
    }
}

#[test]
fn a_hub_started_anew_is_told_with_what_its_new_run_had_said_before() {
    let old = hub();
    old.rule("t.*", Class::Reliable, 64).unwrap();
    let proxy = Proxy::start(old.local_addr(), 1, 0, 1);
    let reader = Reader::start(proxy.address, r#"["t.*"]"#, |_| {});
    reader.subscribed(1);
    for topic in ["t.a", "t.b", "t.c"] {
        for _ in 0..5 {
            publish(&old, topic, "1");
        }
    }
    reader.through(&[("t.a", 4), ("t.b", 4), ("t.c", 4)]);
    let new = hub();
    new.rule("t.*", Class::Reliable, 64).unwrap();
    for (topic, messages) in [("t.a", 3), ("t.b", 1), ("t.d", 4), ("t.e", 1)] {
        for _ in 0..messages {
            publish(&new, topic, "2");
        }
    }
    proxy.turn_to(new.local_addr());
    proxy.cut();
    reader.subscribed(2);
    for topic in ["t.a", "t.b", "t.c", "t.d", "t.e"] {
        publish(&new, topic, "3");
    }
    let seen = reader.through(&[("t.a", 3), ("t.b", 1), ("t.c", 0), ("t.d", 4), ("t.e", 1)]);
    // After five messages of the old run: a restart, empty where nothing is missing, the last value, what is new.
    let told =
        |end, messages, restarts, restarted| Coverage { end, messages, restarts, restarted, ..Coverage::default() };
    assert_eq!(seen["t.a"], told(4, 5 + 2, 1, 2));
    assert_eq!(seen["t.b"], told(2, 5 + 2, 1, 0));
    assert_eq!(seen["t.c"], told(1, 5 + 1, 1, 0));
    assert_eq!(seen["t.d"], told(5, 2, 1, 3), "of a topic that was not known, what is missing");
    assert_eq!(seen["t.e"], told(2, 2, 0, 0), "of one whose last value is all it has, nothing");
    assert_eq!(reader.counts().restarts, 1);
    // And the new run is resumed as the old one was.
    proxy.cut();
    publish(&new, "t.a", "4");
    reader.subscribed(3);
    assert_eq!(reader.through(&[("t.a", 4)])["t.a"], told(5, 5 + 3, 1, 2));
}

#[test]
fn a_reader_closed_with_4008_goes_on_where_it_was() {
    let hub = hub_with(|config| {
        config.send_buffer = Some(16 << 10);
        config.max_backlog = 64 << 10;
        config.max_topic_bytes = 64 << 20;
    });
    hub.topic("fills", Class::Reliable, 1 << 16).unwrap();
    let proxy = Proxy::start(hub.local_addr(), 1, 0, 1);
    let reader = Reader::start(proxy.address, r#"["fills"]"#, |_| {});
    reader.subscribed(1);
    let text = format!("\"{}\"", "x".repeat(2_000));
    let mut next = 0;
    for round in 1..=3 {
        proxy.stall(true);
        while hub.stats().counters.slow_closes < round {
            next = publish(&hub, "fills", &text) + 1;
        }
        proxy.stall(false);
        reader.subscribed(1 + round as usize);
        assert_eq!(reader.through(&[("fills", next - 1)])["fills"], whole(next));
    }
    let closed = |seen: &resume_support::Seen| {
        let slow = seen.events.iter().filter(|event| event.contains("4008")).count();
        (slow == 3).then_some(())
    };
    reader.until("three closes with 4008", closed);
    assert_eq!(hub.stats().closes.of(4008), 3);
}

#[test]
fn a_reader_of_a_hub_that_drains_waits_as_long_as_it_was_told() {
    let hub = hub_with(|config| config.retry_spread = Duration::from_secs(3_600));
    let reader = Reader::start(hub.local_addr(), r#"["fills"]"#, |config| {
        config.backoff_cap = Duration::from_secs(7 * 24 * 3_600);
    });
    reader.subscribed(1);
    drop(hub);
    let (told, waits) = reader.until("the end", |seen| {
        let end = seen.events.iter().find(|event| event.contains("1001"))?;
        let told = end.split("retry_after_ms\\\":").nth(1)?.split('}').next()?.parse::<u64>().ok()?;
        Some((Duration::from_millis(told), *seen.retries.first()?))
    });
    assert!(waits >= told && waits <= told + told / 4 + Duration::from_millis(1), "{waits:?} after {told:?}");
}

#[test]
fn a_rotation_in_mid_stream_loses_and_doubles_nothing() {
    let hub = hub_with(|config| config.shards = 2);
    hub.rule("fills.*", Class::Reliable, 1 << 15).unwrap();
    let reader = Reader::start(hub.local_addr(), r#"["fills.*"]"#, |config| {
        config.max_age = Duration::from_millis(10);
        config.overlap = Duration::from_millis(3);
    });
    reader.subscribed(1);
    let mut next = 0;
    while reader.stats().rotations < 30 {
        reader.within("fills.a", next, 500);
        next = publish(&hub, "fills.a", "1") + 1;
        publish(&hub, "fills.b", "1");
    }
    let seen = reader.through(&[("fills.a", next - 1), ("fills.b", next - 1)]);
    assert_eq!((&seen["fills.a"], &seen["fills.b"]), (&whole(next), &whole(next)));
    assert!(reader.counts().duplicates > 0, "the connections overlapped");
    assert_eq!(reader.stats().disconnections, 0);
}

#[test]
fn more_topics_than_one_request_holds_are_resumed_in_parts() {
    const TOPICS: u64 = 1_500;
    let hub = hub_with(|config| {
        config.max_subscriptions = 2_000;
        config.max_control_pending = 1 << 20;
    });
    hub.rule("fills.>", Class::Reliable, 64).unwrap();
    let name = |number: u64| format!("fills.{}.{number}", "n".repeat(60));
    let mut names: Vec<String> = (0..20).map(|number| format!("\"exact.{}.{number}\"", "e".repeat(200))).collect();
    names.push("\"fills.>\"".to_owned());
    let proxy = Proxy::start(hub.local_addr(), 1, 0, 1);
    let reader = Reader::start(proxy.address, &format!("[{}]", names.join(",")), |_| {});
    reader.subscribed(1);
    for number in 0..TOPICS {
        publish(&hub, &name(number), "1");
    }
    let lasts: Vec<String> = (0..TOPICS + 10).map(name).collect();
    let at = |topics: u64, last: u64| -> Vec<(&str, u64)> {
        lasts.iter().take(topics as usize).map(|name| (name.as_str(), last)).collect()
    };
    reader.through(&at(TOPICS, 0));
    for round in 1..4 {
        proxy.cut();
        for number in 0..TOPICS + round {
            publish(&hub, &name(number), "1");
        }
        publish(&hub, &format!("exact.{}.7", "e".repeat(200)), "1");
        reader.subscribed(1 + round as usize);
        let seen = reader.through(&at(TOPICS, round));
        assert!(seen.iter().all(|(_, seen)| seen.missed == 0 && seen.messages == seen.end));
    }
    assert_eq!(reader.counts().duplicates, 0, "every offset was named");
    let sent = reader.stats().subscriptions;
    assert!(sent > 4 * 10, "in parts: {sent}");
}
