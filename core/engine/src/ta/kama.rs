//! Kaufman's adaptive moving average. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::{Average, Ma, Pace};
use super::kit::lanes::{Blocks, Recursion, Windows, checked, forgets, recur, windowed};
use super::kit::scratch::with_scratch;
use super::kit::simd::Number;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, streaming};

/// KAMA.
pub const SPEC: Spec = Spec {
    name: "KAMA",
    group: "Overlap Studies",
    self_checking: true,
    doc: "Kaufman's adaptive moving average: fast where prices go straight, slow where they go to and fro.",
    formula: "ER = |x[i]-x[i-n]| / sum of |changes| over n (1 if nothing moved); w = (ER*(2/3-2/31) + 2/31)^2; KAMA[i] = KAMA[i-1] + w*(x[i]-KAMA[i-1])",
    source: "TA-Lib 0.8.2 TA_KAMA; Perry J. Kaufman, Smarter Trading, 1995",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 30.0, 1.0, "bars of the efficiency ratio; 1 is the input itself")],
    outputs: &[Output::float("real", "average, in the input's unit")],
    lookback: |params| Ok(Average::Kama.lookback(params.int(0)?)),
    memory: Memory::History,
    seeded: false,
    kernel: adapt,
    stream: Some(streaming::<AdaptiveAverage, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct AdaptiveAverage {
    average: Ma,
}

impl State<1, 1> for AdaptiveAverage {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { average: Ma::new(Average::Kama, params.int(0)?, params.seed())? })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.average.next(value).map(|average| [average])
    }
}

/// The pace alone, which is made of windows.
#[derive(Clone, Serialize, Deserialize)]
struct Weights<N = f64> {
    pace: Pace<N>,
}

impl<N: Number> Windows<N, 1, 1> for Weights<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        Ok(Self { pace: Pace::new(params.int(0)?) })
    }

    #[inline(always)]
    fn next(&mut self, [value]: [N; 1]) -> Option<[N; 1]> {
        self.pace.next(value).map(|weight| [weight])
    }
}

impl Blocks<1, 1> for Weights {
    type Over<N: Number> = Weights<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        params.int(0)
    }
}

/// The average, given values and their weights.
#[derive(Clone, Copy)]
struct Follow;

impl Recursion<2, 1, 1> for Follow {
    #[inline(always)]
    fn step<N: Number>(&self, [average]: &mut [N; 1], [value, weight]: [N; 2]) -> [N; 1] {
        *average += (value - *average) * weight;
        [*average]
    }

    fn memory(&self) -> usize {
        // Of an average market; in one that goes nowhere for long the stretches are repaired.
        forgets(0.03)
    }

    fn guess(&self, [value, _]: [f64; 2]) -> [f64; 1] {
        [value]
    }
}

fn adapt(inputs: &[&[f64]], params: &Params, outputs: &mut [&mut [f64]]) -> Result<(), TaError> {
    let wiring = || TaError::Wiring { what: "series" };
    let ([real], period) = (inputs, params.int(0)?) else { return Err(wiring()) };
    if period == 1 {
        return checked::<AdaptiveAverage, 1, 1>(inputs, params, outputs);
    }
    let [out] = outputs else { return Err(wiring()) };
    with_scratch(out.len(), |weights| {
        windowed::<Weights, 1, 1>(inputs, params, &mut [weights])?;
        let (head, rest) = real.split_at_checked(period).ok_or_else(wiring)?;
        let first = head.last().copied().ok_or_else(wiring)?;
        // The values were checked on the way to their weights.
        let _ = recur(&Follow, &mut [first], [rest, weights], &mut [out]);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn a_straight_way_is_followed_with_four_ninths() {
        let out = SPEC.compute_vec(&[&[0.0, 9.0, 18.0, 9.0, 18.0]], &[2.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        // Starts at 9, then takes (2/3)^2 of the distance; to and fro it takes (2/31)^2.
        let first = 9.0 + 9.0 * 4.0 / 9.0;
        let second = first + (9.0 - first) * 4.0 / 961.0;
        let third = second + (18.0 - second) * 4.0 / 961.0;
        for (value, expected) in out.iter().skip(2).zip([first, second, third]) {
            assert!((value - expected).abs() < 1e-12, "{out:?}");
        }
    }

    #[test]
    fn a_price_that_stands_still_is_followed_fast_at_every_scale() {
        for scale in [1e-18, 1.0, 1e12] {
            let real = [4.0, 2.0, 1.0, 1.0, 1.0].map(|value| value * scale);
            let out = SPEC.compute_vec(&[&real], &[2.0]).unwrap_or_default().concat();
            let (before, last) = (out.get(3).copied().unwrap_or(0.0), out.last().copied().unwrap_or(0.0));
            // Nothing moved within the last window.
            assert!(((last - before) / (scale - before) - 4.0 / 9.0).abs() < 1e-9, "{out:?}");
        }
    }
}
