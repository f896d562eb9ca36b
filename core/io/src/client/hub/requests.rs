//! The subscriptions of a reader, and what is sent for them on a new connection: in parts of bounded size, each with
//! where its topics go on.

use std::collections::HashSet;
use std::ops::Range;

use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::hub::pattern::is_wildcard;

/// Bytes of one request, about: well below the 64 KiB that a hub takes by default.
pub const REQUEST_BYTES: usize = 16 << 10;
/// Bytes of one topic in a request besides its name (twice with `topics`): quotes, keys, epoch, offset.
const TOPIC_BYTES: usize = 80;
/// Why a reader cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HubReaderError {
    /// A text that is no subscription.
    #[error("subscription {text:?} is refused: {reason}; give {{\"op\":\"subscribe\",\"topics\":[..]}}")]
    Subscription {
        /// Its beginning.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A bound that is no bound.
    #[error("max_topics {0} is not in 1..=1000000")]
    MaxTopics(usize),
}

/// One subscription.
#[derive(Debug)]
pub(super) struct Request {
    body: Map<String, Value>,
    pub(super) names: Vec<String>,
    /// By name: whether this run of the hub has answered it.
    pub(super) established: Vec<bool>,
}

impl Request {
    pub(super) fn of(text: &str) -> Result<Self, HubReaderError> {
        let refuse = |reason: &str| HubReaderError::Subscription {
            text: text.chars().take(64).collect(),
            reason: reason.to_owned(),
        };
        let mut body: Map<String, Value> = serde_json::from_str(text).map_err(|error| refuse(&error.to_string()))?;
        if body.get("op").and_then(Value::as_str) != Some("subscribe") {
            return Err(refuse("its op is not subscribe"));
        }
        if body.contains_key("resume") {
            return Err(refuse("resume is what a reader adds itself"));
        }
        let topic = body.remove("topic").map(|topic| Value::Array(vec![topic]));
        let topics = body.remove("topics").or(topic).ok_or_else(|| refuse("it names no topics"))?;
        let names: Vec<String> = serde_json::from_value(topics).map_err(|error| refuse(&error.to_string()))?;
        if names.is_empty() {
            return Err(refuse("it names no topics"));
        }
        let established = vec![false; names.len()];
        Ok(Self { body, names, established })
    }

    /// Those of the names that were answered.
    pub(super) fn established_names(&self, range: &Range<usize>) -> HashSet<String> {
        let names = self.names.iter().zip(&self.established).take(range.end).skip(range.start);
        names.filter(|(_, done)| **done).map(|(name, _)| name.clone()).collect()
    }
}

/// Writes the subscriptions of a connection in parts of bounded size.
pub(super) struct Writer<'a> {
    pub(super) texts: Vec<String>,
    /// Which request and which of its names each subscribe among them is.
    pub(super) parts: Vec<(usize, Range<usize>)>,
    epoch: &'a str,
}

impl<'a> Writer<'a> {
    pub(super) const fn new(epoch: &'a str) -> Self {
        Self { texts: Vec::new(), parts: Vec::new(), epoch }
    }

    /// `last` gives the last offset of a topic that is followed; `of_wildcard` the topics of a wildcard that are.
    pub(super) fn request<'t>(
        &mut self,
        index: usize,
        request: &Request,
        last: impl Fn(&str) -> Option<Option<u64>>,
        of_wildcard: &dyn Fn(&str) -> Vec<&'t str>,
    ) {
        let (mut from, mut bytes, mut resume) = (0, 0, Map::new());
        let places = request.names.iter().zip(&request.established).enumerate();
        for (at, (name, established)) in places {
            let topics = if is_wildcard(name) { of_wildcard(name) } else { Vec::new() };
            let size = topics.iter().map(|topic| topic.len() + TOPIC_BYTES).sum::<usize>();
            let own = 2 * name.len() + TOPIC_BYTES;
            if bytes > 0 && bytes + size + own > REQUEST_BYTES {
                self.subscribe(index, request, from..at, std::mem::take(&mut resume));
                (from, bytes) = (at, 0);
            }
            bytes += own;
            let mut begin = |topic: &str, offset: Option<u64>| {
                resume.insert(topic.to_owned(), json!({"epoch": self.epoch, "offset": offset}));
            };
            match last(name) {
                Some(offset) => begin(name, offset),
                // What it stands for and is not named was made after it was answered, or is yet to be made.
                None if *established => begin(name, None),
                None => {}
            }
            let offsets = topics.into_iter().filter_map(|topic| Some((topic, last(topic)?)));
            if size <= REQUEST_BYTES {
                offsets.for_each(|(topic, offset)| begin(topic, offset));
                bytes += size;
            } else {
                self.ahead(offsets);
                // The offsets count for the next subscribe only.
                self.subscribe(index, request, from..at + 1, std::mem::take(&mut resume));
                (from, bytes) = (at + 1, 0);
            }
        }
        if from < request.names.len() {
            self.subscribe(index, request, from..request.names.len(), resume);
        }
    }

    /// Tells offsets ahead of a subscribe.
    fn ahead<'t>(&mut self, offsets: impl Iterator<Item = (&'t str, Option<u64>)>) {
        let (mut part, mut bytes) = (Map::new(), 0);
        let mut offsets = offsets.peekable();
        while let Some((topic, offset)) = offsets.next() {
            bytes += topic.len() + TOPIC_BYTES;
            part.insert(topic.to_owned(), json!(offset));
            if bytes >= REQUEST_BYTES || offsets.peek().is_none() {
                let part = std::mem::take(&mut part);
                self.texts.push(json!({"op": "resume", "epoch": self.epoch, "offsets": part}).to_string());
                bytes = 0;
            }
        }
    }

    fn subscribe(&mut self, index: usize, request: &Request, names: Range<usize>, resume: Map<String, Value>) {
        let mut body = request.body.clone();
        body.insert("topics".to_owned(), json!(request.names.get(names.clone())));
        if !resume.is_empty() {
            body.insert("resume".to_owned(), Value::Object(resume));
        }
        self.texts.push(Value::Object(body).to_string());
        self.parts.push((index, names));
    }
}
