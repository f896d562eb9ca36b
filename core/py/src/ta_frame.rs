//! Indicators over the rows of a table: threads over groups, without Python's lock.

use deepalpha_engine::ta::{self, Column, Frame, FrameError, Kind as OutputKind, NanPolicy, Places, Wanted};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::pool::Output;
use crate::ta_stream::{parse_seed, refuse};
use crate::ta_stream_set::{Spelled, wanted};

/// Results on their way: filled here, then handed to numpy.
enum Target {
    Float(Output<f64>),
    Whole(Output<i32>),
}

impl Target {
    fn new(kind: OutputKind, rows: usize) -> Self {
        match kind {
            OutputKind::Float => Self::Float(Output::new(rows)),
            _ => Self::Whole(Output::new(rows)),
        }
    }

    fn column(&mut self) -> Column<'_> {
        match self {
            Self::Float(output) => Column::Float(output.values()),
            Self::Whole(output) => Column::Whole(output.values()),
        }
    }

    fn into_array(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        Ok(match self {
            Self::Float(output) => output.into_array(py)?.into_any(),
            Self::Whole(output) => output.into_array(py)?.into_any(),
        })
    }
}

/// Compute indicators of every group of a table.
///
/// Args:
///     specs: label, name, parameters and seed of each.
///     wiring: for each spec, the column each of its inputs reads.
///     columns: float64 arrays of one length.
///     starts: first row of each group in the group order, ascending from 0.
///     order: the table's row at each place of the group order; None when they are the same.
///     threads: how many to use at most.
///     nan: "propagate", "window" or "raise".
///
/// Returns:
///     Name and array (float64, int32 for whole outputs) of each output, in the table's order.
///
/// Raises:
///     IndicatorError: anything that does not fit; a gap under "raise".
#[pyfunction]
#[pyo3(signature = (specs, wiring, columns, starts, order, *, threads, nan))]
#[expect(clippy::too_many_arguments, reason = "the parts of a table")]
fn ta_frame<'py>(
    py: Python<'py>,
    specs: Vec<Spelled>,
    wiring: Vec<Vec<usize>>,
    columns: Vec<PyReadonlyArray1<'py, f64>>,
    starts: PyReadonlyArray1<'py, i64>,
    order: Option<PyReadonlyArray1<'py, u32>>,
    threads: usize,
    nan: &str,
) -> PyResult<Vec<(String, Bound<'py, PyAny>)>> {
    let wanted = wanted(specs)?;
    let mut columns = columns.iter().map(|column| column.as_slice()).collect::<Result<Vec<&[f64]>, _>>()?;
    let nan = parse_nan(nan)?;
    let places = match &order {
        Some(order) if columns.iter().all(|column| column.len() == order.len()) => {
            Some(Places::new(order.as_slice()?).map_err(refuse)?)
        }
        Some(_) => return Err(refuse("the table's order does not have as many rows as its columns")),
        None => None,
    };
    let gathered: Vec<Vec<f64>> = match &places {
        Some(places) => py.detach(|| gather(places, &columns, threads.max(1))),
        None => Vec::new(),
    };
    columns.iter_mut().zip(&gathered).for_each(|(column, gathered)| *column = gathered);
    let frame = Frame::new(&wanted, wiring, &columns, starts.as_slice()?, nan).map_err(refuse)?;
    let names: Vec<String> = wanted.iter().flat_map(Wanted::names).collect();
    let outputs = wanted.iter().flat_map(|wanted| wanted.spec.outputs);
    let mut targets: Vec<Target> = outputs.map(|output| Target::new(output.kind, frame.rows())).collect();
    let results: Vec<Column<'_>> = targets.iter_mut().map(Target::column).collect();
    py.detach(|| run(&frame, places.as_ref(), results, threads.max(1))).map_err(refuse)?;
    names.into_iter().zip(targets).map(|(name, target)| Ok((name, target.into_array(py)?))).collect()
}

/// Columns in the groups' order, a thread a column.
fn gather(places: &Places, columns: &[&[f64]], threads: usize) -> Vec<Vec<f64>> {
    let mut gathered: Vec<Vec<f64>> = vec![Vec::new(); columns.len()];
    let one = |(slot, column): (&mut Vec<f64>, &&[f64])| *slot = places.gather(column);
    for (slots, columns) in gathered.chunks_mut(threads).zip(columns.chunks(threads)) {
        let parts = slots.iter_mut().zip(columns);
        if threads == 1 {
            parts.for_each(one);
        } else {
            std::thread::scope(|scope| parts.for_each(|part| drop(scope.spawn(move || one(part)))));
        }
    }
    gathered
}

/// Compute into `results`; where the groups have an order of their own, in it first and then back to the table's.
fn run(frame: &Frame<'_>, places: Option<&Places>, results: Vec<Column<'_>>, threads: usize) -> Result<(), FrameError> {
    let Some(places) = places else { return compute(frame, results, threads) };
    let rows = frame.rows();
    let mut floats: Vec<Vec<f64>> = Vec::new();
    let mut wholes: Vec<Vec<i32>> = Vec::new();
    for column in &results {
        match column {
            Column::Float(_) => floats.push(vec![0.0; rows]),
            Column::Whole(_) => wholes.push(vec![0; rows]),
        }
    }
    let (mut free_floats, mut free_wholes) = (floats.iter_mut(), wholes.iter_mut());
    let ordered = results.iter().filter_map(|column| match column {
        Column::Float(_) => free_floats.next().map(|values| Column::Float(values)),
        Column::Whole(_) => free_wholes.next().map(|values| Column::Whole(values)),
    });
    compute(frame, ordered.collect(), threads)?;
    let (mut floats, mut wholes) = (floats.iter(), wholes.iter());
    for column in results {
        match column {
            Column::Float(slots) => give_back(slots, places, floats.next(), threads),
            Column::Whole(slots) => give_back(slots, places, wholes.next(), threads),
        }
    }
    Ok(())
}

/// A column of results back into the table's order, by stretches of rows.
fn give_back<T: Copy + Send + Sync>(slots: &mut [T], places: &Places, ordered: Option<&Vec<T>>, threads: usize) {
    let Some(ordered) = ordered else { return };
    let share = slots.len().div_ceil(threads).max(1);
    let parts = slots.chunks_mut(share).enumerate();
    let one = |(part, slots): (usize, &mut [T])| places.give_back(ordered, part * share, slots);
    if threads == 1 {
        parts.for_each(one);
    } else {
        std::thread::scope(|scope| parts.for_each(|part| drop(scope.spawn(move || one(part)))));
    }
}

/// Compute the groups in the group order, a stretch of them a thread.
fn compute(frame: &Frame<'_>, results: Vec<Column<'_>>, threads: usize) -> Result<(), FrameError> {
    let stretches = frame.stretches(threads);
    let mut rest = results;
    let mut parts = Vec::with_capacity(stretches.len());
    for groups in stretches {
        let rows = frame.rows_of(&groups).len();
        let (mine, others) = rest.into_iter().map(|column| cut(column, rows)).unzip();
        parts.push((groups, mine));
        rest = others;
    }
    if let [_] = parts.as_slice() {
        return parts.into_iter().try_for_each(|(groups, mut mine): (_, Vec<_>)| frame.compute(groups, &mut mine));
    }
    std::thread::scope(|scope| {
        let spawn = |(groups, mut mine): (_, Vec<_>)| scope.spawn(move || frame.compute(groups, &mut mine));
        let workers: Vec<_> = parts.into_iter().map(spawn).collect();
        // The first group's error, whichever thread ends first.
        workers.into_iter().try_for_each(|worker| {
            worker.join().unwrap_or(Err(FrameError::Shape { what: "threads (one of them panicked)" }))
        })
    })
}

/// The first `rows` slots, and the others.
fn cut(column: Column<'_>, rows: usize) -> (Column<'_>, Column<'_>) {
    match column {
        Column::Float(values) => {
            let (mine, others) = values.split_at_mut(rows.min(values.len()));
            (Column::Float(mine), Column::Float(others))
        }
        Column::Whole(values) => {
            let (mine, others) = values.split_at_mut(rows.min(values.len()));
            (Column::Whole(mine), Column::Whole(others))
        }
    }
}

fn parse_nan(name: &str) -> PyResult<NanPolicy> {
    match name {
        "propagate" => Ok(NanPolicy::Propagate),
        "window" => Ok(NanPolicy::Window),
        "raise" => Ok(NanPolicy::Raise),
        other => Err(refuse(format!("nan {other:?} is not known; use \"propagate\", \"window\" or \"raise\""))),
    }
}

/// Rows at which a key differs from the row's before; keys of shape (n, words), uint64.
#[pyfunction]
fn ta_changes<'py>(py: Python<'py>, keys: PyReadonlyArray2<'py, u64>) -> PyResult<Bound<'py, PyArray1<i64>>> {
    let (words, width) = (keys.as_slice()?, keys.shape().get(1).copied().unwrap_or(1));
    Ok(py.detach(|| ta::changes(words, width)).into_pyarray(py))
}

/// An indicator's name and its parameters (those given, in order) from an id such as `RSI_14`.
#[pyfunction]
fn ta_resolve(id: &str) -> PyResult<(&'static str, Vec<f64>)> {
    ta::resolve(id).map(|(spec, params)| (spec.name, params)).map_err(refuse)
}

/// Look-back and warm-up in bars; None for a warm-up that never ends.
#[pyfunction]
#[pyo3(signature = (name, params, seed))]
fn ta_warm_up(py: Python<'_>, name: &str, params: Vec<f64>, seed: &str) -> PyResult<(usize, Option<usize>)> {
    let wanted =
        Wanted { label: String::new(), spec: ta::find(name).map_err(refuse)?, params, seed: parse_seed(seed)? };
    wanted.check().map_err(refuse)?;
    let lookback = wanted.spec.lookback(&wanted.params).map_err(refuse)?;
    Ok((lookback, py.detach(|| ta::warm_up(&wanted)).map_err(refuse)?))
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(ta_frame, module)?)?;
    module.add_function(wrap_pyfunction!(ta_changes, module)?)?;
    module.add_function(wrap_pyfunction!(ta_resolve, module)?)?;
    module.add_function(wrap_pyfunction!(ta_warm_up, module)?)
}
