//! Indicators over numpy arrays: conversions only; the checks and kernels are `deepalpha_engine::ta`'s.
//!
//! # Layout
//! - here: the callable and its ways around the core's arrays; `call`: arguments to their places; `compute`: numpy's arrays
//!   to the core's and back.

mod call;
mod compute;

use std::env::VarError;

use call::{Call, Given};
use deepalpha_engine::ta::{self, Level, Policy, Spec};
use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::error::{Kind, raise};

/// More inputs than any indicator has.
const INPUTS: usize = 6;
/// More parameters or outputs than any indicator has.
const MAX: usize = 12;

/// Every indicator as a JSON array of objects: name, group, doc, formula, source, inputs, params, outputs, lookback.
#[pyfunction]
fn ta_specs() -> String {
    ta::specs_json()
}

/// One indicator, called like TA-Lib's function of that name.
///
/// `indicator(*series, *params, out=None, nan="propagate", seed="talib")`. Contiguous float64 arrays go straight to the
/// core; everything else first through `deepalpha.ta.arrays.convert`.
#[pyclass(frozen, subclass, module = "deepalpha._core")]
struct Indicator {
    spec: &'static Spec,
}

fn refuse(error: impl std::fmt::Display) -> PyErr {
    raise(Kind::Indicator, error)
}

impl Indicator {
    /// `RSI(real, timeperiod=14)`.
    fn usage(&self) -> String {
        let inputs = self.spec.inputs.iter().map(|input| input.name().to_owned());
        let params = self.spec.params.iter().map(|param| format!("{}={}", param.name, param.default));
        format!("{}({})", self.spec.name, inputs.chain(params).collect::<Vec<_>>().join(", "))
    }

    /// A candlestick pattern with settings of one's own: `deepalpha.ta.candles.pattern`.
    fn with_settings<'py>(
        &self,
        py: Python<'py>,
        call: &Call<'py>,
        settings: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if call.out.is_some() || call.policy != Policy::default() {
            return Err(refuse(format!("{}: settings goes with neither out nor nan nor seed", self.spec.name)));
        }
        let named = PyDict::new(py);
        for (param, value) in self.spec.params.iter().zip(call.params) {
            named.set_item(param.name, value)?;
        }
        let mut args = vec![PyString::new(py, self.spec.name).into_any()];
        args.extend(call.inputs.iter().flatten().cloned());
        args.push(settings.clone());
        let module = py.import("deepalpha.ta.candles")?;
        module.call_method("pattern", PyTuple::new(py, args)?, Some(&named))
    }
}

fn arrays(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    py.import("deepalpha.ta.arrays")
}

#[pymethods]
impl Indicator {
    #[new]
    fn new(name: &str) -> PyResult<Self> {
        ta::find(name).map(|spec| Self { spec }).map_err(refuse)
    }

    #[pyo3(signature = (*args, timeperiod = Given(None), **kwargs))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        timeperiod: Given<'py>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let call = self.read(args, timeperiod, kwargs)?;
        if let Some(settings) = &call.settings {
            return self.with_settings(py, &call, settings);
        }
        if let Some(result) = self.on_arrays(py, &call)? {
            return Ok(result);
        }
        let inputs = PyTuple::new(py, call.inputs.iter().flatten().collect::<Vec<_>>())?;
        let labels: Vec<&str> = self.spec.inputs.iter().map(|input| input.name()).collect();
        let converted = arrays(py)?.call_method1("convert", (self.spec.name, labels, &inputs))?;
        let converted: Vec<Bound<'py, PyAny>> = converted.extract()?;
        let mut inner = call;
        for (slot, array) in inner.inputs.iter_mut().zip(converted) {
            *slot = Some(array);
        }
        let result = self.on_arrays(py, &inner)?.ok_or_else(|| {
            refuse(format!("{}: an input could not be made a contiguous float64 array", self.spec.name))
        })?;
        if inner.out.is_some() {
            return Ok(result);
        }
        let names: Vec<&str> = self.spec.outputs.iter().map(|output| output.name).collect();
        arrays(py)?.call_method1("like", (self.spec.name, inputs, names, result))
    }

    #[getter]
    fn __name__(&self) -> &'static str {
        self.spec.name
    }

    #[getter]
    fn __qualname__(&self) -> &'static str {
        self.spec.name
    }

    #[getter]
    fn __signature__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        arrays(py)?.call_method1("signature", (self.spec.name,))
    }

    /// By name: pickle finds it in `deepalpha.ta` again.
    fn __reduce__(&self) -> &'static str {
        self.spec.name
    }

    fn __repr__(&self) -> String {
        format!("<indicator {}>", self.usage())
    }
}

/// The instruction set in use: portable, avx2 or avx512.
#[pyfunction]
fn ta_level() -> &'static str {
    match ta::level() {
        Level::Portable => "portable",
        Level::Avx2 => "avx2",
        Level::Avx512 => "avx512",
    }
}

/// Take the highest instruction set to use from `DEEPALPHA_SIMD`, if it is there.
pub(crate) fn limit_level() -> PyResult<()> {
    let level = match std::env::var("DEEPALPHA_SIMD") {
        Err(VarError::NotPresent) => return Ok(()),
        Ok(name) if name == "portable" => Level::Portable,
        Ok(name) if name == "avx2" => Level::Avx2,
        Ok(name) if name == "avx512" => Level::Avx512,
        other => {
            let message = format!("DEEPALPHA_SIMD is {other:?}; set it to portable, avx2 or avx512, or leave it out");
            return Err(PyImportError::new_err(message));
        }
    };
    ta::limit_level(level);
    Ok(())
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(ta_specs, module)?)?;
    module.add_function(wrap_pyfunction!(ta_level, module)?)?;
    module.add_class::<Indicator>()
}
