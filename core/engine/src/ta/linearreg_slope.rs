//! Slope of the least-squares line through a rolling window. O(n) amortised; centred sums, see `kit::moments`.

use super::kit::{Input, Output, Param, Spec, TaError, moments};

/// LINEARREG_SLOPE.
pub const SPEC: Spec = Spec {
    name: "LINEARREG_SLOPE",
    group: "Statistic Functions",
    doc: "Slope of the least-squares line through the last timeperiod values.",
    formula: "slope = sum((t - mean(t)) * x) / sum((t - mean(t))^2), t = 0 .. n-1",
    source: "TA-Lib 0.8.2 TA_LINEARREG_SLOPE",
    inputs: &[Input::Real],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars in the window")],
    outputs: &[Output::float("real", "change a bar, in the input's unit")],
    lookback: |params| Ok(params.int(0)? - 1),
    kernel: |inputs, params, outputs| {
        let ([real], [out]) = (inputs, outputs) else { return Err(TaError::Wiring { what: "series" }) };
        let slope = |sums: &moments::Moments, count: f64| {
            let middle = (count - 1.0) / 2.0;
            (sums.ramp - middle * sums.first) / (count * (count * count - 1.0) / 12.0)
        };
        moments::rolling(real, params.int(0)?, slope, out);
        Ok(())
    },
};

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_slope_of_a_line() {
        let out = SPEC.compute_vec(&[&[1.0, 3.0, 5.0, 4.0]], &[3.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        assert!(out.iter().skip(2).zip([2.0, 0.5]).all(|(a, b)| (a - b).abs() < 1e-15), "{out:?}");
    }
}
