//! Fixed-point newtypes over `i64` with eight decimals.
//!
//! `Price * Quantity = Money` is the only product; sums exist only where they mean something. All arithmetic is
//! checked. Products are taken in `i128` and rounded half to even to 1e-8, which is exact for every price tick and lot
//! whose decimals add up to eight or fewer.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::amount_error::AmountError;
use super::rounding::{div_half_even, narrow, scaled_product};

/// Units in one: 1e8.
pub const SCALE: i64 = 100_000_000;
const DECIMALS: usize = 8;

fn parse(text: &str, what: &'static str) -> Result<i64, AmountError> {
    let not_a_number = || AmountError::NotANumber { what, text: text.to_owned() };
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
        return Err(not_a_number());
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > DECIMALS {
        return Err(AmountError::TooPrecise { what, text: text.to_owned() });
    }
    let out_of_range = || AmountError::OutOfRange { what, text: text.to_owned() };
    let mut raw: i128 = 0;
    for byte in whole.bytes().chain(fraction.bytes()).chain(std::iter::repeat_n(b'0', DECIMALS - fraction.len())) {
        raw = raw
            .checked_mul(10)
            .and_then(|value| value.checked_add(i128::from(byte - b'0')))
            .ok_or_else(out_of_range)?;
    }
    i64::try_from(if negative { -raw } else { raw }).map_err(|_| out_of_range())
}

fn write_fixed(raw: i64, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    let magnitude = raw.unsigned_abs();
    let (whole, fraction) = (magnitude / SCALE.unsigned_abs(), magnitude % SCALE.unsigned_abs());
    let sign = if raw < 0 { "-" } else { "" };
    if fraction == 0 {
        return write!(formatter, "{sign}{whole}");
    }
    let digits = format!("{fraction:08}");
    write!(formatter, "{sign}{whole}.{}", digits.trim_end_matches('0'))
}

macro_rules! fixed {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        pub struct $name(i64);

        impl $name {
            /// Zero.
            pub const ZERO: Self = Self(0);

            /// From a count of 1e-8 units.
            #[must_use]
            pub const fn from_raw(raw: i64) -> Self {
                Self(raw)
            }

            /// Count of 1e-8 units.
            #[must_use]
            pub const fn raw(self) -> i64 {
                self.0
            }

            /// Parse a plain decimal such as `-12.5`; at most eight decimals, exact.
            ///
            /// # Errors
            /// [`AmountError`] for anything else (`nan`, `1e5`, nine decimals, out of range).
            pub fn parse(text: &str) -> Result<Self, AmountError> {
                parse(text, $what).map(Self)
            }

            /// As `f64`, for scores and messages only.
            #[must_use]
            #[expect(clippy::cast_precision_loss, reason = "documented: scores and messages only")]
            pub fn to_f64(self) -> f64 {
                self.0 as f64 / SCALE as f64
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_fixed(self.0, formatter)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

fixed! {
    /// A price per unit in the account's currency.
    Price, "price"
}
fixed! {
    /// An order or fill quantity, never negative.
    Quantity, "quantity"
}
fixed! {
    /// A holding: positive long, negative short.
    SignedQuantity, "position"
}
fixed! {
    /// Cash, cost, value, fee or profit.
    Money, "amount"
}
fixed! {
    /// A dimensionless share such as a fee rate or a limit (0.02 = 2 %).
    Ratio, "ratio"
}

impl Price {
    /// The price nearest to a float from a data file, in 1e-8 units.
    ///
    /// # Errors
    /// NaN, infinite, zero, negative or out of range.
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked before the cast")]
    pub fn from_f64(value: f64) -> Result<Self, AmountError> {
        if !value.is_finite() {
            return Err(AmountError::NotANumber { what: "price", text: value.to_string() });
        }
        let raw = (value * 1e8).round_ties_even();
        if raw >= 9.2e18 {
            return Err(AmountError::OutOfRange { what: "price", text: value.to_string() });
        }
        let raw = raw as i64;
        if raw <= 0 {
            return Err(AmountError::NotPositive { what: "price", text: value.to_string() });
        }
        Ok(Self(raw))
    }

    /// `self * quantity`, rounded half to even to 1e-8.
    ///
    /// # Errors
    /// Overflow.
    #[inline]
    pub fn notional(self, quantity: Quantity) -> Result<Money, AmountError> {
        self.value(SignedQuantity(quantity.0))
    }

    /// Signed market value of a holding at this price, rounded half to even to 1e-8.
    ///
    /// # Errors
    /// Overflow.
    #[inline]
    pub fn value(self, quantity: SignedQuantity) -> Result<Money, AmountError> {
        scaled_product(self.0, quantity.0).map(Money).ok_or_else(|| AmountError::overflow("price x quantity"))
    }

    /// `self * (1 + shift)`, rounded up or down to a multiple of `tick`.
    ///
    /// # Errors
    /// Overflow, or a result of zero or less.
    pub fn shifted(self, shift: Ratio, tick: Self, up: bool) -> Result<Self, AmountError> {
        let tick = tick.0.max(1);
        let raw = match shifted_small(self.0, shift.0, tick, up) {
            Some(raw) => raw,
            None => {
                let factor = i128::from(SCALE) + i128::from(shift.0);
                let step = i128::from(tick) * i128::from(SCALE);
                let product = i128::from(self.0) * factor;
                let steps = product.div_euclid(step) + i128::from(up && product.rem_euclid(step) != 0);
                narrow(steps * i128::from(tick), "price x factor")?
            }
        };
        if raw <= 0 {
            return Err(AmountError::NotPositive { what: "price", text: Self(raw).to_string() });
        }
        Ok(Self(raw))
    }

    /// Whether the price is a multiple of `tick`.
    #[must_use]
    pub const fn on_tick(self, tick: Self) -> bool {
        tick.0 > 0 && self.0 % tick.0 == 0
    }
}

/// [`Price::shifted`] in 64 bits, which nearly every price fits: whole units and the rest of the price apart. None where
/// it does not fit, or something is negative.
fn shifted_small(price: i64, shift: i64, tick: i64, up: bool) -> Option<i64> {
    let (price, factor) = (u64::try_from(price).ok()?, u64::try_from(SCALE.checked_add(shift)?).ok()?);
    let unit = SCALE.unsigned_abs();
    let rest = (price % unit).checked_mul(factor)?;
    let shifted = (price / unit).checked_mul(factor)?.checked_add(rest / unit)?;
    let tick = tick.unsigned_abs();
    let more = up && (shifted % tick != 0 || rest % unit != 0);
    i64::try_from((shifted / tick + u64::from(more)).checked_mul(tick)?).ok()
}

impl Quantity {
    /// The smaller of two.
    #[must_use]
    pub fn at_most(self, other: Self) -> Self {
        self.min(other)
    }

    /// Whether the quantity is a multiple of `lot`.
    #[must_use]
    pub const fn on_lot(self, lot: Self) -> bool {
        lot.0 > 0 && self.0 % lot.0 == 0
    }

    /// As a holding: positive when bought, negative when sold.
    #[must_use]
    pub const fn signed(self, bought: bool) -> SignedQuantity {
        SignedQuantity(if bought { self.0 } else { -self.0 })
    }
}

impl SignedQuantity {
    /// Size without direction.
    #[must_use]
    pub const fn magnitude(self) -> Quantity {
        Quantity(self.0.saturating_abs())
    }

    /// Sum of two holdings of one instrument.
    ///
    /// # Errors
    /// Overflow.
    #[inline]
    pub fn plus(self, other: Self) -> Result<Self, AmountError> {
        self.0.checked_add(other.0).map(Self).ok_or_else(|| AmountError::overflow("position"))
    }
}

impl Money {
    /// Sum.
    ///
    /// # Errors
    /// Overflow.
    #[inline]
    pub fn plus(self, other: Self) -> Result<Self, AmountError> {
        self.0.checked_add(other.0).map(Self).ok_or_else(|| AmountError::overflow("sum of money"))
    }

    /// Difference.
    ///
    /// # Errors
    /// Overflow.
    #[inline]
    pub fn minus(self, other: Self) -> Result<Self, AmountError> {
        self.0.checked_sub(other.0).map(Self).ok_or_else(|| AmountError::overflow("difference of money"))
    }

    /// The same amount with the other sign.
    #[must_use]
    #[inline]
    pub const fn negated(self) -> Self {
        Self(self.0.saturating_neg())
    }

    /// Amount without sign.
    #[must_use]
    pub const fn magnitude(self) -> Self {
        Self(self.0.saturating_abs())
    }

    /// `self * ratio`, rounded half to even.
    ///
    /// # Errors
    /// Overflow.
    #[inline]
    pub fn times(self, ratio: Ratio) -> Result<Self, AmountError> {
        scaled_product(self.0, ratio.0).map(Self).ok_or_else(|| AmountError::overflow("money x ratio"))
    }

    /// The share `part / whole` of this amount, cut towards zero, so that what is left keeps the remainder.
    #[must_use]
    #[inline]
    pub fn share(self, part: Quantity, whole: Quantity) -> Self {
        if whole.0 == 0 || part >= whole {
            return self;
        }
        if let Some(share) = self.0.checked_mul(part.0).and_then(|product| product.checked_div(whole.0)) {
            return Self(share);
        }
        let product = i128::from(self.0) * i128::from(part.0);
        // |part| < |whole|, so the quotient is no larger than self and the narrowing cannot fail.
        Self(i64::try_from(product / i128::from(whole.0)).unwrap_or(self.0))
    }

    /// `self / other`; zero when `other` is zero.
    ///
    /// # Errors
    /// Overflow.
    pub fn ratio_to(self, other: Self) -> Result<Ratio, AmountError> {
        if other.0 == 0 {
            return Ok(Ratio::ZERO);
        }
        let numerator = i128::from(self.0) * i128::from(SCALE) * i128::from(other.0.signum());
        narrow(div_half_even(numerator, i128::from(other.0).abs()), "money / money").map(Ratio)
    }
}

impl Ratio {
    /// As a percentage in words, two decimals at most: `2 %`.
    #[must_use]
    pub fn percent(self) -> String {
        let text = format!("{:.2}", self.to_f64() * 100.0);
        format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_and_prints_exactly() {
        for text in ["0", "1", "-1", "0.00000001", "-0.5", "92233720368.54775807", "123.45"] {
            assert_eq!(Money::parse(text).map(|money| money.to_string()), Ok(text.to_owned()));
        }
        assert_eq!(Price::parse("1.50").map(|price| price.to_string()), Ok("1.5".to_owned()));
    }

    #[test]
    fn refuses_what_is_no_amount() {
        for text in ["", "-", ".", "nan", "inf", "1e5", "1,5", "0x1", "1.000000001", "92233720368.54775808", "--1"] {
            assert!(Money::parse(text).is_err(), "{text:?} was accepted");
        }
        for value in [f64::NAN, f64::INFINITY, 0.0, -1.0, 1e308, 1e-12] {
            assert!(Price::from_f64(value).is_err(), "{value} was accepted");
        }
    }

    #[test]
    fn overflow_is_an_error() {
        let price = Price::from_raw(i64::MAX);
        assert!(price.notional(Quantity::from_raw(i64::MAX)).is_err());
        assert!(Money::from_raw(i64::MAX).plus(Money::from_raw(1)).is_err());
    }

    #[test]
    fn shifts_to_the_tick_against_the_trader() -> Result<(), AmountError> {
        let (price, tick, slippage) = (Price::parse("100")?, Price::parse("0.01")?, Ratio::parse("0.00055")?);
        assert_eq!(price.shifted(slippage, tick, true)?.to_string(), "100.06");
        assert_eq!(price.shifted(Ratio::parse("-0.00055")?, tick, false)?.to_string(), "99.94");
        Ok(())
    }

    #[test]
    fn a_shifted_price_is_the_next_tick_of_the_wide_product() {
        let mut seed = 9_u64;
        for _ in 0..100_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let price = (seed >> (seed % 40 + 1)).cast_signed() >> 5;
            let tick = 10_i64.pow(u32::try_from(seed >> 61).unwrap_or_default()) + (seed >> 60).cast_signed() % 3;
            // From nothing left of it to three times as much, or exactly as it is.
            let shift =
                if seed.is_multiple_of(5) { 0 } else { (seed.rotate_left(9) % 300_000_001).cast_signed() - SCALE };
            let wide = i128::from(price) * i128::from(SCALE + shift);
            let step = i128::from(tick) * i128::from(SCALE);
            for up in [false, true] {
                let ticks = (wide + if up { step - 1 } else { 0 }).div_euclid(step);
                let naive = i64::try_from(ticks * i128::from(tick)).ok().filter(|raw| *raw > 0);
                let ours = Price::from_raw(price).shifted(Ratio::from_raw(shift), Price::from_raw(tick), up);
                assert_eq!(ours.ok().map(Price::raw), naive, "{price} {shift} {tick} {up}");
            }
        }
    }
}
