//! What somebody wants, and whether it makes sense at all.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::types::{
    AmountError, ClientOrderId, Instrument, Price, Quantity, Ratio, Side, SourceId, StrategyId, Symbol, UtcNanos,
};

/// How far a trailing stop stays behind the best price since it was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrailOffset {
    /// A distance in price.
    Price(Price),
    /// A share of the best price.
    Percent(Ratio),
    /// A multiple of an average true range; `range` is the caller's latest value.
    Atr {
        /// How many ranges.
        multiple: Ratio,
        /// The range.
        range: Price,
    },
}

/// How an order wants to be filled. `Stop` triggers when the market moves against its side (a sell stop below the
/// market), `TakeProfit` when it moves in its favour (a sell above the market).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderType {
    /// At the next price.
    Market,
    /// At this price or better.
    Limit(Price),
    /// A market order once this price trades.
    Stop(Price),
    /// A limit order once the trigger trades.
    StopLimit {
        /// The price that wakes it.
        trigger: Price,
        /// The price it then wants.
        limit: Price,
    },
    /// A market order once this price trades, on the side of profit.
    TakeProfit(Price),
    /// A limit order once the trigger trades, on the side of profit.
    TakeProfitLimit {
        /// The price that wakes it.
        trigger: Price,
        /// The price it then wants.
        limit: Price,
    },
    /// A stop that follows the market in one direction.
    TrailingStop(TrailOffset),
}

impl OrderType {
    /// Wire value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Market => "market",
            Self::Limit(_) => "limit",
            Self::Stop(_) => "stop",
            Self::StopLimit { .. } => "stop_limit",
            Self::TakeProfit(_) => "take_profit",
            Self::TakeProfitLimit { .. } => "take_profit_limit",
            Self::TrailingStop(_) => "trailing_stop",
        }
    }

    /// The price it may not be worse than, once it works.
    #[must_use]
    pub const fn limit(self) -> Option<Price> {
        match self {
            Self::Limit(limit) | Self::StopLimit { limit, .. } | Self::TakeProfitLimit { limit, .. } => Some(limit),
            Self::Market | Self::Stop(_) | Self::TakeProfit(_) | Self::TrailingStop(_) => None,
        }
    }

    /// The price that wakes it; a trailing stop has its own, which moves.
    #[must_use]
    pub const fn trigger(self) -> Option<Price> {
        match self {
            Self::Stop(trigger)
            | Self::StopLimit { trigger, .. }
            | Self::TakeProfit(trigger)
            | Self::TakeProfitLimit { trigger, .. } => Some(trigger),
            Self::Market | Self::Limit(_) | Self::TrailingStop(_) => None,
        }
    }

    /// Limit price, else trigger price.
    #[must_use]
    pub const fn price(self) -> Option<Price> {
        match self.limit() {
            Some(limit) => Some(limit),
            None => self.trigger(),
        }
    }

    /// What it becomes once its trigger has traded.
    #[must_use]
    pub const fn triggered(self) -> Self {
        match self.limit() {
            Some(limit) => Self::Limit(limit),
            None => Self::Market,
        }
    }

    /// Whether it sleeps until a price trades.
    #[must_use]
    pub const fn is_conditional(self) -> bool {
        !matches!(self, Self::Market | Self::Limit(_))
    }
}

/// How long an order stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimeInForce {
    /// Until it is filled or cancelled.
    #[default]
    Gtc,
    /// What can be done at once; the rest is cancelled.
    Ioc,
    /// All of it at once, or nothing.
    Fok,
    /// Until an instant of the venue's clock.
    Gtd(UtcNanos),
    /// Until the end of the (UTC) trading day it was accepted on.
    Day,
}

impl TimeInForce {
    /// Wire value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gtc => "gtc",
            Self::Ioc => "ioc",
            Self::Fok => "fok",
            Self::Gtd(_) => "gtd",
            Self::Day => "day",
        }
    }

    /// Whether the order may wait in a book.
    #[must_use]
    pub const fn rests(self) -> bool {
        !matches!(self, Self::Ioc | Self::Fok)
    }
}

/// Which leg of a hedging account an order is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PositionSide {
    /// One position an instrument.
    #[default]
    Net,
    /// The long leg.
    Long,
    /// The short leg.
    Short,
}

impl PositionSide {
    /// Wire value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Net => "net",
            Self::Long => "long",
            Self::Short => "short",
        }
    }
}

/// Who asks. Every origin passes the same gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Origin {
    /// The agents, with a person's click.
    #[default]
    Agents,
    /// The agents, without a click.
    Auto,
    /// A person.
    Manual,
    /// A strategy in code.
    Strategy,
    /// The risk engine itself, to reduce.
    Risk,
}

impl Origin {
    /// Wire value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agents => "agents",
            Self::Auto => "auto",
            Self::Manual => "manual",
            Self::Strategy => "strategy",
            Self::Risk => "risk",
        }
    }
}

/// What somebody wants. It becomes an order only as [`crate::risk::Approved`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRequest {
    /// Deterministic id, never reused; the venue is idempotent by it.
    pub client_order_id: ClientOrderId,
    /// The decision or command it comes from; one decision, one order.
    pub decision_id: SourceId,
    /// Whose limits it counts against.
    pub strategy: StrategyId,
    /// Who asks.
    pub origin: Origin,
    /// Instrument.
    pub symbol: Symbol,
    /// Direction.
    pub side: Side,
    /// How much.
    pub quantity: Quantity,
    /// How it wants to be filled.
    pub order_type: OrderType,
    /// How long it stays.
    pub time_in_force: TimeInForce,
    /// Never takes liquidity: refused rather than filled at once.
    pub post_only: bool,
    /// May only shrink a position; never opens or flips one.
    pub reduce_only: bool,
    /// Iceberg: at most this much is shown.
    pub display: Option<Quantity>,
    /// Leg of a hedging account.
    pub position_side: PositionSide,
    /// Price the decision was taken at; the price band is measured from it.
    pub reference_price: Price,
    /// Bracket: protective stop for the position this order opens.
    pub stop_loss: Option<Price>,
    /// Bracket: target for the position this order opens.
    pub take_profit: Option<Price>,
    /// OCO: of the orders with one group, the first that trades cancels the others. Empty for none.
    pub oco_group: ClientOrderId,
    /// The parent (TWAP, VWAP, POV) it is a slice of. Empty for none.
    pub parent: ClientOrderId,
    /// The caller insists: a second order of one intent is meant.
    pub forced: bool,
}

/// A request that makes no sense, whatever the market does. Nothing was changed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RequestError {
    /// A price or quantity that the instrument does not allow.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// An option that the order type cannot have.
    #[error("{client_order_id}: a {order_type} order cannot be {option}; {way_out}")]
    Combination {
        /// The order.
        client_order_id: ClientOrderId,
        /// Its type.
        order_type: &'static str,
        /// The option.
        option: &'static str,
        /// What to do.
        way_out: &'static str,
    },
    /// A bound of one field by another.
    #[error("{client_order_id}: {what} {value} {problem} {bound}")]
    Bound {
        /// The order.
        client_order_id: ClientOrderId,
        /// Which field.
        what: &'static str,
        /// Its value.
        value: String,
        /// `is not below`, `is more than` ...
        problem: &'static str,
        /// The other value.
        bound: String,
    },
}

impl OrderRequest {
    /// An order with every option at its default.
    #[must_use]
    pub const fn new(
        client_order_id: ClientOrderId,
        decision_id: SourceId,
        symbol: Symbol,
        side: Side,
        quantity: Quantity,
        order_type: OrderType,
        reference_price: Price,
    ) -> Self {
        Self {
            client_order_id,
            decision_id,
            strategy: StrategyId::EMPTY,
            origin: Origin::Agents,
            symbol,
            side,
            quantity,
            order_type,
            time_in_force: TimeInForce::Gtc,
            post_only: false,
            reduce_only: false,
            display: None,
            position_side: PositionSide::Net,
            reference_price,
            stop_loss: None,
            take_profit: None,
            oco_group: ClientOrderId::EMPTY,
            parent: ClientOrderId::EMPTY,
            forced: false,
        }
    }

    /// Check everything that can be checked without a market: steps, signs, combinations, expiry.
    ///
    /// # Errors
    /// The first thing that is wrong, with the value, the bound and the way out.
    pub fn validate(&self, instrument: &Instrument, now: UtcNanos) -> Result<(), RequestError> {
        instrument.check_quantity(self.quantity)?;
        let prices = [
            ("limit price", self.order_type.limit()),
            ("trigger price", self.order_type.trigger()),
            ("stop loss", self.stop_loss),
            ("take profit", self.take_profit),
        ];
        for (what, price) in prices {
            if let Some(price) = price {
                instrument.check_price(what, price)?;
            }
        }
        if self.reference_price <= Price::ZERO {
            return Err(self.bad_reference());
        }
        self.check_trail()?;
        self.check_combinations()?;
        self.check_bounds(instrument, now)
    }

    #[cold]
    fn bad_reference(&self) -> RequestError {
        AmountError::NotPositive { what: "reference price", text: self.reference_price.to_string() }.into()
    }

    fn check_trail(&self) -> Result<(), RequestError> {
        let OrderType::TrailingStop(offset) = self.order_type else { return Ok(()) };
        let positive = |what, value: i64, text: String| {
            if value > 0 { Ok(()) } else { Err(RequestError::Amount(AmountError::NotPositive { what, text })) }
        };
        match offset {
            TrailOffset::Price(distance) => positive("trailing offset", distance.raw(), distance.to_string()),
            TrailOffset::Percent(share) => {
                positive("trailing percent", share.raw(), share.to_string())?;
                if share.raw() >= crate::types::SCALE {
                    return Err(self.bound("trailing percent", share.percent(), "is not below", "100 %"));
                }
                Ok(())
            }
            TrailOffset::Atr { multiple, range } => {
                positive("trailing ATR multiple", multiple.raw(), multiple.to_string())?;
                positive("trailing ATR", range.raw(), range.to_string())
            }
        }
    }

    fn check_combinations(&self) -> Result<(), RequestError> {
        let refuse = |option, way_out| {
            let (client_order_id, order_type) = (self.client_order_id, self.order_type.as_str());
            Err(RequestError::Combination { client_order_id, order_type, option, way_out })
        };
        if self.post_only && self.order_type.limit().is_none() {
            return refuse("post-only", "give it a limit price");
        }
        if self.post_only && !self.time_in_force.rests() {
            return refuse("post-only and immediate", "use gtc, gtd or day with post-only");
        }
        if self.display.is_some() && self.order_type.limit().is_none() {
            return refuse("an iceberg", "give it a limit price");
        }
        if self.display.is_some() && !self.time_in_force.rests() {
            return refuse("an iceberg and immediate", "use gtc, gtd or day with a display quantity");
        }
        if self.order_type.is_conditional() && !self.time_in_force.rests() {
            return refuse("immediate before its trigger", "use gtc, gtd or day");
        }
        if self.reduce_only && (self.stop_loss.is_some() || self.take_profit.is_some()) {
            return refuse("reduce-only with a bracket", "a bracket protects a position that the order opens");
        }
        Ok(())
    }

    fn check_bounds(&self, instrument: &Instrument, now: UtcNanos) -> Result<(), RequestError> {
        if let Some(display) = self.display {
            instrument.check_quantity(display)?;
            if display > self.quantity {
                let (value, bound) = (display.to_string(), format!("the order's quantity {}", self.quantity));
                return Err(self.bound("display quantity", value, "is more than", &bound));
            }
        }
        if let TimeInForce::Gtd(until) = self.time_in_force
            && until <= now
        {
            return Err(self.bound(
                "expiry",
                until.0.to_string(),
                "is not after the venue's clock",
                &now.0.to_string(),
            ));
        }
        let (Some(stop), Some(target)) = (self.stop_loss, self.take_profit) else { return Ok(()) };
        let ordered = if self.side.is_buy() { stop < target } else { stop > target };
        if ordered {
            return Ok(());
        }
        let problem = if self.side.is_buy() { "is not below the take profit" } else { "is not above the take profit" };
        Err(self.bound("stop loss", stop.to_string(), problem, &target.to_string()))
    }

    fn bound(&self, what: &'static str, value: String, problem: &'static str, bound: &str) -> RequestError {
        RequestError::Bound { client_order_id: self.client_order_id, what, value, problem, bound: bound.to_owned() }
    }
}
