//! Whole series at once: the same states as bar by bar, behind checks of the columns.

use super::finding::Finding;
use super::levels::{Level, LevelBook, LevelParams};
use super::params::{ChartError, ChartParams, Unit, check_period, within};
use super::scanner::{ChartScanner, check_bar};
use super::swings::{Pivot, RangeAverage, Swings};

/// Refuse columns of different length.
pub(crate) fn same_length(columns: &[(&'static str, &[f64])]) -> Result<(), ChartError> {
    let expected = columns.first().map_or(0, |(_, values)| values.len());
    match columns.iter().find(|(_, values)| values.len() != expected) {
        Some((name, values)) => Err(ChartError::Length { name, found: values.len(), expected }),
        None => Ok(()),
    }
}

fn each_bar(
    [high, low, close]: [&[f64]; 3],
    unit: Unit,
    mut take: impl FnMut(usize, [f64; 3]),
) -> Result<(), ChartError> {
    same_length(&[("high", high), ("low", low), ("close", close)])?;
    for (row, ((high, low), close)) in high.iter().zip(low).zip(close).enumerate() {
        check_bar(row, [*close, *high, *low, *close], unit == Unit::Percent)?;
        take(row, [*high, *low, *close]);
    }
    Ok(())
}

/// Swing pivots in the order in which they became known.
///
/// # Errors
/// Columns or a parameter (reversal in 0.1..=100, ATR period in 1..=1000) that cannot be used.
pub fn swings(columns: [&[f64]; 3], unit: Unit, reversal: f64, atr_period: usize) -> Result<Vec<Pivot>, ChartError> {
    within("reversal", reversal, 0.1, 100.0)?;
    check_period("atr_period", atr_period, 1, 1000)?;
    let (mut average, mut swings, mut pivots) =
        (RangeAverage::new(atr_period), Swings::new(unit, reversal), Vec::new());
    each_bar(columns, unit, |row, [high, low, close]| {
        let range = average.next(high, low, close);
        pivots.extend(swings.next(row, high, low, range));
    })?;
    Ok(pivots)
}

/// Every record of every level in the order in which they became known, and the levels that stand after the last bar.
///
/// # Errors
/// Columns or a parameter that cannot be used.
pub fn levels(columns: [&[f64]; 3], params: LevelParams) -> Result<(Vec<Level>, Vec<Level>), ChartError> {
    let (mut book, mut records) = (LevelBook::new(params)?, Vec::new());
    each_bar(columns, params.unit, |_, [high, low, close]| records.extend(book.next(high, low, close)))?;
    Ok((records, book.standing()))
}

/// Chart patterns of open, high, low, close in the order in which they became known.
///
/// # Errors
/// Columns or a parameter that cannot be used.
pub fn patterns([open, high, low, close]: [&[f64]; 4], params: ChartParams) -> Result<Vec<Finding>, ChartError> {
    same_length(&[("open", open), ("high", high), ("low", low), ("close", close)])?;
    let (mut scanner, mut findings) = (ChartScanner::new(params)?, Vec::new());
    for (((open, high), low), close) in open.iter().zip(high).zip(low).zip(close) {
        findings.extend(scanner.next([*open, *high, *low, *close])?);
    }
    Ok(findings)
}
