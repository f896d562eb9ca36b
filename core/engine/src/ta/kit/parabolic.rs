//! Wilder's parabolic stop and reverse: what SAR and SAREXT share.

use serde::{Deserialize, Serialize};

use super::lanes::Recursion;
use super::simd::Number;

/// How fast the stop closes in on one side.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Acceleration {
    first: f64,
    step: f64,
    largest: f64,
}

impl Acceleration {
    /// `first` on a reversal, `step` more with every new extreme, up to `largest`, to which both are cut.
    pub(crate) const fn new(first: f64, step: f64, largest: f64) -> Self {
        Self { first: first.min(largest), step: step.min(largest), largest }
    }
}

/// Where a trade begins.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Start {
    /// With the larger directional movement of the first two bars, long on a tie, at the first bar's far end.
    Movement,
    Long(f64),
    Short(f64),
}

/// How stops move.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Rules {
    pub(crate) long: Acceleration,
    pub(crate) short: Acceleration,
    /// Share of the stop by which it is moved away on a reversal.
    pub(crate) offset: f64,
}

/// The trade on the way: 1 if it is long, else 0; its stop; its best price; the acceleration now; high and low of the
/// bar before.
pub(crate) type Trade<N = f64> = [N; 6];

impl Rules {
    /// One bar: the trade after it, and the stop shown for it with the trade's side.
    #[inline(always)]
    pub(crate) fn advance<N: Number>(&self, trade: &mut Trade<N>, [high, low]: [N; 2]) -> [N; 2] {
        let (zero, one) = (N::splat(0.0), N::splat(1.0));
        let by_side = |long: N, if_long: N, if_short: N| N::if_above(long, zero, if_long, if_short);
        let [was_long, stop, best, acceleration, old_high, old_low] = *trade;
        let reached = by_side(was_long, N::if_at_least(stop, low, one, zero), N::if_at_least(high, stop, one, zero));
        let long = N::if_above(reached, zero, one - was_long, was_long);
        // Out of the last two bars, where it lies within them.
        let keep_off = |stop: N| by_side(long, stop.smaller(old_low).smaller(low), stop.larger(old_high).larger(high));
        // On a reversal the new stop is the old trade's best price, moved away.
        let turned = keep_off(best);
        let away = turned * N::splat(self.offset);
        let stop = N::if_above(reached, zero, by_side(long, turned - away, turned + away), stop);
        let extreme = by_side(long, high, low);
        let further = by_side(long, N::if_above(extreme, best, one, zero), N::if_above(best, extreme, one, zero));
        let fresh = N::if_above(reached, zero, one, further);
        let step = by_side(long, N::splat(self.long.step), N::splat(self.short.step));
        let largest = by_side(long, N::splat(self.long.largest), N::splat(self.short.largest));
        let first = by_side(long, N::splat(self.long.first), N::splat(self.short.first));
        let quicker = N::if_above(further, zero, largest.smaller(acceleration + step), acceleration);
        let acceleration = N::if_above(reached, zero, first, quicker);
        let best = N::if_above(fresh, zero, extreme, best);
        // Fused as in TA-Lib: a low may lie exactly on a stop, and the last bit says on which side.
        let moved = keep_off(acceleration.fused(best - stop, stop));
        *trade = [long, moved, best, acceleration, high, low];
        [stop, long]
    }
}

impl Recursion<2, 6, 1> for Rules {
    #[inline(always)]
    fn step<N: Number>(&self, trade: &mut [N; 6], bar: [N; 2]) -> [N; 1] {
        let [stop, _] = self.advance(trade, bar);
        [stop]
    }

    fn memory(&self) -> usize {
        // Some reversals, after which trades that began in different ways are the same, as a rule.
        768
    }

    fn guess(&self, [high, low]: [f64; 2]) -> [f64; 6] {
        [1.0, low, high, self.long.first, high, low]
    }
}

/// The stop of one bar after the other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Parabolic {
    rules: Rules,
    start: Start,
    first: Option<[f64; 2]>,
    trade: Option<Trade>,
}

impl Parabolic {
    pub(crate) const fn new(long: Acceleration, short: Acceleration, start: Start, offset: f64) -> Self {
        Self { rules: Rules { long, short, offset }, start, first: None, trade: None }
    }

    /// The rules and the trade on the way.
    pub(crate) fn parts(&self) -> Option<(Rules, Trade)> {
        self.trade.map(|trade| (self.rules, trade))
    }

    /// The stop, and whether the trade is long; none on the first bar.
    #[inline(always)]
    pub(crate) fn next(&mut self, high: f64, low: f64) -> Option<(f64, bool)> {
        let bar = [high, low];
        let mut trade = match self.trade {
            Some(trade) => trade,
            None => {
                let first = self.first.replace(bar)?;
                self.open(first, bar)
            }
        };
        let [stop, long] = self.rules.advance(&mut trade, bar);
        self.trade = Some(trade);
        Some((stop, long > 0.0))
    }

    fn open(&self, [first_high, first_low]: [f64; 2], [high, low]: [f64; 2]) -> Trade {
        let (rise, fall) = (high - first_high, first_low - low);
        let (long, stop) = match self.start {
            Start::Movement if fall > 0.0 && fall > rise => (false, first_high),
            Start::Movement => (true, first_low),
            Start::Long(stop) => (true, stop),
            Start::Short(stop) => (false, stop),
        };
        let (best, side) = if long { (high, self.rules.long) } else { (low, self.rules.short) };
        [f64::from(u8::from(long)), stop, best, side.first, high, low]
    }
}
