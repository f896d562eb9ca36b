//! Moving average convergence / divergence with fixed averages. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::{Average, Ma};
use super::kit::momentum::{Convergence, FastAndSlow};
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// Bars and weight of the fast and of the slow average.
const FAST: (usize, f64) = (12, 0.15);
const SLOW: (usize, f64) = (26, 0.075);

/// MACDFIX.
pub const SPEC: Spec = Spec {
    name: "MACDFIX",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "MACD with Appel's fixed averages of 12 and 26 bars, whose weights are 0.15 and 0.075.",
    formula: "macd = EMA(x, 0.15) - EMA(x, 0.075); macdsignal = EMA(macd, signal); macdhist = macd - macdsignal",
    source: "TA-Lib 0.8.2 TA_MACDFIX (both EMAs start at bar 25); G. Appel",
    inputs: &[Input::Real],
    params: &[Param::period("signalperiod", 9.0, 1.0, "bars of the signal's EMA")],
    outputs: &[
        Output::float("macd", "fast minus slow, in the input's unit; above 0 the short trend is the higher one"),
        Output::float("macdsignal", "smoothed macd"),
        Output::float("macdhist", "macd minus macdsignal; its sign change is the usual trigger"),
    ],
    lookback: |params| Ok(SLOW.0 - 1 + params.int(0)? - 1),
    memory: Memory::History,
    seeded: true,
    kernel: batch::<FixedMacd, 1, 3>,
    stream: Some(streaming::<FixedMacd, 1, 3>),
};

#[derive(Clone, Serialize, Deserialize)]
struct FixedMacd {
    convergence: Convergence,
}

impl State<1, 3> for FixedMacd {
    fn new(params: &Params) -> Result<Self, TaError> {
        let averages = FastAndSlow::weighted(FAST, SLOW, params.seed());
        let signal = Ma::new(Average::Ema, params.int(0)?, params.seed())?;
        Ok(Self { convergence: Convergence::new(averages, signal) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 3]> {
        self.convergence.next(value)
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn the_averages_have_their_own_weights() {
        // 26 bars of 0, then 1: the averages are 0.15 and 0.075 of it.
        let real: Vec<f64> = (0..27).map(|i| if i < 26 { 0.0 } else { 1.0 }).collect();
        let outputs = SPEC.compute_vec(&[&real], &[1.0]).unwrap_or_default();
        for (output, expected) in outputs.iter().zip([0.075, 0.075, 0.0]) {
            let last = output.last().copied().unwrap_or(f64::NAN);
            assert!((last - expected).abs() < 1e-12 && output.get(25).is_some_and(|value| *value == 0.0), "{output:?}");
            assert!(output.iter().take(25).all(|value| value.is_nan()));
        }
    }
}
