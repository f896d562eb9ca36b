//! The hub's counters in the text format of Prometheus (version 0.0.4).
//!
//! Invariants: every family has one HELP and one TYPE before its samples and stands together; no series twice; label
//! values are escaped; counters only grow, so the topics shown by name are the first [`TOPICS_SHOWN`] in the order in
//! which they were made, and all later ones stand as the rest of their class under `(other)`. Linear in topics and
//! reasons; no lock is held here.

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use super::log::{Class, Tally};
use super::server::{HubStats, TopicStats, stats, topic_stats};
use super::shared::{LatencyStats, Shared};
use crate::ws::{Rejection, Request, plain_response};

/// `Content-Type` of [`render`]'s text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Topics shown by name.
pub const TOPICS_SHOWN: usize = 100;
/// The label of all topics beyond [`TOPICS_SHOWN`]; parentheses cannot stand in a topic.
pub const OTHER_TOPICS: &str = "(other)";

const NANOSECONDS: u64 = 1_000_000_000;
const MICROSECOND: u64 = 1_000;

/// All that [`render`] shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// The hub's counts.
    pub stats: HubStats,
    /// The first topics, [`TOPICS_SHOWN`] at most.
    pub topics: Vec<TopicStats>,
    /// How often the gate turned somebody away, each reason once.
    pub rejections: Vec<(&'static str, u64)>,
    /// Since the start, on the monotonic clock.
    pub uptime_nanos: u64,
}

/// The whole answer to `GET /metrics`.
#[must_use]
pub fn render(figures: &Figures) -> String {
    let mut text = Text::default();
    let counters = &figures.stats.counters;
    text.family("connections", "gauge", "Connections by state.");
    text.sample("connections", &[("state", "handshake")], counters.connections.saturating_sub(counters.open));
    text.sample("connections", &[("state", "open")], counters.open);
    text.single("accepted_total", "counter", "TCP connections accepted.", counters.accepted);
    text.single("upgraded_total", "counter", "Connections upgraded to WebSocket.", counters.opened);
    render_refusals(&mut text, figures);
    text.family("ended_total", "counter", "WebSocket connections that the hub ended, by reason.");
    for (reason, count) in [
        ("slow", counters.slow_closes),
        ("ping_timeout", counters.ping_timeouts),
        ("protocol", counters.protocol_errors),
    ] {
        text.sample("ended_total", &[("reason", reason)], count);
    }
    let help = "WebSocket connections that ended, by the code of their first close frame (1006: none).";
    text.family("closes_total", "counter", help);
    for (code, count) in figures.stats.closes.by_label() {
        text.sample("closes_total", &[("code", &code)], count);
    }
    for (name, help, counts) in [
        ("messages_total", "Messages by direction.", [counters.messages_in, figures.stats.tally.delivered]),
        ("bytes_total", "Bytes by direction, frame headers included.", [counters.bytes_in, counters.bytes_out]),
    ] {
        text.family(name, "counter", help);
        for (direction, count) in ["in", "out"].into_iter().zip(counts) {
            text.sample(name, &[("direction", direction)], count);
        }
    }
    text.single("published_total", "counter", "Messages published.", counters.published);
    text.single("snapshots_total", "counter", "Last values sent because of a subscription.", counters.snapshots);
    text.single("pings_total", "counter", "Pings sent.", counters.pings);
    text.single("accept_pauses_total", "counter", "Pauses for want of file descriptors.", counters.accept_pauses);
    text.single("subscriptions", "gauge", "Subscriptions.", counters.subscriptions);
    text.single("topics", "gauge", "Topics.", figures.stats.topics as u64);
    render_classes(&mut text, &figures.stats);
    render_topics(&mut text, figures);
    text.family("uptime_seconds", "gauge", "Seconds since the start of the hub.");
    text.sample("uptime_seconds", &[], Seconds(figures.uptime_nanos));
    text.0
}

/// The answer to a plain `GET` of `/metrics` or `/health`; `None` for any other request.
///
/// # Errors
/// Who may not read the figures is told so.
pub(crate) fn answer(shared: &Shared, peer: SocketAddr, request: &Request) -> Option<Result<Vec<u8>, Rejection>> {
    if request.method != "GET" {
        return None;
    }
    match request.path.as_str() {
        "/health" => Some(Ok(if shared.closed.load(Ordering::Acquire) {
            plain_response(503, "text/plain; charset=utf-8", b"stopping\n")
        } else {
            plain_response(200, "text/plain; charset=utf-8", b"ok\n")
        })),
        "/metrics" => {
            let now = shared.now();
            let gate = &shared.config.gate;
            Some(gate.may_read_figures(peer, request, now).map(|()| {
                let figures = Figures {
                    // Topics before their sums: what comes between is then with the others, not missing.
                    topics: topic_stats(shared, TOPICS_SHOWN),
                    stats: stats(shared),
                    rejections: gate.rejections(),
                    uptime_nanos: now,
                };
                plain_response(200, CONTENT_TYPE, render(&figures).as_bytes())
            }))
        }
        _ => None,
    }
}

fn render_refusals(text: &mut Text, figures: &Figures) {
    let counters = &figures.stats.counters;
    let by_gate: u64 = figures.rejections.iter().map(|(_, count)| count).sum();
    text.family("refused_total", "counter", "Connections turned away before the upgrade, by reason.");
    let own = [
        ("capacity", counters.refused_full),
        ("timeout", counters.handshake_timeouts),
        // The hub counts these together with the gate's, which may already count one more.
        ("bad_request", counters.refused_handshake.saturating_sub(by_gate)),
    ];
    for (reason, count) in own.iter().chain(&figures.rejections) {
        text.sample("refused_total", &[("reason", reason)], *count);
    }
}

fn render_classes(text: &mut Text, stats: &HubStats) {
    let classes = || Class::ALL.iter().map(|class| class.name()).zip(&stats.by_class);
    text.family("sent_total", "counter", "Messages owed to readers, by class: one for each message and reader.");
    for (class, tally) in classes() {
        text.sample("sent_total", &[("class", class)], tally.sent);
    }
    text.family("deliveries_total", "counter", "What became of messages owed to readers, by class.");
    for (class, tally) in classes() {
        for (outcome, count) in outcomes(tally) {
            text.sample("deliveries_total", &[("class", class), ("outcome", outcome)], count);
        }
    }
    text.family("publish_latency_seconds", "histogram", "Duration of a publish call.");
    text.histogram("publish_latency_seconds", &[], &stats.publish_latency);
    text.family("delivery_latency_seconds", "histogram", "From a publish call to the write into the readers' sockets.");
    for (class, latency) in Class::ALL.iter().zip(&stats.latency) {
        text.histogram("delivery_latency_seconds", &[("class", class.name())], latency);
    }
}

fn render_topics(text: &mut Text, figures: &Figures) {
    let mut rows: Vec<(&str, &str, Tally)> = Vec::new();
    let mut rest = figures.stats.by_class;
    for topic in figures.topics.iter().take(TOPICS_SHOWN) {
        rows.push((&topic.name, topic.class.name(), topic.tally));
        if let Some(rest) = rest.get_mut(topic.class.index()) {
            // Read at another moment than the class: saturating, never negative.
            rest.sent = rest.sent.saturating_sub(topic.tally.sent);
            rest.delivered = rest.delivered.saturating_sub(topic.tally.delivered);
            rest.conflated = rest.conflated.saturating_sub(topic.tally.conflated);
            rest.dropped = rest.dropped.saturating_sub(topic.tally.dropped);
        }
    }
    if figures.stats.topics > rows.len() {
        rows.extend(Class::ALL.iter().zip(rest).map(|(class, tally)| (OTHER_TOPICS, class.name(), tally)));
    }
    text.family("topic_sent_total", "counter", "Messages owed to readers, by topic.");
    for (topic, class, tally) in &rows {
        text.sample("topic_sent_total", &[("topic", topic), ("class", class)], tally.sent);
    }
    text.family("topic_deliveries_total", "counter", "What became of messages owed to readers, by topic.");
    for (topic, class, tally) in &rows {
        for (outcome, count) in outcomes(tally) {
            text.sample("topic_deliveries_total", &[("topic", topic), ("class", class), ("outcome", outcome)], count);
        }
    }
}

const fn outcomes(tally: &Tally) -> [(&'static str, u64); 3] {
    [("delivered", tally.delivered), ("conflated", tally.conflated), ("dropped", tally.dropped)]
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

    fn histogram(&mut self, name: &str, labels: &[(&str, &str)], latency: &LatencyStats) {
        let bucket = format!("{name}_bucket");
        let last = latency.counts.len().saturating_sub(1);
        let mut total = 0_u64;
        for (power, count) in latency.counts.iter().enumerate() {
            total += count;
            // The last bucket holds whatever is longer than all others.
            let bound = if power == last { "+Inf".to_owned() } else { Seconds(MICROSECOND << power).to_string() };
            let labels: Vec<(&str, &str)> = labels.iter().copied().chain([("le", bound.as_str())]).collect();
            self.sample(&bucket, &labels, total);
        }
        self.sample(&format!("{name}_sum"), labels, Seconds(latency.sum_ns));
        self.sample(&format!("{name}_count"), labels, total);
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
