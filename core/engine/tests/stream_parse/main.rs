//! The market parser against Python's json and Decimal, a naive reader, and everything hostile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod files;
mod forms;
mod hostile;
mod naive;
mod properties;
mod recordings;
mod venues;
