//! What can be traded and in which direction.

use serde::{Deserialize, Serialize};

use super::{AmountError, Price, Quantity, Symbol};

/// Direction of an order or fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Side {
    /// Buy.
    Buy,
    /// Sell.
    Sell,
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// Whether it adds to a long position.
    #[must_use]
    pub const fn is_buy(self) -> bool {
        matches!(self, Self::Buy)
    }

    /// Wire value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }
}

/// An instrument with its exact steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// Name, for example `AAPL` or `BTC/USDT`.
    pub symbol: Symbol,
    /// Smallest price step; order prices are multiples of it.
    pub tick_size: Price,
    /// Smallest quantity step; order quantities are multiples of it.
    pub lot_size: Quantity,
}

impl Instrument {
    /// An instrument with positive steps.
    ///
    /// # Errors
    /// A step of zero or less.
    pub fn new(symbol: Symbol, tick_size: Price, lot_size: Quantity) -> Result<Self, AmountError> {
        if tick_size <= Price::ZERO {
            return Err(AmountError::NotPositive { what: "tick size", text: tick_size.to_string() });
        }
        if lot_size <= Quantity::ZERO {
            return Err(AmountError::NotPositive { what: "lot size", text: lot_size.to_string() });
        }
        Ok(Self { symbol, tick_size, lot_size })
    }

    /// Check a price against the tick.
    ///
    /// # Errors
    /// Zero, negative or between two ticks.
    pub fn check_price(&self, what: &'static str, price: Price) -> Result<(), AmountError> {
        if price <= Price::ZERO {
            return Err(AmountError::NotPositive { what, text: price.to_string() });
        }
        if !price.on_tick(self.tick_size) {
            let (text, step) = (price.to_string(), self.tick_size.to_string());
            return Err(AmountError::OffStep { what, text, step_name: "tick size", step });
        }
        Ok(())
    }

    /// Check a quantity against the lot.
    ///
    /// # Errors
    /// Zero, negative or between two lots.
    pub fn check_quantity(&self, quantity: Quantity) -> Result<(), AmountError> {
        if quantity <= Quantity::ZERO {
            return Err(AmountError::NotPositive { what: "quantity", text: quantity.to_string() });
        }
        if !quantity.on_lot(self.lot_size) {
            let (text, step) = (quantity.to_string(), self.lot_size.to_string());
            return Err(AmountError::OffStep { what: "quantity", text, step_name: "lot size", step });
        }
        Ok(())
    }
}
