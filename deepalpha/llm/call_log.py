"""Where calls are written and found again. The store has the lasting one (`deepalpha.store.LLMCallLog`)."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol, runtime_checkable

from deepalpha.errors import DuplicateError
from deepalpha.llm.budget import Spent
from deepalpha.types import LLMCall


@runtime_checkable
class CallLog(Protocol):
    """Append-only: rows are never changed. A row that cannot be written raises StoreError, and nothing is sent then."""

    def append(self, call: LLMCall) -> None:
        """Write one row. The same (call_id, seq, phase) twice is a DuplicateError."""
        ...

    def newest(self, request_sha: str, cycle: str | None = None, until: int | None = None) -> tuple[LLMCall, ...]:
        """Rows of the newest call of this request that ended (in this cycle, by `until`), in the order of writing."""
        ...

    def costs(self, since: int) -> tuple[tuple[int, str, str], ...]:
        """(ts_sent, cycle, cost in US dollars as text) of each attempt sent at or after `since`."""
        ...


class MemoryCallLog:
    """A log that ends with the process: for tests, notebooks and backtests."""

    def __init__(self) -> None:
        self.rows: list[LLMCall] = []
        self._keys: set[tuple[str, int, str]] = set()
        self._by_request: dict[str, list[LLMCall]] = {}

    def append(self, call: LLMCall) -> None:
        """Write one row."""
        key = (call.call_id, call.seq, call.phase)
        if key in self._keys:
            raise DuplicateError(f"llm_call {key} is in the log already")
        self._keys.add(key)
        self.rows.append(call)
        self._by_request.setdefault(call.request_sha, []).append(call)

    def newest(self, request_sha: str, cycle: str | None = None, until: int | None = None) -> tuple[LLMCall, ...]:
        """Rows of the newest call of this request that ended (in this cycle, by `until`), in the order of writing."""
        matching = [row for row in self._by_request.get(request_sha, ()) if cycle in (None, row.cycle)]
        done = [row for row in matching if row.phase == "done"]
        ended = [row.call_id for row in done if until is None or row.ts_done <= until]
        if not ended:
            return ()
        return tuple(row for row in matching if row.call_id == ended[-1])

    def costs(self, since: int) -> tuple[tuple[int, str, str], ...]:
        """What each attempt cost, or its worst case when it never ended."""
        ended = {(row.call_id, row.seq) for row in self.rows if row.phase == "done"}
        return tuple(
            (row.ts_sent, row.cycle, str(row.cost_usd))
            for row in self.rows
            if row.ts_sent >= since and (row.phase == "done" or (row.call_id, row.seq) not in ended)
        )


def spent(log: CallLog, since: int) -> tuple[Spent, ...]:
    """The log's costs for a budget."""
    return tuple(Spent(ts=ts, cycle=cycle, cost_usd=Decimal(cost)) for ts, cycle, cost in log.costs(since))
