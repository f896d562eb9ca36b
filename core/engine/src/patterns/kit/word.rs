//! A rule at 64 bars at a time, as bits: no branch a bar, and most rules are over after a few words of bits.
//!
//! A condition on an average holds surely, perhaps or not at all (see [`tile`](super::tile)). What a rule leaves at "perhaps"
//! is decided by the exact rule.

use std::marker::PhantomData;
use std::ops::{BitAnd, BitOr};

use super::see::Relation;
use super::sight::Sight;
use super::term::{Expression, Price, Term, candle};
use super::tile::{Bits, Tile, packed};
use super::traits::Trait;
use super::trap::{Break, PATIENCE, taken_back};
use crate::ta::kit::simd::Wide;

impl Bits {
    const ALL: Self = Self { surely: u64::MAX, maybe: u64::MAX };
    const NONE: Self = Self { surely: 0, maybe: 0 };

    #[inline(always)]
    pub(crate) const fn exactly(bits: u64) -> Self {
        Self { surely: bits, maybe: bits }
    }

    #[inline(always)]
    const fn none_of(self) -> Self {
        Self { surely: !self.maybe, maybe: !self.surely }
    }
}

impl BitAnd for Bits {
    type Output = Self;
    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        Self { surely: self.surely & other.surely, maybe: self.maybe & other.maybe }
    }
}

impl BitOr for Bits {
    type Output = Self;
    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        Self { surely: self.surely | other.surely, maybe: self.maybe | other.maybe }
    }
}

/// Where a pattern shows in a word of bars, and how.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Marks {
    pub(crate) hit: Bits,
    /// Bearish where it shows.
    pub(crate) down: u64,
    /// 80 in place of 100.
    pub(crate) weak: u64,
    /// 200 in place of 100.
    pub(crate) double: u64,
}

impl Marks {
    /// Where the exact rule has to decide.
    #[inline(always)]
    pub(crate) const fn open(&self) -> u64 {
        self.hit.maybe & !self.hit.surely
    }

    /// Only these bars.
    #[inline(always)]
    pub(crate) fn only(mut self, bars: u64) -> Self {
        self.hit = self.hit & Bits::exactly(bars);
        self
    }

    /// Set what the exact rule found at a bar.
    #[cold]
    pub(crate) fn settle(&mut self, lane: usize, value: i32) {
        let bit = 1 << lane;
        let set = |bits: &mut u64, on: bool| *bits = if on { *bits | bit } else { *bits & !bit };
        set(&mut self.hit.surely, value != 0);
        set(&mut self.hit.maybe, value != 0);
        set(&mut self.down, value < 0);
        set(&mut self.weak, value.abs() == 80);
        set(&mut self.double, value.abs() == 200);
    }

    /// The value at one of the bars where it shows.
    #[inline(always)]
    pub(crate) fn value(&self, lane: usize) -> i16 {
        let is_set = |bits: u64| i16::from(bits >> lane & 1 == 1);
        let size = 100 - 20 * is_set(self.weak) + 100 * is_set(self.double);
        size - 2 * size * is_set(self.down)
    }
}

/// A word of a block's bars as a rule sees them, eight at a time.
pub(crate) struct Word<'t, W> {
    tile: &'t mut Tile,
    place: usize,
    penetration: f64,
    eight: PhantomData<W>,
}

impl<'t, W: Wide> Word<'t, W> {
    #[inline(always)]
    pub(crate) const fn new(tile: &'t mut Tile, place: usize, penetration: f64) -> Self {
        Self { tile, place, penetration, eight: PhantomData }
    }

    #[inline(always)]
    fn compare<X: Expression, Y: Expression>(&mut self, measured: X, relation: Relation, threshold: Y) -> Bits {
        if let (Some(one), Some(other)) = (measured.price(), threshold.price())
            && other.ago > one.ago
            && let Some(known) = Trait::of_prices(one.part, relation, other.part, other.ago - one.ago)
        {
            return self.tile.has(known, self.place, one.ago);
        }
        measured.prepare(self.tile);
        threshold.prepare(self.tile);
        let (measured, threshold) = (measured.over(self.tile, self.place), threshold.over(self.tile, self.place));
        // Which bounds are compared: a macro, because a closure would not be compiled for the level.
        macro_rules! held {
            ($measured:ident, $threshold:ident) => {
                packed!(at => relation.bits(X::$measured::<W>(&measured, at), Y::$threshold::<W>(&threshold, at)))
            };
        }
        if X::IS_EXACT && Y::IS_EXACT {
            return Bits::exactly(held!(least, least));
        }
        match relation {
            Relation::Below | Relation::AtMost => Bits { surely: held!(largest, least), maybe: held!(least, largest) },
            Relation::Above | Relation::AtLeast => Bits { surely: held!(least, largest), maybe: held!(largest, least) },
        }
    }
}

impl<W: Wide> Sight for Word<'_, W> {
    type Truth = Bits;
    type Sign = u64;
    type Value = Marks;

    #[inline(always)]
    fn penetration(&self) -> f64 {
        self.penetration
    }

    #[inline(always)]
    fn goes_on(&self, held: Bits) -> bool {
        held.maybe != 0
    }

    #[inline(always)]
    fn check<X: Expression, Y: Expression>(
        &mut self,
        _: usize,
        _: &'static str,
        measured: Term<X>,
        relation: Relation,
        threshold: Term<Y>,
    ) -> Bits {
        self.compare(measured.0, relation, threshold.0)
    }

    #[inline(always)]
    fn has(&mut self, which: Trait, ago: usize) -> Bits {
        // What is the contrary of another trait need not be found.
        match which {
            Trait::Black => self.tile.has(Trait::White, self.place, ago).none_of(),
            Trait::NotShort => self.tile.has(Trait::Short, self.place, ago).none_of(),
            _ => self.tile.has(which, self.place, ago),
        }
    }

    #[inline(always)]
    fn is<X: Expression, Y: Expression>(&mut self, measured: Term<X>, relation: Relation, threshold: Term<Y>) -> Bits {
        self.compare(measured.0, relation, threshold.0)
    }

    #[inline(always)]
    fn are_equal(&mut self, left: Term<Price>, right: Term<Price>) -> Bits {
        left.0.prepare(self.tile);
        right.0.prepare(self.tile);
        let (left, right) = (left.0.over(self.tile, self.place), right.0.over(self.tile, self.place));
        Bits::exactly(packed!(at => Price::least::<W>(&left, at).bits_equal(Price::least::<W>(&right, at))))
    }

    #[inline(always)]
    fn any_of<const N: usize>(&mut self, _: usize, _: &'static str, ways: [Bits; N]) -> Bits {
        ways.into_iter().fold(Bits::NONE, |any, way| any | way)
    }

    #[inline(always)]
    fn not_both(&mut self, _: usize, _: &'static str, [one, other]: [Bits; 2]) -> Bits {
        (one & other).none_of()
    }

    #[inline(always)]
    fn sign_if(&self, up: Bits) -> u64 {
        up.surely
    }

    #[inline(always)]
    fn sign(&mut self, ago: usize) -> u64 {
        self.tile.has(Trait::White, self.place, ago).surely
    }

    #[inline(always)]
    fn nowhere(&self) -> Bits {
        Bits::NONE
    }

    #[inline(always)]
    fn is_somewhere(&self, sign: u64) -> bool {
        sign != 0
    }

    #[inline(always)]
    fn where_signed(&self, held: Bits, sign: u64) -> Bits {
        held & Bits::exactly(sign)
    }

    #[inline(always)]
    fn bullish(&self, hit: Bits) -> Marks {
        Marks { hit, ..Marks::default() }
    }

    #[inline(always)]
    fn bearish(&self, hit: Bits) -> Marks {
        Marks { hit, down: u64::MAX, ..Marks::default() }
    }

    #[inline(always)]
    fn signed(&self, hit: Bits, sign: u64) -> Marks {
        Marks { hit, down: !sign, ..Marks::default() }
    }

    #[inline(always)]
    fn weaker(&self, hit: Bits, sign: u64, weak: Bits) -> Marks {
        Marks { hit, down: !sign, weak: weak.surely, double: 0 }
    }

    #[inline(always)]
    fn choose(&self, first: Bits, one: Marks, other: Marks) -> Marks {
        let mix = |one: u64, other: u64| one & first.surely | other & !first.surely;
        let hit = Bits { surely: mix(one.hit.surely, other.hit.surely), maybe: mix(one.hit.maybe, other.hit.maybe) };
        let (weak, double) = (mix(one.weak, other.weak), mix(one.double, other.double));
        Marks { hit, down: mix(one.down, other.down), weak, double }
    }

    #[inline(always)]
    fn trapped<B: Break>(&mut self) -> Marks {
        let mut marks = Marks::default();
        // Bars at which no later trap was sprung.
        let mut latest = Bits::ALL;
        for ago in 0..=PATIENCE {
            let high = |ago: usize| candle(ago).high;
            let sign = self.is(high(ago), Relation::Below, high(ago + 1)).surely;
            let sprung = B::sprung(self, ago, sign);
            let mut live = latest & sprung;
            latest = latest & sprung.none_of();
            if ago == 0 {
                (marks.hit, marks.down) = (live, !sign);
                continue;
            }
            for between in 1..ago {
                if live.maybe != 0 {
                    live = live & taken_back(self, between, ago, sign).none_of();
                }
            }
            if live.maybe != 0 {
                live = live & taken_back(self, 0, ago, sign);
            }
            marks.hit = marks.hit | live;
            marks.double |= live.surely;
            marks.down = marks.down & !live.surely | live.surely & !sign;
        }
        marks
    }
}
