"""The lasting log of calls to language models: rows of `llm_call` in `ops.sqlite`.

It is what `deepalpha.llm` expects of a log (its `CallLog`), without either room knowing the other.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from deepalpha.store import rows
from deepalpha.store.ops import Ops
from deepalpha.types import LLMCall

_FIELDS = msgspec.structs.fields(LLMCall)
_COLUMNS = ", ".join(field.name for field in _FIELDS)


class LLMCallLog:
    """Calls of every run of this workspace; writes as one run of one account.

    Args:
        ops: the log's file.
        run_id: one start of a process.
        account_id: session or account the calls are made for.
    """

    def __init__(self, ops: Ops, *, run_id: str, account_id: str) -> None:
        self._ops, self._run_id, self._account_id = ops, run_id, account_id

    def append(self, call: LLMCall) -> None:
        """Write one row.

        Raises:
            DuplicateError: this (call_id, seq, phase) is in the log already.
        """
        stamp = rows.Stamp(ts_init=call.ts_done, run_id=self._run_id, account_id=self._account_id)
        self._ops.append([rows.llm_call(stamp, call)])

    def newest(self, request_sha: str, cycle: str | None = None, until: int | None = None) -> tuple[LLMCall, ...]:
        """Rows of the newest call of this request that ended (in this cycle, by `until`), in the order of writing."""
        within = ""
        parameters: list[str | int] = [request_sha]
        for condition, value in ((" AND cycle = ?", cycle), (" AND ts_done <= ?", until)):
            if value is not None:
                within += condition
                parameters.append(value)
        found = self._ops.rows(
            f"SELECT {_COLUMNS} FROM llm_call WHERE request_sha = ? AND call_id = (SELECT call_id FROM llm_call "
            f"WHERE request_sha = ?{within} AND phase = 'done' ORDER BY id DESC LIMIT 1) ORDER BY id",
            [request_sha, *parameters],
        )
        return tuple(_fact(row) for row in found)

    def costs(self, since: int) -> tuple[tuple[int, str, str], ...]:
        """What each step sent at or after `since` did cost, or its worst case when it never ended."""
        found = self._ops.rows(
            "SELECT ts_sent, cycle, cost_usd FROM llm_call c WHERE ts_sent >= ? AND (phase = 'done' OR NOT EXISTS "
            "(SELECT 1 FROM llm_call d WHERE d.call_id = c.call_id AND d.seq = c.seq AND d.phase = 'done')) "
            "ORDER BY id",
            [since],
        )
        return tuple((row["ts_sent"], row["cycle"], row["cost_usd"]) for row in found)


def _fact(row: dict[str, Any]) -> LLMCall:
    return LLMCall(**{**row, "cost_usd": Decimal(row["cost_usd"]), "cost_is_bound": bool(row["cost_is_bound"])})
