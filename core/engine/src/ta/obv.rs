//! On-balance volume. O(n), one pass, depends on where the data start.

use super::kit::{Input, Output, Spec, TaError};

/// OBV.
pub const SPEC: Spec = Spec {
    name: "OBV",
    group: "Volume Indicators",
    doc: "On-balance volume: the sum of volume, added on a rise and subtracted on a fall.",
    formula: "OBV[0] = volume[0]; OBV[i] = OBV[i-1] + sign(x[i] - x[i-1]) * volume[i]",
    source: "TA-Lib 0.8.2 TA_OBV; J. Granville, 1963",
    inputs: &[Input::Real, Input::Volume],
    params: &[],
    outputs: &[Output::float("real", "running volume; only its changes mean something")],
    lookback: |_| Ok(0),
    kernel: |inputs, _, outputs| {
        let ([real, volume], [out]) = (inputs, outputs) else { return Err(TaError::Wiring { what: "series" }) };
        let mut total = volume.first().copied().unwrap_or(0.0);
        let mut previous = real.first().copied().unwrap_or(0.0);
        for ((slot, &value), &volume) in out.iter_mut().zip(*real).zip(*volume).skip(1) {
            total += signed(value, previous, volume);
            previous = value;
            *slot = total;
        }
        if let (Some(slot), Some(&first)) = (out.first_mut(), volume.first()) {
            *slot = first;
        }
        Ok(())
    },
};

/// A NaN price has no direction, so the level is unknown from there on (TA-Lib silently leaves the bar out).
fn signed(value: f64, previous: f64, volume: f64) -> f64 {
    if value > previous {
        volume
    } else if value < previous {
        -volume
    } else if value == previous {
        0.0
    } else {
        f64::NAN
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn adds_on_a_rise_and_subtracts_on_a_fall() {
        let out = SPEC.compute_vec(&[&[1.0, 2.0, 2.0, 1.0], &[10.0, 20.0, 30.0, 40.0]], &[]).unwrap_or_default();
        assert_eq!(out.concat(), [10.0, 30.0, 30.0, -10.0]);
    }
}
