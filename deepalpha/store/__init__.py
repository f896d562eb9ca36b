"""Persistence: `ops.sqlite` (operational truth, through the core) and `deepalpha.duckdb` (its projection).

`Ops` writes and reads the log; `project`, `rebuild` and `check` keep the store; `Session` is what `da.connect()`
returns. Only this room opens DuckDB files.
"""

from deepalpha.store.analytics import check, project, rebuild
from deepalpha.store.ops import TABLES, Cell, Ops, Row
from deepalpha.store.session import Session

__all__ = ["TABLES", "Cell", "Ops", "Row", "Session", "check", "project", "rebuild"]
