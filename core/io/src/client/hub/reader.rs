//! How far a reader of the hub is, by topic, across its connections.
//!
//! # Invariants
//! - Of each topic and run of the hub the reader passes on every offset once and in order, as a message or within a gap,
//!   from where its first subscription began. Connections may overlap: what came already is dropped, by its offset.
//! - Every new connection subscribes from there: topics it knows with their last offset, and names whose topics it does
//!   not know with `null`, which stands for their first message (they were made after the subscription).
//! - Another epoch in an answer is another run: every topic gets a gap of [`Policy::Restarted`], an empty one when
//!   nothing of the new run is missing; records of older connections are dropped from then on.
//! - At most `max_topics` topics; the records of further ones are left out, with one error record for each run.
//!
//! A record costs one look-up, O(1); a subscription O(topics log topics). Messages are bounded: offsets that do not fit
//! into a subscribe of [`REQUEST_BYTES`](super::requests::REQUEST_BYTES) go ahead of it in parts (`op` `resume`).

use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;

use serde::Deserialize;
use serde_json::json;

use super::super::config::Kind;
use super::head::{Head, Policy, gap_record};
use super::requests::{HubReaderError, Request, Writer};
use crate::hub::pattern::matches;

/// Connections remembered: the one in use, its successor and some that are ending.
const CONNECTIONS: usize = 8;

/// What a reader has dropped and added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReaderCounts {
    /// Records that had come before.
    pub duplicates: u64,
    /// Messages told as missing, those of [`Policy::Conflated`] not included.
    pub missed: u64,
    /// Runs of the hub after the first one.
    pub restarts: u64,
    /// Records of topics beyond the bound.
    pub untracked: u64,
}

/// How far a topic is.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The offset that comes next.
    next: u64,
    /// The run of the hub it counts in.
    run: u64,
    /// The last value before `next` is still to come, as a courtesy of the first subscription.
    courtesy: bool,
}

#[derive(Debug)]
struct Link {
    number: u32,
    /// What was subscribed on it, in the order of the answers.
    parts: Vec<(usize, Range<usize>)>,
    answered: usize,
    /// It is one of an older run.
    stale: bool,
}

/// An answer to a subscription, as far as it matters.
#[derive(Deserialize)]
struct Answer {
    epoch: String,
    topics: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    topic: String,
    offset: Option<u64>,
}

/// See the module.
#[derive(Debug)]
pub struct HubReader {
    requests: Vec<Request>,
    topics: HashMap<Box<str>, Place>,
    epoch: String,
    /// Runs of the hub seen; 0 before the first answer.
    run: u64,
    links: VecDeque<Link>,
    max_topics: usize,
    /// The run whose overflow was told.
    overflow_told: u64,
    counts: ReaderCounts,
}

impl HubReader {
    /// Reads subscriptions as a client would send them: `{"op":"subscribe","topics":[..],..}` without `resume`.
    ///
    /// # Errors
    /// A text that is none, a bound outside 1..=1,000,000.
    pub fn new(subscriptions: &[String], max_topics: usize) -> Result<Self, HubReaderError> {
        if !(1..=1_000_000).contains(&max_topics) {
            return Err(HubReaderError::MaxTopics(max_topics));
        }
        Ok(Self {
            requests: subscriptions.iter().map(|text| Request::of(text)).collect::<Result<_, _>>()?,
            topics: HashMap::new(),
            epoch: String::new(),
            run: 0,
            links: VecDeque::new(),
            max_topics,
            overflow_told: 0,
            counts: ReaderCounts::default(),
        })
    }

    /// What a payload is to the feed, for [`super::super::FeedSink::kind`].
    #[must_use]
    pub fn kind(payload: &[u8]) -> Kind {
        match Head::of(payload) {
            Head::Subscribed | Head::Resuming => Kind::Acknowledgement,
            _ => Kind::Data,
        }
    }

    /// Topics followed now.
    #[must_use]
    pub fn topics(&self) -> usize {
        self.topics.len()
    }

    /// What was dropped and added so far.
    #[must_use]
    pub const fn counts(&self) -> ReaderCounts {
        self.counts
    }

    /// The texts that subscribe on a new connection, for [`super::super::FeedSink::subscriptions`].
    pub fn subscriptions(&mut self, connection: u32) -> Vec<String> {
        let mut writer = Writer::new(&self.epoch);
        for (index, request) in self.requests.iter().enumerate() {
            writer.request(
                index,
                request,
                |topic| {
                    let place = self.topics.get(topic)?;
                    // Before the last value came, it is what comes next.
                    (place.run == self.run).then(|| place.next.checked_sub(1 + u64::from(place.courtesy)))
                },
                &|name| self.of_wildcard(name),
            );
        }
        let (texts, parts) = (writer.texts, writer.parts);
        if self.links.len() >= CONNECTIONS {
            self.links.pop_front();
        }
        self.links.push_back(Link { number: connection, parts, answered: 0, stale: false });
        texts
    }

    /// The topics of this run that a wildcard stands for, in their order.
    fn of_wildcard(&self, pattern: &str) -> Vec<&str> {
        let current = self.topics.iter().filter(|(topic, place)| place.run == self.run && matches(pattern, topic));
        let mut topics: Vec<&str> = current.map(|(topic, _)| &**topic).collect();
        topics.sort_unstable();
        topics
    }

    /// Takes a payload of a connection and passes on what it means: nothing, itself, or gaps and itself.
    pub fn read(&mut self, connection: u32, payload: &[u8], mut pass: impl FnMut(&[u8])) {
        let stale = self.links.iter().any(|link| link.number == connection && link.stale);
        match Head::of(payload) {
            Head::Message { .. } | Head::Gap { .. } | Head::Subscribed if stale => self.counts.duplicates += 1,
            Head::Message { topic, first, offset } => {
                let Some(place) = self.place(topic, first, &mut pass) else { return };
                if offset + u64::from(place.courtesy) < place.next {
                    self.counts.duplicates += 1;
                    return;
                }
                let missing = place.next..first;
                *place = Place { next: offset + 1, courtesy: false, ..*place };
                self.miss(topic, missing, Policy::Missed, &mut pass);
                pass(payload);
            }
            Head::Gap { topic, first, end, policy } => {
                let Some(place) = self.place(topic, first, &mut pass) else { return };
                if end <= place.next {
                    self.counts.duplicates += 1;
                    return;
                }
                let from = place.next;
                *place = Place { next: end, courtesy: false, ..*place };
                self.miss(topic, from..first, Policy::Missed, &mut pass);
                if first >= from {
                    pass(payload);
                } else {
                    pass(&gap_record(topic, from, end, policy));
                }
            }
            Head::Subscribed => match serde_json::from_slice(payload) {
                Ok(answer) => self.answered(connection, &answer, &mut pass),
                Err(_) => pass(payload),
            },
            Head::Resuming => {}
            Head::Other => pass(payload),
        }
    }

    /// The place of a topic a record came for. One that no answer listed was made after it: it begins with 0.
    fn place(&mut self, topic: &str, first: u64, pass: &mut dyn FnMut(&[u8])) -> Option<&mut Place> {
        let run = self.run;
        match self.topics.get(topic).map(|place| place.run) {
            Some(known) if known == run => {}
            Some(_) => {
                self.put(topic, 0, false, pass);
                self.miss(topic, 0..0, Policy::Restarted, pass);
            }
            None if !self.put(topic, if run == 0 { first } else { 0 }, false, pass) => {
                self.counts.untracked += 1;
                return None;
            }
            None => {}
        }
        self.topics.get_mut(topic)
    }

    /// Sets a topic's place in the present run; `false` when there is no room for it.
    fn put(&mut self, topic: &str, next: u64, courtesy: bool, pass: &mut dyn FnMut(&[u8])) -> bool {
        let place = Place { next, run: self.run, courtesy };
        if let Some(known) = self.topics.get_mut(topic) {
            *known = place;
            return true;
        }
        if self.topics.len() < self.max_topics {
            self.topics.insert(topic.into(), place);
            return true;
        }
        if self.overflow_told != self.run {
            self.overflow_told = self.run;
            let most = self.max_topics;
            let message = format!(
                "topic {topic} would be above max_topics = {most} of this reader, so it and further ones are left out; \
                 subscribe to fewer or raise max_topics"
            );
            pass(json!({"op": "error", "code": "too_many_topics", "message": message}).to_string().as_bytes());
        }
        false
    }

    /// Passes on a gap. Of a restart also an empty one: that alone says something.
    fn miss(&mut self, topic: &str, missing: Range<u64>, policy: Policy, pass: &mut dyn FnMut(&[u8])) {
        if missing.start < missing.end || policy == Policy::Restarted {
            self.counts.missed += missing.end.saturating_sub(missing.start);
            pass(&gap_record(topic, missing.start, missing.end.max(missing.start), policy));
        }
    }

    /// Takes an answer: which run it is, and where topics stand that are not followed yet.
    fn answered(&mut self, connection: u32, answer: &Answer, pass: &mut dyn FnMut(&[u8])) {
        if answer.epoch != self.epoch {
            let newer = self.links.iter().any(|link| link.number > connection && link.answered > 0);
            if newer {
                // A late answer of a hub that a newer connection has left behind.
                self.set_stale(|number| number == connection);
                return;
            }
            // Connections made since have yet to say which run they are of.
            self.set_stale(|number| number < connection);
            self.epoch.clone_from(&answer.epoch);
            self.counts.restarts += u64::from(self.run > 0);
            self.run += 1;
            for request in &mut self.requests {
                request.established.fill(false);
            }
        }
        let Some(link) = self.links.iter_mut().find(|link| link.number == connection) else { return };
        let Some((index, names)) = link.parts.get(link.answered).cloned() else { return };
        link.answered += 1;
        let was = self.requests.get(index).map(|request| request.established_names(&names)).unwrap_or_default();
        for Listed { topic, offset } in &answer.topics {
            self.listed(topic, offset.map_or(0, |offset| offset.saturating_add(1)), &was, pass);
        }
        if let Some(done) = self.requests.get_mut(index).and_then(|request| request.established.get_mut(names)) {
            done.fill(true);
        }
        if self.requests.iter().all(|request| request.established.iter().all(|done| *done)) {
            self.forget_older(pass);
        }
    }

    fn set_stale(&mut self, which: impl Fn(u32) -> bool) {
        for link in self.links.iter_mut().filter(|link| which(link.number)) {
            link.stale = true;
        }
    }

    /// A topic of an answer; `end` is the offset the hub gives out next, `was` the names answered before in this run.
    fn listed(&mut self, topic: &str, end: u64, was: &HashSet<String>, pass: &mut dyn FnMut(&[u8])) {
        let known = self.topics.get(topic).map(|place| place.run);
        if known == Some(self.run) {
            return;
        }
        if was.iter().any(|name| matches(name, topic)) {
            // Made while this reader was away: the hub goes on with its first message.
            if self.put(topic, 0, false, pass) && known.is_some() {
                self.miss(topic, 0..0, Policy::Restarted, pass);
            }
        } else if self.run <= 1 {
            self.put(topic, end, end > 0, pass);
        } else {
            // What another run said before this subscription is missing, up to the last value, which comes.
            let last = end.saturating_sub(1);
            if self.put(topic, last, false, pass) && (known.is_some() || last > 0) {
                self.miss(topic, 0..last, Policy::Restarted, pass);
            }
        }
    }

    /// Tells the restart to topics that this run of the hub does not have (yet). They are kept, so that the next run is
    /// told as well, unless they would fill the room of those that there are.
    fn forget_older(&mut self, pass: &mut dyn FnMut(&[u8])) {
        let run = self.run;
        let older = self.topics.iter().filter(|(_, place)| place.run != run);
        let mut older: Vec<Box<str>> = older.map(|(topic, _)| topic.clone()).collect();
        older.sort_unstable();
        for topic in older {
            self.miss(&topic, 0..0, Policy::Restarted, pass);
            if self.topics.len() > self.max_topics / 2 {
                self.topics.remove(&topic);
            } else {
                self.put(&topic, 0, false, pass);
            }
        }
    }
}
