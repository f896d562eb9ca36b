//! Percentage price oscillator. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::momentum::FastAndSlow;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, ratio_or_zero, streaming};

/// PPO.
pub const SPEC: Spec = Spec {
    name: "PPO",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Percentage price oscillator: a fast minus a slow moving average, in percent of the slow one.",
    formula: "100 * (MA(x, fast) - MA(x, slow)) / MA(x, slow), 0 if the slow one is 0",
    source: "TA-Lib 0.8.2 TA_PPO (each average starts with the first bar; a fast longer than slow is swapped)",
    inputs: &[Input::Real],
    params: &[
        Param::period("fastperiod", 12.0, 2.0, "bars of the fast average"),
        Param::period("slowperiod", 26.0, 2.0, "bars of the slow average"),
        Param::average("matype", "kind of both averages").or(1.0),
    ],
    outputs: &[Output::float("real", "percent; above 0 the short trend is the higher one")],
    lookback: |params| {
        let kind = params.average(2)?;
        Ok(FastAndSlow::lookback((kind, params.int(0)?), (kind, params.int(1)?)))
    },
    memory: Memory::History,
    seeded: true,
    kernel: batch::<PercentageOscillator, 1, 1>,
    stream: Some(streaming::<PercentageOscillator, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct PercentageOscillator {
    averages: FastAndSlow,
}

impl State<1, 1> for PercentageOscillator {
    fn new(params: &Params) -> Result<Self, TaError> {
        let kind = params.average(2)?;
        let averages = FastAndSlow::new((kind, params.int(0)?), (kind, params.int(1)?), params.seed())?;
        Ok(Self { averages })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.averages.next(value).map(|(fast, slow)| [100.0 * ratio_or_zero(fast - slow, slow)])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_distance_in_percent_of_the_slow_average() {
        let out = SPEC.compute_vec(&[&[1.0, 2.0, 9.0, 1.0, -10.0]], &[2.0, 3.0, 0.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        // 5.5 over 4, 5 over 4, -4.5 over 0
        assert_eq!(out.get(2..), Some(&[37.5, 25.0, 0.0][..]));
    }
}
