//! Fractal adaptive moving average. O(n) amortised, recursive.

use serde::{Deserialize, Serialize};

use super::kit::ring::Ring;
use super::kit::windows::Extreme;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, float, streaming};

/// FRAMA.
pub const SPEC: Spec = Spec {
    name: "FRAMA",
    group: "Overlap Studies",
    self_checking: false,
    doc: "Fractal adaptive average of the median price: fast where the price runs straight (fractal dimension 1), slow where it fills the plane (2). Weight kept in 0.01..1 as in Ehlers' code; other versions rescale it between two periods. An odd timeperiod counts as the next even one. Begins with the price of the first full window.",
    formula: "N1, N2: (max high - min low)/(n/2) of the newer and older half, N3: (max high - min low)/n of all; D = (ln(N1+N2)-ln(N3))/ln 2, the last one if any is 0; a = exp(-4.6*(D-1)) in 0.01..1; F[i] = a*(high+low)/2 + (1-a)*F[i-1]",
    source: "John Ehlers, FRAMA - Fractal Adaptive Moving Average, Technical Analysis of Stocks and Commodities, October 2005",
    inputs: &[Input::High, Input::Low],
    params: &[Param::period("timeperiod", 16.0, 2.0, "bars in the window; even")],
    outputs: &[Output::float("real", "average, in the price's unit")],
    lookback: |params| Ok(2 * half_of(params)? - 1),
    memory: Memory::History,
    seeded: false,
    kernel: batch::<FractalAverage, 2, 1>,
    stream: Some(streaming::<FractalAverage, 2, 1>),
};

fn half_of(params: &Params) -> Result<usize, TaError> {
    params.int(0).map(|period| period.div_ceil(2))
}

#[derive(Clone, Serialize, Deserialize)]
struct FractalAverage {
    highest: Extreme,
    lowest: Extreme,
    /// Range of each of the last half windows: the older half's is the one half a window ago.
    ranges: Ring,
    whole_highest: Extreme,
    whole_lowest: Extreme,
    half: f64,
    dimension: f64,
    average: Option<f64>,
}

impl State<2, 1> for FractalAverage {
    fn new(params: &Params) -> Result<Self, TaError> {
        let half = half_of(params)?;
        Ok(Self {
            highest: Extreme::highest(half),
            lowest: Extreme::lowest(half),
            ranges: Ring::new(half),
            whole_highest: Extreme::highest(2 * half),
            whole_lowest: Extreme::lowest(2 * half),
            half: float(half),
            dimension: 1.0,
            average: None,
        })
    }

    fn next(&mut self, [high, low]: [f64; 2]) -> Option<[f64; 1]> {
        let whole = self.whole_highest.next(high).zip(self.whole_lowest.next(low));
        let (highest, lowest) = self.highest.next(high).zip(self.lowest.next(low))?;
        let newer = (highest - lowest) / self.half;
        let older = self.ranges.push(newer);
        let (older, (highest, lowest)) = older.zip(whole)?;
        let all = (highest - lowest) / (2.0 * self.half);
        if newer > 0.0 && older > 0.0 && all > 0.0 {
            self.dimension = ((newer + older) / all).log2();
        }
        let weight = (-4.6 * (self.dimension - 1.0)).exp().clamp(0.01, 1.0);
        let price = f64::midpoint(high, low);
        let average = self.average.unwrap_or(price);
        let average = average + (price - average) * weight;
        self.average = Some(average);
        Some([average])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn a_straight_way_has_dimension_one_and_a_full_plane_two() {
        // Each bar is a step of 1 on: with two-bar halves of range 1 each in a range of 3 the dimension is below 1, the
        // weight 1. Then the price goes to and fro between 0 and 4: D = log2((4/2 + 4/2) / (4/4)) = 2, weight e^-4.6.
        let price = [0.0, 1.0, 2.0, 3.0, 4.0, 0.0, 4.0, 0.0, 4.0];
        let out = SPEC.compute_vec(&[&price, &price], &[4.0]).unwrap_or_default().concat();
        assert!(out.iter().take(3).all(|value| value.is_nan()));
        assert_eq!(out.get(3..5), Some(&[3.0, 4.0][..]));
        let (before, after) = (out.get(7).copied().unwrap_or_default(), out.get(8).copied().unwrap_or_default());
        let weight = (-4.6_f64).exp();
        assert!((after - (before + (4.0 - before) * weight)).abs() < 1e-12, "{out:?}");
    }
}
