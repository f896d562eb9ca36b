//! What can be traded and in which direction.

use serde::{Deserialize, Serialize};

use super::{AmountError, Currency, Money, Price, Quantity, Ratio, SCALE, SignedQuantity, Symbol};

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

/// What is bought when it trades.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum InstrumentKind {
    /// An asset against another: the notional changes hands.
    #[default]
    Spot,
    /// A share: the notional changes hands, the units are held in the position.
    Equity,
    /// A future with an expiry: no notional changes hands.
    Future,
    /// A future without expiry that pays funding.
    Perpetual,
}

impl InstrumentKind {
    /// Whether a trade exchanges the notional (spot, equity) rather than a margined contract.
    #[must_use]
    pub const fn exchanges_notional(self) -> bool {
        matches!(self, Self::Spot | Self::Equity)
    }

    /// Wire value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spot => "spot",
            Self::Equity => "equity",
            Self::Future => "future",
            Self::Perpetual => "perpetual",
        }
    }
}

/// An instrument with its exact steps and terms.
///
/// Build one with [`Instrument::new`], set what differs and end with [`Instrument::validated`]:
/// ```
/// use deepalpha_engine::types::{Currency, Instrument, InstrumentKind, Price, Quantity, Symbol};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let gold = Instrument {
///     kind: InstrumentKind::Future,
///     multiplier: Quantity::parse("100")?,
///     currency: Currency::parse("USD")?,
///     ..Instrument::new(Symbol::parse("GC")?, Price::parse("0.1")?, Quantity::parse("1")?)?
/// }
/// .validated()?;
/// # assert_eq!(gold.multiplier, Quantity::parse("100")?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// Name, for example `AAPL` or `BTC/USDT`.
    pub symbol: Symbol,
    /// Smallest price step; order prices are multiples of it.
    pub tick_size: Price,
    /// Smallest quantity step; order quantities are multiples of it. A-shares: 100.
    pub lot_size: Quantity,
    /// What is bought.
    pub kind: InstrumentKind,
    /// Units of the underlying in one contract; 1 for spot and shares.
    pub multiplier: Quantity,
    /// Currency that prices, profit and margin are in.
    pub currency: Currency,
    /// Asset received for a buy, when it is a currency of its own (`BTC` of `BTC/USDT`); none for shares and futures.
    pub base: Option<Currency>,
    /// Whether a sale of the whole rest may be between two lots (A-shares).
    pub odd_lot_exit: bool,
    /// Whether units bought today may be sold from the next trading day on only (A-shares, T+1).
    pub t_plus_one: bool,
    /// Smallest order; zero for none.
    pub min_quantity: Quantity,
    /// Largest order.
    pub max_quantity: Quantity,
    /// Smallest notional of an order; zero for none.
    pub min_notional: Money,
    /// Share of the notional needed to open; the account's leverage may ask for more.
    pub initial_margin: Ratio,
    /// Share of the notional below which the position is liquidated.
    pub maintenance_margin: Ratio,
}

impl Instrument {
    /// A spot instrument with positive steps: multiplier 1, currency unspecified, no bounds, no margin.
    ///
    /// # Errors
    /// A step of zero or less.
    pub fn new(symbol: Symbol, tick_size: Price, lot_size: Quantity) -> Result<Self, AmountError> {
        Self { tick_size, lot_size, ..Self::finest(symbol) }.validated()
    }

    /// A spot instrument of which nothing is known but its name: steps of 1e-8, no bounds.
    #[must_use]
    pub const fn finest(symbol: Symbol) -> Self {
        Self {
            symbol,
            tick_size: Price::from_raw(1),
            lot_size: Quantity::from_raw(1),
            kind: InstrumentKind::Spot,
            multiplier: Quantity::from_raw(SCALE),
            currency: Currency::EMPTY,
            base: None,
            odd_lot_exit: false,
            t_plus_one: false,
            min_quantity: Quantity::ZERO,
            max_quantity: Quantity::from_raw(i64::MAX),
            min_notional: Money::ZERO,
            initial_margin: Ratio::ZERO,
            maintenance_margin: Ratio::ZERO,
        }
    }

    /// The instrument, if its terms fit together.
    ///
    /// # Errors
    /// A step, multiplier or maximum of zero or less; a negative minimum or margin; a maintenance margin above 1; a
    /// multiplier other than 1 on spot; a base that is the currency itself.
    pub fn validated(self) -> Result<Self, AmountError> {
        let positive = [
            ("tick size", self.tick_size.raw(), self.tick_size.to_string()),
            ("lot size", self.lot_size.raw(), self.lot_size.to_string()),
            ("multiplier", self.multiplier.raw(), self.multiplier.to_string()),
            ("maximum quantity", self.max_quantity.raw(), self.max_quantity.to_string()),
        ];
        if let Some((what, _, text)) = positive.into_iter().find(|(_, raw, _)| *raw <= 0) {
            return Err(AmountError::NotPositive { what, text });
        }
        let bounded = [
            ("minimum quantity", self.min_quantity.raw(), self.max_quantity.raw()),
            ("minimum notional", self.min_notional.raw(), i64::MAX),
            ("initial margin", self.initial_margin.raw(), i64::MAX),
            ("maintenance margin", self.maintenance_margin.raw(), SCALE),
        ];
        for (what, raw, most) in bounded {
            let text = || Money::from_raw(raw).to_string();
            if raw < 0 {
                let (relation, bound) = ("below the minimum", "0".to_owned());
                return Err(AmountError::OutOfBounds { what, text: text(), relation, bound });
            }
            if raw > most {
                let (relation, bound) = ("above the maximum", Money::from_raw(most).to_string());
                return Err(AmountError::OutOfBounds { what, text: text(), relation, bound });
            }
        }
        if self.kind.exchanges_notional() && self.multiplier.raw() != SCALE {
            let (what, text) = ("multiplier", self.multiplier.to_string());
            return Err(AmountError::Unfit { what, text, why: "that of spot and shares is 1" });
        }
        if let Some(base) = self.base.filter(|base| *base == self.currency || self.kind != InstrumentKind::Spot) {
            let (what, text) = ("base", base.to_string());
            return Err(AmountError::Unfit { what, text, why: "only spot has one, and it is not the currency" });
        }
        Ok(self)
    }

    /// Check a price against the tick.
    ///
    /// # Errors
    /// Zero, negative or between two ticks.
    #[inline]
    pub fn check_price(&self, what: &'static str, price: Price) -> Result<(), AmountError> {
        let fits = price > Price::ZERO && price.on_tick(self.tick_size);
        if fits { Ok(()) } else { Err(self.bad_price(what, price)) }
    }

    #[cold]
    fn bad_price(&self, what: &'static str, price: Price) -> AmountError {
        let text = price.to_string();
        if price <= Price::ZERO {
            return AmountError::NotPositive { what, text };
        }
        AmountError::OffStep { what, text, step_name: "tick size", step: self.tick_size.to_string() }
    }

    /// Check a quantity against the lot.
    ///
    /// # Errors
    /// Zero, negative or between two lots.
    #[inline]
    pub fn check_quantity(&self, quantity: Quantity) -> Result<(), AmountError> {
        let fits = quantity > Quantity::ZERO && quantity.on_lot(self.lot_size);
        if fits { Ok(()) } else { Err(self.bad_quantity(quantity)) }
    }

    #[cold]
    fn bad_quantity(&self, quantity: Quantity) -> AmountError {
        let (what, text) = ("quantity", quantity.to_string());
        if quantity <= Quantity::ZERO {
            return AmountError::NotPositive { what, text };
        }
        AmountError::OffStep { what, text, step_name: "lot size", step: self.lot_size.to_string() }
    }

    /// Check the quantity of an order of `side` by an account that holds `held`: lots, minimum and maximum. Where
    /// `odd_lot_exit` is set a sale of everything held may be odd and small.
    ///
    /// # Errors
    /// Zero, negative, between two lots, or out of the bounds.
    pub fn check_order_quantity(
        &self,
        side: Side,
        quantity: Quantity,
        held: SignedQuantity,
    ) -> Result<(), AmountError> {
        let whole_exit = self.odd_lot_exit && !side.is_buy() && quantity.raw() > 0 && held.raw() == quantity.raw();
        if !whole_exit {
            self.check_quantity(quantity)?;
        }
        let text = || quantity.to_string();
        if quantity < self.min_quantity && !whole_exit {
            let (relation, bound) = ("below the minimum", self.min_quantity.to_string());
            return Err(AmountError::OutOfBounds { what: "quantity", text: text(), relation, bound });
        }
        if quantity > self.max_quantity {
            let (relation, bound) = ("above the maximum", self.max_quantity.to_string());
            return Err(AmountError::OutOfBounds { what: "quantity", text: text(), relation, bound });
        }
        Ok(())
    }

    /// Units of the underlying in `quantity` contracts: `quantity * multiplier`, exact.
    ///
    /// # Errors
    /// Overflow, or more than eight decimals.
    pub fn units(&self, quantity: SignedQuantity) -> Result<SignedQuantity, AmountError> {
        units(quantity, self.multiplier)
    }

    /// `price * quantity * multiplier`, rounded half to even to 1e-8.
    ///
    /// # Errors
    /// Overflow, or a quantity times multiplier of more than eight decimals.
    pub fn notional(&self, price: Price, quantity: Quantity) -> Result<Money, AmountError> {
        price.value(self.units(quantity.signed(true))?)
    }
}

/// `quantity * multiplier`, exact.
pub(crate) fn units(quantity: SignedQuantity, multiplier: Quantity) -> Result<SignedQuantity, AmountError> {
    if multiplier.raw() == SCALE {
        return Ok(quantity);
    }
    let product = i128::from(quantity.raw()) * i128::from(multiplier.raw());
    if product % i128::from(SCALE) != 0 {
        let text = format!("{quantity} x {multiplier}");
        return Err(AmountError::TooPrecise { what: "quantity x multiplier", text });
    }
    super::narrow(product / i128::from(SCALE), "quantity x multiplier").map(SignedQuantity::from_raw)
}
