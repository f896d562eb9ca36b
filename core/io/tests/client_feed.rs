//! Feeds against scripted servers in memory, in paused time: every delay is exact and none is waited for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod client_support;

use std::sync::Arc;
use std::time::Duration;

use client_support::{Events, Peer, Recorder, Scripted, config};
use deepalpha_io::client::{Backoff, Counters, FeedConfig, FeedError, FeedStats, feed};
use deepalpha_io::ws::{CloseCode, CloseFrame, DeflatePolicy, Message, OpCode};
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, advance, timeout};

struct Bench {
    dial: Arc<Scripted>,
    streams: mpsc::UnboundedReceiver<DuplexStream>,
    sink: Arc<Recorder>,
    events: Events,
    counters: Arc<Counters>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), FeedError>>,
}

impl Bench {
    fn start(config: FeedConfig) -> Self {
        Self::start_refusing(config, 0)
    }

    fn start_refusing(config: FeedConfig, refusals: usize) -> Self {
        let (dial, streams) = Scripted::new();
        dial.refuse(refusals);
        let (sink, events) = Recorder::new();
        let (dial, sink, counters) = (Arc::new(dial), Arc::new(sink), Arc::new(Counters::default()));
        let (stop, stopping) = watch::channel(false);
        let task = tokio::spawn(feed::run(config, dial.clone(), sink.clone(), counters.clone(), stopping));
        Self { dial, streams, sink, events, counters, stop, task }
    }

    async fn stream(&mut self) -> DuplexStream {
        timeout(Duration::from_secs(600), self.streams.recv()).await.expect("a dial").expect("a feed")
    }

    async fn peer(&mut self) -> Peer<DuplexStream> {
        Peer::accept(self.stream().await).await
    }

    fn texts(&self) -> Vec<String> {
        self.sink.messages.lock().unwrap().iter().map(|(_, text)| text.clone()).collect()
    }

    /// Stops the feed; afterwards nothing is open, so the counters must add up exactly.
    async fn stop(self) -> FeedStats {
        self.stop.send_replace(true);
        self.task.await.unwrap().unwrap();
        let stats = self.counters.stats();
        assert_eq!(stats.attempts, stats.failures + stats.connections, "{stats:?}");
        assert_eq!(stats.connections, stats.disconnections + stats.closed, "{stats:?}");
        let messages = self.sink.messages.lock().unwrap();
        assert_eq!(stats.messages, messages.len() as u64);
        assert_eq!(stats.bytes, messages.iter().map(|(_, text)| text.len() as u64).sum::<u64>());
        stats
    }
}

const ONE: &str = "ws://exchange.test/stream?streams=a";

fn shutdown_text() -> &'static str {
    r#"{"e":"serverShutdown","E":1770123456789}"#
}

#[tokio::test(start_paused = true)]
async fn it_reconnects_and_resubscribes_after_every_kind_of_end() {
    let mut bench = Bench::start(config(ONE, &["sub a", "sub b"]));
    let mut expected = Vec::new();
    for end in 0..5 {
        let mut peer = bench.peer().await;
        assert_eq!(peer.request.path, "/stream");
        assert_eq!((peer.text().await, peer.text().await), ("sub a".to_owned(), "sub b".to_owned()));
        peer.send(&format!("data {end}")).await;
        expected.push(format!("data {end}"));
        let why = match end {
            0 => {
                drop(peer);
                "the stream ended"
            }
            1 => {
                peer.close(1012).await;
                let answer = CloseFrame { code: CloseCode(1012), reason: String::new() };
                assert_eq!(peer.read().await, Ok(Some(Message::Close(Some(answer)))));
                "closed by the server with 1012 \"bye\""
            }
            2 => {
                peer.stream.write_all(&[0x93, 0x00]).await.unwrap();
                match peer.read().await {
                    Ok(Some(Message::Close(Some(frame)))) => assert_eq!(frame.code, CloseCode::PROTOCOL),
                    other => panic!("{other:?}"),
                }
                "the server broke the protocol"
            }
            3 => {
                // Half a frame, then nothing: the ping after 15 s is not answered for 10 s.
                peer.stream.write_all(&[0x81, 10, b'x']).await.unwrap();
                let from = Instant::now();
                let event = bench.events.until("disconnected").await;
                assert!(event.contains("no pong within 10s"), "{event}");
                let waited = from.elapsed().as_millis();
                assert!((24_700..=25_100).contains(&waited), "{waited}");
                continue;
            }
            _ => {
                peer.stream.shutdown().await.unwrap();
                "the stream ended"
            }
        };
        let event = bench.events.until("disconnected").await;
        assert!(event.contains(why) && event.contains("retry true"), "{event}");
    }
    assert_eq!(bench.texts(), expected);
    let stats = bench.stop().await;
    assert_eq!((stats.connections, stats.disconnections, stats.subscriptions), (5, 5, 10));
}

#[tokio::test(start_paused = true)]
async fn attempts_follow_the_seeded_backoff_exactly() {
    let mut settings = config(ONE, &[]);
    settings.jitter_seed = 42;
    let mut backoff = Backoff::new(settings.backoff_base, settings.backoff_cap, 42);
    let mut bench = Bench::start_refusing(settings, 12);
    bench.peer().await;
    let dials = bench.dial.dials.lock().unwrap().clone();
    assert_eq!(dials.len(), 13);
    for (failure, pair) in dials.windows(2).enumerate() {
        let bound = backoff.bound();
        assert_eq!(bound, Duration::from_millis(500 << failure.min(6)).min(Duration::from_secs(30)));
        let (expected, waited) = (backoff.next_delay(), pair[1] - pair[0]);
        assert!(expected <= bound);
        // The runtime's timers have a resolution of a millisecond.
        assert!(waited >= expected && waited <= expected + Duration::from_millis(2), "{waited:?} for {expected:?}");
    }
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_accepts_and_drops_is_not_hammered() {
    let mut bench = Bench::start(config(ONE, &[]));
    let from = Instant::now();
    for _ in 0..20 {
        drop(bench.peer().await);
    }
    // Twenty connections that live for no time are one series of failures: half the bounds on average.
    assert!(from.elapsed() > Duration::from_secs(100), "{:?}", from.elapsed());
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn failed_handshakes_are_failures_with_their_reason() {
    let mut bench = Bench::start(config(ONE, &[]));
    let slow = bench.stream().await;
    let from = Instant::now();
    let event = bench.events.next().await;
    assert_eq!(event, "disconnected 1 retry true: not connected within 10s");
    assert!(from.elapsed() >= Duration::from_secs(10));
    drop(slow);
    let answers = [
        ("garbage", "handshake: the server's handshake is wrong: not an HTTP answer"),
        ("HTTP/1.1 401 No\r\n\r\n", "handshake: the server answered 401"),
        (
            "HTTP/1.1 101 Ok\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            "handshake: the server's handshake is wrong: Sec-WebSocket-Accept",
        ),
        ("", "the stream ended"),
    ];
    for (answer, why) in answers {
        let mut stream = bench.stream().await;
        client_support::read_request(&mut stream, &mut bytes::BytesMut::new()).await.unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
        drop(stream);
        let event = bench.events.next().await;
        assert!(event.contains(why), "{event}");
    }
    let mut stream = bench.stream().await;
    stream.write_all(b"HTTP/1.1 503 Busy\r\nRetry-After: 120\r\n\r\n").await.unwrap();
    let from = Instant::now();
    bench.events.next().await;
    bench.peer().await;
    assert!(from.elapsed() >= Duration::from_secs(120), "Retry-After is kept: {:?}", from.elapsed());
    let stats = bench.stop().await;
    assert_eq!((stats.failures, stats.connections), (6, 1));
}

#[tokio::test(start_paused = true)]
async fn pings_are_answered_with_their_payload_and_pongs_keep_it_alive() {
    let mut bench = Bench::start(config(ONE, &[]));
    let mut peer = bench.peer().await;
    peer.control(OpCode::Ping, b"1770123456789").await;
    assert_eq!(peer.read().await, Ok(Some(Message::Pong(bytes::Bytes::from_static(b"1770123456789")))));
    let from = Instant::now();
    for _ in 0..100 {
        match peer.read().await {
            Ok(Some(Message::Ping(payload))) => peer.control(OpCode::Pong, &payload).await,
            other => panic!("{other:?}"),
        }
    }
    assert!(from.elapsed() >= Duration::from_secs(1485), "{:?}", from.elapsed());
    // A pong that answers no ping of ours does not count.
    match peer.read().await {
        Ok(Some(Message::Ping(_))) => peer.control(OpCode::Pong, b"other").await,
        other => panic!("{other:?}"),
    }
    assert!(bench.events.until("disconnected").await.contains("no pong"));
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn silence_ends_at_the_idle_deadline() {
    let mut settings = config(ONE, &[]);
    settings.connection.ping_interval = Duration::from_secs(3600);
    let mut bench = Bench::start(settings);
    let _peer = bench.peer().await;
    let from = Instant::now();
    assert!(bench.events.until("disconnected").await.contains("nothing arrived within 60s"));
    assert!(from.elapsed() < Duration::from_secs(61));
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn subscriptions_are_paced_and_their_acknowledgements_awaited() {
    let mut settings = config(ONE, &["a", "b", "c", "d", "e", "f"]);
    settings.subscription_burst = 2;
    settings.await_acknowledgements = true;
    let mut bench = Bench::start(settings);
    let mut peer = bench.peer().await;
    let from = Instant::now();
    let mut at = Vec::new();
    for expected in ["a", "b", "c", "d", "e", "f"] {
        assert_eq!(peer.text().await, expected);
        at.push(from.elapsed().as_millis() / 10 * 10);
    }
    assert_eq!(at, [0, 0, 200, 400, 600, 800]);
    for _ in 0..5 {
        peer.send(r#"{"result":null,"id":1}"#).await;
    }
    assert_eq!(bench.events.next().await, "connected 1");
    let event = bench.events.next().await;
    assert_eq!(event, "disconnected 1 retry true: 1 subscriptions not acknowledged within 10s");
    let mut peer = bench.peer().await;
    for _ in 0..6 {
        peer.text().await;
        peer.send(r#"{"result":null,"id":1}"#).await;
    }
    assert_eq!(bench.events.until("subscribed").await, "subscribed 2 6");
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn compressed_messages_are_read_and_sent() {
    let mut settings = config(ONE, &["subscribe subscribe subscribe"]);
    settings.connection.deflate = true;
    let mut bench = Bench::start(settings);
    let mut peer = Peer::accept_with(bench.stream().await, Some(DeflatePolicy::default())).await;
    assert_eq!(peer.text().await, "subscribe subscribe subscribe");
    bench.events.until("subscribed").await;
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn stopping_closes_with_a_handshake_and_hands_over_what_is_under_way() {
    let mut bench = Bench::start(config(ONE, &[]));
    let mut peer = bench.peer().await;
    bench.events.until("subscribed").await;
    bench.stop.send_replace(true);
    match peer.read().await {
        Ok(Some(Message::Close(Some(frame)))) => assert_eq!(frame.code, CloseCode::NORMAL),
        other => panic!("{other:?}"),
    }
    peer.send("late").await;
    peer.close(1000).await;
    bench.events.until("closed 1").await;
    assert_eq!(bench.texts(), ["late"]);
    assert_eq!(bench.stop().await.closed, 1);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_answer_a_close_is_left_after_the_deadline() {
    let mut bench = Bench::start(config(ONE, &[]));
    let _peer = bench.peer().await;
    bench.events.until("subscribed").await;
    let from = Instant::now();
    bench.stop().await;
    assert!(from.elapsed() <= Duration::from_millis(2100), "{:?}", from.elapsed());
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
