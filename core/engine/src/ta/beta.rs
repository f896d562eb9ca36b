//! Beta of one series against another in a rolling window. O(n) amortised; centred sums, see `kit::pairs`.

use serde::{Deserialize, Serialize};

use super::kit::lanes::{Blocks, Windows, windowed};
use super::kit::pairs::RollingPairs;
use super::kit::simd::Number;
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, streaming};

/// BETA.
pub const SPEC: Spec = Spec {
    name: "BETA",
    group: "Statistic Functions",
    self_checking: true,
    doc: "Slope of the second series' returns on the first's, over the last timeperiod returns.",
    formula: "r = x[i] / x[i-1] - 1 (0 after a price of 0); beta = cov(r0, r1) / var(r0), 0 if var(r0) is 0",
    source: "TA-Lib 0.8.2 TA_BETA: the first series is the market, the second the asset",
    inputs: &[Input::Real0, Input::Real1],
    params: &[Param::period("timeperiod", 5.0, 1.0, "returns in the window")],
    outputs: &[Output::float("real", "1 moves with the market, 2 twice as much, 0 not at all")],
    lookback: |params| params.int(0),
    memory: Memory::Window,
    seeded: false,
    kernel: windowed::<Beta, 2, 1>,
    stream: Some(streaming::<Beta, 2, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Beta<N = f64> {
    previous: Option<[N; 2]>,
    returns: RollingPairs<N>,
}

impl<N: Number> Windows<N, 2, 1> for Beta<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        Ok(Self { previous: None, returns: RollingPairs::new(params.int(0)?) })
    }

    #[inline(always)]
    fn next(&mut self, [left, right]: [N; 2]) -> Option<[N; 1]> {
        let [old_left, old_right] = self.previous.replace([left, right])?;
        let returns = [(left - old_left).over_or_zero(old_left), (right - old_right).over_or_zero(old_right)];
        let spreads = self.returns.next(returns)?;
        Some([spreads.both.over_or_zero(spreads.left)])
    }
}

impl Blocks<2, 1> for Beta {
    type Over<N: Number> = Beta<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        params.int(0)
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
