//! Why the exchange refuses a command.

use thiserror::Error;

use crate::book::{BookError, DepthError, QueueError, StepError};
use crate::matching::FeeError;
use crate::orders::{IllegalTransition, RequestError};
use crate::portfolio::PortfolioError;
use crate::types::{AmountError, ClientOrderId, Symbol, TextError};

/// A command that was refused. Nothing was changed, except for [`ExchangeError::Halted`].
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ExchangeError {
    /// An amount out of range.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// What an account refuses.
    #[error(transparent)]
    Portfolio(#[from] PortfolioError),
    /// A fee model that cannot be.
    #[error(transparent)]
    Fee(#[from] FeeError),
    /// What the book refuses.
    #[error(transparent)]
    Book(#[from] BookError),
    /// A price or quantity that is no whole number of steps.
    #[error(transparent)]
    Step(#[from] StepError),
    /// Market data that the replica refuses.
    #[error(transparent)]
    Depth(#[from] DepthError),
    /// Market data that a queue position refuses.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// A request that makes no sense.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// An id that cannot be.
    #[error(transparent)]
    Text(#[from] TextError),
    /// A step that the order's state does not allow.
    #[error(transparent)]
    Transition(#[from] IllegalTransition),
    /// An account that was not opened here, or one of the other kind (user, counterparty).
    #[error("account {0} does not exist here; open it with `open_account`")]
    UnknownAccount(u32),
    /// An instrument that is not listed.
    #[error("{symbol} is not listed here ({listed} instruments are); list it first")]
    UnknownSymbol {
        /// The symbol.
        symbol: Symbol,
        /// How many are.
        listed: usize,
    },
    /// A listing that cannot be.
    #[error("{symbol} cannot be listed: {problem}")]
    BadListing {
        /// The symbol.
        symbol: Symbol,
        /// What is wrong and the way out.
        problem: &'static str,
    },
    /// Market data for a book of our own, or the other way round.
    #[error("{symbol} trades in {liquidity}; {way_out}")]
    WrongLiquidity {
        /// The symbol.
        symbol: Symbol,
        /// What it has.
        liquidity: &'static str,
        /// What to do.
        way_out: &'static str,
    },
    /// An id that no order of the account has (or that was forgotten long after its end).
    #[error("account {account} has no order {client_order_id}")]
    UnknownOrder {
        /// The account.
        account: u32,
        /// The id.
        client_order_id: ClientOrderId,
    },
    /// A cancel or change of an order that is over.
    #[error("order {client_order_id} is {state} already; nothing to cancel or change")]
    OrderClosed {
        /// The order.
        client_order_id: ClientOrderId,
        /// Its state.
        state: &'static str,
    },
    /// A change that the order cannot take.
    #[error("order {client_order_id} cannot be changed: {problem}")]
    BadAmend {
        /// The order.
        client_order_id: ClientOrderId,
        /// What is wrong.
        problem: &'static str,
    },
    /// A moment before the last one.
    #[error("{given} ns is before the exchange's clock at {last} ns; commands and data come in the order of time")]
    TimeReversed {
        /// The moment given.
        given: i64,
        /// The clock.
        last: i64,
    },
    /// No slot left.
    #[error("{open} orders are open and no more fit; cancel some first")]
    Full {
        /// How many are open.
        open: usize,
    },
    /// A fill could not be booked after it was matched (amounts beyond 64 bits): the exchange stops for good, because
    /// book and accounts no longer agree.
    #[error("the exchange stands still: {reason}; restore it from its log without the last command")]
    Halted {
        /// What happened.
        reason: String,
    },
}

impl ExchangeError {
    /// Cold functions make these errors only where they happen: one made in vain has to be dropped, on the path of every
    /// order.
    #[cold]
    pub(super) const fn unknown_account(number: u32) -> Self {
        Self::UnknownAccount(number)
    }

    #[cold]
    pub(super) const fn unknown_listing(listed: usize) -> Self {
        Self::UnknownSymbol { symbol: Symbol::EMPTY, listed }
    }
}
