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
    /// Closes above the high two bars before.
    AboveHigh2,
    /// Closes above the high three bars before.
    AboveHigh3,
    /// Closes above the high four bars before.
    AboveHigh4,
    /// Closes below the low two bars before.
    BelowLow2,
    /// Closes below the low three bars before.
    BelowLow3,
    /// Closes below the low four bars before.
    BelowLow4,
}

/// How many there are.
pub(crate) const TRAITS: usize = Trait::BelowLow4 as usize + 1;
const _: () = assert!(TRAITS <= 64, "those that are there are a u64");

/// What a part is measured against.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Against {
    /// A part of the same candle.
    Here(Part),
    /// A part of the candle so many bars before.
    Before(Part, usize),
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
            Self::GapUp => (Bottom, Above, Before(Top, 1), "body gaps up"),
            Self::GapDown => (Top, Below, Before(Bottom, 1), "body gaps down"),
            Self::Rises => (Close, Above, Before(Close, 1), "closes above the close before"),
            Self::Falls => (Close, Below, Before(Close, 1), "closes below the close before"),
            Self::OpensAbove => (Open, Above, Before(Open, 1), "opens above the open before"),
            Self::OpensBelow => (Open, Below, Before(Open, 1), "opens below the open before"),
            Self::HigherHigh => (High, Above, Before(High, 1), "high is above the high before"),
            Self::LowerHigh => (High, Below, Before(High, 1), "high is below the high before"),
            Self::HigherLow => (Low, Above, Before(Low, 1), "low is above the low before"),
            Self::LowerLow => (Low, Below, Before(Low, 1), "low is below the low before"),
            Self::AboveHigh2 => (Close, Above, Before(High, 2), "closes above the high two bars before"),
            Self::AboveHigh3 => (Close, Above, Before(High, 3), "closes above the high three bars before"),
            Self::AboveHigh4 => (Close, Above, Before(High, 4), "closes above the high four bars before"),
            Self::BelowLow2 => (Close, Below, Before(Low, 2), "closes below the low two bars before"),
            Self::BelowLow3 => (Close, Below, Before(Low, 3), "closes below the low three bars before"),
            Self::BelowLow4 => (Close, Below, Before(Low, 4), "closes below the low four bars before"),
        }
    }

    /// The comparison with a price so many bars before that is made so often that it has a name, if this is one.
    #[inline(always)]
    pub(crate) const fn of_prices(part: Part, relation: Relation, other: Part, before: usize) -> Option<Self> {
        match (part, relation, other, before) {
            (Part::Close, Relation::Above, Part::Close, 1) => Some(Self::Rises),
            (Part::Close, Relation::Below, Part::Close, 1) => Some(Self::Falls),
            (Part::Open, Relation::Above, Part::Open, 1) => Some(Self::OpensAbove),
            (Part::Open, Relation::Below, Part::Open, 1) => Some(Self::OpensBelow),
            (Part::High, Relation::Above, Part::High, 1) => Some(Self::HigherHigh),
            (Part::High, Relation::Below, Part::High, 1) => Some(Self::LowerHigh),
            (Part::Low, Relation::Above, Part::Low, 1) => Some(Self::HigherLow),
            (Part::Low, Relation::Below, Part::Low, 1) => Some(Self::LowerLow),
            (Part::Close, Relation::Above, Part::High, 2) => Some(Self::AboveHigh2),
            (Part::Close, Relation::Above, Part::High, 3) => Some(Self::AboveHigh3),
            (Part::Close, Relation::Above, Part::High, 4) => Some(Self::AboveHigh4),
            (Part::Close, Relation::Below, Part::Low, 2) => Some(Self::BelowLow2),
            (Part::Close, Relation::Below, Part::Low, 3) => Some(Self::BelowLow3),
            (Part::Close, Relation::Below, Part::Low, 4) => Some(Self::BelowLow4),
            _ => None,
        }
    }
}
