//! Lowest value of a rolling window. O(n) for every period, see `kit::extremes`.

use super::kit::{Input, Output, Param, Spec, TaError, extremes};

/// MIN.
pub const SPEC: Spec = Spec {
    name: "MIN",
    group: "Math Operators",
    doc: "Lowest of the last timeperiod values.",
    formula: "MIN[i] = min(x[i], x[i-1], ..., x[i-n+1])",
    source: "TA-Lib 0.8.2 TA_MIN (a window that holds a NaN is NaN here; TA-Lib can show an older value)",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 30.0, 2.0, "bars in the window")],
    outputs: &[Output::float("real", "in the input's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    kernel: |inputs, params, outputs| {
        let ([real], [out]) = (inputs, outputs) else { return Err(TaError::Wiring { what: "series" }) };
        extremes::rolling(real, params.int(0)?, extremes::below, out);
        Ok(())
    },
};

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn follows_the_window() {
        let out = SPEC.compute_vec(&[&[1.0, 4.0, 2.0, 3.0]], &[2.0]).unwrap_or_default().concat();
        assert_eq!(out.get(1..), Some(&[1.0, 2.0, 2.0][..]));
    }
}
