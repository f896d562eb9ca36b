//! What a rule may look at: everything is computed once, before the first rule runs.

use super::activity::Activity;
use super::after::After;
use super::marks::Marks;
use super::state::AccountState;
use super::stats::{InstrumentStats, StrategyStats};
use crate::orders::OrderRequest;
use crate::types::{Instrument, Money, Price, Ratio, UtcNanos};

/// The last price of an instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quote {
    /// Price.
    pub price: Price,
    /// When it was made, by the market's clock.
    pub ts_event: UtcNanos,
}

/// The best prices of a book.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TopOfBook {
    /// Highest bid.
    pub bid: Price,
    /// Lowest offer.
    pub ask: Price,
    /// When they were, by the market's clock.
    pub ts_event: UtcNanos,
}

/// Everything a rule may measure from. All amounts are as they would be *after* the order, working orders included.
#[derive(Debug)]
pub struct Facts<'a> {
    /// What is wanted.
    pub request: &'a OrderRequest,
    /// Its instrument.
    pub instrument: &'a Instrument,
    /// The instant of the question, by the market's clock.
    pub now: UtcNanos,
    /// Last price, if there is one.
    pub quote: Option<Quote>,
    /// Best bid and offer, if known.
    pub book: Option<TopOfBook>,
    /// The price the order is valued at: its limit or the last price, whichever is higher.
    pub price: Price,
    /// Value of the order at [`Facts::price`].
    pub notional: Money,
    /// Whether it can only shrink the position it is for.
    pub reduces: bool,
    /// Whether something about the request itself is wrong (steps, signs, combinations).
    pub malformed: bool,
    /// The account once the order is done.
    pub after: After,
    /// State of the account.
    pub state: AccountState,
    /// Why nothing may be written, if so: orders could not be recovered after a crash.
    pub io_trouble: bool,
    /// Equity over time.
    pub marks: &'a Marks,
    /// Orders and cancels before this one.
    pub activity: &'a Activity,
    /// What is known of the strategy; none before its first trade.
    pub strategy: Option<&'a StrategyStats>,
    /// What is known of the instrument; none until somebody tells.
    pub statistics: Option<&'a InstrumentStats>,
    /// Whether the id, the decision or the same intent came before, in that order.
    pub seen: [bool; 3],
    /// Whether short positions are allowed on this instrument.
    pub allow_short: bool,
    /// The dynamic scale of bounds, 0..1.
    pub scale: Ratio,
}
