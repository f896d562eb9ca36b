//! Dynamic scaling: bounds shrink when volatility, correlation or concentration rise or liquidity falls.
//!
//! Each factor is `min(1, target / measured)` (for liquidity `min(1, measured / target)`) in units of 1e-8, cut
//! towards zero; a factor without a target or without a measure is 1. The scale of an instrument is the product of
//! the four, at least `floor`. It multiplies the bounds of the rules whose spec says `scaled`.

use super::stats::InstrumentStats;
use crate::types::{Money, Price, Quantity, Ratio, SCALE};

/// Targets of the four factors. All unset (the default) means bounds are never scaled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scaling {
    /// Annualised volatility up to which bounds are whole.
    pub volatility: Option<Ratio>,
    /// Average correlation with the account up to which bounds are whole.
    pub correlation: Option<Ratio>,
    /// Concentration (sum of squared shares of gross exposure, 1 = one instrument) up to which bounds are whole.
    pub concentration: Option<Ratio>,
    /// Daily traded notional from which on bounds are whole.
    pub liquidity: Option<Money>,
    /// The scale is never below this.
    pub floor: Ratio,
}

/// The four factors and their product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Factor by volatility.
    pub volatility: Ratio,
    /// Factor by correlation.
    pub correlation: Ratio,
    /// Factor by concentration.
    pub concentration: Ratio,
    /// Factor by liquidity.
    pub liquidity: Ratio,
    /// What bounds are multiplied by.
    pub total: Ratio,
}

const ONE: Ratio = Ratio::from_raw(SCALE);

impl Default for Scale {
    fn default() -> Self {
        Self { volatility: ONE, correlation: ONE, concentration: ONE, liquidity: ONE, total: ONE }
    }
}

impl Scaling {
    /// Whether any factor has a target.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.volatility.is_some()
            || self.correlation.is_some()
            || self.concentration.is_some()
            || self.liquidity.is_some()
    }

    /// The scale for an instrument at a price, in an account of this concentration.
    #[must_use]
    pub fn of(
        &self,
        stats: Option<&InstrumentStats>,
        price: Price,
        multiplier: Quantity,
        concentration: Option<Ratio>,
    ) -> Scale {
        let volatility = shrink(self.volatility, stats.and_then(|stats| stats.volatility));
        let correlation = shrink(self.correlation, stats.and_then(|stats| stats.correlation));
        let concentration = shrink(self.concentration, concentration);
        let traded = stats.and_then(|stats| stats.daily_notional(price, multiplier)).map(Ratio::from_raw);
        let liquidity = match (traded, self.liquidity) {
            (Some(traded), Some(target)) => shrink(Some(traded), Some(Ratio::from_raw(target.raw()))),
            _ => ONE,
        };
        let product = [correlation, concentration, liquidity].into_iter().fold(volatility, times);
        Scale { volatility, correlation, concentration, liquidity, total: product.max(self.floor.min(ONE)) }
    }
}

/// `min(1, target / measured)`; 1 when either is missing or nothing was measured.
fn shrink(target: Option<Ratio>, measured: Option<Ratio>) -> Ratio {
    let (Some(target), Some(measured)) = (target, measured) else { return ONE };
    if measured <= target || measured <= Ratio::ZERO {
        return ONE;
    }
    let target = target.raw().max(0).unsigned_abs();
    // Below 922 (1e8 units) the product fits 64 bits, which divide several times faster.
    let raw = match target.checked_mul(SCALE.unsigned_abs()) {
        Some(product) => i64::try_from(product / measured.raw().unsigned_abs()).ok(),
        None => i64::try_from(i128::from(target) * i128::from(SCALE) / i128::from(measured.raw())).ok(),
    };
    Ratio::from_raw(raw.unwrap_or(SCALE))
}

/// Product of two factors in 0..1, cut towards zero.
fn times(one: Ratio, other: Ratio) -> Ratio {
    Ratio::from_raw(scaled(one.raw(), other))
}

/// A bound under a scale in 0..1, cut towards zero.
#[inline]
pub(crate) fn scaled(bound: i64, scale: Ratio) -> i64 {
    match bound.checked_mul(scale.raw()) {
        Some(product) => product / SCALE,
        // Whole units and the rest apart: each product fits 64 bits, and both are cut towards the same side.
        None => (bound / SCALE) * scale.raw() + (bound % SCALE) * scale.raw() / SCALE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scaled_bound_is_the_quotient_of_the_wide_product_cut_towards_zero() {
        let mut seed = 5_u64;
        for step in 0..200_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let bound = match step {
                0 => i64::MAX,
                1 => i64::MIN,
                _ => seed.cast_signed() >> (seed % 60),
            };
            let scale = if step < 4 { SCALE } else { (seed.rotate_left(20) % 100_000_001).cast_signed() };
            let wide = i128::from(bound) * i128::from(scale) / i128::from(SCALE);
            assert_eq!(i128::from(scaled(bound, Ratio::from_raw(scale))), wide, "{bound} {scale}");
        }
    }
}
