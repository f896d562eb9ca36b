//! The JSON messages of subprotocol `deepalpha.v1`.
//!
//! ```text
//! {"op":"subscribe","id":1,"topics":["fills.*"],"filter":{..},"resume":{"fills.A":{"epoch":E,"offset":7},
//!  "fills.*":{"epoch":E,"offset":null}}}   -> {"op":"subscribed","id":1,"epoch":E,"topics":[{"topic":..,"offset":newest,
//!                                              "class":..,"from":"live|resumed|snapshot"}],"waiting":["fills.*"]}
//! {"op":"resume","id":2,"epoch":E,"offsets":{"fills.A":7,"fills.B":null}}       -> {"op":"resuming","id":2,"topics":2}
//! {"op":"unsubscribe"|"publish"|"auth"|"ping", ..}                     -> unsubscribed | published | authenticated | pong
//! {"topic":"fills.A","offset":8,"data":..}     also with "snapshot":true (the last value) or "skipped":n (older values)
//! {"topic":"trades.A","gap":[3,9],"policy":"conflated"}
//! ```
//!
//! An offset of `resume` is that of the last message seen; `null` asks for the first one. Under a wildcard `null` counts
//! for those of its topics that are not named: a reader that was subscribed before names what it has seen, and the
//! others were made since. What one subscribe is too small for goes ahead of it as `resume`, in as many messages as it
//! takes; it counts for the next subscribe. What the log holds no more begins with a snapshot, and so does another epoch.
use std::collections::HashMap;
use std::fmt::Write as _;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::topic::text_frame;

/// The subprotocol's name.
pub(crate) const SUBPROTOCOL: &str = "deepalpha.v1";

/// What a client asks.
#[derive(Debug, Deserialize)]
pub(crate) struct ClientRequest<'a> {
    /// subscribe, resume, unsubscribe, publish, ping or auth.
    pub(crate) op: String,
    /// Echoed in the answer: a number or a string.
    #[serde(borrow)]
    pub(crate) id: Option<&'a RawValue>,
    /// Names and patterns.
    pub(crate) topics: Option<Vec<String>>,
    /// One topic: of a publish, or short for a list of one.
    pub(crate) topic: Option<String>,
    /// Where to go on, by topic; under a wildcard: where its topics begin that are not named themselves.
    pub(crate) resume: Option<HashMap<String, Resume>>,
    /// Of a resume: which run of the hub the offsets came from.
    pub(crate) epoch: Option<String>,
    /// Of a resume: the last offset seen, by topic.
    pub(crate) offsets: Option<HashMap<String, Option<u64>>>,
    /// What to leave out.
    pub(crate) filter: Option<Filter>,
    /// The payload of a publish.
    #[serde(borrow)]
    pub(crate) data: Option<&'a RawValue>,
    /// The token of an auth.
    pub(crate) token: Option<String>,
}

/// The last message a client has of a topic.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resume {
    /// Which run of the hub it came from.
    pub(crate) epoch: String,
    /// Its offset; `null` when none was seen yet.
    pub(crate) offset: Option<u64>,
}

/// Where a subscription goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GoOn {
    /// After this offset of the present run; `None`: with the first message.
    After(Option<u64>),
    /// The offsets are those of another run.
    OtherRun,
}

impl GoOn {
    /// What an offset of a run means to the hub of this `epoch`.
    pub(crate) fn of(run: &str, offset: Option<u64>, epoch: &str) -> Self {
        if run == epoch { Self::After(offset) } else { Self::OtherRun }
    }
}

/// What a subscription leaves out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    /// Only topics whose last segment is one of these.
    pub(crate) symbols: Option<Vec<String>>,
    /// At most one message of a topic in so many milliseconds (never for reliable topics), at most an hour.
    pub(crate) min_interval_ms: Option<u32>,
}

/// Most milliseconds of [`Filter::min_interval_ms`].
pub(crate) const MAX_INTERVAL_MS: u32 = 3_600_000;
/// Most symbols of a filter.
pub(crate) const MAX_SYMBOLS: usize = 1_024;

impl<'a> ClientRequest<'a> {
    /// Reads a message.
    ///
    /// # Errors
    /// The code and text of the error answer.
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, (&'static str, String)> {
        let request: Self = serde_json::from_slice(text)
            .map_err(|error| ("bad_request", format!("not a request of {SUBPROTOCOL}: {error}")))?;
        if let Some(id) = request.id {
            let fine = id.get().len() <= 64 && !id.get().starts_with(['{', '[']);
            if !fine {
                return Err(("bad_request", "id is not a number or string of at most 64 bytes".to_owned()));
            }
        }
        if let Some(filter) = &request.filter {
            if filter.symbols.as_ref().is_some_and(|symbols| symbols.len() > MAX_SYMBOLS) {
                return Err(("bad_request", format!("filter.symbols has more than {MAX_SYMBOLS} items")));
            }
            if filter.min_interval_ms.is_some_and(|interval| interval > MAX_INTERVAL_MS) {
                return Err(("bad_request", format!("filter.min_interval_ms is above {MAX_INTERVAL_MS}")));
            }
        }
        Ok(request)
    }

    /// The names of `topics`, or the one of `topic`.
    pub(crate) fn names(&self) -> Vec<&str> {
        match (&self.topics, &self.topic) {
            (Some(topics), _) => topics.iter().map(String::as_str).collect(),
            (None, Some(topic)) => vec![topic.as_str()],
            (None, None) => Vec::new(),
        }
    }
}

/// A JSON answer under construction: `{"op":"...","id":...` and so on.
#[derive(Debug)]
pub(crate) struct Answer(String);

impl Answer {
    pub(crate) fn new(op: &str, id: Option<&RawValue>) -> Self {
        let mut text = format!("{{\"op\":\"{op}\"");
        if let Some(id) = id {
            let _ = write!(text, ",\"id\":{}", id.get());
        }
        Self(text)
    }

    /// Adds a member whose value is JSON already.
    pub(crate) fn raw(mut self, name: &str, json: &str) -> Self {
        let _ = write!(self.0, ",\"{name}\":{json}");
        self
    }

    /// Adds a string member.
    pub(crate) fn text(self, name: &str, value: &str) -> Self {
        let json = quoted(value);
        self.raw(name, &json)
    }

    /// The frame.
    pub(crate) fn frame(mut self) -> Bytes {
        self.0.push('}');
        text_frame(self.0.as_bytes())
    }
}

/// A string as JSON.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The answer to a request that is refused.
pub(crate) fn error(id: Option<&RawValue>, code: &str, message: &str) -> Bytes {
    Answer::new("error", id).text("code", code).text("message", message).frame()
}
