//! Traits of a candle that many rules ask for, found once a bar: the pass over all patterns runs a rule only at
//! bars where its needs are met. A trait that depends on an average is given when it holds for any of the averages TA-Lib's look-backs
//! give (see `watch`), so it can only let too many rules run, never too few.

#![expect(clippy::indexing_slicing, reason = "bits are those of a block's bars, traits index an array of their count")]

use super::bounds::{Bounds, Sums};
use super::see::Relation;
use super::settings::{CandleSettings, Setting};
use super::watch::{BLOCK, Block, Watch};
use crate::ta::kit::simd::{Job, Wide, dispatch};

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
/// Words of a block.
pub(crate) const WORDS: usize = BLOCK / WORD;

/// Bits of a block's bars, the last word of the block before in front.
type Bits = [u64; WORDS + 1];

/// The candles of a block taken apart, each part in a row; the candle before the block in front.
struct Parts {
    open: [f64; BLOCK + 1],
    high: [f64; BLOCK + 1],
    low: [f64; BLOCK + 1],
    close: [f64; BLOCK + 1],
    body: [f64; BLOCK + 1],
    top: [f64; BLOCK + 1],
    bottom: [f64; BLOCK + 1],
    upper: [f64; BLOCK + 1],
    lower: [f64; BLOCK + 1],
}

impl Parts {
    const fn new() -> Self {
        let none = [0.0; BLOCK + 1];
        Self {
            open: none,
            high: none,
            low: none,
            close: none,
            body: none,
            top: none,
            bottom: none,
            upper: none,
            lower: none,
        }
    }

    /// Take the block's candles apart; `shadows` whether anything asks for those.
    #[inline(always)]
    fn fill(&mut self, block: &Block<'_>, shadows: bool) {
        let [opens, highs, lows, closes] = block.with_the_one_before();
        // The first bar of all has none before it.
        let from = usize::from(block.first == 0);
        let place = from..from + opens.len();
        self.open[place.clone()].copy_from_slice(opens);
        self.close[place.clone()].copy_from_slice(closes);
        let Self { open, high, low, close, body, top, bottom, upper, lower } = self;
        for ((body, open), close) in body.iter_mut().zip(&*open).zip(&*close) {
            *body = (close - open).abs();
        }
        for (((top, bottom), open), close) in top.iter_mut().zip(&mut *bottom).zip(&*open).zip(&*close) {
            *top = if close >= open { *close } else { *open };
            *bottom = if close >= open { *open } else { *close };
        }
        if shadows {
            high[place.clone()].copy_from_slice(highs);
            low[place].copy_from_slice(lows);
            for ((upper, high), top) in upper.iter_mut().zip(&*high).zip(&*top) {
                *upper = high - top;
            }
            for ((lower, bottom), low) in lower.iter_mut().zip(&*bottom).zip(&*low) {
                *lower = bottom - low;
            }
        }
    }
}

/// The traits of a block's bars, a bit each.
pub(crate) struct Traits {
    /// Those that are looked for, as bits.
    wanted: u64,
    parts: Parts,
    bits: [Bits; COUNT],
}

impl Traits {
    /// Look for what these rules need.
    pub(crate) fn wanted<'a>(needs: impl IntoIterator<Item = &'a Need>) -> Box<Self> {
        let bit = |which: Trait| 1_u64 << which as u32;
        let mut wanted = needs.into_iter().fold(0, |wanted, (_, which)| wanted | bit(*which));
        // Later ones are made of earlier ones.
        for (which, made_of) in DERIVED.iter().rev() {
            if wanted & bit(*which) != 0 {
                wanted |= made_of.iter().fold(0, |all, part| all | bit(*part));
            }
        }
        Box::new(Self { wanted, parts: Parts::new(), bits: [[0; WORDS + 1]; COUNT] })
    }

    #[inline(always)]
    fn wants(&self, which: Trait) -> bool {
        self.wanted & 1 << which as u32 != 0
    }

    /// Find the traits of the block that follows the last one.
    pub(crate) fn find(&mut self, block: &Block<'_>, watch: &Watch, settings: &CandleSettings) {
        dispatch(Find { traits: self, block, watch, settings });
    }

    #[inline(always)]
    fn find_all(&mut self, block: &Block<'_>, watch: &Watch, settings: &CandleSettings) {
        for bits in &mut self.bits {
            bits[0] = bits[WORDS];
        }
        self.parts.fill(block, self.wanted & BODY_ONLY != self.wanted);
        let mut sums: Option<Sums> = None;
        let mut size = Bounds::new();
        for (setting, traits) in SIZED {
            let asked = traits.iter().fold(0, |asked, (which, ..)| asked | 1 << *which as u32);
            if self.wanted & asked == 0 {
                continue;
            }
            let gauge = settings.gauge(*setting);
            // Settings that share sums stand side by side.
            let known = sums.take().filter(|sums| sums.are_of(gauge));
            let known = known.unwrap_or_else(|| Sums::of(gauge, block, watch));
            known.bounds(gauge, &mut size);
            sums = Some(known);
            for (which, part, relation) in *traits {
                if self.wants(*which) {
                    self.compare(*which, *part, *relation, &size);
                }
            }
        }
        let parts = &self.parts;
        let Parts { open, high, low, close, body, top, bottom, upper, lower } = parts;
        let white = |at: usize| close[at] >= open[at];
        for which in PLAIN {
            if self.wanted & 1 << *which as u32 == 0 {
                continue;
            }
            let bits = &mut self.bits[*which as usize];
            // `at` is the bar, `at - 1` the one before.
            match which {
                Trait::White => pack(bits, white),
                Trait::Turned => pack(bits, |at| white(at) != white(at - 1)),
                Trait::GapUp => pack(bits, |at| bottom[at] > top[at - 1]),
                Trait::GapDown => pack(bits, |at| top[at] < bottom[at - 1]),
                Trait::Inside => pack(bits, |at| (top[at] <= top[at - 1]) & (bottom[at] >= bottom[at - 1])),
                Trait::Covers => pack(bits, |at| (top[at] >= top[at - 1]) & (bottom[at] <= bottom[at - 1])),
                Trait::Narrower => pack(bits, |at| (high[at] < high[at - 1]) & (low[at] > low[at - 1])),
                Trait::Shifted => pack(bits, |at| {
                    ((high[at] > high[at - 1]) & (low[at] > low[at - 1]))
                        | ((high[at] < high[at - 1]) & (low[at] < low[at - 1]))
                }),
                Trait::Rises => pack(bits, |at| close[at] > close[at - 1]),
                _ => pack(bits, |at| (upper[at] > body[at]) & (lower[at] > body[at])),
            }
        }
        self.derive();
    }

    /// A part against a size.
    #[inline(always)]
    fn compare(&mut self, which: Trait, part: Part, relation: Relation, size: &Bounds) {
        let parts = &self.parts;
        let part = match part {
            Part::Body => &parts.body,
            Part::Upper => &parts.upper,
            Part::Lower => &parts.lower,
        };
        let (Bounds { least, largest }, bits) = (size, &mut self.bits[which as usize]);
        match relation {
            Relation::Below => pack(bits, |at| part[at] < largest[at - 1]),
            Relation::AtMost => pack(bits, |at| part[at] <= largest[at - 1]),
            Relation::Above => pack(bits, |at| part[at] > least[at - 1]),
            Relation::AtLeast => pack(bits, |at| part[at] >= least[at - 1]),
        }
    }

    /// What follows from other traits, a word at a time.
    fn derive(&mut self) {
        for word in 0..WORDS {
            for (which, made_of) in DERIVED {
                if !self.wants(*which) {
                    continue;
                }
                let now = |which: Trait| self.word(which, 0, word);
                let then = |which: Trait, ago: usize| self.word(which, ago, word);
                let bits = match which {
                    Trait::Black => !now(Trait::White),
                    Trait::Same => !now(Trait::Turned),
                    Trait::Gapped => now(Trait::GapUp) | now(Trait::GapDown),
                    Trait::BareOpen => {
                        now(Trait::White) & now(Trait::NoLower) | now(Trait::Black) & now(Trait::NoUpper)
                    }
                    Trait::BareClose => {
                        now(Trait::White) & now(Trait::NoUpper) | now(Trait::Black) & now(Trait::NoLower)
                    }
                    Trait::Sprung => now(Trait::Shifted) & then(Trait::Narrower, 1),
                    Trait::SprungTwice => now(Trait::Sprung) & then(Trait::Narrower, 2),
                    // Lately: here or up to three bars before.
                    _ => (0..=3).fold(0, |any, ago| any | then(made_of[0], ago)),
                };
                self.bits[*which as usize][1 + word] = bits;
            }
        }
    }

    /// Bars of a word whose candle so long ago has the trait.
    #[inline(always)]
    fn word(&self, which: Trait, ago: usize, word: usize) -> u64 {
        let bits = &self.bits[which as usize];
        // In two steps, because the second shift is by all bits for the bar itself.
        bits[word + 1] << ago | bits[word] >> (WORD - 1 - ago) >> 1
    }

    /// Bars of each word at which all of each rule's needs are met.
    pub(crate) fn meeting_each<'n>(&self, needs: impl Iterator<Item = &'n [Need]>, met: &mut [[u64; WORDS]]) {
        dispatch(Meet { traits: self, needs, met });
    }

    /// Bars of a word at which all needs are met.
    #[inline]
    pub(crate) fn meeting(&self, needs: &[Need], word: usize) -> u64 {
        needs.iter().fold(u64::MAX, |met, (ago, which)| met & self.word(*which, *ago, word))
    }
}

/// Finds a block's traits.
struct Find<'f, 'a> {
    traits: &'f mut Traits,
    block: &'f Block<'a>,
    watch: &'f Watch,
    settings: &'f CandleSettings,
}

impl Job for Find<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<W: Wide>(self) {
        self.traits.find_all(self.block, self.watch, self.settings);
    }
}

/// Finds where needs are met.
struct Meet<'m, N> {
    traits: &'m Traits,
    needs: N,
    met: &'m mut [[u64; WORDS]],
}

impl<'n, N: Iterator<Item = &'n [Need]>> Job for Meet<'_, N> {
    type Output = ();

    #[inline(always)]
    fn run<W: Wide>(self) {
        for (met, needs) in self.met.iter_mut().zip(self.needs) {
            *met = [u64::MAX; WORDS];
            for (ago, which) in needs {
                for (word, met) in met.iter_mut().enumerate() {
                    *met &= self.traits.word(*which, *ago, word);
                }
            }
        }
    }
}

/// A condition on the bars 1..=BLOCK, as bits. No branch in it, so that none is mispredicted.
#[inline(always)]
fn pack(bits: &mut Bits, held: impl Fn(usize) -> bool) {
    let mut flags = [0_u8; BLOCK];
    for (at, flag) in flags.iter_mut().enumerate() {
        *flag = u8::from(held(1 + at));
    }
    for (slot, bars) in bits[1..].iter_mut().zip(flags.as_chunks::<WORD>().0) {
        *slot = 0;
        for (place, eight) in bars.as_chunks::<8>().0.iter().enumerate() {
            *slot |= (u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56) << (8 * place);
        }
    }
}

/// Times eight bytes of 0 or 1: the uppermost byte has a bit for each.
const GATHER: u64 = 0x0102_0408_1020_4080;

/// The part of a candle that is compared with a size.
#[derive(Clone, Copy)]
enum Part {
    Body,
    Upper,
    Lower,
}

/// A trait that compares a part with a size.
type Compared = (Trait, Part, Relation);

/// The traits that compare with each setting's size; settings that share sums by default stand side by side.
#[rustfmt::skip]
const SIZED: &[(Setting, &[Compared])] = &[
    (Setting::BodyLong, &[(Trait::Long, Part::Body, Relation::Above)]),
    (Setting::BodyShort, &[
        (Trait::Short, Part::Body, Relation::AtMost),
        (Trait::NotShort, Part::Body, Relation::Above),
    ]),
    (Setting::BodyDoji, &[(Trait::Doji, Part::Body, Relation::AtMost)]),
    (Setting::ShadowVeryShort, &[
        (Trait::NoUpper, Part::Upper, Relation::Below),
        (Trait::NoLower, Part::Lower, Relation::Below),
        (Trait::HasUpper, Part::Upper, Relation::Above),
        (Trait::HasLower, Part::Lower, Relation::Above),
    ]),
    (Setting::ShadowLong, &[
        (Trait::LongUpper, Part::Upper, Relation::Above),
        (Trait::LongLower, Part::Lower, Relation::Above),
    ]),
    (Setting::ShadowVeryLong, &[
        (Trait::VeryLongUpper, Part::Upper, Relation::Above),
        (Trait::VeryLongLower, Part::Lower, Relation::Above),
    ]),
    (Setting::ShadowShort, &[
        (Trait::ShortUpper, Part::Upper, Relation::Below),
        (Trait::ShortLower, Part::Lower, Relation::Below),
    ]),
];

/// Traits that open and close are enough for.
const BODY_ONLY: u64 = {
    let traits = [Trait::White, Trait::Black, Trait::Turned, Trait::Same, Trait::Rises, Trait::Inside, Trait::Covers];
    let sized = [Trait::Long, Trait::Short, Trait::NotShort, Trait::Doji, Trait::GapUp, Trait::GapDown, Trait::Gapped];
    let (mut bits, mut at) = (0, 0);
    while at < traits.len() {
        bits |= 1 << traits[at] as u32 | 1 << sized[at] as u32;
        at += 1;
    }
    bits
};

/// Traits found in the prices alone.
const PLAIN: &[Trait] = &[
    Trait::White,
    Trait::Turned,
    Trait::GapUp,
    Trait::GapDown,
    Trait::Inside,
    Trait::Covers,
    Trait::Narrower,
    Trait::Shifted,
    Trait::Rises,
    Trait::SpinningShadows,
];

/// Traits made of others, which come before.
const DERIVED: &[(Trait, &[Trait])] = &[
    (Trait::Black, &[Trait::White]),
    (Trait::Same, &[Trait::Turned]),
    (Trait::Gapped, &[Trait::GapUp, Trait::GapDown]),
    (Trait::BareOpen, &[Trait::White, Trait::Black, Trait::NoUpper, Trait::NoLower]),
    (Trait::BareClose, &[Trait::White, Trait::Black, Trait::NoUpper, Trait::NoLower]),
    (Trait::Sprung, &[Trait::Shifted, Trait::Narrower]),
    (Trait::SprungTwice, &[Trait::Sprung, Trait::Narrower]),
    (Trait::SprungLately, &[Trait::Sprung]),
    (Trait::TwiceLately, &[Trait::SprungTwice]),
];
