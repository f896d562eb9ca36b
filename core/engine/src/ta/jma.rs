//! Jurik moving average, as reconstructed in the open. O(n), recursive.

use serde::{Deserialize, Serialize};

use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, float, streaming};

/// JMA.
pub const SPEC: Spec = Spec {
    name: "JMA",
    group: "Overlap Studies",
    self_checking: false,
    doc: "Jurik moving average. Jurik's own is closed and differs: this is the open reconstruction most used on TradingView, three stages with a fixed weight; the one with volatility bands (pandas-ta) gives other values. Begins with the first value, where TradingView's begins at 0 and needs a while.",
    formula: "b = 0.45(n-1)/(0.45(n-1)+2), a = b^power, p = 1.5+phase/100; e0 += (1-a)(x-e0); e1 += (1-b)((x-e0)-e1); e2 = (1-a)^2 (e0+p*e1-JMA[-1]) + a^2 e2[-1]; JMA = JMA[-1] + e2",
    source: "Reconstruction published by everget, Jurik Moving Average, TradingView, 2018; the original is Mark Jurik's, 1998, unpublished",
    inputs: &[Input::Real],
    params: &[
        Param::period("timeperiod", 7.0, 1.0, "bars; larger is smoother"),
        Param::between("phase", 50.0, -100.0, 100.0, "-100: no overshoot, slow; 100: quick, overshoots"),
        Param::between("power", 2.0, 0.1, 10.0, "larger follows faster"),
    ],
    outputs: &[Output::float("real", "average, in the input's unit")],
    lookback: |_| Ok(0),
    memory: Memory::History,
    seeded: false,
    kernel: batch::<Jurik, 1, 1>,
    stream: Some(streaming::<Jurik, 1, 1>),
};

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Stages {
    smooth: f64,
    detrend: f64,
    step: f64,
    average: f64,
}

#[derive(Clone, Serialize, Deserialize)]
struct Jurik {
    beta: f64,
    alpha: f64,
    phase: f64,
    stages: Option<Stages>,
}

impl State<1, 1> for Jurik {
    fn new(params: &Params) -> Result<Self, TaError> {
        let length = 0.45 * float(params.int(0)? - 1);
        let beta = length / (length + 2.0);
        Ok(Self { beta, alpha: beta.powf(params.real(2)?), phase: 1.5 + params.real(1)? / 100.0, stages: None })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        let (alpha, beta) = (self.alpha, self.beta);
        let before = self.stages.unwrap_or(Stages { smooth: value, detrend: 0.0, step: 0.0, average: value });
        let smooth = before.smooth + (1.0 - alpha) * (value - before.smooth);
        let detrend = before.detrend + (1.0 - beta) * ((value - smooth) - before.detrend);
        let distance = smooth + self.phase * detrend - before.average;
        let step = (1.0 - alpha) * (1.0 - alpha) * distance + alpha * alpha * before.step;
        let average = before.average + step;
        self.stages = Some(Stages { smooth, detrend, step, average });
        Some([average])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn goes_through_three_stages() {
        // A period that makes beta 0.9 / 2.9; phase 0, power 1: alpha = beta. From 0 to 1 in one step.
        let out = SPEC.compute_vec(&[&[0.0, 1.0]], &[3.0, 0.0, 1.0]).unwrap_or_default().concat();
        let beta = 0.9_f64 / 2.9;
        let smooth = 1.0 - beta;
        let detrend = (1.0 - beta) * beta;
        let expected = (1.0 - beta) * (1.0 - beta) * (smooth + 1.5 * detrend);
        assert_eq!(out.first(), Some(&0.0));
        assert!(out.get(1).is_some_and(|value| (value - expected).abs() < 1e-15), "{out:?}");
    }

    #[test]
    fn a_period_of_one_is_the_series_itself() {
        let series = [3.0, 5.0, 4.0];
        assert_eq!(SPEC.compute_vec(&[&series], &[1.0]).unwrap_or_default().concat(), series);
    }
}
