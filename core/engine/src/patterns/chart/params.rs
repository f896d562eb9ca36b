//! Parameters of the chart scanner, their bounds, and everything that can be wrong with an input.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::kinds::Kind;

/// Prices beyond this are refused: their differences and slopes must stay finite.
pub const MAX_PRICE: f64 = 1e100;
/// Most scales one scanner looks at.
pub const MAX_SCALES: usize = 8;

/// An input or a parameter that cannot be used.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum ChartError {
    /// A parameter outside its bounds, or NaN.
    #[error("{param} {value} is not in {min}..={max}")]
    OutOfBounds {
        /// Parameter.
        param: &'static str,
        /// Given.
        value: f64,
        /// Smallest allowed.
        min: f64,
        /// Largest allowed.
        max: f64,
    },
    /// Too few or too many scales.
    #[error("{given} scales were given; pass 1 to {MAX_SCALES} of them, ascending")]
    Scales {
        /// How many.
        given: usize,
    },
    /// Columns of different length.
    #[error("column {name} has {found} rows, the first column has {expected}; all columns must be equally long")]
    Length {
        /// Column.
        name: &'static str,
        /// Its length.
        found: usize,
        /// Length of the first column.
        expected: usize,
    },
    /// A NaN, an infinity, or a number too large to calculate with.
    #[error("{name} at row {row} is {value}, not a number within +-{MAX_PRICE:e}; fill or drop such rows first")]
    NotUsable {
        /// Column.
        name: &'static str,
        /// First such row.
        row: usize,
        /// The value.
        value: f64,
    },
    /// A high below its low.
    #[error("at row {row} the high {high} is below the low {low}; swap or repair the columns")]
    HighBelowLow {
        /// First such row.
        row: usize,
        /// Its high.
        high: f64,
        /// Its low.
        low: f64,
    },
    /// A price that percent cannot be taken of.
    #[error("{name} at row {row} is {value}; percent thresholds need prices above 0 (take ATR multiples instead)")]
    NotPositive {
        /// Column.
        name: &'static str,
        /// First such row.
        row: usize,
        /// The value.
        value: f64,
    },
    /// A negative volume or tick count.
    #[error("{name} at row {row} is {value}; it must be in 0..=1e15")]
    BadVolume {
        /// Column.
        name: &'static str,
        /// First such row.
        row: usize,
        /// The value.
        value: f64,
    },
    /// One row that would make more bars than anyone wants.
    #[error("row {row} alone would make over {bound} bars; take larger ones")]
    TooManyBars {
        /// The row.
        row: usize,
        /// Most bars that one row may complete.
        bound: usize,
    },
    /// Bytes that are no scanner.
    #[error("the snapshot cannot be restored: {reason}; take one with this version")]
    Snapshot {
        /// Why.
        reason: String,
    },
    /// A name that is no chart pattern.
    #[error("chart pattern {name:?} is not known; did you mean {suggestion}? Known: {known}")]
    UnknownKind {
        /// Given.
        name: String,
        /// The nearest known name.
        suggestion: &'static str,
        /// All names.
        known: String,
    },
}

/// Refuse a value outside its bounds.
pub(crate) fn within(param: &'static str, value: f64, min: f64, max: f64) -> Result<(), ChartError> {
    // Written so that NaN fails.
    if value >= min && value <= max { Ok(()) } else { Err(ChartError::OutOfBounds { param, value, min, max }) }
}

/// In what a reversal is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// Multiples of Wilder's average true range at the extreme.
    Atr,
    /// Percent of the extreme's price.
    Percent,
}

/// What the scanner looks for and how strictly. Heights and tolerances are shares, so that neither the price level nor
/// the time frame matters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChartParams {
    /// Patterns to look for. Default: all.
    pub kinds: Vec<Kind>,
    /// In what `scales` are measured. Default: ATR.
    pub unit: Unit,
    /// Reversal that makes a swing, ascending; each scale is searched, and half the smallest for flags. Default 2, 4, 8; in 0.1..=100.
    pub scales: Vec<f64>,
    /// Bars of the average true range. Default 14; in 1..=1000.
    pub atr_period: usize,
    /// Longest pattern, in bars from its first to its last pivot. Default 400; in 10..=10000.
    pub max_bars: usize,
    /// How far equal tops, rims and flat sides may lie apart, as a share of the height. Default 0.12; in 0.01..=0.5.
    pub level_tolerance: f64,
    /// How far the shoulders may lie apart, as a share of the head's height. Default 0.25; in 0.01..=0.6.
    pub shoulder_tolerance: f64,
    /// How far touches may miss a fitted line, as a share of the height. Default 0.08; in 0.01..=0.3.
    pub line_tolerance: f64,
    /// Least pivots of a triangle, wedge or rectangle. Default 6; in 4..=8.
    pub line_touches: usize,
    /// How far a harmonic ratio may be off, relative to the ratio. Default 0.05; in 0.001..=0.1.
    pub harmonic_tolerance: f64,
    /// Least rise before a top (fall before a bottom) in heights of the pattern. Default 1; in 0..=10.
    pub prior_trend: f64,
    /// Least speed of a flag's pole, in average true ranges a bar. Default 0.6; in 0.05..=10.
    pub pole_speed: f64,
    /// How far a close must lie beyond a line to break it, in average true ranges. Default 0.1; in 0..=5.
    pub breakout: f64,
    /// How long a break may take after the last pivot, in lengths of the pattern. Default 1; in 0.05..=5.
    pub patience: f64,
    /// Findings with a lower score are left out. Default 0; in 0..=1.
    pub min_score: f64,
}

impl Default for ChartParams {
    fn default() -> Self {
        Self {
            kinds: Kind::ALL.to_vec(),
            unit: Unit::Atr,
            scales: vec![2.0, 4.0, 8.0],
            atr_period: 14,
            max_bars: 400,
            level_tolerance: 0.12,
            shoulder_tolerance: 0.25,
            line_tolerance: 0.08,
            line_touches: 6,
            harmonic_tolerance: 0.05,
            prior_trend: 1.0,
            pole_speed: 0.6,
            breakout: 0.1,
            patience: 1.0,
            min_score: 0.0,
        }
    }
}

impl ChartParams {
    /// Check every parameter against its bounds.
    ///
    /// # Errors
    /// The first that is out of bounds.
    pub fn check(&self) -> Result<(), ChartError> {
        if self.scales.is_empty() || self.scales.len() > MAX_SCALES {
            return Err(ChartError::Scales { given: self.scales.len() });
        }
        let mut smallest = 0.1;
        for scale in &self.scales {
            within("scales", *scale, smallest, 100.0)?;
            smallest = *scale;
        }
        check_period("atr_period", self.atr_period, 1, 1000)?;
        check_period("max_bars", self.max_bars, 10, 10_000)?;
        within("level_tolerance", self.level_tolerance, 0.01, 0.5)?;
        within("shoulder_tolerance", self.shoulder_tolerance, 0.01, 0.6)?;
        within("line_tolerance", self.line_tolerance, 0.01, 0.3)?;
        check_period("line_touches", self.line_touches, 4, 8)?;
        within("harmonic_tolerance", self.harmonic_tolerance, 0.001, 0.1)?;
        within("prior_trend", self.prior_trend, 0.0, 10.0)?;
        within("pole_speed", self.pole_speed, 0.05, 10.0)?;
        within("breakout", self.breakout, 0.0, 5.0)?;
        within("patience", self.patience, 0.05, 5.0)?;
        within("min_score", self.min_score, 0.0, 1.0)
    }

    pub(crate) fn wants(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind)
    }
}

/// Refuse a count outside its bounds.
pub(crate) fn check_period(param: &'static str, value: usize, min: usize, max: usize) -> Result<(), ChartError> {
    let [shown, low, high] = [value, min, max].map(crate::ta::kit::float);
    within(param, shown, low, high)
}
