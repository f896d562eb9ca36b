"""Persistence: `ops.sqlite` (operational truth, through the core) and `deepalpha.duckdb` (its projection).

`Ops` writes and reads the log; `LLMCallLog` is its part for calls to language models; `project`, `rebuild` and `check`
keep the store; `Session` is what `da.connect()` returns. Only this room opens DuckDB files.
"""

from deepalpha.store.analytics import check, project, rebuild
from deepalpha.store.llm_calls import LLMCallLog
from deepalpha.store.ops import TABLES, Cell, Ops, Row
from deepalpha.store.session import Session

__all__ = ["TABLES", "Cell", "LLMCallLog", "Ops", "Row", "Session", "check", "project", "rebuild"]
