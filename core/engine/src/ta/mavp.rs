//! Moving average with a period of its own for every bar. O(n) for each period that occurs; bar by bar, O(periods).

use serde::{Deserialize, Serialize};

use super::kit::averages::{Average, Ma};
use super::kit::{Input, Memory, Output, Param, Params, Seed, Spec, State, Stream, TaError, streaming};

/// MAVP.
pub const SPEC: Spec = Spec {
    name: "MAVP",
    group: "Overlap Studies",
    self_checking: false,
    doc: "Moving average with variable period: every bar says how many values its average is made of.",
    formula: "MA(x, p[i]) at bar i, p[i] = periods[i] cut to a whole number in minperiod..=maxperiod",
    source: "TA-Lib 0.8.2 TA_MAVP (every average has its first value at the bar where the longest one has it)",
    inputs: &[Input::Real, Input::Periods],
    params: &[
        Param::period("minperiod", 2.0, 1.0, "shortest period; not above maxperiod"),
        Param::period("maxperiod", 30.0, 1.0, "longest period"),
        Param::average("matype", "kind of average"),
    ],
    outputs: &[Output::float("real", "average, in the input's unit")],
    lookback: |params| Choice::of(params).map(|choice| choice.lookback),
    memory: Memory::History,
    seeded: true,
    kernel,
    stream: Some(live),
};

/// The most values a live MAVP remembers: it keeps an average of every period, each with a window of its own.
const MOST_VALUES: usize = 4_000_000;

/// The checked parameters.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Choice {
    shortest: usize,
    longest: usize,
    kind: Average,
    lookback: usize,
    seed: Seed,
}

impl Choice {
    fn of(params: &Params) -> Result<Self, TaError> {
        let (shortest, longest, kind) = (params.int(0)?, params.int(1)?, params.average(2)?);
        if shortest > longest {
            let (value, bounds) = (params.real(0)?, format!("1..={longest}, the maxperiod"));
            return Err(TaError::OutOfBounds { name: SPEC.name, param: "minperiod", value, bounds });
        }
        Ok(Self { shortest, longest, kind, lookback: kind.lookback(longest), seed: params.seed() })
    }

    /// The period a bar asks for.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what is too large or below 0 is cut")]
    fn period(&self, wanted: f64) -> usize {
        (wanted as usize).clamp(self.shortest, self.longest)
    }

    /// Values that an average of `period` leaves out, so that it begins where the longest one does; with a first-value
    /// seed it begins with the first bar.
    fn left_out(&self, period: usize) -> usize {
        if self.seed == Seed::Talib { self.lookback.saturating_sub(self.kind.lookback(period)) } else { 0 }
    }

    fn average(&self, period: usize) -> Result<Ma, TaError> {
        Ma::new(self.kind, period, self.seed)
    }
}

/// One pass for each period that occurs.
fn kernel(inputs: &[&[f64]], params: &Params, outputs: &mut [&mut [f64]]) -> Result<(), TaError> {
    let choice = Choice::of(params)?;
    let ([values, wanted], [output]) = (inputs, outputs) else { return Err(TaError::Wiring { what: "series" }) };
    let periods: Vec<usize> = wanted.iter().skip(choice.lookback).map(|wanted| choice.period(*wanted)).collect();
    let mut occurring = periods.clone();
    occurring.sort_unstable();
    occurring.dedup();
    for period in occurring {
        let mut average = choice.average(period)?;
        let found =
            values.iter().enumerate().skip(choice.left_out(period)).map(|(bar, value)| (bar, average.next(*value)));
        let shown = found.filter(|(bar, _)| *bar >= choice.lookback).map(|(_, found)| found);
        for ((slot, asked), found) in output.iter_mut().zip(&periods).zip(shown) {
            if *asked == period {
                *slot = found.ok_or(TaError::Wiring { what: "lookback" })?;
            }
        }
    }
    Ok(())
}

fn live(params: &Params) -> Result<Box<dyn Stream>, TaError> {
    let choice = Choice::of(params)?;
    let periods = choice.longest - choice.shortest + 1;
    if periods.saturating_mul(choice.longest) > MOST_VALUES {
        let (value, bounds) =
            (params.real(1)?, format!("a range of periods of at most {MOST_VALUES} values, bar by bar"));
        return Err(TaError::OutOfBounds { name: SPEC.name, param: "maxperiod", value, bounds });
    }
    streaming::<EveryPeriod, 2, 1>(params)
}

/// An average of every period, the shortest first.
#[derive(Clone, Serialize, Deserialize)]
struct EveryPeriod {
    choice: Choice,
    averages: Vec<Ma>,
    bar: usize,
}

impl State<2, 1> for EveryPeriod {
    fn new(params: &Params) -> Result<Self, TaError> {
        let choice = Choice::of(params)?;
        let averages = (choice.shortest..=choice.longest).map(|period| choice.average(period));
        Ok(Self { averages: averages.collect::<Result<_, _>>()?, choice, bar: 0 })
    }

    fn next(&mut self, [value, wanted]: [f64; 2]) -> Option<[f64; 1]> {
        let (choice, bar) = (&self.choice, self.bar);
        let asked = choice.period(wanted);
        let mut answer = None;
        for (period, average) in (choice.shortest..).zip(&mut self.averages) {
            let found = if bar < choice.left_out(period) { None } else { average.next(value) };
            if period == asked {
                answer = found;
            }
        }
        // Only needed until all averages have begun.
        self.bar = (bar + 1).min(choice.lookback + 1);
        answer.filter(|_| bar >= choice.lookback).map(|average| [average])
    }
}

#[cfg(test)]
mod tests {
    use super::super::kit::{Live, Seed};
    use super::SPEC;

    #[test]
    fn every_bar_has_its_own_period() {
        let (real, periods) = ([1.0, 3.0, 5.0, 8.0, 0.0, 6.0], [9.0, 9.0, 3.9, 2.0, -7.0, 1e300]);
        let out = SPEC.compute_vec(&[&real, &periods], &[2.0, 3.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        let expected = [9.0 / 3.0, 13.0 / 2.0, 8.0 / 2.0, 14.0 / 3.0];
        assert!(out.iter().skip(2).zip(expected).all(|(value, expected)| (value - expected).abs() < 1e-15), "{out:?}");
    }

    #[test]
    fn a_range_that_is_none_is_refused() {
        let message = SPEC.lookback(&[5.0, 3.0]).map_err(|error| error.to_string());
        assert_eq!(message, Err("MAVP: minperiod 5 is not in 1..=3, the maxperiod".to_owned()));
        assert!(Live::new(&SPEC, &[2.0, 2000.0], Seed::Talib).is_ok());
        assert!(Live::new(&SPEC, &[2.0, 100_000.0], Seed::Talib).is_err());
    }
}
