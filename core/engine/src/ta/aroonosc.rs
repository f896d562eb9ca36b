//! Aroon oscillator. O(n) for every period.

use serde::{Deserialize, Serialize};

use super::kit::lanes::{Blocks, Windows, windowed};
use super::kit::momentum::Freshness;
use super::kit::simd::Number;
use super::kit::{Input, Memory, Output, Param, Params, Spec, TaError, streaming};

/// AROONOSC.
pub const SPEC: Spec = Spec {
    name: "AROONOSC",
    group: "Momentum Indicators",
    self_checking: true,
    doc: "Aroon oscillator: which of the two is fresher, the highest high or the lowest low.",
    formula: "aroonup - aroondown, see AROON",
    source: "TA-Lib 0.8.2 TA_AROONOSC; T. Chande, Stocks & Commodities, September 1995",
    inputs: &[Input::High, Input::Low],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars back the window begins")],
    outputs: &[Output::float("real", "-100..100; above 0 the highest high is the fresher one")],
    lookback: |params| params.int(0),
    memory: Memory::Window,
    seeded: false,
    kernel: windowed::<AroonOscillator, 2, 1>,
    stream: Some(streaming::<AroonOscillator, 2, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct AroonOscillator<N = f64> {
    freshness: Freshness<N>,
}

impl<N: Number> Windows<N, 2, 1> for AroonOscillator<N> {
    #[inline(always)]
    fn begin(params: &Params) -> Result<Self, TaError> {
        Ok(Self { freshness: Freshness::new(params.int(0)?) })
    }

    #[inline(always)]
    fn next(&mut self, [high, low]: [N; 2]) -> Option<[N; 1]> {
        self.freshness.next(high, low).map(|(down, up)| [up - down])
    }
}

impl Blocks<2, 1> for AroonOscillator {
    type Over<N: Number> = AroonOscillator<N>;

    fn unit(params: &Params) -> Result<usize, TaError> {
        Ok(params.int(0)? + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_up_minus_down() {
        let (high, low) = ([9.0, 4.0, 9.0, 8.0], [1.0, 2.0, 3.0, 2.0]);
        let out = SPEC.compute_vec(&[&high, &low], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.get(2..), Some(&[100.0, -50.0][..]));
    }
}
