//! Many indicators of many symbols over numpy rows.

use std::collections::HashMap;

use deepalpha_engine::ta::{self, BAR, COLUMN_NAMES, Row, StreamSet, Wanted};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::ta_stream::{bytes_of, number, parse_seed, refuse};

/// A specification as `deepalpha.ta.specs.parse` gives it: label, name, parameters, seed.
pub(crate) type Spelled = (String, String, Vec<f64>, String);

pub(crate) fn wanted(spelled: Vec<Spelled>) -> PyResult<Vec<Wanted>> {
    let one = |(label, name, params, seed): Spelled| {
        let spec = ta::find(&name).map_err(refuse)?;
        Ok(Wanted { label, spec, params, seed: parse_seed(&seed)? })
    };
    spelled.into_iter().map(one).collect()
}

/// Specifications in any of the spellings `ta.frame` takes.
fn parse(specs: &Bound<'_, PyAny>) -> PyResult<Vec<Wanted>> {
    let module = specs.py().import("deepalpha.ta.specs")?;
    wanted(module.call_method1("parse", (specs,))?.extract()?)
}

/// Indicators of symbols, updated in one call; see `deepalpha.ta.StreamSet`.
///
/// Args:
///     specs: indicators as `ta.frame` spells them.
///     symbols: their names, in the order of the rows of `update_many`; one name for one symbol.
///
/// Raises:
///     IndicatorError: an indicator that cannot be used; no indicator, no symbol, or one of them twice.
///
/// Prices and volumes that no indicator of the set reads may hold anything. Every call is all or nothing. A set belongs to
/// one thread at a time: a call while another thread updates it raises RuntimeError, and changes nothing.
#[pyclass(name = "StreamSet", module = "deepalpha._core")]
pub(crate) struct PyStreamSet {
    set: StreamSet,
    /// Rows that the last `update_many` left out.
    left_out: Vec<usize>,
}

#[pymethods]
impl PyStreamSet {
    #[new]
    #[pyo3(signature = (specs, symbols = None))]
    fn new(specs: &Bound<'_, PyAny>, symbols: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let names = match symbols {
            None => vec![String::new()],
            Some(symbols) => match symbols.extract::<String>() {
                Ok(one) => vec![one],
                Err(_) => symbols
                    .try_iter()
                    .and_then(|names| names.map(|name| name?.extract()).collect())
                    .map_err(|_: PyErr| refuse("symbols is not a name or a list of names; pass strings"))?,
            },
        };
        Ok(Self { set: StreamSet::new(parse(specs)?, names).map_err(refuse)?, left_out: Vec::new() })
    }

    /// Take one symbol's next bar in.
    ///
    /// Args:
    ///     symbol: may be left out in a set of one.
    ///
    /// Returns:
    ///     float64 array, one number for each of `.names`; NaN (0 for whole outputs) while there is none.
    ///
    /// Raises:
    ///     IndicatorError: a value that is no finite number; nothing has changed then.
    #[pyo3(signature = (open, high, low, close, volume, symbol = None))]
    #[expect(clippy::too_many_arguments, reason = "a bar has five columns")]
    fn update<'py>(
        &mut self,
        py: Python<'py>,
        open: &Bound<'py, PyAny>,
        high: &Bound<'py, PyAny>,
        low: &Bound<'py, PyAny>,
        close: &Bound<'py, PyAny>,
        volume: &Bound<'py, PyAny>,
        symbol: Option<&str>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let lane = self.lane(symbol)?;
        let row = row([open, high, low, close, volume])?;
        Ok(PyArray1::from_slice(py, self.set.update(lane, &row).map_err(refuse)?))
    }

    /// What `update` would answer for a bar that is still forming; nothing changes.
    #[pyo3(signature = (open, high, low, close, volume, symbol = None))]
    #[expect(clippy::too_many_arguments, reason = "a bar has five columns")]
    fn peek<'py>(
        &self,
        py: Python<'py>,
        open: &Bound<'py, PyAny>,
        high: &Bound<'py, PyAny>,
        low: &Bound<'py, PyAny>,
        close: &Bound<'py, PyAny>,
        volume: &Bound<'py, PyAny>,
        symbol: Option<&str>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let row = row([open, high, low, close, volume])?;
        Ok(self.set.peek(self.lane(symbol)?, &row).map_err(refuse)?.into_pyarray(py))
    }

    /// Take the next bar of every symbol in.
    ///
    /// Args:
    ///     rows: float64, shape (m, 5): open, high, low, close, volume of each of `.symbols`.
    ///     skip: leave symbols out whose row has a NaN or an infinity; `.skipped` names them afterwards.
    ///
    /// Returns:
    ///     float64, shape (m, k), a column for each of `.names`; a row without values for a symbol that was left out.
    ///
    /// Raises:
    ///     IndicatorError: rows of another shape; without `skip`, the first bad row by its symbol. Nothing has changed.
    #[pyo3(signature = (rows, *, skip = false))]
    fn update_many<'py>(
        &mut self,
        py: Python<'py>,
        rows: &Bound<'py, PyAny>,
        skip: bool,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let rows = matrix(rows)?;
        let set = &mut self.set;
        self.left_out = py.detach(|| set.update_many(&rows, skip)).map_err(refuse)?;
        let mut values = self.set.values().to_vec();
        let width = self.set.names().len();
        for lane in &self.left_out {
            if let Some(slots) = values.get_mut(lane * width..(lane + 1) * width) {
                slots.copy_from_slice(self.set.nothing());
            }
        }
        self.shaped(py, values)
    }

    /// What `update_many` would answer for bars that are still forming; nothing changes.
    #[pyo3(signature = (rows, *, skip = false))]
    fn peek_many<'py>(
        &self,
        py: Python<'py>,
        rows: &Bound<'py, PyAny>,
        skip: bool,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let rows = matrix(rows)?;
        let (values, _) = py.detach(|| self.set.peek_many(&rows, skip)).map_err(refuse)?;
        self.shaped(py, values)
    }

    /// Take one symbol's history in, oldest first: rows as in `update_many`, of one symbol.
    #[pyo3(signature = (rows, symbol = None))]
    fn extend(&mut self, py: Python<'_>, rows: &Bound<'_, PyAny>, symbol: Option<&str>) -> PyResult<()> {
        let (rows, lane) = (matrix(rows)?, self.lane(symbol)?);
        let set = &mut self.set;
        py.detach(|| set.extend(lane, &rows)).map_err(refuse)
    }

    /// Another set in the same state.
    fn copy(&self) -> Self {
        Self { set: self.set.clone(), left_out: self.left_out.clone() }
    }

    fn __copy__(&self) -> Self {
        self.copy()
    }

    #[expect(unused_variables, reason = "the state holds no Python object to copy once")]
    fn __deepcopy__(&self, memo: &Bound<'_, PyAny>) -> Self {
        self.copy()
    }

    /// The state as bytes for `restore`, in this or another process.
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.set.snapshot().map_err(refuse)?))
    }

    /// A set from `snapshot()`'s bytes. IndicatorError for bytes that are cut, changed or of something else.
    #[staticmethod]
    fn restore(snapshot: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self { set: StreamSet::restore(bytes_of(snapshot)?).map_err(refuse)?, left_out: Vec::new() })
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((py.get_type::<Self>().getattr("restore")?, (self.snapshot(py)?,)))
    }

    /// Names of the results of a symbol: `RSI_14`, `MACD_12_26_9.macdhist`.
    #[getter]
    fn names(&self) -> Vec<String> {
        self.set.names().to_vec()
    }

    /// The symbols, in the order of the rows.
    #[getter]
    fn symbols(&self) -> Vec<String> {
        self.set.symbols().to_vec()
    }

    /// Symbols that the last `update_many` left out.
    #[getter]
    fn skipped(&self) -> Vec<String> {
        self.left_out.iter().filter_map(|lane| self.set.symbols().get(*lane)).cloned().collect()
    }

    /// Bars taken in, by symbol.
    #[getter]
    fn bars(&self) -> HashMap<String, u64> {
        self.set.symbols().iter().cloned().zip(self.set.bars().iter().copied()).collect()
    }

    /// Results of the last bars, float64 of shape (m, k).
    #[getter]
    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        self.shaped(py, self.set.values().to_vec())
    }

    fn __repr__(&self) -> String {
        format!("ta.StreamSet({} results of {} symbols)", self.set.names().len(), self.set.symbols().len())
    }
}

impl PyStreamSet {
    fn lane(&self, symbol: Option<&str>) -> PyResult<usize> {
        match (symbol, self.set.symbols()) {
            (Some(symbol), _) => self.set.lane(symbol).map_err(refuse),
            (None, [_]) => Ok(0),
            (None, all) => Err(refuse(format!(
                "say which of the {} symbols: symbol=\"{}\"",
                all.len(),
                all.first().map_or("", String::as_str)
            ))),
        }
    }

    fn shaped<'py>(&self, py: Python<'py>, values: Vec<f64>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        values.into_pyarray(py).reshape([self.set.symbols().len(), self.set.names().len()])
    }
}

/// The five numbers of a bar.
#[inline]
fn row(values: [&Bound<'_, PyAny>; BAR]) -> PyResult<Row> {
    let mut row = [0.0; BAR];
    for ((slot, value), column) in row.iter_mut().zip(values).zip(COLUMN_NAMES) {
        *slot = number(value, || column.to_owned())?;
    }
    Ok(row)
}

/// A float64 matrix of five columns as rows, whatever its strides.
fn matrix(rows: &Bound<'_, PyAny>) -> PyResult<Vec<Row>> {
    let wrong = || refuse("rows is not a float64 array of shape (m, 5): open, high, low, close, volume");
    let rows: PyReadonlyArray2<'_, f64> = rows.extract().map_err(|_| wrong())?;
    let array = rows.as_array();
    if array.ncols() != BAR {
        return Err(wrong());
    }
    let mut out = vec![[0.0; BAR]; array.nrows()];
    for (slots, row) in out.iter_mut().zip(array.rows()) {
        slots.iter_mut().zip(row).for_each(|(slot, value)| *slot = *value);
    }
    Ok(out)
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyStreamSet>()
}
