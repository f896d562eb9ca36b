//! Standard-deviation bands around the session's volume-weighted average price. O(n), one pass.

use serde::{Deserialize, Serialize};

use super::kit::weighted::SessionWeighted;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// `VWAP_BANDS`.
pub const SPEC: Spec = Spec {
    name: "VWAP_BANDS",
    group: "Overlap Studies",
    self_checking: false,
    doc: "Session VWAP with bands of volume-weighted standard deviations; NaN until the session has traded. TradingView's ta.vwap with stdev_mult; some platforms leave the volume out of the deviation.",
    formula: "TP = (high+low+close)/3; m = sum(TP*v)/sum(v); s = sqrt(sum(v*(TP-m)^2)/sum(v)); m + nbdevup*s, m, m - nbdevdn*s",
    source: "Berkowitz, Logue and Noser, Journal of Finance 43, 1988 (VWAP); bands: TradingView ta.vwap; updating formulas: West, CACM 22, 1979",
    inputs: &[Input::High, Input::Low, Input::Close, Input::Volume, Input::Session],
    params: &[
        Param::real("nbdevup", 1.0, 0.0, "deviations above"),
        Param::real("nbdevdn", 1.0, 0.0, "deviations below"),
    ],
    outputs: &[
        Output::float("upperband", "VWAP plus nbdevup deviations"),
        Output::float("middleband", "VWAP of the session"),
        Output::float("lowerband", "VWAP minus nbdevdn deviations"),
    ],
    lookback: |_| Ok(0),
    memory: Memory::History,
    seeded: false,
    kernel: batch::<SessionBands, 5, 3>,
    stream: Some(streaming::<SessionBands, 5, 3>),
};

#[derive(Clone, Serialize, Deserialize)]
struct SessionBands {
    traded: SessionWeighted,
    up: f64,
    down: f64,
}

impl State<5, 3> for SessionBands {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { traded: SessionWeighted::default(), up: params.real(0)?, down: params.real(1)? })
    }

    fn next(&mut self, bar: [f64; 5]) -> Option<[f64; 3]> {
        let traded = self.traded.next(bar);
        let (mean, deviation) = (traded.mean(), traded.deviation());
        Some([mean + self.up * deviation, mean, mean - self.down * deviation])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn the_deviation_is_weighted_by_volume() {
        let (price, volume, session) = ([10.0, 20.0, 7.0], [1.0, 3.0, 5.0], [1.0, 1.0, 2.0]);
        let out = SPEC.compute_vec(&[&price, &price, &price, &volume, &session], &[2.0, 1.0]).unwrap_or_default();
        // mean 17.5; (1 * 7.5^2 + 3 * 2.5^2) / 4 = 18.75
        let deviation = 18.75_f64.sqrt();
        let expected = [17.5 + 2.0 * deviation, 17.5, 17.5 - deviation];
        for (output, expected) in out.iter().zip(expected) {
            assert!(output.get(1).is_some_and(|value| (value - expected).abs() < 1e-12), "{output:?}");
            assert_eq!(output.get(2), Some(&7.0));
        }
    }
}
