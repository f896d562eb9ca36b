//! Risk gate, practice venue, execution desk and order manager for Python. Amounts cross the border as decimal text or `Decimal`, never as floats.

mod convert;
mod desk;
mod gate;
mod manager;
mod risk_rows;
mod risk_table;
mod venue;

use pyo3::prelude::*;

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<desk::PyExecutionDesk>()?;
    module.add_class::<gate::PyApproved>()?;
    module.add_class::<gate::PyAccountView>()?;
    module.add_class::<gate::PyRiskGate>()?;
    module.add_class::<manager::PyOrderManager>()?;
    module.add_function(wrap_pyfunction!(gate::risk_rules, module)?)?;
    module.add_class::<venue::PyPracticeVenue>()
}
