//! Books kept in step: the real recordings, checksums, and every fault that a stream can have.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod faults;
#[path = "../stream_parse/files.rs"]
mod files;
mod kit;
mod recordings;
mod rules;
