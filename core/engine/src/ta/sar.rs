//! Parabolic stop and reverse. O(n), one pass, depends on the whole path.

use serde::{Deserialize, Serialize};

use super::kit::lanes::{Recursion, Recursive, recursive};
use super::kit::parabolic::{Acceleration, Parabolic, Start};
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, streaming};

/// SAR.
pub const SPEC: Spec = Spec {
    name: "SAR",
    group: "Overlap Studies",
    self_checking: true,
    doc: "Parabolic SAR: a stop that closes in on the price the longer a trend lasts; when it is hit, the side changes.",
    formula: "SAR[i+1] = SAR[i] + af * (EP - SAR[i]), never within the last two bars; EP: best price of the trade; \
              af grows by acceleration with every new EP, up to maximum",
    source: "TA-Lib 0.8.2 TA_SAR; Wilder, New Concepts in Technical Trading Systems, 1978",
    inputs: &[Input::High, Input::Low],
    params: &[
        Param::real("acceleration", 0.02, 0.0, "af of a new trade, and what is added with every new extreme"),
        Param::real("maximum", 0.2, 0.0, "largest af"),
    ],
    outputs: &[Output::float("real", "price of the stop: below the bars in an up-trend, above them in a down-trend")],
    lookback: |_| Ok(1),
    memory: Memory::History,
    seeded: false,
    kernel: recursive::<StopAndReverse, 2, 6, 1>,
    stream: Some(streaming::<StopAndReverse, 2, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct StopAndReverse {
    stop: Parabolic,
}

impl State<2, 1> for StopAndReverse {
    fn new(params: &Params) -> Result<Self, TaError> {
        let side = Acceleration::new(params.real(0)?, params.real(0)?, params.real(1)?);
        Ok(Self { stop: Parabolic::new(side, side, Start::Movement, 0.0) })
    }

    #[inline(always)]
    fn next(&mut self, [high, low]: [f64; 2]) -> Option<[f64; 1]> {
        self.stop.next(high, low).map(|(stop, _)| [stop])
    }
}

impl Recursive<2, 6, 1> for StopAndReverse {
    fn recursion(&self) -> Option<(impl Recursion<2, 6, 1>, [f64; 6])> {
        self.stop.parts()
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn closes_in_on_a_rise_and_turns_when_it_is_hit() {
        let (high, low) = ([10.0, 12.0, 14.0, 20.0, 14.0, 13.0], [8.0, 10.0, 12.0, 18.0, 7.0, 6.0]);
        let out = SPEC.compute_vec(&[&high, &low], &[0.5, 0.75]).unwrap_or_default().concat();
        assert!(out.first().is_some_and(|value| value.is_nan()));
        // Long from 8; half way to 12, not above bar 1's low 10: 10. Then 0.75 of the way to 14, not above 10: 10; to
        // 20, not above 12: 12. Bar 4 falls through 12: short from the best price 20. Half way to 7 is 13.5, but not
        // below the highs of the last two bars: 20.
        assert_eq!(out.get(1..), Some(&[8.0, 10.0, 10.0, 20.0, 20.0][..]));
    }

    #[test]
    fn begins_short_where_the_second_bar_falls_further_than_it_rises() {
        let out = SPEC.compute_vec(&[&[12.0, 11.0, 10.0], &[10.0, 8.0, 7.0]], &[0.5, 0.5]).unwrap_or_default().concat();
        // From the first high; half way to 8 is 10, but not below the second bar's high.
        assert_eq!(out.get(1..), Some(&[12.0, 11.0][..]));
    }
}
