//! Cash, positions, margin and profit of one account.
//!
//! # Layout
//! - [`account`]: kinds (spot, margin, futures), modes and terms; [`balance`]: one currency and what explains it;
//! - [`position`]: one leg; `holding`: an instrument, its terms and legs; `view`: reading them;
//! - [`booking`]: a fill, all or nothing (`plain`: the short way of most accounts); [`reserve`]: what open orders lock; `valuation`: totals and equity;
//! - [`rates`]: conversion between currencies; [`interest`]: interest on what is borrowed;
//! - [`margin`]: margin level, liquidation order and price; [`settle`]: funding, marks, margin, liquidation, in that
//!   order; `content`: everything in a fixed order, for a state hash.
//!
//! Invariants, kept to the last unit by integer arithmetic:
//! - position = sum of signed fills; the legs of a hedged instrument add up to the netted position;
//! - every currency: total = deposits + realised - open cost + units held - fees + funding - interest + deficit;
//! - equity = cash + what positions add = deposits + realised + unrealised - fees + funding - interest + deficit;
//! - free cash of a spot account is never negative; locked = what open orders need;
//! - an error means that nothing was changed.
//!
//! Cost: a fill or mark by index is O(1) and allocates nothing once its instrument was traded; by symbol O(log symbols)
//! more; totals O(currencies).

pub mod account;
pub mod balance;
pub mod booking;
mod content;
mod error;
mod holding;
pub mod interest;
pub mod margin;
mod plain;
pub mod position;
pub mod rates;
pub mod reserve;
pub mod settle;
mod valuation;
mod view;

use std::collections::BTreeMap;

pub use account::{AccountKind, AccountTerms, AccountTotals, MarginMode, PositionMode};
pub use balance::Balance;
pub use booking::Booking;
pub use error::PortfolioError;
pub use margin::{LiquidationStep, MarginFigures, MarginState};
pub use position::{Position, PositionSide};
pub use rates::Rates;
pub use reserve::{Need, Reservation};
pub use settle::{FundingRate, MarkPrice, SettleEvent};

use crate::types::{Currency, Instrument, Money, Price, Quantity, Ratio, SCALE, Side, Symbol, TradeId, UtcNanos};
use holding::{Holding, Leg, Terms};

/// Number of an instrument inside one account: the dense key of the hot path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstrumentIndex(u32);

impl InstrumentIndex {
    /// Its number, dense from 0.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    const fn slot(self) -> usize {
        self.0 as usize
    }
}

/// An account: balances and positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portfolio {
    terms: AccountTerms,
    balances: Vec<Balance>,
    holdings: Vec<Holding>,
    by_symbol: BTreeMap<Symbol, InstrumentIndex>,
    rates: Rates,
    now: UtcNanos,
    interest_since: Option<UtcNanos>,
}

impl Portfolio {
    /// A margin account of one unnamed currency without a leverage limit, as the practice venue uses it: symbols are
    /// listed when they are first traded or priced, with multiplier 1 and no margin.
    #[must_use]
    pub fn new(cash: Money) -> Self {
        let kind = AccountKind::Margin { leverage: Ratio::from_raw(i64::MAX) };
        let terms = AccountTerms::new(kind, Currency::EMPTY);
        let balance = Balance { total: cash, deposits: cash, ..Balance::new(Currency::EMPTY) };
        Self::with_balance(terms, balance)
    }

    /// An account with nothing in it.
    ///
    /// # Errors
    /// A leverage below 1, a call level below 1, a negative fee or age, a spot account that hedges.
    pub fn open(terms: AccountTerms) -> Result<Self, PortfolioError> {
        let bad = |what, value: String, why| Err(PortfolioError::BadTerms { what, value, why });
        if let AccountKind::Margin { leverage } | AccountKind::Futures { leverage, .. } = terms.kind
            && leverage.raw() < SCALE
        {
            return bad("leverage", leverage.to_string(), "it must be at least 1");
        }
        if terms.call_level.raw() < SCALE {
            return bad("call level", terms.call_level.to_string(), "it must be at least 1 maintenance margin");
        }
        if terms.liquidation_fee.raw() < 0 || terms.liquidation_fee.raw() > SCALE {
            return bad("liquidation fee", terms.liquidation_fee.to_string(), "it must be in 0..=1");
        }
        if terms.max_rate_age < 0 {
            return bad("oldest rate", terms.max_rate_age.to_string(), "it must not be negative");
        }
        if terms.kind == AccountKind::Spot && terms.position_mode == PositionMode::Hedging {
            return bad("position mode", "hedging".to_owned(), "a spot account is never short; use netting");
        }
        Ok(Self::with_balance(terms, Balance::new(terms.currency)))
    }

    fn with_balance(terms: AccountTerms, balance: Balance) -> Self {
        Self {
            terms,
            balances: vec![balance],
            holdings: Vec::new(),
            by_symbol: BTreeMap::new(),
            rates: Rates::default(),
            now: UtcNanos(i64::MIN),
            interest_since: None,
        }
    }

    /// Terms of the account.
    #[must_use]
    pub const fn terms(&self) -> &AccountTerms {
        &self.terms
    }

    /// List an instrument; listing it again with the same terms returns the same index.
    ///
    /// # Errors
    /// Terms that do not fit together, other terms than before, or a kind that this account cannot hold.
    pub fn list(&mut self, instrument: Instrument) -> Result<InstrumentIndex, PortfolioError> {
        let instrument = instrument.validated()?;
        if let Some(index) = self.by_symbol.get(&instrument.symbol).copied() {
            let same = self.holdings.get(index.slot()).is_some_and(|holding| holding.instrument == instrument);
            let symbol = instrument.symbol;
            return if same { Ok(index) } else { Err(PortfolioError::ListedOtherwise { symbol }) };
        }
        let exchanges = instrument.kind.exchanges_notional();
        let needed = match self.terms.kind {
            AccountKind::Spot if !exchanges => Some("futures or margin"),
            AccountKind::Futures { .. } if exchanges => Some("spot or margin"),
            _ => None,
        };
        if let Some(needed) = needed {
            let (kind, account) = (instrument.kind.as_str(), self.terms.kind.as_str());
            return Err(PortfolioError::WrongAccount { symbol: instrument.symbol, kind, account, needed });
        }
        Ok(self.insert(instrument))
    }

    fn insert(&mut self, instrument: Instrument) -> InstrumentIndex {
        let by_leverage = self.terms.kind.margin_of_leverage();
        let spot = self.terms.kind == AccountKind::Spot;
        let terms = Terms {
            multiplier: instrument.multiplier,
            exchanges: instrument.kind.exchanges_notional(),
            initial: if spot { Ratio::ZERO } else { instrument.initial_margin.max(by_leverage) },
            maintenance: if spot { Ratio::ZERO } else { instrument.maintenance_margin },
            t_plus_one: instrument.t_plus_one,
            settle: self.balance_slot(instrument.currency),
            base: instrument.base.map(|base| self.balance_slot(base)),
            plain: matches!(self.terms.kind, AccountKind::Margin { .. })
                && self.terms.position_mode == PositionMode::Netting
                && instrument.kind.exchanges_notional(),
        };
        // Four billion instruments do not fit into memory; the default is never taken.
        let index = InstrumentIndex(u32::try_from(self.holdings.len()).unwrap_or(u32::MAX));
        self.by_symbol.insert(instrument.symbol, index);
        self.holdings.push(Holding {
            instrument,
            terms,
            long: Leg::default(),
            short: Leg::default(),
            realised: Money::ZERO,
            borrow_rate: Ratio::ZERO,
            interest_rest: 0,
        });
        index
    }

    /// Slot of a currency, made when it is new.
    fn balance_slot(&mut self, currency: Currency) -> usize {
        if let Some(slot) = self.balances.iter().position(|balance| balance.currency == currency) {
            return slot;
        }
        self.balances.push(Balance::new(currency));
        self.balances.len() - 1
    }

    /// Index of a symbol, if it is listed.
    #[must_use]
    pub fn index_of(&self, symbol: &str) -> Option<InstrumentIndex> {
        self.by_symbol.get(symbol).copied()
    }

    /// The listed instrument of an index.
    #[must_use]
    pub fn instrument(&self, index: InstrumentIndex) -> Option<&Instrument> {
        self.holdings.get(index.slot()).map(|holding| &holding.instrument)
    }

    fn holding(&self, index: InstrumentIndex) -> Result<&Holding, PortfolioError> {
        self.holdings.get(index.slot()).ok_or_else(|| PortfolioError::unknown_index(index.0))
    }

    /// Index of a symbol for the calls that list what they do not know, as plain spot in the account's currency.
    fn index_or_list(&mut self, symbol: &str) -> Result<InstrumentIndex, PortfolioError> {
        if let Some(index) = self.index_of(symbol) {
            return Ok(index);
        }
        self.list(Instrument { currency: self.terms.currency, ..Instrument::finest(Symbol::parse(symbol)?) })
    }

    /// Price a symbol without trading it.
    pub fn mark(&mut self, symbol: &str, price: Price) {
        // Nothing can be refused here: an unnamed plain spot instrument is always valid unless the account is of
        // another kind, and such an account lists its instruments first.
        if let Ok(index) = self.index_or_list(symbol) {
            self.mark_index(index, price);
        }
    }

    /// Price an instrument without trading it; O(1). An index of another account changes nothing.
    pub fn mark_index(&mut self, index: InstrumentIndex, price: Price) {
        let (hedging, isolated) = (self.terms.position_mode == PositionMode::Hedging, self.terms.kind.is_isolated());
        let Some(holding) = self.holdings.get_mut(index.slot()) else { return };
        let Some(balance) = self.balances.get_mut(holding.terms.settle) else { return };
        for leg in [Some(&mut holding.long), hedging.then_some(&mut holding.short)].into_iter().flatten() {
            leg.position.last_price = price;
            if leg.position.quantity.raw() != 0 {
                let (old, new) = leg.refresh(&holding.terms, isolated);
                balance.sums.replace(&old, &new);
            }
        }
    }

    /// Book a fill of a netting account; returns the profit it realised, before its fee. See [`Self::book_fill`].
    ///
    /// # Errors
    /// Overflow, or what the kind of account refuses; nothing is changed then.
    pub fn book(
        &mut self,
        symbol: &str,
        side: Side,
        quantity: Quantity,
        price: Price,
        fee: Money,
        fill_id: &TradeId,
    ) -> Result<Money, PortfolioError> {
        let known = self.index_of(symbol);
        let index = self.index_or_list(symbol)?;
        let booked = self.book_fill(&Booking { fee, ..Booking::new(index, side, quantity, price, *fill_id) }, None);
        if booked.is_err() && known.is_none() {
            // It was listed for this fill alone, at the end.
            self.by_symbol.remove(symbol);
            self.holdings.pop();
        }
        booked
    }

    /// Pay cash in.
    ///
    /// # Errors
    /// Zero, negative, or overflow.
    pub fn deposit(&mut self, currency: Currency, amount: Money) -> Result<(), PortfolioError> {
        if amount <= Money::ZERO {
            return Err(PortfolioError::NotPositive { what: "deposit", value: amount.to_string() });
        }
        self.transfer(currency, amount)
    }

    /// Pay free cash out.
    ///
    /// # Errors
    /// Zero, negative, or more than is free.
    pub fn withdraw(&mut self, currency: Currency, amount: Money) -> Result<(), PortfolioError> {
        if amount <= Money::ZERO {
            return Err(PortfolioError::NotPositive { what: "withdrawal", value: amount.to_string() });
        }
        let free = self.free(currency)?;
        if amount > free {
            return Err(PortfolioError::NotEnoughCash { currency, needed: amount, free });
        }
        self.transfer(currency, amount.negated())
    }

    fn transfer(&mut self, currency: Currency, amount: Money) -> Result<(), PortfolioError> {
        let slot = self.balance_slot(currency);
        if let Some(balance) = self.balances.get_mut(slot) {
            let (total, deposits) = (balance.total.plus(amount)?, balance.deposits.plus(amount)?);
            (balance.total, balance.deposits) = (total, deposits);
        }
        Ok(())
    }

    /// One unit of `from` costs `price` units of `to` since `ts_event`.
    ///
    /// # Errors
    /// A price of zero or less, or an earlier time than the known rate has.
    pub fn set_rate(
        &mut self,
        from: Currency,
        to: Currency,
        price: Price,
        ts_event: UtcNanos,
    ) -> Result<(), PortfolioError> {
        self.rates.set(from, to, price, ts_event)?;
        self.now = self.now.max(ts_event);
        Ok(())
    }

    /// The trading day is over: what was bought under T+1 can be sold from now on.
    pub fn start_trading_day(&mut self) {
        for holding in &mut self.holdings {
            for leg in [&mut holding.long, &mut holding.short] {
                leg.position.unsettled = Quantity::ZERO;
            }
        }
    }
}
