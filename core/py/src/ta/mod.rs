//! Indicators over numpy arrays: conversions only; the checks and kernels are `deepalpha_engine::ta`'s.

use std::env::VarError;
use std::sync::atomic::{AtomicUsize, Ordering};

use deepalpha_engine::ta::{self, Kind as OutputKind, Level, NanPolicy, Policy, Seed, Spec};
use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray1, PyUntypedArrayMethods};
use pyo3::PyTypeInfo;
use pyo3::exceptions::{PyImportError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::error::{Kind, raise};
use crate::pool::{Output, SMALL};

/// More series or parameters than any indicator has.
const MAX: usize = 16;
/// The group that takes `settings`.
const PATTERNS: &str = "Pattern Recognition";
/// Values from which on the interpreter is let go while the kernel runs.
const LONG: usize = 4096;

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

/// Calls that write into arrays of the caller's while the interpreter is let go.
static WRITERS: AtomicUsize = AtomicUsize::new(0);

/// A call's arguments, each in its place.
struct Call<'py> {
    inputs: [Option<Bound<'py, PyAny>>; MAX],
    params: [f64; MAX],
    /// How many of `params` count: up to the last one given.
    given: usize,
    policy: Policy,
    out: Option<Bound<'py, PyAny>>,
    /// Candle settings, of a candlestick pattern.
    settings: Option<Bound<'py, PyAny>>,
}

/// A keyword that has a place of its own, because most calls have it and a dictionary would cost a third of the call.
struct Given<'py>(Option<Bound<'py, PyAny>>);

impl<'a, 'py> FromPyObject<'a, 'py> for Given<'py> {
    type Error = std::convert::Infallible;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> Result<Self, Self::Error> {
        Ok(Self(Some(value.to_owned())))
    }
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

    fn read<'py>(
        &self,
        args: &Bound<'py, PyTuple>,
        timeperiod: Given<'py>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Call<'py>> {
        let (inputs, params) = (self.spec.inputs, self.spec.params);
        let mut call = Call {
            inputs: Default::default(),
            params: [0.0; MAX],
            given: 0,
            policy: Policy::default(),
            out: None,
            settings: None,
        };
        for (slot, param) in call.params.iter_mut().zip(params) {
            *slot = param.default;
        }
        if args.len() > inputs.len() + params.len() {
            let (most, given) = (inputs.len() + params.len(), args.len());
            return Err(refuse(format!("{} takes at most {most} arguments, not {given}", self.usage())));
        }
        for (index, value) in args.iter_borrowed().enumerate() {
            match index.checked_sub(inputs.len()) {
                None => call.inputs.iter_mut().skip(index).take(1).for_each(|slot| *slot = Some(value.to_owned())),
                Some(place) => self.put_param(&mut call, place, &value)?,
            }
        }
        if let Given(Some(value)) = timeperiod {
            self.put_named(&mut call, args.len(), "timeperiod", value)?;
        }
        for (name, value) in kwargs.into_iter().flatten() {
            let name = name.cast_into::<PyString>().map_err(|_| PyTypeError::new_err("keywords must be strings"))?;
            self.put_named(&mut call, args.len(), name.to_str()?, value)?;
        }
        match call.inputs.iter().zip(inputs).find(|(slot, _)| slot.is_none()) {
            Some((_, missing)) => Err(refuse(format!("{} needs {}", self.usage(), missing.name()))),
            None => Ok(call),
        }
    }

    /// A keyword argument, behind `placed` others.
    fn put_named<'py>(
        &self,
        call: &mut Call<'py>,
        placed: usize,
        name: &str,
        value: Bound<'py, PyAny>,
    ) -> PyResult<()> {
        let (inputs, params) = (self.spec.inputs, self.spec.params);
        let input = inputs.iter().position(|input| input.name() == name);
        let param = params.iter().position(|param| param.name == name);
        let place = input.or(param.map(|place| place + inputs.len()));
        if place.is_some_and(|place| place < placed) {
            return Err(refuse(format!("{} got {name} twice", self.usage())));
        }
        match (input, param, name) {
            (Some(input), ..) => {
                call.inputs.iter_mut().skip(input).take(1).for_each(|slot| *slot = Some(value.clone()));
            }
            (_, Some(place), _) => self.put_param(call, place, &value)?,
            (.., "nan") => call.policy.nan = nan_policy(self.spec.name, &value)?,
            (.., "seed") => call.policy.seed = seed(self.spec.name, &value)?,
            (.., "settings") if self.spec.group == PATTERNS => call.settings = (!value.is_none()).then_some(value),
            (.., "out") => call.out = (!value.is_none()).then_some(value),
            _ => {
                return Err(refuse(format!("{} takes no {name}; it may also take out, nan and seed", self.usage())));
            }
        }
        Ok(())
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

    fn put_param(&self, call: &mut Call<'_>, place: usize, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let name = self.spec.params.get(place).map_or("parameter", |param| param.name);
        let number = number(value).map_or_else(
            || {
                let label = format!("{}: {name}", self.spec.name);
                arrays(value.py())?.call_method1("as_number", (label, value))?.extract::<f64>()
            },
            Ok,
        )?;
        call.params.iter_mut().skip(place).take(1).for_each(|slot| *slot = number);
        call.given = call.given.max(place + 1);
        Ok(())
    }

    /// Compute on arrays; `None` when they are not all contiguous float64 arrays.
    fn on_arrays<'py>(&self, py: Python<'py>, call: &Call<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let mut arrays: [Option<&Bound<'py, PyArray1<f64>>>; MAX] = [None; MAX];
        let mut is_short = call.out.is_none() && WRITERS.load(Ordering::Relaxed) == 0;
        for (slot, input) in arrays.iter_mut().zip(call.inputs.iter().flatten()) {
            let Some(array) = plain_array(input) else { return Ok(None) };
            is_short &= array.len() <= SMALL;
            *slot = Some(array);
        }
        if is_short {
            // A copy costs less than an entry in numpy's table of borrows.
            let mut copies: [Vec<f64>; MAX] = Default::default();
            for (copy, array) in copies.iter_mut().zip(arrays.iter().flatten()) {
                let Ok(values) = array.to_vec() else { return Ok(None) };
                *copy = values;
            }
            return self.on_series(py, call, &copies.each_ref().map(Vec::as_slice)).map(Some);
        }
        let mut series: [&[f64]; MAX] = [&[]; MAX];
        let mut held: [Option<PyReadonlyArray1<'py, f64>>; MAX] = Default::default();
        for (slot, array) in held.iter_mut().zip(arrays.iter().flatten()) {
            *slot = Some(array.try_readonly().map_err(|_| {
                refuse(format!("{}: an input is being written to by another thread or is out itself", self.spec.name))
            })?);
        }
        for (slot, array) in series.iter_mut().zip(held.iter().flatten()) {
            let Ok(values) = array.as_slice() else { return Ok(None) };
            *slot = values;
        }
        self.on_series(py, call, &series).map(Some)
    }

    fn on_series<'py>(&self, py: Python<'py>, call: &Call<'py>, series: &[&[f64]; MAX]) -> PyResult<Bound<'py, PyAny>> {
        let inputs = series.get(..self.spec.inputs.len()).unwrap_or(series);
        let length = inputs.first().map_or(0, |input| input.len());
        let params = call.params.get(..call.given).unwrap_or_default();
        match &call.out {
            Some(out) => self.compute_in(py, inputs, params, call.policy, out),
            None => self.compute_new(py, inputs, params, call.policy, length),
        }
    }

    fn run(
        &self,
        py: Python<'_>,
        inputs: &[&[f64]],
        params: &[f64],
        policy: Policy,
        outputs: &mut [&mut [f64]],
    ) -> PyResult<()> {
        let length = inputs.first().map_or(0, |input| input.len());
        let done = if length >= LONG {
            py.detach(|| self.spec.compute(inputs, params, policy, outputs))
        } else {
            self.spec.compute(inputs, params, policy, outputs)
        };
        done.map_err(refuse)
    }

    fn compute_new<'py>(
        &self,
        py: Python<'py>,
        inputs: &[&[f64]],
        params: &[f64],
        policy: Policy,
        length: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        if self.spec.whole().is_some() {
            let mut whole = Output::<i32>::new(length);
            let values = whole.values();
            let done = if length >= LONG {
                py.detach(|| self.spec.compute_whole(inputs, params, policy, values))
            } else {
                self.spec.compute_whole(inputs, params, policy, values)
            };
            done.map_err(refuse)?;
            return Ok(whole.into_array(py)?.into_any());
        }
        let count = self.spec.outputs.len();
        let mut outputs: [Option<Output<f64>>; MAX] = Default::default();
        for slot in outputs.iter_mut().take(count) {
            *slot = Some(Output::new(length));
        }
        let mut views: [&mut [f64]; MAX] = Default::default();
        for (view, output) in views.iter_mut().zip(outputs.iter_mut().flatten()) {
            *view = output.values();
        }
        self.run(py, inputs, params, policy, views.get_mut(..count).unwrap_or_default())?;
        let mut arrays = outputs.into_iter().flatten().zip(self.spec.outputs).map(|(mut output, declared)| {
            Ok(match declared.kind {
                OutputKind::Float => output.into_array(py)?.into_any(),
                OutputKind::Int32 | OutputKind::Index => {
                    let mut whole = Output::<i32>::new(length);
                    to_whole(output.values(), whole.values());
                    whole.into_array(py)?.into_any()
                }
            })
        });
        if count == 1 {
            return arrays.next().unwrap_or_else(|| Err(refuse("an indicator without outputs")));
        }
        Ok(PyTuple::new(py, arrays.collect::<PyResult<Vec<_>>>()?)?.into_any())
    }

    /// Write into arrays of the caller's, which are the result too.
    fn compute_in<'py>(
        &self,
        py: Python<'py>,
        inputs: &[&[f64]],
        params: &[f64],
        policy: Policy,
        out: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let count = self.spec.outputs.len();
        let given: Vec<Bound<'py, PyAny>> = match out.cast::<PyTuple>() {
            Ok(tuple) => tuple.iter().collect(),
            Err(_) => match out.cast::<PyList>() {
                Ok(list) => list.iter().collect(),
                Err(_) => vec![out.clone()],
            },
        };
        let length = inputs.first().map_or(0, |input| input.len());
        let misfit = |what: &str| {
            let names: Vec<&str> = self.spec.outputs.iter().map(|output| output.name).collect();
            let name = self.spec.name;
            refuse(format!(
                "{name}: out {what}; give {count} writable contiguous float64 array(s) of {length} values ({})",
                names.join(", ")
            ))
        };
        if given.len() != count {
            return Err(misfit(&format!("has {} arrays", given.len())));
        }
        if self.spec.outputs.iter().any(|output| output.kind != OutputKind::Float) {
            return Err(refuse(format!("{}: out is for float outputs; its result is whole", self.spec.name)));
        }
        let mut borrowed = Vec::with_capacity(count);
        for array in &given {
            let array = plain_array(array).ok_or_else(|| misfit("is not such an array"))?;
            borrowed.push(
                array.try_readwrite().map_err(|_| misfit("overlaps an input or another output, or is read-only"))?,
            );
        }
        let mut views = Vec::with_capacity(count);
        for array in &mut borrowed {
            let view = array.as_slice_mut().map_err(|_| misfit("is not contiguous"))?;
            if view.len() != length {
                return Err(misfit(&format!("has {} values", view.len())));
            }
            views.push(view);
        }
        WRITERS.fetch_add(1, Ordering::Relaxed);
        let done = self.run(py, inputs, params, policy, &mut views);
        WRITERS.fetch_sub(1, Ordering::Relaxed);
        done?;
        if let ([single], false) = (given.as_slice(), out.is_instance_of::<PyTuple>()) {
            return Ok(single.clone());
        }
        Ok(PyTuple::new(py, given)?.into_any())
    }
}

/// `value` as exactly a one-dimensional numpy array of native float64, not a subclass.
fn plain_array<'a, 'py>(value: &'a Bound<'py, PyAny>) -> Option<&'a Bound<'py, PyArray1<f64>>> {
    let array = value.cast::<PyArray1<f64>>().ok()?;
    let plain = array.get_type().is(PyArray1::<f64>::type_object(value.py()));
    (plain && array.is_c_contiguous()).then_some(array)
}

/// A Python int or float; other kinds of number are for `deepalpha.ta.arrays.as_number`.
fn number(value: &Bound<'_, PyAny>) -> Option<f64> {
    if value.is_exact_instance_of::<PyInt>() || value.is_exact_instance_of::<PyFloat>() {
        value.extract().ok()
    } else {
        None
    }
}

fn nan_policy(name: &str, value: &Bound<'_, PyAny>) -> PyResult<NanPolicy> {
    match value.extract::<&str>() {
        Ok("propagate") => Ok(NanPolicy::Propagate),
        Ok("window") => Ok(NanPolicy::Window),
        Ok("raise") => Ok(NanPolicy::Raise),
        _ => Err(refuse(format!("{name}: nan {} is not one of propagate, window, raise", value.repr()?))),
    }
}

fn seed(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Seed> {
    match value.extract::<&str>() {
        Ok("talib") => Ok(Seed::Talib),
        Ok("tradingview") => Ok(Seed::TradingView),
        _ => Err(refuse(format!("{name}: seed {} is not one of talib, tradingview", value.repr()?))),
    }
}

/// Whole values as int32; every kernel's whole values fit.
#[expect(clippy::cast_possible_truncation, reason = "whole outputs are signs, flags and indexes")]
fn to_whole(values: &[f64], whole: &mut [i32]) {
    for (slot, value) in whole.iter_mut().zip(values) {
        *slot = *value as i32;
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
