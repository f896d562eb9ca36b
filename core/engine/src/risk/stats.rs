//! What is known of strategies (from their closed trades) and of instruments (told by the caller).

use super::activity::Median;
use crate::types::{Price, Quantity, Ratio, SCALE, scaled_down};

/// Closed trades that the Sharpe ratio is taken of.
pub const TRADES: usize = 64;
/// Closed trades needed before there is one.
pub const TRADES_FROM: usize = 20;

/// A strategy's closed trades.
#[derive(Clone, Copy, Debug)]
pub struct StrategyStats {
    /// Losses since the last trade that was none.
    pub consecutive_losses: u32,
    /// Mean over standard deviation (n - 1) of the returns of the last [`TRADES`] closed trades, a trade, not
    /// annualised; none below [`TRADES_FROM`] trades or when all returns are alike.
    pub sharpe: Option<Ratio>,
    returns: [i64; TRADES],
    /// Sum of the returns, and of their squares.
    sum: i128,
    squares: i128,
    count: usize,
    next: usize,
}

impl Default for StrategyStats {
    fn default() -> Self {
        Self { consecutive_losses: 0, sharpe: None, returns: [0; TRADES], sum: 0, squares: 0, count: 0, next: 0 }
    }
}

impl StrategyStats {
    /// A trade was closed with this return on what it cost.
    pub fn closed(&mut self, result: Ratio) {
        self.consecutive_losses = if result < Ratio::ZERO { self.consecutive_losses.saturating_add(1) } else { 0 };
        // Ten times the stake is beyond what moves the statistic; it keeps the squares within 128 bits.
        if let Some(slot) = self.returns.get_mut(self.next) {
            let (result, oldest) = (result.raw().clamp(-10 * SCALE, 10 * SCALE), *slot);
            *slot = result;
            let square = |result: i64| i128::from(result) * i128::from(result);
            self.sum += i128::from(result) - i128::from(oldest);
            self.squares += square(result) - square(oldest);
        }
        self.next = (self.next + 1) % TRADES;
        self.count = (self.count + 1).min(TRADES);
        self.sharpe = self.ratio();
    }

    /// Closed trades in the window.
    #[must_use]
    pub const fn trades(&self) -> usize {
        self.count
    }

    /// `S / sqrt(n (n Q - S^2) / (n - 1))` with `S` the sum and `Q` the sum of squares: mean over deviation, in
    /// integers, with one integer square root.
    fn ratio(&self) -> Option<Ratio> {
        if self.count < TRADES_FROM {
            return None;
        }
        let (sum, squares, n) = (self.sum, self.squares, i128::try_from(self.count).ok()?);
        let spread = n * (n * squares - sum * sum);
        // Returns of real trades are small: nearly always everything fits 64 bits, which divide several times faster.
        let deviation = match (u64::try_from(spread), u64::try_from(n - 1)) {
            (Ok(spread), Ok(others)) => i64::try_from((spread / others).isqrt()).ok()?,
            _ => i64::try_from(u128::try_from(spread / (n - 1)).ok()?.isqrt()).ok()?,
        };
        if deviation == 0 {
            return None;
        }
        // 64 returns of at most ten times the stake: their sum times 1e8 is below 2^63.
        i64::try_from(sum).ok()?.checked_mul(SCALE).map(|sum| Ratio::from_raw(sum / deviation))
    }
}

/// What the market says of an instrument. Every part may be unknown.
#[derive(Clone, Copy, Debug, Default)]
pub struct InstrumentStats {
    /// Average traded quantity of a day.
    pub daily_volume: Option<Quantity>,
    /// Standard deviation of daily returns, annualised (times the root of the trading days of a year).
    pub volatility: Option<Ratio>,
    /// Average correlation with the rest of the account, -1..1.
    pub correlation: Option<Ratio>,
    /// Quantities of recent approved opening orders.
    pub quantities: Median,
}

impl InstrumentStats {
    /// Notional of an average day at a price; none without a volume, the largest amount when it does not fit.
    #[must_use]
    pub fn daily_notional(&self, price: Price, multiplier: Quantity) -> Option<i64> {
        let volume = self.daily_volume?.raw().unsigned_abs();
        let scaled = |left: u128, right: i64| scaled_down(left.saturating_mul(right.unsigned_abs().into()));
        let units = if multiplier.raw() == SCALE { Some(volume) } else { scaled(volume.into(), multiplier.raw()) };
        let value = units.and_then(|units| scaled(units.into(), price.raw()));
        Some(value.and_then(|raw| i64::try_from(raw).ok()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sharpe_ratio_is_that_of_the_last_trades_alone() {
        let (mut kept, mut all, mut seed) = (StrategyStats::default(), Vec::new(), 11_u64);
        for _ in 0..5 * TRADES {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Some are far beyond ten times the stake, either way.
            all.push(Ratio::from_raw((seed.cast_signed() >> (seed % 40)) / 7));
            kept.closed(*all.last().unwrap_or(&Ratio::ZERO));
            let mut anew = StrategyStats::default();
            all.iter().skip(all.len().saturating_sub(TRADES)).for_each(|result| anew.closed(*result));
            assert_eq!(kept.sharpe, anew.sharpe);
            assert_eq!(kept.sharpe.is_some(), all.len() >= TRADES_FROM);
        }
    }
}
