//! Bollinger bands. O(n).

use serde::{Deserialize, Serialize};

use super::kit::averages::Ma;
use super::kit::windows::RollingMoments;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, float, streaming};

/// BBANDS.
pub const SPEC: Spec = Spec {
    name: "BBANDS",
    group: "Overlap Studies",
    self_checking: false,
    doc: "Bollinger bands: a moving average and bands nbdev standard deviations above and below it.",
    formula: "middle = MA(x, n); upper = middle + nbdevup * STDDEV(x, n); lower = middle - nbdevdn * STDDEV(x, n)",
    source: "TA-Lib 0.8.2 TA_BBANDS (default timeperiod 20 since 0.8)",
    inputs: &[Input::Real],
    params: &[
        Param::period("timeperiod", 20.0, 2.0, "bars in the window"),
        Param::real("nbdevup", 2.0, f64::NEG_INFINITY, "deviations above"),
        Param::real("nbdevdn", 2.0, f64::NEG_INFINITY, "deviations below"),
        Param::average("matype", "kind of the middle band"),
    ],
    outputs: &[
        Output::float("upperband", "middle plus nbdevup deviations"),
        Output::float("middleband", "moving average"),
        Output::float("lowerband", "middle minus nbdevdn deviations"),
    ],
    lookback: |params| {
        let period = params.int(0)?;
        Ok((period - 1).max(params.average(3)?.lookback(period)))
    },
    memory: Memory::History,
    seeded: true,
    kernel: batch::<Bands, 1, 3>,
    stream: Some(streaming::<Bands, 1, 3>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Bands {
    average: Ma,
    window: RollingMoments,
    count: f64,
    up: f64,
    down: f64,
}

impl State<1, 3> for Bands {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        let average = Ma::new(params.average(3)?, period, params.seed())?;
        let window = RollingMoments::new(period);
        Ok(Self { average, window, count: float(period), up: params.real(1)?, down: params.real(2)? })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 3]> {
        let (middle, moments) = (self.average.next(value), self.window.next(value));
        let (middle, moments) = middle.zip(moments)?;
        let deviation = (moments.spread(self.count) / self.count).sqrt();
        Some([middle + deviation * self.up, middle, middle - deviation * self.down])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn bands_stand_off_by_their_own_multiples() {
        let outputs = SPEC.compute_vec(&[&[1.0, 3.0]], &[2.0, 2.0, 3.0]).unwrap_or_default();
        let last: Vec<f64> = outputs.iter().filter_map(|output| output.last().copied()).collect();
        assert_eq!(last, [4.0, 2.0, -1.0]);
    }
}
