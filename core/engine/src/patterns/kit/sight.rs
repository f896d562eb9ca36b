//! What a rule can ask, at one bar or at many: every pattern's rule is written once over [`Sight`].
//!
//! [`See`](super::see::See) answers for one bar and tells each condition to an eye, so that an explanation comes from the
//! rule itself; [`Word`](super::word::Word) answers for 64 bars as bits.

use std::ops::{BitAnd, BitOr, Not};

use super::see::Relation;
use super::settings::Setting;
use super::term::{Expression, Measures, Price, Size, Term, candle, size, size_then};
use super::traits::Trait;
use super::trap::Break;

/// Conditions that all have to hold; those behind one that cannot hold any more are not asked.
macro_rules! every {
    ($see:expr, $first:expr $(, $more:expr)* $(,)?) => {{
        'all: {
            let mut held = $first;
            $(
                if !$see.goes_on(held) {
                    break 'all held;
                }
                held = held & $more;
            )*
            held
        }
    }};
}
pub(crate) use every;

/// One condition for a bullish sign, another for a bearish one. At one bar only one of them is asked. A macro, because a
/// closure would not be compiled for the instruction set of the rule around it.
macro_rules! either {
    ($see:expr, $sign:expr, $up:expr, $down:expr $(,)?) => {{
        let sign = $sign;
        let mut held = $see.nowhere();
        if $see.is_somewhere(sign) {
            let up = $up;
            held = $see.where_signed(up, sign);
        }
        if $see.is_somewhere(!sign) {
            let down = $down;
            held = held | $see.where_signed(down, !sign);
        }
        held
    }};
}
pub(crate) use either;

/// One bar or many, as a rule sees them. Candle 0 is the newest, 1 the one before.
pub(crate) trait Sight {
    /// Whether something holds.
    type Truth: Copy + BitAnd<Output = Self::Truth> + BitOr<Output = Self::Truth>;
    /// Bullish or bearish; `!` is the other one.
    type Sign: Copy + Not<Output = Self::Sign>;
    /// What a rule answers.
    type Value;

    /// The pattern's parameter, where it has one.
    fn penetration(&self) -> f64;

    /// Whether a condition behind `held` can still matter.
    fn goes_on(&self, held: Self::Truth) -> bool;

    /// A condition on the candle `ago`.
    fn check<X: Expression, Y: Expression>(
        &mut self,
        ago: usize,
        what: &'static str,
        measured: Term<X>,
        relation: Relation,
        threshold: Term<Y>,
    ) -> Self::Truth;

    /// Whether the candle `ago` has a trait.
    fn has(&mut self, which: Trait, ago: usize) -> Self::Truth;

    /// A comparison nobody is told of.
    fn is<X: Expression, Y: Expression>(
        &mut self,
        measured: Term<X>,
        relation: Relation,
        threshold: Term<Y>,
    ) -> Self::Truth;

    /// Whether two prices are the same; nobody is told.
    fn are_equal(&mut self, left: Term<Price>, right: Term<Price>) -> Self::Truth;

    /// At least one way holds.
    fn any_of<const N: usize>(&mut self, ago: usize, what: &'static str, ways: [Self::Truth; N]) -> Self::Truth;

    /// At most one way holds.
    fn not_both(&mut self, ago: usize, what: &'static str, ways: [Self::Truth; 2]) -> Self::Truth;

    /// Bullish where `up` holds; of a comparison of prices.
    fn sign_if(&self, up: Self::Truth) -> Self::Sign;

    /// Bullish for a white candle, bearish for a black one.
    fn sign(&mut self, ago: usize) -> Self::Sign;

    /// What holds nowhere.
    fn nowhere(&self) -> Self::Truth;

    /// Whether any bar has the sign.
    fn is_somewhere(&self, sign: Self::Sign) -> bool;

    /// Where something holds and the bar has the sign.
    fn where_signed(&self, held: Self::Truth, sign: Self::Sign) -> Self::Truth;

    /// 100 where it shows.
    fn bullish(&self, hit: Self::Truth) -> Self::Value;

    /// -100 where it shows.
    fn bearish(&self, hit: Self::Truth) -> Self::Value;

    /// 100 or -100 where it shows.
    fn signed(&self, hit: Self::Truth, sign: Self::Sign) -> Self::Value;

    /// As [`Self::signed`], but 80 for 100 where it is `weak`, which compares prices.
    fn weaker(&self, hit: Self::Truth, sign: Self::Sign, weak: Self::Truth) -> Self::Value;

    /// The one value where `first` holds, which compares prices, else the other.
    fn choose(&self, first: Self::Truth, one: Self::Value, other: Self::Value) -> Self::Value;

    /// A false break here, or the close that confirms one of the last bars.
    fn trapped<B: Break>(&mut self) -> Self::Value;

    #[inline(always)]
    fn candle(&self, ago: usize) -> Measures {
        candle(ago)
    }

    /// A setting's size at the candle `ago`.
    #[inline(always)]
    fn size(&self, ago: usize, setting: Setting) -> Term<Size> {
        size(ago, setting)
    }

    /// A setting's size at the candle that was `ago` `earlier` bars earlier.
    #[inline(always)]
    fn size_then(&self, earlier: usize, ago: usize, setting: Setting) -> Term<Size> {
        size_then(earlier, ago, setting)
    }

    #[inline(always)]
    fn below<X: Expression, Y: Expression>(
        &mut self,
        ago: usize,
        what: &'static str,
        measured: Term<X>,
        threshold: Term<Y>,
    ) -> Self::Truth {
        self.check(ago, what, measured, Relation::Below, threshold)
    }

    #[inline(always)]
    fn at_most<X: Expression, Y: Expression>(
        &mut self,
        ago: usize,
        what: &'static str,
        measured: Term<X>,
        threshold: Term<Y>,
    ) -> Self::Truth {
        self.check(ago, what, measured, Relation::AtMost, threshold)
    }

    #[inline(always)]
    fn above<X: Expression, Y: Expression>(
        &mut self,
        ago: usize,
        what: &'static str,
        measured: Term<X>,
        threshold: Term<Y>,
    ) -> Self::Truth {
        self.check(ago, what, measured, Relation::Above, threshold)
    }

    #[inline(always)]
    fn at_least<X: Expression, Y: Expression>(
        &mut self,
        ago: usize,
        what: &'static str,
        measured: Term<X>,
        threshold: Term<Y>,
    ) -> Self::Truth {
        self.check(ago, what, measured, Relation::AtLeast, threshold)
    }

    /// Above for a bullish sign, below for a bearish one: rules that have a mirror image.
    #[inline(always)]
    fn beyond<X: Expression, Y: Expression>(
        &mut self,
        sign: Self::Sign,
        ago: usize,
        what: &'static str,
        measured: Term<X>,
        threshold: Term<Y>,
    ) -> Self::Truth {
        either!(self, sign, self.above(ago, what, measured, threshold), self.below(ago, what, measured, threshold),)
    }

    /// At most `width` away from `centre`.
    #[inline(always)]
    fn within<X: Expression, Y: Expression, Z: Expression>(
        &mut self,
        ago: usize,
        what: &'static str,
        measured: Term<X>,
        centre: Term<Y>,
        width: Term<Z>,
    ) -> Self::Truth {
        every!(
            self,
            self.at_most(ago, what, measured, centre + width),
            self.at_least(ago, what, measured, centre - width)
        )
    }

    /// White for a bullish sign, black for a bearish one.
    #[inline(always)]
    fn coloured(&mut self, sign: Self::Sign, ago: usize) -> Self::Truth {
        either!(self, sign, self.white(ago), self.black(ago))
    }

    #[inline(always)]
    fn white(&mut self, ago: usize) -> Self::Truth {
        self.has(Trait::White, ago)
    }

    #[inline(always)]
    fn black(&mut self, ago: usize) -> Self::Truth {
        self.has(Trait::Black, ago)
    }

    #[inline(always)]
    fn long(&mut self, ago: usize) -> Self::Truth {
        self.has(Trait::Long, ago)
    }

    #[inline(always)]
    fn short(&mut self, ago: usize) -> Self::Truth {
        self.has(Trait::Shorter, ago)
    }

    #[inline(always)]
    fn not_above_short(&mut self, ago: usize) -> Self::Truth {
        self.has(Trait::Short, ago)
    }

    #[inline(always)]
    fn not_short(&mut self, ago: usize) -> Self::Truth {
        self.has(Trait::NotShort, ago)
    }

    #[inline(always)]
    fn doji(&mut self, ago: usize) -> Self::Truth {
        self.has(Trait::Doji, ago)
    }

    #[inline(always)]
    fn upper_shadow_below(&mut self, ago: usize, setting: Setting) -> Self::Truth {
        let none = matches!(setting, Setting::ShadowVeryShort);
        self.has(if none { Trait::NoUpper } else { Trait::ShortUpper }, ago)
    }

    #[inline(always)]
    fn lower_shadow_below(&mut self, ago: usize, setting: Setting) -> Self::Truth {
        let none = matches!(setting, Setting::ShadowVeryShort);
        self.has(if none { Trait::NoLower } else { Trait::ShortLower }, ago)
    }

    #[inline(always)]
    fn upper_shadow_above(&mut self, ago: usize, setting: Setting) -> Self::Truth {
        let which = match setting {
            Setting::ShadowVeryShort => Trait::HasUpper,
            Setting::ShadowVeryLong => Trait::VeryLongUpper,
            _ => Trait::LongUpper,
        };
        self.has(which, ago)
    }

    #[inline(always)]
    fn lower_shadow_above(&mut self, ago: usize, setting: Setting) -> Self::Truth {
        let which = match setting {
            Setting::ShadowVeryShort => Trait::HasLower,
            Setting::ShadowVeryLong => Trait::VeryLongLower,
            _ => Trait::LongLower,
        };
        self.has(which, ago)
    }

    /// The body lies wholly above the body of an earlier candle.
    #[inline(always)]
    fn body_gap_up(&mut self, later: usize, earlier: usize) -> Self::Truth {
        if earlier == later + 1 {
            return self.has(Trait::GapUp, later);
        }
        self.above(later, "body gaps up", candle(later).bottom, candle(earlier).top)
    }

    /// The body lies wholly below the body of an earlier candle.
    #[inline(always)]
    fn body_gap_down(&mut self, later: usize, earlier: usize) -> Self::Truth {
        if earlier == later + 1 {
            return self.has(Trait::GapDown, later);
        }
        self.below(later, "body gaps down", candle(later).top, candle(earlier).bottom)
    }

    /// The body lies wholly above (bullish sign) or below (bearish) the body of an earlier candle.
    #[inline(always)]
    fn body_gap(&mut self, sign: Self::Sign, later: usize, earlier: usize) -> Self::Truth {
        either!(self, sign, self.body_gap_up(later, earlier), self.body_gap_down(later, earlier))
    }

    /// The whole candle, shadows included, lies above or below the one before it.
    #[inline(always)]
    fn candle_gap(&mut self, sign: Self::Sign, ago: usize) -> Self::Truth {
        let (new, old) = (candle(ago), candle(ago + 1));
        either!(
            self,
            sign,
            self.above(ago, "the whole candle gaps up", new.low, old.high),
            self.below(ago, "the whole candle gaps down", new.high, old.low),
        )
    }
}
