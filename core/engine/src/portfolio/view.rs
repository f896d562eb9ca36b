//! Reading an account: balances, positions, legs.

use super::position::PositionSide;
use super::{Balance, InstrumentIndex, Portfolio, Position, PositionMode};
use crate::types::{Currency, Money, SignedQuantity, Symbol};

impl Portfolio {
    /// Cash of the account's own currency.
    #[must_use]
    pub fn cash(&self) -> Money {
        self.balances.first().map_or(Money::ZERO, |balance| balance.total)
    }

    /// The balance of a currency, if it was ever used.
    #[must_use]
    pub fn balance(&self, currency: Currency) -> Option<&Balance> {
        self.balances.iter().find(|balance| balance.currency == currency)
    }

    /// All balances by the name of their currency.
    pub fn balances(&self) -> impl Iterator<Item = &Balance> {
        let mut sorted: Vec<&Balance> = self.balances.iter().collect();
        sorted.sort_by_key(|balance| balance.currency);
        sorted.into_iter()
    }

    /// The net position (long leg in hedging mode) of a symbol, if it was ever traded or priced.
    #[must_use]
    pub fn position(&self, symbol: &str) -> Option<&Position> {
        let known = self.index_of(symbol).and_then(|index| self.holdings.get(index.slot()));
        known.map(|holding| &holding.long).filter(|leg| leg.is_known()).map(|leg| &leg.position)
    }

    /// A leg of an instrument.
    #[must_use]
    pub fn leg(&self, index: InstrumentIndex, leg: PositionSide) -> Option<&Position> {
        self.holdings.get(index.slot()).map(|holding| &holding.leg(leg).position)
    }

    /// All holdings by symbol, the long leg before the short one.
    pub fn positions(&self) -> impl Iterator<Item = (Symbol, &Position)> {
        self.legs().map(|(index, _, position)| {
            (self.instrument(index).map_or(Symbol::EMPTY, |instrument| instrument.symbol), position)
        })
    }

    /// All legs that were ever traded or priced, by symbol, the long one before the short one.
    pub fn legs(&self) -> impl Iterator<Item = (InstrumentIndex, PositionSide, &Position)> {
        let first = self.first_leg();
        self.by_symbol.values().flat_map(move |index| {
            let legs = self
                .holdings
                .get(index.slot())
                .map(|holding| [(*index, first, &holding.long), (*index, PositionSide::Short, &holding.short)]);
            legs.into_iter()
                .flatten()
                .filter(|(_, _, leg)| leg.is_known())
                .map(|(index, side, leg)| (index, side, &leg.position))
        })
    }

    pub(super) const fn first_leg(&self) -> PositionSide {
        match self.terms.position_mode {
            PositionMode::Netting => PositionSide::Net,
            PositionMode::Hedging => PositionSide::Long,
        }
    }

    /// Signed quantity of a symbol, both legs together.
    #[must_use]
    pub fn quantity(&self, symbol: &str) -> SignedQuantity {
        self.index_of(symbol).map_or(SignedQuantity::ZERO, |index| self.net_quantity(index))
    }

    /// Signed quantity of an instrument, both legs together.
    #[must_use]
    pub fn net_quantity(&self, index: InstrumentIndex) -> SignedQuantity {
        self.holdings.get(index.slot()).map_or(SignedQuantity::ZERO, |holding| {
            // A long and a short of 63 bits cannot leave them.
            let legs = (holding.long.position.quantity.raw(), holding.short.position.quantity.raw());
            SignedQuantity::from_raw(legs.0.saturating_add(legs.1))
        })
    }
}
