//! Angle of the least-squares line through a rolling window. O(n) amortised; centred sums, see `kit::windows`.

use serde::{Deserialize, Serialize};

use super::kit::moments::{Reading, RollingLine};
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// LINEARREG_ANGLE.
pub const SPEC: Spec = Spec {
    name: "LINEARREG_ANGLE",
    group: "Statistic Functions",
    self_checking: false,
    doc: "Angle of the least-squares line through the last timeperiod values.",
    formula: "atan(slope) in degrees",
    source: "TA-Lib 0.8.2 TA_LINEARREG_ANGLE",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars in the window")],
    outputs: &[Output::float("real", "-90..90 degrees; depends on the input's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Angle, 1, 1>,
    stream: Some(streaming::<Angle, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Angle {
    window: RollingLine,
    slope: Reading,
}

impl State<1, 1> for Angle {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { window: RollingLine::new(period), slope: Reading::slope(period) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.window.next(value).map(|sums| [sums.slope(self.slope).atan().to_degrees()])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn lies_on_the_line() {
        // Through 1 3 5: 1 + 2 t. Through 3 5 4: 3.5 + 0.5 t.
        let out = SPEC.compute_vec(&[&[1.0, 3.0, 5.0, 4.0]], &[3.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        assert!(
            out.iter().skip(2).zip([63.434_948_822_922_01, 26.565_051_177_077_99]).all(|(a, b)| (a - b).abs() < 1e-13),
            "{out:?}"
        );
    }
}
