//! Woodie's pivot points from the bar before. O(n).

use serde::{Deserialize, Serialize};

use super::kit::{Input, Memory, Output, Params, Spec, State, TaError, batch, streaming};

/// `PIVOT_WOODIE`.
pub const SPEC: Spec = Spec {
    name: "PIVOT_WOODIE",
    group: "Overlap Studies",
    self_checking: false,
    doc: "Woodie's pivot points: the range of the bar before around a pivot that weighs this bar's open, known when it opens. TradingView's convention; some platforms weigh the last close instead. Give daily bars for a day trader's pivots.",
    formula: "P = (high + low + 2*open of this bar)/4; R = high-low; r1 = 2P-low, r2 = P+R, r3 = high+2(P-low), r4 = r3+R; s1 = 2P-high, s2 = P-R, s3 = low-2(high-P), s4 = s3-R",
    source: "Ken Wood (Woodies CCI Club), 2000s; convention: TradingView, Pivot Points Standard",
    inputs: &[Input::Open, Input::High, Input::Low, Input::Close],
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
    kernel: batch::<Woodie, 4, 9>,
    stream: Some(streaming::<Woodie, 4, 9>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Woodie {
    previous: Option<[f64; 4]>,
}

impl State<4, 9> for Woodie {
    fn new(_: &Params) -> Result<Self, TaError> {
        Ok(Self { previous: None })
    }

    fn next(&mut self, bar: [f64; 4]) -> Option<[f64; 9]> {
        let [_, high, low, _] = self.previous.replace(bar)?;
        let [open, ..] = bar;
        let (pivot, range) = ((high + low + 2.0 * open) / 4.0, high - low);
        let (r3, s3) = (high + 2.0 * (pivot - low), low - 2.0 * (high - pivot));
        let above = [2.0 * pivot - low, pivot + range, r3, r3 + range];
        let below = [2.0 * pivot - high, pivot - range, s3, s3 - range];
        let ([r1, r2, r3, r4], [s1, s2, s3, s4]) = (above, below);
        Some([pivot, r1, r2, r3, r4, s1, s2, s3, s4])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn weighs_the_open_of_this_bar() {
        // (12 + 6 + 2 * 11) / 4 = 10, R = 6
        let outputs =
            SPEC.compute_vec(&[&[0.0, 11.0], &[12.0, 1.0], &[6.0, 1.0], &[9.0, 1.0]], &[]).unwrap_or_default();
        let expected = [10.0, 14.0, 16.0, 20.0, 26.0, 8.0, 4.0, 2.0, -4.0];
        assert_eq!(outputs.len(), expected.len());
        for (output, expected) in outputs.iter().zip(expected) {
            assert!(output.first().is_some_and(|value| value.is_nan()));
            assert!(output.get(1).is_some_and(|value: &f64| (value - expected).abs() < 1e-12), "{output:?} {expected}");
        }
    }
}
