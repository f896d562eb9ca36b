//! A rule at one bar, and how its conditions are told to whoever wants an explanation.

use std::marker::PhantomData;

use super::settings::CandleSettings;
use super::sight::Sight;
use super::term::{Expression, Part, Price, Scene, Size, Term};
use super::traits::{Against, Trait};
use super::trap::{Break, Trap};
use super::watch::{Columns, Watch, Window};
use crate::ta::kit::float;
use crate::ta::kit::simd::Wide;

/// How a measured value stands to its threshold when the condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Less than.
    Below,
    /// At most.
    AtMost,
    /// More than.
    Above,
    /// At least.
    AtLeast,
}

impl Relation {
    /// As a comparison sign.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::AtLeast => ">=",
        }
    }

    #[inline(always)]
    pub(crate) fn holds(self, measured: f64, threshold: f64) -> bool {
        match self {
            Self::Below => measured < threshold,
            Self::AtMost => measured <= threshold,
            Self::Above => measured > threshold,
            Self::AtLeast => measured >= threshold,
        }
    }

    /// Where it holds at eight bars, as bits.
    #[inline(always)]
    pub(crate) fn bits<W: Wide>(self, measured: W, threshold: W) -> u8 {
        match self {
            Self::Below => threshold.bits_above(measured),
            Self::AtMost => threshold.bits_at_least(measured),
            Self::Above => measured.bits_above(threshold),
            Self::AtLeast => measured.bits_at_least(threshold),
        }
    }
}

/// One condition of a rule at one bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Condition {
    /// In words, when it holds.
    pub what: &'static str,
    /// Which candle it is about: 0 for the bar itself.
    pub bars_ago: usize,
    /// What was measured.
    pub measured: f64,
    /// How it has to stand to the threshold.
    pub relation: Relation,
    /// What it was measured against.
    pub threshold: f64,
    /// Whether it held.
    pub held: bool,
}

/// Who listens to a rule's conditions, and where the rule looks.
pub(crate) trait Eye {
    /// Where candles and sums come from.
    type Window: Window;
    /// Whether to go on behind a condition that failed, to hear the others too.
    const CURIOUS: bool;
    /// One condition.
    fn note(&mut self, condition: Condition);
}

/// Nobody: compiles to nothing, the first failed condition ends the rule.
pub(crate) struct Blind<W>(PhantomData<W>);

impl<W> Blind<W> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<W: Window> Eye for Blind<W> {
    type Window = W;
    const CURIOUS: bool = false;
    #[inline(always)]
    fn note(&mut self, _: Condition) {}
}

/// Keeps every condition.
impl Eye for Vec<Condition> {
    type Window = Watch;
    const CURIOUS: bool = true;
    fn note(&mut self, condition: Condition) {
        self.push(condition);
    }
}

/// A bar as a rule sees it. Candle 0 is the newest, 1 the one before.
pub(crate) struct See<'a, E: Eye> {
    pub(crate) watch: &'a E::Window,
    pub(crate) settings: &'a CandleSettings,
    pub(crate) columns: &'a Columns,
    /// The pattern's parameter, where it has one.
    pub(crate) penetration: f64,
    pub(crate) eye: &'a mut E,
}

impl<E: Eye> Scene for See<'_, E> {
    #[inline(always)]
    fn part(&self, part: Part, ago: usize) -> f64 {
        let candle = self.watch.candle(ago);
        match part {
            Part::Open => candle.open,
            Part::High => candle.high,
            Part::Low => candle.low,
            Part::Close => candle.close,
            Part::Body => candle.body,
            Part::Top => candle.top,
            Part::Bottom => candle.bottom,
            Part::Upper => candle.upper(),
            Part::Lower => candle.lower(),
        }
    }

    #[inline(always)]
    #[expect(clippy::indexing_slicing, reason = "the index of an enum with COUNT variants")]
    fn size(&self, Size { setting, ago, earlier }: Size) -> f64 {
        let gauge = self.settings.gauge(setting);
        let average = if gauge.period == 0 {
            self.watch.candle(earlier + ago).part(gauge.range)
        } else {
            self.watch.sum(self.columns[setting.index()] - ago, earlier + ago) / float(gauge.period)
        };
        // In TA-Lib's order of operations.
        gauge.factor * average * gauge.halved()
    }
}

impl<E: Eye> See<'_, E> {
    /// The same bar without the eye.
    #[inline(always)]
    pub(crate) fn quietly<T>(&self, look: impl FnOnce(&mut See<'_, Blind<E::Window>>) -> T) -> T {
        let &Self { watch, settings, columns, penetration, .. } = self;
        look(&mut See { watch, settings, columns, penetration, eye: &mut Blind::new() })
    }

    #[inline(always)]
    fn note(&mut self, ago: usize, what: &'static str, measured: f64, relation: Relation, threshold: f64) -> bool {
        let held = relation.holds(measured, threshold);
        self.eye.note(Condition { what, bars_ago: ago, measured, relation, threshold, held });
        held || E::CURIOUS
    }
}

impl<E: Eye> Sight for See<'_, E> {
    type Truth = bool;
    type Sign = bool;
    type Value = i32;

    #[inline(always)]
    fn penetration(&self) -> f64 {
        self.penetration
    }

    #[inline(always)]
    fn goes_on(&self, held: bool) -> bool {
        held
    }

    #[inline(always)]
    fn check<X: Expression, Y: Expression>(
        &mut self,
        ago: usize,
        what: &'static str,
        measured: Term<X>,
        relation: Relation,
        threshold: Term<Y>,
    ) -> bool {
        let (measured, threshold) = (measured.0.value(self), threshold.0.value(self));
        self.note(ago, what, measured, relation, threshold)
    }

    #[inline(always)]
    fn has(&mut self, which: Trait, ago: usize) -> bool {
        let (part, relation, against, what) = which.comparison();
        let threshold = match against {
            Against::Here(other) => self.part(other, ago),
            Against::Before(other, before) => self.part(other, ago + before),
            Against::Size(setting) => Scene::size(self, Size { setting, ago, earlier: 0 }),
        };
        self.note(ago, what, self.part(part, ago), relation, threshold)
    }

    #[inline(always)]
    fn is<X: Expression, Y: Expression>(&mut self, measured: Term<X>, relation: Relation, threshold: Term<Y>) -> bool {
        relation.holds(measured.0.value(self), threshold.0.value(self))
    }

    #[inline(always)]
    #[expect(clippy::float_cmp, reason = "prices that are the same, as TA-Lib compares them")]
    fn are_equal(&mut self, left: Term<Price>, right: Term<Price>) -> bool {
        left.0.value(self) == right.0.value(self)
    }

    #[inline(always)]
    fn any_of<const N: usize>(&mut self, ago: usize, what: &'static str, ways: [bool; N]) -> bool {
        let count = ways.into_iter().map(|way| f64::from(u8::from(way))).sum();
        self.note(ago, what, count, Relation::AtLeast, 1.0)
    }

    #[inline(always)]
    fn not_both(&mut self, ago: usize, what: &'static str, [one, other]: [bool; 2]) -> bool {
        self.note(ago, what, f64::from(u8::from(one) + u8::from(other)), Relation::AtMost, 1.0)
    }

    #[inline(always)]
    fn sign_if(&self, up: bool) -> bool {
        up
    }

    #[inline(always)]
    fn sign(&mut self, ago: usize) -> bool {
        self.watch.candle(ago).is_white()
    }

    #[inline(always)]
    fn nowhere(&self) -> bool {
        false
    }

    #[inline(always)]
    fn is_somewhere(&self, sign: bool) -> bool {
        sign
    }

    #[inline(always)]
    fn where_signed(&self, held: bool, _: bool) -> bool {
        held
    }

    #[inline(always)]
    fn bullish(&self, hit: bool) -> i32 {
        if hit { 100 } else { 0 }
    }

    #[inline(always)]
    fn bearish(&self, hit: bool) -> i32 {
        if hit { -100 } else { 0 }
    }

    #[inline(always)]
    fn signed(&self, hit: bool, sign: bool) -> i32 {
        if sign { self.bullish(hit) } else { self.bearish(hit) }
    }

    #[inline(always)]
    fn weaker(&self, hit: bool, sign: bool, weak: bool) -> i32 {
        let value = self.signed(hit, sign);
        if weak { value / 5 * 4 } else { value }
    }

    #[inline(always)]
    fn choose(&self, first: bool, one: i32, other: i32) -> i32 {
        if first { one } else { other }
    }

    #[inline(always)]
    fn trapped<B: Break>(&mut self) -> i32 {
        let Some(trap) = Trap::last::<B, E>(self) else {
            // None is waiting: is this bar one?
            let sign = self.watch.candle(0).high < self.watch.candle(1).high;
            let hit = B::sprung(self, 0, sign);
            return self.signed(hit, sign);
        };
        // Told again for the explanation; it holds, or it would not be waiting.
        let hit = B::sprung(self, trap.ago, trap.is_up) && trap.confirmed(self);
        2 * self.signed(hit, trap.is_up)
    }
}
