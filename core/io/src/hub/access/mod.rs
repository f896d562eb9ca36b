//! Who may connect, what they may read and write, and how much of it.
//!
//! # Layout
//! - [`jws`], [`jwt`]: signed tokens and their claims.
//! - [`pattern`], [`roles`]: topics, and which of them a role may read and write.
//! - [`origin`]: `Origin` and `Host` of a request.
//! - [`limits`]: rates (GCRA) and bounds, each with the action that follows.
//! - [`guard`]: all of it behind the hub's hooks.
//! - [`tls`]: certificates and the TLS side of a connection.
//!
//! Everything but [`guard`] and [`tls`] is a function of its arguments: the clock is given by the caller.

mod strict_json;

pub mod guard;
pub mod jws;
pub mod jwt;
pub mod limits;
pub mod origin;
pub mod pattern;
pub mod roles;
pub mod tls;
