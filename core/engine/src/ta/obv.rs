//! On-balance volume. O(n), one pass, depends on where the data start.

use serde::{Deserialize, Serialize};

use super::kit::simd::Number;
use super::kit::totals::{BLOCK, Flows, Total, flow_totals};
use super::kit::{Input, Memory, Output, Params, Spec, State, TaError, streaming};

/// OBV.
pub const SPEC: Spec = Spec {
    name: "OBV",
    group: "Volume Indicators",
    self_checking: true,
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
        // The first bar has none before it: its block goes bar by bar.
        let (mut state, first) = (OnBalance::begin(), BLOCK.min(out.len()));
        let (head, slots) = out.split_at_mut(first);
        for ((slot, value), volume) in head.iter_mut().zip(*real).zip(*volume) {
            if !(value.is_finite() && volume.is_finite()) {
                return Err(TaError::NotClean);
            }
            *slot = state.add(*value, *volume);
        }
        let (before, now) = (real.split_at(first - 1).1, real.split_at(first).1);
        let later = volume.split_at(first).1;
        // A total of finite volumes is finite, but for an overflow, which is the market's.
        flow_totals(Signed, [before, now, later], &mut [state.total], slots).map(drop)
    },
    stream: Some(streaming::<OnBalance, 2, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct OnBalance {
    last: Option<f64>,
    total: Total,
}

impl OnBalance {
    fn begin() -> Self {
        Self { last: None, total: Total::default() }
    }

    fn add(&mut self, value: f64, volume: f64) -> f64 {
        let flow = self.last.replace(value).map_or(volume, |previous| signed([previous, value, volume]));
        self.total.next(flow)
    }
}

impl State<2, 1> for OnBalance {
    fn new(_: &Params) -> Result<Self, TaError> {
        Ok(Self::begin())
    }

    fn next(&mut self, [value, volume]: [f64; 2]) -> Option<[f64; 1]> {
        Some([self.add(value, volume)])
    }
}

/// Volume with the sign of the price's change: of the price before, the price, the volume.
#[inline(always)]
fn signed<N: Number>([previous, value, volume]: [N; 3]) -> N {
    let zero = N::splat(0.0);
    N::if_above(value, previous, volume, N::if_above(previous, value, zero - volume, zero))
}

/// The total of [`signed`] volume.
#[derive(Clone, Copy)]
struct Signed;

impl Flows<3, 1> for Signed {
    #[inline(always)]
    fn of_bar<N: Number>(&self, bar: [N; 3]) -> [N; 1] {
        [signed(bar)]
    }

    #[inline(always)]
    fn shown<N: Number>(&self, [total]: [N; 1]) -> N {
        total
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
