"""`deepalpha.duckdb`: the projection of the log, filled exactly once, rebuildable at any time.

Nobody keeps the file open: one forgotten reader would block every writer. `opened` opens, works, closes, and waits with
jitter for its turn.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import duckdb
import polars as pl

from deepalpha.errors import StoreError
from deepalpha.store.ops import TABLES, Ops

PATIENCE_S = 10.0
BATCH = 50_000


def _sql(folder: str, name: str) -> str:
    return resources.files("deepalpha.store").joinpath(folder, name).read_text(encoding="utf-8")


MIGRATIONS = ("001_initial.sql", "002_bodies.sql", "003_learning.sql", "004_llm_calls.sql")


@contextlib.contextmanager
def opened(path: Path, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """The store's file, open for as long as the block runs.

    Raises:
        StoreError: damaged, or still held by another process after ten seconds.
    """
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            connection = duckdb.connect(str(path), read_only=read_only)
            break
        except duckdb.IOException as error:
            locked = "lock" in str(error)
            if not locked:
                raise StoreError(
                    f"{path} cannot be opened ({_first_line(error)}); recreate it from the log with "
                    "`deepalpha store rebuild`"
                ) from error
            if time.monotonic() > deadline:
                raise StoreError(f"{path} is held by another program ({_first_line(error)}); close it there") from error
            time.sleep(random.uniform(0.001, 0.02))
        except duckdb.Error as error:
            raise StoreError(
                f"{path} cannot be opened ({_first_line(error)}); recreate it from the log with "
                "`deepalpha store rebuild`"
            ) from error
    try:
        yield connection
    finally:
        connection.close()


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def migrate(connection: duckdb.DuckDBPyConnection) -> None:
    """Bring tables and views up to date."""
    connection.execute("CREATE TABLE IF NOT EXISTS migration (name VARCHAR PRIMARY KEY)")
    applied = {name for (name,) in connection.execute("SELECT name FROM migration").fetchall()}
    for name in MIGRATIONS:
        if name not in applied:
            connection.execute(_sql("migrations", name))
            connection.execute("INSERT INTO migration VALUES (?)", [name])
    connection.execute(_sql("queries", "views.sql"))


def copy_new_rows(connection: duckdb.DuckDBPyConnection, ops: Ops, after: dict[str, int]) -> int:
    """Copy the log's rows with an id above `after` into the connection's tables; returns how many.

    `after` is updated in place. The caller owns the transaction.
    """
    copied = 0
    for table in TABLES:
        while True:
            rows = ops.frame(f"SELECT * FROM {table} WHERE id > ? ORDER BY id LIMIT {BATCH}", [after.get(table, 0)])
            if rows.is_empty():
                break
            _insert(connection, table, rows)
            after[table] = int(rows["id"].max())  # type: ignore[arg-type]  # ids are never null
            copied += len(rows)
            if len(rows) < BATCH:
                break
    return copied


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: pl.DataFrame) -> None:
    connection.register("incoming", rows.to_arrow())
    names = ", ".join(f'"{name}"' for name in rows.columns)
    connection.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM incoming")
    connection.unregister("incoming")


def project(ops: Ops, path: Path) -> int:
    """Bring `deepalpha.duckdb` up to the log: rows and watermark in one transaction, so each row is copied once.

    Returns the number of rows copied.
    """
    with opened(path) as connection:
        migrate(connection)
        connection.begin()
        try:
            marks = connection.execute("SELECT table_name, last_id FROM watermark").fetchall()
            after = {str(table): int(last) for table, last in marks}
            copied = copy_new_rows(connection, ops, after)
            connection.execute("DELETE FROM watermark")
            for table, last in after.items():
                connection.execute("INSERT INTO watermark VALUES (?, ?)", [table, last])
            connection.commit()
        except duckdb.Error:
            connection.rollback()
            raise
    return copied


def rebuild(ops: Ops, path: Path) -> int:
    """Recreate `deepalpha.duckdb` from the log. A damaged file is moved beside itself, never deleted."""
    for suffix in ("", ".wal"):
        old = path.with_name(path.name + suffix)
        if old.exists():
            old.replace(old.with_name(f"{old.name}.old"))
    return project(ops, path)


def check(ops: Ops, path: Path) -> list[str]:
    """Problems of the store: the log's own, rows the projection misses or has twice, and the money identities."""
    problems = [f"ops.sqlite: {problem}" for problem in ops.check()]
    project(ops, path)
    with opened(path, read_only=True) as connection:
        for table in TABLES:
            expected = ops.rows(f"SELECT count(*) AS n, coalesce(sum(id), 0) AS total FROM {table}")[0]
            row = connection.execute(f"SELECT count(*), coalesce(sum(id), 0) FROM {table}").fetchone()
            if row is None or (int(row[0]), int(row[1])) != (expected["n"], expected["total"]):
                problems.append(
                    f"{table}: the log has {expected['n']} rows, the store differs; `deepalpha store rebuild`"
                )
        for name, sql in IDENTITIES.items():
            row = connection.execute(sql).fetchone()
            if row is not None and row[0]:
                problems.append(f"{name}: {row[0]} rows break it")
    return problems


IDENTITIES = {
    "equity = cash + position value": "SELECT count(*) FROM equity WHERE equity <> cash + position_value",
    "positions = sum of fills": """
        WITH latest AS (SELECT account_id, arg_max(positions, id) AS positions FROM equity GROUP BY account_id),
        shown AS (
            SELECT account_id, p ->> 'symbol' AS symbol, (p ->> 'quantity')::DECIMAL(38, 8) AS quantity
            FROM (SELECT account_id, unnest(json_extract(positions, '$[*]')) AS p FROM latest)),
        summed AS (SELECT account_id, symbol, quantity FROM positions
            -- Accounts of an `ExecutionEngine` have fills but no equity rows: nothing is shown to compare with.
            WHERE quantity <> 0 AND account_id IN (SELECT account_id FROM latest))
        SELECT count(*) FROM shown FULL JOIN summed USING (account_id, symbol)
        WHERE shown.quantity IS DISTINCT FROM summed.quantity""",
    "equity = initial cash + realised + unrealised - fees": """
        SELECT count(*) FROM (SELECT account_id FROM equity GROUP BY account_id
            HAVING count(DISTINCT equity - realised_pnl - unrealised_pnl + fees) > 1)""",
    # A notional is rounded to 1e-8 when it is booked; for whole shares the two sides are equal to the last digit.
    "cash = initial cash + fills - fees": """
        WITH flow AS (
            SELECT account_id, count(*) AS n, sum(fee) AS fees, sum(realised_pnl) AS realised,
                sum(CASE side WHEN 'buy' THEN -1 ELSE 1 END * quantity * price - fee) AS moved
            FROM fill GROUP BY account_id),
        latest AS (SELECT account_id, max_by(COLUMNS(* EXCLUDE (account_id, id)), id) FROM equity GROUP BY account_id)
        SELECT count(*) FROM latest JOIN flow USING (account_id)
        WHERE latest.fees <> flow.fees OR latest.realised_pnl <> flow.realised
            OR abs(cash - (equity - realised_pnl - unrealised_pnl + latest.fees) - moved) > 0.00000001 * n""",
}
