//! Ulcer index. O(n) amortised.

use serde::{Deserialize, Serialize};

use super::kit::averages::Sma;
use super::kit::windows::Extreme;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, ratio_or_zero, streaming};

/// ULCER.
pub const SPEC: Spec = Spec {
    name: "ULCER",
    group: "Volatility Indicators",
    self_checking: false,
    doc: "Ulcer index: root mean square of the falls from the highest close of the last timeperiod bars, so only the way down counts. Each fall is measured in a window of its own, as StockCharts and TradingView do; Martin's own counts from the beginning of the one window.",
    formula: "D[i] = 100*(x[i] - max(x[i-n+1..i]))/max(x[i-n+1..i]); ULCER = sqrt(mean(D^2, n))",
    source: "Peter Martin and Byron McCann, The Investor's Guide to Fidelity Funds, 1989; convention: StockCharts",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 14.0, 1.0, "bars of the maximum and of the mean")],
    outputs: &[Output::float("real", "percent; 0 where no close is below the highest before it")],
    lookback: |params| Ok(2 * (params.int(0)? - 1)),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Ulcer, 1, 1>,
    stream: Some(streaming::<Ulcer, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Ulcer {
    highest: Extreme,
    mean: Sma,
}

impl State<1, 1> for Ulcer {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { highest: Extreme::highest(period), mean: Sma::new(period) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        let highest = self.highest.next(value)?;
        let fall = 100.0 * ratio_or_zero(value - highest, highest);
        self.mean.next(fall * fall).map(|mean| [mean.sqrt()])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn only_falls_count() {
        // falls 0, 10 %, 0 (the window of two has forgotten 100): means 50 and 50
        let out = SPEC.compute_vec(&[&[80.0, 100.0, 90.0, 95.0]], &[2.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        assert!(out.iter().skip(2).all(|value| (value - 50.0_f64.sqrt()).abs() < 1e-12), "{out:?}");
    }
}
