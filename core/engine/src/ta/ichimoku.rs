//! Ichimoku kinko hyo. O(n) amortised.

use serde::{Deserialize, Serialize};

use super::kit::ring::Ring;
use super::kit::windows::Extreme;
use super::kit::{Input, Memory, Output, Param, Params, Spec, State, TaError, batch, streaming};

/// ICHIMOKU.
pub const SPEC: Spec = Spec {
    name: "ICHIMOKU",
    group: "Overlap Studies",
    self_checking: false,
    doc: "Ichimoku cloud as it stands over each bar: the spans are the ones computed displacement-1 bars ago and drawn here (the bar itself counts, as on TradingView; some libraries shift by displacement). No value needs the future: chikou is the distance of this close from the close that the lagging line is drawn over.",
    formula: "mid(n) = (max(high,n)+min(low,n))/2; tenkan = mid(conversion), kijun = mid(base); d = displacement-1: senkou_a = ((tenkan+kijun)/2)[-d], senkou_b = mid(span_b)[-d], chikou = close - close[-d]",
    source: "Goichi Hosoda, Ichimoku kinko hyo, 1969; convention: TradingView's built-in Ichimoku Cloud",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[
        Param::period("conversion_period", 9.0, 1.0, "bars of the conversion line (tenkan)"),
        Param::period("base_period", 26.0, 1.0, "bars of the base line (kijun)"),
        Param::period("span_b_period", 52.0, 1.0, "bars of the slow span (senkou B)"),
        Param::period("displacement", 26.0, 1.0, "bars the cloud is drawn ahead, today included"),
    ],
    outputs: &[
        Output::float("tenkan", "conversion line: middle of the short range"),
        Output::float("kijun", "base line: middle of the medium range"),
        Output::float("senkou_a", "leading span A that stands at this bar"),
        Output::float("senkou_b", "leading span B that stands at this bar; the cloud lies between A and B"),
        Output::float(
            "chikou",
            "close minus the close displacement-1 bars ago; above 0 the lagging line is above price",
        ),
    ],
    lookback: |params| {
        let longest = params.int(0)?.max(params.int(1)?).max(params.int(2)?);
        Ok(longest - 1 + params.int(3)? - 1)
    },
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Cloud, 3, 5>,
    stream: Some(streaming::<Cloud, 3, 5>),
};

/// Middle of the range of the last bars.
#[derive(Clone, Serialize, Deserialize)]
struct Middle {
    highest: Extreme,
    lowest: Extreme,
}

impl Middle {
    fn new(period: usize) -> Self {
        Self { highest: Extreme::highest(period), lowest: Extreme::lowest(period) }
    }

    fn next(&mut self, high: f64, low: f64) -> Option<f64> {
        let (highest, lowest) = (self.highest.next(high), self.lowest.next(low));
        highest.zip(lowest).map(|(highest, lowest)| (highest + lowest) / 2.0)
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Cloud {
    conversion: Middle,
    base: Middle,
    slow: Middle,
    span_a: Ring,
    span_b: Ring,
    past_close: Ring,
}

impl State<3, 5> for Cloud {
    fn new(params: &Params) -> Result<Self, TaError> {
        let shift = params.int(3)? - 1;
        Ok(Self {
            conversion: Middle::new(params.int(0)?),
            base: Middle::new(params.int(1)?),
            slow: Middle::new(params.int(2)?),
            span_a: Ring::new(shift),
            span_b: Ring::new(shift),
            past_close: Ring::new(shift),
        })
    }

    fn next(&mut self, [high, low, close]: [f64; 3]) -> Option<[f64; 5]> {
        let past_close = self.past_close.push(close);
        let (tenkan, kijun) = (self.conversion.next(high, low), self.base.next(high, low));
        let slow = self.slow.next(high, low);
        let ((tenkan, kijun), slow) = tenkan.zip(kijun).zip(slow)?;
        let (span_a, span_b) = (self.span_a.push((tenkan + kijun) / 2.0), self.span_b.push(slow));
        Some([tenkan, kijun, span_a?, span_b?, close - past_close?])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn the_cloud_is_the_one_drawn_over_the_bar() {
        let high = [2.0, 4.0, 6.0, 8.0, 10.0, 9.0];
        let low = [0.0, 1.0, 3.0, 5.0, 7.0, 8.0];
        let close = [1.0, 2.0, 4.0, 7.0, 9.0, 8.5];
        let outputs = SPEC.compute_vec(&[&high, &low, &close], &[1.0, 2.0, 3.0, 3.0]).unwrap_or_default();
        // bar 4: tenkan (10+7)/2; kijun (10+5)/2; spans of bar 2: tenkan 4.5, kijun 3.5; slow (6+0)/2; close 9 - 4
        // bar 5: tenkan (9+8)/2; kijun (10+7)/2; spans of bar 3: tenkan 6.5, kijun 5.5; slow (8+1)/2; close 8.5 - 7
        let expected = [[8.5, 8.5], [7.5, 8.5], [4.0, 6.0], [3.0, 4.5], [5.0, 1.5]];
        for (output, expected) in outputs.iter().zip(expected) {
            assert!(output.iter().take(4).all(|value| value.is_nan()));
            assert_eq!(output.get(4..), Some(&expected[..]));
        }
    }
}
