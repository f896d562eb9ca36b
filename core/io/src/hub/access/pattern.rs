//! What a role may name: topics and patterns that cover other patterns.
//!
//! The rules of names are the hub's ([`check_pattern`]): segments joined by dots; `*` stands for one segment and a last
//! `>` for one or more. A pattern covers another when it matches every topic which the other matches; permission to
//! subscribe to `trades.*` needs a pattern that covers it. Linear in the segments.

use std::fmt;

use thiserror::Error;

use super::super::pattern::check_pattern;

/// Most wildcards in one pattern.
pub const MAX_WILDCARDS: usize = 4;

/// Why a text is not a topic or pattern. Holds nothing of it: names may have megabytes.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PatternError {
    /// A rule of names is broken.
    #[error("{0}")]
    Name(&'static str),
    /// More wildcards than [`MAX_WILDCARDS`].
    #[error("a pattern has at most {MAX_WILDCARDS} wildcards")]
    TooManyWildcards,
    /// A pattern where one topic is needed.
    #[error("a single topic is needed here, not a pattern")]
    NotSingle,
}

/// A checked topic name or pattern.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPattern {
    text: String,
    wildcards: usize,
}

impl fmt::Debug for TopicPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, formatter)
    }
}

impl TopicPattern {
    /// Checks a text.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        check_pattern(text).map_err(PatternError::Name)?;
        let wildcards = text.split('.').filter(|segment| matches!(*segment, "*" | ">")).count();
        if wildcards > MAX_WILDCARDS {
            return Err(PatternError::TooManyWildcards);
        }
        Ok(Self { text: text.to_owned(), wildcards })
    }

    /// Checks that a text names one topic.
    pub fn parse_single(text: &str) -> Result<Self, PatternError> {
        let pattern = Self::parse(text)?;
        if pattern.is_single() { Ok(pattern) } else { Err(PatternError::NotSingle) }
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it has no wildcard.
    #[must_use]
    pub const fn is_single(&self) -> bool {
        self.wildcards == 0
    }

    /// Whether it matches every topic that `other` matches; for a single topic: whether it matches.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let mut wanted = other.text.split('.');
        for allowed in self.text.split('.') {
            match (allowed, wanted.next()) {
                (_, None) => return false,
                (">", Some(_)) => return true,
                (_, Some(">")) => return false,
                ("*", Some(_)) => {}
                (literal, Some(segment)) if literal == segment => {}
                _ => return false,
            }
        }
        wanted.next().is_none()
    }

    /// Whether some topic is matched by both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let (mut ours, mut theirs) = (self.text.split('.'), other.text.split('.'));
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return true,
                (None, Some(_)) | (Some(_), None) => return false,
                (Some(">"), Some(_)) | (Some(_), Some(">")) => return true,
                (Some("*"), Some(_)) | (Some(_), Some("*")) => {}
                (Some(first), Some(second)) if first == second => {}
                _ => return false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pattern(text: &str) -> TopicPattern {
        TopicPattern::parse(text).unwrap_or_else(|error| unreachable!("{text}: {error}"))
    }

    #[test]
    fn covers_what_it_matches_and_no_more() {
        let rows = [
            ("trades.*", "trades.BTCUSDT", true),
            ("trades.*", "trades.*", true),
            ("trades.*", "trades.>", false),
            ("trades.*", "trades", false),
            ("trades.*", "trades.a.b", false),
            ("trades.>", "trades.a.b", true),
            ("trades.>", "trades", false),
            ("trades.>", "trades.*.b", true),
            (">", "trades.>", true),
            ("*.BTCUSDT", "*.*", false),
            ("trades.BTCUSDT", "trades.*", false),
        ];
        for (allowed, wanted, expected) in rows {
            assert_eq!(pattern(allowed).covers(&pattern(wanted)), expected, "{allowed} {wanted}");
        }
    }

    #[test]
    fn refuses_names_beyond_the_limits() {
        let long = "a".repeat(1 << 20);
        for text in ["", "a..b", "a.", "a.>.b", "a*", "a b", "caf\u{e9}", "a\u{0}", long.as_str()] {
            assert!(matches!(TopicPattern::parse(text), Err(PatternError::Name(_))), "{}", text.len());
        }
        assert_eq!(TopicPattern::parse("*.*.*.*.*"), Err(PatternError::TooManyWildcards));
        assert_eq!(TopicPattern::parse_single("a.*"), Err(PatternError::NotSingle));
    }

    /// Every topic of up to three segments over two letters: small enough to ask each one.
    fn universe() -> Vec<String> {
        let mut topics: Vec<String> = vec!["a".into(), "b".into()];
        let mut last = topics.clone();
        for _ in 0..3 {
            last = last.iter().flat_map(|head| ["a", "b"].map(|tail| format!("{head}.{tail}"))).collect();
            topics.extend(last.clone());
        }
        topics
    }

    proptest! {
        #[test]
        fn covering_is_matching_every_topic(
            first in "[ab*](\\.[ab*]){0,2}(\\.>)?", second in "[ab*](\\.[ab*]){0,2}(\\.>)?",
        ) {
            let (first, second) = (pattern(&first), pattern(&second));
            let every = universe().iter().map(|topic| pattern(topic)).filter(|topic| second.covers(topic))
                .all(|topic| first.covers(&topic));
            // A union of literals may match what one wildcard matches only over a finite alphabet: `a` and `b` are all
            // letters here but one literal never equals both, so the two notions agree for single patterns.
            prop_assert_eq!(first.covers(&second), every);
            let any = universe().iter().map(|topic| pattern(topic))
                .any(|topic| first.covers(&topic) && second.covers(&topic));
            prop_assert_eq!(first.overlaps(&second), any);
        }

        #[test]
        fn any_text_parses_or_is_refused(text in ".{0,300}") {
            if let Ok(pattern) = TopicPattern::parse(&text) {
                prop_assert!(pattern.covers(&pattern));
            }
        }
    }
}
