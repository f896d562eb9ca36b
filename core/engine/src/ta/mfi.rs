//! Money flow index. O(n), one pass over running sums.

use super::kit::{Input, Output, Param, Spec, TaError, nearly_equal, ratio_or_zero};

/// MFI.
pub const SPEC: Spec = Spec {
    name: "MFI",
    group: "Momentum Indicators",
    doc: "Money flow index: the share of volume-weighted rises of the typical price; an RSI that knows volume.",
    formula: "TP = (high+low+close)/3; flow = TP*volume; MFI = 100 * up / (up + down) over n bars, 0 if nothing flowed",
    source: "TA-Lib 0.8.2 TA_MFI",
    inputs: &[Input::High, Input::Low, Input::Close, Input::Volume],
    params: &[Param::period("timeperiod", 14.0, 2.0, "bars in the window")],
    outputs: &[Output::float("real", "0..100; above 80 is commonly called overbought, below 20 oversold")],
    lookback: |params| params.int(0),
    kernel: |inputs, params, outputs| {
        let ([high, low, close, volume], [out]) = (inputs, outputs) else {
            return Err(TaError::Wiring { what: "series" });
        };
        let bars = high.iter().zip(*low).zip(*close).zip(*volume);
        let typical = |((high, low), close): ((&f64, &f64), &f64)| (high + low + close) / 3.0;
        let typicals = bars.map(|(prices, volume)| (typical(prices), *volume));
        let flows: Vec<Flow> =
            typicals.clone().skip(1).zip(typicals).map(|(bar, before)| flow(bar, before.0)).collect();
        money_flow_index(&flows, params.int(0)?, out);
        Ok(())
    },
};

/// Money that flowed up and down in one bar; at most one of them is not 0.
#[derive(Clone, Copy)]
struct Flow {
    up: f64,
    down: f64,
}

fn flow((typical, volume): (f64, f64), previous: f64) -> Flow {
    let money = typical * volume;
    if nearly_equal(typical, previous) {
        Flow { up: 0.0, down: 0.0 }
    } else if typical < previous {
        Flow { up: 0.0, down: money }
    } else {
        // A rise, or a NaN on either side: then the sum, and every later value, becomes NaN (TA-Lib leaves the bar out).
        Flow { up: if typical > previous { money } else { f64::NAN }, down: 0.0 }
    }
}

fn money_flow_index(flows: &[Flow], period: usize, out: &mut [f64]) {
    let (mut up, mut down) = (Sum::default(), Sum::default());
    let mut newest = flows.iter();
    for flow in newest.by_ref().take(period - 1) {
        up.add(flow.up);
        down.add(flow.down);
    }
    for ((slot, flow), oldest) in out.iter_mut().zip(newest).zip(flows) {
        up.add(flow.up);
        down.add(flow.down);
        *slot = 100.0 * ratio_or_zero(up.total, up.total + down.total);
        up.remove(oldest.up);
        down.remove(oldest.down);
    }
}

/// A running sum that is exactly 0 again when nothing but zeros is left in it, not the rounding of what has been.
#[derive(Default)]
struct Sum {
    total: f64,
    parts: usize,
}

impl Sum {
    fn add(&mut self, part: f64) {
        self.total += part;
        self.parts += usize::from(part != 0.0);
    }

    fn remove(&mut self, part: f64) {
        self.total -= part;
        self.parts -= usize::from(part != 0.0);
        if self.parts == 0 && self.total.is_finite() {
            self.total = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_the_share_of_money_that_flowed_up() {
        let (price, volume) = ([10.0, 20.0, 10.0, 30.0], [1.0, 3.0, 2.0, 2.0]);
        let out = SPEC.compute_vec(&[&price, &price, &price, &volume], &[2.0]).unwrap_or_default().concat();
        // flows: +60, -20, +60
        assert_eq!(out.get(2..), Some(&[75.0, 75.0][..]));
    }

    #[test]
    fn nothing_is_left_of_flows_that_have_passed() {
        // Two flows of 0.7 and 0.1: as floats (0.7 + 0.1) - 0.7 - 0.1 is not 0.
        let (price, volume) = ([1.0, 2.0, 4.0, 4.0, 4.0, 4.0], [1.0, 0.35, 0.025, 1.0, 1.0, 1.0]);
        let out = SPEC.compute_vec(&[&price, &price, &price, &volume], &[3.0]).unwrap_or_default().concat();
        assert_eq!(out.get(3..), Some(&[100.0, 100.0, 0.0][..]));
    }
}
