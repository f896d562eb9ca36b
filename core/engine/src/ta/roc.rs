//! Rate of change. O(n), one pass.

use serde::{Deserialize, Serialize};

use super::kit::ring::Ring;
use super::kit::simd::Number;
use super::kit::totals::{Each, each};
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, streaming};

/// ROC.
pub const SPEC: Spec = Spec {
    name: "ROC",
    group: "Momentum Indicators",
    self_checking: true,
    doc: "Rate of change: the change over timeperiod bars in percent of the older value.",
    formula: "ROC[i] = 100 * (x[i] / x[i-n] - 1), 0 if x[i-n] = 0",
    source: "TA-Lib 0.8.2 TA_ROC",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 10.0, 1.0, "bars to look back")],
    outputs: &[Output::float("real", "change in percent")],
    lookback: |params| params.int(0),
    memory: Memory::Window,
    seeded: false,
    kernel: |inputs, params, outputs| {
        let ([real], [out]) = (inputs, outputs) else { return Err(TaError::Wiring { what: "series" }) };
        let period = params.int(0)?;
        // Bars that are neither a value nor a past one yet.
        if real.len() < 2 * period && !real.iter().all(|value| value.is_finite()) {
            return Err(TaError::NotClean);
        }
        let now = real.split_at(period.min(real.len())).1;
        each(Change, [now, real], out)?;
        Ok(())
    },
    stream: Some(streaming::<RateOfChange, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct RateOfChange {
    past: Ring,
}

impl State<1, 1> for RateOfChange {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { past: Ring::new(params.int(0)?) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.past.push(value).map(|past| [Change.of([value, past])])
    }
}

/// Of a value and the one before it.
#[derive(Clone, Copy)]
struct Change;

impl Each<2> for Change {
    #[inline(always)]
    fn of<N: Number>(&self, [value, past]: [N; 2]) -> N {
        N::if_equal(past, N::splat(0.0), N::splat(0.0), (value / past - N::splat(1.0)) * N::splat(100.0))
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_change_in_percent() {
        let out = SPEC.compute_vec(&[&[2.0, 0.0, 3.0, 3.0]], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.get(2..), Some(&[50.0, 0.0][..]));
    }
}
