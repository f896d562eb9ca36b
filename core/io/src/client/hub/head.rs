//! A record's topic and offsets.
//!
//! The hub writes its records with their keys in a fixed order and names of topics without escapes, so that a look at
//! known places is enough: O(length of the head), whatever the data's length. Anything else is [`Head::Other`].

use std::fmt::Write as _;

/// Why messages did not reach a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The reader was slow, and the hub left them out.
    Conflated,
    /// The reader was not connected until the hub held them no more, or had no room for them.
    Missed,
    /// The hub was started anew: its offsets begin at 0 again. What the run before said at its end is not known.
    Restarted,
}

impl Policy {
    /// The policy's name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conflated => "conflated",
            Self::Missed => "missed",
            Self::Restarted => "restarted",
        }
    }
}

/// The beginning of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head<'a> {
    /// `{"topic":T,"offset":n,..,"data":..}`.
    Message {
        /// Name of the topic.
        topic: &'a str,
        /// First offset it stands for: lower than `offset` when older values were left out.
        first: u64,
        /// Its own offset.
        offset: u64,
    },
    /// `{"topic":T,"gap":[first,last],"policy":P}`.
    Gap {
        /// Name of the topic.
        topic: &'a str,
        /// First offset of the gap.
        first: u64,
        /// The offset after the last one; equal to `first` when nothing of this run is missing.
        end: u64,
        /// Why.
        policy: Policy,
    },
    /// The answer to a subscription.
    Subscribed,
    /// The answer to offsets that were told ahead of a subscription.
    Resuming,
    /// Anything else.
    Other,
}

impl<'a> Head<'a> {
    /// Reads it.
    #[must_use]
    pub fn of(payload: &'a [u8]) -> Self {
        if let Some(rest) = payload.strip_prefix(b"{\"topic\":\"") {
            return record(rest).unwrap_or(Self::Other);
        }
        match payload.strip_prefix(b"{\"op\":\"") {
            Some(op) if op.starts_with(b"subscribed\"") => Self::Subscribed,
            Some(op) if op.starts_with(b"resuming\"") => Self::Resuming,
            _ => Self::Other,
        }
    }
}

/// What follows `{"topic":"`.
fn record(rest: &[u8]) -> Option<Head<'_>> {
    let end = rest.iter().position(|byte| *byte == b'"')?;
    let (topic, rest) = rest.split_at_checked(end)?;
    let topic = std::str::from_utf8(topic).ok()?;
    if let Some(rest) = rest.strip_prefix(b"\",\"offset\":") {
        let (offset, rest) = number(rest)?;
        let (skipped, rest) = match rest.strip_prefix(b",\"skipped\":") {
            Some(rest) => number(rest)?,
            None => (0, rest.strip_prefix(b",\"snapshot\":true").unwrap_or(rest)),
        };
        let whole = rest.starts_with(b",\"data\":") && offset < u64::MAX;
        return whole.then_some(Head::Message { topic, first: offset.saturating_sub(skipped), offset });
    }
    let (first, rest) = number(rest.strip_prefix(b"\",\"gap\":[")?)?;
    let rest = rest.strip_prefix(b",")?;
    let (end, rest) = match rest.strip_prefix(b"-1") {
        Some(rest) => (0, rest),
        None => number(rest).and_then(|(last, rest)| Some((last.checked_add(1)?, rest)))?,
    };
    let name = rest.strip_prefix(b"],\"policy\":\"")?.strip_suffix(b"\"}")?;
    let known = [Policy::Conflated, Policy::Missed, Policy::Restarted];
    let policy = known.into_iter().find(|policy| policy.name().as_bytes() == name)?;
    (first <= end).then_some(Head::Gap { topic, first, end, policy })
}

/// A decimal number at the beginning, and what follows it.
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit())?;
    let (digits, rest) = text.split_at_checked(end)?;
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, rest))
}

/// The record of a gap `first..end`; an empty one has a last offset before its first.
#[must_use]
pub fn gap_record(topic: &str, first: u64, end: u64, policy: Policy) -> Vec<u8> {
    let mut text = format!("{{\"topic\":\"{topic}\",\"gap\":[{first},");
    // Writing to a String cannot fail.
    let _ = match end.checked_sub(1) {
        Some(last) => write!(text, "{last}"),
        None => write!(text, "-1"),
    };
    let _ = write!(text, "],\"policy\":\"{}\"}}", policy.name());
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::{Head, Policy, gap_record};

    #[test]
    fn the_places_of_each_record_are_read_and_anything_else_is_left_alone() {
        let message = |topic, first, offset| Head::Message { topic, first, offset };
        for (text, expected) in [
            (r#"{"topic":"a.b","offset":7,"data":{"offset":9}}"#, message("a.b", 7, 7)),
            (r#"{"topic":"a","offset":0,"snapshot":true,"data":1}"#, message("a", 0, 0)),
            (r#"{"topic":"a","offset":9,"skipped":4,"data":1}"#, message("a", 5, 9)),
            (r#"{"op":"subscribed","id":1}"#, Head::Subscribed),
            (r#"{"op":"resuming","id":1}"#, Head::Resuming),
            (r#"{"op":"error"}"#, Head::Other),
            (r#"{"topic":"a","offset":18446744073709551616,"data":1}"#, Head::Other),
            (r#"{"topic":"a","offset":18446744073709551615,"data":1}"#, Head::Other),
            (r#"{"topic":"a","offset":-1,"data":1}"#, Head::Other),
            (r#"{"topic":"a","offset":1"#, Head::Other),
            (r#"{"topic":"a"#, Head::Other),
            (r#"{"topic":"a","gap":[3,1],"policy":"missed"}"#, Head::Other),
            (r#"{"topic":"a","gap":[3,4],"policy":"new"}"#, Head::Other),
            ("", Head::Other),
        ] {
            assert_eq!(Head::of(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_gap_that_was_written_is_read_back() {
        for policy in [Policy::Conflated, Policy::Missed, Policy::Restarted] {
            for (first, end) in [(0, 0), (0, 1), (5, 9), (7, 7), (3, u64::MAX)] {
                let text = gap_record("t.x", first, end, policy);
                assert_eq!(Head::of(&text), Head::Gap { topic: "t.x", first, end, policy });
            }
        }
    }
}
