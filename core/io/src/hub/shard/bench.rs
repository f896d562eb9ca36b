//! The endpoints of the load generator: `/pub` text goes verbatim to `/sub`, to everybody or by the topic it names.
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;

use super::Shard;
use super::conn::{ConnId, Mode};
use crate::hub::error::HubError;
use crate::hub::gate::{Session, Verdict};
use crate::hub::log::Class;
use crate::hub::protocol::Filter;
use crate::hub::topic::{Framing, Topic};

/// Everything published without `?topic=` goes here.
const EVERYTHING: &str = "bench";
/// Messages a bench topic keeps.
const CAPACITY: usize = 4_096;

/// Both the load generator's payload and its subscribe text name a topic like this.
#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    topic: Option<std::borrow::Cow<'a, str>>,
}

fn named(text: &[u8]) -> Option<String> {
    serde_json::from_slice::<Named<'_>>(text).ok()?.topic.map(std::borrow::Cow::into_owned)
}

/// What the session of a connection says to the endpoint it asks for; its messages name no topics to ask about later.
pub(super) fn bench_verdict(mode: &Mode, session: &mut dyn Session, now: u64) -> Verdict {
    match mode {
        Mode::Protocol | Mode::Echo(_) => Verdict::Allow,
        Mode::BenchSub(_) => match session.subscribe(EVERYTHING, now) {
            Verdict::Allow => session.subscribe(&format!("{EVERYTHING}.>"), now),
            refused => refused,
        },
        Mode::BenchPub(_) => session.publish(EVERYTHING, now),
    }
}

impl Shard {
    fn bench_topic(&self, name: Option<&str>) -> Result<Arc<Topic>, HubError> {
        let name = name.map_or_else(|| EVERYTHING.to_owned(), |name| format!("{EVERYTHING}.{name}"));
        self.shared.declare(&name, Class::Buffered, Framing::Raw, CAPACITY)
    }

    /// What an upgraded connection on this path is; `None`: the path is not of the bench.
    pub(super) fn bench_mode(&self, path: &str, topic: Option<&str>) -> Option<Mode> {
        match path {
            "/echo" => Some(Mode::Echo(None)),
            "/sub" => Some(Mode::BenchSub(topic.is_none())),
            "/pub" => {
                let topic = topic.and_then(|topic| self.bench_topic(Some(topic)).ok());
                Some(Mode::BenchPub(topic))
            }
            _ => None,
        }
    }

    /// Subscribes a new reader of the bench.
    pub(super) fn bench_join(&mut self, id: ConnId, topic: Option<&str>) {
        if let Ok(topic) = self.bench_topic(topic) {
            // A bound that is reached shows as missing messages in the load generator.
            let _ = self.subscribe(id, &topic, &Filter::default(), None);
        }
    }

    /// A reader names its topic: from now on it gets that one alone.
    pub(super) fn bench_subscribe(&mut self, id: ConnId, text: &[u8]) {
        let Some(name) = named(text) else { return };
        let everything = match self.conns.get_mut(id).map(|conn| &mut conn.mode) {
            Some(Mode::BenchSub(everything)) => std::mem::take(everything),
            _ => return,
        };
        if everything && let Ok(topic) = self.bench_topic(None) {
            self.unsubscribe(id, topic.id);
        }
        self.bench_join(id, Some(&name));
    }

    /// Fans a text out as it is.
    pub(super) fn bench_publish(&mut self, to: Option<Arc<Topic>>, text: &Bytes) {
        if let Some(topic) = to {
            // The publisher of the bench has no answer to get; what is refused is missing in its count.
            let _ = self.shared.publish(&topic, text);
            return;
        }
        if let Ok(topic) = self.bench_topic(None) {
            let _ = self.shared.publish(&topic, text);
        }
        // Only topics somebody asked for exist; a scan of the text is not worth it before.
        if self.shared.topics.len() > 1
            && let Some(name) = named(text)
            && let Some(topic) = self.shared.topics.get(&format!("{EVERYTHING}.{name}"))
        {
            let _ = self.shared.publish(&topic, text);
        }
    }
}
