//! Traits of a candle that many rules ask for, found once a bar: the pass over all patterns runs a rule only at
//! bars where its needs are met. A trait that depends on an average is given when it holds for any of the averages TA-Lib's look-backs
//! give (see `watch`), so it can only let too many rules run, never too few.

#![expect(clippy::indexing_slicing, reason = "bits are those of a block's bars, traits index an array of their count")]

use super::settings::{CandleSettings, Gauge, RangeType, Setting};
use super::watch::{BLOCK, Block, Watch};
use crate::ta::kit::float;

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
    /// A false break from the second of two ever narrower candles.
    SprungTwice,
    /// A false break here or up to three candles before.
    SprungLately,
    /// Such a second one here or up to three candles before.
    TwiceLately,
    /// Body above or below the body before.
    Gapped,
    /// Of the same colour as the one before.
    Same,
    /// Hardly any shadow on the side it opens.
    BareOpen,
    /// Hardly any shadow on the side it closes.
    BareClose,
}

/// Trait of the candle so many bars ago.
pub(crate) type Need = (usize, Trait);

/// How many there are.
const COUNT: usize = Trait::BareClose as usize + 1;
/// Bars in a word of bits.
pub(crate) const WORD: usize = 64;
const WORDS: usize = BLOCK / WORD;

/// Bits of a block's bars, the last word of the block before in front.
type Bits = [u64; WORDS + 1];

/// The settings that traits compare with.
const SIZED: [Setting; 7] = [
    Setting::BodyLong,
    Setting::BodyShort,
    Setting::BodyDoji,
    Setting::ShadowVeryShort,
    Setting::ShadowLong,
    Setting::ShadowVeryLong,
    Setting::ShadowShort,
];

/// The traits of a block's bars, a bit each.
pub(crate) struct Traits {
    bits: [Bits; COUNT],
}

/// Least and largest of what something measures at each bar of a block, whatever the look-back.
#[derive(Clone, Copy)]
struct Bounds {
    least: [f64; BLOCK],
    largest: [f64; BLOCK],
}

/// Stand for "no bound"; finite, so that a factor of 0 makes 0 of them.
const UNKNOWN: Bounds = Bounds { least: [f64::MIN; BLOCK], largest: [f64::MAX; BLOCK] };

/// More than rounding can move one sum against another within a block, as a share of the largest: two sums, [`BLOCK`]
/// additions, half a unit in the last place each, and as much again.
const DRIFT: f64 = BLOCK as f64 * 2.0 * f64::EPSILON;

impl Bounds {
    /// Of the averages over a gauge's period.
    fn of(gauge: Gauge, block: &Block<'_>, watch: &Watch) -> Self {
        let mut bounds = UNKNOWN;
        let Self { least, largest } = &mut bounds;
        let slots = least.iter_mut().zip(largest);
        if gauge.period == 0 {
            for (bar, (least, largest)) in (block.first..block.end).zip(slots) {
                *least = block.candle(bar).part(gauge.range);
                *largest = *least;
            }
            return bounds;
        }
        let columns = watch.columns(gauge.range, gauge.period);
        // First windows and misprints: no two sums need be alike.
        if !block.is_plain || columns.is_empty() {
            return bounds;
        }
        let one = columns.start;
        let ones = || (block.first..block.end).map(|bar| block.row(bar)[one]);
        let row = &block.row(block.first)[columns];
        let apart = row.iter().map(|sum| sum - row[0]);
        let (below, above) = apart.fold((0.0, 0.0), |(below, above): (f64, f64), by| (below.min(by), above.max(by)));
        let tallest = ones().fold(0.0, |tallest: f64, sum| tallest.max(sum.abs())) + above - below;
        let (below, above) = (below - DRIFT * tallest, above + DRIFT * tallest);
        let period = float(gauge.period);
        for (sum, (least, largest)) in ones().zip(slots) {
            *least = (sum + below) / period;
            *largest = (sum + above) / period;
        }
        bounds
    }

    /// Of a setting's size; `self` is of its gauge's average. In a rule's own steps, which keep the order of numbers.
    #[inline(always)]
    fn sized(&self, gauge: &Gauge, at: usize) -> (f64, f64) {
        let share = if gauge.range == RangeType::Shadows { 2.0 } else { 1.0 };
        (gauge.factor * self.least[at] / share, gauge.factor * self.largest[at] / share)
    }
}

impl Traits {
    pub(crate) const fn new() -> Self {
        Self { bits: [[0; WORDS + 1]; COUNT] }
    }

    /// Find the traits of the block that follows the last one.
    pub(crate) fn find(&mut self, block: &Block<'_>, watch: &Watch, settings: &CandleSettings) {
        let settings = SIZED.map(|setting| *settings.gauge(setting));
        let mut bounds = [&UNKNOWN; SIZED.len()];
        let mut known: Vec<(RangeType, usize, Bounds)> = Vec::with_capacity(SIZED.len());
        for gauge in settings {
            if !known.iter().any(|(range, period, _)| (*range, *period) == (gauge.range, gauge.period)) {
                known.push((gauge.range, gauge.period, Bounds::of(gauge, block, watch)));
            }
        }
        for (slot, gauge) in bounds.iter_mut().zip(settings) {
            let of = known.iter().find(|(range, period, _)| (*range, *period) == (gauge.range, gauge.period));
            *slot = of.map_or(&UNKNOWN, |(_, _, bounds)| bounds);
        }
        let size = |which: usize, at: usize| bounds[which].sized(&settings[which], at);
        self.turn();
        let start = if block.first == 0 { 0 } else { block.first - 1 };
        let mut before = block.candle(start);
        for (at, bar) in (block.first..block.end).enumerate() {
            let now = block.candle(bar);
            let (upper, lower) = (now.upper(), now.lower());
            let (higher, lower_high) = (now.high > before.high, now.high < before.high);
            let (higher_low, lower_low) = (now.low > before.low, now.low < before.low);
            let spinning = upper > now.body && lower > now.body;
            let turned = now.is_white() != before.is_white();
            let inside = now.top <= before.top && now.bottom >= before.bottom;
            let covers = now.top >= before.top && now.bottom <= before.bottom;
            let shifted = (higher && higher_low) || (lower_high && lower_low);
            let (long, short, doji) = (size(0, at), size(1, at), size(2, at));
            let (very_short, long_shadow) = (size(3, at), size(4, at));
            let (very_long_shadow, short_shadow) = (size(5, at), size(6, at));
            let mut set = |which: Trait, held: bool| {
                self.bits[which as usize][1 + at / WORD] |= u64::from(held) << (at % WORD);
            };
            set(Trait::White, now.is_white());
            set(Trait::Black, !now.is_white());
            set(Trait::Long, now.body > long.0);
            set(Trait::Short, now.body <= short.1);
            set(Trait::NotShort, now.body > short.0);
            set(Trait::Doji, now.body <= doji.1);
            set(Trait::NoUpper, upper < very_short.1);
            set(Trait::NoLower, lower < very_short.1);
            set(Trait::HasUpper, upper > very_short.0);
            set(Trait::HasLower, lower > very_short.0);
            set(Trait::LongUpper, upper > long_shadow.0);
            set(Trait::LongLower, lower > long_shadow.0);
            set(Trait::VeryLongUpper, upper > very_long_shadow.0);
            set(Trait::VeryLongLower, lower > very_long_shadow.0);
            set(Trait::ShortUpper, upper < short_shadow.1);
            set(Trait::ShortLower, lower < short_shadow.1);
            set(Trait::Turned, turned);
            set(Trait::GapUp, now.bottom > before.top);
            set(Trait::GapDown, now.top < before.bottom);
            set(Trait::Inside, inside);
            set(Trait::Covers, covers);
            set(Trait::Narrower, lower_high && higher_low);
            set(Trait::Shifted, shifted);
            set(Trait::Rises, now.close > before.close);
            set(Trait::SpinningShadows, spinning);
            before = now;
        }
        // What follows from other traits, a word at a time.
        for word in 0..WORDS {
            let lagged = |which: Trait, ago: usize| self.word(which, ago, word);
            let now = |which: Trait| lagged(which, 0);
            let sprung = now(Trait::Shifted) & lagged(Trait::Narrower, 1);
            let derived = [
                (Trait::Sprung, sprung),
                (Trait::SprungTwice, sprung & lagged(Trait::Narrower, 2)),
                (Trait::Gapped, now(Trait::GapUp) | now(Trait::GapDown)),
                (Trait::Same, !now(Trait::Turned)),
                (Trait::BareOpen, now(Trait::White) & now(Trait::NoLower) | now(Trait::Black) & now(Trait::NoUpper)),
                (Trait::BareClose, now(Trait::White) & now(Trait::NoUpper) | now(Trait::Black) & now(Trait::NoLower)),
            ];
            for (which, bits) in derived {
                self.bits[which as usize][1 + word] = bits;
            }
            for (event, lately) in [(Trait::Sprung, Trait::SprungLately), (Trait::SprungTwice, Trait::TwiceLately)] {
                let bits = [0, 1, 2, 3].map(|ago| self.word(event, ago, word));
                self.bits[lately as usize][1 + word] = bits[0] | bits[1] | bits[2] | bits[3];
            }
        }
    }

    /// Keep the last word, clear the others.
    fn turn(&mut self) {
        for bits in &mut self.bits {
            bits[0] = bits[WORDS];
            bits[1..].fill(0);
        }
    }

    /// Bars of a word whose candle so long ago has the trait.
    #[inline(always)]
    fn word(&self, which: Trait, ago: usize, word: usize) -> u64 {
        let bits = &self.bits[which as usize];
        if ago == 0 { bits[word + 1] } else { bits[word + 1] << ago | bits[word] >> (WORD - ago) }
    }

    /// Bars of a word at which all needs are met.
    #[inline]
    pub(crate) fn meeting(&self, needs: &[Need], word: usize) -> u64 {
        needs.iter().fold(u64::MAX, |met, (ago, which)| met & self.word(*which, *ago, word))
    }
}
