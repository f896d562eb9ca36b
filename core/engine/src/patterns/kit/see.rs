//! What a rule sees of a bar, and how its conditions are told to whoever wants an explanation.

use std::marker::PhantomData;

use super::candle::Candle;
use super::settings::{CandleSettings, Setting};
use super::watch::{Columns, Watch, Window};
use crate::ta::kit::float;

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
    fn holds(self, measured: f64, threshold: f64) -> bool {
        match self {
            Self::Below => measured < threshold,
            Self::AtMost => measured <= threshold,
            Self::Above => measured > threshold,
            Self::AtLeast => measured >= threshold,
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

impl<'a, E: Eye> See<'a, E> {
    #[inline(always)]
    pub(crate) fn candle(&self, ago: usize) -> Candle {
        self.watch.candle(ago)
    }

    /// The same bar without the eye.
    #[inline(always)]
    pub(crate) fn quietly<T>(&self, look: impl FnOnce(&mut See<'_, Blind<E::Window>>) -> T) -> T {
        let &Self { watch, settings, columns, penetration, .. } = self;
        look(&mut See { watch, settings, columns, penetration, eye: &mut Blind::new() })
    }

    /// A setting's size at the candle `ago`.
    #[inline(always)]
    pub(crate) fn size(&self, ago: usize, setting: Setting) -> f64 {
        self.size_then(0, ago, setting)
    }

    /// A setting's size at the candle that was `ago` `earlier` bars earlier.
    #[inline(always)]
    #[expect(clippy::indexing_slicing, reason = "the index of an enum with COUNT variants")]
    pub(crate) fn size_then(&self, earlier: usize, ago: usize, setting: Setting) -> f64 {
        let gauge = self.settings.gauge(setting);
        let average = if gauge.period == 0 {
            self.candle(earlier + ago).part(gauge.range)
        } else {
            self.watch.sum(self.columns[setting.index()] - ago, earlier + ago) / float(gauge.period)
        };
        // In TA-Lib's order of operations.
        gauge.factor * average * gauge.halved()
    }

    #[inline(always)]
    fn check(
        &mut self,
        bars_ago: usize,
        what: &'static str,
        measured: f64,
        relation: Relation,
        threshold: f64,
    ) -> bool {
        let held = relation.holds(measured, threshold);
        self.eye.note(Condition { what, bars_ago, measured, relation, threshold, held });
        held || E::CURIOUS
    }

    #[inline(always)]
    pub(crate) fn below(&mut self, ago: usize, what: &'static str, measured: f64, threshold: f64) -> bool {
        self.check(ago, what, measured, Relation::Below, threshold)
    }

    #[inline(always)]
    pub(crate) fn at_most(&mut self, ago: usize, what: &'static str, measured: f64, threshold: f64) -> bool {
        self.check(ago, what, measured, Relation::AtMost, threshold)
    }

    #[inline(always)]
    pub(crate) fn above(&mut self, ago: usize, what: &'static str, measured: f64, threshold: f64) -> bool {
        self.check(ago, what, measured, Relation::Above, threshold)
    }

    #[inline(always)]
    pub(crate) fn at_least(&mut self, ago: usize, what: &'static str, measured: f64, threshold: f64) -> bool {
        self.check(ago, what, measured, Relation::AtLeast, threshold)
    }

    /// Above for a bullish sign, below for a bearish one: rules that have a mirror image.
    #[inline(always)]
    pub(crate) fn beyond(&mut self, sign: i32, ago: usize, what: &'static str, measured: f64, threshold: f64) -> bool {
        self.check(ago, what, measured, if sign > 0 { Relation::Above } else { Relation::Below }, threshold)
    }

    /// At most `width` away from `centre`.
    #[inline(always)]
    pub(crate) fn within(&mut self, ago: usize, what: &'static str, measured: f64, centre: f64, width: f64) -> bool {
        self.at_most(ago, what, measured, centre + width) && self.at_least(ago, what, measured, centre - width)
    }

    #[inline(always)]
    pub(crate) fn white(&mut self, ago: usize) -> bool {
        let candle = self.candle(ago);
        self.at_least(ago, "white: closes at or above its open", candle.close, candle.open)
    }

    #[inline(always)]
    pub(crate) fn black(&mut self, ago: usize) -> bool {
        let candle = self.candle(ago);
        self.below(ago, "black: closes below its open", candle.close, candle.open)
    }

    /// White for a bullish sign, black for a bearish one.
    #[inline(always)]
    pub(crate) fn coloured(&mut self, sign: i32, ago: usize) -> bool {
        if sign > 0 { self.white(ago) } else { self.black(ago) }
    }

    #[inline(always)]
    pub(crate) fn long(&mut self, ago: usize) -> bool {
        let (body, size) = (self.candle(ago).body, self.size(ago, Setting::BodyLong));
        self.above(ago, "long body (body_long)", body, size)
    }

    /// A short body, the size itself left out.
    #[inline(always)]
    pub(crate) fn short(&mut self, ago: usize) -> bool {
        let (body, size) = (self.candle(ago).body, self.size(ago, Setting::BodyShort));
        self.below(ago, "short body (body_short)", body, size)
    }

    /// A short body, the size itself included.
    #[inline(always)]
    pub(crate) fn not_above_short(&mut self, ago: usize) -> bool {
        let (body, size) = (self.candle(ago).body, self.size(ago, Setting::BodyShort));
        self.at_most(ago, "short body (body_short)", body, size)
    }

    #[inline(always)]
    pub(crate) fn not_short(&mut self, ago: usize) -> bool {
        let (body, size) = (self.candle(ago).body, self.size(ago, Setting::BodyShort));
        self.above(ago, "body longer than short (body_short)", body, size)
    }

    #[inline(always)]
    pub(crate) fn doji(&mut self, ago: usize) -> bool {
        let (body, size) = (self.candle(ago).body, self.size(ago, Setting::BodyDoji));
        self.at_most(ago, "doji: hardly any body (body_doji)", body, size)
    }

    #[inline(always)]
    pub(crate) fn upper_shadow_below(&mut self, ago: usize, setting: Setting) -> bool {
        let (shadow, size) = (self.candle(ago).upper(), self.size(ago, setting));
        self.below(
            ago,
            shorter(setting, "upper shadow is short (shadow_short)", "hardly any upper shadow (shadow_very_short)"),
            shadow,
            size,
        )
    }

    #[inline(always)]
    pub(crate) fn lower_shadow_below(&mut self, ago: usize, setting: Setting) -> bool {
        let (shadow, size) = (self.candle(ago).lower(), self.size(ago, setting));
        self.below(
            ago,
            shorter(setting, "lower shadow is short (shadow_short)", "hardly any lower shadow (shadow_very_short)"),
            shadow,
            size,
        )
    }

    #[inline(always)]
    pub(crate) fn upper_shadow_above(&mut self, ago: usize, setting: Setting) -> bool {
        let (shadow, size) = (self.candle(ago).upper(), self.size(ago, setting));
        let what = match setting {
            Setting::ShadowVeryShort => "has an upper shadow (shadow_very_short)",
            Setting::ShadowVeryLong => "very long upper shadow (shadow_very_long)",
            _ => "long upper shadow (shadow_long)",
        };
        self.above(ago, what, shadow, size)
    }

    #[inline(always)]
    pub(crate) fn lower_shadow_above(&mut self, ago: usize, setting: Setting) -> bool {
        let (shadow, size) = (self.candle(ago).lower(), self.size(ago, setting));
        let what = match setting {
            Setting::ShadowVeryShort => "has a lower shadow (shadow_very_short)",
            Setting::ShadowVeryLong => "very long lower shadow (shadow_very_long)",
            _ => "long lower shadow (shadow_long)",
        };
        self.above(ago, what, shadow, size)
    }

    /// The body lies wholly above (bullish sign) or below (bearish) the body of an earlier candle.
    #[inline(always)]
    pub(crate) fn body_gap(&mut self, sign: i32, later: usize, earlier: usize) -> bool {
        let (new, old) = (self.candle(later), self.candle(earlier));
        if sign > 0 {
            self.above(later, "body gaps up", new.bottom, old.top)
        } else {
            self.below(later, "body gaps down", new.top, old.bottom)
        }
    }

    /// The whole candle, shadows included, lies above or below the one before it.
    #[inline(always)]
    pub(crate) fn candle_gap(&mut self, sign: i32, ago: usize) -> bool {
        let (new, old) = (self.candle(ago), self.candle(ago + 1));
        if sign > 0 {
            self.above(ago, "the whole candle gaps up", new.low, old.high)
        } else {
            self.below(ago, "the whole candle gaps down", new.high, old.low)
        }
    }
}

const fn shorter(setting: Setting, short: &'static str, very_short: &'static str) -> &'static str {
    if matches!(setting, Setting::ShadowVeryShort) { very_short } else { short }
}
