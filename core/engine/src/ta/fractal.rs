//! Fractals: swing highs and lows, told when they are confirmed. O(n) for every number of bars.

use serde::{Deserialize, Serialize};

use super::kit::ring::Ring;
use super::kit::windows::Extreme;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// FRACTAL.
pub const SPEC: Spec = Spec {
    name: "FRACTAL",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Williams' fractal: 100 on the bar that confirms the high (low) rightbars before it as the only extreme around.",
    formula: "swinghigh[i] = 100 if high[i-right] > every other high of i-right-left..i, else 0; swinglow with lows",
    source: "TA-Lib 0.8.2 TA_FRACTAL; B. Williams, Trading Chaos, 1995",
    inputs: &[Input::High, Input::Low],
    params: &[
        Param::period("leftbars", 2.0, 1.0, "bars before the swing that must not reach it"),
        Param::period("rightbars", 2.0, 1.0, "bars after it that must not reach it; the delay of the answer"),
    ],
    outputs: &[
        Output::whole("swinghigh", "100: the high rightbars ago was a swing; 0: it was not"),
        Output::whole("swinglow", "100: the low rightbars ago was a swing; 0: it was not"),
    ],
    lookback: |params| Ok(params.int(0)? + params.int(1)?),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Fractal, 2, 2>,
    stream: Some(streaming::<Fractal, 2, 2>),
};

/// One side: is the value in the middle beyond all others?
#[derive(Clone, Serialize, Deserialize)]
struct Swing {
    /// The middle and what came after it.
    recent: Ring,
    after: Extreme,
    before: Extreme,
}

impl Swing {
    fn new(left: usize, right: usize, extreme: fn(usize) -> Extreme) -> Self {
        Self { recent: Ring::new(right + 1), after: extreme(right), before: extreme(left) }
    }

    /// The middle, the extreme before and the extreme after it, once the window is full.
    fn next(&mut self, value: f64, right: usize) -> Option<[f64; 3]> {
        let after = self.after.next(value);
        let before = self.before.next(self.recent.push(value)?)?;
        after.map(|after| [self.recent.back(right), before, after])
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Fractal {
    right: usize,
    high: Swing,
    low: Swing,
}

impl State<2, 2> for Fractal {
    fn new(params: &Params) -> Result<Self, TaError> {
        let (left, right) = (params.int(0)?, params.int(1)?);
        let (high, low) = (Swing::new(left, right, Extreme::highest), Swing::new(left, right, Extreme::lowest));
        Ok(Self { right, high, low })
    }

    fn next(&mut self, [high, low]: [f64; 2]) -> Option<[f64; 2]> {
        let (high, low) = (self.high.next(high, self.right), self.low.next(low, self.right));
        let ([top, top_before, top_after], [bottom, bottom_before, bottom_after]) = high.zip(low)?;
        let mark = |found: bool| if found { 100.0 } else { 0.0 };
        Some([mark(top > top_before && top > top_after), mark(bottom < bottom_before && bottom < bottom_after)])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn a_swing_is_told_on_the_bar_that_confirms_it() {
        let (high, low) = ([3.0, 5.0, 4.0, 4.0, 3.0], [3.0, 2.0, 1.0, 0.0, 2.0]);
        let outputs = SPEC.compute_vec(&[&high, &low], &[1.0, 1.0]).unwrap_or_default();
        // The high of bar 1 on bar 2, the low of bar 3 on bar 4.
        assert_eq!(outputs, [[0.0, 0.0, 100.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 100.0]]);
    }

    #[test]
    fn of_two_equal_extremes_neither_is_a_swing() {
        let (high, low) = ([2.0, 3.0, 5.0, 5.0, 4.0], [4.0, 3.0, 1.0, 1.0, 2.0]);
        let outputs = SPEC.compute_vec(&[&high, &low], &[1.0, 1.0]).unwrap_or_default();
        assert_eq!(outputs, [[0.0; 5], [0.0; 5]]);
    }

    #[test]
    fn the_windows_on_both_sides_have_their_own_length() {
        let high = [6.0, 1.0, 5.0, 2.0, 1.0, 1.0];
        let swings = |left: f64, right: f64| {
            let outputs = SPEC.compute_vec(&[&high, &high], &[left, right]).unwrap_or_default();
            outputs.first().cloned().unwrap_or_default()
        };
        assert_eq!(swings(1.0, 3.0), [0.0, 0.0, 0.0, 0.0, 0.0, 100.0]);
        assert_eq!(swings(2.0, 1.0), [0.0; 6]);
    }
}
