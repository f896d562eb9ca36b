//! Columns of equal length, and the class that hands them to Python without copying.
//!
//! Invariant: columns do not change after [`Columns::new`]; [`crate::arrow`] lends out their memory on that ground.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::ops::Range;
use std::sync::Arc;

use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyList};

use crate::arrow;
use crate::error::{Kind, raise};

/// One flag a row, eight in a byte, lowest bit first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bits {
    words: Vec<u64>,
    length: usize,
}

impl Bits {
    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    fn iter(&self) -> impl Iterator<Item = bool> + '_ {
        let of_word = |word: &u64| {
            let word = u64::from_le(*word);
            (0..u64::BITS).map(move |bit| word >> bit & 1 == 1)
        };
        self.words.iter().flat_map(of_word).take(self.length)
    }
}

impl FromIterator<bool> for Bits {
    fn from_iter<I: IntoIterator<Item = bool>>(flags: I) -> Self {
        let mut bits = Self::default();
        let mut word = 0_u64;
        for flag in flags {
            word |= u64::from(flag) << (bits.length % 64);
            bits.length += 1;
            if bits.length.is_multiple_of(64) {
                // Arrow numbers bits within bytes, bytes ascending: that is a little-endian word.
                bits.words.push(std::mem::take(&mut word).to_le());
            }
        }
        if !bits.length.is_multiple_of(64) {
            bits.words.push(word.to_le());
        }
        bits
    }
}

/// Strings one after the other; `offsets` has one number more than there are strings.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    offsets: Vec<i32>,
    bytes: Vec<u8>,
}

impl Text {
    /// Refuses more than 2 GiB of text, which 32-bit offsets cannot number.
    pub(crate) fn new<S: AsRef<str>>(strings: impl IntoIterator<Item = S>) -> PyResult<Self> {
        let mut text = Self { offsets: vec![0], bytes: Vec::new() };
        for string in strings {
            text.bytes.extend_from_slice(string.as_ref().as_bytes());
            let end = i32::try_from(text.bytes.len()).map_err(|_| {
                raise(Kind::MarketData, "a batch holds more than 2147483647 bytes of text; poll smaller batches")
            })?;
            text.offsets.push(end);
        }
        Ok(text)
    }

    pub(crate) fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    pub(crate) fn offsets(&self) -> &[i32] {
        &self.offsets
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn strings(&self) -> impl Iterator<Item = String> + '_ {
        let bounds = self.offsets.iter().zip(self.offsets.iter().skip(1));
        bounds.map(|(begin, end)| {
            let range = usize::try_from(*begin).unwrap_or(0)..usize::try_from(*end).unwrap_or(0);
            String::from_utf8_lossy(self.bytes.get(range).unwrap_or_default()).into_owned()
        })
    }
}

/// The values of a column.
#[derive(Clone, Debug)]
pub(crate) enum Column {
    Int64(Vec<i64>),
    UInt64(Vec<u64>),
    Float64(Vec<f64>),
    /// Exact numbers in units of 1e-8: Arrow's decimal128 of 19 digits, `wide` of 38.
    Decimal {
        units: Vec<i128>,
        wide: bool,
    },
    Bool(Bits),
    Text(Text),
    /// Rows as numbers of `names`: Arrow's dictionary of int32 and utf8.
    Symbol {
        codes: Vec<i32>,
        names: Arc<Text>,
    },
}

impl Column {
    fn len(&self) -> usize {
        match self {
            Self::Int64(values) => values.len(),
            Self::UInt64(values) => values.len(),
            Self::Float64(values) => values.len(),
            Self::Decimal { units, .. } => units.len(),
            Self::Bool(bits) => bits.length,
            Self::Text(text) => text.len(),
            Self::Symbol { codes, .. } => codes.len(),
        }
    }

    fn bytes(&self) -> usize {
        let text = |text: &Text| text.bytes.len() + size_of_val(text.offsets());
        match self {
            Self::Int64(values) => size_of_val(values.as_slice()),
            Self::UInt64(values) => size_of_val(values.as_slice()),
            Self::Float64(values) => size_of_val(values.as_slice()),
            Self::Decimal { units, .. } => size_of_val(units.as_slice()),
            Self::Bool(bits) => size_of_val(bits.words()),
            Self::Text(strings) => text(strings),
            Self::Symbol { codes, names } => size_of_val(codes.as_slice()) + text(names),
        }
    }
}

/// Named columns of one length.
#[derive(Debug)]
pub(crate) struct Columns {
    columns: Vec<(CString, Column)>,
    length: usize,
}

impl Columns {
    /// Refuses columns of different lengths, a name twice, a name with a zero byte, and codes without a name.
    pub(crate) fn new(columns: Vec<(String, Column)>) -> PyResult<Self> {
        let length = columns.first().map_or(0, |(_, column)| column.len());
        let mut named: Vec<(CString, Column)> = Vec::with_capacity(columns.len());
        for (name, column) in columns {
            let wrong = |what: String| Err(raise(Kind::MarketData, format!("column {name:?} {what}")));
            if column.len() != length {
                return wrong(format!("has {} rows, the first column {length}; they must be equal", column.len()));
            }
            if let Column::Symbol { codes, names } = &column {
                let known = names.len();
                if let Some(code) = codes.iter().find(|code| usize::try_from(**code).map_or(true, |code| code >= known))
                {
                    return wrong(format!("holds symbol number {code}, but there are {known} names"));
                }
            }
            let Ok(name_c) = CString::new(name.as_str()) else {
                return wrong("has a zero byte in its name; Arrow's names end there".to_owned());
            };
            if named.iter().any(|(other, _)| *other == name_c) {
                return wrong("is there twice; columns are found by their names".to_owned());
            }
            named.push((name_c, column));
        }
        Ok(Self { columns: named, length })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&CStr, &Column)> {
        self.columns.iter().map(|(name, column)| (name.as_c_str(), column))
    }

    fn names(&self) -> Vec<String> {
        self.iter().map(|(name, _)| name.to_string_lossy().into_owned()).collect()
    }

    fn find(&self, name: &str) -> PyResult<&Column> {
        let found = self.iter().find(|(known, _)| known.to_bytes() == name.as_bytes());
        found.map(|(_, column)| column).ok_or_else(|| {
            raise(Kind::MarketData, format!("a batch has no column {name:?}; it has {}", self.names().join(", ")))
        })
    }
}

/// Some rows of columns that others may share.
#[derive(Clone, Debug)]
pub(crate) struct Slice {
    columns: Arc<Columns>,
    rows: Range<usize>,
}

impl Slice {
    /// All rows.
    pub(crate) fn whole(columns: Columns) -> Self {
        let rows = 0..columns.length;
        Self { columns: Arc::new(columns), rows }
    }

    /// The first `most` rows; `self` keeps the others.
    pub(crate) fn split_first(&mut self, most: usize) -> Self {
        let cut = self.rows.start.saturating_add(most).min(self.rows.end);
        let first = Self { columns: Arc::clone(&self.columns), rows: self.rows.start..cut };
        self.rows.start = cut;
        first
    }

    pub(crate) const fn columns(&self) -> &Arc<Columns> {
        &self.columns
    }

    /// Always within the columns' rows.
    pub(crate) fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }
}

/// Rows of one kind as columns, owned by the core.
///
/// Args:
///     columns: name to values: a numpy array of int64, uint64, float64 or bool, or a list of strings. They are copied.
///     kind: what the rows are.
///     symbols: columns of strings to keep as numbers of a short list of names (Arrow's dictionary).
///
/// Raises:
///     MarketDataError: columns of different lengths, a type there is no column for, a name twice.
///
/// `pyarrow.record_batch(batch)`, `polars.DataFrame(batch)` and DuckDB (through either) read the core's memory without a
/// copy; it is freed when the last of them lets go, in whichever thread. Immutable.
#[pyclass(name = "Batch", module = "deepalpha._core", frozen)]
pub(crate) struct Batch {
    slice: Slice,
    kind: Cow<'static, str>,
}

impl Batch {
    pub(crate) const fn of(kind: &'static str, slice: Slice) -> Self {
        Self { slice, kind: Cow::Borrowed(kind) }
    }

    pub(crate) const fn slice(&self) -> &Slice {
        &self.slice
    }

    fn columns(&self) -> &Columns {
        &self.slice.columns
    }
}

/// The column that holds `values`.
fn column_of(name: &str, values: &Bound<'_, PyAny>, symbol: bool) -> PyResult<Column> {
    if let Ok(strings) = values.cast::<PyList>() {
        let strings: Vec<String> = strings.extract()?;
        return if symbol { coded(&strings) } else { Ok(Column::Text(Text::new(strings)?)) };
    }
    if let Ok(array) = values.extract::<PyReadonlyArray1<'_, i64>>() {
        Ok(Column::Int64(array.as_array().to_vec()))
    } else if let Ok(array) = values.extract::<PyReadonlyArray1<'_, u64>>() {
        Ok(Column::UInt64(array.as_array().to_vec()))
    } else if let Ok(array) = values.extract::<PyReadonlyArray1<'_, f64>>() {
        Ok(Column::Float64(array.as_array().to_vec()))
    } else if let Ok(array) = values.extract::<PyReadonlyArray1<'_, bool>>() {
        Ok(Column::Bool(array.as_array().iter().copied().collect()))
    } else {
        let message =
            "is neither a numpy array of int64, uint64, float64 or bool of one dimension nor a list of strings";
        Err(raise(Kind::MarketData, format!("column {name:?} {message}")))
    }
}

/// Strings as numbers of their distinct values, in the order of appearance.
fn coded(strings: &[String]) -> PyResult<Column> {
    let mut numbers: HashMap<&str, i32> = HashMap::new();
    let mut names: Vec<&str> = Vec::new();
    let mut codes = Vec::with_capacity(strings.len());
    for string in strings {
        let next = i32::try_from(names.len()).unwrap_or(i32::MAX);
        codes.push(*numbers.entry(string).or_insert_with(|| {
            names.push(string);
            next
        }));
    }
    Ok(Column::Symbol { codes, names: Arc::new(Text::new(names)?) })
}

#[pymethods]
impl Batch {
    #[new]
    #[pyo3(signature = (columns, *, kind = "rows", symbols = Vec::new()))]
    fn new(columns: &Bound<'_, PyDict>, kind: &str, symbols: Vec<String>) -> PyResult<Self> {
        let named = columns.iter().map(|(name, values)| {
            let name: String = name.extract()?;
            let column = column_of(&name, &values, symbols.contains(&name))?;
            Ok((name, column))
        });
        let columns = Columns::new(named.collect::<PyResult<_>>()?)?;
        Ok(Self { slice: Slice::whole(columns), kind: Cow::Owned(kind.to_owned()) })
    }

    fn __len__(&self) -> usize {
        self.slice.rows.len()
    }

    /// What the rows are: "trades", "bars", ...
    #[getter]
    fn kind(&self) -> &str {
        &self.kind
    }

    /// Names of the columns, in their order.
    #[getter]
    fn column_names(&self) -> Vec<String> {
        self.columns().names()
    }

    /// Bytes of memory the columns occupy, with the rows of other batches that share them.
    #[getter]
    fn nbytes(&self) -> usize {
        self.columns().iter().map(|(_, column)| column.bytes()).sum()
    }

    /// One column as a numpy array of shape (rows,) that cannot be written.
    ///
    /// int64, uint64 and float64 columns, and the int32 codes of a column of symbols (see `categories`), are lent without
    /// a copy and keep the batch alive; flags are unpacked and texts become objects.
    ///
    /// Raises:
    ///     MarketDataError: there is no such column; the message lists those there are.
    fn to_numpy<'py>(slf: &Bound<'py, Self>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let (py, rows) = (slf.py(), slf.get().slice.rows());
        match slf.get().columns().find(name)? {
            Column::Int64(_) => arrow::lend(slf, |columns| match columns.find(name) {
                Ok(Column::Int64(values)) => values,
                _ => &[],
            }),
            Column::UInt64(_) => arrow::lend(slf, |columns| match columns.find(name) {
                Ok(Column::UInt64(values)) => values,
                _ => &[],
            }),
            Column::Float64(_) => arrow::lend(slf, |columns| match columns.find(name) {
                Ok(Column::Float64(values)) => values,
                _ => &[],
            }),
            Column::Symbol { .. } => arrow::lend(slf, |columns| match columns.find(name) {
                Ok(Column::Symbol { codes, .. }) => codes,
                _ => &[],
            }),
            Column::Decimal { .. } => {
                let hint = "holds decimals, which numpy has no type for; read it with pyarrow or polars";
                Err(raise(Kind::MarketData, format!("column {name:?} {hint}, or ask the stream for numbers=\"float\"")))
            }
            Column::Bool(bits) => {
                let flags = bits.iter().skip(rows.start).take(rows.len());
                read_only(numpy::PyArray1::from_iter(py, flags).into_any())
            }
            Column::Text(text) => {
                let strings = text.strings().skip(rows.start).take(rows.len());
                let strings = PyList::new(py, strings.collect::<Vec<_>>())?;
                read_only(py.import("numpy")?.call_method1("array", (strings, "O"))?)
            }
        }
    }

    /// The names behind the codes of a column of symbols: `categories(name)[code]`.
    fn categories(&self, name: &str) -> PyResult<Vec<String>> {
        match self.columns().find(name)? {
            Column::Symbol { names, .. } => Ok(names.strings().collect()),
            _ => Err(raise(Kind::MarketData, format!("column {name:?} holds no symbols; read it with to_numpy"))),
        }
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        arrow::schema_capsule(py, self.columns())
    }

    /// The protocol lets a producer ignore `requested_schema` when it cannot deliver it.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        let _ = requested_schema;
        Ok((arrow::schema_capsule(py, self.columns())?, arrow::array_capsule(py, &self.slice)?))
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        arrow::stream_capsule(py, &self.slice)
    }

    /// Batches of at most `most` rows each, in order, over the same memory.
    fn split(&self, most: usize) -> PyResult<Vec<Self>> {
        if most == 0 {
            return Err(raise(Kind::MarketData, "a batch cannot be split into batches of 0 rows; take 1 or more"));
        }
        let (mut rest, mut parts) = (self.slice.clone(), Vec::new());
        while !rest.rows.is_empty() {
            parts.push(Self { slice: rest.split_first(most), kind: self.kind.clone() });
        }
        Ok(parts)
    }

    fn __repr__(&self) -> String {
        format!("Batch({}: {} rows of {})", self.kind, self.slice.rows.len(), self.columns().names().join(", "))
    }
}

fn read_only(array: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    array.call_method1("setflags", (false,))?;
    Ok(array)
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Batch>()
}
