//! What volume says about a bar.

use serde::{Deserialize, Serialize};

use super::ratio_or_zero;
use super::simd::Number;
use super::totals::Flows;

/// Chaikin's money flow of a bar: its volume, whole at a close on the high, negative at a close on the low; nothing
/// where the bar has no range.
#[inline(always)]
pub(crate) fn money_flow<N: Number>([high, low, close, volume]: [N; 4]) -> N {
    let (range, zero) = (high - low, N::splat(0.0));
    N::if_above(range, zero, ((close - low) - (high - close)) / range * volume, zero)
}

/// Totals of [`money_flow`].
#[derive(Clone, Copy)]
pub(crate) struct MoneyFlow;

impl Flows<4, 1> for MoneyFlow {
    #[inline(always)]
    fn of_bar<N: Number>(&self, bar: [N; 4]) -> [N; 1] {
        [money_flow(bar)]
    }

    #[inline(always)]
    fn shown<N: Number>(&self, [total]: [N; 1]) -> N {
        total
    }
}

/// A close and a volume that were the last ones.
type Bar = [f64; 2];

/// An index that starts at 1000 and follows the close on some bars only: Fosback's volume indices.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct VolumeIndex {
    previous: Option<Bar>,
    index: f64,
}

impl VolumeIndex {
    /// Before the first bar.
    pub(crate) const fn new() -> Self {
        Self { previous: None, index: 1000.0 }
    }

    /// The index with one more bar, which moves it if `counts(volume, volume before)`.
    pub(crate) fn next(&mut self, [close, volume]: Bar, counts: impl Fn(f64, f64) -> bool) -> f64 {
        if let Some([old_close, old_volume]) = self.previous.replace([close, volume])
            && counts(volume, old_volume)
        {
            self.index += self.index * ratio_or_zero(close - old_close, old_close);
        }
        self.index
    }
}

#[cfg(test)]
mod tests {
    use super::money_flow;

    #[test]
    fn a_close_on_the_high_is_all_inflow() {
        let flows = [4.0, 3.0, 2.5, 2.0].map(|close| money_flow([4.0, 2.0, close, 8.0]));
        assert_eq!(flows, [8.0, 0.0, -4.0, -8.0]);
        assert_eq!([money_flow([2.0, 2.0, 2.0, 8.0]), money_flow([2.0, 4.0, 3.0, 8.0])], [0.0, 0.0]);
    }
}
