//! Names of the chart patterns.

use serde::{Deserialize, Serialize};

use super::params::ChartError;

/// Where a pattern points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// Prices are expected to rise.
    Bullish,
    /// Prices are expected to fall.
    Bearish,
}

impl Direction {
    /// Wire name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bullish => "bullish",
            Self::Bearish => "bearish",
        }
    }

    /// Upwards when `sign` is positive.
    pub(crate) fn of(sign: f64) -> Self {
        if sign > 0.0 { Self::Bullish } else { Self::Bearish }
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal),+ $(,)?) => {
        /// A chart pattern.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Kind {
            $($(#[$doc])* $kind),+
        }

        impl Kind {
            /// Every pattern.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// Wire name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name),+
                }
            }
        }
    };
}

kinds! {
    /// A head between two lower shoulders.
    HeadAndShoulders = "head_and_shoulders",
    /// The same upside down.
    InverseHeadAndShoulders = "inverse_head_and_shoulders",
    /// Two equal tops.
    DoubleTop = "double_top",
    /// Two equal bottoms.
    DoubleBottom = "double_bottom",
    /// Three equal tops.
    TripleTop = "triple_top",
    /// Three equal bottoms.
    TripleBottom = "triple_bottom",
    /// A flat upper and a rising lower side.
    AscendingTriangle = "ascending_triangle",
    /// A falling upper and a flat lower side.
    DescendingTriangle = "descending_triangle",
    /// A falling upper and a rising lower side.
    SymmetricalTriangle = "symmetrical_triangle",
    /// Both sides rise and converge.
    RisingWedge = "rising_wedge",
    /// Both sides fall and converge.
    FallingWedge = "falling_wedge",
    /// Both sides flat.
    Rectangle = "rectangle",
    /// A steep rise, then a small channel.
    BullFlag = "bull_flag",
    /// A steep fall, then a small channel.
    BearFlag = "bear_flag",
    /// A steep rise, then a small triangle.
    BullPennant = "bull_pennant",
    /// A steep fall, then a small triangle.
    BearPennant = "bear_pennant",
    /// A round bottom between equal rims, then a small dip.
    CupAndHandle = "cup_and_handle",
    /// The same upside down.
    InverseCupAndHandle = "inverse_cup_and_handle",
    /// Harmonic: D at 0.786 XA.
    Gartley = "gartley",
    /// Harmonic: D at 1.27 XA.
    Butterfly = "butterfly",
    /// Harmonic: D at 0.886 XA.
    Bat = "bat",
    /// Harmonic: D at 1.618 XA.
    Crab = "crab",
    /// Harmonic 0-X-A-B-C: C at 0.886 to 1.13 of 0X.
    Shark = "shark",
    /// Harmonic: D at 0.786 XC.
    Cypher = "cypher",
    /// Harmonic: CD as long as AB.
    Abcd = "abcd",
}

impl Kind {
    /// By name, in lower case.
    ///
    /// # Errors
    /// An unknown name, with the nearest known one.
    pub fn parse(name: &str) -> Result<Self, ChartError> {
        if let Some(kind) = Self::ALL.iter().find(|kind| kind.name() == name) {
            return Ok(*kind);
        }
        let nearest = Self::ALL.iter().min_by_key(|kind| distance(name, kind.name()));
        Err(ChartError::UnknownKind {
            name: name.chars().take(60).collect(),
            suggestion: nearest.map_or("", |kind| kind.name()),
            known: Self::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", "),
        })
    }
}

/// Levenshtein's distance, of the first 60 characters.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, letter) in left.chars().take(60).enumerate() {
        let mut diagonal = above;
        let mut before = above + 1;
        let mut next = vec![before];
        for (other, over) in right.iter().zip(row.iter().skip(1)) {
            let cost = usize::from(letter != *other);
            before = (diagonal + cost).min(over + 1).min(before + 1);
            diagonal = *over;
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_answered_with_the_nearest() {
        assert_eq!(Kind::parse("double_top"), Ok(Kind::DoubleTop));
        assert_eq!(distance("kitten", "sitting"), 3);
        let error = Kind::parse("gartly").err();
        assert!(matches!(error, Some(ChartError::UnknownKind { suggestion: "gartley", .. })), "{error:?}");
    }
}
