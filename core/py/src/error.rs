//! One map from the core's errors to the classes of `deepalpha.errors`.

use pyo3::prelude::*;
use pyo3::types::PyType;

/// The Python class of an error, by its name in `deepalpha.errors`.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Indicator,
    Order,
    Store,
    Duplicate,
    MarketData,
    Hub,
    HubBusy,
}

impl Kind {
    const fn class_name(self) -> &'static str {
        match self {
            Self::Indicator => "IndicatorError",
            Self::Order => "OrderError",
            Self::Store => "StoreError",
            Self::Duplicate => "DuplicateError",
            Self::MarketData => "MarketDataError",
            Self::Hub => "HubError",
            Self::HubBusy => "HubBusyError",
        }
    }
}

/// Raise `error` as the `deepalpha.errors` class of `kind`; its `Display` text becomes the message.
pub(crate) fn raise(kind: Kind, error: impl std::fmt::Display) -> PyErr {
    Python::attach(|py| {
        let class = py
            .import("deepalpha.errors")
            .and_then(|module| module.getattr(kind.class_name()))
            .and_then(|class| Ok(class.cast_into::<PyType>()?));
        match class {
            Ok(class) => PyErr::from_type(class, error.to_string()),
            Err(import_error) => import_error,
        }
    })
}
