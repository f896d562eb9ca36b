//! Everything that makes up an account, as bytes in a fixed order: for the hash that a replay is compared by.

use std::hash::Hasher;

use super::position::Position;
use super::{AccountKind, Balance, Holding, Portfolio, PositionMode};

impl Portfolio {
    /// Feed the whole content to a hasher: currencies, instruments and rates by name, numbers as little-endian bytes,
    /// texts with their length. Equal content gives equal bytes, in whatever order it was listed.
    pub fn hash_content(&self, hasher: &mut impl Hasher) {
        self.for_each_word(&mut |bytes| hasher.write(bytes));
    }

    /// The bytes of [`Self::hash_content`], piece by piece.
    pub fn for_each_word(&self, sink: &mut impl FnMut(&[u8])) {
        self.terms_words(sink);
        for balance in self.balances().filter(|balance| !is_unused(balance)) {
            balance_words(balance, sink);
        }
        for index in self.by_symbol.values() {
            if let Some(holding) = self.holdings.get(index.slot()) {
                holding_words(holding, sink);
            }
        }
        for rate in self.rates.rows() {
            text(rate.from.as_str(), sink);
            text(rate.to.as_str(), sink);
            numbers(&[rate.price.raw(), rate.ts_event.0], sink);
        }
    }

    fn terms_words(&self, sink: &mut impl FnMut(&[u8])) {
        let leverage = match self.terms.kind {
            AccountKind::Spot => 0,
            AccountKind::Margin { leverage } | AccountKind::Futures { leverage, .. } => leverage.raw(),
        };
        let flags = [self.terms.kind.is_isolated(), self.terms.position_mode == PositionMode::Hedging];
        text(self.terms.kind.as_str(), sink);
        text(self.terms.currency.as_str(), sink);
        let [isolated, hedging] = flags.map(i64::from);
        let (call, fee) = (self.terms.call_level.raw(), self.terms.liquidation_fee.raw());
        let since = self.interest_since.map_or(i64::MIN, |since| since.0);
        numbers(&[leverage, isolated, hedging, call, fee, self.terms.max_rate_age, self.now.0, since], sink);
    }
}

fn is_unused(balance: &Balance) -> bool {
    *balance == Balance::new(balance.currency)
}

fn balance_words(balance: &Balance, sink: &mut impl FnMut(&[u8])) {
    text(balance.currency.as_str(), sink);
    let amounts = [
        balance.total,
        balance.locked,
        balance.deposits,
        balance.realised,
        balance.fees,
        balance.funding,
        balance.interest,
        balance.deficit,
        balance.open_cost,
        balance.units_held,
        balance.isolated,
    ];
    numbers(&amounts.map(crate::types::Money::raw), sink);
    numbers(&[balance.borrow_rate.raw()], sink);
    sink(&balance.interest_rest.to_le_bytes());
}

fn holding_words(holding: &Holding, sink: &mut impl FnMut(&[u8])) {
    text(&holding.instrument.symbol, sink);
    text(holding.instrument.currency.as_str(), sink);
    text(holding.instrument.kind.as_str(), sink);
    numbers(&[holding.instrument.multiplier.raw(), holding.realised.raw(), holding.borrow_rate.raw()], sink);
    sink(&holding.interest_rest.to_le_bytes());
    for leg in [&holding.long, &holding.short] {
        let Position { quantity, units, cost, last_price, margin, locked, unsettled, position_id } = &leg.position;
        let figures =
            [quantity.raw(), units.raw(), cost.raw(), last_price.raw(), margin.raw(), locked.raw(), unsettled.raw()];
        numbers(&figures, sink);
        text(position_id, sink);
    }
}

fn numbers(values: &[i64], sink: &mut impl FnMut(&[u8])) {
    for value in values {
        sink(&value.to_le_bytes());
    }
}

fn text(value: &str, sink: &mut impl FnMut(&[u8])) {
    // A text is shorter than 2^63 bytes.
    sink(&i64::try_from(value.len()).unwrap_or(i64::MAX).to_le_bytes());
    sink(value.as_bytes());
}
