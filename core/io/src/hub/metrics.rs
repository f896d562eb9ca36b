//! The hub's counters in the text format of Prometheus (version 0.0.4).
//!
//! Invariants: every family has one HELP and one TYPE before its samples and stands together; no series twice; label
//! values are escaped; counters only grow, so the topics shown by name are the first [`TOPICS_SHOWN`] in the order in
//! which they were made and all later ones are summed under `(other)`: sums over topics always equal the class totals.
//! Linear in connections' states, reasons and topics; no lock is held here.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

/// `Content-Type` of [`render`]'s text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Topics shown by name.
pub const TOPICS_SHOWN: usize = 100;
/// The label of all topics beyond [`TOPICS_SHOWN`]; parentheses cannot stand in a topic.
pub const OTHER_TOPICS: &str = "(other)";

const NANOSECONDS: u64 = 1_000_000_000;
/// Upper bounds of the buckets in nanoseconds; a delivery to the last of 10,000 readers takes about 0.1 s.
const BOUNDS: [u64; 18] = [
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    100_000_000,
    250_000_000,
    1_000_000_000,
    10_000_000_000,
];

/// Durations counted by size. Any thread may record; one addition to two shared numbers.
#[derive(Debug, Default)]
pub struct LatencyHistogram {
    buckets: [AtomicU64; BOUNDS.len()],
    above: AtomicU64,
    sum: AtomicU64,
}

/// The counts of a [`LatencyHistogram`] at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LatencySnapshot {
    /// Count of each bucket alone, in rising order; the last is for what is above all bounds.
    pub counts: Vec<u64>,
    /// Sum of all durations in nanoseconds.
    pub sum_nanos: u64,
}

impl LatencyHistogram {
    /// Counts one duration.
    pub fn record(&self, nanoseconds: u64) {
        self.record_many(nanoseconds, 1);
    }

    /// Counts `times` durations of the same length, as a broadcast has them.
    pub fn record_many(&self, nanoseconds: u64, times: u64) {
        let index = BOUNDS.partition_point(|&bound| bound < nanoseconds);
        self.buckets.get(index).unwrap_or(&self.above).fetch_add(times, Ordering::Relaxed);
        self.sum.fetch_add(nanoseconds.saturating_mul(times), Ordering::Relaxed);
    }

    /// The counts now. Concurrent recordings may be in some numbers and not yet in others.
    #[must_use]
    pub fn snapshot(&self) -> LatencySnapshot {
        let buckets = self.buckets.iter().chain([&self.above]);
        LatencySnapshot {
            counts: buckets.map(|bucket| bucket.load(Ordering::Relaxed)).collect(),
            sum_nanos: self.sum.load(Ordering::Relaxed),
        }
    }
}

/// What became of messages to readers: `sent = delivered + conflated + dropped + waiting`, and nothing waits at a quiet
/// moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deliveries {
    /// Owed to a reader: one for each message and subscriber.
    pub sent: u64,
    /// Written completely to the reader's socket.
    pub delivered: u64,
    /// Passed over for a newer one, as the class allows, and told to the reader.
    pub conflated: u64,
    /// Not written before the connection ended.
    pub dropped: u64,
}

impl Deliveries {
    fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.delivered += other.delivered;
        self.conflated += other.conflated;
        self.dropped += other.dropped;
    }
}

/// One delivery class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassFigures {
    /// `reliable`, `buffered`, `last_value`.
    pub class: &'static str,
    /// Messages published.
    pub published: u64,
    /// What became of them.
    pub deliveries: Deliveries,
    /// How long a publish call took.
    pub publish_latency: LatencySnapshot,
    /// From the publish call to the write into a reader's socket.
    pub delivery_latency: LatencySnapshot,
}

/// One topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicFigures {
    /// Its name.
    pub topic: String,
    /// Its class.
    pub class: &'static str,
    /// What became of its messages.
    pub deliveries: Deliveries,
}

/// All that [`render`] shows. Reasons and codes in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HubFigures {
    /// Connections now, by state (`handshake`, `open`, `closing`).
    pub connections: Vec<(&'static str, u64)>,
    /// TCP connections accepted since the start.
    pub accepted: u64,
    /// Upgraded to a WebSocket since the start.
    pub upgraded: u64,
    /// Turned away before the upgrade, by reason.
    pub refused: Vec<(&'static str, u64)>,
    /// WebSocket connections that ended, by close code (1006: without one).
    pub closed: Vec<(u16, u64)>,
    /// Reliable readers closed for being too slow (4008).
    pub slow_closes: u64,
    /// Messages that came in and went out.
    pub messages: [u64; 2],
    /// Bytes that came in and went out, frames included.
    pub bytes: [u64; 2],
    /// Subscriptions now.
    pub subscriptions: u64,
    /// Topics now.
    pub topics_count: u64,
    /// By class.
    pub classes: Vec<ClassFigures>,
    /// By topic, in the order in which they were made.
    pub topics: Vec<TopicFigures>,
    /// Since the start, on the monotonic clock.
    pub uptime_nanos: u64,
}

/// The whole answer to `GET /metrics`.
#[must_use]
pub fn render(figures: &HubFigures) -> String {
    let mut text = Text::default();
    text.family("connections", "gauge", "Connections by state.");
    for (state, count) in &figures.connections {
        text.sample("connections", &[("state", state)], *count);
    }
    text.single("accepted_total", "counter", "TCP connections accepted.", figures.accepted);
    text.single("upgraded_total", "counter", "Connections upgraded to WebSocket.", figures.upgraded);
    text.family("refused_total", "counter", "Connections turned away before the upgrade, by reason.");
    for (reason, count) in merged(&figures.refused) {
        text.sample("refused_total", &[("reason", reason)], count);
    }
    text.family("closed_total", "counter", "WebSocket connections that ended, by close code.");
    for (code, count) in merged(&figures.closed) {
        text.sample("closed_total", &[("code", &code.to_string())], count);
    }
    text.single("slow_closes_total", "counter", "Reliable readers closed for being too slow.", figures.slow_closes);
    for (name, help, counts) in [
        ("messages_total", "Messages by direction.", figures.messages),
        ("bytes_total", "Bytes by direction, frame headers included.", figures.bytes),
    ] {
        text.family(name, "counter", help);
        for (direction, count) in ["in", "out"].into_iter().zip(counts) {
            text.sample(name, &[("direction", direction)], count);
        }
    }
    text.single("subscriptions", "gauge", "Subscriptions.", figures.subscriptions);
    text.single("topics", "gauge", "Topics.", figures.topics_count);
    render_classes(&mut text, &figures.classes);
    render_topics(&mut text, &figures.topics);
    text.family("uptime_seconds", "gauge", "Seconds since the start of the hub.");
    text.sample("uptime_seconds", &[], Seconds(figures.uptime_nanos));
    text.0
}

fn render_classes(text: &mut Text, classes: &[ClassFigures]) {
    text.family("published_total", "counter", "Messages published, by class.");
    for class in classes {
        text.sample("published_total", &[("class", class.class)], class.published);
    }
    text.family("sent_total", "counter", "Messages owed to readers, by class: one for each message and reader.");
    for class in classes {
        text.sample("sent_total", &[("class", class.class)], class.deliveries.sent);
    }
    text.family("deliveries_total", "counter", "What became of messages owed to readers, by class.");
    for class in classes {
        for (outcome, count) in outcomes(&class.deliveries) {
            text.sample("deliveries_total", &[("class", class.class), ("outcome", outcome)], count);
        }
    }
    text.family("publish_latency_seconds", "histogram", "Duration of a publish call, by class.");
    for class in classes {
        text.histogram("publish_latency_seconds", class.class, &class.publish_latency);
    }
    text.family("delivery_latency_seconds", "histogram", "From a publish call to the write into a reader's socket.");
    for class in classes {
        text.histogram("delivery_latency_seconds", class.class, &class.delivery_latency);
    }
}

fn render_topics(text: &mut Text, topics: &[TopicFigures]) {
    let (shown, rest) = topics.split_at(topics.len().min(TOPICS_SHOWN));
    let mut others: Vec<TopicFigures> = Vec::new();
    for topic in rest {
        match others.iter_mut().find(|other| other.class == topic.class) {
            Some(other) => other.deliveries.add(&topic.deliveries),
            None => others.push(TopicFigures { topic: OTHER_TOPICS.to_owned(), ..topic.clone() }),
        }
    }
    let rows = || shown.iter().chain(&others);
    text.family("topic_sent_total", "counter", "Messages owed to readers, by topic.");
    for row in rows() {
        text.sample("topic_sent_total", &[("topic", &row.topic), ("class", row.class)], row.deliveries.sent);
    }
    text.family("topic_deliveries_total", "counter", "What became of messages owed to readers, by topic.");
    for row in rows() {
        for (outcome, count) in outcomes(&row.deliveries) {
            let labels = [("topic", row.topic.as_str()), ("class", row.class), ("outcome", outcome)];
            text.sample("topic_deliveries_total", &labels, count);
        }
    }
}

const fn outcomes(deliveries: &Deliveries) -> [(&'static str, u64); 3] {
    [("delivered", deliveries.delivered), ("conflated", deliveries.conflated), ("dropped", deliveries.dropped)]
}

/// One entry for each key, sorted: shards report the same reason each for itself.
fn merged<K: Ord + Copy>(counts: &[(K, u64)]) -> std::collections::BTreeMap<K, u64> {
    let mut sums = std::collections::BTreeMap::new();
    for &(key, count) in counts {
        *sums.entry(key).or_insert(0) += count;
    }
    sums
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = write!(self.0, "# HELP deepalpha_hub_{name} {help}\n# TYPE deepalpha_hub_{name} {kind}\n");
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let _ = write!(self.0, "deepalpha_hub_{name}");
        for (index, (label, text)) in labels.iter().enumerate() {
            let _ = write!(self.0, "{}{label}=\"", if index == 0 { '{' } else { ',' });
            for character in text.chars() {
                match character {
                    '\\' => self.0.push_str("\\\\"),
                    '"' => self.0.push_str("\\\""),
                    '\n' => self.0.push_str("\\n"),
                    other => self.0.push(other),
                }
            }
            self.0.push('"');
        }
        let _ = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }

    fn histogram(&mut self, name: &str, class: &str, snapshot: &LatencySnapshot) {
        let bucket = format!("{name}_bucket");
        let mut total = 0_u64;
        for (index, bound) in BOUNDS.iter().map(|&bound| Some(bound)).chain([None]).enumerate() {
            total += snapshot.counts.get(index).copied().unwrap_or(0);
            let bound = bound.map_or_else(|| "+Inf".to_owned(), |bound| Seconds(bound).to_string());
            self.sample(&bucket, &[("class", class), ("le", &bound)], total);
        }
        self.sample(&format!("{name}_sum"), &[("class", class)], Seconds(snapshot.sum_nanos));
        self.sample(&format!("{name}_count"), &[("class", class)], total);
    }
}

/// Nanoseconds written as seconds, exactly.
struct Seconds(u64);

impl std::fmt::Display for Seconds {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = format!("{}.{:09}", self.0 / NANOSECONDS, self.0 % NANOSECONDS);
        formatter.write_str(digits.trim_end_matches('0').trim_end_matches('.'))
    }
}
