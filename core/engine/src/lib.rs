//! The pure core of DeepAlpha.
//!
//! # Layout
//! - [`ta`]: one file per indicator, found by `build.rs`; [`patterns`]: one file per candlestick pattern.
//! - [`stream`]: market streams (parser, processor, bars), resampling of closed bars and the market view.
//! - [`types`]: fixed-point `Price`, `Quantity`, `Money`, `Instrument`, `Side`, `UtcNanos`.
//! - [`orders`]: requests and the order life cycle table. [`risk`]: the gate, the only maker of `Approved`.
//! - [`book`]: order books in ticks and lots: single orders (L3), price levels (L2), queue positions.
//! - [`execution`]: the order manager: intents before the wire, reconciliation, replay.
//! - [`matching`]: bar matching of the practice venue. [`portfolio`]: positions, cash, PnL.
//! - [`desk`]: what stands between a caller and the order core: throttle, queue, latency, parent orders.
//!
//! Invariants: no clock, no files, no Python; money is integer arithmetic that reports overflow.
//! `unsafe` stands in `ta::kit::simd` only (a test of the repository looks).
#![deny(unsafe_code)]

pub mod book;
pub mod desk;
pub mod execution;
pub mod matching;
pub mod orders;
pub mod patterns;
pub mod portfolio;
pub mod risk;
pub mod stream;
pub mod ta;
pub mod types;
