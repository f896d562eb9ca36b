//! Candlestick patterns over numpy arrays: conversions only; rules and checks are `deepalpha_engine::patterns`'s.

use deepalpha_engine::patterns::{self, Bars, CandleSettings, Explanation, Gauge, RangeType, Setting};
use deepalpha_engine::ta::TaError;
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::error::{Kind, raise};
use crate::pool::Output;

type Series<'py> = PyReadonlyArray1<'py, f64>;
/// Range type, period and factor of each setting, in the core's order.
type Gauges = Vec<(String, usize, f64)>;

fn refuse(error: TaError) -> PyErr {
    raise(Kind::Indicator, error)
}

fn bars<'a>(series: [&'a Series<'_>; 4]) -> PyResult<Bars<'a>> {
    let strided = |_| raise(Kind::Indicator, "patterns: pass contiguous arrays (numpy.ascontiguousarray)");
    let mut slices: [&[f64]; 4] = [&[]; 4];
    for (slot, array) in slices.iter_mut().zip(series) {
        *slot = array.as_slice().map_err(strided)?;
    }
    Bars::new(slices).map_err(refuse)
}

fn settings(gauges: Option<Gauges>) -> PyResult<CandleSettings> {
    let Some(gauges) = gauges else { return Ok(CandleSettings::TALIB) };
    let mut checked = *CandleSettings::TALIB.gauges();
    if gauges.len() != checked.len() {
        let text = format!("CandleSettings has {} settings, not {}", checked.len(), gauges.len());
        return Err(raise(Kind::Indicator, text));
    }
    for ((slot, name), (range, period, factor)) in checked.iter_mut().zip(Setting::NAMES).zip(gauges) {
        let known = RangeType::ALL.into_iter().find(|known| known.name() == range);
        let unknown =
            || raise(Kind::Indicator, format!("{name}: no range type {range:?}; real_body, high_low, shadows"));
        *slot = Gauge { range: known.ok_or_else(unknown)?, period, factor };
    }
    CandleSettings::new(checked).map_err(refuse)
}

/// Names of all patterns, in the order of `ta_patterns`'s columns.
#[pyfunction]
fn ta_pattern_names() -> Vec<&'static str> {
    patterns::PATTERNS.iter().map(|entry| entry.spec.name).collect()
}

/// TA-Lib's candle settings: name, range type, period, factor.
#[pyfunction]
fn ta_candle_settings() -> Vec<(&'static str, &'static str, usize, f64)> {
    let gauges = CandleSettings::TALIB.gauges().iter().zip(Setting::NAMES);
    gauges.map(|(gauge, name)| (name, gauge.range.name(), gauge.period, gauge.factor)).collect()
}

/// Every pattern at every bar: an int16 array of shape (bars, patterns).
#[pyfunction]
fn ta_patterns<'py>(
    py: Python<'py>,
    open: Series<'py>,
    high: Series<'py>,
    low: Series<'py>,
    close: Series<'py>,
    gauges: Option<Gauges>,
) -> PyResult<Bound<'py, PyArray2<i16>>> {
    let (settings, bars) = (settings(gauges)?, bars([&open, &high, &low, &close])?);
    let mut output = Output::<i16>::new(bars.len() * patterns::COUNT);
    let values = output.values();
    py.detach(|| patterns::patterns_into(&bars, &settings, values));
    output.into_array(py)?.reshape([bars.len(), patterns::COUNT])
}

/// One pattern with settings of one's own: an int32 array.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "four series, a name, and the two ways to tune it")]
fn ta_pattern<'py>(
    py: Python<'py>,
    name: &str,
    open: Series<'py>,
    high: Series<'py>,
    low: Series<'py>,
    close: Series<'py>,
    params: Vec<f64>,
    gauges: Option<Gauges>,
) -> PyResult<Bound<'py, PyArray1<i32>>> {
    let (settings, bars) = (settings(gauges)?, bars([&open, &high, &low, &close])?);
    let values = py.detach(|| patterns::pattern(name, &bars, &params, &settings)).map_err(refuse)?;
    Ok(values.into_pyarray(py))
}

/// Why patterns fired or did not at a bar: those named, or those that fired.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "four series, the bar, and what is asked about it")]
fn ta_explain<'py>(
    py: Python<'py>,
    open: Series<'py>,
    high: Series<'py>,
    low: Series<'py>,
    close: Series<'py>,
    gauges: Option<Gauges>,
    bar: usize,
    names: Option<Vec<String>>,
) -> PyResult<Bound<'py, PyList>> {
    let (settings, bars) = (settings(gauges)?, bars([&open, &high, &low, &close])?);
    let names: Option<Vec<&str>> = names.as_ref().map(|names| names.iter().map(String::as_str).collect());
    let explained = py.detach(|| patterns::explain(&bars, &settings, bar, names.as_deref())).map_err(refuse)?;
    let rows = explained.iter().map(|explanation| as_dict(py, explanation)).collect::<PyResult<Vec<_>>>()?;
    PyList::new(py, rows)
}

fn as_dict<'py>(py: Python<'py>, explanation: &Explanation) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("name", explanation.spec.name)?;
    dict.set_item("value", explanation.value)?;
    dict.set_item("aim", explanation.aim)?;
    dict.set_item("doc", explanation.spec.doc)?;
    dict.set_item("rule", explanation.spec.formula)?;
    dict.set_item("lookback", explanation.lookback)?;
    let conditions = PyList::empty(py);
    for condition in &explanation.conditions {
        let row = PyDict::new(py);
        row.set_item("what", condition.what)?;
        row.set_item("bars_ago", condition.bars_ago)?;
        row.set_item("measured", condition.measured)?;
        row.set_item("relation", condition.relation.sign())?;
        row.set_item("threshold", condition.threshold)?;
        row.set_item("held", condition.held)?;
        conditions.append(row)?;
    }
    dict.set_item("conditions", conditions)?;
    Ok(dict)
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(ta_pattern_names, module)?)?;
    module.add_function(wrap_pyfunction!(ta_candle_settings, module)?)?;
    module.add_function(wrap_pyfunction!(ta_patterns, module)?)?;
    module.add_function(wrap_pyfunction!(ta_pattern, module)?)?;
    module.add_function(wrap_pyfunction!(ta_explain, module)?)
}
