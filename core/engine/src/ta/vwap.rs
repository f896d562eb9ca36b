//! Volume weighted average price. O(n), one pass, depends on where the data start.

use serde::{Deserialize, Serialize};

use super::kit::{Input, Memory, Output, Params, Spec, State, TaError, batch, streaming};

/// VWAP.
pub const SPEC: Spec = Spec {
    name: "VWAP",
    group: "Volume Indicators",
    doc: "Volume weighted average price since the first bar: what a share of all that was traded cost.",
    formula: "sum((high+low+close)/3 * volume) / sum(volume) since the first bar; 0 before there is volume",
    source: "TA-Lib 0.8.2 TA_VWAP",
    inputs: &[Input::High, Input::Low, Input::Close, Input::Volume],
    params: &[],
    outputs: &[Output::float("real", "a price")],
    lookback: |_| Ok(0),
    memory: Memory::History,
    seeded: false,
    kernel: batch::<AveragePaid, 4, 1>,
    stream: Some(streaming::<AveragePaid, 4, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct AveragePaid {
    money: f64,
    volume: f64,
    price: f64,
}

impl State<4, 1> for AveragePaid {
    fn new(_: &Params) -> Result<Self, TaError> {
        Ok(Self { money: 0.0, volume: 0.0, price: 0.0 })
    }

    fn next(&mut self, [high, low, close, volume]: [f64; 4]) -> Option<[f64; 1]> {
        self.money += (high + low + close) / 3.0 * volume;
        self.volume += volume;
        if self.volume > 0.0 {
            self.price = self.money / self.volume;
        }
        Some([self.price])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn weighs_the_typical_price_by_volume() {
        let (price, volume) = ([3.0, 2.0, 6.0, 9.0], [0.0, 3.0, 1.0, 0.0]);
        let out = SPEC.compute_vec(&[&price, &price, &price, &volume], &[]).unwrap_or_default().concat();
        assert_eq!(out, [0.0, 2.0, 3.0, 3.0]);
    }
}
