//! Readers that do not read: the policy of each class, flat memory, and counters that are exact to the last message.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
mod hub_support;

use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use deepalpha_io::hub::{Class, Hub, HubConfig};
use hub_support::{Client, Event, quiet, until};
use serde_json::Value;

/// Memory is the process's: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());
const HEALTHY: usize = 80;
const SLOW: usize = 20;
/// Messages in flight: small enough for a healthy reader's buffers.
const WINDOW: u64 = 4;

fn rss_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn hub(max_backlog: usize) -> Hub {
    let config = HubConfig { shards: 2, send_buffer: Some(16 << 10), max_backlog, ..HubConfig::default() };
    Hub::start(config).unwrap()
}

/// A hundred readers of one topic, of which twenty never read; publishes so many messages of 4 KiB, as fast as the
/// healthy ones take them. Gives the hub, the slow readers and how much memory grew in the second half.
fn with_slow_readers(class: Class, messages: u64) -> (Hub, Vec<Client>, i64) {
    let hub = hub(64 << 10);
    hub.topic("t", class, 64).unwrap();
    let join = || {
        let mut client = Client::connect(hub.local_addr());
        client.subscribe(r#"{"op":"subscribe","topics":["t"]}"#);
        client
    };
    let slow: Vec<Client> = (0..SLOW).map(|_| join()).collect();
    let mut healthy: Vec<Client> = (0..HEALTHY).map(|_| join()).collect();
    let progress: Vec<AtomicU64> = (0..HEALTHY).map(|_| AtomicU64::new(0)).collect();
    let text = format!("\"{}\"", "x".repeat(4_000));
    let grown = std::thread::scope(|scope| {
        let mut each = healthy.chunks_mut(10).zip(progress.chunks(10));
        for (clients, progress) in &mut each {
            scope.spawn(move || {
                let mut open = clients.len();
                while open > 0 {
                    for (client, progress) in clients.iter_mut().zip(progress) {
                        let seen = progress.load(Ordering::Acquire);
                        if seen == messages {
                            continue;
                        }
                        let record = client.json();
                        let through = record["offset"].as_u64().expect("a healthy reader has no gap");
                        assert_eq!(through, seen + record["skipped"].as_u64().unwrap_or(0));
                        if class != Class::LastValue {
                            assert_eq!(through, seen, "a healthy reader gets every message");
                        }
                        progress.store(through + 1, Ordering::Release);
                        open -= usize::from(through + 1 == messages);
                    }
                }
            });
        }
        let mut half = 0;
        for number in 0..messages {
            let taken = || progress.iter().map(|seen| seen.load(Ordering::Acquire)).min().unwrap();
            until("the healthy readers take messages", || (taken() + WINDOW > number).then_some(()));
            assert_eq!(hub.publish("t", text.as_bytes()).unwrap(), number);
            if number == messages / 2 {
                half = rss_kib();
            }
        }
        rss_kib() as i64 - half as i64
    });
    (hub, slow, grown)
}

/// Half of the run is 300 messages of 4 KiB: 24 MB for twenty readers if they were kept for each.
const MESSAGES: u64 = 600;
const FLAT_KIB: i64 = 8 << 10;

#[test]
fn a_slow_reader_of_a_reliable_topic_is_closed_4008_and_the_others_get_everything() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (hub, slow, grown) = with_slow_readers(Class::Reliable, MESSAGES);
    assert!(grown < FLAT_KIB, "memory grew by {grown} KiB");
    for mut client in slow {
        let mut next = 0;
        let code = loop {
            match client.next() {
                Event::Text(text) => {
                    let record: Value = serde_json::from_str(&text).unwrap();
                    assert_eq!(record["offset"], next, "what came before the close is whole and in order");
                    next += 1;
                }
                Event::Close(code, _) => break Some(code),
                Event::End => break None,
                Event::Ping(_) | Event::Pong(_) | Event::Packed(_) => {}
            }
        };
        // One that reads nothing until after close_timeout finds the connection cut.
        assert!(matches!(code, Some(4008) | None), "{code:?}");
        assert!(next < MESSAGES);
    }
    let audit = quiet(&hub);
    assert_eq!(hub.stats().counters.slow_closes, SLOW as u64);
    assert_eq!(audit.tally.conflated, 0);
    assert!(audit.tally.delivered >= HEALTHY as u64 * MESSAGES);
    assert!(audit.tally.dropped > 0);
}

#[test]
fn a_slow_reader_of_a_buffered_topic_is_told_its_gaps_and_the_others_get_everything() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (hub, slow, grown) = with_slow_readers(Class::Buffered, MESSAGES);
    assert!(grown < FLAT_KIB, "memory grew by {grown} KiB");
    let (mut delivered, mut conflated) = (HEALTHY as u64 * MESSAGES, 0);
    for mut client in slow {
        let mut next = 0;
        let mut gaps = 0;
        while next < MESSAGES {
            let record = client.json();
            if let Some(offset) = record["offset"].as_u64() {
                assert_eq!(offset, next);
                delivered += 1;
                next += 1;
            } else {
                assert_eq!(record["policy"], "conflated");
                assert_eq!(record["gap"][0], next);
                let to = record["gap"][1].as_u64().unwrap();
                conflated += to + 1 - next;
                next = to + 1;
                gaps += 1;
            }
        }
        assert!(gaps > 0, "a reader that read nothing has missed something");
    }
    let audit = quiet(&hub);
    assert_eq!((audit.tally.delivered, audit.tally.conflated, audit.tally.dropped), (delivered, conflated, 0));
}

#[test]
fn a_slow_reader_of_a_last_value_topic_gets_the_newest_and_how_many_it_skipped() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (hub, slow, grown) = with_slow_readers(Class::LastValue, MESSAGES);
    assert!(grown < FLAT_KIB, "memory grew by {grown} KiB");
    for mut client in slow {
        let mut next = 0;
        while next < MESSAGES {
            let record = client.json();
            next += record["skipped"].as_u64().unwrap_or(0);
            assert_eq!(record["offset"], next);
            next += 1;
        }
    }
    let audit = quiet(&hub);
    assert_eq!(audit.tally.dropped, 0);
    assert_eq!(audit.tally.sent, (HEALTHY + SLOW) as u64 * MESSAGES);
}
