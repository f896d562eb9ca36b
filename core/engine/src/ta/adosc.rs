//! Chaikin oscillator. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::Ema;
use super::kit::flows::{MoneyFlow, money_flow};
use super::kit::lanes::{Recursion, forgets, recur};
use super::kit::scratch::with_scratch;
use super::kit::simd::Number;
use super::kit::totals::{BLOCK, Total, flow_totals, from_on};
use super::kit::{Input, Memory, Output, Param, Params, Seed, Spec, State, TaError, streaming};

/// ADOSC.
pub const SPEC: Spec = Spec {
    name: "ADOSC",
    group: "Volume Indicators",
    self_checking: true,
    doc: "Chaikin's oscillator: a fast minus a slow EMA of the accumulation / distribution line.",
    formula: "EMA(AD, fast) - EMA(AD, slow)",
    source: "TA-Lib 0.8.2 TA_ADOSC (both EMAs begin with the first value, so there is no seed to choose)",
    inputs: &[Input::High, Input::Low, Input::Close, Input::Volume],
    params: &[
        Param::period("fastperiod", 3.0, 2.0, "bars of the first EMA"),
        Param::period("slowperiod", 10.0, 2.0, "bars of the second EMA, not swapped if shorter"),
    ],
    outputs: &[Output::float("real", "volume; above 0 money flows in faster than before")],
    lookback: |params| Ok(params.int(0)?.max(params.int(1)?) - 1),
    memory: Memory::History,
    seeded: false,
    kernel: oscillate,
    stream: Some(streaming::<Oscillator, 4, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Oscillator {
    total: Total,
    fast: Ema,
    slow: Ema,
}

impl State<4, 1> for Oscillator {
    fn new(params: &Params) -> Result<Self, TaError> {
        let average = |period| Ema::new(period, Seed::TradingView);
        Ok(Self { total: Total::default(), fast: average(params.int(0)?), slow: average(params.int(1)?) })
    }

    fn next(&mut self, bar: [f64; 4]) -> Option<[f64; 1]> {
        let total = self.total.next(money_flow(bar));
        let (fast, slow) = (self.fast.next(total), self.slow.next(total));
        fast.zip(slow).map(|(fast, slow)| [fast - slow])
    }
}

/// Bars averaged at a time.
const PART: usize = 32_000;

/// Weights of the two averages of the total.
#[derive(Clone, Copy)]
struct Apart {
    weights: [f64; 2],
}

impl Recursion<1, 2, 1> for Apart {
    #[inline(always)]
    fn step<N: Number>(&self, [fast, slow]: &mut [N; 2], [total]: [N; 1]) -> [N; 1] {
        let [fast_weight, slow_weight] = self.weights;
        *fast += (total - *fast) * N::splat(fast_weight);
        *slow += (total - *slow) * N::splat(slow_weight);
        [*fast - *slow]
    }

    fn memory(&self) -> usize {
        let [fast, slow] = self.weights;
        forgets(fast).max(forgets(slow))
    }

    fn guess(&self, [total]: [f64; 1]) -> [f64; 2] {
        [total; 2]
    }
}

fn oscillate(inputs: &[&[f64]], params: &Params, outputs: &mut [&mut [f64]]) -> Result<(), TaError> {
    let ([high, low, close, volume], [out]) = (inputs, outputs) else {
        return Err(TaError::Wiring { what: "series" });
    };
    let mut state = Oscillator::new(params)?;
    let step = Apart { weights: [state.fast.weight(), state.slow.weight()] };
    // Part by part, so that totals are still near when they are averaged; all of one size, as none is quick when short.
    let parts = high.len().div_ceil(PART).max(1);
    let part = high.len().div_ceil(parts).div_ceil(BLOCK).max(1) * BLOCK;
    with_scratch(part, |room| {
        let (bars, mut total) = ([*high, *low, *close, *volume], [Total::default()]);
        let (mut averages, mut done) = (None, 0);
        for from in (0..high.len()).step_by(part) {
            let totals = room.split_at_mut(part.min(high.len() - from)).0;
            // Totals of finite flows are finite, but for an overflow, which is the market's.
            let _ = flow_totals(MoneyFlow, from_on(&bars, from, totals.len()), &mut total, totals)?;
            let mut totals = &*totals;
            while averages.is_none()
                && let Some((first, rest)) = totals.split_first()
            {
                averages = state.fast.next(*first).zip(state.slow.next(*first)).map(|(fast, slow)| [fast, slow]);
                if let (Some([fast, slow]), Some(slot)) = (averages, out.first_mut()) {
                    (*slot, done) = (fast - slow, 1);
                }
                totals = rest;
            }
            if let Some(averages) = &mut averages {
                let slots = out.get_mut(done..).unwrap_or_default();
                let _ = recur(&step, averages, [totals], &mut [slots]);
                done += totals.len();
            }
        }
        if done == out.len() { Ok(()) } else { Err(TaError::Wiring { what: "lookback" }) }
    })
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn both_averages_begin_with_the_first_value() {
        // The line is 3, 6, 9: averages of 2 bars 3, 5, 23/3; of 3 bars 3, 4.5, 6.75.
        let (high, low, volume) = ([4.0; 3], [0.0; 3], [3.0; 3]);
        let out = SPEC.compute_vec(&[&high, &low, &high, &volume], &[2.0, 3.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        assert!(out.last().is_some_and(|last| (last - (23.0 / 3.0 - 6.75)).abs() < 1e-14), "{out:?}");
    }
}
