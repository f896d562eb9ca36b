//! Chart patterns: shapes made of swings, found bar by bar and without a look ahead.
//!
//! # Layout
//! - [`swings`]: pivots confirmed by a reversal; zigzag legs. [`levels`]: support and resistance.
//! - [`scanner`]: [`ChartScanner`], which runs the families over several scales of swings.
//! - Families: `tops` (double, triple), `head_shoulders`, `triangles` (with wedges and rectangles), `flags` (with
//!   pennants), `cup`, `harmonics`. Each page states its rules, its source and what its score is the mean of.
//! - [`batch`]: whole series at once. [`fibonacci`]: levels of a leg. [`params`]: parameters, bounds and errors. `finding`, `shape`: shared parts.
//!
//! # Rules all families follow
//! - Each is written for the side on which the last pivot is a high; the other side is the same chart upside down
//!   (prices negated, which loses no bit), so tops and bottoms are found alike.
//! - Sizes are shares of the pattern's own height, or multiples of the average true range: neither price level nor time
//!   frame matters.
//! - `confirmed_at` is the bar at whose close the pattern could first be known. Patterns with a neckline, rim or side
//!   are known when a close breaks it, harmonics when their last pivot is confirmed.

pub mod batch;
mod cup;
pub mod fibonacci;
pub mod finding;
mod flags;
mod harmonics;
mod head_shoulders;
pub mod kinds;
pub mod levels;
pub mod params;
pub mod scanner;
mod shape;
pub mod swings;
mod tops;
mod triangles;

pub use fibonacci::{EXTENSIONS, FibKind, FibLevel, RETRACEMENTS, fibonacci};
pub use finding::{Finding, Mark};
pub use kinds::{Direction, Kind};
pub use levels::{Level, LevelBook, LevelParams, Role};
pub use params::{ChartError, ChartParams, Unit};
pub use scanner::ChartScanner;
pub use swings::{Leg, Pivot, Swings, legs};
