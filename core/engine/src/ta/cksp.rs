//! Chande Kroll stop. O(n) amortised, recursive.

use serde::{Deserialize, Serialize};

use super::kit::average_range::AverageRange;
use super::kit::windows::Extreme;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// CKSP.
pub const SPEC: Spec = Spec {
    name: "CKSP",
    group: "Volatility Indicators",
    self_checking: false,
    doc: "Chande Kroll stop: the extremes of the stops that hang from the highest high and stand on the lowest low. Defaults 10, 1, 9 and names as on TradingView; the book has 10, 3, 20.",
    formula: "short = max(max(high,p) - x*ATR(p), q); long = min(min(low,p) + x*ATR(p), q); ATR Wilder-smoothed",
    source: "Tushar Chande and Stanley Kroll, The New Technical Trader, 1994; convention: TradingView's built-in Chande Kroll Stop",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[
        Param::period("timeperiod", 10.0, 1.0, "bars of the extremes and of the ATR (p)"),
        Param::real("multiplier", 1.0, 0.0, "average ranges (x)"),
        Param::period("stop_period", 9.0, 1.0, "bars of stops whose extreme counts (q)"),
    ],
    outputs: &[
        Output::float("long", "lowest of the stops that stand on the low; a long is held while the close is above"),
        Output::float(
            "short",
            "highest of the stops that hang from the high; a short is held while the close is below",
        ),
    ],
    lookback: |params| Ok(AverageRange::lookback(params.int(0)?, params) + params.int(2)? - 1),
    memory: Memory::History,
    seeded: true,
    kernel: batch::<ChandeKroll, 3, 2>,
    stream: Some(streaming::<ChandeKroll, 3, 2>),
};

#[derive(Clone, Serialize, Deserialize)]
struct ChandeKroll {
    highest: Extreme,
    lowest: Extreme,
    range: AverageRange,
    multiplier: f64,
    from_high: Extreme,
    from_low: Extreme,
}

impl State<3, 2> for ChandeKroll {
    fn new(params: &Params) -> Result<Self, TaError> {
        let (period, stop) = (params.int(0)?, params.int(2)?);
        Ok(Self {
            highest: Extreme::highest(period),
            lowest: Extreme::lowest(period),
            range: AverageRange::new(period, params.seed()),
            multiplier: params.real(1)?,
            from_high: Extreme::highest(stop),
            from_low: Extreme::lowest(stop),
        })
    }

    fn next(&mut self, [high, low, close]: [f64; 3]) -> Option<[f64; 2]> {
        let extremes = self.highest.next(high).zip(self.lowest.next(low));
        let (range, (highest, lowest)) = self.range.next(high, low, close).zip(extremes)?;
        let short = self.from_high.next(highest - self.multiplier * range);
        let long = self.from_low.next(lowest + self.multiplier * range);
        long.zip(short).map(|(long, short)| [long, short])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn takes_the_extremes_of_the_stops() {
        let (high, low, close) = ([5.0, 7.0, 6.0], [3.0, 4.0, 5.0], [4.0, 6.0, 5.5]);
        let outputs = SPEC.compute_vec(&[&high, &low, &close], &[1.0, 2.0, 2.0]).unwrap_or_default();
        // ranges 3, 1: from the high 7 - 6 = 1, 6 - 2 = 4; from the low 4 + 6 = 10, 5 + 2 = 7
        let last: Vec<_> = outputs.iter().map(|output| output.last().copied().unwrap_or(f64::NAN)).collect();
        assert_eq!(last, [7.0, 4.0]);
    }
}
