//! Know sure thing. O(n) amortised.

use serde::{Deserialize, Serialize};

use super::kit::averages::Sma;
use super::kit::ring::Ring;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, ratio_or_zero, streaming};

const TERMS: usize = 4;

/// KST.
pub const SPEC: Spec = Spec {
    name: "KST",
    group: "Momentum Indicators",
    self_checking: false,
    doc: "Know sure thing: four smoothed rates of change, the longer the heavier, and the mean of the sum as its signal. Pring's daily settings, rates in percent, as on TradingView; libraries that leave out the factor 100 show a hundredth.",
    formula: "KST = sum of k*SMA(100*(x/x[-roc_k] - 1), sma_k) for k = 1..4; signal = SMA(KST, signal_period)",
    source: "Martin Pring, Summed Rate of Change (KST), Technical Analysis of Stocks and Commodities, September 1992; convention: TradingView",
    inputs: &[Input::Real],
    params: &[
        Param::period("roc1", 10.0, 1.0, "bars of the first rate of change"),
        Param::period("roc2", 15.0, 1.0, "bars of the second"),
        Param::period("roc3", 20.0, 1.0, "bars of the third"),
        Param::period("roc4", 30.0, 1.0, "bars of the fourth"),
        Param::period("sma1", 10.0, 1.0, "bars the first is smoothed over"),
        Param::period("sma2", 10.0, 1.0, "bars the second is smoothed over"),
        Param::period("sma3", 10.0, 1.0, "bars the third is smoothed over"),
        Param::period("sma4", 15.0, 1.0, "bars the fourth is smoothed over"),
        Param::period("signal_period", 9.0, 1.0, "bars of the signal"),
    ],
    outputs: &[
        Output::float("kst", "unbounded, around 0; above 0 the weighted trend is up"),
        Output::float("signal", "mean of kst; crossings are the usual trigger"),
    ],
    lookback: |params| {
        let mut longest = 0;
        for term in 0..TERMS {
            longest = longest.max(params.int(term)? + params.int(TERMS + term)? - 1);
        }
        Ok(longest + params.int(2 * TERMS)? - 1)
    },
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<KnowSureThing, 1, 2>,
    stream: Some(streaming::<KnowSureThing, 1, 2>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Term {
    past: Ring,
    mean: Sma,
    weight: f64,
}

impl Term {
    fn new(params: &Params, term: usize, weight: f64) -> Result<Self, TaError> {
        let (past, mean) = (Ring::new(params.int(term)?), Sma::new(params.int(TERMS + term)?));
        Ok(Self { past, mean, weight })
    }

    fn next(&mut self, value: f64) -> Option<f64> {
        let past = self.past.push(value)?;
        self.mean.next(100.0 * ratio_or_zero(value - past, past)).map(|mean| self.weight * mean)
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct KnowSureThing {
    terms: [Term; TERMS],
    signal: Sma,
}

impl State<1, 2> for KnowSureThing {
    fn new(params: &Params) -> Result<Self, TaError> {
        let term = |index, weight| Term::new(params, index, weight);
        let terms = [term(0, 1.0)?, term(1, 2.0)?, term(2, 3.0)?, term(3, 4.0)?];
        Ok(Self { terms, signal: Sma::new(params.int(2 * TERMS)?) })
    }

    fn next(&mut self, [value]: [f64; 1]) -> Option<[f64; 2]> {
        let [first, second, third, fourth] = self.terms.each_mut().map(|term| term.next(value));
        let kst = first? + second? + third? + fourth?;
        self.signal.next(kst).map(|signal| [kst, signal])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn adds_up_the_weighted_rates() {
        // Doubling each bar: rates over 1, 2, 1, 2 bars are 100 %, 300 %, 100 %, 300 %: 1*1 + 2*3 + 3*1 + 4*3 = 22
        let params = [1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 2.0, 1.0, 2.0];
        let outputs = SPEC.compute_vec(&[&[1.0, 2.0, 4.0, 8.0, 16.0, 32.0]], &params).unwrap_or_default();
        for output in outputs {
            assert!(output.iter().take(4).all(|value| value.is_nan()));
            assert_eq!(output.get(4..), Some(&[2200.0, 2200.0][..]));
        }
    }
}
