//! Wilder's parabolic stop and reverse: what SAR and SAREXT share.

use serde::{Deserialize, Serialize};

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

/// The trade on the way: which side, its stop, its best price and the acceleration now.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Trade {
    long: bool,
    stop: f64,
    best: f64,
    acceleration: f64,
    previous: Bar,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Bar {
    high: f64,
    low: f64,
}

/// The stop of one bar after the other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Parabolic {
    long: Acceleration,
    short: Acceleration,
    start: Start,
    /// Share of the stop by which it is moved away on a reversal.
    offset: f64,
    first: Option<Bar>,
    trade: Option<Trade>,
}

impl Parabolic {
    pub(crate) const fn new(long: Acceleration, short: Acceleration, start: Start, offset: f64) -> Self {
        Self { long, short, start, offset, first: None, trade: None }
    }

    const fn side(&self, long: bool) -> Acceleration {
        if long { self.long } else { self.short }
    }

    /// The stop, and whether the trade is long; none on the first bar.
    #[inline(always)]
    pub(crate) fn next(&mut self, high: f64, low: f64) -> Option<(f64, bool)> {
        let bar = Bar { high, low };
        let trade = match self.trade {
            Some(trade) => trade,
            None => {
                let first = self.first.replace(bar)?;
                self.open(first, bar)
            }
        };
        let (trade, shown) = self.advance(trade, bar);
        self.trade = Some(trade);
        Some((shown, trade.long))
    }

    #[inline(always)]
    fn open(&self, first: Bar, bar: Bar) -> Trade {
        let (rise, fall) = (bar.high - first.high, first.low - bar.low);
        let (long, stop) = match self.start {
            Start::Movement if fall > 0.0 && fall > rise => (false, first.high),
            Start::Movement => (true, first.low),
            Start::Long(stop) => (true, stop),
            Start::Short(stop) => (false, stop),
        };
        let best = if long { bar.high } else { bar.low };
        Trade { long, stop, best, acceleration: self.side(long).first, previous: bar }
    }

    /// The trade after the bar, and the stop shown for the bar.
    #[inline(always)]
    fn advance(&self, trade: Trade, bar: Bar) -> (Trade, f64) {
        let Trade { long, stop, best, acceleration, previous } = trade;
        let reached = if long { bar.low <= stop } else { bar.high >= stop };
        if reached {
            let long = !long;
            // The new stop is the old trade's best price, but never within the last two bars.
            let stop = keep_off(long, best, previous, bar);
            let stop = if long { stop - stop * self.offset } else { stop + stop * self.offset };
            let best = if long { bar.high } else { bar.low };
            let acceleration = self.side(long).first;
            let moved = keep_off(long, closer(stop, best, acceleration), previous, bar);
            return (Trade { long, stop: moved, best, acceleration, previous: bar }, stop);
        }
        let side = self.side(long);
        let extreme = if long { bar.high } else { bar.low };
        let further = if long { extreme > best } else { extreme < best };
        let (best, acceleration) =
            if further { (extreme, side.largest.min(acceleration + side.step)) } else { (best, acceleration) };
        let moved = keep_off(long, closer(stop, best, acceleration), previous, bar);
        (Trade { long, stop: moved, best, acceleration, previous: bar }, stop)
    }
}

/// `stop`, moved towards `best`. Fused as in TA-Lib: a low may lie exactly on a stop, and the last bit says on which side.
#[inline(always)]
fn closer(stop: f64, best: f64, acceleration: f64) -> f64 {
    acceleration.mul_add(best - stop, stop)
}

/// `stop`, moved out of the two bars where it lies within them.
#[inline(always)]
fn keep_off(long: bool, stop: f64, before: Bar, now: Bar) -> f64 {
    if long { stop.min(before.low).min(now.low) } else { stop.max(before.high).max(now.high) }
}
