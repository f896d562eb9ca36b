//! Feeds and connections over real sockets: the thread, TLS, resets, the end of a stream at every byte.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod client_support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use client_support::{Peer, Recorder, config, read_request};
use deepalpha_io::client::{Connection, ConnectionConfig, ConnectionError, Feed, FeedSink, Network, Roots};
use deepalpha_io::ws::{Message, OpCode, Upgrade, encode};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, format!("ws://127.0.0.1:{port}/feed"))
}

/// A certificate authority in PEM, and a server with a certificate of it for `name`.
fn authority(name: &str) -> (Vec<u8>, TlsAcceptor) {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    (authority.pem().into_bytes(), TlsAcceptor::from(Arc::new(config)))
}

#[tokio::test]
async fn tls_trusts_the_given_authority_and_no_other_name_or_root() {
    let (pem, acceptor) = authority("localhost");
    let (listener, url) = listen().await;
    let server = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(stream) = acceptor.accept(stream).await {
                let mut peer = Peer::accept(stream).await;
                peer.send("over TLS").await;
                while matches!(peer.read().await, Ok(Some(_))) {}
            }
        }
    });
    let good = ConnectionConfig::new(url.replace("ws://127.0.0.1", "wss://localhost").parse().unwrap());
    let network = |config: &ConnectionConfig, roots| Network::new(config.endpoint.clone(), &roots).unwrap();
    let mut connection =
        Connection::open(&good, &network(&good, Roots::Pem(pem.clone()))).await.expect("a trusted server");
    assert_eq!(connection.next().await.unwrap(), "over TLS");
    drop(connection);
    let other_name = ConnectionConfig::new(url.replace("ws://", "wss://").parse().unwrap());
    let (other_pem, _) = authority("localhost");
    let bad = [
        ("another name", &other_name, Roots::Pem(pem)),
        ("another root", &good, Roots::Pem(other_pem)),
        ("public roots", &good, Roots::Public),
    ];
    for (what, config, roots) in bad {
        match Connection::open(config, &network(config, roots)).await {
            Err(ConnectionError::Io(error)) => assert!(error.to_string().contains("certificate"), "{what}: {error}"),
            Err(error) => panic!("{what}: {error}"),
            Ok(_) => panic!("{what}: connected"),
        }
    }
    server.abort();
    assert!(Network::new(good.endpoint, &Roots::Pem(b"nothing".to_vec())).is_err());
}

#[tokio::test]
async fn a_feed_survives_a_reset_at_every_byte_of_handshake_and_frame() {
    let (listener, url) = listen().await;
    let mut settings = config(&url, &[]);
    settings.backoff_base = Duration::from_millis(1);
    settings.backoff_cap = Duration::from_millis(1);
    let (sink, mut events) = Recorder::new();
    let sink = Arc::new(sink);
    let mut handle = Feed::start(settings, sink.clone()).unwrap();
    let (mut at, mut whole) = (0, 1);
    while at < whole {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read_request(&mut stream, &mut bytes::BytesMut::new()).await.unwrap();
        let mut answer = Upgrade::check(&request).unwrap().accept(None, None).response;
        encode(&mut answer, OpCode::Text, true, false, b"a message that may be cut", None);
        whole = answer.len();
        stream.write_all(&answer[..at]).await.unwrap();
        if at % 2 == 0 {
            stream.set_zero_linger().unwrap();
        }
        drop(stream);
        events.until("disconnected").await;
        at += 1;
    }
    let (stream, _) = listener.accept().await.unwrap();
    let mut peer = Peer::accept(stream).await;
    peer.send("whole").await;
    peer.control(OpCode::Ping, b"").await;
    assert!(matches!(peer.read().await, Ok(Some(Message::Pong(_)))));
    assert_eq!(sink.messages.lock().unwrap().last().unwrap().1, "whole");
    assert!(sink.messages.lock().unwrap().iter().all(|(_, text)| text == "whole"), "no part of a message came out");
    assert_eq!(handle.stats().attempts, whole as u64 + 1);
    let server = tokio::spawn(async move { while matches!(peer.read().await, Ok(Some(_))) {} });
    tokio::task::spawn_blocking(move || handle.stop().unwrap()).await.unwrap();
    server.await.unwrap();
}

#[test]
fn start_returns_at_once_and_stop_and_drop_join_the_thread() {
    // Nobody answers: the listener's backlog takes the connection and no handshake comes.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let (sink, _events) = Recorder::new();
    let sink: Arc<dyn FeedSink> = Arc::new(sink);
    let begin = Instant::now();
    let mut handle = Feed::start(config(&url, &[]), sink.clone()).unwrap();
    assert!(handle.is_running());
    handle.stop().unwrap();
    handle.stop().unwrap();
    assert!(!handle.is_running());
    drop(Feed::start(config(&url, &[]), sink.clone()).unwrap());
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(Arc::strong_count(&sink), 1, "the threads are gone");
}

struct Panics;

impl FeedSink for Panics {
    fn message(&self, _connection: u32, _ts_init_ns: i64, _payload: &[u8]) {}
    fn event(&self, _event: deepalpha_io::client::FeedEvent) {
        panic!("a sink that breaks its contract");
    }
}

#[test]
fn a_panicking_sink_is_reported_and_not_hidden() {
    let mut handle = Feed::start(config("ws://127.0.0.1:9/", &[]), Arc::new(Panics)).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while handle.is_running() && Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert!(handle.stop().unwrap_err().to_string().contains("sink"));
}

#[test]
fn settings_out_of_bounds_and_bad_addresses_are_named() {
    let (sink, _events) = Recorder::new();
    let mut settings = config("ws://127.0.0.1:9/", &[]);
    settings.subscriptions_per_second = 0;
    let error = Feed::start(settings, Arc::new(sink)).unwrap_err().to_string();
    assert_eq!(error, "subscriptions_per_second 0 is not in 1..=1000000");
    for url in
        ["http://x/", "x", "ws://", "ws://x:0/", "ws://x:99999/", "ws://u@x/", "ws://x/#a", "ws://x/a b", "ws://[::1/"]
    {
        let error = url.parse::<deepalpha_io::client::Endpoint>().unwrap_err().to_string();
        assert!(error.contains("is not an address"), "{error}");
    }
    let endpoint: deepalpha_io::client::Endpoint = "wss://[::1]:9443/a?token=secret".parse().unwrap();
    assert_eq!((endpoint.authority().as_str(), endpoint.target.as_str()), ("[::1]:9443", "/a?token=secret"));
    assert_eq!(endpoint.to_string(), "wss://[::1]:9443/a", "a query may hold a key");
    let bare: deepalpha_io::client::Endpoint = "wss://x?y=1".parse().unwrap();
    assert_eq!((bare.port, bare.authority().as_str(), bare.target.as_str()), (443, "x", "/?y=1"));
}
