//! Simple moving average. O(n), one pass.

use super::kit::{Input, Output, Param, Spec, TaError, averages};

/// SMA.
pub const SPEC: Spec = Spec {
    name: "SMA",
    group: "Overlap Studies",
    doc: "Simple moving average: the mean of the last timeperiod values.",
    formula: "SMA[i] = (x[i] + x[i-1] + ... + x[i-n+1]) / n",
    source: "TA-Lib 0.8.2 TA_SMA",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 30.0, 1.0, "bars in the window")],
    outputs: &[Output::float("real", "average, in the input's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    kernel: |inputs, params, outputs| {
        let ([real], [out]) = (inputs, outputs) else { return Err(TaError::Wiring { what: "series" }) };
        averages::simple(real, params.int(0)?, out);
        Ok(())
    },
};

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn averages_the_window() {
        let out = SPEC.compute_vec(&[&[1.0, 2.0, 3.0, 4.0, 8.0]], &[3.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        assert_eq!(out.get(2..), Some(&[2.0, 3.0, 5.0][..]));
    }
}
