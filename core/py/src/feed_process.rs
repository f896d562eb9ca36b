//! Values that own threads, after a fork.
//!
//! A forked child has the memory of its parent but none of its threads: waiting for one, as dropping its owner does,
//! would never end. So in any process but the one that made it, the value refuses to be used and is never dropped.

use pyo3::prelude::*;

use crate::error::{Kind, raise};

/// A value of the process that made it.
pub(crate) struct OfProcess<T> {
    /// Always there until the drop.
    value: Option<T>,
    process: u32,
}

impl<T> OfProcess<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: Some(value), process: std::process::id() }
    }

    /// The value, in the process that made it; otherwise an error of `kind` about a `what`.
    pub(crate) fn get(&self, kind: Kind, what: &str) -> PyResult<&T> {
        let here = std::process::id();
        match &self.value {
            Some(value) if here == self.process => Ok(value),
            _ => Err(raise(
                kind,
                format!(
                    "the {what} belongs to process {}, of which this one ({here}) was forked: its threads are not here; \
                     start one after the fork, or use the \"spawn\" start method",
                    self.process
                ),
            )),
        }
    }
}

impl<T> Drop for OfProcess<T> {
    fn drop(&mut self) {
        if std::process::id() != self.process {
            std::mem::forget(self.value.take());
        }
    }
}
