//! On-balance volume. O(n), one pass, depends on where the data start.

use serde::{Deserialize, Serialize};

use super::kit::simd::Number;
use super::kit::totals::{CHUNK, Each, Total, accumulate, each};
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
        // First the signed volume, which has no chain, then its running total.
        if !volume.first().is_some_and(|first| first.is_finite())
            || !real.first().is_some_and(|first| first.is_finite())
        {
            return Err(TaError::NotClean);
        }
        let (before, now) = (real.split_at(real.len().saturating_sub(1)).0, real.split_at(real.len().min(1)).1);
        let later = volume.split_at(volume.len().min(1)).1;
        each(Signed, [before, now, later], out.split_at_mut(out.len().min(1)).1)?;
        out.iter_mut().zip(*volume).take(1).for_each(|(slot, first)| *slot = *first);
        let mut total = Total::default();
        out.chunks_mut(CHUNK).for_each(|chunk| accumulate(&mut total, chunk));
        Ok(())
    },
    stream: Some(streaming::<OnBalance, 2, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct OnBalance {
    last: Option<f64>,
    total: Total,
}

impl State<2, 1> for OnBalance {
    fn new(_: &Params) -> Result<Self, TaError> {
        Ok(Self { last: None, total: Total::default() })
    }

    fn next(&mut self, [value, volume]: [f64; 2]) -> Option<[f64; 1]> {
        let flow = self.last.replace(value).map_or(volume, |previous| Signed.of([previous, value, volume]));
        Some([self.total.next(flow)])
    }
}

/// Volume with the sign of the price's change: of the price before, the price, the volume.
#[derive(Clone, Copy)]
struct Signed;

impl Each<3> for Signed {
    #[inline(always)]
    fn of<N: Number>(&self, [previous, value, volume]: [N; 3]) -> N {
        let zero = N::splat(0.0);
        N::if_above(value, previous, volume, N::if_above(previous, value, zero - volume, zero))
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
