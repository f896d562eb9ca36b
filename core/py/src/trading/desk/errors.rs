//! What goes wrong at the desk, as Python's errors.

use deepalpha_engine::desk::DeskError;
use deepalpha_engine::matching::exchange::ExchangeError;
use deepalpha_io::ops::OpsError;
use pyo3::prelude::*;

use crate::error::{Kind, raise};

pub(super) fn refuse(message: impl std::fmt::Display) -> PyErr {
    raise(Kind::Order, message)
}

pub(super) fn store(error: OpsError) -> PyErr {
    match error {
        OpsError::Duplicate { .. } => raise(Kind::Duplicate, error),
        other => raise(Kind::Store, other),
    }
}

/// Each error to its class; a refusal carries rule, value and bound.
pub(super) fn map_error(py: Python<'_>, error: DeskError) -> PyErr {
    match error {
        DeskError::Refused(refused) => {
            let arguments = (refused.rule.name, refused.to_string(), refused.value(), refused.bound());
            let made = py
                .import("deepalpha.errors")
                .and_then(|errors| errors.getattr("RiskRefused"))
                .and_then(|class| class.call1(arguments));
            made.map_or_else(|failed| failed, PyErr::from_value)
        }
        DeskError::UnknownSymbol { .. } | DeskError::BadQuote { .. } => raise(Kind::MarketData, error),
        DeskError::Exchange(inner) => match *inner {
            ExchangeError::UnknownSymbol { .. } => raise(Kind::MarketData, inner),
            other => refuse(other),
        },
        other => refuse(other),
    }
}

/// The outcome of a command for the caller. A write that failed after the command was done says so: what is not in the log
/// yet is not undone, and must not be sent again.
pub(super) fn settle<T>(
    py: Python<'_>,
    done: Result<T, DeskError>,
    written: Result<(), OpsError>,
    what: impl FnOnce() -> String,
) -> PyResult<T> {
    match (done, written) {
        (done, Ok(())) => done.map_err(|error| map_error(py, error)),
        (Err(error), Err(failed)) => Err(raise(Kind::Store, format!("{failed}; nothing was done: {error}"))),
        (Ok(_), Err(failed)) => {
            let what = what();
            Err(raise(
                Kind::Store,
                format!("{failed}; {what} and is kept: it is written with the next command, do not send it again"),
            ))
        }
    }
}
