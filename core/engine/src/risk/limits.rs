//! The rules and their bounds.

use crate::types::{Money, Ratio};

/// A rule of the gate. The order is the order of evaluation: the first breach is the refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Trading is halted until a person re-arms it.
    KillSwitch,
    /// The same order or decision was approved before.
    DuplicateIntent,
    /// Price or quantity the instrument does not allow.
    Increment,
    /// No price, or one that is too old.
    StaleData,
    /// The market moved away from the price the decision was taken at.
    PriceBand,
    /// A sale of more than is held, while short selling is off.
    ShortSelling,
    /// A reduce-only order that would not reduce.
    ReduceOnly,
    /// Notional of one order.
    OrderNotional,
    /// Share of equity in one trade.
    TradeFraction,
    /// Share of equity in one instrument.
    InstrumentFraction,
    /// Share of equity in all positions.
    Exposure,
    /// Gross exposure over equity.
    Leverage,
    /// Loss since the day began.
    DailyLoss,
}

impl Rule {
    /// Wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KillSwitch => "kill_switch",
            Self::DuplicateIntent => "duplicate_intent",
            Self::Increment => "increment",
            Self::StaleData => "stale_data",
            Self::PriceBand => "price_band",
            Self::ShortSelling => "short_selling",
            Self::ReduceOnly => "reduce_only",
            Self::OrderNotional => "max_order_notional",
            Self::TradeFraction => "max_trade_fraction",
            Self::InstrumentFraction => "max_instrument_fraction",
            Self::Exposure => "max_exposure",
            Self::Leverage => "max_leverage",
            Self::DailyLoss => "max_daily_loss",
        }
    }
}

/// Bounds of the rules. All fractions are of equity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest notional of one order.
    pub max_order_notional: Money,
    /// Largest share of equity in one trade.
    pub max_trade_fraction: Ratio,
    /// Largest share of equity in one instrument.
    pub max_instrument_fraction: Ratio,
    /// Largest share of equity in all positions together.
    pub max_exposure: Ratio,
    /// Largest gross exposure as a multiple of equity.
    pub max_leverage: Ratio,
    /// Loss since the day began at which no new risk is taken.
    pub max_daily_loss: Ratio,
    /// Largest move of the market away from the decision's price.
    pub price_band: Ratio,
    /// Oldest price that may be traded on, in nanoseconds.
    pub max_data_age: i64,
    /// Whether a sale may exceed the holding.
    pub allow_short: bool,
}
