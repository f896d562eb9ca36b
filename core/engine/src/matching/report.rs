//! What goes into the practice venue and what comes out of it.

use thiserror::Error;

use super::fees::{Charges, FeeError, FeeModel};
use super::slippage::SlippageModel;
use crate::orders::{IllegalTransition, OrderRequest, OrderState, OrderType, RequestError};
use crate::portfolio::PortfolioError;
use crate::risk::RiskError;
use crate::types::{
    AmountError, ClientOrderId, Money, Price, Quantity, Ratio, Side, SourceId, Symbol, TextError, TradeId, UtcNanos,
};

/// What can go wrong at the venue. Nothing is changed when one is returned.
#[derive(Debug, Error)]
pub enum VenueError {
    /// An amount out of range.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// What the account refuses.
    #[error(transparent)]
    Portfolio(#[from] PortfolioError),
    /// Holdings that cannot be summed up.
    #[error(transparent)]
    Risk(#[from] RiskError),
    /// An id that cannot be.
    #[error(transparent)]
    Text(#[from] TextError),
    /// An event that the order's state does not allow.
    #[error(transparent)]
    Transition(#[from] IllegalTransition),
    /// A request that makes no sense.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A fee model that cannot be.
    #[error(transparent)]
    Fees(#[from] FeeError),
    /// An order or bar of an instrument that the venue does not list.
    #[error("{symbol} is not listed at the practice venue; it lists {listed}")]
    UnknownSymbol {
        /// The symbol asked for.
        symbol: String,
        /// What there is.
        listed: String,
    },
    /// An id that no order has.
    #[error("there is no order {0} at the practice venue")]
    UnknownOrder(String),
    /// Something this venue does not do.
    #[error("order {client_order_id}: {problem} {value}; {way_out}")]
    Unsupported {
        /// The order.
        client_order_id: ClientOrderId,
        /// What was asked for.
        problem: &'static str,
        /// With which value.
        value: String,
        /// What to do instead.
        way_out: &'static str,
    },
    /// A setting out of its bounds.
    #[error("practice venue: {what} {value} is not in {bound}")]
    Config {
        /// Which setting.
        what: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        bound: &'static str,
    },
    /// A bar that cannot be.
    #[error("bar of {symbol} ending {ts_event}: {problem}; check the data with `deepalpha data check`")]
    BadBar {
        /// Symbol of the bar.
        symbol: String,
        /// Its end.
        ts_event: i64,
        /// What is wrong.
        problem: &'static str,
    },
}

/// Costs and depth of the venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VenueConfig {
    /// What fills cost: the maker's rate for limits that rested, else the taker's.
    pub fees: FeeModel,
    /// Move of market and stop fills against the trader.
    pub slippage: SlippageModel,
    /// Share of a bar's volume that all fills of the bar may take together; `None`: every order fills whole.
    pub max_participation: Option<Ratio>,
}

impl VenueConfig {
    /// One fee rate, slippage as a share of the price, orders filled whole.
    #[must_use]
    pub const fn simple(fee_rate: Ratio, slippage: Ratio) -> Self {
        Self { fees: FeeModel::flat(fee_rate), slippage: SlippageModel::Ratio(slippage), max_participation: None }
    }

    /// Check every number once.
    ///
    /// # Errors
    /// The first that is out of its bounds.
    pub fn validate(&self) -> Result<(), VenueError> {
        self.fees.validate()?;
        let share = |what, value: Ratio, least: i64, bound| {
            if (least..=crate::types::SCALE).contains(&value.raw()) {
                Ok(())
            } else {
                Err(VenueError::Config { what, value: value.to_string(), bound })
            }
        };
        match self.slippage {
            SlippageModel::Ratio(ratio) => share("slippage", ratio, 0, "0..=1")?,
            SlippageModel::Ticks(_) => {}
            SlippageModel::VolumeImpact { base, impact } => {
                share("base slippage", base, 0, "0..=1")?;
                share("impact", impact, 0, "0..=1")?;
            }
        }
        self.max_participation.map_or(Ok(()), |ratio| share("max participation", ratio, 1, "more than 0, at most 1"))
    }
}

/// A closed bar, as fixed point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Instrument.
    pub symbol: Symbol,
    /// Start.
    pub ts_open: UtcNanos,
    /// End.
    pub ts_event: UtcNanos,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// What traded; used by participation and volume impact only.
    pub volume: Quantity,
}

/// One step in an order's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderStep {
    /// The order.
    pub client_order_id: ClientOrderId,
    /// Counts from 1 within the order.
    pub seq: u32,
    /// What happened.
    pub event: &'static str,
    /// State before.
    pub state_before: &'static str,
    /// State after.
    pub state: &'static str,
    /// Market time.
    pub ts_event: UtcNanos,
    /// Why, in words; may be empty. An `amend` and the `accept` of a trailing stop begin with their terms as
    /// `name=value` pairs (`quantity`, `limit`, `trigger`, `best`, `level`), from which a restart restores them.
    pub reason: String,
}

/// One execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FillRecord {
    /// `<client order id>-F<n>`.
    pub fill_id: TradeId,
    /// The order.
    pub client_order_id: ClientOrderId,
    /// The decision behind it.
    pub decision_id: SourceId,
    /// Instrument.
    pub symbol: Symbol,
    /// Direction.
    pub side: Side,
    /// How much.
    pub quantity: Quantity,
    /// At which price.
    pub price: Price,
    /// What it cost; negative for a rebate.
    pub fee: Money,
    /// Profit it realised, before its fee.
    pub realised: Money,
    /// Market time.
    pub ts_event: UtcNanos,
    /// Which line of the worst-case rule filled it.
    pub reason: &'static str,
}

/// What the venue reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VenueEvent {
    /// The venue made a protective order (stop or target) for a position.
    Attached(Box<OrderRequest>),
    /// An order took a step.
    Step(OrderStep),
    /// An order traded.
    Fill(FillRecord),
}

/// A working order at the venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRecord {
    /// What was asked for, with the amendments made since.
    pub request: OrderRequest,
    /// Where it stands.
    pub state: OrderState,
    /// Steps so far.
    pub seq: u32,
    /// Fills so far.
    pub fills: u32,
    /// Market time of its acceptance.
    pub ts_accepted: UtcNanos,
    /// It trades only on bars that begin at or after this: its acceptance, wake-up or last change of price.
    pub eligible_from: UtcNanos,
    /// Rank of acceptance.
    pub rank: u64,
    /// Whether it protects the position of its symbol (made by the venue).
    pub protective: bool,
    /// Whether its trigger has traded.
    pub triggered: bool,
    /// What it was charged so far.
    pub charges: Charges,
}

impl OrderRecord {
    /// A new order.
    pub(super) fn new(request: OrderRequest, now: UtcNanos, rank: u64, protective: bool) -> Self {
        Self {
            request,
            state: OrderState::Initialized,
            seq: 0,
            fills: 0,
            ts_accepted: now,
            eligible_from: now,
            rank,
            protective,
            triggered: false,
            charges: Charges::default(),
        }
    }

    /// What it works as now.
    #[must_use]
    pub const fn works_as(&self) -> OrderType {
        if self.triggered { self.request.order_type.triggered() } else { self.request.order_type }
    }

    /// Quantity not filled yet.
    #[must_use]
    pub fn left(&self) -> Quantity {
        let left = self.request.quantity.raw().saturating_sub(self.state.filled().raw());
        Quantity::from_raw(left.max(0))
    }

    /// The end of its life, if it has one: a fill may be at this instant, not after it.
    #[must_use]
    pub fn expires(&self) -> Option<UtcNanos> {
        use crate::orders::TimeInForce;
        match self.request.time_in_force {
            TimeInForce::Gtd(until) => Some(until),
            TimeInForce::Day => {
                let day = self.ts_accepted.0.div_euclid(UtcNanos::DAY);
                Some(UtcNanos(day.saturating_add(1).saturating_mul(UtcNanos::DAY)))
            }
            TimeInForce::Gtc | TimeInForce::Ioc | TimeInForce::Fok => None,
        }
    }
}

/// New terms of a working order; what is `None` stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amendment {
    /// Quantity of the whole order, what is filled included. It can only go down: more is a new order, which passes
    /// the risk gate.
    pub quantity: Option<Quantity>,
    /// Limit price.
    pub limit: Option<Price>,
    /// Trigger price, of an order that still sleeps.
    pub trigger: Option<Price>,
}

/// An order as a log has it, for [`super::PracticeVenue::restore_order`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoredOrder {
    /// The order; `charges` and the filled quantity of `state` are taken from the restored fills.
    pub record: OrderRecord,
    /// A trailing stop's best price so far.
    pub best: Option<Price>,
}
