//! Messages of other servers, sent on to a hub's readers. Nothing in here knows Python.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use deepalpha_io::client::{FeedEvent, FeedSink};
use deepalpha_io::hub::Hub;

use crate::feed_connection::{Events, Happened};

/// Sends the messages of a server on.
pub(crate) struct Relay {
    pub(crate) hub: Arc<Hub>,
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
        let sent = self.hub.publish(routed.unwrap_or(&self.topic), payload);
        let count = if sent.is_ok() { &self.counts.published } else { &self.counts.refused };
        count.fetch_add(1, Ordering::Relaxed);
    }

    fn event(&self, event: FeedEvent) {
        self.counts.events.lock().unwrap_or_else(PoisonError::into_inner).push(Happened::of(event, 0));
    }
}
