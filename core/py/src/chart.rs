//! Chart patterns, swings, levels and bars by price or trade over numpy arrays.

use std::sync::{Mutex, MutexGuard, PoisonError};

use deepalpha_engine::patterns::chart::{
    self, ChartError, ChartParams, ChartScanner, Finding, Kind as Pattern, Level, LevelParams, Pivot, Unit,
};
use deepalpha_engine::stream::bricks::{self, Brick, Rows, Rule};
use numpy::{IntoPyArray, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::error::{Kind, raise};

type Column<'py> = PyReadonlyArray1<'py, f64>;
type PivotRow = (usize, f64, bool, usize);
type LevelRow = (f64, &'static str, f64, usize, usize, Vec<PivotRow>, usize);
type FindingRow =
    (&'static str, &'static str, f64, Vec<(usize, f64, String)>, f64, Option<f64>, usize, usize, usize, f64, String);
type BrickRow = (f64, f64, f64, f64, f64, u64, usize, usize);

fn refuse(error: ChartError) -> PyErr {
    raise(Kind::Indicator, error)
}

fn unit_of(percent: bool) -> Unit {
    if percent { Unit::Percent } else { Unit::Atr }
}

fn pivot_row(pivot: &Pivot) -> PivotRow {
    (pivot.bar, pivot.price, pivot.is_high, pivot.confirmed_at)
}

fn level_rows(levels: &[Level]) -> Vec<LevelRow> {
    let row = |level: &Level| {
        let pivots = level.pivots.iter().map(pivot_row).collect();
        (level.price, level.role.name(), level.strength, level.touches, level.breaks, pivots, level.confirmed_at)
    };
    levels.iter().map(row).collect()
}

fn finding_rows(findings: Vec<Finding>) -> Vec<FindingRow> {
    let row = |finding: Finding| {
        let pivots = finding.pivots.into_iter().map(|mark| (mark.bar, mark.price, mark.label)).collect();
        (
            finding.kind.name(),
            finding.direction.name(),
            finding.score,
            pivots,
            finding.invalidation,
            finding.target,
            finding.confirmed_at,
            finding.start,
            finding.end,
            finding.scale,
            finding.explanation,
        )
    };
    findings.into_iter().map(row).collect()
}

/// Names of the chart patterns.
#[pyfunction]
fn chart_kinds() -> Vec<&'static str> {
    Pattern::ALL.iter().map(|kind| kind.name()).collect()
}

/// What a chart pattern is, in a sentence.
#[pyfunction]
fn chart_meaning(name: &str) -> PyResult<&'static str> {
    Ok(Pattern::parse(name).map_err(refuse)?.meaning())
}

/// Swing pivots `(bar, price, is_high, confirmed_at)` in the order in which they became known.
#[pyfunction]
fn chart_swings(
    py: Python<'_>,
    high: Column<'_>,
    low: Column<'_>,
    close: Column<'_>,
    percent: bool,
    reversal: f64,
    atr_period: usize,
) -> PyResult<Vec<PivotRow>> {
    let columns = [high.as_slice()?, low.as_slice()?, close.as_slice()?];
    let pivots = py.detach(|| chart::batch::swings(columns, unit_of(percent), reversal, atr_period)).map_err(refuse)?;
    Ok(pivots.iter().map(pivot_row).collect())
}

/// Records of levels in the order in which they became known, and the levels that stand at the end:
/// `(price, role, strength, touches, breaks, pivots, confirmed_at)`.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "one argument a parameter; the Python facade names them")]
fn chart_levels(
    py: Python<'_>,
    high: Column<'_>,
    low: Column<'_>,
    close: Column<'_>,
    percent: bool,
    reversal: f64,
    atr_period: usize,
    width: f64,
    min_touches: usize,
    max_age: usize,
) -> PyResult<(Vec<LevelRow>, Vec<LevelRow>)> {
    let columns = [high.as_slice()?, low.as_slice()?, close.as_slice()?];
    let params = LevelParams { unit: unit_of(percent), reversal, atr_period, width, min_touches, max_age };
    let (records, standing) = py.detach(|| chart::batch::levels(columns, params)).map_err(refuse)?;
    Ok((level_rows(&records), level_rows(&standing)))
}

fn scan_params(given: &Bound<'_, PyDict>) -> PyResult<ChartParams> {
    let mut params = ChartParams::default();
    for (name, value) in given.iter() {
        match name.extract::<String>()?.as_str() {
            "kinds" => {
                let names: Vec<String> = value.extract()?;
                params.kinds =
                    names.iter().map(|name| Pattern::parse(name)).collect::<Result<_, _>>().map_err(refuse)?;
            }
            "percent" => params.unit = unit_of(value.extract()?),
            "scales" => params.scales = value.extract()?,
            "atr_period" => params.atr_period = value.extract()?,
            "max_bars" => params.max_bars = value.extract()?,
            "level_tolerance" => params.level_tolerance = value.extract()?,
            "shoulder_tolerance" => params.shoulder_tolerance = value.extract()?,
            "line_tolerance" => params.line_tolerance = value.extract()?,
            "line_touches" => params.line_touches = value.extract()?,
            "harmonic_tolerance" => params.harmonic_tolerance = value.extract()?,
            "prior_trend" => params.prior_trend = value.extract()?,
            "pole_speed" => params.pole_speed = value.extract()?,
            "breakout" => params.breakout = value.extract()?,
            "patience" => params.patience = value.extract()?,
            "min_score" => params.min_score = value.extract()?,
            other => return Err(raise(Kind::Indicator, format!("chart parameter {other:?} is not known"))),
        }
    }
    Ok(params)
}

/// Chart patterns in the order in which they became known: `(name, direction, score, [(bar, price, label)],
/// invalidation, target, confirmed_at, start, end, scale, explanation)`.
#[pyfunction]
fn chart_patterns(
    py: Python<'_>,
    open: Column<'_>,
    high: Column<'_>,
    low: Column<'_>,
    close: Column<'_>,
    params: &Bound<'_, PyDict>,
) -> PyResult<Vec<FindingRow>> {
    let params = scan_params(params)?;
    let columns = [open.as_slice()?, high.as_slice()?, low.as_slice()?, close.as_slice()?];
    Ok(finding_rows(py.detach(|| chart::batch::patterns(columns, params)).map_err(refuse)?))
}

/// Looks for chart patterns bar by bar.
#[pyclass(name = "ChartScanner", module = "deepalpha._core", frozen)]
struct PyChartScanner {
    scanner: Mutex<ChartScanner>,
}

impl PyChartScanner {
    fn lock(&self) -> MutexGuard<'_, ChartScanner> {
        // A refused bar leaves the scanner as it was, and nothing in it panics half-way.
        self.scanner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl PyChartScanner {
    #[new]
    fn new(params: &Bound<'_, PyDict>) -> PyResult<Self> {
        Ok(Self { scanner: Mutex::new(ChartScanner::new(scan_params(params)?).map_err(refuse)?) })
    }

    /// Bars taken in.
    #[getter]
    fn bars(&self) -> usize {
        self.lock().bars()
    }

    /// Take a closed bar; what became known at its close.
    fn update(&self, open: f64, high: f64, low: f64, close: f64) -> PyResult<Vec<FindingRow>> {
        Ok(finding_rows(self.lock().next([open, high, low, close]).map_err(refuse)?))
    }

    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.lock().snapshot().map_err(refuse)?))
    }

    #[staticmethod]
    fn restore(snapshot: &[u8]) -> PyResult<Self> {
        Ok(Self { scanner: Mutex::new(ChartScanner::restore(snapshot).map_err(refuse)?) })
    }
}

/// Fibonacci levels `(kind, ratio, price)` of the leg from `start` to `end`.
#[pyfunction]
fn chart_fibonacci(
    start: f64,
    end: f64,
    projected_from: Option<f64>,
    retracements: Vec<f64>,
    extensions: Vec<f64>,
) -> PyResult<Vec<(&'static str, f64, f64)>> {
    let levels = chart::fibonacci([start, end], projected_from, &retracements, &extensions).map_err(refuse)?;
    Ok(levels.iter().map(|level| (level.kind.name(), level.ratio, level.price)).collect())
}

fn rule_of(name: &str, size: f64, atr_period: usize) -> PyResult<Rule> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates; the core checks the bounds"
    )]
    Ok(match name {
        "renko" => Rule::Renko { size },
        "renko_atr" => Rule::RenkoAtr { period: atr_period, multiple: size },
        "range" => Rule::Range { size },
        "volume" => Rule::Volume { size },
        "ticks" => Rule::Ticks { size: size as usize },
        other => return Err(raise(Kind::Indicator, format!("bars by {other:?} are not known"))),
    })
}

/// Bars by price or trade: columns of complete bars, and the forming bar
/// `(open, high, low, close, volume, ticks, start, end)`.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "one argument a column, as numpy users pass them")]
fn chart_bricks<'py>(
    py: Python<'py>,
    rule: &str,
    size: f64,
    atr_period: usize,
    open: Column<'py>,
    high: Column<'py>,
    low: Column<'py>,
    close: Column<'py>,
    volume: Option<Column<'py>>,
    ticks: Option<Column<'py>>,
) -> PyResult<(Bound<'py, PyDict>, Option<BrickRow>)> {
    let rule = rule_of(rule, size, atr_period)?;
    let rows = Rows {
        prices: [open.as_slice()?, high.as_slice()?, low.as_slice()?, close.as_slice()?],
        volume: volume.as_ref().map(|column| column.as_slice()).transpose()?,
        ticks: ticks.as_ref().map(|column| column.as_slice()).transpose()?,
    };
    let (bars, forming) = py.detach(|| bricks::build(rule, rows)).map_err(refuse)?;
    let out = PyDict::new(py);
    let floats = |pick: fn(&Brick) -> f64| bars.iter().map(pick).collect::<Vec<f64>>().into_pyarray(py);
    let whole = |pick: fn(&Brick) -> usize| {
        let values: Vec<i64> = bars.iter().map(|bar| i64::try_from(pick(bar)).unwrap_or(i64::MAX)).collect();
        values.into_pyarray(py)
    };
    out.set_item("open", floats(|bar| bar.open))?;
    out.set_item("high", floats(|bar| bar.high))?;
    out.set_item("low", floats(|bar| bar.low))?;
    out.set_item("close", floats(|bar| bar.close))?;
    out.set_item("volume", floats(|bar| bar.volume))?;
    out.set_item("ticks", whole(|bar| usize::try_from(bar.ticks).unwrap_or(usize::MAX)))?;
    out.set_item("start", whole(|bar| bar.start))?;
    out.set_item("end", whole(|bar| bar.end))?;
    let row = |bar: Brick| (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.ticks, bar.start, bar.end);
    Ok((out, forming.map(row)))
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyChartScanner>()?;
    module.add_function(wrap_pyfunction!(chart_kinds, module)?)?;
    module.add_function(wrap_pyfunction!(chart_meaning, module)?)?;
    module.add_function(wrap_pyfunction!(chart_swings, module)?)?;
    module.add_function(wrap_pyfunction!(chart_levels, module)?)?;
    module.add_function(wrap_pyfunction!(chart_patterns, module)?)?;
    module.add_function(wrap_pyfunction!(chart_fibonacci, module)?)?;
    module.add_function(wrap_pyfunction!(chart_bricks, module)?)
}
