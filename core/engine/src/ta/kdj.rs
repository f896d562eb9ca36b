//! KDJ. O(n) for every period.

use serde::{Deserialize, Serialize};

use super::kit::momentum::SlowStochastic;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// KDJ.
pub const SPEC: Spec = Spec {
    name: "KDJ",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "KDJ: the slow stochastic with Wilder's averages, and a third line that runs ahead of the two.",
    formula: "fastk as in STOCH; k = MA(fastk); d = MA(k); j = 3*k - 2*d",
    source: "TA-Lib 0.8.2 TA_KDJ",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[
        Param::period("fastk_period", 9.0, 1.0, "bars of the high-low window"),
        Param::period("slowk_period", 3.0, 1.0, "bars of the first smoothing"),
        Param::average("slowk_matype", "kind of the first smoothing").or(13.0),
        Param::period("slowd_period", 3.0, 1.0, "bars of the second smoothing"),
        Param::average("slowd_matype", "kind of the second smoothing").or(13.0),
    ],
    outputs: &[
        Output::float("k", "0..100; above 80 is commonly called overbought, below 20 oversold"),
        Output::float("d", "smoothed k"),
        Output::float("j", "may leave 0..100; above 100 and below 0 are called extreme"),
    ],
    lookback: SlowStochastic::lookback,
    memory: Memory::History,
    seeded: true,
    kernel: batch::<Kdj, 3, 3>,
    stream: Some(streaming::<Kdj, 3, 3>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Kdj {
    slow: SlowStochastic,
}

impl State<3, 3> for Kdj {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { slow: SlowStochastic::new(params)? })
    }

    fn next(&mut self, bar: [f64; 3]) -> Option<[f64; 3]> {
        self.slow.next(bar).map(|[k, d]| [k, d, 3.0 * k - 2.0 * d])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn the_third_line_runs_ahead() {
        let (high, low, close) = ([4.0, 5.0, 6.0, 6.0], [0.0, 1.0, 2.0, 2.0], [2.0, 3.0, 5.0, 2.0]);
        let outputs = SPEC.compute_vec(&[&high, &low, &close], &[2.0, 1.0, 0.0, 2.0, 0.0]).unwrap_or_default();
        let tails: Vec<_> = outputs.iter().map(|output| output.get(2..).unwrap_or_default()).collect();
        // fastk of bars 1, 2, 3: 60, 80, 0
        assert_eq!(tails, [[80.0, 0.0], [70.0, 40.0], [100.0, -80.0]]);
    }
}
