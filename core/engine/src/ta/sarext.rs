//! Parabolic stop and reverse with every setting. O(n), one pass, depends on the whole path.

use serde::{Deserialize, Serialize};

use super::kit::lanes::compiled;
use super::kit::parabolic::{Acceleration, Parabolic, Start};
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, streaming};

/// SAREXT.
pub const SPEC: Spec = Spec {
    name: "SAREXT",
    group: "Overlap Studies",
    self_checking: false,
    doc: "Parabolic SAR with its own settings for each side; negative while short.",
    formula: "as SAR; a reversal moves the stop away by offsetonreverse of itself; the sign says long (+) or short (-)",
    source: "TA-Lib 0.8.2 TA_SAREXT",
    inputs: &[Input::High, Input::Low],
    params: &[
        Param::real("startvalue", 0.0, f64::NEG_INFINITY, "first stop: above 0 long, below 0 short, 0 as in SAR"),
        Param::real("offsetonreverse", 0.0, 0.0, "share of the stop by which a reversal moves it away"),
        Param::real("accelerationinitlong", 0.02, 0.0, "af of a new long trade"),
        Param::real("accelerationlong", 0.02, 0.0, "added to af with every new high of a long trade"),
        Param::real("accelerationmaxlong", 0.2, 0.0, "largest af of a long trade"),
        Param::real("accelerationinitshort", 0.02, 0.0, "af of a new short trade"),
        Param::real("accelerationshort", 0.02, 0.0, "added to af with every new low of a short trade"),
        Param::real("accelerationmaxshort", 0.2, 0.0, "largest af of a short trade"),
    ],
    outputs: &[Output::float("real", "price of the stop, with a minus sign while short")],
    lookback: |_| Ok(1),
    memory: Memory::History,
    seeded: false,
    kernel: compiled::<StopAndReverse, 2, 1>,
    stream: Some(streaming::<StopAndReverse, 2, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct StopAndReverse {
    stop: Parabolic,
}

impl State<2, 1> for StopAndReverse {
    fn new(params: &Params) -> Result<Self, TaError> {
        let side = |first| {
            let (start, step, largest) = (params.real(first)?, params.real(first + 1)?, params.real(first + 2)?);
            Ok::<_, TaError>(Acceleration::new(start, step, largest))
        };
        let value = params.real(0)?;
        let start = if value > 0.0 {
            Start::Long(value)
        } else if value < 0.0 {
            Start::Short(-value)
        } else {
            Start::Movement
        };
        Ok(Self { stop: Parabolic::new(side(2)?, side(5)?, start, params.real(1)?) })
    }

    #[inline(always)]
    fn next(&mut self, [high, low]: [f64; 2]) -> Option<[f64; 1]> {
        self.stop.next(high, low).map(|(stop, long)| [if long { stop } else { 0.0 - stop }])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn shows_the_side_by_its_sign_and_moves_a_new_stop_away() {
        let (high, low) = ([10.0, 12.0, 9.0, 8.0], [8.0, 10.0, 7.0, 6.0]);
        let settings = [9.0, 0.25, 0.5, 0.5, 0.5, 0.0, 0.0, 0.5];
        let out = SPEC.compute_vec(&[&high, &low], &settings).unwrap_or_default().concat();
        // Long from 9. Bar 2 falls through its stop: short from 12 and a quarter of 12 more; without acceleration it
        // stays there.
        assert_eq!(out.get(1..), Some(&[9.0, -15.0, -15.0][..]));
    }
}
