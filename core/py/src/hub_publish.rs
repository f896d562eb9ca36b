//! Publishing to a hub: topics declared by rules, messages of other servers sent on. Nothing in here knows Python.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use deepalpha_io::client::{FeedEvent, FeedSink};
use deepalpha_io::hub::{Class, Hub, HubError, pattern};

use crate::feed_connection::{Events, Happened};

/// How topics that do not exist yet are to be delivered.
#[derive(Default)]
struct Rules {
    /// Patterns in the order they were given; the first that matches holds.
    patterns: Vec<(String, Class, usize)>,
    /// Topics that were looked up.
    seen: HashSet<String>,
}

/// A hub and the rules of its topics.
pub(crate) struct Publisher {
    pub(crate) hub: Hub,
    rules: RwLock<Rules>,
}

impl Publisher {
    pub(crate) fn new(hub: Hub) -> Self {
        Self { hub, rules: RwLock::default() }
    }

    /// Topics of this pattern that are made from now on are delivered so.
    pub(crate) fn rule(&self, wanted: &str, class: Class, capacity: usize) {
        let mut rules = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        rules.patterns.retain(|(known, ..)| known != wanted);
        rules.patterns.push((wanted.to_owned(), class, capacity));
    }

    /// Declare a topic by the rules before it is published to for the first time.
    fn prepare(&self, topic: &str) -> Result<(), HubError> {
        let rules = self.rules.read().unwrap_or_else(PoisonError::into_inner);
        if rules.patterns.is_empty() || rules.seen.contains(topic) {
            return Ok(());
        }
        drop(rules);
        let mut rules = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, class, capacity)) = rules.patterns.iter().find(|(wanted, ..)| pattern::matches(wanted, topic)) {
            self.hub.topic(topic, *class, *capacity)?;
        }
        rules.seen.insert(topic.to_owned());
        Ok(())
    }

    /// Send one JSON value; its offset.
    pub(crate) fn publish(&self, topic: &str, payload: &[u8]) -> Result<u64, HubError> {
        self.prepare(topic)?;
        self.hub.publish(topic, payload)
    }
}

/// Sends the messages of a server on.
pub(crate) struct Relay {
    pub(crate) publisher: Arc<Publisher>,
    /// Where messages go that no route names.
    pub(crate) topic: String,
    /// From the value of a message's `stream` to its topic.
    pub(crate) routes: HashMap<String, String>,
    pub(crate) counts: Arc<RelayCounts>,
}

/// What became of the messages of a server.
#[derive(Default)]
pub(crate) struct RelayCounts {
    pub(crate) published: AtomicU64,
    /// Refused by the hub: no JSON, too large, a full reliable topic.
    pub(crate) refused: AtomicU64,
    pub(crate) events: Mutex<Events>,
}

/// The text of the member `stream`, where it comes first, as in Binance's combined streams.
fn stream_of(payload: &[u8]) -> Option<&str> {
    let rest = payload.strip_prefix(b"{\"stream\":\"")?;
    let end = rest.iter().position(|byte| *byte == b'"')?;
    std::str::from_utf8(rest.get(..end)?).ok()
}

impl FeedSink for Relay {
    fn message(&self, _: u32, _: i64, payload: &[u8]) {
        let routed =
            if self.routes.is_empty() { None } else { stream_of(payload).and_then(|name| self.routes.get(name)) };
        let sent = self.publisher.publish(routed.unwrap_or(&self.topic), payload);
        let count = if sent.is_ok() { &self.counts.published } else { &self.counts.refused };
        count.fetch_add(1, Ordering::Relaxed);
    }

    fn event(&self, event: FeedEvent) {
        self.counts.events.lock().unwrap_or_else(PoisonError::into_inner).push(Happened::of(event, 0));
    }
}
