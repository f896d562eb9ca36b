//! The parts of the core that touch files.
//!
//! # Layout
//! - [`ops`]: `ops.sqlite`, the operational truth: append-only tables, opened only here.
//!
//! Two copies of SQLite in one process drop each other's POSIX locks, so no other code, in no language, opens the file.
#![forbid(unsafe_code)]

pub mod ops;
