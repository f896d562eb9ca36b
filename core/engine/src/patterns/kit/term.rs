//! What a rule measures, written as a formula over the candles: `first.close - first.body * 0.3`.
//!
//! A formula is read at one bar or over [`WORD`](super::tile::WORD) bars at a time, with the same operations in the same
//! order. Sizes are known over many bars only between two bounds; every operation here keeps to the order of its operands,
//! rounding included, so the bounds of a formula hold its value too.

use std::ops::{Add, Mul, Sub};

use super::settings::Setting;
use super::tile::{Tile, WORD, lanes_at};
use crate::ta::kit::simd::{Number, Wide};

/// A price of a candle, or a distance within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Open,
    High,
    Low,
    Close,
    /// Distance of open and close.
    Body,
    /// Upper end of the body.
    Top,
    /// Lower end of the body.
    Bottom,
    /// From the body up to the high.
    Upper,
    /// From the low up to the body.
    Lower,
}

/// How many there are.
pub(crate) const PARTS: usize = Part::Lower as usize + 1;

/// Where a formula is read at one bar.
pub(crate) trait Scene {
    /// A part of the candle so long ago.
    fn part(&self, part: Part, ago: usize) -> f64;
    /// A setting's size.
    fn size(&self, size: Size) -> f64;
}

/// A formula.
pub(crate) trait Expression: Copy {
    /// The formula with its rows at hand.
    type Over<'t>: Copy;
    /// Whether both bounds are the value.
    const IS_EXACT: bool;
    /// At one bar.
    fn value(self, scene: &impl Scene) -> f64;
    /// The plain price it is, if it is one.
    #[inline(always)]
    fn price(self) -> Option<Price> {
        None
    }
    /// See to it that the rows are there.
    fn prepare(self, tile: &mut Tile);
    /// Over the bars of a word of a block.
    fn over(self, tile: &Tile, word: usize) -> Self::Over<'_>;
    /// At most the values at eight bars of the word.
    fn least<W: Wide>(over: &Self::Over<'_>, at: usize) -> W;
    /// At least the values at eight bars of the word.
    fn largest<W: Wide>(over: &Self::Over<'_>, at: usize) -> W;
}

/// A formula that can be reckoned with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Term<X>(pub(crate) X);

/// A part of a candle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Price {
    pub(crate) part: Part,
    pub(crate) ago: usize,
}

/// A setting's size at the candle that was `ago` `earlier` bars earlier.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) setting: Setting,
    pub(crate) ago: usize,
    pub(crate) earlier: usize,
}

/// The sums a size is made of over a word of bars.
#[derive(Clone, Copy)]
pub(crate) struct Sums<'t> {
    pub(crate) estimates: &'t [f64; WORD],
    /// How far TA-Lib's sum is from the estimate at most.
    pub(crate) error: f64,
    /// Size of a sum of one.
    pub(crate) share: f64,
}

/// A sum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plus<X, Y>(X, Y);

/// A difference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Minus<X, Y>(X, Y);

/// A share that is not negative.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times<X>(X, f64);

/// The larger of two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Larger<X, Y>(X, Y);

/// Without the sign; of something exact.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Magnitude<X>(X);

impl Expression for Price {
    type Over<'t> = &'t [f64; WORD];
    const IS_EXACT: bool = true;

    #[inline(always)]
    fn value(self, scene: &impl Scene) -> f64 {
        scene.part(self.part, self.ago)
    }

    #[inline(always)]
    fn price(self) -> Option<Price> {
        Some(self)
    }

    #[inline(always)]
    fn prepare(self, tile: &mut Tile) {
        tile.need_part(self.part);
    }

    #[inline(always)]
    fn over(self, tile: &Tile, word: usize) -> &[f64; WORD] {
        tile.part(self.part, word, self.ago)
    }

    #[inline(always)]
    fn least<W: Wide>(over: &Self::Over<'_>, at: usize) -> W {
        lanes_at(*over, at)
    }

    #[inline(always)]
    fn largest<W: Wide>(over: &Self::Over<'_>, at: usize) -> W {
        lanes_at(*over, at)
    }
}

impl Expression for Size {
    type Over<'t> = Sums<'t>;
    const IS_EXACT: bool = false;

    #[inline(always)]
    fn value(self, scene: &impl Scene) -> f64 {
        scene.size(self)
    }

    #[inline(always)]
    fn prepare(self, tile: &mut Tile) {
        tile.need_sums(self.setting);
    }

    #[inline(always)]
    fn over(self, tile: &Tile, word: usize) -> Sums<'_> {
        tile.sums(self.setting, word, self.earlier + self.ago)
    }

    #[inline(always)]
    fn least<W: Wide>(over: &Self::Over<'_>, at: usize) -> W {
        (lanes_at::<W>(over.estimates, at) - W::splat(over.error)) * W::splat(over.share)
    }

    #[inline(always)]
    fn largest<W: Wide>(over: &Self::Over<'_>, at: usize) -> W {
        (lanes_at::<W>(over.estimates, at) + W::splat(over.error)) * W::splat(over.share)
    }
}

/// A formula of two: its operation, and which bounds of the second operand go with the least and the largest of the first.
macro_rules! of_two {
    ($name:ident, $operation:path, $with_least:ident, $with_largest:ident) => {
        impl<X: Expression, Y: Expression> Expression for $name<X, Y> {
            type Over<'t> = (X::Over<'t>, Y::Over<'t>);
            const IS_EXACT: bool = X::IS_EXACT && Y::IS_EXACT;

            #[inline(always)]
            fn value(self, scene: &impl Scene) -> f64 {
                $operation(self.0.value(scene), self.1.value(scene))
            }

            #[inline(always)]
            fn prepare(self, tile: &mut Tile) {
                self.0.prepare(tile);
                self.1.prepare(tile);
            }

            #[inline(always)]
            fn over(self, tile: &Tile, word: usize) -> Self::Over<'_> {
                (self.0.over(tile, word), self.1.over(tile, word))
            }

            #[inline(always)]
            fn least<W: Wide>((left, right): &Self::Over<'_>, at: usize) -> W {
                $operation(X::least::<W>(left, at), Y::$with_least::<W>(right, at))
            }

            #[inline(always)]
            fn largest<W: Wide>((left, right): &Self::Over<'_>, at: usize) -> W {
                $operation(X::largest::<W>(left, at), Y::$with_largest::<W>(right, at))
            }
        }
    };
}

of_two!(Plus, Add::add, least, largest);
of_two!(Minus, Sub::sub, largest, least);
of_two!(Larger, larger, least, largest);

#[inline(always)]
fn larger<N: Number>(left: N, right: N) -> N {
    right.larger(left)
}

impl<X: Expression> Expression for Times<X> {
    type Over<'t> = (X::Over<'t>, f64);
    const IS_EXACT: bool = X::IS_EXACT;

    #[inline(always)]
    fn value(self, scene: &impl Scene) -> f64 {
        self.0.value(scene) * self.1
    }

    #[inline(always)]
    fn prepare(self, tile: &mut Tile) {
        self.0.prepare(tile);
    }

    #[inline(always)]
    fn over(self, tile: &Tile, word: usize) -> Self::Over<'_> {
        (self.0.over(tile, word), self.1)
    }

    #[inline(always)]
    fn least<W: Wide>((of, share): &Self::Over<'_>, at: usize) -> W {
        X::least::<W>(of, at) * W::splat(*share)
    }

    #[inline(always)]
    fn largest<W: Wide>((of, share): &Self::Over<'_>, at: usize) -> W {
        X::largest::<W>(of, at) * W::splat(*share)
    }
}

impl<X: Expression> Expression for Magnitude<X> {
    type Over<'t> = X::Over<'t>;
    const IS_EXACT: bool = {
        assert!(X::IS_EXACT, "between bounds of two signs the smallest magnitude is neither's");
        true
    };

    #[inline(always)]
    fn value(self, scene: &impl Scene) -> f64 {
        self.0.value(scene).abs()
    }

    #[inline(always)]
    fn prepare(self, tile: &mut Tile) {
        self.0.prepare(tile);
    }

    #[inline(always)]
    fn over(self, tile: &Tile, word: usize) -> Self::Over<'_> {
        self.0.over(tile, word)
    }

    #[inline(always)]
    fn least<W: Wide>(over: &Self::Over<'_>, at: usize) -> W {
        X::least::<W>(over, at).magnitude()
    }

    #[inline(always)]
    fn largest<W: Wide>(over: &Self::Over<'_>, at: usize) -> W {
        X::largest::<W>(over, at).magnitude()
    }
}

impl<X, Y> Add<Term<Y>> for Term<X> {
    type Output = Term<Plus<X, Y>>;
    #[inline(always)]
    fn add(self, other: Term<Y>) -> Self::Output {
        Term(Plus(self.0, other.0))
    }
}

impl<X, Y> Sub<Term<Y>> for Term<X> {
    type Output = Term<Minus<X, Y>>;
    #[inline(always)]
    fn sub(self, other: Term<Y>) -> Self::Output {
        Term(Minus(self.0, other.0))
    }
}

impl<X> Mul<f64> for Term<X> {
    type Output = Term<Times<X>>;
    #[inline(always)]
    fn mul(self, share: f64) -> Self::Output {
        Term(Times(self.0, share))
    }
}

impl<X> Term<X> {
    #[inline(always)]
    pub(crate) fn max<Y>(self, other: Term<Y>) -> Term<Larger<X, Y>> {
        Term(Larger(self.0, other.0))
    }

    #[inline(always)]
    pub(crate) fn abs(self) -> Term<Magnitude<X>> {
        Term(Magnitude(self.0))
    }
}

/// What a rule can measure of one candle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measures {
    pub(crate) open: Term<Price>,
    pub(crate) high: Term<Price>,
    pub(crate) low: Term<Price>,
    pub(crate) close: Term<Price>,
    pub(crate) body: Term<Price>,
    pub(crate) top: Term<Price>,
    pub(crate) bottom: Term<Price>,
    pub(crate) upper: Term<Price>,
    pub(crate) lower: Term<Price>,
}

/// The candle so many bars ago.
#[inline(always)]
pub(crate) const fn candle(ago: usize) -> Measures {
    const fn term(part: Part, ago: usize) -> Term<Price> {
        Term(Price { part, ago })
    }
    Measures {
        open: term(Part::Open, ago),
        high: term(Part::High, ago),
        low: term(Part::Low, ago),
        close: term(Part::Close, ago),
        body: term(Part::Body, ago),
        top: term(Part::Top, ago),
        bottom: term(Part::Bottom, ago),
        upper: term(Part::Upper, ago),
        lower: term(Part::Lower, ago),
    }
}

/// A setting's size at the candle so many bars ago.
#[inline(always)]
pub(crate) const fn size(ago: usize, setting: Setting) -> Term<Size> {
    size_then(0, ago, setting)
}

/// A setting's size at the candle that was `ago` `earlier` bars earlier.
#[inline(always)]
pub(crate) const fn size_then(earlier: usize, ago: usize, setting: Setting) -> Term<Size> {
    Term(Size { setting, ago, earlier })
}
