//! Feeds against scripted servers in memory, in paused time: every delay is exact and none is waited for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod client_support;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use client_support::{Bench, ONE, Peer, config};
use deepalpha_io::client::Backoff;
use deepalpha_io::ws::{CloseCode, CloseFrame, DeflatePolicy, Message, OpCode};
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

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

/// A feed whose server closes with this: how long until it comes back.
async fn comes_back_after(seed: u64, code: u16, reason: &str) -> Duration {
    let mut settings = config(ONE, &[]);
    settings.jitter_seed = seed;
    let mut bench = Bench::start(settings);
    bench.peer().await.close_because(code, reason).await;
    bench.events.until("disconnected").await;
    let from = Instant::now();
    bench.stream().await;
    let waited = from.elapsed();
    bench.stop().await;
    waited
}

#[tokio::test(start_paused = true)]
async fn a_server_that_drains_is_left_alone_as_long_as_it_asks_and_nobody_comes_back_with_the_others() {
    let millis = Duration::from_millis;
    let mut waits = Vec::new();
    for seed in 0..64 {
        waits.push(comes_back_after(seed, 1001, r#"{"retry_after_ms":4000}"#).await);
    }
    waits.sort();
    waits.dedup();
    assert!(waits.len() > 50, "{waits:?}");
    assert!(waits[0] >= millis(4_000) && waits[waits.len() - 1] <= millis(5_002), "{waits:?}");
    assert!(waits[waits.len() - 1] - waits[0] > millis(800), "spread over a quarter of the time: {waits:?}");
    // At most the backoff's cap, and those it caps are spread as well.
    let capped = comes_back_after(1, 1001, r#"{"retry_after_ms":86400000}"#).await;
    assert!((millis(30_000)..=millis(37_502)).contains(&capped), "{capped:?}");
    let at_once = comes_back_after(1, 1001, r#"{"retry_after_ms":0}"#).await;
    assert!(at_once <= millis(502), "{at_once:?}");
    // Only a server that goes away is believed, and only what it says in so many words.
    for (code, reason) in [(1000, r#"{"retry_after_ms":4000}"#), (1001, "retry_after_ms: 4000"), (1001, "{}")] {
        let usual = comes_back_after(1, code, reason).await;
        assert!(usual <= millis(502), "{code} {reason}: {usual:?}");
    }
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
    let from = Instant::now();
    assert!(bench.events.until("disconnected").await.contains("no pong"));
    assert!(from.elapsed() < Duration::from_secs(11), "{:?}", from.elapsed());
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_step_of_the_wall_clock_closes_nothing_and_delays_nothing() {
    const HOUR: i64 = 3_600_000_000_000;
    let mut settings = config(ONE, &["sub"]);
    let wall = Arc::new(AtomicI64::new(1_770_000_000_000_000_000));
    let read = Arc::clone(&wall);
    settings.clock = Arc::new(move || read.load(Ordering::SeqCst));
    let mut bench = Bench::start(settings);
    let mut peer = bench.peer().await;
    peer.text().await;
    for step in [HOUR, -2 * HOUR, HOUR] {
        wall.fetch_add(step, Ordering::SeqCst);
        // Two heartbeats, which come when the monotonic clock says so.
        for _ in 0..2 {
            let from = Instant::now();
            let Ok(Some(Message::Ping(payload))) = peer.read().await else { panic!("a ping") };
            peer.control(OpCode::Pong, &payload).await;
            assert!((Duration::from_secs(14)..Duration::from_secs(16)).contains(&from.elapsed()));
        }
    }
    let stats = bench.stop().await;
    assert_eq!((stats.connections, stats.disconnections), (1, 0));
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
