//! On-balance volume. O(n), one pass, depends on where the data start.

use serde::{Deserialize, Serialize};

use super::kit::{Input, Memory, Output, Params, Spec, State, TaError, streaming};

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
    memory: Memory::History,
    seeded: false,
    kernel: |inputs, _, outputs| {
        let ([real, volume], [out]) = (inputs, outputs) else { return Err(TaError::Wiring { what: "series" }) };
        // First the signed volume, which has no chain, then its running sum.
        let bars = real.iter().zip(real.iter().skip(1)).zip(volume.iter().skip(1));
        for (slot, ((previous, value), volume)) in out.iter_mut().skip(1).zip(bars) {
            *slot = signed(*previous, *value, *volume);
        }
        out.iter_mut().zip(*volume).take(1).for_each(|(slot, first)| *slot = *first);
        let mut total = 0.0;
        for slot in out.iter_mut() {
            total += *slot;
            *slot = total;
        }
        Ok(())
    },
    stream: Some(streaming::<OnBalance, 2, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct OnBalance {
    last: Option<f64>,
    total: f64,
}

impl State<2, 1> for OnBalance {
    fn new(_: &Params) -> Result<Self, TaError> {
        Ok(Self { last: None, total: 0.0 })
    }

    fn next(&mut self, [value, volume]: [f64; 2]) -> Option<[f64; 1]> {
        self.total += self.last.replace(value).map_or(volume, |previous| signed(previous, value, volume));
        Some([self.total])
    }
}

/// Volume with the sign of the price's change.
#[inline(always)]
fn signed(previous: f64, value: f64, volume: f64) -> f64 {
    let fall = if value < previous { -volume } else { 0.0 };
    if value > previous { volume } else { fall }
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
