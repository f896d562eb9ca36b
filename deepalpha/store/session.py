"""`da.connect()`: an in-memory DuckDB with the store's tables, the catalog's bars and the live tail of the log."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import duckdb
import polars as pl

from deepalpha.config import Workspace
from deepalpha.errors import StoreError
from deepalpha.store import analytics
from deepalpha.store.ops import TABLES, Ops


class Session:
    """A reader of a workspace; holds no file open and works with or without an engine.

    Every `sql` call sees what the log has at that moment.

    Example:
        >>> ws = da.connect()                                             # doctest: +SKIP
        >>> ws.sql("select symbol, action, confidence from decisions")    # doctest: +SKIP
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.ops = Ops(workspace.ops)
        self._memory = duckdb.connect(":memory:")
        analytics.migrate(self._memory)
        self._after: dict[str, int] = {}
        if workspace.duckdb.exists():
            self._load_file()
        self.refresh()

    def _load_file(self) -> None:
        with analytics.opened(self.workspace.duckdb, read_only=True) as store:
            # A file of an older DeepAlpha lacks newer tables and columns: they come from the log, or are null.
            there = {str(name) for (name,) in store.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
            for table in (name for name in TABLES if name in there):
                rows = store.sql(f"SELECT * FROM {table} ORDER BY id").to_arrow_table()
                self._memory.register("incoming", rows)
                self._memory.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming")
                self._memory.unregister("incoming")
            marks = store.execute("SELECT table_name, last_id FROM watermark").fetchall()
            self._after = {str(table): int(last) for table, last in marks}

    def refresh(self) -> int:
        """Copy what the log has gained since the last call; returns the number of rows."""
        copied = analytics.copy_new_rows(self._memory, self.ops, self._after)
        files = self.workspace.catalog / "*" / "*" / "bars.parquet"
        if any(self.workspace.catalog.glob("*/*/bars.parquet")):
            self._memory.execute(
                "CREATE OR REPLACE VIEW candles AS SELECT symbol, timeframe, make_timestamp_ns(ts_open) AS ts_open, "
                "make_timestamp_ns(ts_event) AS ts_event, open::DOUBLE AS open, high::DOUBLE AS high, "
                "low::DOUBLE AS low, close::DOUBLE AS close, volume::DOUBLE AS volume "
                # Each file has the decimals it needs: without union_by_name the first one's would round the others.
                f"FROM read_parquet('{_quoted(str(files))}', hive_partitioning = true, union_by_name = true)"
            )
        return copied

    def sql(self, query: str) -> pl.DataFrame:
        """Run SQL over the views and the raw tables.

        Views: `decisions, signals, orders, fills, positions, equity_curve, trail, candles, llm_calls, llm_costs`.

        Raises:
            StoreError: what DuckDB says about the query.
        """
        self.refresh()
        try:
            found = self._memory.sql(query)
        except duckdb.Error as error:
            raise StoreError(f"{error}") from error
        return pl.DataFrame() if found is None else pl.DataFrame(found.to_arrow_table())

    def close(self) -> None:
        """Let go of the memory; the files are not held."""
        self._memory.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _quoted(text: str) -> str:
    return text.replace("'", "''")
