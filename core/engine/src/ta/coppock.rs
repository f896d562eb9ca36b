//! Coppock curve. O(n) for every period.

use serde::{Deserialize, Serialize};

use super::kit::averages::Wma;
use super::kit::ring::Ring;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// COPPOCK.
pub const SPEC: Spec = Spec {
    name: "COPPOCK",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Coppock curve: the weighted mean of two rates of change; a turn up from below 0 is its signal on months.",
    formula: "WMA(ROC(x, roc1) + ROC(x, roc2), wma)",
    source: "TA-Lib 0.8.2 TA_COPPOCK; E. Coppock, Barron's magazine",
    inputs: &[Input::Real],
    params: &[
        Param::period("wmaperiod", 10.0, 1.0, "bars of the weighted mean"),
        Param::period("roc1period", 11.0, 1.0, "bars the one rate of change looks back"),
        Param::period("roc2period", 14.0, 1.0, "bars the other rate of change looks back"),
    ],
    outputs: &[Output::float("real", "percent")],
    lookback: |params| Ok(params.int(1)?.max(params.int(2)?) + params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Coppock, 1, 1>,
    stream: Some(streaming::<Coppock, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Coppock {
    one: Ring,
    other: Ring,
    mean: Wma,
}

impl State<1, 1> for Coppock {
    fn new(params: &Params) -> Result<Self, TaError> {
        let (one, other) = (Ring::new(params.int(1)?), Ring::new(params.int(2)?));
        Ok(Self { one, other, mean: Wma::new(params.int(0)?) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        let change = |past: f64| if past == 0.0 { 0.0 } else { (value / past - 1.0) * 100.0 };
        let (one, other) = self.one.push(value).map(change).zip(self.other.push(value).map(change))?;
        self.mean.next(one + other).map(|mean| [mean])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_weighted_mean_of_two_changes() {
        let out = SPEC.compute_vec(&[&[1.0, 2.0, 4.0, 2.0, 2.0]], &[2.0, 2.0, 3.0]).unwrap_or_default().concat();
        assert!(out.iter().take(4).all(|value| value.is_nan()));
        // 0 + 100, then -50 + 0: (100 + 2 * -50) / 3
        assert!(out.get(4).is_some_and(|value| value.abs() < 1e-12), "{out:?}");
    }
}
