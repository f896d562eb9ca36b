//! A reader of the hub with the real feed behind it, and a proxy that cuts, stalls and turns elsewhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test file uses a part")]

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use deepalpha_io::client::hub::{Head, HubReader, Policy, ReaderCounts};
use deepalpha_io::client::{ConnectionConfig, Feed, FeedConfig, FeedEvent, FeedHandle, FeedSink, FeedStats, Kind};

pub const DEADLINE: Duration = Duration::from_secs(15);

/// A number that follows from `state`, below `bound` (Lehmer, 2^31 - 1).
pub fn roll(state: &mut u64, bound: u64) -> u64 {
    *state = *state * 48_271 % 0x7fff_ffff;
    *state % bound
}

/// What the proxy does with its connections.
struct Rules {
    target: SocketAddr,
    seed: u64,
    /// Connections still to be cut.
    cuts: usize,
    /// Bytes from the server after which a connection is cut: a random number below.
    within: u64,
}

/// A TCP proxy.
pub struct Proxy {
    pub address: SocketAddr,
    rules: Arc<Mutex<Rules>>,
    /// While it is set nothing is read from the server.
    stalled: Arc<(Mutex<bool>, Condvar)>,
    made: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    pub fn start(target: SocketAddr, seed: u64, cuts: usize, within: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let rules = Arc::new(Mutex::new(Rules { target, seed, cuts, within }));
        let stalled = Arc::new((Mutex::new(false), Condvar::new()));
        let (made, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let open = Arc::new(Mutex::new(Vec::new()));
        let shared =
            (Arc::clone(&rules), Arc::clone(&stalled), Arc::clone(&made), Arc::clone(&stop), Arc::clone(&open));
        let thread = std::thread::spawn(move || {
            let (rules, stalled, made, stop, open) = shared;
            for client in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let client = client.unwrap();
                let (target, budget) = {
                    let mut rules = rules.lock().unwrap();
                    let budget = rules.cuts.checked_sub(1).map(|left| {
                        rules.cuts = left;
                        let within = rules.within;
                        roll(&mut rules.seed, within) as usize
                    });
                    (rules.target, budget)
                };
                made.fetch_add(1, Ordering::SeqCst);
                // Nobody there: the client sees a connection that ends at once.
                let Ok(server) = TcpStream::connect(target) else { continue };
                for socket in [&client, &server] {
                    socket.set_nodelay(true).unwrap();
                    open.lock().unwrap().push(socket.try_clone().unwrap());
                }
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || forward(from, to, None, None));
                let stalled = Arc::clone(&stalled);
                std::thread::spawn(move || forward(server, client, budget, Some(&stalled)));
            }
        });
        Self { address, rules, stalled, made, stop, open, thread: Some(thread) }
    }

    /// Connections so far.
    pub fn made(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }

    pub fn cuts_left(&self) -> usize {
        self.rules.lock().unwrap().cuts
    }

    pub fn turn_to(&self, target: SocketAddr) {
        self.rules.lock().unwrap().target = target;
    }

    pub fn stall(&self, stalled: bool) {
        *self.stalled.0.lock().unwrap() = stalled;
        self.stalled.1.notify_all();
    }

    /// Ends every connection there is.
    pub fn cut(&self) {
        for socket in self.open.lock().unwrap().drain(..) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.stall(false);
        let _ = TcpStream::connect(self.address);
        self.cut();
        self.thread.take().unwrap().join().unwrap();
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream, budget: Option<usize>, stalled: Option<&(Mutex<bool>, Condvar)>) {
    let mut left = budget.unwrap_or(usize::MAX);
    let mut chunk = [0; 4_096];
    while left > 0 {
        if let Some((stalled, changed)) = stalled {
            drop(changed.wait_while(stalled.lock().unwrap(), |stalled| *stalled).unwrap());
        }
        let most = chunk.len().min(left);
        match from.read(&mut chunk[..most]) {
            Ok(0) => break,
            Ok(count) => {
                left -= count;
                if to.write_all(&chunk[..count]).is_err() {
                    break;
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

/// What a reader has seen.
pub struct Seen {
    reader: HubReader,
    pub records: Vec<String>,
    pub events: Vec<String>,
    /// After each end, how long until the next attempt.
    pub retries: Vec<Duration>,
    /// By topic: the offset after the last record.
    pub ends: BTreeMap<String, u64>,
}

pub struct Sink {
    seen: Mutex<Seen>,
    changed: Condvar,
}

impl FeedSink for Sink {
    fn message(&self, connection: u32, _ts_init_ns: i64, payload: &[u8]) {
        let mut seen = self.seen.lock().unwrap();
        let Seen { reader, records, ends, .. } = &mut *seen;
        reader.read(connection, payload, |record| {
            match Head::of(record) {
                Head::Message { topic, offset, .. } => ends.insert(topic.to_owned(), offset + 1),
                Head::Gap { topic, end, .. } => ends.insert(topic.to_owned(), end),
                other => panic!("{other:?}: {}", String::from_utf8_lossy(record)),
            };
            records.push(String::from_utf8(record.to_vec()).unwrap());
        });
        self.changed.notify_all();
    }

    fn event(&self, event: FeedEvent) {
        let words = match event {
            FeedEvent::Subscribed { .. } => "subscribed".to_owned(),
            FeedEvent::Disconnected { why, retry_in, .. } => {
                self.seen.lock().unwrap().retries.extend(retry_in);
                format!("disconnected: {why}")
            }
            other => format!("{other:?}"),
        };
        self.seen.lock().unwrap().events.push(words);
        self.changed.notify_all();
    }

    fn subscriptions(&self, connection: u32, _fixed: &[String]) -> Vec<String> {
        self.seen.lock().unwrap().reader.subscriptions(connection)
    }

    fn kind(&self, payload: &[u8]) -> Kind {
        HubReader::kind(payload)
    }
}

/// A feed that reads a hub.
pub struct Reader {
    feed: FeedHandle,
    sink: Arc<Sink>,
}

impl Reader {
    pub fn start(address: SocketAddr, topics: &str, change: impl FnOnce(&mut FeedConfig)) -> Self {
        let mut connection = ConnectionConfig::new(format!("ws://{address}/").parse().unwrap());
        connection.protocols = vec!["deepalpha.v1".to_owned()];
        let text = format!(r#"{{"op":"subscribe","id":1,"topics":{topics}}}"#);
        let mut config = FeedConfig::new(connection, vec![text]);
        config.await_acknowledgements = true;
        config.subscription_burst = 64;
        config.backoff_base = Duration::from_millis(1);
        config.backoff_cap = Duration::from_millis(5);
        change(&mut config);
        let reader = HubReader::new(&config.subscriptions, 16_384).unwrap();
        let seen = Seen { reader, records: Vec::new(), events: Vec::new(), retries: Vec::new(), ends: BTreeMap::new() };
        let seen = Mutex::new(seen);
        let sink = Arc::new(Sink { seen, changed: Condvar::new() });
        Self { feed: Feed::start(config, Arc::clone(&sink) as Arc<dyn FeedSink>).unwrap(), sink }
    }

    /// Waits until `ask` has an answer.
    pub fn until<T>(&self, what: &str, mut ask: impl FnMut(&Seen) -> Option<T>) -> T {
        let end = Instant::now() + DEADLINE;
        let mut seen = self.sink.seen.lock().unwrap();
        loop {
            if let Some(answer) = ask(&seen) {
                return answer;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "not before the deadline: {what}; {:?}", seen.events.last());
            seen = self.sink.changed.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// Waits until so many connections were subscribed.
    pub fn subscribed(&self, times: usize) {
        self.until("subscribed", |seen| {
            (seen.events.iter().filter(|event| *event == "subscribed").count() >= times).then_some(())
        });
    }

    /// Waits until the last offset of each topic has come, and gives what came of it.
    pub fn through(&self, lasts: &[(&str, u64)]) -> BTreeMap<String, Coverage> {
        let done = |seen: &Seen| {
            let reached = |(topic, last): &(&str, u64)| seen.ends.get(*topic) == Some(&(last + 1));
            lasts.iter().all(reached).then(|| coverage(&seen.records))
        };
        self.until("every last offset", done)
    }

    /// Waits until the reader is at most so many messages behind.
    pub fn within(&self, topic: &str, next: u64, window: u64) {
        self.until("the reader follows", |seen| {
            (seen.ends.get(topic).copied().unwrap_or(0) + window >= next).then_some(())
        });
    }

    pub fn records(&self) -> Vec<String> {
        self.sink.seen.lock().unwrap().records.clone()
    }

    pub fn counts(&self) -> ReaderCounts {
        self.sink.seen.lock().unwrap().reader.counts()
    }

    pub fn stats(&self) -> FeedStats {
        self.feed.stats()
    }
}

/// What came of one topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// The offset after the last one, of the present run.
    pub end: u64,
    pub messages: u64,
    /// Older values that a last value stands for.
    pub skipped: u64,
    pub missed: u64,
    pub conflated: u64,
    pub restarted: u64,
    pub restarts: u64,
}

/// Reads records as a consumer would, and fails when an offset is doubled, left out or out of order. The first record of
/// a topic says where it begins.
pub fn coverage(records: &[String]) -> BTreeMap<String, Coverage> {
    let mut topics: BTreeMap<String, Coverage> = BTreeMap::new();
    for record in records {
        let (topic, first, end, policy) = match Head::of(record.as_bytes()) {
            Head::Message { topic, first, offset } => (topic, first, offset + 1, None),
            Head::Gap { topic, first, end, policy } => (topic, first, end, Some(policy)),
            other => panic!("{other:?}: {record}"),
        };
        let fresh = !topics.contains_key(topic);
        let seen = topics.entry(topic.to_owned()).or_default();
        if policy == Some(Policy::Restarted) {
            seen.restarts += 1;
        } else if !fresh {
            assert_eq!(first, seen.end, "{record}");
        }
        seen.end = end;
        match policy {
            None => {
                seen.messages += 1;
                seen.skipped += end - 1 - first;
            }
            Some(Policy::Missed) => seen.missed += end - first,
            Some(Policy::Conflated) => seen.conflated += end - first,
            Some(Policy::Restarted) => seen.restarted += end - first,
        }
    }
    topics
}
