//! Classic pivot points from the bar before. O(n).

use serde::{Deserialize, Serialize};

use super::kit::{Input, Memory, Output, Params, Spec, State, TaError, batch, streaming};

/// `PIVOT_CLASSIC`.
pub const SPEC: Spec = Spec {
    name: "PIVOT_CLASSIC",
    group: "Overlap Studies",
    self_checking: false,
    doc: "Classic pivot points. Levels for this bar, known when the bar before has closed; give daily bars for a day trader's pivots. TradingView's 'Classic'; its 'Traditional' and other platforms have r3 = high + 2*(pivot - low).",
    formula: "P = (high+low+close)/3, R = high-low of the bar before; r1 = 2P-low, s1 = 2P-high; rk, sk = P +- (k-1)*R for k = 2, 3, 4",
    source: "Floor traders' practice; John L. Person, A Complete Guide to Technical Trading Tactics, 2004; convention: TradingView, Pivot Points Standard",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[],
    outputs: &[
        Output::float("pivot", "the level the others stand around"),
        Output::float("r1", "resistance 1, above"),
        Output::float("r2", "resistance 2, above"),
        Output::float("r3", "resistance 3, above"),
        Output::float("r4", "resistance 4, above"),
        Output::float("s1", "support 1, below"),
        Output::float("s2", "support 2, below"),
        Output::float("s3", "support 3, below"),
        Output::float("s4", "support 4, below"),
    ],
    lookback: |_| Ok(1),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Classic, 3, 9>,
    stream: Some(streaming::<Classic, 3, 9>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Classic {
    previous: Option<[f64; 3]>,
}

impl State<3, 9> for Classic {
    fn new(_: &Params) -> Result<Self, TaError> {
        Ok(Self { previous: None })
    }

    fn next(&mut self, bar: [f64; 3]) -> Option<[f64; 9]> {
        let [high, low, close] = self.previous.replace(bar)?;
        let (pivot, range) = ((high + low + close) / 3.0, high - low);
        let (r1, s1) = (2.0 * pivot - low, 2.0 * pivot - high);
        let (two, three) = (2.0 * range, 3.0 * range);
        Some([pivot, r1, pivot + range, pivot + two, pivot + three, s1, pivot - range, pivot - two, pivot - three])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn levels_stand_a_range_apart() {
        // P = 9, R = 6
        let outputs = SPEC.compute_vec(&[&[12.0, 1.0], &[6.0, 1.0], &[9.0, 1.0]], &[]).unwrap_or_default();
        let expected = [9.0, 12.0, 15.0, 21.0, 27.0, 6.0, 3.0, -3.0, -9.0];
        assert_eq!(outputs.len(), expected.len());
        for (output, expected) in outputs.iter().zip(expected) {
            assert!(output.first().is_some_and(|value| value.is_nan()));
            assert!(output.get(1).is_some_and(|value: &f64| (value - expected).abs() < 1e-12), "{output:?} {expected}");
        }
    }
}
