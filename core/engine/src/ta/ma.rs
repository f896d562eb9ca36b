//! Moving average of any kind. O(n), one pass.

use serde::{Deserialize, Serialize};

use super::kit::averages::Ma;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// MA.
pub const SPEC: Spec = Spec {
    name: "MA",
    group: "Overlap Studies",
    self_checking: false,
    doc: "Moving average of any kind.",
    formula: "the average matype names, over n values: 0 SMA, 1 EMA, 2 WMA, 3 DEMA, 4 TEMA, 5 TRIMA, 6 KAMA, 7 MAMA, 8 T3, \
              9 HMA, 10 none, 11 the default, 12 ZLEMA, 13 RMA",
    source: "TA-Lib 0.8.2 TA_MA",
    inputs: &[Input::Real],
    params: &[
        Param::period("timeperiod", 30.0, 1.0, "bars; 1 is the input itself, for every kind; MAMA has none"),
        Param::average("matype", "kind of average"),
    ],
    outputs: &[Output::float("real", "average, in the input's unit")],
    lookback: |params| Ok(params.average(1)?.lookback(params.int(0)?)),
    memory: Memory::History,
    seeded: true,
    kernel: batch::<AnyAverage, 1, 1>,
    stream: Some(streaming::<AnyAverage, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct AnyAverage {
    average: Ma,
}

impl State<1, 1> for AnyAverage {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { average: Ma::new(params.average(1)?, params.int(0)?, params.seed())? })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        self.average.next(value).map(|average| [average])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    fn last(matype: f64) -> f64 {
        let out = SPEC.compute_vec(&[&[3.0, 0.0, 6.0]], &[3.0, matype]).unwrap_or_default().concat();
        out.last().copied().unwrap_or(f64::INFINITY)
    }

    #[test]
    fn numbers_name_the_kinds() {
        // Simple, exponential (seeded with the mean), weighted 1-2-3, Hull of one half-period bar, none, the default.
        let expected = [(0.0, 3.0), (1.0, 3.0), (2.0, 3.5), (9.0, 8.5), (10.0, 6.0), (11.0, 3.0), (13.0, 3.0)];
        for (matype, value) in expected {
            assert_eq!(last(matype), value, "{matype}");
        }
    }
}
