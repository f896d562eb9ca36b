//! Indicators over numpy arrays: conversions only; the checks and kernels are `deepalpha_engine::ta`'s.

use deepalpha_engine::ta;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::error::{Kind, raise};

/// Every indicator as a JSON array of objects: name, group, doc, formula, source, inputs, params, outputs, lookback.
#[pyfunction]
fn ta_specs() -> String {
    ta::specs_json()
}

/// Compute an indicator.
///
/// Args:
///     name: TA-Lib's name, in any case.
///     inputs: contiguous float64 arrays of one length, in TA-Lib's order.
///     params: numbers in TA-Lib's order; missing ones on the right take their defaults.
///
/// Returns:
///     One float64 array per output, of the inputs' length; whole outputs are whole floats.
///
/// Raises:
///     IndicatorError: unknown name, wrong number or lengths of inputs, a parameter out of bounds, strided input.
#[pyfunction]
fn ta_compute<'py>(
    py: Python<'py>,
    name: &str,
    inputs: Vec<PyReadonlyArray1<'py, f64>>,
    params: Vec<f64>,
) -> PyResult<Vec<Bound<'py, PyArray1<f64>>>> {
    let spec = ta::find(name).map_err(|error| raise(Kind::Indicator, error))?;
    let slices = inputs
        .iter()
        .map(|input| input.as_slice())
        .collect::<Result<Vec<&[f64]>, _>>()
        .map_err(|_| raise(Kind::Indicator, format!("{name}: pass contiguous arrays (numpy.ascontiguousarray)")))?;
    let outputs = py.detach(|| spec.compute_vec(&slices, &params)).map_err(|error| raise(Kind::Indicator, error))?;
    Ok(outputs.into_iter().map(|output| output.into_pyarray(py)).collect())
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(ta_specs, module)?)?;
    module.add_function(wrap_pyfunction!(ta_compute, module)?)
}
