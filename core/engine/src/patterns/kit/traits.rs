//! Comparisons that many rules make: named, so that over a block of bars each is made once for all of them.

use super::see::Relation;
use super::settings::Setting;
use super::term::Part;

/// What a candle may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trait {
    White,
    Black,
    /// Body above body_long.
    Long,
    /// Body at most body_short.
    Short,
    /// Body below body_short.
    Shorter,
    /// Body above body_short.
    NotShort,
    /// Body at most body_doji.
    Doji,
    /// Upper shadow below shadow_very_short.
    NoUpper,
    /// Lower shadow below shadow_very_short.
    NoLower,
    /// Upper shadow above shadow_very_short.
    HasUpper,
    /// Lower shadow above shadow_very_short.
    HasLower,
    /// Upper shadow above shadow_long.
    LongUpper,
    /// Lower shadow above shadow_long.
    LongLower,
    /// Upper shadow above shadow_very_long.
    VeryLongUpper,
    /// Lower shadow above shadow_very_long.
    VeryLongLower,
    /// Upper shadow below shadow_short.
    ShortUpper,
    /// Lower shadow below shadow_short.
    ShortLower,
    /// Body above the body before.
    GapUp,
    /// Body below the body before.
    GapDown,
    /// Closes above the close before.
    Rises,
    /// Closes below the close before.
    Falls,
    /// Opens above the open before.
    OpensAbove,
    /// Opens below the open before.
    OpensBelow,
    /// High above the high before.
    HigherHigh,
    /// High below the high before.
    LowerHigh,
    /// Low above the low before.
    HigherLow,
    /// Low below the low before.
    LowerLow,
}

/// How many there are.
pub(crate) const TRAITS: usize = Trait::LowerLow as usize + 1;
const _: () = assert!(TRAITS <= 64, "those that are there are a u64");

/// What a part is measured against.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Against {
    /// A part of the same candle.
    Here(Part),
    /// A part of the candle before.
    Before(Part),
    /// A setting's size.
    Size(Setting),
}

impl Trait {
    /// The comparison, and how it is told.
    #[inline(always)]
    pub(crate) const fn comparison(self) -> (Part, Relation, Against, &'static str) {
        use Against::{Before, Here, Size};
        use Part::{Body, Bottom, Close, High, Low, Lower, Open, Top, Upper};
        use Relation::{Above, AtLeast, AtMost, Below};
        use Setting::{BodyDoji, BodyLong, BodyShort, ShadowLong, ShadowShort, ShadowVeryLong, ShadowVeryShort};
        match self {
            Self::White => (Close, AtLeast, Here(Open), "white: closes at or above its open"),
            Self::Black => (Close, Below, Here(Open), "black: closes below its open"),
            Self::Long => (Body, Above, Size(BodyLong), "long body (body_long)"),
            Self::Short => (Body, AtMost, Size(BodyShort), "short body (body_short)"),
            Self::Shorter => (Body, Below, Size(BodyShort), "short body (body_short)"),
            Self::NotShort => (Body, Above, Size(BodyShort), "body longer than short (body_short)"),
            Self::Doji => (Body, AtMost, Size(BodyDoji), "doji: hardly any body (body_doji)"),
            Self::NoUpper => (Upper, Below, Size(ShadowVeryShort), "hardly any upper shadow (shadow_very_short)"),
            Self::NoLower => (Lower, Below, Size(ShadowVeryShort), "hardly any lower shadow (shadow_very_short)"),
            Self::HasUpper => (Upper, Above, Size(ShadowVeryShort), "has an upper shadow (shadow_very_short)"),
            Self::HasLower => (Lower, Above, Size(ShadowVeryShort), "has a lower shadow (shadow_very_short)"),
            Self::LongUpper => (Upper, Above, Size(ShadowLong), "long upper shadow (shadow_long)"),
            Self::LongLower => (Lower, Above, Size(ShadowLong), "long lower shadow (shadow_long)"),
            Self::VeryLongUpper => (Upper, Above, Size(ShadowVeryLong), "very long upper shadow (shadow_very_long)"),
            Self::VeryLongLower => (Lower, Above, Size(ShadowVeryLong), "very long lower shadow (shadow_very_long)"),
            Self::ShortUpper => (Upper, Below, Size(ShadowShort), "upper shadow is short (shadow_short)"),
            Self::ShortLower => (Lower, Below, Size(ShadowShort), "lower shadow is short (shadow_short)"),
            Self::GapUp => (Bottom, Above, Before(Top), "body gaps up"),
            Self::GapDown => (Top, Below, Before(Bottom), "body gaps down"),
            Self::Rises => (Close, Above, Before(Close), "closes above the close before"),
            Self::Falls => (Close, Below, Before(Close), "closes below the close before"),
            Self::OpensAbove => (Open, Above, Before(Open), "opens above the open before"),
            Self::OpensBelow => (Open, Below, Before(Open), "opens below the open before"),
            Self::HigherHigh => (High, Above, Before(High), "high is above the high before"),
            Self::LowerHigh => (High, Below, Before(High), "high is below the high before"),
            Self::HigherLow => (Low, Above, Before(Low), "low is above the low before"),
            Self::LowerLow => (Low, Below, Before(Low), "low is below the low before"),
        }
    }

    /// The price comparison that is made so often that it has a name, if this is one.
    #[inline(always)]
    pub(crate) const fn of_prices(part: Part, relation: Relation, before: Part) -> Option<Self> {
        match (part, relation, before) {
            (Part::Close, Relation::Above, Part::Close) => Some(Self::Rises),
            (Part::Close, Relation::Below, Part::Close) => Some(Self::Falls),
            (Part::Open, Relation::Above, Part::Open) => Some(Self::OpensAbove),
            (Part::Open, Relation::Below, Part::Open) => Some(Self::OpensBelow),
            (Part::High, Relation::Above, Part::High) => Some(Self::HigherHigh),
            (Part::High, Relation::Below, Part::High) => Some(Self::LowerHigh),
            (Part::Low, Relation::Above, Part::Low) => Some(Self::HigherLow),
            (Part::Low, Relation::Below, Part::Low) => Some(Self::LowerLow),
            _ => None,
        }
    }
}
