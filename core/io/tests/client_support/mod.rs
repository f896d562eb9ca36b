//! A scripted server, over any stream, and a sink that remembers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(dead_code, reason = "each test file uses a part")]

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use deepalpha_io::client::{
    ConnectionConfig, Counters, Dial, Dialing, FeedConfig, FeedError, FeedEvent, FeedSink, FeedStats, Transport, feed,
};
use deepalpha_io::ws::{
    CloseCode, Decoder, DeflatePolicy, Limits, Message, OpCode, ProtocolError, Request, RequestLimits, RequestParser,
    Role, Upgrade, encode, encode_close,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

pub(crate) fn config(url: &str, subscriptions: &[&str]) -> FeedConfig {
    let connection = ConnectionConfig::new(url.parse().unwrap());
    FeedConfig::new(connection, subscriptions.iter().map(|text| (*text).to_owned()).collect())
}

/// Gives each dial a stream in memory, whose other end the test gets; refuses the first `refusals`.
pub(crate) struct Scripted {
    accepted: mpsc::UnboundedSender<DuplexStream>,
    pub(crate) refusals: AtomicUsize,
    pub(crate) dials: Mutex<Vec<Instant>>,
}

impl Scripted {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<DuplexStream>) {
        let (accepted, streams) = mpsc::unbounded_channel();
        (Self { accepted, refusals: AtomicUsize::new(0), dials: Mutex::default() }, streams)
    }

    pub(crate) fn refuse(&self, times: usize) {
        self.refusals.store(times, Ordering::SeqCst);
    }
}

impl Dial for Scripted {
    fn dial(&self) -> Dialing<'_> {
        Box::pin(async move {
            self.dials.lock().unwrap().push(Instant::now());
            if self.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (near, far) = tokio::io::duplex(64 * 1024);
            self.accepted.send(far).map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
            Ok(Box::new(near) as Box<dyn Transport>)
        })
    }
}

/// The server's end of a connection.
pub(crate) struct Peer<S> {
    pub(crate) stream: S,
    input: BytesMut,
    decoder: Decoder,
    pub(crate) request: Request,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub(crate) async fn accept(stream: S) -> Self {
        Self::accept_with(stream, None).await
    }

    pub(crate) async fn accept_with(mut stream: S, deflate: Option<DeflatePolicy>) -> Self {
        let mut input = BytesMut::new();
        let request = read_request(&mut stream, &mut input).await.expect("a request");
        let upgrade = Upgrade::check(&request).expect("an upgrade");
        let accepted = upgrade.accept(upgrade.protocols.first().map(String::as_str), deflate.as_ref());
        stream.write_all(&accepted.response).await.unwrap();
        Self { stream, input, decoder: Decoder::new(Role::Server, Limits::default(), accepted.deflate), request }
    }

    /// The next message; `None` when the stream ended.
    pub(crate) async fn read(&mut self) -> Result<Option<Message>, ProtocolError> {
        loop {
            if let Some(message) = self.decoder.next_message(&mut self.input)? {
                return Ok(Some(message));
            }
            if !matches!(self.stream.read_buf(&mut self.input).await, Ok(1..)) {
                return Ok(None);
            }
        }
    }

    pub(crate) async fn text(&mut self) -> String {
        match self.read().await {
            Ok(Some(Message::Text(text))) => String::from_utf8(text.to_vec()).unwrap(),
            other => panic!("not a text: {other:?}"),
        }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        let mut out = Vec::new();
        encode(&mut out, OpCode::Text, true, false, text.as_bytes(), None);
        let _ = self.stream.write_all(&out).await;
    }

    pub(crate) async fn control(&mut self, opcode: OpCode, payload: &[u8]) {
        let mut out = Vec::new();
        encode(&mut out, opcode, true, false, payload, None);
        let _ = self.stream.write_all(&out).await;
    }

    pub(crate) async fn close(&mut self, code: u16) {
        self.close_because(code, "bye").await;
    }

    pub(crate) async fn close_because(&mut self, code: u16, reason: &str) {
        let mut out = Vec::new();
        encode_close(&mut out, Some(CloseCode(code)), reason, None);
        let _ = self.stream.write_all(&out).await;
    }
}

pub(crate) async fn read_request(stream: &mut (impl AsyncRead + Unpin), input: &mut BytesMut) -> Option<Request> {
    let mut parser = RequestParser::new(RequestLimits::default());
    loop {
        if let Some(request) = parser.parse(input).expect("a good request") {
            return Some(request);
        }
        if !matches!(stream.read_buf(input).await, Ok(1..)) {
            return None;
        }
    }
}

/// Remembers messages, and passes events on as words.
pub(crate) struct Recorder {
    pub(crate) messages: Mutex<Vec<(u32, String)>>,
    events: mpsc::UnboundedSender<String>,
}

impl Recorder {
    pub(crate) fn new() -> (Self, Events) {
        let (events, inbox) = mpsc::unbounded_channel();
        (Self { messages: Mutex::default(), events }, Events(inbox))
    }
}

impl FeedSink for Recorder {
    fn message(&self, connection: u32, _ts_init_ns: i64, payload: &[u8]) {
        self.messages.lock().unwrap().push((connection, String::from_utf8_lossy(payload).into_owned()));
    }

    fn event(&self, event: FeedEvent) {
        let words = match event {
            FeedEvent::Disconnected { connection, why, retry_in } => {
                format!("disconnected {connection} retry {}: {why}", retry_in.is_some())
            }
            FeedEvent::Connected { connection } => format!("connected {connection}"),
            FeedEvent::Subscribed { connection, subscriptions } => format!("subscribed {connection} {subscriptions}"),
            FeedEvent::Rotating { from, to, why } => format!("rotating {from} {to} {why:?}"),
            FeedEvent::Rotated { from, to } => format!("rotated {from} {to}"),
            FeedEvent::Closed { connection } => format!("closed {connection}"),
        };
        let _ = self.events.send(words);
    }
}

pub(crate) struct Events(mpsc::UnboundedReceiver<String>);

impl Events {
    pub(crate) async fn next(&mut self) -> String {
        tokio::time::timeout(Duration::from_secs(600), self.0.recv()).await.expect("an event").expect("a feed")
    }

    /// Skips to an event that starts with these words.
    pub(crate) async fn until(&mut self, words: &str) -> String {
        loop {
            let event = self.next().await;
            if event.starts_with(words) {
                return event;
            }
        }
    }
}

/// The address of scripted servers.
pub(crate) const ONE: &str = "ws://exchange.test/stream?streams=a";

/// A feed, its scripted network and what it tells.
pub(crate) struct Bench {
    pub(crate) dial: Arc<Scripted>,
    pub(crate) streams: mpsc::UnboundedReceiver<DuplexStream>,
    pub(crate) sink: Arc<Recorder>,
    pub(crate) events: Events,
    pub(crate) counters: Arc<Counters>,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) task: JoinHandle<Result<(), FeedError>>,
}

impl Bench {
    pub(crate) fn start(config: FeedConfig) -> Self {
        Self::start_refusing(config, 0)
    }

    pub(crate) fn start_refusing(config: FeedConfig, refusals: usize) -> Self {
        let (dial, streams) = Scripted::new();
        dial.refuse(refusals);
        let (sink, events) = Recorder::new();
        let (dial, sink, counters) = (Arc::new(dial), Arc::new(sink), Arc::new(Counters::default()));
        let (stop, stopping) = watch::channel(false);
        let task = tokio::spawn(feed::run(config, dial.clone(), sink.clone(), counters.clone(), stopping));
        Self { dial, streams, sink, events, counters, stop, task }
    }

    pub(crate) async fn stream(&mut self) -> DuplexStream {
        timeout(Duration::from_secs(600), self.streams.recv()).await.expect("a dial").expect("a feed")
    }

    pub(crate) async fn peer(&mut self) -> Peer<DuplexStream> {
        Peer::accept(self.stream().await).await
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        self.sink.messages.lock().unwrap().iter().map(|(_, text)| text.clone()).collect()
    }

    /// Stops the feed; afterwards nothing is open, so the counters must add up exactly.
    pub(crate) async fn stop(self) -> FeedStats {
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
