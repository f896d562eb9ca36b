//! Exponential moving average. O(n), one pass, recursive.

use super::kit::{Input, Output, Param, Spec, TaError, averages};

/// EMA.
pub const SPEC: Spec = Spec {
    name: "EMA",
    group: "Overlap Studies",
    doc: "Exponential moving average, seeded with the mean of the first timeperiod values.",
    formula: "EMA[i] = EMA[i-1] + 2/(n+1) * (x[i] - EMA[i-1])",
    source: "TA-Lib 0.8.2 TA_EMA",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 30.0, 1.0, "bars; the newest weighs 2/(timeperiod+1)")],
    outputs: &[Output::float("real", "average, in the input's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    kernel: |inputs, params, outputs| {
        let ([real], [out]) = (inputs, outputs) else { return Err(TaError::Wiring { what: "series" }) };
        averages::exponential(real, params.int(0)?, out);
        Ok(())
    },
};

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn starts_at_the_mean_and_moves_half_way_with_period_three() {
        let out = SPEC.compute_vec(&[&[1.0, 2.0, 3.0, 6.0, 0.0]], &[3.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        assert_eq!(out.get(2..), Some(&[2.0, 4.0, 2.0][..]));
    }

    #[test]
    fn a_period_of_one_is_the_input() {
        let out = SPEC.compute_vec(&[&[1e16, 1.0, 0.1]], &[1.0]).unwrap_or_default().concat();
        assert_eq!(out, [1e16, 1.0, 0.1]);
    }
}
