//! The operational log for Python: rows in as dictionaries, columns out as lists.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use deepalpha_io::ops::{Level, OpsError, OpsLog, Row, Value};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString};

use crate::error::{Kind, raise};

/// `ops.sqlite`, open. Safe to share between threads; one call at a time.
#[pyclass(name = "OpsLog", module = "deepalpha._core", frozen)]
struct PyOpsLog {
    log: Mutex<OpsLog>,
}

impl PyOpsLog {
    fn lock(&self) -> MutexGuard<'_, OpsLog> {
        // A panic while the lock was held cannot leave a half-written batch: SQLite rolls it back.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn map_error(error: OpsError) -> PyErr {
    match error {
        OpsError::Duplicate { .. } => raise(Kind::Duplicate, error),
        other => raise(Kind::Store, other),
    }
}

fn to_value(cell: &Bound<'_, PyAny>) -> PyResult<Value> {
    if cell.is_none() {
        Ok(Value::Null)
    } else if let Ok(flag) = cell.cast::<PyBool>() {
        Ok(Value::Integer(i64::from(flag.is_true())))
    } else if cell.is_instance_of::<PyInt>() {
        Ok(Value::Integer(cell.extract()?))
    } else if cell.is_instance_of::<PyFloat>() {
        Ok(Value::Real(cell.extract()?))
    } else if cell.is_instance_of::<PyString>() {
        Ok(Value::Text(cell.extract()?))
    } else {
        let kind = cell.get_type().name()?;
        Err(raise(Kind::Store, format!("a cell of the log cannot hold a {kind}; use int, float, str, bool or None")))
    }
}

fn from_value(py: Python<'_>, value: Value) -> PyResult<Bound<'_, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Integer(integer) => integer.into_pyobject(py)?.into_any(),
        Value::Real(real) => real.into_pyobject(py)?.into_any(),
        Value::Text(text) => text.into_pyobject(py)?.into_any(),
    })
}

#[pymethods]
impl PyOpsLog {
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let log = py.detach(|| OpsLog::open(&path)).map_err(map_error)?;
        Ok(Self { log: Mutex::new(log) })
    }

    /// Append `[(table, {column: cell}), ...]` as one transaction; returns the ids.
    #[pyo3(signature = (rows, *, durable = false))]
    fn append(&self, py: Python<'_>, rows: Vec<(String, Bound<'_, PyDict>)>, durable: bool) -> PyResult<Vec<i64>> {
        let rows = rows
            .into_iter()
            .map(|(table, cells)| {
                let cells = cells.iter().map(|(name, cell)| Ok((name.extract()?, to_value(&cell)?)));
                Ok(Row { table, cells: cells.collect::<PyResult<Vec<_>>>()? })
            })
            .collect::<PyResult<Vec<Row>>>()?;
        let level = if durable { Level::Durable } else { Level::Journalled };
        py.detach(|| self.lock().append(&rows, level)).map_err(map_error)
    }

    /// Run a read-only query; returns `{column: [cells]}` in the order of the query.
    #[pyo3(signature = (sql, parameters = Vec::new()))]
    fn select<'py>(
        &self,
        py: Python<'py>,
        sql: &str,
        parameters: Vec<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let parameters = parameters.iter().map(to_value).collect::<PyResult<Vec<Value>>>()?;
        let found = py.detach(|| self.lock().select(sql, &parameters)).map_err(map_error)?;
        let out = PyDict::new(py);
        for (name, values) in found.names.into_iter().zip(found.values) {
            let cells = values.into_iter().map(|value| from_value(py, value)).collect::<PyResult<Vec<_>>>()?;
            out.set_item(name, PyList::new(py, cells)?)?;
        }
        Ok(out)
    }

    /// Problems of the file, none when it is sound.
    fn check(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        py.detach(|| self.lock().check()).map_err(map_error)
    }
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyOpsLog>()
}
