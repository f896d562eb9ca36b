//! The Arrow C data interface, by hand: the only way a batch leaves the core without being copied.
//!
//! Source: "The Arrow C data interface" and "The Arrow PyCapsule interface" of the Apache Arrow format.
//!
//! # Obligations of a producer, and where each is met
//! - The three structs have the layout of the specification: `#[repr(C)]`, fields in its order.
//! - What a struct points to lives until its `release` is called: every struct owns a boxed `Parts` through its
//!   `private_data`, and the parts hold the [`Columns`] by `Arc`. Columns are never changed after they were made.
//! - A consumer may *move* a struct: it copies the bytes and sets the source's `release` to null. It may move a child out
//!   of its parent, too, so every child owns its share of the columns itself, and nothing points back to a struct.
//! - `release` marks the struct as released (`release = null`) and releases the children that were not moved away.
//! - `release` may run in any thread, without the GIL, and after Python has ended: it frees Rust memory and nothing else.
//! - A struct in a capsule that nobody took is released by the capsule: `Drop` of the structs calls `release` when it is
//!   still there; `PyCapsule` drops its value.
//!
//! Cost: a few hundred nanoseconds and a dozen small boxes a column, whatever the number of rows.
#![expect(unsafe_code, reason = "the C data interface is a contract about raw pointers; it is met in this file only")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ops::Range;
use std::ptr::{null, null_mut};
use std::sync::Arc;

use numpy::ndarray::{ArrayView1, s};
use numpy::{Element, PyArray1};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::arrow_batch::{Batch, Column, Columns, Slice, Text};

/// `ARROW_FLAG_NULLABLE` of the specification.
const NULLABLE: i64 = 2;

/// `struct ArrowSchema`: a type, its name and its children.
#[repr(C)]
pub(crate) struct ArrowSchema {
    format: *const c_char,
    name: *const c_char,
    metadata: *const c_char,
    flags: i64,
    n_children: i64,
    children: *mut *mut ArrowSchema,
    dictionary: *mut ArrowSchema,
    release: Option<unsafe extern "C" fn(*mut ArrowSchema)>,
    private_data: *mut c_void,
}

/// `struct ArrowArray`: buffers of a column, or of all columns of a batch.
#[repr(C)]
pub(crate) struct ArrowArray {
    length: i64,
    null_count: i64,
    offset: i64,
    n_buffers: i64,
    n_children: i64,
    buffers: *mut *const c_void,
    children: *mut *mut ArrowArray,
    dictionary: *mut ArrowArray,
    release: Option<unsafe extern "C" fn(*mut ArrowArray)>,
    private_data: *mut c_void,
}

/// `struct ArrowArrayStream`: here, one batch and then the end.
#[repr(C)]
struct ArrowArrayStream {
    get_schema: Option<unsafe extern "C" fn(*mut ArrowArrayStream, *mut ArrowSchema) -> c_int>,
    get_next: Option<unsafe extern "C" fn(*mut ArrowArrayStream, *mut ArrowArray) -> c_int>,
    get_last_error: Option<unsafe extern "C" fn(*mut ArrowArrayStream) -> *const c_char>,
    release: Option<unsafe extern "C" fn(*mut ArrowArrayStream)>,
    private_data: *mut c_void,
}

// SAFETY: the structs own what they point to (boxes and an `Arc` of data that nobody changes), and no part of it is
// bound to a thread.
unsafe impl Send for ArrowSchema {}
// SAFETY: as above.
unsafe impl Send for ArrowArray {}
// SAFETY: as above.
unsafe impl Send for ArrowArrayStream {}

/// What a schema owns. `name` and `children` are pointed to by the struct.
struct SchemaParts {
    _name: CString,
    children: Vec<*mut ArrowSchema>,
    dictionary: *mut ArrowSchema,
}

/// What an array owns: its share of the columns, the table of buffers, the children.
struct ArrayParts {
    _columns: Arc<Columns>,
    _buffers: Vec<*const c_void>,
    children: Vec<*mut ArrowArray>,
    dictionary: *mut ArrowArray,
}

/// Free a child made by `Box::into_raw`; its `Drop` releases it unless a consumer moved it away.
fn free<T>(child: *mut T) {
    if !child.is_null() {
        // SAFETY: called only by the `Drop` of the parts, once for each pointer; the pointers come from `Box::into_raw`
        // in `schema` and `array` below and are given to nobody who may free them (a consumer may only move out of them).
        drop(unsafe { Box::from_raw(child) });
    }
}

impl Drop for SchemaParts {
    fn drop(&mut self) {
        self.children.drain(..).for_each(free);
        free(self.dictionary);
    }
}

impl Drop for ArrayParts {
    fn drop(&mut self) {
        self.children.drain(..).for_each(free);
        free(self.dictionary);
    }
}

macro_rules! released {
    ($struct:ty, $parts:ty, $release:ident) => {
        /// The `release` callback.
        ///
        /// # Safety
        /// `pointer` is null or a struct filled in this file (moved or not) that nobody else uses during the call.
        unsafe extern "C" fn $release(pointer: *mut $struct) {
            // SAFETY: the caller's promise above.
            let Some(taken) = (unsafe { pointer.as_mut() }) else { return };
            taken.release = None;
            let parts = std::mem::replace(&mut taken.private_data, null_mut());
            if !parts.is_null() {
                // SAFETY: `private_data` is null or the `Box::into_raw` of these parts; it was set to null just now, so
                // a second call frees nothing.
                drop(unsafe { Box::from_raw(parts.cast::<$parts>()) });
            }
        }

        impl Drop for $struct {
            fn drop(&mut self) {
                if let Some(release) = self.release {
                    // SAFETY: `self` is whole, not released and exclusively borrowed.
                    unsafe { release(self) };
                }
            }
        }
    };
}

released!(ArrowSchema, SchemaParts, release_schema);
released!(ArrowArray, ArrayParts, release_array);
released!(ArrowArrayStream, Pending, release_stream);

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn length_of<T>(values: &[T]) -> i64 {
    number(values.len())
}

fn boxed<T>(values: Vec<T>) -> Vec<*mut T> {
    values.into_iter().map(|value| Box::into_raw(Box::new(value))).collect()
}

fn schema(
    format: &'static CStr,
    name: &CStr,
    flags: i64,
    kids: Vec<ArrowSchema>,
    words: Option<ArrowSchema>,
) -> ArrowSchema {
    let mut parts = Box::new(SchemaParts {
        _name: name.to_owned(),
        children: boxed(kids),
        dictionary: words.map_or(null_mut(), |words| Box::into_raw(Box::new(words))),
    });
    ArrowSchema {
        format: format.as_ptr(),
        name: parts._name.as_ptr(),
        metadata: null(),
        flags,
        n_children: length_of(&parts.children),
        children: parts.children.as_mut_ptr(),
        dictionary: parts.dictionary,
        release: Some(release_schema),
        private_data: Box::into_raw(parts).cast(),
    }
}

/// `buffers` must point into `columns` and hold at least `rows.end` rows.
fn array(
    columns: &Arc<Columns>,
    rows: Range<usize>,
    buffers: Vec<*const c_void>,
    kids: Vec<ArrowArray>,
    words: Option<ArrowArray>,
) -> ArrowArray {
    let mut parts = Box::new(ArrayParts {
        _columns: Arc::clone(columns),
        _buffers: buffers,
        children: boxed(kids),
        dictionary: words.map_or(null_mut(), |words| Box::into_raw(Box::new(words))),
    });
    ArrowArray {
        length: number(rows.len()),
        null_count: 0,
        offset: number(rows.start),
        n_buffers: length_of(&parts._buffers),
        n_children: length_of(&parts.children),
        buffers: parts._buffers.as_mut_ptr(),
        children: parts.children.as_mut_ptr(),
        dictionary: parts.dictionary,
        release: Some(release_array),
        private_data: Box::into_raw(parts).cast(),
    }
}

const UTF8: &CStr = c"u";

const fn format(column: &Column) -> &'static CStr {
    match column {
        Column::Int64(_) => c"l",
        Column::UInt64(_) => c"L",
        Column::Float64(_) => c"g",
        Column::Decimal { wide: false, .. } => c"d:19,8",
        Column::Decimal { wide: true, .. } => c"d:38,8",
        Column::Bool(_) => c"b",
        Column::Text(_) => UTF8,
        Column::Symbol { .. } => c"i",
    }
}

/// The type of a batch: a struct of its columns.
fn schema_of(columns: &Columns) -> ArrowSchema {
    let kids = columns.iter().map(|(name, column)| {
        let words = matches!(column, Column::Symbol { .. }).then(|| schema(UTF8, c"", 0, Vec::new(), None));
        schema(format(column), name, NULLABLE, Vec::new(), words)
    });
    schema(c"+s", c"", 0, kids.collect(), None)
}

fn text_of(columns: &Arc<Columns>, text: &Text, rows: Range<usize>) -> ArrowArray {
    let buffers = vec![null(), text.offsets().as_ptr().cast(), text.bytes().as_ptr().cast()];
    array(columns, rows, buffers, Vec::new(), None)
}

/// The buffers of a slice of rows: a struct array of the columns, each of which begins at the first of them.
fn array_of(slice: &Slice) -> ArrowArray {
    let (columns, rows) = (slice.columns(), slice.rows());
    let plain = |values: *const c_void| array(columns, rows.clone(), vec![null(), values], Vec::new(), None);
    let kids = columns.iter().map(|(_, column)| match column {
        Column::Int64(values) => plain(values.as_ptr().cast()),
        Column::UInt64(values) => plain(values.as_ptr().cast()),
        Column::Float64(values) => plain(values.as_ptr().cast()),
        Column::Decimal { units, .. } => plain(units.as_ptr().cast()),
        Column::Bool(bits) => plain(bits.words().as_ptr().cast()),
        Column::Text(text) => text_of(columns, text, rows.clone()),
        Column::Symbol { codes, names } => {
            let words = text_of(columns, names, 0..names.len());
            array(columns, rows.clone(), vec![null(), codes.as_ptr().cast()], Vec::new(), Some(words))
        }
    });
    array(columns, 0..rows.len(), vec![null()], kids.collect(), None)
}

/// The rows of a stream, and whether they were handed out.
struct Pending {
    slice: Slice,
    done: bool,
}

/// # Safety
/// As the specification says: `stream` is one of ours and not released, `out` is room for a schema.
unsafe extern "C" fn stream_schema(stream: *mut ArrowArrayStream, out: *mut ArrowSchema) -> c_int {
    // SAFETY: the caller's promise above; `private_data` is a `Pending` until `release`.
    unsafe {
        let pending = &*(*stream).private_data.cast::<Pending>();
        out.write(schema_of(pending.slice.columns()));
    }
    0
}

/// # Safety
/// As `stream_schema`, `out` is room for an array.
unsafe extern "C" fn stream_next(stream: *mut ArrowArrayStream, out: *mut ArrowArray) -> c_int {
    // SAFETY: the caller's promise above. An array without `release` is the end of the stream.
    unsafe {
        let pending = &mut *(*stream).private_data.cast::<Pending>();
        let mut next = array_of(&pending.slice);
        if std::mem::replace(&mut pending.done, true) {
            release_array(&raw mut next);
        }
        out.write(next);
    }
    0
}

/// # Safety
/// None: it reads nothing. A stream of ours never fails, so there is no error text.
unsafe extern "C" fn stream_error(_stream: *mut ArrowArrayStream) -> *const c_char {
    null()
}

/// The capsule of `__arrow_c_schema__`.
pub(crate) fn schema_capsule<'py>(py: Python<'py>, columns: &Columns) -> PyResult<Bound<'py, PyCapsule>> {
    PyCapsule::new_with_value(py, schema_of(columns), c"arrow_schema")
}

/// The capsule of the second part of `__arrow_c_array__`.
pub(crate) fn array_capsule<'py>(py: Python<'py>, slice: &Slice) -> PyResult<Bound<'py, PyCapsule>> {
    PyCapsule::new_with_value(py, array_of(slice), c"arrow_array")
}

/// The capsule of `__arrow_c_stream__`: the batch as a stream of one.
pub(crate) fn stream_capsule<'py>(py: Python<'py>, slice: &Slice) -> PyResult<Bound<'py, PyCapsule>> {
    let pending = Box::new(Pending { slice: slice.clone(), done: false });
    let stream = ArrowArrayStream {
        get_schema: Some(stream_schema),
        get_next: Some(stream_next),
        get_last_error: Some(stream_error),
        release: Some(release_stream),
        private_data: Box::into_raw(pending).cast(),
    };
    PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
}

/// A numpy array over one column of `batch`, chosen by `pick`; it cannot be written and keeps the batch alive.
pub(crate) fn lend<'py, T: Element>(
    batch: &Bound<'py, Batch>,
    pick: impl for<'batch> FnOnce(&'batch Columns) -> &'batch [T],
) -> PyResult<Bound<'py, PyAny>> {
    let view = ArrayView1::from(pick(batch.get().slice().columns()));
    let view = view.slice_move(s![batch.get().slice().rows()]);
    // SAFETY: `pick` can only answer with memory of the columns or of the whole program. The array holds a reference to
    // `batch`, a frozen class whose columns are behind an `Arc` that it never exchanges, and columns never change; the
    // array is made read-only before anyone sees it.
    let array = unsafe { PyArray1::borrow_from_array(&view, batch.clone().into_any()) };
    array.call_method1("setflags", (false,))?;
    Ok(array.into_any())
}
