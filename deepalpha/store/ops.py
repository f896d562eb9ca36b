"""The operational log for Python: batches of rows in, frames out. The file itself is opened only by the core."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from deepalpha import _core
from deepalpha.errors import DuplicateError

Cell = int | float | str | bool | None
Row = tuple[str, dict[str, Cell]]

TABLES = (
    "context",
    "signal",
    "decision",
    "command",
    "order_intent",
    "order_event",
    "fill",
    "equity",
    "heartbeat",
    "audit",
    "outcome",
    "fuser_update",
    "llm_call",
)


class Ops:
    """`ops.sqlite` of a workspace, made when there is none.

    Raises:
        StoreError: not writable, damaged, or written by a newer DeepAlpha.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._log = _core.OpsLog(path)

    def append(self, rows: Sequence[Row], *, durable: bool = False) -> list[int]:
        """Write a batch as one transaction and return the ids; all of it is in the log or none.

        Args:
            rows: (table, cells) pairs.
            durable: also survive the loss of power, not only the end of every process.

        Raises:
            DuplicateError: a key of the batch is in the log already.
        """
        return self._log.append(list(rows), durable=durable) if rows else []

    def append_once(self, row: Row, *, durable: bool = False) -> bool:
        """Write one row unless its key is in the log; whether it was new. A double click ends here."""
        try:
            self.append([row], durable=durable)
        except DuplicateError:
            return False
        return True

    def rows(self, sql: str, parameters: Sequence[Cell] = ()) -> list[dict[str, Any]]:
        """Rows of a read-only query, as dictionaries."""
        columns = self._log.select(sql, list(parameters))
        names = list(columns)
        return [dict(zip(names, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]

    def frame(self, sql: str, parameters: Sequence[Cell] = ()) -> pl.DataFrame:
        """Result of a read-only query as a polars frame."""
        return pl.DataFrame(self._log.select(sql, list(parameters)), infer_schema_length=None)

    def scalar(self, sql: str, parameters: Sequence[Cell] = ()) -> Any:
        """First cell of a read-only query; None when there is no row."""
        for cells in self._log.select(sql, list(parameters)).values():
            return cells[0] if cells else None
        return None

    def check(self) -> list[str]:
        """Problems of the file, none when it is sound."""
        return self._log.check()
