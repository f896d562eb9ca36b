//! Fibonacci pivot points from the bar before. O(n).

use serde::{Deserialize, Serialize};

use super::kit::{Input, Memory, Output, Params, Spec, State, TaError, batch, streaming};

/// `PIVOT_FIBONACCI`.
pub const SPEC: Spec = Spec {
    name: "PIVOT_FIBONACCI",
    group: "Overlap Studies",
    self_checking: false,
    doc: "Fibonacci pivot points: shares 0.382, 0.618 and 1 of the range around the classic pivot. Levels for this bar, known when the bar before has closed; give daily bars for a day trader's pivots. As on TradingView.",
    formula: "P = (high+low+close)/3, R = high-low of the bar before; r1, r2, r3 = P + 0.382R, 0.618R, R; s1, s2, s3 = P - the same",
    source: "Floor traders' practice with Leonardo of Pisa's ratios; convention: TradingView, Pivot Points Standard",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[],
    outputs: &[
        Output::float("pivot", "the level the others stand around"),
        Output::float("r1", "resistance 1, above"),
        Output::float("r2", "resistance 2, above"),
        Output::float("r3", "resistance 3, above"),
        Output::float("s1", "support 1, below"),
        Output::float("s2", "support 2, below"),
        Output::float("s3", "support 3, below"),
    ],
    lookback: |_| Ok(1),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Fibonacci, 3, 7>,
    stream: Some(streaming::<Fibonacci, 3, 7>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Fibonacci {
    previous: Option<[f64; 3]>,
}

impl State<3, 7> for Fibonacci {
    fn new(_: &Params) -> Result<Self, TaError> {
        Ok(Self { previous: None })
    }

    fn next(&mut self, bar: [f64; 3]) -> Option<[f64; 7]> {
        let [high, low, close] = self.previous.replace(bar)?;
        let (pivot, range) = ((high + low + close) / 3.0, high - low);
        let [first, second, third] = [0.382, 0.618, 1.0].map(|share| share * range);
        Some([pivot, pivot + first, pivot + second, pivot + third, pivot - first, pivot - second, pivot - third])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn levels_are_shares_of_the_range() {
        // P = 9, R = 6
        let outputs = SPEC.compute_vec(&[&[12.0, 1.0], &[6.0, 1.0], &[9.0, 1.0]], &[]).unwrap_or_default();
        let expected = [9.0, 11.292, 12.708, 15.0, 6.708, 5.292, 3.0];
        assert_eq!(outputs.len(), expected.len());
        for (output, expected) in outputs.iter().zip(expected) {
            assert!(output.first().is_some_and(|value| value.is_nan()));
            assert!(output.get(1).is_some_and(|value: &f64| (value - expected).abs() < 1e-12), "{output:?} {expected}");
        }
    }
}
