//! Topic names and wildcards: segments between dots; `*` stands for one segment, a last `>` for one or more.
//!
//! Matching walks both once: O(length).

/// Longest topic name or pattern, bytes.
pub const MAX_NAME: usize = 255;
/// Most segments of a name or pattern.
pub const MAX_SEGMENTS: usize = 16;

/// Is this a topic name: 1..=[`MAX_NAME`] bytes, at most [`MAX_SEGMENTS`] segments of `A-Z a-z 0-9 _ - / : @`?
///
/// # Errors
/// The rule that is broken.
pub fn check_name(name: &str) -> Result<(), &'static str> {
    check(name, false)
}

/// Is this a topic name or a pattern?
///
/// # Errors
/// The rule that is broken.
pub fn check_pattern(pattern: &str) -> Result<(), &'static str> {
    check(pattern, true)
}

fn check(name: &str, wildcards: bool) -> Result<(), &'static str> {
    if name.is_empty() || name.len() > MAX_NAME {
        return Err("a name has 1 to 255 bytes");
    }
    let mut segments = name.split('.').peekable();
    let mut count = 0;
    while let Some(segment) = segments.next() {
        count += 1;
        if count > MAX_SEGMENTS {
            return Err("a name has at most 16 segments");
        }
        match segment {
            "" => return Err("a segment is empty"),
            "*" if wildcards => {}
            ">" if wildcards && segments.peek().is_none() => {}
            ">" if wildcards => return Err("> stands only at the end"),
            _ => {
                let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"_-/:@".contains(&byte);
                if !segment.bytes().all(fine) {
                    return Err("a segment holds letters, digits and _ - / : @ only");
                }
            }
        }
    }
    Ok(())
}

/// Has this accepted pattern a wildcard?
#[must_use]
pub fn is_wildcard(pattern: &str) -> bool {
    pattern.split('.').any(|segment| segment == "*" || segment == ">")
}

/// Does the pattern stand for this topic?
#[must_use]
pub fn matches(pattern: &str, topic: &str) -> bool {
    let mut names = topic.split('.');
    for wanted in pattern.split('.') {
        match (wanted, names.next()) {
            (_, None) => return false,
            (">", Some(_)) => return true,
            ("*", Some(_)) => {}
            (wanted, Some(name)) if wanted == name => {}
            _ => return false,
        }
    }
    names.next().is_none()
}

/// The last segment, what a `symbols` filter looks at.
#[must_use]
pub fn last_segment(topic: &str) -> &str {
    topic.rsplit('.').next().unwrap_or(topic)
}

#[cfg(test)]
mod tests {
    use super::{check_name, check_pattern, matches};

    #[test]
    fn a_star_is_one_segment_and_the_rest_sign_one_or_more() {
        for (pattern, topic, expected) in [
            ("trades.BTCUSDT", "trades.BTCUSDT", true),
            ("trades.*", "trades.BTCUSDT", true),
            ("trades.*", "trades", false),
            ("trades.*", "trades.BTCUSDT.1m", false),
            ("*.BTCUSDT", "trades.BTCUSDT", true),
            ("trades.>", "trades", false),
            ("trades.>", "trades.BTCUSDT.1m", true),
            (">", "trades", true),
            ("trades", "trades.BTCUSDT", false),
            ("bars.*.1m", "bars.BTCUSDT.1m", true),
            ("bars.*.1m", "bars.BTCUSDT.1h", false),
        ] {
            assert_eq!(matches(pattern, topic), expected, "{pattern} against {topic}");
        }
    }

    #[test]
    fn names_and_patterns_keep_their_rules() {
        assert!(check_name("trades.BTC-USDT:PERP").is_ok());
        let long = "a".repeat(256);
        let deep = "a.".repeat(16) + "a";
        for bad in ["", ".", "a..b", "a.", "a b", "a.*", ">", "a\u{e9}", "a\"b", long.as_str(), deep.as_str()] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
        assert!(check_pattern("a.*.b.>").is_ok());
        for bad in ["a.>.b", "a.b*", "**", ""] {
            assert!(check_pattern(bad).is_err(), "{bad:?}");
        }
    }
}
