//! Topic names and patterns: segments joined by dots; in a pattern `*` stands for one segment and a last `>` for one or
//! more.
//!
//! Two questions: does a pattern match a topic, and does it cover another pattern, that is, match every topic which the
//! other matches. Permission to subscribe to `trades.*` needs a pattern that covers it. Linear in the segments.

use std::fmt;

use thiserror::Error;

/// Bounds of names and patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameLimits {
    /// Bytes of a name or pattern.
    pub bytes: usize,
    /// Segments of a name or pattern.
    pub segments: usize,
    /// `*` and `>` in a pattern.
    pub wildcards: usize,
}

impl Default for NameLimits {
    fn default() -> Self {
        Self { bytes: 256, segments: 16, wildcards: 4 }
    }
}

/// Why a text is not a topic or pattern. Holds at most one character of it: names may have megabytes.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PatternError {
    /// Empty, or two dots beside each other, or a dot at an end.
    #[error("segment {number} of the topic is empty")]
    EmptySegment {
        /// Counted from one.
        number: usize,
    },
    /// Too long.
    #[error("the topic has {bytes} bytes, at most {limit} are allowed")]
    TooLong {
        /// Length.
        bytes: usize,
        /// Limit.
        limit: usize,
    },
    /// Too many segments.
    #[error("the topic has more than {limit} segments")]
    TooManySegments {
        /// Limit.
        limit: usize,
    },
    /// Too many wildcards.
    #[error("the topic has more than {limit} wildcards")]
    TooManyWildcards {
        /// Limit.
        limit: usize,
    },
    /// A character that no topic has.
    #[error("{character:?} cannot stand in a topic; letters, digits and -_:/@+$=! can")]
    Character {
        /// The character.
        character: char,
    },
    /// A wildcard beside other characters, or a `>` that is not last.
    #[error("* must be a whole segment, and > the whole last one")]
    Wildcard,
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
    /// Checks a text against the limits.
    pub fn parse(text: &str, limits: &NameLimits) -> Result<Self, PatternError> {
        if text.len() > limits.bytes {
            return Err(PatternError::TooLong { bytes: text.len(), limit: limits.bytes });
        }
        let mut wildcards = 0;
        let mut ended = false;
        for (index, segment) in text.split('.').enumerate() {
            if ended {
                return Err(PatternError::Wildcard);
            }
            if index >= limits.segments {
                return Err(PatternError::TooManySegments { limit: limits.segments });
            }
            match segment {
                "" => return Err(PatternError::EmptySegment { number: index + 1 }),
                "*" => wildcards += 1,
                ">" => {
                    wildcards += 1;
                    ended = true;
                }
                literal => check_literal(literal)?,
            }
        }
        if wildcards > limits.wildcards {
            return Err(PatternError::TooManyWildcards { limit: limits.wildcards });
        }
        Ok(Self { text: text.to_owned(), wildcards })
    }

    /// Checks that a text names one topic.
    pub fn parse_single(text: &str, limits: &NameLimits) -> Result<Self, PatternError> {
        let pattern = Self::parse(text, limits)?;
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
}

fn check_literal(segment: &str) -> Result<(), PatternError> {
    for character in segment.chars() {
        if matches!(character, '*' | '>') {
            return Err(PatternError::Wildcard);
        }
        if !(character.is_ascii_alphanumeric() || "-_:/@+$=!".contains(character)) {
            return Err(PatternError::Character { character });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pattern(text: &str) -> TopicPattern {
        TopicPattern::parse(text, &NameLimits::default()).unwrap_or_else(|error| unreachable!("{text}: {error}"))
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
        let limits = NameLimits { bytes: 20, segments: 3, wildcards: 1 };
        let rows = [
            ("", PatternError::EmptySegment { number: 1 }),
            ("a..b", PatternError::EmptySegment { number: 2 }),
            ("a.", PatternError::EmptySegment { number: 2 }),
            ("a.b.c.d", PatternError::TooManySegments { limit: 3 }),
            ("*.*", PatternError::TooManyWildcards { limit: 1 }),
            ("a.>.b", PatternError::Wildcard),
            ("a*", PatternError::Wildcard),
            ("a b", PatternError::Character { character: ' ' }),
            ("caf\u{e9}", PatternError::Character { character: '\u{e9}' }),
            ("a\u{0}", PatternError::Character { character: '\u{0}' }),
            ("aaaaaaaaaaaaaaaaaaaaa", PatternError::TooLong { bytes: 21, limit: 20 }),
        ];
        for (text, expected) in rows {
            assert_eq!(TopicPattern::parse(text, &limits).err(), Some(expected), "{text:?}");
        }
        assert_eq!(TopicPattern::parse_single("a.*", &limits), Err(PatternError::NotSingle));
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
        }

        #[test]
        fn any_text_parses_or_is_refused(text in ".{0,300}") {
            if let Ok(pattern) = TopicPattern::parse(&text, &NameLimits::default()) {
                prop_assert!(pattern.covers(&pattern));
            }
        }
    }
}
