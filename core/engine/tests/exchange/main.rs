//! The exchange: properties of a venue over random order flow, and examples of each rule.
#![expect(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop at a wrong shape")]

mod amend_edges;
mod depth;
mod edges;
mod equals;
mod kit;
mod latency;
mod life;
mod margin;
mod properties;
