//! Domain types: fixed-point amounts, instruments, sides and time.
//!
//! Invariants: an amount is an `i64` count of 1e-8 units; every operation that can overflow says so; nothing here
//! rounds without saying how.

use serde::{Deserialize, Serialize};

mod amount_error;
pub(crate) mod dense;
mod fixed;
mod hash;
mod instrument;
pub(crate) mod quick;
mod rounding;
mod text;

pub use amount_error::AmountError;
pub use fixed::{Money, Price, Quantity, Ratio, SCALE, SignedQuantity};
pub use hash::StateHasher;
pub(crate) use instrument::units;
pub use instrument::{Instrument, InstrumentKind, Side};
pub(crate) use rounding::{div_half_even, narrow, scaled_down};
pub use text::{ClientOrderId, Currency, SourceId, StrategyId, Symbol, TextError, TradeId};

/// UTC nanoseconds since 1970. The field's name says whose clock (`ts_event` the market's, `ts_init` ours).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct UtcNanos(pub i64);

impl UtcNanos {
    /// Nanoseconds of one day.
    pub const DAY: i64 = 86_400_000_000_000;

    /// Trading day (UTC) of an instant that closes a bar: a bar that ends at midnight belongs to the day before.
    #[must_use]
    pub const fn closing_day(self) -> i64 {
        (self.0.saturating_sub(1)).div_euclid(Self::DAY)
    }

    /// Nanoseconds from `earlier` to `self`; negative when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}
