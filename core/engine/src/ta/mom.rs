//! Momentum. O(n), one pass.

use serde::{Deserialize, Serialize};

use super::kit::ring::Ring;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, streaming};

/// MOM.
pub const SPEC: Spec = Spec {
    name: "MOM",
    group: "Momentum Indicators",
    doc: "Momentum: the change over timeperiod bars.",
    formula: "MOM[i] = x[i] - x[i-n]",
    source: "TA-Lib 0.8.2 TA_MOM",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 10.0, 1.0, "bars to look back")],
    outputs: &[Output::float("real", "change, in the input's unit")],
    lookback: |params| params.int(0),
    memory: Memory::Window,
    seeded: false,
    kernel: |inputs, params, outputs| {
        let ([real], [out]) = (inputs, outputs) else { return Err(TaError::Wiring { what: "series" }) };
        for ((slot, value), past) in out.iter_mut().zip(real.iter().skip(params.int(0)?)).zip(*real) {
            *slot = value - past;
        }
        Ok(())
    },
    stream: Some(streaming::<Momentum, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Momentum {
    past: Ring,
}

impl State<1, 1> for Momentum {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { past: Ring::new(params.int(0)?) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.past.push(value).map(|past| [value - past])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_change() {
        let out = SPEC.compute_vec(&[&[1.0, 4.0, 2.0, 3.0]], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.get(2..), Some(&[1.0, -1.0][..]));
    }
}
