//! Volume weighted average price. O(n), one pass, depends on where the data start.

use serde::{Deserialize, Serialize};

use super::kit::scratch::with_scratch;
use super::kit::simd::Number;
use super::kit::totals::{CHUNK, Each, Total, accumulate, chunk_of, each};
use super::kit::{Input, Memory, Output, Params, Spec, State, TaError, streaming};

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
        let money = self.money.next(Money.of([high, low, close, volume]));
        let volume = self.volume.next(volume);
        if volume > 0.0 {
            self.price = money / volume;
        }
        Some([self.price])
    }
}

/// Typical price times volume.
#[derive(Clone, Copy)]
struct Money;

impl Each<4> for Money {
    #[inline(always)]
    fn of<N: Number>(&self, [high, low, close, volume]: [N; 4]) -> N {
        (high + low + close) * N::splat(1.0 / 3.0) * volume
    }
}

/// Money over volume.
#[derive(Clone, Copy)]
struct Price;

impl Each<2> for Price {
    #[inline(always)]
    fn of<N: Number>(&self, [money, volume]: [N; 2]) -> N {
        money / volume
    }
}

fn average_paid(inputs: &[&[f64]], _: &Params, outputs: &mut [&mut [f64]]) -> Result<(), TaError> {
    let ([high, low, close, volume], [out]) = (inputs, outputs) else {
        return Err(TaError::Wiring { what: "series" });
    };
    let (bars, mut total, mut last) = ([*high, *low, *close, *volume], [Total::default(), Total::default()], 0.0);
    with_scratch(2 * CHUNK, |room| {
        let (money, traded) = room.split_at_mut(CHUNK);
        for (chunk, slots) in out.chunks_mut(CHUNK).enumerate() {
            let bars = chunk_of(&bars, chunk);
            let (money, traded) = (money.split_at_mut(slots.len()).0, traded.split_at_mut(slots.len()).0);
            each(Money, bars, money)?;
            let [.., volume] = bars;
            traded.copy_from_slice(volume);
            let [paid, shares] = &mut total;
            accumulate(paid, money);
            accumulate(shares, traded);
            // Overflow of a total is the market's, no gap.
            let _ = each(Price, [money, traded], slots);
            // Where nothing has been traded yet (or is taken back) the price stays what it was.
            if traded.iter().any(|traded| *traded <= 0.0) {
                for (slot, traded) in slots.iter_mut().zip(traded.iter()) {
                    last = if *traded > 0.0 { *slot } else { last };
                    *slot = last;
                }
            }
            last = slots.last().copied().unwrap_or(last);
        }
        Ok(())
    })
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
