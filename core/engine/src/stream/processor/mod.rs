//! The stream processor: events of a market in, checked trades, bars, indicator values and rare events out.

mod config;

pub use config::{BarKind, BarPlan, EmptyBars, ProcessorConfig, ProcessorError, SpikeRule, SymbolTerms, TradeIds};
