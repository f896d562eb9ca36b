//! Bollinger bands. O(n).

use super::kit::{Input, Output, Param, Spec, TaError, averages};
use super::stddev::standard_deviation;

/// BBANDS.
pub const SPEC: Spec = Spec {
    name: "BBANDS",
    group: "Overlap Studies",
    doc: "Bollinger bands: a moving average and bands nbdev standard deviations above and below it.",
    formula: "middle = MA(x, n); upper = middle + nbdevup * STDDEV(x, n); lower = middle - nbdevdn * STDDEV(x, n)",
    source: "TA-Lib 0.8.2 TA_BBANDS (default timeperiod 20 since 0.8)",
    inputs: &[Input::Real],
    params: &[
        Param::period("timeperiod", 20.0, 2.0, "bars in the window"),
        Param::real("nbdevup", 2.0, f64::NEG_INFINITY, "deviations above"),
        Param::real("nbdevdn", 2.0, f64::NEG_INFINITY, "deviations below"),
        Param::average("matype", "kind of the middle band: 0 SMA, 1 EMA, 2 WMA"),
    ],
    outputs: &[
        Output::float("upperband", "middle plus nbdevup deviations"),
        Output::float("middleband", "moving average"),
        Output::float("lowerband", "middle minus nbdevdn deviations"),
    ],
    lookback: |params| Ok(params.int(0)? - 1),
    kernel: |inputs, params, outputs| {
        let ([real], [upper, middle, lower]) = (inputs, outputs) else {
            return Err(TaError::Wiring { what: "series" });
        };
        let (period, up, down) = (params.int(0)?, params.real(1)?, params.real(2)?);
        averages::moving_average(params.average(3)?, real, period, middle);
        standard_deviation(real, period, 1.0, upper);
        for ((upper, lower), middle) in upper.iter_mut().zip(lower.iter_mut()).zip(middle.iter()) {
            let deviation = *upper;
            *upper = middle + deviation * up;
            *lower = middle - deviation * down;
        }
        Ok(())
    },
};

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn bands_stand_off_by_their_own_multiples() {
        let outputs = SPEC.compute_vec(&[&[1.0, 3.0]], &[2.0, 2.0, 3.0]).unwrap_or_default();
        let last: Vec<f64> = outputs.iter().filter_map(|output| output.last().copied()).collect();
        assert_eq!(last, [4.0, 2.0, -1.0]);
    }
}
