//! Traits of a candle that many rules ask for, found once a bar: the pass over all patterns runs only the rules whose
//! needs are met. A trait that depends on an average is given when it holds for any of the averages TA-Lib's look-backs
//! give (see `watch`), so it can only let too many rules run, never too few.

use super::candle::Candle;
use super::settings::{CandleSettings, Gauge, RangeType, Setting};
use super::watch::Watch;

/// What a candle may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trait {
    White,
    Black,
    /// Body above body_long.
    Long,
    /// Body at most body_short.
    Short,
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
    /// Upper shadow below shadow_short.
    ShortUpper,
    /// Lower shadow below shadow_short.
    ShortLower,
    /// Lower shadow above shadow_very_long.
    VeryLongLower,
    /// Upper shadow above shadow_very_long.
    VeryLongUpper,
    /// Of the other colour than the one before.
    Turned,
    /// Body above the body before.
    GapUp,
    /// Body below the body before.
    GapDown,
    /// Body within the body before, ends included.
    Inside,
    /// Body over the whole body before, ends included.
    Covers,
    /// Lower high and higher low than the candle before.
    Narrower,
    /// High and low both higher, or both lower.
    Shifted,
    /// Closes above the close before.
    Rises,
    /// Both shadows longer than the body.
    SpinningShadows,
    /// High and low shifted from a narrower candle: a false break.
    Sprung,
    /// A false break here or up to three candles before.
    SprungLately,
}

/// Trait of the candle so many bars ago.
pub(crate) type Need = (usize, Trait);

/// How many bits.
pub(crate) const BITS: usize = Trait::SprungLately as usize + 1;

/// Sizes that hold for every look-back, at one candle.
struct Sizes<'a> {
    watch: &'a Watch,
    settings: &'a CandleSettings,
}

impl Sizes<'_> {
    /// Least and largest size of a setting.
    #[inline]
    fn of(&self, setting: Setting) -> (f64, f64) {
        let &Gauge { range, period, factor } = self.settings.gauge(setting);
        let (low, high) = self.watch.bounds(range, period);
        let share = if range == RangeType::Shadows { 2.0 } else { 1.0 };
        (factor * low / share, factor * high / share)
    }
}

/// The newest candle's traits as bits; `earlier` has those of the candles before, newest first.
#[inline]
pub(crate) fn traits(watch: &Watch, settings: &CandleSettings, earlier: &[u32]) -> u32 {
    let (now, before): (&Candle, &Candle) = (watch.candle(0), watch.candle(1));
    let sizes = Sizes { watch, settings };
    let (upper, lower) = (now.upper(), now.lower());
    let (long, _) = sizes.of(Setting::BodyLong);
    let (short_least, short) = sizes.of(Setting::BodyShort);
    let (_, doji) = sizes.of(Setting::BodyDoji);
    let (very_short_least, very_short) = sizes.of(Setting::ShadowVeryShort);
    let (long_shadow, _) = sizes.of(Setting::ShadowLong);
    let (very_long_shadow, _) = sizes.of(Setting::ShadowVeryLong);
    let (_, short_shadow) = sizes.of(Setting::ShadowShort);
    let bit = |which: Trait, held: bool| u32::from(held) << which as u32;
    let (higher, lower_high) = (now.high > before.high, now.high < before.high);
    let (higher_low, lower_low) = (now.low > before.low, now.low < before.low);
    let shifted = (higher && higher_low) || (lower_high && lower_low);
    let sprung = shifted && earlier.first().is_some_and(|before| before & bit(Trait::Narrower, true) != 0);
    let was_sprung = earlier.iter().take(3).any(|traits| traits & bit(Trait::Sprung, true) != 0);
    bit(Trait::White, now.is_white())
        | bit(Trait::Black, !now.is_white())
        | bit(Trait::Long, now.body > long)
        | bit(Trait::Short, now.body <= short)
        | bit(Trait::NotShort, now.body > short_least)
        | bit(Trait::Doji, now.body <= doji)
        | bit(Trait::NoUpper, upper < very_short)
        | bit(Trait::NoLower, lower < very_short)
        | bit(Trait::HasUpper, upper > very_short_least)
        | bit(Trait::HasLower, lower > very_short_least)
        | bit(Trait::LongUpper, upper > long_shadow)
        | bit(Trait::LongLower, lower > long_shadow)
        | bit(Trait::ShortUpper, upper < short_shadow)
        | bit(Trait::ShortLower, lower < short_shadow)
        | bit(Trait::VeryLongUpper, upper > very_long_shadow)
        | bit(Trait::VeryLongLower, lower > very_long_shadow)
        | bit(Trait::Turned, now.is_white() != before.is_white())
        | bit(Trait::GapUp, now.bottom > before.top)
        | bit(Trait::GapDown, now.top < before.bottom)
        | bit(Trait::Inside, now.top <= before.top && now.bottom >= before.bottom)
        | bit(Trait::Covers, now.top >= before.top && now.bottom <= before.bottom)
        | bit(Trait::Narrower, lower_high && higher_low)
        | bit(Trait::Shifted, shifted)
        | bit(Trait::SpinningShadows, upper > now.body && lower > now.body)
        | bit(Trait::Sprung, sprung)
        | bit(Trait::SprungLately, sprung || was_sprung)
        | bit(Trait::Rises, now.close > before.close)
}
