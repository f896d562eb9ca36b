//! Choppiness index. O(n) amortised.

use serde::{Deserialize, Serialize};

use super::kit::ranges::TrueRange;
use super::kit::windows::{Extreme, Sum};
use super::kit::{Input, Memory, Output, Param, Params, Seed, Spec, State, TaError, batch, float, streaming};

/// CHOPPINESS.
pub const SPEC: Spec = Spec {
    name: "CHOPPINESS",
    group: "Volatility Indicators",
    self_checking: false,
    doc: "Choppiness index: how much of its way the price wastes; 100 sideways, low in a trend. The first true range needs a close before it; NaN where the whole range is 0. TradingView's formula.",
    formula: "CHOP = 100 * log10(sum(TR,n) / (max(high,n) - min(low,n))) / log10(n)",
    source: "E. W. (Bill) Dreiss, Choppiness Index, 1990s; convention: TradingView's built-in Choppiness Index",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars in the window")],
    outputs: &[Output::float("real", "about 0..100; above 61.8 is commonly called choppy, below 38.2 trending")],
    lookback: |params| params.int(0),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Choppiness, 3, 1>,
    stream: Some(streaming::<Choppiness, 3, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Choppiness {
    range: TrueRange,
    way: Sum,
    highest: Extreme,
    lowest: Extreme,
    scale: f64,
}

impl State<3, 1> for Choppiness {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self {
            range: TrueRange::new(Seed::Talib),
            way: Sum::new(period),
            highest: Extreme::highest(period),
            lowest: Extreme::lowest(period),
            scale: 100.0 / float(period).log10(),
        })
    }

    fn next(&mut self, [high, low, close]: [f64; 3]) -> Option<[f64; 1]> {
        let extremes = self.highest.next(high).zip(self.lowest.next(low));
        let way = self.range.next(high, low, close).and_then(|range| self.way.next(range));
        let (way, (highest, lowest)) = way.zip(extremes)?;
        let range = highest - lowest;
        Some([if range > 0.0 { self.scale * (way / range).log10() } else { f64::NAN }])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn a_straight_way_is_0_and_to_and_fro_is_100() {
        let straight = [1.0, 2.0, 3.0, 4.0];
        // bars that touch: the way of 2 is the range of 2
        let low = straight.map(|high| high - 1.0);
        let out = SPEC.compute_vec(&[&straight, &low, &straight], &[2.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        assert_eq!(out.get(2..), Some(&[0.0, 0.0][..]));
        let (high, low, close) = ([2.0; 4], [1.0; 4], [1.5; 4]);
        let out = SPEC.compute_vec(&[&high, &low, &close], &[2.0]).unwrap_or_default().concat();
        assert!(out.iter().skip(2).all(|value| (value - 100.0).abs() < 1e-12), "{out:?}");
    }
}
