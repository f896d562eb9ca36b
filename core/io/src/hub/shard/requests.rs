//! What the messages of `deepalpha.v1` ask, and the answers.
use std::sync::Arc;

use super::Shard;
use super::conn::{ConnId, Offered};
use super::subscriptions::{Began, Refused, passes};
use crate::hub::error::HubError;
use crate::hub::gate::{Session, Verdict};
use crate::hub::pattern::{check_pattern, is_wildcard};
use crate::hub::protocol::{Answer, ClientRequest, Filter, GoOn, error, quoted};
use crate::hub::shared::Shared;
use crate::hub::topic::Topic;

/// A refusal of one request.
type Refusal = (&'static str, String);

impl Shard {
    /// Answers one message of the protocol.
    pub(super) fn request(&mut self, id: ConnId, text: &[u8]) {
        let request = match ClientRequest::parse(text) {
            Ok(request) => request,
            Err((code, message)) => return self.enqueue(id, error(None, code, &message)),
        };
        let outcome = match request.op.as_str() {
            "subscribe" => self.op_subscribe(id, &request),
            "resume" => self.op_resume(id, &request),
            "unsubscribe" => self.op_unsubscribe(id, &request),
            "publish" => self.op_publish(id, &request),
            "auth" => self.op_auth(id, &request),
            "ping" => {
                self.enqueue(id, Answer::new("pong", request.id).frame());
                Ok(())
            }
            other => {
                let op: String = other.chars().take(32).collect();
                Err((
                    "bad_request",
                    format!("op {op:?} is none of subscribe, resume, unsubscribe, publish, auth, ping"),
                ))
            }
        };
        if let Err((code, message)) = outcome {
            self.enqueue(id, error(request.id, code, &message));
        }
    }

    /// Asks the connection's session; `Err` is the answer, or empty after the connection was closed.
    fn ask(&mut self, id: ConnId, ask: impl FnOnce(&mut dyn Session, u64) -> Verdict) -> Result<(), Option<Refusal>> {
        let now = self.shared.now();
        let verdict = match self.conns.get_mut(id) {
            None => return Err(None),
            Some(conn) => conn.session.as_mut().map_or(Verdict::Allow, |session| ask(session.as_mut(), now)),
        };
        match verdict {
            Verdict::Allow => Ok(()),
            Verdict::Deny { code, message } => Err(Some((code, message))),
            Verdict::Close { code, reason } => {
                self.close(id, code, reason);
                Err(None)
            }
        }
    }

    fn op_subscribe(&mut self, id: ConnId, request: &ClientRequest<'_>) -> Result<(), Refusal> {
        let names = request.names();
        if names.is_empty() {
            return Err(("bad_request", "subscribe names no topics".to_owned()));
        }
        let most = self.shared.config.max_subscriptions;
        if names.len() > most {
            return Err((
                "too_many_subscriptions",
                format!("{} topics are above max_subscriptions = {most}", names.len()),
            ));
        }
        let filter = request.filter.clone().unwrap_or_default();
        let offered = self.conns.get_mut(id).and_then(|conn| conn.offered.take());
        let starts = Starts { request, offered, shared: Arc::clone(&self.shared) };
        let mut done = Vec::new();
        let mut touched = Vec::new();
        let mut waiting = Vec::new();
        for name in names {
            let outcome = self.subscribe_name(id, name, &filter, &starts, &mut done, &mut touched, &mut waiting);
            match outcome {
                Ok(()) => {}
                Err(None) => return Ok(()),
                Err(Some((code, message))) => self.enqueue(id, error(request.id, code, &message)),
            }
        }
        // The answer first, then what the new cursors owe.
        let answer = Answer::new("subscribed", request.id).text("epoch", &self.shared.epoch);
        let answer = answer.raw("topics", &format!("[{}]", done.join(",")));
        let answer =
            if waiting.is_empty() { answer } else { answer.raw("waiting", &format!("[{}]", waiting.join(","))) };
        self.enqueue(id, answer.frame());
        for topic in touched {
            self.settle(topic);
        }
        self.pump(id);
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "the three lists are parts of one answer")]
    fn subscribe_name(
        &mut self,
        id: ConnId,
        name: &str,
        filter: &Filter,
        starts: &Starts<'_>,
        done: &mut Vec<String>,
        touched: &mut Vec<u32>,
        waiting: &mut Vec<String>,
    ) -> Result<(), Option<Refusal>> {
        check_pattern(name).map_err(|rule| {
            let shown: String = name.chars().take(64).collect();
            Some(("bad_topic", format!("topic {shown:?} is refused: {rule}")))
        })?;
        if is_wildcard(name) && starts.offset(name).is_some() {
            let message = format!("the resume offset of the wildcard {name} is not null; name its topics for theirs");
            return Err(Some(("bad_request", message)));
        }
        self.ask(id, |session, now| session.subscribe(name, now))?;
        let mut topics: Vec<Arc<Topic>> = self.shared.topics.get(name).into_iter().collect();
        if topics.is_empty() {
            // Waited for before it is looked up: a topic made in between is found by one of the two.
            self.want(id, name, filter).map_err(|refused| Some(self.explain(refused, name)))?;
            topics = self.shared.topics.matching(name);
            if is_wildcard(name) || topics.is_empty() {
                waiting.push(quoted(name));
            } else {
                self.unwant(id, name);
            }
        }
        for topic in topics {
            let allowed = self.conns.get(id).and_then(|conn| conn.session.as_ref());
            if !passes(filter, &topic.name) || !allowed.is_none_or(|session| session.receive(&topic.name)) {
                continue;
            }
            match self.subscribe(id, &topic, filter, starts.of(&topic, name)) {
                Ok((began, head)) => {
                    done.push(describe(&topic, &self.shared.epoch, began, head));
                    touched.push(topic.id);
                }
                Err(Refused::Gone) => return Err(None),
                Err(refused) => return Err(Some(self.explain(refused, &topic.name))),
            }
        }
        Ok(())
    }

    fn explain(&self, refused: Refused, name: &str) -> Refusal {
        match refused {
            Refused::Forged => (
                "bad_resume",
                format!("4401: the resume offset of {name} was never given out; subscribe without resume"),
            ),
            Refused::ThrottledReliable => {
                ("bad_filter", format!("{name} is reliable: min_interval_ms would lose messages; leave it out"))
            }
            Refused::TooMany => {
                let most = self.shared.config.max_subscriptions;
                ("too_many_subscriptions", format!("{name} would be above max_subscriptions = {most}"))
            }
            Refused::TooManyPatterns => {
                let most = self.shared.config.max_patterns;
                ("too_many_subscriptions", format!("{name} would be above max_patterns = {most}"))
            }
            Refused::Gone => ("closed", format!("the connection ended before {name} was subscribed")),
        }
    }

    /// Takes offsets for the next subscribe, which one message would be too short for.
    fn op_resume(&mut self, id: ConnId, request: &ClientRequest<'_>) -> Result<(), Refusal> {
        let (Some(epoch), Some(offsets)) = (&request.epoch, &request.offsets) else {
            return Err(("bad_request", "resume needs epoch and offsets".to_owned()));
        };
        let most = self.shared.config.max_subscriptions;
        let Some(conn) = self.conns.get_mut(id) else { return Ok(()) };
        let offered = &mut conn.offered.get_or_insert_default().by_topic;
        for (name, offset) in offsets {
            // A topic this run does not have begins when it is made.
            let Some(topic) = self.shared.topics.get(name) else { continue };
            if offered.len() >= most && !offered.contains_key(&topic.id) {
                conn.offered = None;
                return Err((
                    "too_many_subscriptions",
                    format!("{name} would be above max_subscriptions = {most} topics to resume; subscribe in parts"),
                ));
            }
            offered.insert(topic.id, GoOn::of(epoch, *offset, &self.shared.epoch));
        }
        // How many were told, not how many there are: who may not read a topic learns nothing of it.
        let told = offsets.len().to_string();
        self.enqueue(id, Answer::new("resuming", request.id).raw("topics", &told).frame());
        Ok(())
    }

    fn op_unsubscribe(&mut self, id: ConnId, request: &ClientRequest<'_>) -> Result<(), Refusal> {
        let mut done = Vec::new();
        for name in request.names() {
            let found = self.unwant(id, name);
            if self.unsubscribe_matching(id, name) > 0 || found {
                done.push(quoted(name));
            }
        }
        let answer = Answer::new("unsubscribed", request.id).raw("topics", &format!("[{}]", done.join(",")));
        self.enqueue(id, answer.frame());
        Ok(())
    }

    fn op_publish(&mut self, id: ConnId, request: &ClientRequest<'_>) -> Result<(), Refusal> {
        let (Some(name), Some(data)) = (&request.topic, request.data) else {
            return Err(("bad_request", "publish needs topic and data".to_owned()));
        };
        match self.ask(id, |session, now| session.publish(name, now)) {
            Ok(()) => {}
            Err(None) => return Ok(()),
            Err(Some(refusal)) => return Err(refusal),
        }
        let outcome = self.shared.topic(name).and_then(|topic| self.shared.publish(&topic, data.get().as_bytes()));
        let offset = outcome.map_err(|error| (publish_code(&error), error.to_string()))?;
        let answer = Answer::new("published", request.id).text("topic", name).raw("offset", &offset.to_string());
        self.enqueue(id, answer.frame());
        Ok(())
    }

    fn op_auth(&mut self, id: ConnId, request: &ClientRequest<'_>) -> Result<(), Refusal> {
        let Some(token) = &request.token else {
            return Err(("bad_request", "auth needs token".to_owned()));
        };
        match self.ask(id, |session, now| session.authenticate(token, now)) {
            Ok(()) => {}
            Err(None) => return Ok(()),
            Err(Some(refusal)) => return Err(refusal),
        }
        let now = self.shared.now();
        if let Some(conn) = self.conns.get_mut(id)
            && let Some(session) = conn.session.as_ref()
        {
            conn.check_at = session.next_check(now);
        }
        self.rearm(id);
        self.enqueue(id, Answer::new("authenticated", request.id).frame());
        Ok(())
    }
}

/// Where the topics of one subscribe go on.
struct Starts<'a> {
    request: &'a ClientRequest<'a>,
    offered: Option<Box<Offered>>,
    shared: Arc<Shared>,
}

impl Starts<'_> {
    /// The offset the request gives for a name itself.
    fn offset(&self, name: &str) -> Option<u64> {
        self.request.resume.as_ref()?.get(name)?.offset
    }

    /// Where a topic goes on that a name or wildcard stands for: its own offset, or where the wildcard's topics begin.
    fn of(&self, topic: &Topic, name: &str) -> Option<GoOn> {
        let named = |name: &str| {
            let resume = self.request.resume.as_ref()?.get(name)?;
            Some(GoOn::of(&resume.epoch, resume.offset, &self.shared.epoch))
        };
        let offered = || self.offered.as_ref()?.by_topic.get(&topic.id).copied();
        named(&topic.name).or_else(offered).or_else(|| named(name))
    }
}

const fn publish_code(error: &HubError) -> &'static str {
    match error {
        HubError::TopicName { .. } | HubError::TooManyTopics { .. } => "bad_topic",
        HubError::PayloadTooLarge { .. } | HubError::PayloadNotJson { .. } => "bad_payload",
        HubError::Overloaded { .. } => "overloaded",
        _ => "closed",
    }
}

/// One topic of a `subscribed` answer; `offset` is that of the newest message before the subscription.
fn describe(topic: &Arc<Topic>, epoch: &str, began: Began, head: u64) -> String {
    let offset = head.checked_sub(1).map_or_else(|| "null".to_owned(), |offset| offset.to_string());
    let from = match began {
        Began::Live => "live",
        Began::Resumed => "resumed",
        Began::Snapshot => "snapshot",
    };
    let (name, class) = (&topic.name, topic.class);
    format!(
        "{{\"topic\":\"{name}\",\"epoch\":\"{epoch}\",\"offset\":{offset},\"class\":\"{class}\",\"from\":\"{from}\"}}"
    )
}
