//! Simple moving average. O(n), one pass.

use serde::{Deserialize, Serialize};

use super::kit::averages::Sma;
use super::kit::lanes::{Blocks, Windows, windowed};
use super::kit::simd::Number;
use super::kit::windows::NOTHING;
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, float, streaming};

/// Values up to which a series is averaged in one plain loop: it is too short for stretches, and a state asks at every
/// bar what the loop knows from its bounds.
const SHORT: usize = 512;

/// SMA.
pub const SPEC: Spec = Spec {
    name: "SMA",
    group: "Overlap Studies",
    self_checking: true,
    doc: "Simple moving average: the mean of the last timeperiod values.",
    formula: "SMA[i] = (x[i] + x[i-1] + ... + x[i-n+1]) / n",
    source: "TA-Lib 0.8.2 TA_SMA",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 30.0, 1.0, "bars in the window")],
    outputs: &[Output::float("real", "average, in the input's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::Window,
    seeded: false,
    kernel: average,
    stream: Some(streaming::<SimpleAverage, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct SimpleAverage<N = f64> {
    average: Sma<N>,
}

impl<N: Number> Windows<N, 1, 1> for SimpleAverage<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        Ok(Self { average: Sma::new(params.int(0)?) })
    }

    #[inline(always)]
    fn next(&mut self, [value]: [N; 1]) -> Option<[N; 1]> {
        self.average.next(value).map(|average| [average])
    }
}

impl Blocks<1, 1> for SimpleAverage {
    type Over<N: Number> = SimpleAverage<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        params.int(0)
    }
}

fn average(inputs: &[&[f64]], params: &Params, outputs: &mut [&mut [f64]]) -> Result<(), TaError> {
    match (inputs, &mut *outputs, params.beside()) {
        ([values], [slots], None) if values.len() <= SHORT => short(values, params.int(0)?, slots),
        _ => windowed::<SimpleAverage, 1, 1>(inputs, params, outputs),
    }
}

/// The operations of [`Sma`], block by block: what a window has of the block before is put where its average will be.
fn short(values: &[f64], period: usize, slots: &mut [f64]) -> Result<(), TaError> {
    if !values.iter().fold(true, |clean, value| clean & value.is_finite()) {
        return Err(TaError::NotClean);
    }
    let share = 1.0 / float(period);
    let (Some((first, rest)), Some((head, tail))) = (values.split_at_checked(period), slots.split_first_mut()) else {
        return Err(TaError::Wiring { what: "lookback" });
    };
    *head = first.iter().fold(NOTHING, |sum, value| sum + value) * share;
    for ((before, block), slots) in values.chunks(period).zip(rest.chunks(period)).zip(tail.chunks_mut(period)) {
        let (left, last) = before.split_at(slots.len().min(before.len()));
        let mut sum = last.iter().rev().fold(NOTHING, |sum, value| sum + value);
        for (slot, value) in slots.iter_mut().zip(left).rev() {
            *slot = sum;
            sum += value;
        }
        sum = NOTHING;
        for (slot, value) in slots.iter_mut().zip(block) {
            sum += value;
            *slot = (*slot + sum) * share;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{SHORT, SPEC};
    use crate::ta::kit::float;
    use crate::ta::{Live, Seed, TaError};

    #[test]
    fn a_short_series_has_the_bits_of_a_stream() -> Result<(), TaError> {
        for (length, period) in [(1, 1), (9, 1), (30, 30), (31, 30), (59, 30), (100, 30), (SHORT, 7), (SHORT, 500)] {
            let bars = u32::try_from(length).unwrap_or(0);
            let values: Vec<f64> = (0..bars).map(|bar| f64::from(bar * 7919 % 101) * 0.1 - 3.0).collect();
            let params = [float(period)];
            let out = SPEC.compute_vec(&[&values], &params)?.concat();
            let mut live = Live::new(&SPEC, &params, Seed::Talib)?;
            for (value, average) in values.iter().zip(&out) {
                let shown = live.update(&[*value])?.first().copied().unwrap_or(0.0);
                assert_eq!(shown.to_bits(), average.to_bits(), "{length} {period}");
            }
        }
        Ok(())
    }

    #[test]
    fn averages_the_window() {
        let out = SPEC.compute_vec(&[&[1.0, 2.0, 3.0, 4.0, 8.0]], &[3.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        assert_eq!(out.get(2..), Some(&[2.0, 3.0, 5.0][..]));
    }
}
