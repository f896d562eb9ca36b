//! Beta of one series against another in a rolling window. O(n) amortised; centred sums, see `kit::pairs`.

use serde::{Deserialize, Serialize};

use super::kit::pairs::RollingPairs;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, ratio_or_zero, streaming};

/// BETA.
pub const SPEC: Spec = Spec {
    name: "BETA",
    group: "Statistic Functions",
    self_checking: false,
    doc: "Slope of the second series' returns on the first's, over the last timeperiod returns.",
    formula: "r = x[i] / x[i-1] - 1 (0 after a price of 0); beta = cov(r0, r1) / var(r0), 0 if var(r0) is 0",
    source: "TA-Lib 0.8.2 TA_BETA: the first series is the market, the second the asset",
    inputs: &[Input::Real0, Input::Real1],
    params: &[Param::period("timeperiod", 5.0, 1.0, "returns in the window")],
    outputs: &[Output::float("real", "1 moves with the market, 2 twice as much, 0 not at all")],
    lookback: |params| params.int(0),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Beta, 2, 1>,
    stream: Some(streaming::<Beta, 2, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Beta {
    previous: Option<[f64; 2]>,
    returns: RollingPairs,
}

impl State<2, 1> for Beta {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { previous: None, returns: RollingPairs::new(params.int(0)?) })
    }

    fn next(&mut self, [left, right]: [f64; 2]) -> Option<[f64; 1]> {
        let [old_left, old_right] = self.previous.replace([left, right])?;
        let returns = [ratio_or_zero(left - old_left, old_left), ratio_or_zero(right - old_right, old_right)];
        let spreads = self.returns.next(returns)?;
        Some([ratio_or_zero(spreads.both, spreads.left)])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_two_where_the_asset_moves_twice_as_much() {
        // Returns of the market 1, 0, 0.5, -0.5; of the asset 2, 0, 1, -1.
        let (market, asset) = ([1.0, 2.0, 2.0, 3.0, 1.5], [1.0, 3.0, 3.0, 6.0, 0.0]);
        let out = SPEC.compute_vec(&[&market, &asset], &[3.0]).unwrap_or_default().concat();
        assert!(out.iter().take(3).all(|value| value.is_nan()));
        assert!(out.iter().skip(3).all(|beta| (beta - 2.0).abs() < 1e-14), "{out:?}");
        let still = SPEC.compute_vec(&[&asset.map(|_| 7.0), &asset], &[3.0]).unwrap_or_default().concat();
        assert_eq!(still.get(3..), Some(&[0.0, 0.0][..]));
    }
}
