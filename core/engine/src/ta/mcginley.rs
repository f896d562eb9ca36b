//! `McGinley` dynamic. O(n), recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::Ema;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, float, streaming};

/// MCGINLEY.
pub const SPEC: Spec = Spec {
    name: "MCGINLEY",
    group: "Overlap Studies",
    self_checking: false,
    doc: "McGinley dynamic: an average that hurries after falling prices and waits for rising ones. Without the factor 0.6 that some platforms put before n, as on TradingView; begins with the EMA. Its step is never longer than the way to the price: the bare formula overshoots without bound when a price drops to half.",
    formula: "M[i] = M[i-1] + (x - M[i-1]) * min(1, 1/(n * (x/M[i-1])^4)); M[n-1] = EMA(x, n)",
    source: "John R. McGinley, Journal of Technical Analysis (Market Technicians Association), 1997; convention: TradingView",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 14.0, 1.0, "bars; like an EMA's, a little shorter in effect")],
    outputs: &[Output::float("real", "average, in the input's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    memory: Memory::History,
    seeded: true,
    kernel: batch::<Dynamic, 1, 1>,
    stream: Some(streaming::<Dynamic, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Dynamic {
    seed: Ema,
    period: f64,
    average: Option<f64>,
}

impl State<1, 1> for Dynamic {
    fn new(params: &Params) -> Result<Self, TaError> {
        let period = params.int(0)?;
        Ok(Self { seed: Ema::new(period, params.seed()), period: float(period), average: None })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        let Some(before) = self.average else {
            self.average = self.seed.next(value);
            return self.average.map(|average| [average]);
        };
        let pull = 1.0 / (self.period * (value / before).powi(4));
        // From 0 every ratio is infinite and the average would stay there for ever; 0 / 0 gives a whole step as well.
        let average = if pull < 1.0 && before != 0.0 { before + (value - before) * pull } else { value };
        self.average = Some(average);
        Some([average])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn hurries_down_and_waits_up() {
        // begins with the mean 2; x 4: 2 + 2 / (2 * 2^4) = 2.0625; then half of that: 1 / (2 * 1/16) is above 1
        let out = SPEC.compute_vec(&[&[1.0, 3.0, 4.0, 1.031_25]], &[2.0]).unwrap_or_default().concat();
        assert!(out.first().is_some_and(|value| value.is_nan()));
        assert_eq!(out.get(1..), Some(&[2.0, 2.0625, 1.031_25][..]));
    }

    #[test]
    fn an_absurd_price_of_0_does_not_hold_it_for_ever() {
        let out = SPEC.compute_vec(&[&[2.0, 2.0, 0.0, 2.0, 2.0]], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.get(1..), Some(&[2.0, 0.0, 2.0, 2.0][..]));
    }
}
