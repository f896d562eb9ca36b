//! Fisher transform. O(n) amortised, recursive.

use serde::{Deserialize, Serialize};

use super::kit::windows::Extreme;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// FISHER.
pub const SPEC: Spec = Spec {
    name: "FISHER",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Fisher transform of the median price's place in its range: turning points become sharp peaks. Range of the median price, clip at 0.999 and halves as in Ehlers' code and on TradingView; without any range the place is the middle (other libraries divide by 0.001).",
    formula: "p = (high+low)/2; v = 0.66*((p-min(p,n))/(max(p,n)-min(p,n)) - 0.5) + 0.67*v[-1], |v| > 0.99 becomes 0.999; fisher = 0.5*ln((1+v)/(1-v)) + 0.5*fisher[-1]; trigger = fisher[-1]",
    source: "John Ehlers, Using the Fisher Transform, Technical Analysis of Stocks and Commodities, November 2002; convention: TradingView",
    inputs: &[Input::High, Input::Low],
    params: &[Param::period("timeperiod", 9.0, 1.0, "bars of the range")],
    outputs: &[
        Output::float("fisher", "unbounded, mostly within +-3; extremes mark turning points"),
        Output::float("trigger", "fisher of the bar before; crossing it is the signal"),
    ],
    // One bar more than fisher itself needs: the trigger is its value before.
    lookback: |params| params.int(0),
    memory: Memory::History,
    seeded: false,
    kernel: batch::<Fisher, 2, 2>,
    stream: Some(streaming::<Fisher, 2, 2>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Fisher {
    highest: Extreme,
    lowest: Extreme,
    place: f64,
    fisher: Option<f64>,
}

impl State<2, 2> for Fisher {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { highest: Extreme::highest(period), lowest: Extreme::lowest(period), place: 0.0, fisher: None })
    }

    fn next(&mut self, [high, low]: [f64; 2]) -> Option<[f64; 2]> {
        let price = f64::midpoint(high, low);
        let (highest, lowest) = self.highest.next(price).zip(self.lowest.next(price))?;
        let share = if highest > lowest { (price - lowest) / (highest - lowest) - 0.5 } else { 0.0 };
        let place = 0.66 * share + 0.67 * self.place;
        self.place = if place.abs() > 0.99 { 0.999_f64.copysign(place) } else { place };
        let trigger = self.fisher;
        let fisher = 0.5 * ((1.0 + self.place) / (1.0 - self.place)).ln() + 0.5 * trigger.unwrap_or(0.0);
        self.fisher = Some(fisher);
        trigger.map(|trigger| [fisher, trigger])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn transforms_the_place_in_the_range() {
        let price = [1.0, 2.0, 3.0];
        let outputs = SPEC.compute_vec(&[&price, &price], &[2.0]).unwrap_or_default();
        // at the top of the range twice: 0.33, then 0.33 + 0.67 * 0.33
        let transform = |place: f64| 0.5 * ((1.0 + place) / (1.0 - place)).ln();
        let first = transform(0.33);
        let second = transform(0.33 + 0.67 * 0.33) + 0.5 * first;
        for (output, expected) in outputs.iter().zip([second, first]) {
            assert!(output.iter().take(2).all(|value| value.is_nan()));
            assert!(output.get(2).is_some_and(|value| (value - expected).abs() < 1e-14), "{output:?}");
        }
    }
}
