//! Settings of the desk, what it answers and why it refuses.

use thiserror::Error;

use super::events::EventOverflow;
use super::parents::ParentError;
use super::queue::Overflow;
use super::throttle::{ThrottleError, ThrottleLimits};
use crate::matching::FeeModel;
use crate::matching::exchange::{ExchangeConfig, ExchangeError, LiquidityKind};
use crate::orders::OrderState;
use crate::portfolio::{AccountTerms, PortfolioError};
use crate::risk::{Limits, Refused, RiskError};
use crate::types::{AmountError, ClientOrderId, Currency, Money, Symbol, UtcNanos};

/// Settings of a desk.
#[derive(Clone, Debug)]
pub struct DeskConfig {
    /// The bounds of the gate.
    pub limits: Limits,
    /// The account.
    pub account: AccountTerms,
    /// What it begins with, in the account's currency.
    pub cash: Money,
    /// What its fills cost.
    pub fees: FeeModel,
    /// The venue.
    pub exchange: ExchangeConfig,
    /// Whether quotes are orders of a counterparty in a book of our own, or a replica that orders never move.
    pub liquidity: LiquidityKind,
    /// How many operations may leave; `None` for no bound.
    pub throttle: Option<ThrottleLimits>,
    /// Orders that may wait for the throttle.
    pub waiting: usize,
    /// What happens to one too many of them.
    pub overflow: Overflow,
    /// Events that may wait for a reader.
    pub events: usize,
    /// What happens to one too many of them.
    pub event_overflow: EventOverflow,
}

/// What became of an order that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// The venue has it, or had it: this is where it stands now.
    Sent(OrderState),
    /// It waits for the throttle, not before this instant.
    Waiting {
        /// When the throttle has a token again.
        until: UtcNanos,
    },
}

/// A command that was refused; nothing was changed, unless the message says so.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DeskError {
    /// The gate said no. The refusal is an event.
    #[error("{0}")]
    Refused(Box<Refused>),
    /// An instrument that is not listed.
    #[error("{symbol} is not listed here; listed are {listed}")]
    UnknownSymbol {
        /// The symbol.
        symbol: Symbol,
        /// What is, with commas.
        listed: String,
    },
    /// Another currency than the account's: the gate adds amounts of one currency up.
    #[error("{symbol} is priced in {currency} and the account is in {account}; open an account of its own for it")]
    ForeignCurrency {
        /// The symbol.
        symbol: Symbol,
        /// The currency of its prices.
        currency: Currency,
        /// The account's.
        account: Currency,
    },
    /// One operation too many.
    #[error("throttled: no {operation} before {until} (UTC ns), the {bucket} bucket is empty; slow down or raise it", until = until.0)]
    Throttled {
        /// What wanted to leave.
        operation: &'static str,
        /// Which bucket is empty.
        bucket: &'static str,
        /// When it has a token again.
        until: UtcNanos,
    },
    /// Too many orders wait for the throttle.
    #[error("{client_order_id}: {capacity} orders wait for the throttle already; try again when some have left")]
    QueueFull {
        /// The order.
        client_order_id: ClientOrderId,
        /// The bound.
        capacity: usize,
    },
    /// Nobody reads the events.
    #[error("{capacity} events wait for a reader; read them before sending more orders")]
    EventsFull {
        /// The bound.
        capacity: usize,
    },
    /// No order or parent of this name.
    #[error("{client_order_id} is not known here")]
    UnknownOrder {
        /// The name.
        client_order_id: ClientOrderId,
    },
    /// A name that is taken.
    #[error("{client_order_id} was used before; ids are never used twice")]
    DuplicateId {
        /// The name.
        client_order_id: ClientOrderId,
    },
    /// A quote that cannot be.
    #[error("{symbol}: {problem}")]
    BadQuote {
        /// The instrument.
        symbol: Symbol,
        /// What is wrong and what to do.
        problem: &'static str,
    },
    /// Amounts beyond any account, or a bound that cannot be.
    #[error(transparent)]
    Risk(Box<RiskError>),
    /// What the venue refuses.
    #[error(transparent)]
    Exchange(Box<ExchangeError>),
    /// What the account refuses.
    #[error(transparent)]
    Portfolio(Box<PortfolioError>),
    /// A parent that cannot be worked.
    #[error(transparent)]
    Parent(#[from] ParentError),
    /// An amount out of range.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// A throttle that cannot be.
    #[error(transparent)]
    Throttle(#[from] ThrottleError),
}

macro_rules! boxed {
    ($($error:ty => $variant:ident),*) => {
        $(impl From<$error> for DeskError {
            fn from(error: $error) -> Self {
                Self::$variant(Box::new(error))
            }
        })*
    };
}
boxed!(RiskError => Risk, ExchangeError => Exchange, PortfolioError => Portfolio, Refused => Refused);

/// Exact counts since the desk was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeskCounts {
    /// Orders given to the desk.
    pub submitted: u64,
    /// Approved and sent.
    pub approved: u64,
    /// Refused by the gate.
    pub refused: u64,
    /// Refused by the throttle, the queue, a full ring or because they made no sense.
    pub turned_away: u64,
    /// Made to wait for the throttle.
    pub waited: u64,
    /// Rejected by the venue.
    pub rejected: u64,
    /// Cancels asked for.
    pub cancels: u64,
    /// Amends asked for.
    pub amends: u64,
    /// Orders taken back.
    pub cancelled: u64,
    /// Orders whose time was over.
    pub expired: u64,
    /// Orders done in full.
    pub filled: u64,
    /// Fills.
    pub fills: u64,
}
