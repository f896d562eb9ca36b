//! Forecast oscillator. O(n) for every period.

use serde::{Deserialize, Serialize};

use super::kit::moments::{Reading, RollingLine};
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, float, ratio_or_zero, streaming};

/// FOSC.
pub const SPEC: Spec = Spec {
    name: "FOSC",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Forecast oscillator: by how many percent of itself a value misses the line through the values before it.",
    formula: "FOSC[i] = 100 * (x[i] - F) / x[i], 0 if x[i] = 0; F: the line through x[i-n..i-1], one bar on",
    source: "TA-Lib 0.8.2 TA_FOSC; T. Chande and S. Kroll, The New Technical Trader, 1994",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 5.0, 2.0, "bars of the least-squares line")],
    outputs: &[Output::float("real", "percent; above 0 the value is above its forecast")],
    lookback: |params| params.int(0),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<ForecastMiss, 1, 1>,
    stream: Some(streaming::<ForecastMiss, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct ForecastMiss {
    window: RollingLine,
    ahead: Reading,
    /// For the next bar.
    forecast: Option<f64>,
}

impl State<1, 1> for ForecastMiss {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { window: RollingLine::new(period), ahead: Reading::height(period, float(period)), forecast: None })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        let ahead = self.window.next(value).map(|sums| sums.height(self.ahead));
        let forecast = std::mem::replace(&mut self.forecast, ahead)?;
        Some([100.0 * ratio_or_zero(value - forecast, value)])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn a_line_goes_on_as_forecast_and_a_bend_does_not() {
        let out = SPEC.compute_vec(&[&[1.0, 2.0, 3.0, 4.0, 10.0, 0.0]], &[3.0]).unwrap_or_default().concat();
        assert!(out.iter().take(3).all(|value| value.is_nan()));
        // forecasts 4 and 5; of 0 there is no percentage
        let expected = [0.0, 50.0, 0.0];
        assert!(out.iter().skip(3).zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{out:?}");
    }
}
