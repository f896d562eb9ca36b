//! The fan-out server.

pub mod access;
