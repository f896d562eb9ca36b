//! Tillson's T3. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::{self, Average};
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// T3.
pub const SPEC: Spec = Spec {
    name: "T3",
    group: "Overlap Studies",
    self_checking: false,
    doc: "Tillson's T3: six EMAs in a row, weighted so that the result is smooth and hardly lags.",
    formula: "GD(x) = EMA(x, n)*(1+v) - EMA(EMA(x, n), n)*v; T3 = GD(GD(GD(x)))",
    source: "TA-Lib 0.8.2 TA_T3; Tim Tillson, Better Moving Averages, Stocks and Commodities 16:1, 1998",
    inputs: &[Input::Real],
    params: &[
        Param::period("timeperiod", 5.0, 1.0, "bars of each EMA; 1 is the input itself"),
        Param::between("vfactor", 0.7, 0.0, 1.0, "how much of the lag is taken out; 0 is a plain EMA of EMA of EMA"),
    ],
    outputs: &[Output::float("real", "average, in the input's unit")],
    lookback: |params| Ok(Average::T3.lookback(params.int(0)?)),
    memory: Memory::History,
    seeded: true,
    kernel: batch::<Tillson, 1, 1>,
    stream: Some(streaming::<Tillson, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Tillson {
    /// None with a period of 1: the factors would sum up to 1, but for rounding.
    average: Option<averages::T3>,
}

impl State<1, 1> for Tillson {
    fn new(params: &Params) -> Result<Self, TaError> {
        let (period, factor) = (params.int(0)?, params.real(1)?);
        Ok(Self { average: (period > 1).then(|| averages::T3::new(period, factor, params.seed())) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        match &mut self.average {
            Some(average) => average.next(value).map(|average| [average]),
            None => Some([value]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn trails_a_straight_line_by_what_the_factor_leaves() {
        let real: Vec<f64> = (0..30).map(f64::from).collect();
        // One EMA of 3 trails by 1 bar: GD by 1 - factor bars, T3 by three times that.
        for (factor, lag) in [(0.0, 3.0), (0.5, 1.5), (1.0, 0.0)] {
            let out = SPEC.compute_vec(&[&real], &[3.0, factor]).unwrap_or_default().concat();
            assert!(out.iter().take(12).all(|value| value.is_nan()));
            assert!(out.iter().zip(&real).skip(12).all(|(value, real)| (real - value - lag).abs() < 1e-9), "{out:?}");
        }
    }
}
