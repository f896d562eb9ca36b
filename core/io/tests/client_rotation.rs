//! Replacing a connection before it is cut, against scripted servers in memory, in paused time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod client_support;

use std::time::Duration;

use client_support::{Bench, ONE, Peer, config};
use deepalpha_io::client::FeedConfig;
use deepalpha_io::ws::{Message, OpCode};
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, advance};

fn shutdown_text() -> &'static str {
    r#"{"e":"serverShutdown","E":1770123456789}"#
}

#[tokio::test(start_paused = true)]
async fn an_announced_end_opens_the_successor_before_the_old_one_goes() {
    let mut bench = Bench::start(config(ONE, &["sub"]));
    let mut old = bench.peer().await;
    old.text().await;
    old.send(shutdown_text()).await;
    old.send(shutdown_text()).await;
    let mut new = bench.peer().await;
    assert_eq!(bench.events.until("rotating").await, "rotating 1 2 Announced");
    old.send("7").await;
    new.text().await;
    advance(Duration::from_secs(5)).await;
    old.send("8").await;
    new.send("8").await;
    let from = Instant::now();
    assert_eq!(bench.events.until("rotated").await, "rotated 1 2");
    assert!(from.elapsed() >= Duration::from_secs(1), "both are read for the overlap");
    match old.read().await {
        Ok(Some(Message::Close(_))) => old.close(1000).await,
        other => panic!("{other:?}"),
    }
    bench.events.until("closed 1").await;
    new.send("9").await;
    drop(new);
    bench.events.until("disconnected 2").await;
    let seen = bench.sink.messages.lock().unwrap().clone();
    let seen: Vec<(u32, &str)> =
        seen.iter().filter(|(_, text)| text.len() == 1).map(|(from, text)| (*from, text.as_str())).collect();
    assert_eq!(seen.len(), 4, "{seen:?}");
    for expected in [(1, "7"), (1, "8"), (2, "8"), (2, "9")] {
        assert!(seen.contains(&expected), "{seen:?}");
    }
    assert_eq!(bench.stop().await.rotations, 1);
}

#[tokio::test(start_paused = true)]
async fn data_of_a_half_subscribed_successor_does_not_end_the_old_one() {
    let mut settings = config(ONE, &["sub a", "sub b"]);
    settings.subscriptions_per_second = 1;
    settings.overlap = Duration::ZERO;
    let mut bench = Bench::start(settings);
    let mut old = bench.peer().await;
    old.send(shutdown_text()).await;
    let mut new = bench.peer().await;
    assert_eq!(new.text().await, "sub a");
    new.send("a1").await;
    new.send("a2").await;
    bench.events.until("connected 2").await;
    assert_eq!(new.text().await, "sub b");
    // Until here only the old one had b.
    old.send("b1").await;
    assert_eq!(bench.events.until("subscribed 2").await, "subscribed 2 2");
    new.send("b2").await;
    assert_eq!(bench.events.next().await, "rotated 1 2");
    assert!(bench.texts().contains(&"b1".to_owned()));
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_successor_takes_over_when_the_old_one_dies_first() {
    let mut bench = Bench::start(config(ONE, &["sub"]));
    let mut old = bench.peer().await;
    old.text().await;
    old.send(shutdown_text()).await;
    let mut new = bench.peer().await;
    new.text().await;
    drop(old);
    let event = bench.events.until("disconnected").await;
    assert!(event.starts_with("disconnected 1 retry false"), "{event}");
    new.send("x").await;
    drop(new);
    assert!(bench.events.until("disconnected 2").await.contains("retry true"));
    assert_eq!(bench.stop().await.rotations, 0);
}

#[tokio::test(start_paused = true)]
async fn a_failed_successor_is_retried_while_the_old_one_delivers() {
    let mut bench = Bench::start(config(ONE, &["sub"]));
    let mut old = bench.peer().await;
    old.text().await;
    bench.dial.refuse(5);
    old.send(shutdown_text()).await;
    let mut new = bench.peer().await;
    new.text().await;
    old.send("still there").await;
    new.send("x").await;
    assert_eq!(bench.events.until("rotated").await, "rotated 1 7");
    assert!(bench.texts().contains(&"still there".to_owned()));
    let stats = bench.stop().await;
    assert_eq!((stats.failures, stats.connections, stats.rotations), (5, 2, 1));
}

/// A number that follows from `state`, below `bound` (Lehmer, 2^31 - 1).
fn roll(state: &mut u64, bound: u64) -> u64 {
    *state = *state * 48_271 % 0x7fff_ffff;
    *state % bound
}

/// An exchange: every connection that subscribed gets each trade from then on.
struct Exchange {
    open: Vec<Peer<DuplexStream>>,
    trade: u64,
}

impl Exchange {
    async fn welcome(&mut self, stream: DuplexStream) {
        let mut peer = Peer::accept(stream).await;
        peer.text().await;
        peer.send(r#"{"result":null,"id":1}"#).await;
        self.open.push(peer);
    }

    /// Trades to everyone for `seconds`, welcoming who comes.
    async fn trade(&mut self, bench: &mut Bench, seconds: u64) {
        for _ in 0..seconds * 50 {
            self.trade += 1;
            for peer in &mut self.open {
                peer.send(&self.trade.to_string()).await;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            while let Ok(stream) = bench.streams.try_recv() {
                self.welcome(stream).await;
            }
        }
    }
}

fn rotating(max_age: u64) -> FeedConfig {
    let mut settings = config(ONE, &["sub"]);
    settings.await_acknowledgements = true;
    settings.max_age = Duration::from_secs(max_age);
    // Peers of this exchange never read, so they answer neither pings nor closes.
    settings.connection.ping_interval = Duration::from_secs(3600);
    settings
}

#[tokio::test(start_paused = true)]
async fn rotation_loses_nothing_and_a_receiver_that_knows_ids_sees_each_trade_once() {
    let mut bench = Bench::start(rotating(20));
    let mut exchange = Exchange { open: Vec::new(), trade: 0 };
    let first = bench.stream().await;
    exchange.welcome(first).await;
    exchange.trade(&mut bench, 300).await;
    let messages = bench.sink.messages.lock().unwrap().clone();
    let mut last = 0_u64;
    let mut connections = std::collections::BTreeSet::new();
    for (connection, text) in &messages {
        let Ok(id) = text.parse::<u64>() else { continue };
        connections.insert(*connection);
        // In order of arrival: the next id, or one that was seen on the other connection.
        assert!(id <= last + 1, "trade {} is missing before {id}", last + 1);
        last = last.max(id);
    }
    assert!(last + 1 >= exchange.trade, "{last} of {}", exchange.trade);
    assert!(messages.len() as u64 > exchange.trade, "both were read for a while");
    let stats = bench.stop().await;
    assert!((13..=15).contains(&stats.rotations), "{stats:?}");
    assert_eq!((connections.len() as u64, stats.disconnections), (stats.rotations + 1, 0));
}

#[tokio::test(start_paused = true)]
async fn in_any_weather_counters_add_up_and_trades_after_a_reconnect_are_complete() {
    for seed in 1..=20 {
        let mut state = seed * 7919;
        let mut settings = rotating(30);
        settings.jitter_seed = seed;
        let mut bench = Bench::start(settings);
        let mut exchange = Exchange { open: Vec::new(), trade: 0 };
        for _ in 0..30 {
            let seconds = roll(&mut state, 5);
            exchange.trade(&mut bench, seconds).await;
            let victim = roll(&mut state, 3) as usize;
            let weather = roll(&mut state, 6);
            if weather == 0 {
                bench.dial.refuse(2);
            }
            if victim >= exchange.open.len() {
                continue;
            }
            match weather {
                1 => drop(exchange.open.swap_remove(victim)),
                2 => exchange.open[victim].close(1011).await,
                3 => exchange.open[victim].control(OpCode::Binary, b"not json").await,
                4 => exchange.open[victim].stream.write_all(&[0xff; 3]).await.unwrap_or_default(),
                5 => exchange.open[victim].send(shutdown_text()).await,
                _ => {}
            }
        }
        bench.dial.refuse(0);
        exchange.trade(&mut bench, 120).await;
        let mut last = std::collections::HashMap::new();
        let mut seen = std::collections::HashSet::new();
        for (connection, text) in bench.sink.messages.lock().unwrap().iter() {
            let Ok(id) = text.parse::<u64>() else { continue };
            if let Some(before) = last.insert(*connection, id) {
                assert_eq!(before + 1, id, "seed {seed}: a gap inside connection {connection}");
            }
            seen.insert(id);
        }
        // Calm for two minutes, and no delay is longer than 30 s: of the last minute all is there.
        for id in exchange.trade - 3000..exchange.trade {
            assert!(seen.contains(&id), "seed {seed}: trade {id} of the calm is missing");
        }
        bench.stop().await;
    }
}
