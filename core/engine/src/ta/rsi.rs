//! Relative strength index. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::RisesAndFalls;
use super::kit::lanes::{Recursion, Recursive, forgets, recursive};
use super::kit::simd::Number;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, streaming};

/// RSI.
pub const SPEC: Spec = Spec {
    name: "RSI",
    group: "Momentum Indicators",
    self_checking: true,
    doc: "Relative strength index: the share of rises in all movement, Wilder-smoothed; 0 when nothing moved.",
    formula: "RSI = 100 * G / (G + L); G, L: mean rise and fall, then G[i] = (G[i-1]*(n-1) + rise) / n",
    source: "TA-Lib 0.8.2 TA_RSI; Wilder, New Concepts in Technical Trading Systems, 1978",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars of Wilder smoothing")],
    outputs: &[Output::float("real", "0..100; above 70 is commonly called overbought, below 30 oversold")],
    lookback: |params| params.int(0),
    memory: Memory::History,
    seeded: false,
    kernel: recursive::<RelativeStrength, 1, 3, 1>,
    stream: Some(streaming::<RelativeStrength, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct RelativeStrength {
    changes: RisesAndFalls,
}

impl State<1, 1> for RelativeStrength {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { changes: RisesAndFalls::new(params.int(0)?) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.changes.next_share(value).map(|share| [share])
    }
}

impl Recursive<1, 3, 1> for RelativeStrength {
    fn recursion(&self) -> Option<(impl Recursion<1, 3, 1>, [f64; 3])> {
        let (parts, weight) = self.changes.parts();
        Some((Share { weight }, parts))
    }
}

#[derive(Clone, Copy)]
struct Share {
    weight: f64,
}

impl Recursion<1, 3, 1> for Share {
    #[inline(always)]
    fn step<N: Number>(&self, [previous, rise, fall]: &mut [N; 3], [value]: [N; 1]) -> [N; 1] {
        let (zero, weight) = (N::splat(0.0), N::splat(self.weight));
        let change = value - *previous;
        *previous = value;
        *rise += (change.larger(zero) - *rise) * weight;
        *fall += ((zero - change).larger(zero) - *fall) * weight;
        [N::splat(100.0) * rise.over_or_zero(*rise + *fall)]
    }

    fn memory(&self) -> usize {
        forgets(self.weight)
    }

    fn guess(&self, [value]: [f64; 1]) -> [f64; 3] {
        [value, 0.0, 0.0]
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_share_of_rises() {
        let out = SPEC.compute_vec(&[&[1.0, 4.0, 3.0, 3.0]], &[2.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        // mean rise 1.5, mean fall 0.5; then both halve
        assert_eq!(out.get(2..), Some(&[75.0, 75.0][..]));
    }

    #[test]
    fn is_nan_after_a_nan_and_never_zero() {
        let real: Vec<f64> = (0..40).map(|i| if i == 20 { f64::NAN } else { f64::from(i) }).collect();
        let out = SPEC.compute_vec(&[&real], &[14.0]).unwrap_or_default().concat();
        assert_eq!(out.get(14..20), Some(&[100.0; 6][..]));
        assert!(out.iter().skip(20).all(|value| value.is_nan()));
    }
}
