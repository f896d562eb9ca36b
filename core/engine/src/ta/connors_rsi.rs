//! Connors RSI. O(n * rankperiod), recursive: a percent rank has no running form.

use serde::{Deserialize, Serialize};

use super::kit::averages::RisesAndFalls;
use super::kit::ring::Ring;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, float, ratio_or_zero, streaming};

/// `CONNORS_RSI`.
pub const SPEC: Spec = Spec {
    name: "CONNORS_RSI",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Connors RSI: the mean of a short RSI, the RSI of the run of rising or falling closes, and the percent rank of the last change. The rank counts earlier changes that are lower or equal, as TradingView's ta.percentrank; Connors counts lower ones only. A run begins at 0; an RSI of nothing but standstill is 0, as in TA-Lib.",
    formula: "s = run of rises (+1, +2, ..) or falls (-1, -2, ..), 0 when equal; r = share of the last m changes x/x[-1]-1 that are <= the newest; CRSI = (RSI(x,n) + RSI(s,k) + 100*r)/3",
    source: "Larry Connors and Cesar Alvarez, An Introduction to ConnorsRSI, 2012; convention: TradingView's built-in Connors RSI",
    inputs: &[Input::Real],
    params: &[
        Param::period("timeperiod", 3.0, 2.0, "bars of the RSI"),
        Param::period("streak_period", 2.0, 2.0, "bars of the run's RSI"),
        Param::period("rank_period", 100.0, 1.0, "earlier changes the newest is ranked among"),
    ],
    outputs: &[Output::float("real", "0..100; above 90 is commonly called overbought, below 10 oversold")],
    lookback: |params| Ok(params.int(0)?.max(params.int(1)?).max(params.int(2)? + 1)),
    memory: Memory::History,
    seeded: false,
    kernel: batch::<Connors, 1, 1>,
    stream: Some(streaming::<Connors, 1, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Connors {
    previous: Option<f64>,
    price: RisesAndFalls,
    run: f64,
    runs: RisesAndFalls,
    changes: Ring,
    rank_count: f64,
}

impl State<1, 1> for Connors {
    fn new(params: &Params) -> Result<Self, TaError> {
        let rank = params.int(2)?;
        Ok(Self {
            previous: None,
            price: RisesAndFalls::new(params.int(0)?),
            run: 0.0,
            runs: RisesAndFalls::new(params.int(1)?),
            changes: Ring::new(rank),
            rank_count: float(rank),
        })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 1]> {
        let previous = self.previous.replace(value);
        if let Some(previous) = previous {
            self.run = if value > previous {
                self.run.max(0.0) + 1.0
            } else if value < previous {
                self.run.min(0.0) - 1.0
            } else {
                0.0
            };
        }
        let (price, run) = (self.price.next_share(value), self.runs.next_share(self.run));
        let previous = previous?;
        let change = ratio_or_zero(value - previous, previous);
        let lower = self.changes.iter().filter(|earlier| *earlier <= change).count();
        let rank = self.changes.is_full().then(|| 100.0 * float(lower) / self.rank_count);
        self.changes.push(change);
        Some([(price? + run? + rank?) / 3.0])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_mean_of_three() {
        // changes 1, 1/2, -1/3, 3/2; runs 0, 1, 2, -1, 1
        let out = SPEC.compute_vec(&[&[1.0, 2.0, 3.0, 2.0, 5.0]], &[2.0, 2.0, 2.0]).unwrap_or_default().concat();
        assert!(out.iter().take(3).all(|value| value.is_nan()));
        // bar 3: rises 1 1 0, falls 0 0 1: G = 0.5, L = 0.5; runs: 1 1 | 3 down: G = 0.5, L = 1.5; rank 0 of 2
        let third = (50.0 + 25.0 + 0.0) / 3.0;
        // bar 4: G = 1.75, L = 0.25; runs: G = 1.25, L = 0.75; rank 2 of 2
        let fourth = (87.5 + 62.5 + 100.0) / 3.0;
        for (value, expected) in out.iter().skip(3).zip([third, fourth]) {
            assert!((value - expected).abs() < 1e-12, "{out:?}");
        }
    }
}
