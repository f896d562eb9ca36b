//! Mass index. O(n), one pass, recursive.

use serde::{Deserialize, Serialize};

use super::kit::averages::EmaChain;
use super::kit::windows::Sum;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// MASSI.
pub const SPEC: Spec = Spec {
    name: "MASSI",
    group: "Volatility Indicators",
    self_checking: false,
    doc: "Mass index: the sum of how far the smoothed range of a bar is above its own average; a bulge warns of a reversal.",
    formula: "E = EMA(high - low, fast); MASSI = sum of E / EMA(E, fast) over slow bars; the quotient is 1 where nothing moves",
    source: "TA-Lib 0.8.2 TA_MASSI; D. Dorsey, Technical Analysis of Stocks and Commodities, 1992",
    inputs: &[Input::High, Input::Low],
    params: &[
        Param::period("fastperiod", 9.0, 2.0, "bars of both EMAs"),
        Param::period("slowperiod", 25.0, 2.0, "bars in the sum"),
    ],
    outputs: &[Output::float(
        "real",
        "around slowperiod; with the defaults a rise above 27 and a fall below 26.5 is the bulge",
    )],
    lookback: |params| Ok(2 * (params.int(0)? - 1) + params.int(1)? - 1),
    memory: Memory::History,
    seeded: true,
    kernel: batch::<Mass, 2, 1>,
    stream: Some(streaming::<Mass, 2, 1>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Mass {
    averages: EmaChain<2>,
    sum: Sum,
}

impl State<2, 1> for Mass {
    fn new(params: &Params) -> Result<Self, TaError> {
        Ok(Self { averages: EmaChain::new(params.int(0)?, params.seed()), sum: Sum::new(params.int(1)?) })
    }

    fn next(&mut self, [high, low]: [f64; 2]) -> Option<[f64; 1]> {
        let [once, twice] = self.averages.next(high - low)?;
        self.sum.next(if twice == 0.0 { 1.0 } else { once / twice }).map(|mass| [mass])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_number_of_bars_where_ranges_stay_the_same() {
        for range in [2.0, 0.0] {
            let out = SPEC.compute_vec(&[&[range; 7], &[0.0; 7]], &[2.0, 3.0]).unwrap_or_default().concat();
            assert!(out.iter().take(4).all(|value| value.is_nan()));
            assert_eq!(out.get(4..), Some(&[3.0, 3.0, 3.0][..]));
        }
    }

    #[test]
    fn rises_with_the_range() {
        let out = SPEC.compute_vec(&[&[1.0, 1.0, 1.0, 4.0], &[0.0; 4]], &[2.0, 2.0]).unwrap_or_default().concat();
        // averages 1, 1, 3 and 1, 1 + 2/3 * 2 = 7/3
        assert!(out.last().is_some_and(|mass| (mass - (1.0 + 9.0 / 7.0)).abs() < 1e-14), "{out:?}");
    }
}
