//! Average directional movement index. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::lanes::{Recursion, Recursive, forgets, recursive};
use super::kit::ranges::{Directional, Movement};
use super::kit::simd::Number;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, float, streaming};

/// ADX.
pub const SPEC: Spec = Spec {
    name: "ADX",
    group: "Momentum Indicators",
    self_checking: true,
    doc: "Average directional index: strength of a trend, whichever its direction.",
    formula: "DX = 100 * |+DI - -DI| / (+DI + -DI); ADX: mean of the first n DX, then (ADX*(n-1) + DX) / n",
    source: "TA-Lib 0.8.2 TA_ADX; Wilder, New Concepts in Technical Trading Systems, 1978",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars of Wilder smoothing")],
    outputs: &[Output::float("real", "0..100; above 25 is commonly called a trend")],
    lookback: |params| Ok(2 * params.int(0)? - 1),
    memory: Memory::History,
    seeded: false,
    kernel: recursive::<DirectionalIndex, 3, 7, 1>,
    stream: Some(streaming::<DirectionalIndex, 3, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct DirectionalIndex {
    movement: Directional,
    /// DX still to be added up before the average begins.
    missing: usize,
    average: f64,
    weight: f64,
    period: usize,
}

impl State<3, 1> for DirectionalIndex {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        let movement = Directional::new(period);
        Ok(Self { movement, missing: period, average: 0.0, weight: 1.0 / float(period), period })
    }

    fn next(&mut self, bar: [f64; 3]) -> Option<[f64; 1]> {
        let dx = self.movement.next(bar)?.dx();
        if self.missing > 0 {
            self.missing -= 1;
            self.average += dx.unwrap_or(0.0);
            if self.missing > 0 {
                return None;
            }
            self.average /= float(self.period);
        } else if let Some(dx) = dx {
            // Where there was no range TA-Lib keeps the last value.
            self.average += (dx - self.average) * self.weight;
        }
        Some([self.average])
    }
}

impl Recursive<3, 7, 1> for DirectionalIndex {
    fn recursion(&self) -> Option<(impl Recursion<3, 7, 1>, [f64; 7])> {
        let ([high, low, close], sums) = self.movement.parts()?;
        let parts = [high, low, close, sums.plus, sums.minus, sums.range, self.average];
        Some((Smooth { weight: self.weight }, parts))
    }
}

#[derive(Clone, Copy)]
struct Smooth {
    weight: f64,
}

impl Recursion<3, 7, 1> for Smooth {
    #[inline(always)]
    fn step<N: Number>(&self, state: &mut [N; 7], bar: [N; 3]) -> [N; 1] {
        let [high, low, close, plus, minus, range, average] = *state;
        let mut sums = Movement { plus, minus, range };
        sums.smooth(Movement::between([high, low, close], bar), self.weight);
        let dx = sums.dx_or(average);
        let average = average + (dx - average) * N::splat(self.weight);
        let [high, low, close] = bar;
        *state = [high, low, close, sums.plus, sums.minus, sums.range, average];
        [average]
    }

    fn memory(&self) -> usize {
        2 * forgets(self.weight)
    }

    fn guess(&self, [high, low, close]: [f64; 3]) -> [f64; 7] {
        [high, low, close, 0.0, 0.0, 0.0, 0.0]
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn a_one_way_market_is_a_hundred_and_a_dead_one_zero() {
        let high: Vec<f64> = (2..12).map(f64::from).collect();
        let low: Vec<f64> = (0..10).map(f64::from).collect();
        let close: Vec<f64> = (1..11).map(f64::from).collect();
        let out = SPEC.compute_vec(&[&high, &low, &close], &[2.0]).unwrap_or_default().concat();
        assert!(out.iter().take(3).all(|value| value.is_nan()));
        assert_eq!(out.get(3..), Some(&[100.0; 7][..]));
        let dead = [5.0; 6];
        let out = SPEC.compute_vec(&[&dead, &dead, &dead], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.get(3..), Some(&[0.0; 3][..]));
    }
}
