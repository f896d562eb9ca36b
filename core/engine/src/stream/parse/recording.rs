//! Line formats of recorded sessions: a line to the time of receipt and the message's bytes. Pure: who reads the file gives
//! the lines. O(length), nothing is allocated.
//!
//! - [`line`]: `<nanoseconds> <message>`, one message a line (raw files of Binance).
//! - [`cryptofeed`]: the text format of cryptofeed's recordings: messages `<seconds>: <message>`, answers to requests
//!   `<url> -> <seconds>: <message>`, messages sent `<url> <- <seconds>: <message>`, connections `<url> <-> <seconds>`, and a
//!   line `configuration: <settings>`.

use thiserror::Error;

use super::decimal::{decimal, nineteen_digits, uint};
use super::error::Excerpt;
use crate::types::UtcNanos;

/// A line that is not of the format.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RecordingError {
    /// No time where one belongs.
    #[error("the line begins with {begin}, expected {expected}; it was cut or is of another format")]
    NoTime {
        /// Beginning of the line.
        begin: Excerpt,
        /// What belongs there.
        expected: &'static str,
    },
    /// A time and nothing after it.
    #[error("the line of time {time} has no message; it was cut")]
    NoMessage {
        /// The time as written.
        time: Excerpt,
    },
}

/// A line of a cryptofeed recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded<'a> {
    /// A message that came in.
    Message {
        /// When.
        ts_init: UtcNanos,
        /// Its bytes.
        payload: &'a [u8],
    },
    /// The answer to a request.
    Answer {
        /// What was asked.
        url: &'a [u8],
        /// When the answer came.
        ts_init: UtcNanos,
        /// Its bytes.
        payload: &'a [u8],
    },
    /// A message that went out, the begin of a connection or the settings: nothing that a venue said.
    Ours,
    /// An empty line.
    Empty,
}

fn without_newline(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn split(line: &[u8], at: usize, skip: usize) -> (&[u8], &[u8]) {
    (line.get(..at).unwrap_or_default(), line.get(at + skip..).unwrap_or_default())
}

/// Time and message of a line `<nanoseconds> <message>`.
///
/// # Errors
/// [`RecordingError`].
#[inline]
pub fn line(line: &[u8]) -> Result<(UtcNanos, &[u8]), RecordingError> {
    let line = without_newline(line);
    if let Some((time, [b' ', payload @ ..])) = line.split_first_chunk::<19>()
        && let [b'{' | b'[', ..] = payload
        && let Some(nanos) = nineteen_digits(time).and_then(|nanos| i64::try_from(nanos).ok())
    {
        return Ok((UtcNanos(nanos), payload));
    }
    any_line(line)
}

/// A line in a form of the format that is not the usual one.
fn any_line(line: &[u8]) -> Result<(UtcNanos, &[u8]), RecordingError> {
    let space = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
    let (time, payload) = split(line, space, 1);
    let nanos = uint(time, "time").ok().and_then(|nanos| i64::try_from(nanos).ok());
    let expected = "whole nanoseconds and a space";
    let Some(nanos) = nanos else { return Err(RecordingError::NoTime { begin: Excerpt::new(line), expected }) };
    if payload.trim_ascii().is_empty() {
        return Err(RecordingError::NoMessage { time: Excerpt::new(time) });
    }
    Ok((UtcNanos(nanos), payload))
}

/// A line of a cryptofeed recording.
///
/// # Errors
/// [`RecordingError`].
pub fn cryptofeed(line: &[u8]) -> Result<Recorded<'_>, RecordingError> {
    let line = without_newline(line);
    if line.trim_ascii().is_empty() {
        return Ok(Recorded::Empty);
    }
    if line.first().is_some_and(u8::is_ascii_digit) {
        let (ts_init, payload) = timed(line)?;
        return Ok(Recorded::Message { ts_init, payload });
    }
    if line.starts_with(b"configuration: ") {
        return Ok(Recorded::Ours);
    }
    let expected = "seconds, or an address and an arrow";
    let no_time = RecordingError::NoTime { begin: Excerpt::new(line), expected };
    let space = line.iter().position(|byte| *byte == b' ').ok_or(no_time)?;
    let (url, rest) = split(line, space, 1);
    let address = url.windows(3).any(|window| window == b"://");
    match rest.strip_prefix(b"-> ") {
        Some(rest) if address => {
            let (ts_init, payload) = timed(rest)?;
            Ok(Recorded::Answer { url, ts_init, payload })
        }
        None if address && (rest.starts_with(b"<- ") || rest.starts_with(b"<-> ")) => Ok(Recorded::Ours),
        _ => Err(no_time),
    }
}

/// `<seconds with decimals>: <message>`. Seconds are written as a double prints itself: seven decimals, or fewer.
fn timed(text: &[u8]) -> Result<(UtcNanos, &[u8]), RecordingError> {
    let expected = "seconds and a colon";
    let no_time = RecordingError::NoTime { begin: Excerpt::new(text), expected };
    let colon = text.iter().position(|byte| *byte == b':').ok_or(no_time)?;
    let (time, payload) = split(text, colon, 1);
    let seconds = decimal(time, "time").ok().filter(|seconds| *seconds > 0);
    let nanos = seconds.and_then(|seconds| seconds.checked_mul(10)).ok_or(no_time)?;
    let payload = payload.trim_ascii_start();
    if payload.is_empty() {
        return Err(RecordingError::NoMessage { time: Excerpt::new(time) });
    }
    Ok((UtcNanos(nanos), payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lines_of_both_formats() {
        assert_eq!(
            line(b"1723161254087896568 {\"u\":1}\n"),
            Ok((UtcNanos(1_723_161_254_087_896_568), &b"{\"u\":1}"[..]))
        );
        assert_eq!(
            cryptofeed(b"1633998512.0633569: {}\r\n"),
            Ok(Recorded::Message { ts_init: UtcNanos(1_633_998_512_063_356_900), payload: b"{}" })
        );
        assert_eq!(
            cryptofeed(b"https://a/b?c=1&d=x:y -> 1633998512.5: {}"),
            Ok(Recorded::Answer {
                url: b"https://a/b?c=1&d=x:y",
                ts_init: UtcNanos(1_633_998_512_500_000_000),
                payload: b"{}"
            })
        );
        for ours in ["wss://a <- 1.5: {}", "wss://a <-> 1618677816.84", "configuration: {\"a\":[]}"] {
            assert_eq!(cryptofeed(ours.as_bytes()), Ok(Recorded::Ours));
        }
        assert_eq!(cryptofeed(b"\n"), Ok(Recorded::Empty));
    }

    #[test]
    fn names_what_is_wrong_with_a_line() {
        for text in ["", "x {}", "-5 {}", "12.5 {}", "99999999999999999999 {}", "{\"u\":1}"] {
            assert!(matches!(line(text.as_bytes()), Err(RecordingError::NoTime { .. })), "{text:?}");
        }
        for text in ["17", "17 ", "17 \n"] {
            assert!(matches!(line(text.as_bytes()), Err(RecordingError::NoMessage { .. })), "{text:?}");
        }
        for text in ["163399x: {}", "{}", "16339985", "https://a -> x: {}", "a -> 1.5: {}", "https://a {}", "0: {}"] {
            assert!(matches!(cryptofeed(text.as_bytes()), Err(RecordingError::NoTime { .. })), "{text:?}");
        }
        assert!(matches!(cryptofeed(b"1633998512.5: "), Err(RecordingError::NoMessage { .. })));
    }
}
