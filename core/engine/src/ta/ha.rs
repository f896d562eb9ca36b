//! Heikin-Ashi candles. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::{Input, Memory, Output, Params, Spec, State, TaError, batch, streaming};

/// HA.
pub const SPEC: Spec = Spec {
    name: "HA",
    group: "Price Transform",
    self_checking: false,
    doc: "Heikin-Ashi candles: averaged bars that show a trend as a run of one colour. No prices anybody can trade at.",
    formula: "haclose = (open+high+low+close)/4; haopen[0] = (open+close)/2, haopen[i] = (haopen[i-1]+haclose[i-1])/2; hahigh = max(high, haopen, haclose); halow = min(low, haopen, haclose)",
    source: "TA-Lib 0.8.2 TA_HA",
    inputs: &[Input::Open, Input::High, Input::Low, Input::Close],
    params: &[],
    outputs: &[
        Output::float("haopen", "middle of the averaged bar before"),
        Output::float("hahigh", "highest of the bar and its averages"),
        Output::float("halow", "lowest of the bar and its averages"),
        Output::float("haclose", "mean of the bar's prices"),
    ],
    lookback: |_| Ok(0),
    memory: Memory::History,
    seeded: false,
    kernel: batch::<HeikinAshi, 4, 4>,
    stream: Some(streaming::<HeikinAshi, 4, 4>),
};

#[derive(Clone, Serialize, Deserialize)]
struct HeikinAshi {
    /// Open and close of the averaged bar before.
    body: Option<[f64; 2]>,
}

impl State<4, 4> for HeikinAshi {
    fn new(_: &Params) -> Result<Self, TaError> {
        Ok(Self { body: None })
    }

    fn next(&mut self, [open, high, low, close]: [f64; 4]) -> Option<[f64; 4]> {
        let [left, right] = self.body.unwrap_or([open, close]);
        let (ha_open, ha_close) = ((left + right) / 2.0, (open + high + low + close) / 4.0);
        self.body = Some([ha_open, ha_close]);
        Some([ha_open, high.max(ha_open).max(ha_close), low.min(ha_open).min(ha_close), ha_close])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn averages_the_bar_and_the_body_before() {
        let out = SPEC.compute_vec(&[&[1.0, 6.0], &[4.0, 8.0], &[0.0, 5.0], &[3.0, 7.0]], &[]).unwrap_or_default();
        // close (1+4+0+3)/4 = 2, open (1+3)/2 = 2; then close 6.5, open (2+2)/2 = 2
        assert_eq!(out, [vec![2.0, 2.0], vec![4.0, 8.0], vec![0.0, 2.0], vec![2.0, 6.5]]);
    }
}
