//! A call's arrays: borrowed or copied from numpy, and the results given to it.

use std::sync::atomic::{AtomicUsize, Ordering};

use deepalpha_engine::ta::{Kind as OutputKind, Output as Declared};
use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray1, PyUntypedArrayMethods};
use pyo3::PyTypeInfo;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use super::call::Call;
use super::{INPUTS, Indicator, MAX, refuse};
use crate::pool::{Output, SMALL};

/// Values from which on the interpreter is let go while the kernel runs.
const LONG: usize = 4096;

/// Calls that write into arrays of the caller's while the interpreter is let go.
static WRITERS: AtomicUsize = AtomicUsize::new(0);

impl Indicator {
    /// Compute on arrays; `None` when they are not all contiguous float64 arrays.
    pub(super) fn on_arrays<'py>(&self, py: Python<'py>, call: &Call<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let mut arrays: [Option<&Bound<'py, PyArray1<f64>>>; INPUTS] = [None; INPUTS];
        let mut is_short = call.out.is_none() && WRITERS.load(Ordering::Relaxed) == 0;
        for (slot, input) in arrays.iter_mut().zip(call.inputs.iter().flatten()) {
            let Some(array) = plain_array(input) else { return Ok(None) };
            is_short &= array.len() <= SMALL;
            *slot = Some(array);
        }
        if is_short {
            // A copy costs less than an entry in numpy's table of borrows.
            let mut copies: [Vec<f64>; INPUTS] = Default::default();
            for (copy, array) in copies.iter_mut().zip(arrays.iter().flatten()) {
                let Ok(values) = array.to_vec() else { return Ok(None) };
                *copy = values;
            }
            return self.on_series(py, call, &copies.each_ref().map(Vec::as_slice)).map(Some);
        }
        let mut held: [Option<PyReadonlyArray1<'py, f64>>; INPUTS] = Default::default();
        for (slot, array) in held.iter_mut().zip(arrays.iter().flatten()) {
            *slot = Some(array.try_readonly().map_err(|_| {
                refuse(format!("{}: an input is being written to by another thread or is out itself", self.spec.name))
            })?);
        }
        let mut series: [&[f64]; INPUTS] = [&[]; INPUTS];
        for (slot, array) in series.iter_mut().zip(held.iter().flatten()) {
            let Ok(values) = array.as_slice() else { return Ok(None) };
            *slot = values;
        }
        self.on_series(py, call, &series).map(Some)
    }

    fn on_series<'py>(
        &self,
        py: Python<'py>,
        call: &Call<'py>,
        series: &[&[f64]; INPUTS],
    ) -> PyResult<Bound<'py, PyAny>> {
        let inputs = series.get(..self.spec.inputs.len()).unwrap_or(series);
        if let Some(out) = &call.out {
            return self.compute_in(py, inputs, call, out);
        }
        match self.spec.outputs {
            // Without a vector of outputs for the usual one.
            [Declared { kind: OutputKind::Float, .. }] => {
                let mut output = Output::new(length_of(inputs));
                self.run(py, inputs, call, &mut [output.values()])?;
                Ok(output.into_array(py)?.into_any())
            }
            [_] if self.spec.whole().is_some() => self.compute_whole(py, inputs, call),
            outputs => self.compute_all(py, inputs, call, outputs),
        }
    }

    fn run(&self, py: Python<'_>, inputs: &[&[f64]], call: &Call<'_>, outputs: &mut [&mut [f64]]) -> PyResult<()> {
        let (spec, params, policy) = (self.spec, call.given(), call.policy);
        let mut compute = || spec.compute(inputs, params, policy, outputs);
        if length_of(inputs) >= LONG { py.detach(compute) } else { compute() }.map_err(refuse)
    }

    /// Into int32, by a kernel that knows them.
    fn compute_whole<'py>(&self, py: Python<'py>, inputs: &[&[f64]], call: &Call<'py>) -> PyResult<Bound<'py, PyAny>> {
        let mut output = Output::<i32>::new(length_of(inputs));
        let (spec, params, policy, values) = (self.spec, call.given(), call.policy, output.values());
        let mut compute = || spec.compute_whole(inputs, params, policy, values);
        if length_of(inputs) >= LONG { py.detach(compute) } else { compute() }.map_err(refuse)?;
        Ok(output.into_array(py)?.into_any())
    }

    fn compute_all<'py>(
        &self,
        py: Python<'py>,
        inputs: &[&[f64]],
        call: &Call<'py>,
        outputs: &[Declared],
    ) -> PyResult<Bound<'py, PyAny>> {
        let length = length_of(inputs);
        let mut filled: Vec<Output<f64>> = outputs.iter().map(|_| Output::new(length)).collect();
        let mut views: [&mut [f64]; MAX] = Default::default();
        for (view, output) in views.iter_mut().zip(&mut filled) {
            *view = output.values();
        }
        self.run(py, inputs, call, views.get_mut(..outputs.len()).unwrap_or_default())?;
        let mut arrays = filled.into_iter().zip(outputs).map(|(mut output, declared)| {
            Ok(match declared.kind {
                OutputKind::Float => output.into_array(py)?.into_any(),
                OutputKind::Int32 | OutputKind::Index => {
                    let mut whole = Output::<i32>::new(length);
                    to_whole(output.values(), whole.values());
                    whole.into_array(py)?.into_any()
                }
            })
        });
        match outputs {
            [_] => arrays.next().unwrap_or_else(|| Err(refuse("an indicator without outputs"))),
            _ => Ok(PyTuple::new(py, arrays.collect::<PyResult<Vec<_>>>()?)?.into_any()),
        }
    }

    /// Write into arrays of the caller's, which are the result too.
    fn compute_in<'py>(
        &self,
        py: Python<'py>,
        inputs: &[&[f64]],
        call: &Call<'py>,
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
        let length = length_of(inputs);
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
        let done = self.run(py, inputs, call, &mut views);
        WRITERS.fetch_sub(1, Ordering::Relaxed);
        done?;
        if let ([single], false) = (given.as_slice(), out.is_instance_of::<PyTuple>()) {
            return Ok(single.clone());
        }
        Ok(PyTuple::new(py, given)?.into_any())
    }
}

fn length_of(inputs: &[&[f64]]) -> usize {
    inputs.first().map_or(0, |input| input.len())
}

/// `value` as exactly a one-dimensional numpy array of native float64, not a subclass.
fn plain_array<'a, 'py>(value: &'a Bound<'py, PyAny>) -> Option<&'a Bound<'py, PyArray1<f64>>> {
    let array = value.cast::<PyArray1<f64>>().ok()?;
    let plain = array.get_type().is(PyArray1::<f64>::type_object(value.py()));
    (plain && array.is_c_contiguous()).then_some(array)
}

/// Whole values as int32; every kernel's whole values fit.
#[expect(clippy::cast_possible_truncation, reason = "whole outputs are signs, flags and indexes")]
fn to_whole(values: &[f64], whole: &mut [i32]) {
    for (slot, value) in whole.iter_mut().zip(values) {
        *slot = *value as i32;
    }
}
