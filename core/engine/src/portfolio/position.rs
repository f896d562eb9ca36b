//! One position (or one leg of a hedged one) and what it adds to the account's running sums.
//!
//! Profit comes from the exact cost: `realised = sum of signed notionals - cost`, whatever the rounding of a share is,
//! because `share()` cuts towards zero and what is left keeps the remainder.

pub use crate::orders::PositionSide;
use crate::types::{
    AmountError, Money, Price, Quantity, Ratio, SCALE, SignedQuantity, TradeId, div_half_even, scaled_down,
};

/// One holding. A position that is closed keeps its last price and has quantity zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Positive long, negative short.
    pub quantity: SignedQuantity,
    /// Quantity times the contract multiplier.
    pub units: SignedQuantity,
    /// What the open quantity cost: positive for a long, negative (received) for a short.
    pub cost: Money,
    /// Price of the last bar, mark or fill.
    pub last_price: Price,
    /// Margin put aside for it (isolated mode only).
    pub margin: Money,
    /// What open orders would sell of it.
    pub locked: Quantity,
    /// Bought on this trading day (T+1 instruments only); not to be sold before the next.
    pub unsettled: Quantity,
    /// Id of the fill that opened it; empty while flat.
    pub position_id: TradeId,
}

impl Position {
    /// Value at the last price.
    ///
    /// # Errors
    /// Overflow.
    pub fn value(&self) -> Result<Money, AmountError> {
        self.last_price.value(self.units)
    }

    /// Value minus cost.
    ///
    /// # Errors
    /// Overflow.
    pub fn unrealised(&self) -> Result<Money, AmountError> {
        self.value()?.minus(self.cost)
    }

    /// Average price of the open quantity, cut to 1e-8; zero while flat. For showing and for protective prices:
    /// profit is computed from `cost`, which is exact.
    #[must_use]
    pub fn average_price(&self) -> Price {
        let units = self.units.raw();
        if units == 0 {
            return Price::ZERO;
        }
        let scaled = i128::from(self.cost.raw()) * i128::from(SCALE) / i128::from(units);
        Price::from_raw(i64::try_from(scaled).unwrap_or(i64::MAX))
    }

    /// What can be sold of a long: not locked by orders, not bought today under T+1.
    #[must_use]
    pub fn sellable(&self) -> Quantity {
        let left = self.quantity.raw().saturating_sub(self.locked.raw()).saturating_sub(self.unsettled.raw());
        Quantity::from_raw(left.max(0))
    }

    /// Value at the last price as it always fits.
    pub(super) fn exact_value(&self) -> i128 {
        value_of(self.last_price, self.units)
    }
}

/// `price * units` rounded as [`Price::value`] does, never narrowed.
#[inline]
pub(super) fn value_of(price: Price, units: SignedQuantity) -> i128 {
    // Half to even is the same on both sides of zero, so the sign comes last.
    let product = u128::from(price.raw().unsigned_abs()) * u128::from(units.raw().unsigned_abs());
    if let Some(magnitude) = scaled_down(product) {
        let negative = (price.raw() < 0) != (units.raw() < 0);
        return if negative { -i128::from(magnitude) } else { i128::from(magnitude) };
    }
    div_half_even(i128::from(price.raw()) * i128::from(units.raw()), i128::from(SCALE))
}

/// The largest margin there is: far beyond any account, and four billion of them still fit 128 bits.
const LARGEST_MARGIN: i128 = 1 << 94;

/// `|value| * rate` rounded up: margins are never asked for too little.
#[inline]
pub(super) fn margin_of(value: i128, rate: Ratio) -> i128 {
    if rate.raw() == 0 || value == 0 {
        return 0;
    }
    let (rate, value) = (rate.raw().unsigned_abs(), value.unsigned_abs());
    match u64::try_from(value).ok().and_then(|value| value.checked_mul(rate)) {
        Some(product) => i128::from(product.div_ceil(SCALE.unsigned_abs())),
        None => large_margin_of(value, rate),
    }
}

/// What no account reaches stays at [`LARGEST_MARGIN`], which no amount of money holds either.
#[inline(never)]
fn large_margin_of(value: u128, rate: u64) -> i128 {
    let product = value.saturating_mul(u128::from(rate));
    i128::try_from(product.div_ceil(u128::from(SCALE.unsigned_abs())))
        .map_or(LARGEST_MARGIN, |margin| margin.min(LARGEST_MARGIN))
}

/// What a position adds to the sums of its currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    /// Addition to equity: value where the notional was exchanged, else the open profit.
    pub(super) worth: i128,
    /// Open profit.
    pub(super) unrealised: i128,
    /// Value without sign.
    pub(super) gross: i128,
    /// Initial margin (isolated: the margin put aside).
    pub(super) initial: i128,
    /// Maintenance margin.
    pub(super) maintenance: i128,
}

impl Sums {
    /// Take `old` out and put `new` in. A value is below 2^100 and a margin at most [`LARGEST_MARGIN`], so what four
    /// billion positions add up to is far from the range's end: plain sums, exact again when a position has left.
    #[inline]
    pub(super) const fn replace(&mut self, old: &Self, new: &Self) {
        self.worth = self.worth.wrapping_add(new.worth.wrapping_sub(old.worth));
        self.unrealised = self.unrealised.wrapping_add(new.unrealised.wrapping_sub(old.unrealised));
        self.gross = self.gross.wrapping_add(new.gross.wrapping_sub(old.gross));
        self.initial = self.initial.wrapping_add(new.initial.wrapping_sub(old.initial));
        self.maintenance = self.maintenance.wrapping_add(new.maintenance.wrapping_sub(old.maintenance));
    }
}
