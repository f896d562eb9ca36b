//! What goes into a book and what comes out of it.
//!
//! Invariants: for every submit and amend, quantity = executed + resting + expired + prevented; trade ids and update
//! ids are contiguous from 1.

use super::steps::{Lots, Ticks};
use crate::types::Side;

/// What happens to the part of an order that finds no counterpart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum TimeInForce {
    /// It rests in the book. Good till date and day orders are the order layer's: it cancels them in time.
    #[default]
    Rest,
    /// It expires.
    ImmediateOrCancel,
    /// All is executed at once or nothing.
    FillOrKill,
}

/// What happens when an order would trade with one of the same owner. Never a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SelfTrade {
    /// What is left of the incoming order is cancelled; the resting one stays.
    #[default]
    CancelNewest,
    /// The resting order is cancelled; the incoming one goes on.
    CancelOldest,
    /// Both are cancelled.
    CancelBoth,
    /// Both lose the smaller of the two quantities (a resting iceberg counts in full); what reaches zero is cancelled.
    Decrement,
}

/// An order for the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// Name of the order while it rests, chosen by the caller; unique among resting orders.
    pub key: u64,
    /// Whose order it is, for self-trade prevention.
    pub owner: u32,
    /// Direction.
    pub side: Side,
    /// Limit, or none for a market order, which never rests.
    pub price: Option<Ticks>,
    /// Quantity, at least one lot.
    pub quantity: Lots,
    /// Iceberg: the largest quantity shown at once. None shows everything.
    pub display: Option<Lots>,
    /// What happens to the rest.
    pub time_in_force: TimeInForce,
    /// Refuse the order if it would take.
    pub post_only: bool,
    /// What happens when it meets its owner's order.
    pub self_trade: SelfTrade,
}

impl NewOrder {
    /// A plain limit order that rests.
    #[must_use]
    pub const fn limit(key: u64, owner: u32, side: Side, price: Ticks, quantity: Lots) -> Self {
        Self {
            key,
            owner,
            side,
            price: Some(price),
            quantity,
            display: None,
            time_in_force: TimeInForce::Rest,
            post_only: false,
            self_trade: SelfTrade::CancelNewest,
        }
    }

    /// A market order; what finds no counterpart expires.
    #[must_use]
    pub const fn market(key: u64, owner: u32, side: Side, quantity: Lots) -> Self {
        let mut order = Self::limit(key, owner, side, Ticks(0), quantity);
        order.price = None;
        order.time_in_force = TimeInForce::ImmediateOrCancel;
        order
    }
}

/// Where the quantity of an order went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Traded at once.
    pub executed: Lots,
    /// Left in the book.
    pub resting: Lots,
    /// Not filled and not allowed to rest (market, immediate-or-cancel, a killed fill-or-kill).
    pub expired: Lots,
    /// Taken away by self-trade prevention.
    pub prevented: Lots,
}

/// One match. The price is the resting order's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Contiguous from 1.
    pub trade_id: u64,
    /// The resting order.
    pub maker: u64,
    /// The incoming order.
    pub taker: u64,
    /// Owner of the resting order.
    pub maker_owner: u32,
    /// Owner of the incoming order.
    pub taker_owner: u32,
    /// Side of the incoming order.
    pub taker_side: Side,
    /// Price.
    pub price: Ticks,
    /// Quantity.
    pub quantity: Lots,
    /// What the resting order still has, hidden part included; zero means it is filled and gone.
    pub maker_leaves: Lots,
}

/// Quantity that self-trade prevention took from an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prevention {
    /// The order.
    pub key: u64,
    /// Its owner.
    pub owner: u32,
    /// Its side.
    pub side: Side,
    /// Quantity taken away.
    pub quantity: Lots,
    /// What it still has; zero means it is cancelled.
    pub leaves: Lots,
    /// Id of the last trade before it (0: none yet), which places it among the trades.
    pub after_trade: u64,
}

/// The new shown quantity of a price level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelChange {
    /// Contiguous from 1.
    pub update_id: u64,
    /// Side of the level.
    pub side: Side,
    /// Its price.
    pub price: Ticks,
    /// Shown quantity now; zero deletes the level.
    pub quantity: Lots,
    /// Orders now.
    pub orders: u32,
}

/// What commands did, in order. The book appends; the caller reads and clears, keeping the memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Trades.
    pub trades: Vec<Trade>,
    /// Self-trade prevention.
    pub prevented: Vec<Prevention>,
    /// Changes of price levels.
    pub changes: Vec<LevelChange>,
}

impl Report {
    /// Empty it, keep the memory.
    pub fn clear(&mut self) {
        self.trades.clear();
        self.prevented.clear();
        self.changes.clear();
    }
}

/// An order in the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestingOrder {
    /// Its key.
    pub key: u64,
    /// Its owner.
    pub owner: u32,
    /// Side.
    pub side: Side,
    /// Price.
    pub price: Ticks,
    /// All that is left of it.
    pub leaves: Lots,
    /// The part that is shown now.
    pub shown: Lots,
    /// Largest part to show, for an iceberg.
    pub display: Option<Lots>,
    /// Whether it must not take, also after an amend.
    pub post_only: bool,
    /// What happens when an amend makes it meet its owner's order.
    pub self_trade: SelfTrade,
}

/// The shown side of a price level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthLevel {
    /// Price.
    pub price: Ticks,
    /// Shown quantity.
    pub quantity: Lots,
    /// Orders; zero when the source does not say.
    pub orders: u32,
}
