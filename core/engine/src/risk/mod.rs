//! The risk gate: every order passes here, and [`Approved`] is made nowhere else.
//!
//! [`RiskGate::check`] evaluates every rule against the account *after* the order would be done, working orders
//! included, and refuses on the first breach in the order of [`Rule`]. An order that only shrinks a position is never
//! refused for size, loss, band or the kill switch: a person must always be able to get out.
//!
//! The rules as data are in [`limits`]; the evaluation is in [`gate`].

mod gate;
mod limits;

pub use gate::{AccountView, Approved, Check, Quote, Refused, RiskGate, Verdict};
pub use limits::{Limits, Rule};
