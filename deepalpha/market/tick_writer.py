"""Ticks as they arrive, written in batches: 100,000 rows or 250 ms, whichever comes first, never a row at a time.

# What durable means
A batch is durable when its file's bytes and then its name were fsynced; from then on it outlives a loss of power, and
any reader sees it as a whole. `flush` and `close` return after that. What `append` has taken since waits in memory: at
most `batch_ms` and the time of one write, and a crash loses no more than that.

# Cost
An fsync costs the same for few rows as for many (1 to 4 ms, two a batch), encoding about 0.25 us a row: so a batch is
as large as the time allows. The encoder works without the GIL, beside the thread that appends.
"""

from __future__ import annotations

import threading
from types import TracebackType

import polars as pl

from deepalpha.errors import DeepAlphaError, StoreError
from deepalpha.market.catalog import Catalog
from deepalpha.market.ticks import Kind, Prepared, TickStore, check_kind, prepare


class TickWriter:
    """Collects ticks of one symbol and kind and appends them to the catalog; a context manager.

    A thread writes; `append` returns at once unless `most_rows` wait, then it waits for the disk: memory is bounded and
    nothing is dropped. What `flush` or the end of the `with` block returned from is on disk. A failed write keeps its
    rows, is raised by the next `append`, `flush` or `close`, and is tried again then.

    Args:
        catalog: where to.
        symbol: of all ticks.
        kind: ``trades`` or ``quotes``.
        batch_rows: write when so many wait.
        batch_ms: write when the oldest waits so long.
        most_rows: how many may wait.

    Example:
        >>> with TickWriter(catalog, "BTC/USDT", "trades") as writer:  # doctest: +SKIP
        ...     writer.append(frame)
    """

    def __init__(
        self,
        catalog: Catalog,
        symbol: str,
        kind: Kind,
        *,
        batch_rows: int = 100_000,
        batch_ms: int = 250,
        most_rows: int = 1_000_000,
    ) -> None:
        check_kind(kind)
        self._store, self._symbol, self._kind = TickStore(catalog.root), symbol, kind
        self._batch_rows, self._batch_s, self._most = batch_rows, batch_ms / 1000, most_rows
        self._changed = threading.Condition()
        self._waiting: list[Prepared] = []
        self._rows = 0
        self._asked = False
        self._writing = False
        self._closing = False
        self._problem: DeepAlphaError | None = None
        self._thread = threading.Thread(target=self._run, name=f"ticks of {symbol}", daemon=True)
        self._thread.start()

    def append(self, frame: pl.DataFrame) -> None:
        """Take ticks in the order of arrival; see `Catalog.write_ticks` for the columns. All of `frame` or none."""
        ready = prepare(self._symbol, self._kind, frame)
        with self._changed:
            self._raise_problem()
            if self._closing:
                raise StoreError(f"the writer of {self._symbol} {self._kind} is closed; make another")
            while self._rows and self._rows + len(frame) > self._most:
                self._asked = True
                self._changed.notify_all()
                self._changed.wait()
                self._raise_problem()
            self._waiting.append(ready)
            self._rows += len(frame)
            self._changed.notify_all()

    def flush(self) -> None:
        """Return when everything taken so far is on disk."""
        with self._changed:
            self._problem = None
            self._asked = True
            self._changed.notify_all()
            while (self._rows or self._writing) and self._problem is None:
                self._changed.wait()
            self._raise_problem()

    def close(self) -> None:
        """Flush and end the thread."""
        try:
            self.flush()
        finally:
            with self._changed:
                self._closing = True
                self._changed.notify_all()
            self._thread.join()

    def __enter__(self) -> TickWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _raise_problem(self) -> None:
        problem, self._problem = self._problem, None
        if problem is not None:
            raise problem

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._rows or self._problem is not None:
                    if self._closing:
                        return
                    self._changed.wait()
                # The oldest row came just now; wait for company, at most the batch's time.
                self._changed.wait_for(
                    lambda: self._rows >= self._batch_rows or self._asked or self._closing, timeout=self._batch_s
                )
                batch, self._waiting = self._waiting, []
                self._asked = False
                self._writing = True
            problem: DeepAlphaError | None = None
            try:
                self._store.write_prepared(self._symbol, self._kind, batch)
            except DeepAlphaError as error:
                problem = error
            with self._changed:
                self._writing = False
                if problem is None:
                    self._rows -= sum(len(days) for days, _ in batch)
                else:
                    self._waiting = batch + self._waiting
                    self._problem = problem
                self._changed.notify_all()
