//! The exchange: paper and simulated matching of order flow finer than bars, for many instruments and accounts.
//!
//! # Liquidity
//! - [`LiquidityKind::Book`]: the orders of all accounts and simulated counterparties meet in one price-time priority
//!   [`Book`](crate::book::Book) with self-trade prevention.
//! - [`LiquidityKind::Depth`]: orders meet a replica of somebody's market (levels, quotes, trades) and never each other.
//!   What takes walks the shown levels and uses them up until the market shows them anew; what rests fills by its place
//!   in the queue, from trades only, never more than traded. Nothing fills on data that is not newer than the order,
//!   and nothing at all while the replica is crossed.
//!
//! # Rules
//! - A market order is an immediate one with a limit: the best price moved by `market_bound`; what is left expires.
//! - Conditional orders sleep until a price that comes after them reaches their trigger; only then do they hold back
//!   money, and only then may they turn out to be unaffordable (they are cancelled with that reason).
//! - Of an OCO group one order trades: when one trades or wakes, the others are cancelled before anything else trades.
//! - Reduce-only orders, and orders that close a hedged leg, shrink with the position and are cancelled when it is flat.
//! - Brackets are made by the exchange around the position (`Attached`), a stop and a target that follow its size.
//! - Money: an order holds back what it needs at its worst price; a fee never takes a spot account below zero, it is cut
//!   to what is there.
//! - Order of events at one instant: expiry, arrivals in the order they were sent, then the command itself; inside a
//!   command trades in book order, maker before taker, then cancels they cause, then protective orders, then triggers.
//!
//! # Invariants
//! - Deterministic: same settings, commands, data and times give the same events and [`Exchange::state_hash`]; a clone
//!   continued equals the original continued. One writer; the clock is the caller's and never runs back.
//! - Sum of buys = sum of sells in every book; money only moves between accounts, into fees and from the insurance.
//! - What is locked in an account is what its open orders need, and zero when none is open.
//! - An error means that nothing was changed, except [`ExchangeError::Halted`], after which nothing changes any more.
//!
//! Cost: submit, cancel and amend O(1) plus O(1) a trade (O(log n) with delays, expiry, triggers or a replica);
//! allocation-free once grown, as long as no text (a reason) has to be written.

mod account;
mod admission;
mod amend;
mod cascade;
mod config;
mod delicate;
mod error;
mod fills;
mod ids;
mod listing;
mod market_data;
mod matching;
mod orders;
mod replica;
mod settlement;
mod state;
mod time;

use std::collections::{BinaryHeap, VecDeque};

pub use config::{
    AccountId, AccountSettlement, CancelFilter, CounterpartyId, DepthUpdate, ExchangeConfig, ExchangeEvent, Execution,
    LiquidityKind, MarketTrade, OrderChange, TopOfBook, TriggerSource,
};
pub use error::ExchangeError;

use account::Account;
use cascade::{Later, Urgent};
use listing::Listing;
use orders::{Orders, QuickMap};
use time::Sent;

use crate::book::{Book, Depth, LevelChange, Report};
use crate::matching::{DelayQueue, FeeModel, Fired, OrderRecord};
use crate::orders::{OrderRequest, OrderState};
use crate::portfolio::Portfolio;
use crate::risk::{Approval, Approved};
use crate::types::{ClientOrderId, Instrument, Price, Symbol, UtcNanos};

/// A deterministic exchange; see the module for its rules.
#[derive(Clone, Debug)]
pub struct Exchange {
    config: ExchangeConfig,
    now: UtcNanos,
    accounts: Vec<Account>,
    listings: Vec<Listing>,
    by_symbol: QuickMap<Symbol, u32>,
    /// Listing of the last order.
    recent: u32,
    orders: Orders,
    /// Commands on their way.
    inbox: DelayQueue<Sent>,
    /// When which order ends; entries of closed orders are skipped.
    expiries: BinaryHeap<std::cmp::Reverse<(i64, u64)>>,
    urgent: VecDeque<Urgent>,
    later: VecDeque<Later>,
    /// Kept for their memory.
    report: Report,
    fired: Vec<Fired>,
    halted: Option<String>,
}

impl Exchange {
    /// An exchange without instruments and accounts.
    #[must_use]
    pub fn new(config: ExchangeConfig) -> Self {
        let orders = Orders::new(config.remembered);
        Self {
            config,
            now: UtcNanos(i64::MIN),
            accounts: Vec::new(),
            listings: Vec::new(),
            by_symbol: QuickMap::default(),
            recent: 0,
            orders,
            inbox: DelayQueue::default(),
            expiries: BinaryHeap::new(),
            urgent: VecDeque::new(),
            later: VecDeque::new(),
            report: Report::default(),
            fired: Vec::new(),
            halted: None,
        }
    }

    /// List an instrument for all accounts. Listing it again changes nothing.
    ///
    /// # Errors
    /// Terms that do not fit together, a tick and lot whose product is finer than 1e-8, or a symbol that is listed with
    /// other terms.
    pub fn list(&mut self, instrument: Instrument, liquidity: LiquidityKind) -> Result<(), ExchangeError> {
        self.check_running()?;
        let symbol = instrument.symbol;
        if let Ok(listing) = self.listing_of(&symbol) {
            let same = listing.instrument == instrument && listing.kind() == liquidity;
            let problem = "it is listed with other terms; a listing is fixed once made";
            return if same { Ok(()) } else { Err(ExchangeError::BadListing { symbol, problem }) };
        }
        let listing = Listing::new(instrument, liquidity)?;
        let number = u32::try_from(self.listings.len()).unwrap_or(u32::MAX);
        self.by_symbol.insert(symbol, number);
        self.listings.push(listing);
        for account in &mut self.accounts {
            account.list(instrument);
        }
        Ok(())
    }

    /// Open a user's account.
    ///
    /// # Errors
    /// A fee model that cannot be.
    pub fn open_account(&mut self, portfolio: Portfolio, fees: FeeModel) -> Result<AccountId, ExchangeError> {
        self.open(portfolio, fees, false).map(AccountId)
    }

    /// Open the account of a simulated counterparty.
    ///
    /// # Errors
    /// A fee model that cannot be.
    pub fn open_counterparty(&mut self, portfolio: Portfolio, fees: FeeModel) -> Result<CounterpartyId, ExchangeError> {
        self.open(portfolio, fees, true).map(CounterpartyId)
    }

    fn open(&mut self, portfolio: Portfolio, fees: FeeModel, counterparty: bool) -> Result<u32, ExchangeError> {
        self.check_running()?;
        fees.validate()?;
        let mut account = Account::new(portfolio, fees, counterparty);
        for listing in &self.listings {
            account.list(listing.instrument);
        }
        self.accounts.push(account);
        Ok(u32::try_from(self.accounts.len() - 1).unwrap_or(u32::MAX))
    }

    /// Take a user's approved order. Events are appended; a refusal by the exchange is a `reject` step. Idempotent: an
    /// id that is known changes nothing. Returns the order's state as it stands now.
    ///
    /// # Errors
    /// An unknown account or symbol, a time before the clock, no room, a halted exchange.
    pub fn submit(
        &mut self,
        account: AccountId,
        approved: Approved,
        now: UtcNanos,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<OrderState, ExchangeError> {
        self.check_account(account.0, false)?;
        self.send(account.0, approved.request(), false, now, events)
    }

    /// As [`Self::submit`], of an order that its sender keeps and that was ruled on at this instant with the instrument as
    /// it is listed here: what the gate has validated nobody validates again.
    pub(crate) fn submit_ruled(
        &mut self,
        account: AccountId,
        approval: Approval<'_>,
        now: UtcNanos,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<OrderState, ExchangeError> {
        self.check_account(account.0, false)?;
        self.send(account.0, approval.request(), approval.is_valid(), now, events)
    }

    /// Take the order of a simulated counterparty, which needs no approval. As [`Self::submit`] otherwise.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub fn submit_counterparty(
        &mut self,
        counterparty: CounterpartyId,
        request: OrderRequest,
        now: UtcNanos,
        events: &mut Vec<ExchangeEvent>,
    ) -> Result<OrderState, ExchangeError> {
        self.check_account(counterparty.0, true)?;
        self.send(counterparty.0, &request, false, now, events)
    }

    /// The clock: time of the last command or data.
    #[must_use]
    pub const fn now(&self) -> UtcNanos {
        self.now
    }

    /// Settings.
    #[must_use]
    pub const fn config(&self) -> &ExchangeConfig {
        &self.config
    }

    /// An order of an account, also for a while after its end.
    #[must_use]
    pub fn order(&self, account: AccountId, client_order_id: &ClientOrderId) -> Option<&OrderRecord> {
        self.orders.find(account.0, client_order_id).map(|order| &order.record)
    }

    /// Open orders of an account, oldest first; those on their way and those asleep included.
    #[must_use]
    pub fn working(&self, account: AccountId) -> Vec<&OrderRecord> {
        let mut keys = self.account(account.0).map(|account| account.open.clone()).unwrap_or_default();
        keys.sort_unstable();
        keys.into_iter().filter_map(|key| self.orders.get(key)).map(|order| &order.record).collect()
    }

    /// An account's portfolio.
    #[must_use]
    pub fn portfolio(&self, account: AccountId) -> Option<&Portfolio> {
        self.account(account.0).ok().map(|account| &account.portfolio)
    }

    /// An account's portfolio, to pay in and out, set rates and interest. Trades are the exchange's to book.
    ///
    /// # Errors
    /// An unknown account.
    pub fn portfolio_mut(&mut self, account: AccountId) -> Result<&mut Portfolio, ExchangeError> {
        let unknown = ExchangeError::UnknownAccount(account.0);
        self.accounts.get_mut(account.0 as usize).map(|account| &mut account.portfolio).ok_or(unknown)
    }

    /// Accounts, users' and counterparties', in the order they were opened.
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> + use<> {
        (0..u32::try_from(self.accounts.len()).unwrap_or(u32::MAX)).map(AccountId)
    }

    /// A listed instrument.
    #[must_use]
    pub fn instrument(&self, symbol: &Symbol) -> Option<&Instrument> {
        self.listing_of(symbol).ok().map(|listing| &listing.instrument)
    }

    /// The mark price that was given, else the last trade, else the middle of the quote.
    #[must_use]
    pub fn mark_price(&self, symbol: &Symbol) -> Option<Price> {
        self.listing_of(symbol).ok().and_then(Listing::mark_price)
    }

    /// Price of the last trade.
    #[must_use]
    pub fn last_trade(&self, symbol: &Symbol) -> Option<Price> {
        self.listing_of(symbol).ok().and_then(|listing| listing.last_trade)
    }

    /// Best bid and ask.
    #[must_use]
    pub fn best(&self, symbol: &Symbol) -> (Option<Price>, Option<Price>) {
        use crate::types::Side;
        let listing = self.listing_of(symbol).ok();
        (
            listing.and_then(|listing| listing.best_price(Side::Buy)),
            listing.and_then(|listing| listing.best_price(Side::Sell)),
        )
    }

    /// The book of an instrument that has one.
    #[must_use]
    pub fn book(&self, symbol: &Symbol) -> Option<&Book> {
        self.listing_of(symbol).ok().and_then(Listing::book)
    }

    /// The replica of an instrument that has one, as the market showed it (what our orders took still in it).
    #[must_use]
    pub fn depth(&self, symbol: &Symbol) -> Option<&Depth> {
        self.listing_of(symbol).ok().and_then(Listing::depth)
    }

    /// Changes of a book's levels since the last call, if the settings say that they are kept.
    ///
    /// # Errors
    /// Not listed.
    pub fn take_changes(&mut self, symbol: &Symbol, changes: &mut Vec<LevelChange>) -> Result<(), ExchangeError> {
        let number = self.listing_number(symbol)?;
        changes.append(&mut self.listing_mut(number)?.changes);
        Ok(())
    }

    /// Why the exchange stands still, if it does.
    #[must_use]
    pub fn halted(&self) -> Option<&str> {
        self.halted.as_deref()
    }
}
