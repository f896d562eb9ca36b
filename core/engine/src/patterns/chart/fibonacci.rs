//! Fibonacci levels of a leg.
//!
//! Retracement r of a leg from `start` to `end`: `end - r (end - start)`; extension e: `start + e (end - start)`;
//! projection e from a third point: `from + e (end - start)`. Ratios: powers of the golden ratio's inverse and their
//! square roots, and one half, which is none but is always drawn (Robert Fischer, "Fibonacci Applications and
//! Strategies for Traders", 1993).

use super::params::{ChartError, MAX_PRICE, within};

/// Usual retracements.
pub const RETRACEMENTS: &[f64] = &[0.0, 0.236, 0.382, 0.5, 0.618, 0.786, 1.0];
/// Usual extensions and projections.
pub const EXTENSIONS: &[f64] = &[1.272, 1.414, 1.618, 2.0, 2.618, 4.236];

/// What a level is measured from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FibKind {
    /// Back from the leg's end.
    Retracement,
    /// On from the leg's start.
    Extension,
    /// The leg's length on from a third point.
    Projection,
}

impl FibKind {
    /// Wire name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Retracement => "retracement",
            Self::Extension => "extension",
            Self::Projection => "projection",
        }
    }
}

/// One level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FibLevel {
    /// What it is measured from.
    pub kind: FibKind,
    /// Share of the leg.
    pub ratio: f64,
    /// Its price.
    pub price: f64,
}

/// Retracements and extensions of the leg from `start` to `end`, and projections from `from` when given.
///
/// # Errors
/// A price or ratio that is not finite, or a ratio outside 0..=100.
pub fn fibonacci(
    [start, end]: [f64; 2],
    from: Option<f64>,
    retracements: &[f64],
    extensions: &[f64],
) -> Result<Vec<FibLevel>, ChartError> {
    for (name, price) in [("start", Some(start)), ("end", Some(end)), ("projected_from", from)] {
        if let Some(price) = price {
            within(name, price, -MAX_PRICE, MAX_PRICE)?;
        }
    }
    for (name, ratios) in [("retracements", retracements), ("extensions", extensions)] {
        ratios.iter().try_for_each(|ratio| within(name, *ratio, 0.0, 100.0))?;
    }
    let length = end - start;
    let level = |kind, ratio: f64| {
        let price = match kind {
            FibKind::Retracement => end - ratio * length,
            FibKind::Extension => start + ratio * length,
            FibKind::Projection => from.unwrap_or(start) + ratio * length,
        };
        FibLevel { kind, ratio, price }
    };
    let mut levels: Vec<FibLevel> = retracements.iter().map(|ratio| level(FibKind::Retracement, *ratio)).collect();
    levels.extend(extensions.iter().map(|ratio| level(FibKind::Extension, *ratio)));
    if from.is_some() {
        levels.extend(extensions.iter().map(|ratio| level(FibKind::Projection, *ratio)));
    }
    Ok(levels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_of_a_rise_from_100_to_200_worked_out_by_hand() -> Result<(), ChartError> {
        let levels = fibonacci([100.0, 200.0], Some(150.0), &[0.25, 0.5], &[1.5])?;
        let shown: Vec<_> = levels.iter().map(|level| (level.kind.name(), level.ratio, level.price)).collect();
        let expected = [
            ("retracement", 0.25, 175.0),
            ("retracement", 0.5, 150.0),
            ("extension", 1.5, 250.0),
            ("projection", 1.5, 300.0),
        ];
        assert_eq!(shown, expected);
        let falling = fibonacci([200.0, 100.0], None, &[0.25], &[1.5])?;
        assert_eq!(falling.iter().map(|level| level.price).collect::<Vec<_>>(), [125.0, 50.0]);
        assert!(fibonacci([f64::NAN, 1.0], None, &[], &[]).is_err());
        assert!(fibonacci([0.0, 1.0], None, &[-0.1], &[]).is_err());
        Ok(())
    }
}
