//! Chande momentum oscillator, Wilder-smoothed. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::RisesAndFalls;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, ratio_or_zero, streaming};

/// CMO.
pub const SPEC: Spec = Spec {
    name: "CMO",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Chande momentum oscillator: rises minus falls in all movement, Wilder-smoothed; 0 when nothing moved.",
    formula: "CMO = 100 * (G - L) / (G + L); G, L: mean rise and fall, then G[i] = (G[i-1]*(n-1) + rise) / n",
    source: "TA-Lib 0.8.2 TA_CMO (Wilder's smoothing; Chande's own plain sums are CMOU)",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars of Wilder smoothing")],
    outputs: &[Output::float("real", "-100..100; beyond +-50 is commonly called overbought or oversold")],
    lookback: |params| params.int(0),
    memory: Memory::History,
    seeded: false,
    kernel: batch::<ChandeMomentum, 1, 1>,
    stream: Some(streaming::<ChandeMomentum, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct ChandeMomentum {
    changes: RisesAndFalls,
}

impl State<1, 1> for ChandeMomentum {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { changes: RisesAndFalls::new(params.int(0)?) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.changes.next(value).map(|(rise, fall)| [100.0 * ratio_or_zero(rise - fall, rise + fall)])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_rises_minus_falls_in_all_movement() {
        let out = SPEC.compute_vec(&[&[1.0, 4.0, 3.0, 3.0]], &[2.0]).unwrap_or_default().concat();
        // mean rise 1.5, mean fall 0.5; then both halve
        assert_eq!(out.get(2..), Some(&[50.0, 50.0][..]));
    }
}
