//! Time frames, resampling and the market view over numpy arrays.

use deepalpha_engine::stream::{Bars, BarsError, Series, Timeframe, resample, series};
use deepalpha_engine::ta::TaError;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::{Kind, raise};

fn parse(name: &str) -> PyResult<Timeframe> {
    Timeframe::parse(name).map_err(|error| raise(Kind::MarketData, error))
}

/// Nominal length of a time frame in nanoseconds; MarketDataError when unknown.
#[pyfunction]
fn check_timeframe(name: &str) -> PyResult<i64> {
    Ok(parse(name)?.nominal())
}

/// End of the bucket that holds each time.
#[pyfunction]
fn bucket_end<'py>(
    py: Python<'py>,
    ts_open: PyReadonlyArray1<'py, i64>,
    timeframe: &str,
) -> PyResult<Bound<'py, PyArray1<i64>>> {
    let frame = parse(timeframe)?;
    let ends: Vec<i64> = ts_open.as_array().iter().map(|ts| frame.end(*ts)).collect();
    Ok(ends.into_pyarray(py))
}

type Frames = Vec<(String, Bars, Series)>;

/// What can be wrong with a view: the bars or the indicators asked for.
enum ViewError {
    Bars(BarsError),
    Ta(TaError),
}

/// Closed bars of the base and of coarser time frames, cut at `asof`, with indicators by id:
/// name -> (column -> array, series -> array).
#[pyfunction]
#[pyo3(signature = (ts_open, open, high, low, close, volume, *, timeframe, timeframes, asof, ids))]
#[expect(clippy::too_many_arguments, reason = "one argument a column, as numpy users pass them")]
fn market_view<'py>(
    py: Python<'py>,
    ts_open: PyReadonlyArray1<'py, i64>,
    open: PyReadonlyArray1<'py, f64>,
    high: PyReadonlyArray1<'py, f64>,
    low: PyReadonlyArray1<'py, f64>,
    close: PyReadonlyArray1<'py, f64>,
    volume: PyReadonlyArray1<'py, f64>,
    timeframe: &str,
    timeframes: Vec<String>,
    asof: i64,
    ids: Vec<String>,
) -> PyResult<Bound<'py, PyDict>> {
    let base = parse(timeframe)?;
    let targets = timeframes.iter().map(|name| Ok((name.clone(), parse(name)?))).collect::<PyResult<Vec<_>>>()?;
    let ts = ts_open.as_slice()?;
    let columns = [
        ("open", open.as_slice()?),
        ("high", high.as_slice()?),
        ("low", low.as_slice()?),
        ("close", close.as_slice()?),
        ("volume", volume.as_slice()?),
    ];
    let view = |bars: Bars, name: String| -> Result<(String, Bars, Series), ViewError> {
        let computed = series(&bars, &ids).map_err(ViewError::Ta)?;
        Ok((name, bars, computed))
    };
    let frames = py
        .detach(|| -> Result<Frames, ViewError> {
            let bars = Bars::closed(base, ts, columns, asof).map_err(ViewError::Bars)?;
            let coarse = targets
                .into_iter()
                .map(|(name, target)| view(resample(&bars, base, target, asof).map_err(ViewError::Bars)?, name))
                .collect::<Result<Frames, ViewError>>()?;
            let mut frames = vec![view(bars, timeframe.to_owned())?];
            frames.extend(coarse);
            Ok(frames)
        })
        .map_err(|error| match error {
            ViewError::Bars(error) => raise(Kind::MarketData, error),
            ViewError::Ta(error) => raise(Kind::Indicator, error),
        })?;
    let out = PyDict::new(py);
    for (name, bars, computed) in frames {
        let values = PyDict::new(py);
        for (id, array) in computed {
            values.set_item(id, array.into_pyarray(py))?;
        }
        out.set_item(name, (columns_of(py, bars)?, values))?;
    }
    Ok(out)
}

fn columns_of(py: Python<'_>, bars: Bars) -> PyResult<Bound<'_, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("ts_open", bars.ts_open.into_pyarray(py))?;
    out.set_item("ts_event", bars.ts_event.into_pyarray(py))?;
    for (name, values) in
        [("open", bars.open), ("high", bars.high), ("low", bars.low), ("close", bars.close), ("volume", bars.volume)]
    {
        out.set_item(name, values.into_pyarray(py))?;
    }
    Ok(out)
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(check_timeframe, module)?)?;
    module.add_function(wrap_pyfunction!(bucket_end, module)?)?;
    module.add_function(wrap_pyfunction!(market_view, module)?)
}
