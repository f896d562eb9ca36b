//! What sort of account it is, and its terms.

use crate::types::{Currency, Money, Ratio, SCALE};

/// Where a derivative's margin comes from and how far its loss reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MarginMode {
    /// The whole account backs every position; a loss is capped at the account.
    #[default]
    Cross,
    /// Every position has a margin of its own, put aside when it is opened; a loss is capped at it.
    Isolated,
}

/// Whether a buy and a sell of one instrument cancel out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PositionMode {
    /// One signed position an instrument.
    #[default]
    Netting,
    /// A long and a short leg an instrument, side by side.
    Hedging,
}

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccountKind {
    /// Pays in full, never owes and never is short.
    Spot,
    /// May borrow cash and sell short. Holds shares, spot and derivatives; everything backs everything.
    Margin {
        /// Notional per unit of equity at most; 3 means an initial margin of 1/3.
        leverage: Ratio,
    },
    /// A wallet and margined contracts; no notional is exchanged.
    Futures {
        /// Notional per unit of margin at most.
        leverage: Ratio,
        /// What backs a position.
        mode: MarginMode,
    },
}

impl AccountKind {
    /// The initial margin that the leverage asks for, rounded up to 1e-8; zero for spot accounts.
    #[must_use]
    pub fn margin_of_leverage(self) -> Ratio {
        match self {
            Self::Spot => Ratio::ZERO,
            Self::Margin { leverage } | Self::Futures { leverage, .. } => {
                let square = i128::from(SCALE) * i128::from(SCALE);
                let share = (square + i128::from(leverage.raw()) - 1) / i128::from(leverage.raw().max(1));
                Ratio::from_raw(i64::try_from(share).unwrap_or(i64::MAX))
            }
        }
    }

    /// Whether losses stop at each position's own margin.
    #[must_use]
    pub const fn is_isolated(self) -> bool {
        matches!(self, Self::Futures { mode: MarginMode::Isolated, .. })
    }

    /// Wire value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spot => "spot",
            Self::Margin { .. } => "margin",
            Self::Futures { .. } => "futures",
        }
    }
}

/// Terms of an account, fixed when it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountTerms {
    /// What it may do.
    pub kind: AccountKind,
    /// Whether buys and sells cancel out.
    pub position_mode: PositionMode,
    /// Currency that totals, margins and limits are stated in.
    pub currency: Currency,
    /// A margin call is given below this many times the maintenance margin; at least 1.
    pub call_level: Ratio,
    /// Share of the notional that a forced close costs.
    pub liquidation_fee: Ratio,
    /// Oldest conversion rate that is used, in nanoseconds.
    pub max_rate_age: i64,
}

impl AccountTerms {
    /// Terms of a kind of account in a currency: netting, a margin call at 1.25 times the maintenance margin, no fee for
    /// a forced close, rates up to an hour old.
    #[must_use]
    pub const fn new(kind: AccountKind, currency: Currency) -> Self {
        Self {
            kind,
            position_mode: PositionMode::Netting,
            currency,
            call_level: Ratio::from_raw(SCALE + SCALE / 4),
            liquidation_fee: Ratio::ZERO,
            max_rate_age: 3_600_000_000_000,
        }
    }
}

/// Totals of an account at one moment, in its own currency.
///
/// `equity = cash + position_value`, and
/// `equity = deposits + realised + unrealised - fees + funding - interest + deficit`, to the last unit while one
/// currency is involved (each currency keeps the identity exactly; see [`super::Balance`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountTotals {
    /// Cash after all fills and fees; a futures wallet.
    pub cash: Money,
    /// What positions add to the cash: market value, or the open profit of derivatives.
    pub position_value: Money,
    /// `cash + position_value`.
    pub equity: Money,
    /// Closed profit before fees.
    pub realised: Money,
    /// Open profit at the last prices.
    pub unrealised: Money,
    /// Fees paid.
    pub fees: Money,
    /// Paid in less paid out.
    pub deposits: Money,
    /// Funding received less paid.
    pub funding: Money,
    /// Interest paid.
    pub interest: Money,
    /// Losses beyond the cap, which the venue's insurance paid.
    pub deficit: Money,
}
