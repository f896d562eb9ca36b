//! Settings from a dictionary of Python: each asked for by name, the unknown ones refused with a list of those there are.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::{Kind, raise};

/// Settings that were not read yet.
pub(crate) struct Options<'py> {
    left: Bound<'py, PyDict>,
    what: &'static str,
    kind: Kind,
    known: Vec<&'static str>,
}

impl<'py> Options<'py> {
    pub(crate) fn of(given: &Bound<'py, PyDict>, (kind, what): (Kind, &'static str)) -> PyResult<Self> {
        Ok(Self { left: given.copy()?, what, kind, known: Vec::new() })
    }

    /// One setting, if it is there and not None.
    pub(crate) fn take<T>(&mut self, name: &'static str) -> PyResult<Option<T>>
    where
        T: for<'a> FromPyObject<'a, 'py>,
    {
        self.known.push(name);
        let Some(value) = self.left.get_item(name)? else { return Ok(None) };
        self.left.del_item(name)?;
        if value.is_none() {
            return Ok(None);
        }
        let shown = value.repr()?.to_string();
        let read = value.extract::<T>().map_err(|error| {
            let error: PyErr = error.into();
            raise(self.kind, format!("{} {name} = {shown} is of the wrong kind: {error}", self.what))
        })?;
        Ok(Some(read))
    }

    pub(crate) fn set<T>(&mut self, name: &'static str, slot: &mut T) -> PyResult<()>
    where
        T: for<'a> FromPyObject<'a, 'py>,
    {
        if let Some(value) = self.take(name)? {
            *slot = value;
        }
        Ok(())
    }

    /// An error that lists the settings there are, if one is left that nobody asked for.
    pub(crate) fn end(self) -> PyResult<()> {
        let Some((name, _)) = self.left.iter().next() else { return Ok(()) };
        let name = name.str()?;
        Err(raise(self.kind, format!("{} {name} is unknown; there are {}", self.what, self.known.join(", "))))
    }
}
