//! Lines between trader and venue: words with one space between.

use deepalpha_engine::types::Side;

/// The only instrument.
pub(crate) const SYMBOL: &str = "X";

pub(crate) fn side(word: &str) -> Side {
    if word == "buy" { Side::Buy } else { Side::Sell }
}

pub(crate) fn parse<T: std::str::FromStr>(word: Option<&str>) -> T {
    word.and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("a word of the wire is missing or damaged"))
}

/// Whole lines out of a stream that delivers any pieces.
#[derive(Default)]
pub(crate) struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<String> {
        self.rest.extend_from_slice(bytes);
        let mut lines = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            lines.push(String::from_utf8_lossy(&line).trim().to_owned());
        }
        lines
    }
}
