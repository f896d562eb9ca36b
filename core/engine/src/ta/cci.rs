//! Commodity channel index. O(n * timeperiod), as TA-Lib: a mean deviation has no running form.

use super::kit::{Input, Output, Param, Spec, TaError, float, is_noise};

/// CCI.
pub const SPEC: Spec = Spec {
    name: "CCI",
    group: "Momentum Indicators",
    doc: "Commodity channel index: distance of the typical price from its mean, in mean deviations.",
    formula: "TP = (high+low+close)/3; CCI = (TP - mean(TP)) / (0.015 * mean(|TP - mean(TP)|)), 0 if either distance is rounding noise",
    source: "TA-Lib 0.8.2 TA_CCI; D. Lambert, Commodities magazine, 1980",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars in the window")],
    outputs: &[Output::float("real", "unbounded; beyond +-100 is commonly called unusual")],
    lookback: |params| Ok(params.int(0)? - 1),
    kernel: |inputs, params, outputs| {
        let ([high, low, close], [out]) = (inputs, outputs) else { return Err(TaError::Wiring { what: "series" }) };
        let typical = high.iter().zip(*low).zip(*close).map(|((high, low), close)| (high + low + close) / 3.0);
        commodity_channel_index(typical, params.int(0)?, out);
        Ok(())
    },
};

/// The window is a ring that is summed from its first slot on, not from its oldest value: in a quiet market the result
/// hangs on the last bits of the mean, and this is the order TA-Lib adds in.
fn commodity_channel_index(mut typical: impl Iterator<Item = f64>, period: usize, out: &mut [f64]) {
    let count = float(period);
    let mut ring: Vec<f64> = typical.by_ref().take(period - 1).collect();
    ring.push(0.0);
    let mut place = period - 1;
    for (slot, newest) in out.iter_mut().zip(typical) {
        if let Some(value) = ring.get_mut(place) {
            *value = newest;
        }
        place = if place + 1 == period { 0 } else { place + 1 };
        let mean = ring.iter().sum::<f64>() / count;
        let deviation = ring.iter().map(|value| (value - mean).abs()).sum::<f64>() / count;
        let distance = newest - mean;
        let still = |length: f64| length == 0.0 || is_noise(length, mean.abs());
        *slot = if still(distance.abs()) || still(deviation) { 0.0 } else { distance / (0.015 * deviation) };
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_distance_in_mean_deviations() {
        let price = [1.0, 1.0, 4.0, 4.0, 4.0];
        let out = SPEC.compute_vec(&[&price, &price, &price], &[3.0]).unwrap_or_default().concat();
        assert!(out.iter().take(2).all(|value| value.is_nan()));
        // mean 2, deviations 1 1 2: 2 / (0.015 * 4/3) = 100; mean 3: 1 / (0.015 * 4/3) = 50; nothing moved: 0
        let expected = [100.0, 50.0, 0.0];
        assert!(out.iter().skip(2).zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{out:?}");
    }
}
