//! The risk gate: every order passes here, and [`Approved`] is made nowhere else.
//!
//! [`RiskGate::check`] evaluates every rule against the account *after* the order would be done, working orders
//! included, and refuses on the first breach in the order of [`RULES`]. An order that only shrinks a position is never
//! refused for size, loss, band, state or the kill switch: a person must always be able to get out.
//!
//! # Layout
//! - [`rules`]: one file a rule; [`spec`]: what a rule is; [`limits`]: the table of bounds with its overrides.
//! - [`exposure`]: the account, kept up to date by what `working` orders (`open_orders`) do, with [`totals`]; [`after`]: as an order would leave it; [`view`]: the
//!   account as maps; [`clusters`]: what moves together; `prints`: ids that are never used twice; `intents`: when.
//! - [`facts`]: what a rule may look at; [`activity`], [`stats`], [`marks`]: the memory behind it; [`scaling`].
//! - [`gate`]: the evaluation; [`verdict`]: its answer, numbers first and words when asked.
//! - [`state`]: ACTIVE, REDUCING, HALTED; [`watch`]: marks and early warnings; [`reduction`]: the way back.
//!
//! A check costs the same for any number of instruments, and allocates nothing when it passes, but for the growth of
//! the set of ids that are never used twice.

pub mod activity;
pub mod after;
pub mod clusters;
mod error;
pub mod exposure;
pub mod facts;
pub mod gate;
mod intents;
mod leg;
pub mod limits;
pub mod marks;
mod open_orders;
mod prints;
pub mod reduction;
pub mod rules;
pub mod scaling;
pub mod spec;
pub mod state;
pub mod stats;
pub mod totals;
pub mod verdict;
pub mod view;
pub mod watch;
mod working;

pub use after::After;
pub use clusters::Clusters;
pub use error::RiskError;
pub use exposure::{Account, Execution, Exposure};
pub use facts::{Facts, Quote, TopOfBook};
pub use gate::{Approval, Approved, Market, RiskGate};
pub use limits::Limits;
pub use marks::Marks;
pub use reduction::{Goal, Reduction};
pub use rules::RULES;
pub use scaling::{Scale, Scaling};
pub use spec::{Holds, Measure, Missing, OFF, RuleSpec, Tier, Unit};
pub use state::{AccountState, RiskEvent, RiskSnapshot, RiskState, Warning};
pub use verdict::{Check, Line, Outcome, Refused, Verdict};
pub use view::{AccountView, Strategies};
pub use watch::Usage;
