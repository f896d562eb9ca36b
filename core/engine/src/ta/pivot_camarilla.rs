//! Camarilla pivot points from the bar before. O(n).

use serde::{Deserialize, Serialize};

use super::kit::{Input, Memory, Output, Params, Spec, State, TaError, batch, streaming};

/// `PIVOT_CAMARILLA`.
pub const SPEC: Spec = Spec {
    name: "PIVOT_CAMARILLA",
    group: "Overlap Studies",
    self_checking: false,
    doc: "Camarilla levels: shares of 1.1 ranges around the close; r3 and s3 for reversals, r4 and s4 for breakouts. Levels for this bar, known when the bar before has closed; give daily bars for a day trader's pivots. The pivot is the classic one, as on TradingView; some platforms show the close.",
    formula: "P = (high+low+close)/3; w = 1.1*(high-low) of the bar before; r1..r4 = close + w/12, w/6, w/4, w/2; s1..s4 = close - the same",
    source: "Nick Stott (Nick Scott), Camarilla equation, 1989; convention: TradingView, Pivot Points Standard",
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
    kernel: batch::<Camarilla, 3, 9>,
    stream: Some(streaming::<Camarilla, 3, 9>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Camarilla {
    previous: Option<[f64; 3]>,
}

impl State<3, 9> for Camarilla {
    fn new(_: &Params) -> Result<Self, TaError> {
        Ok(Self { previous: None })
    }

    fn next(&mut self, bar: [f64; 3]) -> Option<[f64; 9]> {
        let [high, low, close] = self.previous.replace(bar)?;
        let width = 1.1 * (high - low);
        let [first, second, third, fourth] = [12.0, 6.0, 4.0, 2.0].map(|part| width / part);
        let above = [close + first, close + second, close + third, close + fourth];
        let below = [close - first, close - second, close - third, close - fourth];
        let ([r1, r2, r3, r4], [s1, s2, s3, s4]) = (above, below);
        Some([(high + low + close) / 3.0, r1, r2, r3, r4, s1, s2, s3, s4])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn levels_stand_around_the_close() {
        // 1.1 ranges are 6.6; the close is 9
        let outputs = SPEC.compute_vec(&[&[12.0, 1.0], &[6.0, 1.0], &[9.0, 1.0]], &[]).unwrap_or_default();
        let expected = [9.0, 9.55, 10.1, 10.65, 12.3, 8.45, 7.9, 7.35, 5.7];
        assert_eq!(outputs.len(), expected.len());
        for (output, expected) in outputs.iter().zip(expected) {
            assert!(output.first().is_some_and(|value| value.is_nan()));
            assert!(output.get(1).is_some_and(|value: &f64| (value - expected).abs() < 1e-12), "{output:?} {expected}");
        }
    }
}
