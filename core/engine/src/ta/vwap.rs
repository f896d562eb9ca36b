//! Volume weighted average price. O(n), one pass, depends on where the data start.

use serde::{Deserialize, Serialize};

use super::kit::simd::Number;
use super::kit::totals::{Flows, Total, flow_totals};
use super::kit::{Input, Memory, Output, Params, Spec, State, TaError, batch, streaming};

/// VWAP.
pub const SPEC: Spec = Spec {
    name: "VWAP",
    group: "Volume Indicators",
    self_checking: true,
    doc: "Volume weighted average price since the first bar: what a share of all that was traded cost.",
    formula: "sum((high+low+close)/3 * volume) / sum(volume) since the first bar; 0 before there is volume",
    source: "TA-Lib 0.8.2 TA_VWAP",
    inputs: &[Input::High, Input::Low, Input::Close, Input::Volume],
    params: &[],
    outputs: &[Output::float("real", "a price")],
    lookback: |_| Ok(0),
    memory: Memory::History,
    seeded: false,
    kernel: average_paid,
    stream: Some(streaming::<AveragePaid, 4, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct AveragePaid {
    money: Total,
    volume: Total,
    price: f64,
}

impl State<4, 1> for AveragePaid {
    fn new(_: &Params) -> Result<Self, TaError> {
        Ok(Self { money: Total::default(), volume: Total::default(), price: 0.0 })
    }

    fn next(&mut self, [high, low, close, volume]: [f64; 4]) -> Option<[f64; 1]> {
        let [money, volume] = Trade.of_bar([high, low, close, volume]);
        let (money, volume) = (self.money.next(money), self.volume.next(volume));
        if volume > 0.0 {
            self.price = money / volume;
        }
        Some([self.price])
    }
}

/// Typical price times volume, and volume: the price is the one over the other.
#[derive(Clone, Copy)]
struct Trade;

impl Flows<4, 2> for Trade {
    #[inline(always)]
    fn of_bar<N: Number>(&self, [high, low, close, volume]: [N; 4]) -> [N; 2] {
        [(high + low + close) * N::splat(1.0 / 3.0) * volume, volume]
    }

    /// NaN before there is volume.
    #[inline(always)]
    fn shown<N: Number>(&self, [money, volume]: [N; 2]) -> N {
        N::if_above(volume, N::splat(0.0), money / volume, N::splat(f64::NAN))
    }
}

fn average_paid(inputs: &[&[f64]], params: &Params, outputs: &mut [&mut [f64]]) -> Result<(), TaError> {
    let ([high, low, close, volume], [out]) = (inputs, &mut *outputs) else {
        return Err(TaError::Wiring { what: "series" });
    };
    let mut totals = [Total::default(), Total::default()];
    if flow_totals(Trade, [*high, *low, *close, *volume], &mut totals, out)? {
        return Ok(());
    }
    // Where nothing has been traded yet (or is taken back) the price stays what it was: bar by bar.
    batch::<AveragePaid, 4, 1>(inputs, params, outputs)
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
