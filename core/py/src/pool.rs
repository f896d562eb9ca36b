//! Output arrays whose memory is used again.
//!
//! A fresh buffer of 800 kB costs more in page faults than most indicators cost in arithmetic (measured: a third to four
//! fifths of a call with several outputs). Buffers come from a bounded pool and go back to it when numpy lets go of them.

use std::sync::{Mutex, PoisonError};

use numpy::ndarray::ArrayView1;
use numpy::{Element, PyArray1};
use pyo3::prelude::*;

/// Bytes the pool keeps at most; what does not fit is freed.
const MAX_KEPT: usize = 256 << 20;
/// Arrays up to this many values are allocated by numpy itself, which is quicker for small ones.
pub(crate) const SMALL: usize = 1024;

/// Buffers of one element type, each filled to its capacity, waiting to be used.
pub(crate) struct Pool<T>(Mutex<Vec<Vec<T>>>);

impl<T: Copy + Default> Pool<T> {
    const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// A buffer of at least `length` values; what they are is left over from earlier use.
    fn take(&self, length: usize) -> Vec<T> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The newest first: it is the likeliest to be in the processor's cache.
        let fitting = kept.iter().rposition(|buffer| buffer.len() >= length && buffer.len() / 2 <= length);
        match fitting {
            Some(index) => kept.remove(index),
            None => {
                drop(kept);
                vec![T::default(); length]
            }
        }
    }

    fn give_back(&self, buffer: Vec<T>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = MAX_KEPT / size_of::<T>();
        let mut total: usize = buffer.len();
        if total > limit {
            return;
        }
        kept.push(buffer);
        // The oldest go first.
        let mut keep_from = kept.len();
        for (index, buffer) in kept.iter().enumerate().rev().skip(1) {
            total += buffer.len();
            if total > limit {
                break;
            }
            keep_from = index;
        }
        let keep_from = keep_from.min(kept.len() - 1);
        kept.drain(..keep_from);
    }
}

/// Element types that have a pool.
pub(crate) trait Pooled: Element + Copy + Default + 'static {
    /// What a small buffer holds before it is filled: not zero, because glibc does not keep small zeroed blocks at hand.
    const BLANK: Self;
    /// Their pool.
    fn pool() -> &'static Pool<Self>;
    /// The owner numpy holds on to while an array over `buffer` lives.
    fn owner(py: Python<'_>, buffer: Vec<Self>) -> PyResult<(Bound<'_, PyAny>, *const [Self])>;
}

macro_rules! pooled {
    ($element:ty, $owner:ident, $blank:expr) => {
        /// Owns a buffer on numpy's behalf and gives it back to the pool.
        #[pyclass(frozen)]
        struct $owner(Vec<$element>);

        impl Drop for $owner {
            fn drop(&mut self) {
                <$element>::pool().give_back(std::mem::take(&mut self.0));
            }
        }

        impl Pooled for $element {
            const BLANK: Self = $blank;

            fn pool() -> &'static Pool<Self> {
                static POOL: Pool<$element> = Pool::new();
                &POOL
            }

            fn owner(py: Python<'_>, buffer: Vec<Self>) -> PyResult<(Bound<'_, PyAny>, *const [Self])> {
                let owner = Bound::new(py, $owner(buffer))?;
                let values: *const [Self] = owner.get().0.as_slice();
                Ok((owner.into_any(), values))
            }
        }
    };
}

pooled!(f64, FloatBuffer, f64::NAN);
pooled!(i32, WholeBuffer, -1);
pooled!(i16, HitBuffer, -1);

/// An output on its way: filled by a kernel, then handed to numpy.
pub(crate) struct Output<T: Pooled> {
    buffer: Vec<T>,
    length: usize,
}

impl<T: Pooled> Output<T> {
    /// Room for `length` values, of any content.
    pub(crate) fn new(length: usize) -> Self {
        let buffer = if length <= SMALL { vec![T::BLANK; length] } else { T::pool().take(length) };
        Self { buffer, length }
    }

    /// The room.
    pub(crate) fn values(&mut self) -> &mut [T] {
        let length = self.length;
        self.buffer.get_mut(..length).unwrap_or_default()
    }

    /// As a numpy array.
    pub(crate) fn into_array(mut self, py: Python<'_>) -> PyResult<Bound<'_, PyArray1<T>>> {
        if self.length <= SMALL {
            return Ok(PyArray1::from_slice(py, self.values()));
        }
        let length = self.length;
        let (owner, values) = T::owner(py, self.buffer)?;
        // SAFETY: `values` is the heap block of the Vec inside `owner`. The array holds a reference to `owner`, which is
        // frozen and private to this module: nothing reads, moves or frees the Vec before the array is gone, and the
        // array is the only way to its values. `take` made it at least `length` long and filled.
        #[expect(unsafe_code, reason = "the one place where numpy is given memory that goes back to a pool")]
        let array = unsafe {
            let values = &*values;
            let view = ArrayView1::from(values.get(..length).unwrap_or_default());
            PyArray1::borrow_from_array(&view, owner)
        };
        Ok(array)
    }
}
