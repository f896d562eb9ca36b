//! Settings, identities and messages of the exchange.

use crate::book::{QueueModel, SelfTrade};
use crate::matching::{LatencyModel, Liquidity, SlippageModel, VenueEvent};
use crate::portfolio::SettleEvent;
use crate::types::{ClientOrderId, Price, Quantity, Ratio, SCALE, Side, Symbol, UtcNanos};

/// A user's account at the exchange: also the owner number of its orders in the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub(super) u32);

impl AccountId {
    /// Its number, dense from 0.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// A simulated counterparty: the only account whose orders need no approval. Only
/// [`Exchange::open_counterparty`](super::Exchange::open_counterparty) makes one, so a user's order cannot take this way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CounterpartyId(pub(super) u32);

impl CounterpartyId {
    /// Its account, to look at and to tell its events.
    #[must_use]
    pub const fn account(self) -> AccountId {
        AccountId(self.0)
    }
}

/// Where the other side of a trade comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiquidityKind {
    /// All orders meet in one book of our own.
    Book,
    /// Orders meet a replica of somebody else's market and never each other.
    Depth,
}

/// Which prices wake conditional orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TriggerSource {
    /// Each traded price.
    #[default]
    LastTrade,
    /// The best quotes: what must fall is woken by the bid, what must rise by the ask.
    BestQuote,
}

/// Settings of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeConfig {
    /// Delay of orders, cancels and changes on their way here.
    pub latency: LatencyModel,
    /// What happens when two orders of one account meet.
    pub self_trade: SelfTrade,
    /// Move of fills that take from a replica.
    pub slippage: SlippageModel,
    /// Where cancels stood in the queues of a replica.
    pub queue_model: QueueModel,
    /// Which prices wake conditional orders.
    pub trigger_source: TriggerSource,
    /// A market order trades at most this far from the best price it meets; the rest expires.
    pub market_bound: Ratio,
    /// Longest wait of an immediate order for market data newer than itself, in nanoseconds; then it expires.
    pub data_patience: i64,
    /// Closed orders that are remembered; a repeated id is recognised as long as its order is.
    pub remembered: usize,
    /// What the ids of the exchange's own closing orders begin with: one that no earlier run of the same log had.
    pub liquidations: ClientOrderId,
    /// Whether fills of counterparties are told and booked. Where they stand for a market without an end, their side of
    /// a trade is nobody's: they hold no position, and what their orders hold back stays until the order's end.
    pub book_counterparties: bool,
    /// Whether changes of the books' levels are kept for [`Exchange::take_changes`](super::Exchange::take_changes).
    pub record_changes: bool,
}

impl Default for ExchangeConfig {
    fn default() -> Self {
        Self {
            latency: LatencyModel::NONE,
            self_trade: SelfTrade::CancelNewest,
            slippage: SlippageModel::NONE,
            queue_model: QueueModel::RiskAverse,
            trigger_source: TriggerSource::LastTrade,
            market_bound: Ratio::from_raw(SCALE / 20),
            data_patience: 60_000_000_000,
            remembered: 4_096,
            liquidations: ClientOrderId::EMPTY,
            book_counterparties: true,
            record_changes: false,
        }
    }
}

/// The trade behind a fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Execution {
    /// Number of the trade in its instrument, contiguous from 1; both sides of a trade have the same.
    pub trade: u64,
    /// Whether this side rested or took.
    pub liquidity: Liquidity,
}

/// What happened, to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeEvent {
    /// Whose order.
    pub account: AccountId,
    /// The trade, for a [`VenueEvent::Fill`].
    pub execution: Option<Execution>,
    /// What happened. An order's first step is its acceptance or rejection; sending it is the sender's own step. A fill
    /// is a step and then the fill itself.
    pub event: VenueEvent,
}

/// What a settlement did to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountSettlement {
    /// The account.
    pub account: AccountId,
    /// What happened.
    pub event: SettleEvent,
}

/// Changes of an order; what is `None` stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderChange {
    /// The whole quantity, what is filled included.
    pub quantity: Option<Quantity>,
    /// Limit price.
    pub limit: Option<Price>,
    /// Trigger price of an order that still sleeps.
    pub trigger: Option<Price>,
}

/// Which orders to cancel; the default is all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CancelFilter {
    /// Only of this instrument.
    pub symbol: Option<Symbol>,
    /// Only of this side.
    pub side: Option<Side>,
    /// Keep what can only shrink a position (protective orders among them).
    pub keep_reducing: bool,
}

/// Price levels of a replica that changed, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthUpdate<'a> {
    /// Instrument.
    pub symbol: Symbol,
    /// Market time.
    pub ts_event: UtcNanos,
    /// Whether these are all levels; else only those that changed, zero deleting one.
    pub snapshot: bool,
    /// Bids.
    pub bids: &'a [(Price, Quantity)],
    /// Asks.
    pub asks: &'a [(Price, Quantity)],
}

/// The best prices of a market of which no more is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopOfBook {
    /// Instrument.
    pub symbol: Symbol,
    /// Market time.
    pub ts_event: UtcNanos,
    /// Best bid and its quantity.
    pub bid: Option<(Price, Quantity)>,
    /// Best ask and its quantity.
    pub ask: Option<(Price, Quantity)>,
}

/// Somebody's trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketTrade {
    /// Instrument.
    pub symbol: Symbol,
    /// Market time.
    pub ts_event: UtcNanos,
    /// At which price.
    pub price: Price,
    /// How much.
    pub quantity: Quantity,
    /// Side of the order that took.
    pub taker_side: Side,
}
