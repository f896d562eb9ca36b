//! The fan-out server.

pub mod access;
pub mod metrics;
