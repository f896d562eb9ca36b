//! Indicators bar by bar: a handle a number of inputs, so that an update is one plain call without a tuple.

use deepalpha_engine::ta::{self, Kind as OutputKind, Live, ParamKind, Seed, Spec};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyTuple};

use crate::error::{Kind, raise};

pub(crate) fn refuse(error: impl std::fmt::Display) -> PyErr {
    raise(Kind::Indicator, error)
}

/// `seed` by its Python name.
pub(crate) fn parse_seed(name: &str) -> PyResult<Seed> {
    match name {
        "talib" => Ok(Seed::Talib),
        "tradingview" => Ok(Seed::TradingView),
        other => Err(refuse(format!("seed {other:?} is not known; use \"talib\" or \"tradingview\""))),
    }
}

pub(crate) const fn seed_name(seed: Seed) -> &'static str {
    match seed {
        Seed::Talib => "talib",
        Seed::TradingView => "tradingview",
    }
}

/// A number from Python; anything else is refused by the name `label` gives.
#[inline]
pub(crate) fn number(value: &Bound<'_, PyAny>, label: impl Fn() -> String) -> PyResult<f64> {
    match value.cast_exact::<PyFloat>() {
        Ok(float) => Ok(float.value()),
        Err(_) => other_number(value, label),
    }
}

/// Integers, numpy scalars and whatever else turns itself into a float; truth values do not count as numbers.
#[cold]
fn other_number(value: &Bound<'_, PyAny>, label: impl Fn() -> String) -> PyResult<f64> {
    let truth = value.is_instance_of::<PyBool>() || value.get_type().name()?.to_cow()?.starts_with("bool");
    let refused = || -> PyErr {
        let shown = value.repr().map_or_else(|_| "a value without repr".to_owned(), |text| text.to_string());
        refuse(format!("{} {shown} is not a number; pass a float, and nothing was taken in", label()))
    };
    if truth { Err(refused()) } else { value.extract::<f64>().map_err(|_| refused()) }
}

/// One output as a Python object: a float, or an int for whole outputs.
#[inline]
fn one_value<'py>(py: Python<'py>, kind: OutputKind, value: f64) -> PyResult<Bound<'py, PyAny>> {
    match kind {
        OutputKind::Float => Ok(PyFloat::new(py, value).into_any()),
        #[expect(clippy::cast_possible_truncation, reason = "whole outputs are small whole numbers")]
        _ => Ok((value as i64).into_pyobject(py)?.into_any()),
    }
}

/// All outputs: one object, or a tuple of them.
#[inline]
fn all_values<'py>(py: Python<'py>, spec: &Spec, values: &[f64]) -> PyResult<Bound<'py, PyAny>> {
    match (spec.outputs, values) {
        ([output], [value]) => one_value(py, output.kind, *value),
        // The usual counts without a vector in between.
        ([a, b], [x, y]) => {
            let objects = [one_value(py, a.kind, *x)?, one_value(py, b.kind, *y)?];
            Ok(PyTuple::new(py, objects)?.into_any())
        }
        ([a, b, c], [x, y, z]) => {
            let objects = [one_value(py, a.kind, *x)?, one_value(py, b.kind, *y)?, one_value(py, c.kind, *z)?];
            Ok(PyTuple::new(py, objects)?.into_any())
        }
        (outputs, values) => {
            let objects = outputs.iter().zip(values).map(|(output, value)| one_value(py, output.kind, *value));
            Ok(PyTuple::new(py, objects.collect::<PyResult<Vec<_>>>()?)?.into_any())
        }
    }
}

/// More arguments than an indicator has inputs: taken so that the refusal can say what was wrong. Optional places cost
/// nothing in a call; `*args` costs 8 ns (measured).
type Surplus<'a, 'py> = [Option<&'a Bound<'py, PyAny>>; 3];

/// The arguments of an update as numbers, in the inputs' order.
#[inline]
fn bar<'py, const I: usize>(
    live: &Live,
    given: [Option<&Bound<'py, PyAny>>; I],
    surplus: Surplus<'_, 'py>,
) -> PyResult<[f64; I]> {
    let mut row = [0.0; I];
    for (input, (slot, value)) in row.iter_mut().zip(given).enumerate() {
        let Some(value) = value else { return Err(wrong_count(live, &given, surplus)) };
        *slot = number(value, || {
            let spec = live.spec();
            format!("{}: {}", spec.name, spec.inputs.get(input).map_or("input", |input| input.name()))
        })?;
    }
    if surplus.iter().all(Option::is_none) { Ok(row) } else { Err(wrong_count(live, &given, surplus)) }
}

#[cold]
fn wrong_count(live: &Live, given: &[Option<&Bound<'_, PyAny>>], surplus: Surplus<'_, '_>) -> PyErr {
    let count = given.iter().chain(&surplus).flatten().count();
    match live.check(&vec![0.0; count]) {
        Err(error) => refuse(error),
        Ok(()) => refuse(format!("{}: pass one number an input", live.spec().name)),
    }
}

/// Whole parameters as ints, real ones as floats, by name.
fn params_of<'py>(py: Python<'py>, live: &Live) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    for (param, value) in live.spec().params.iter().zip(live.params()) {
        if param.kind == ParamKind::Real {
            out.set_item(param.name, value)?;
        } else {
            #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in bounds")]
            out.set_item(param.name, *value as i64)?;
        }
    }
    Ok(out)
}

/// Take series in and give the outputs of their bars; nothing changes when one of them is refused.
fn extend<'py>(
    py: Python<'py>,
    live: &mut Live,
    series: &Bound<'py, PyTuple>,
) -> PyResult<Vec<Bound<'py, PyArray1<f64>>>> {
    let arrays = series
        .iter()
        .map(|item| item.extract::<PyReadonlyArray1<'py, f64>>())
        .collect::<PyResult<Vec<_>>>()
        .map_err(|_| refuse(format!("{}: pass float64 arrays of shape (n,)", live.spec().name)))?;
    let inputs = arrays
        .iter()
        .map(|array| array.as_slice())
        .collect::<Result<Vec<&[f64]>, _>>()
        .map_err(|_| refuse(format!("{}: pass contiguous arrays", live.spec().name)))?;
    let outputs = py.detach(|| run(live, &inputs)).map_err(refuse)?;
    Ok(outputs.into_iter().map(|output| output.into_pyarray(py)).collect())
}

fn run(live: &mut Live, inputs: &[&[f64]]) -> Result<Vec<Vec<f64>>, ta::TaError> {
    let mut next = live.clone();
    let spec = live.spec();
    let length = inputs.first().map_or(0, |input| input.len());
    let mut outputs: Vec<Vec<f64>> = spec.outputs.iter().map(|_| Vec::with_capacity(length)).collect();
    if inputs.len() != spec.inputs.len() || inputs.iter().any(|input| input.len() != length) {
        next.extend(inputs)?;
    }
    let mut row = vec![0.0; inputs.len()];
    for bar in 0..length {
        row.iter_mut().zip(inputs).for_each(|(slot, input)| *slot = input.get(bar).copied().unwrap_or(f64::NAN));
        if next.bars() == 0 && row.iter().any(|value| value.is_nan()) {
            // In front of the first complete bar: skipped, as over a whole series.
            next.extend(&row.iter().map(std::slice::from_ref).collect::<Vec<_>>())?;
        } else {
            next.update(&row).map_err(|error| at_bar(error, bar))?;
        }
        outputs.iter_mut().zip(next.values()).for_each(|(output, value)| output.push(*value));
    }
    *live = next;
    Ok(outputs)
}

/// A refusal that says which bar of a series it is about.
fn at_bar(error: ta::TaError, bar: usize) -> ta::TaError {
    match error {
        ta::TaError::NotFinite { name, input, value, .. } => {
            ta::TaError::NotFinite { name, input, value, place: format!(" at bar {bar}") }
        }
        other => other,
    }
}

/// `Stream<n>` for indicators of n inputs.
macro_rules! handle {
    ($class:ident, $python:literal, $count:literal, $($input:ident),+) => {
        #[doc = concat!("A running indicator of ", $count, " inputs; see `deepalpha.ta.stream`.")]
        #[pyclass(name = $python, module = "deepalpha._core")]
        pub(crate) struct $class {
            live: Live,
        }

        #[pymethods]
        impl $class {
            /// Take the next bar in; its value, or a tuple of them.
            #[pyo3(signature = ($($input = None),+, extra = None, beyond = None, further = None, /))]
            #[allow(clippy::too_many_arguments, reason = "an argument an input; some handles have few")]
            fn update<'py>(
                &mut self,
                py: Python<'py>,
                $($input: Option<&Bound<'py, PyAny>>,)+
                extra: Option<&Bound<'py, PyAny>>,
                beyond: Option<&Bound<'py, PyAny>>,
                further: Option<&Bound<'py, PyAny>>,
            ) -> PyResult<Bound<'py, PyAny>> {
                let row = bar(&self.live, [$($input),+], [extra, beyond, further])?;
                let spec = self.live.spec();
                match self.live.update(&row) {
                    Ok(values) => all_values(py, spec, values),
                    Err(error) => Err(refuse(error)),
                }
            }

            /// What `update` would answer for a bar that is still forming; nothing changes.
            #[pyo3(signature = ($($input = None),+, extra = None, beyond = None, further = None, /))]
            #[allow(clippy::too_many_arguments, reason = "an argument an input; some handles have few")]
            fn peek<'py>(
                &self,
                py: Python<'py>,
                $($input: Option<&Bound<'py, PyAny>>,)+
                extra: Option<&Bound<'py, PyAny>>,
                beyond: Option<&Bound<'py, PyAny>>,
                further: Option<&Bound<'py, PyAny>>,
            ) -> PyResult<Bound<'py, PyAny>> {
                let row = bar(&self.live, [$($input),+], [extra, beyond, further])?;
                let mut values = self.live.values().to_vec();
                self.live.peek(&row, &mut values).map_err(refuse)?;
                all_values(py, self.live.spec(), &values)
            }

            /// Take several bars in, one float64 array an input; an array an output.
            #[pyo3(signature = (*series))]
            fn extend<'py>(
                &mut self,
                py: Python<'py>,
                series: &Bound<'py, PyTuple>,
            ) -> PyResult<Vec<Bound<'py, PyArray1<f64>>>> {
                extend(py, &mut self.live, series)
            }

            /// Another handle in the same state.
            fn copy(&self) -> Self {
                Self { live: self.live.clone() }
            }

            fn __copy__(&self) -> Self {
                self.copy()
            }

            #[expect(unused_variables, reason = "the state holds no Python object to copy once")]
            fn __deepcopy__(&self, memo: &Bound<'_, PyAny>) -> Self {
                self.copy()
            }

            /// The state as bytes for `ta.stream.restore`, in this or another process.
            fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
                Ok(PyBytes::new(py, &self.live.snapshot().map_err(refuse)?))
            }

            fn __reduce__<'py>(
                &self,
                py: Python<'py>,
            ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
                let restore = py.import("deepalpha._core")?.getattr("ta_stream_restore")?;
                Ok((restore, (self.snapshot(py)?,)))
            }

            /// The values of the last bar; NaN (0 for whole outputs) while there are none.
            #[getter]
            fn value<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                all_values(py, self.live.spec(), self.live.values())
            }

            /// Bars taken in.
            #[getter]
            fn bars(&self) -> u64 {
                self.live.bars()
            }

            /// The indicator's name.
            #[getter]
            fn name(&self) -> &'static str {
                self.live.spec().name
            }

            /// Its parameters by name.
            #[getter]
            fn params<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
                params_of(py, &self.live)
            }

            /// How recursive averages began.
            #[getter]
            fn seed(&self) -> &'static str {
                seed_name(self.live.seed())
            }

            /// Names of the numbers an update takes.
            #[getter]
            fn inputs(&self) -> Vec<&'static str> {
                self.live.spec().inputs.iter().map(|input| input.name()).collect()
            }

            fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
                let params = params_of(py, &self.live)?.iter().map(|(name, value)| format!("{name}={value}, "));
                let (name, params) = (self.live.spec().name, params.collect::<String>());
                let (bars, value) = (self.live.bars(), self.value(py)?.repr()?.to_string());
                Ok(format!("ta.stream.{name}({params}bars={bars}, value={value})"))
            }
        }
    };
}

handle!(Stream1, "Stream1", "1", a);
handle!(Stream2, "Stream2", "2", a, b);
handle!(Stream3, "Stream3", "3", a, b, c);
handle!(Stream4, "Stream4", "4", a, b, c, d);
handle!(Stream5, "Stream5", "5", a, b, c, d, e);

fn wrap(py: Python<'_>, live: Live) -> PyResult<Bound<'_, PyAny>> {
    Ok(match live.spec().inputs.len() {
        1 => Bound::new(py, Stream1 { live })?.into_any(),
        2 => Bound::new(py, Stream2 { live })?.into_any(),
        3 => Bound::new(py, Stream3 { live })?.into_any(),
        4 => Bound::new(py, Stream4 { live })?.into_any(),
        5 => Bound::new(py, Stream5 { live })?.into_any(),
        more => return Err(PyTypeError::new_err(format!("no stream handle for {more} inputs"))),
    })
}

/// A running indicator before its first bar.
///
/// Raises:
///     IndicatorError: unknown name or seed, a parameter out of bounds, an indicator that cannot be streamed.
#[pyfunction]
#[pyo3(signature = (name, params, seed))]
fn ta_stream<'py>(py: Python<'py>, name: &str, params: Vec<f64>, seed: &str) -> PyResult<Bound<'py, PyAny>> {
    let spec = ta::find(name).map_err(refuse)?;
    wrap(py, Live::new(spec, &params, parse_seed(seed)?).map_err(refuse)?)
}

/// A running indicator from `snapshot()`'s bytes.
///
/// Raises:
///     IndicatorError: bytes that are cut, changed or of something else.
#[pyfunction]
fn ta_stream_restore<'py>(py: Python<'py>, snapshot: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    wrap(py, Live::restore(bytes_of(snapshot)?).map_err(refuse)?)
}

/// The bytes of a snapshot.
pub(crate) fn bytes_of<'a>(snapshot: &'a Bound<'_, PyAny>) -> PyResult<&'a [u8]> {
    match snapshot.cast::<PyBytes>() {
        Ok(bytes) => Ok(bytes.as_bytes()),
        Err(_) => Err(refuse(format!("a snapshot is bytes, not {}", snapshot.get_type().name()?))),
    }
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Stream1>()?;
    module.add_class::<Stream2>()?;
    module.add_class::<Stream3>()?;
    module.add_class::<Stream4>()?;
    module.add_class::<Stream5>()?;
    module.add_function(wrap_pyfunction!(ta_stream, module)?)?;
    module.add_function(wrap_pyfunction!(ta_stream_restore, module)?)
}
