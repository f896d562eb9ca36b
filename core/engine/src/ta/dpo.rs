//! Detrended price oscillator. O(n) for every period.

use serde::{Deserialize, Serialize};

use super::kit::averages::Sma;
use super::kit::ring::Ring;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// DPO.
pub const SPEC: Spec = Spec {
    name: "DPO",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Detrended price oscillator: a value half a window back minus the mean of the window; shows cycles, not trend.",
    formula: "DPO[i] = x[i - (n/2 + 1)] - SMA(x, n)[i], n/2 rounded down",
    source: "TA-Lib 0.8.2 TA_DPO (not centred: nothing is drawn before it is known)",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 20.0, 2.0, "bars of the mean")],
    outputs: &[Output::float("real", "in the input's unit; above 0 the middle of the window stood above its mean")],
    lookback: |params| params.int(0).map(|period| (period - 1).max(back(period))),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Detrended, 1, 1>,
    stream: Some(streaming::<Detrended, 1, 1>),
};

/// How far back the value is that is compared with the mean.
const fn back(period: usize) -> usize {
    period / 2 + 1
}

#[derive(Clone, Serialize, Deserialize)]
struct Detrended {
    past: Ring,
    mean: Sma,
}

impl State<1, 1> for Detrended {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { past: Ring::new(back(period)), mean: Sma::new(period) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        let (past, mean) = (self.past.push(value), self.mean.next(value));
        past.zip(mean).map(|(past, mean)| [past - mean])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_an_older_value_minus_the_mean() {
        let out = SPEC.compute_vec(&[&[1.0, 5.0, 3.0, 7.0, 1.0]], &[4.0]).unwrap_or_default().concat();
        assert!(out.iter().take(3).all(|value| value.is_nan()));
        // three bars back: 1 - 4, 5 - 4
        assert_eq!(out.get(3..), Some(&[-3.0, 1.0][..]));
    }

    #[test]
    fn with_two_bars_the_older_value_lies_outside_the_mean() {
        let out = SPEC.compute_vec(&[&[1.0, 5.0, 3.0]], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.get(2..), Some(&[-3.0][..]));
        assert!(out.iter().take(2).all(|value| value.is_nan()));
    }
}
