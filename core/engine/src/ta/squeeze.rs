//! TTM squeeze. O(n) amortised.

use serde::{Deserialize, Serialize};

use super::kit::averages::Sma;
use super::kit::moments::{Reading, RollingLine, RollingMoments};
use super::kit::ranges::TrueRange;
use super::kit::windows::{Maximum, Minimum};
use super::kit::{Input, Memory, Output, Param, Params, Seed, Spec, State, TaError, batch, float, is_noise, streaming};

/// SQUEEZE.
pub const SPEC: Spec = Spec {
    name: "SQUEEZE",
    group: "Volatility Indicators",
    self_checking: false,
    doc: "TTM squeeze: on while the Bollinger bands lie inside the Keltner channel, off while they lie outside, and the momentum that tells the way out. Keltner of SMA and mean true range (thinkorswim, TradingView), not of EMA and Wilder's ATR; bands of the population deviation.",
    formula: "BB = SMA(close,n) -+ nbdev*STDDEV(close,n); KC = SMA(close,k) -+ kc_multiplier*SMA(TR,k); d = close - ((max(high,k)+min(low,k))/2 + SMA(close,k))/2; momentum = end of the least-squares line through the last k values of d",
    source: "John F. Carter, Mastering the Trade, 2005; momentum: LazyBear, Squeeze Momentum Indicator, TradingView, 2014 (with Carter's nbdev for the bands)",
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[
        Param::period("timeperiod", 20.0, 2.0, "bars of the Bollinger bands"),
        Param::real("nbdev", 2.0, 0.0, "deviations of the Bollinger bands"),
        Param::period("kc_period", 20.0, 2.0, "bars of the Keltner channel and of the momentum"),
        Param::real("kc_multiplier", 1.5, 0.0, "ranges of the Keltner channel"),
    ],
    outputs: &[
        Output::whole("squeeze", "1 on (quiet), -1 off (released), 0 neither"),
        Output::float("momentum", "in the price's unit; above 0 up, and rising or falling against the bar before"),
    ],
    lookback: |params| Ok((params.int(0)? - 1).max(2 * (params.int(2)? - 1))),
    memory: Memory::Window,
    seeded: false,
    kernel: batch::<Squeeze, 3, 2>,
    stream: Some(streaming::<Squeeze, 3, 2>),
};

#[derive(Clone, Serialize, Deserialize)]
struct Squeeze {
    bands: RollingMoments,
    bands_share: f64,
    deviations: f64,
    channel: Sma,
    range: TrueRange,
    mean_range: Sma,
    ranges: f64,
    highest: Maximum,
    lowest: Minimum,
    momentum: RollingLine,
    newest: Reading,
}

impl State<3, 2> for Squeeze {
    fn new(params: &Params) -> Result<Self, TaError> {
        let (bands, channel) = (params.int(0)?, params.int(2)?);
        Ok(Self {
            bands: RollingMoments::new(bands),
            bands_share: 1.0 / float(bands),
            deviations: params.real(1)?,
            channel: Sma::new(channel),
            range: TrueRange::new(Seed::Talib),
            mean_range: Sma::new(channel),
            ranges: params.real(3)?,
            highest: Maximum::new(channel),
            lowest: Minimum::new(channel),
            momentum: RollingLine::new(channel),
            newest: Reading::height(channel, float(channel) - 1.0),
        })
    }

    fn next(&mut self, [high, low, close]: [f64; 3]) -> Option<[f64; 2]> {
        let bands = self.bands.next(close);
        let range = self.range.next(high, low, close).and_then(|range| self.mean_range.next(range));
        let extremes = self.highest.next(high).zip(self.lowest.next(low));
        let middle = self.channel.next(close)?;
        let (highest, lowest) = extremes?;
        let momentum = self.momentum.next(close - f64::midpoint(f64::midpoint(highest, lowest), middle));
        let ((bands, range), momentum) = bands.zip(range).zip(momentum)?;
        let apart = (bands.mean(self.bands_share) - middle).abs();
        let deviation = self.deviations * bands.variance(self.bands_share).sqrt();
        // Both lie around averages `apart` from each other: one is inside when it is narrower by more than that.
        let room = self.ranges * range - deviation;
        // Neither where squares overflow: then `room` is no number.
        let clear = room.abs() > apart && !is_noise(room.abs() - apart, middle.abs());
        let squeeze = if clear { room.signum() } else { 0.0 };
        Some([squeeze, momentum.height(self.newest)])
    }
}

#[cfg(test)]
mod tests {
    use super::SPEC;

    #[test]
    fn is_on_while_the_bands_lie_inside_the_channel() {
        // n = k = 2. Closes stand still in bars of range 2: deviation 0 inside 1.5 * 2.
        // Then 10, 10 -> 20: deviation 5 * 2 outside 1.5 * (2 + 11) / 2 = 9.75.
        let (high, low) = ([11.0, 11.0, 11.0, 21.0], [9.0, 9.0, 9.0, 19.0]);
        let close = [10.0, 10.0, 10.0, 20.0];
        let outputs = SPEC.compute_vec(&[&high, &low, &close], &[2.0, 2.0, 2.0, 1.5]).unwrap_or_default();
        assert_eq!(outputs.first().map(Vec::as_slice), Some(&[0.0, 0.0, 1.0, -1.0][..]));
        // d: 0, 0, then 20 - ((21+9)/2 + 15)/2 = 5; the line through 0, 5 ends at 5
        assert_eq!(outputs.get(1).and_then(|momentum| momentum.get(2..)), Some(&[0.0, 5.0][..]));
    }

    #[test]
    fn a_market_that_stands_still_is_neither() {
        let still = [0.1; 9];
        let outputs = SPEC.compute_vec(&[&still, &still, &still], &[3.0, 2.0, 4.0, 1.5]).unwrap_or_default();
        assert_eq!(outputs.first().map(Vec::as_slice), Some(&[0.0; 9][..]));
        assert_eq!(outputs.get(1).and_then(|momentum| momentum.get(6..)), Some(&[0.0; 3][..]));
    }
}
