//! Accumulation / distribution line. O(n), one pass, depends on where the data start.

use serde::{Deserialize, Serialize};

use super::kit::flows::{MoneyFlow, money_flow};
use super::kit::totals::{Total, flow_totals};
use super::kit::{Input, Memory, Output, Params, Spec, State, TaError, streaming};

/// AD.
pub const SPEC: Spec = Spec {
    name: "AD",
    group: "Volume Indicators",
    self_checking: true,
    doc: "Chaikin's accumulation / distribution line: the running total of volume, weighted by where in its range a bar closed.",
    formula: "AD[i] = AD[i-1] + volume * ((close-low) - (high-close)) / (high-low), nothing added where high is not above low",
    source: "TA-Lib 0.8.2 TA_AD",
    inputs: &[Input::High, Input::Low, Input::Close, Input::Volume],
    params: &[],
    outputs: &[Output::float("real", "running volume; only its changes mean something")],
    lookback: |_| Ok(0),
    memory: Memory::History,
    seeded: false,
    kernel: |inputs, _, outputs| {
        let ([high, low, close, volume], [out]) = (inputs, outputs) else {
            return Err(TaError::Wiring { what: "series" });
        };
        // Totals of finite flows are finite, but for an overflow, which is the market's.
        flow_totals(MoneyFlow, [*high, *low, *close, *volume], &mut [Total::default()], out).map(drop)
    },
    stream: Some(streaming::<Distribution, 4, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Distribution {
    total: Total,
}

impl State<4, 1> for Distribution {
    fn new(_: &Params) -> Result<Self, TaError> {
        Ok(Self { total: Total::default() })
    }

    fn next(&mut self, bar: [f64; 4]) -> Option<[f64; 1]> {
        Some([self.total.next(money_flow(bar))])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn adds_volume_by_where_the_bar_closed() {
        let (high, low, close, volume) = ([4.0, 4.0, 4.0], [0.0, 0.0, 4.0], [4.0, 1.0, 4.0], [10.0, 8.0, 5.0]);
        let out = SPEC.compute_vec(&[&high, &low, &close, &volume], &[]).unwrap_or_default().concat();
        assert_eq!(out, [10.0, 6.0, 6.0]);
    }
}
