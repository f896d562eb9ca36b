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
    ($(#[doc = $doc:literal] $kind:ident = $name:literal),+ $(,)?) => {
        /// A chart pattern.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Kind {
            $(#[doc = $doc] $kind),+
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

            /// What it is, in a sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$kind => $doc.trim_ascii()),+
                }
            }
        }
    };
}

kinds! {
    /// A head between two lower shoulders; points down once the neckline is broken.
    HeadAndShoulders = "head_and_shoulders",
    /// A deep low between two higher ones; points up once the neckline is broken.
    InverseHeadAndShoulders = "inverse_head_and_shoulders",
    /// Two equal tops; points down once the low between them is broken.
    DoubleTop = "double_top",
    /// Two equal bottoms; points up once the high between them is broken.
    DoubleBottom = "double_bottom",
    /// Three equal tops; points down once the lows between them are broken.
    TripleTop = "triple_top",
    /// Three equal bottoms; points up once the highs between them are broken.
    TripleBottom = "triple_bottom",
    /// A flat upper and a rising lower side; points where it breaks, more often up.
    AscendingTriangle = "ascending_triangle",
    /// A falling upper and a flat lower side; points where it breaks, more often down.
    DescendingTriangle = "descending_triangle",
    /// A falling upper and a rising lower side; points where it breaks.
    SymmetricalTriangle = "symmetrical_triangle",
    /// Both sides rise and converge; points down once the lower side is broken.
    RisingWedge = "rising_wedge",
    /// Both sides fall and converge; points up once the upper side is broken.
    FallingWedge = "falling_wedge",
    /// Both sides flat; points where it breaks.
    Rectangle = "rectangle",
    /// A steep rise, then a small channel that drifts back; points up once it breaks upwards.
    BullFlag = "bull_flag",
    /// A steep fall, then a small channel that drifts back; points down once it breaks downwards.
    BearFlag = "bear_flag",
    /// A steep rise, then a small triangle; points up once it breaks upwards.
    BullPennant = "bull_pennant",
    /// A steep fall, then a small triangle; points down once it breaks downwards.
    BearPennant = "bear_pennant",
    /// A round bottom between equal rims, then a small dip; points up once the rims are broken.
    CupAndHandle = "cup_and_handle",
    /// A round top between equal rims, then a small rise; points down once the rims are broken.
    InverseCupAndHandle = "inverse_cup_and_handle",
    /// Harmonic X-A-B-C-D with AB at 0.618 and D at 0.786 of XA; points away from D.
    Gartley = "gartley",
    /// Harmonic X-A-B-C-D with AB at 0.786 and D at 1.27 of XA; points away from D.
    Butterfly = "butterfly",
    /// Harmonic X-A-B-C-D with AB at 0.382 to 0.5 and D at 0.886 of XA; points away from D.
    Bat = "bat",
    /// Harmonic X-A-B-C-D with AB at 0.382 to 0.618 and D at 1.618 of XA; points away from D.
    Crab = "crab",
    /// Harmonic 0-X-A-B-C with B beyond X and C at 0.886 to 1.13 of 0X; points away from C.
    Shark = "shark",
    /// Harmonic X-A-B-C-D with C beyond A and D at 0.786 of XC; points away from D.
    Cypher = "cypher",
    /// Harmonic A-B-C-D with BC at 0.618 to 0.786 of AB and CD as long as AB; points away from D.
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
