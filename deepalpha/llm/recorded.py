"""From stored rows to a result: the one way, for what just happened as for what happened last year.

`Recorded` answers from the log alone, with no connection at all. The router builds its own results with `assemble` from
the rows it wrote, and answers an equal question inside the cache's time the same way, so a replay is byte-identical by
construction: `result.canonical()` is a function of the request and the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel

from deepalpha.llm.call_log import CallLog
from deepalpha.llm.request import CallStatus, LLMRequest, LLMResult, Usage
from deepalpha.llm.schema import InvalidAnswerError, parse_answer
from deepalpha.types import LLMCall

T = TypeVar("T", bound=BaseModel)

MAX_REASON_CHARS = 600


@runtime_checkable
class Completer(Protocol):
    """Whatever answers requests: the router, or the log of one. Never raises for a failed call."""

    @property
    def names(self) -> tuple[str, ...]:
        """``provider/model`` of each member, in failover order."""
        ...

    def weight(self, name: str) -> int:
        """Say of a member in an ensemble."""
        ...

    async def complete(self, request: LLMRequest[T], *, route: Sequence[str] | None = None) -> LLMResult[T]:
        """One answer, from the members of `route` in its order (all when None)."""
        ...


def assemble(request: LLMRequest[T], rows: Sequence[LLMCall]) -> LLMResult[T]:
    """The result that a call's rows mean. Rows are in the order of writing; there is at least one that is `done`."""
    done = [row for row in rows if row.phase == "done"]
    last = done[-1]
    usage = Usage()
    for row in done:
        usage += Usage(
            input_tokens=row.input_tokens,
            output_tokens=row.output_tokens,
            cached_tokens=row.cached_tokens,
            cache_write_tokens=row.cache_write_tokens,
        )
    status, parsed = CallStatus(last.status), None
    reason = "; ".join(_reason(row) for row in done if row.status != CallStatus.OK)
    if status is CallStatus.OK:
        try:
            parsed = parse_answer(request.schema, last.text)
        except InvalidAnswerError as error:
            # The row was valid when it was written: the schema has changed since.
            status, reason = CallStatus.INVALID, str(error)
    return LLMResult(
        status=status,
        reason=reason[:MAX_REASON_CHARS],
        parsed=parsed,
        call_id=last.call_id,
        provider=last.provider,
        model=last.model,
        usage=usage,
        cost_usd=sum((row.cost_usd for row in done), Decimal(0)),
        cost_is_bound=any(row.cost_is_bound for row in done),
        latency_ms=(last.ts_done - rows[0].ts_sent) // 1_000_000,
        attempts=sum(1 for row in done if row.request),
    )


def _reason(row: LLMCall) -> str:
    where = f"{row.provider}/{row.model}: " if row.provider else ""
    return f"{where}{row.status}: {row.reason}" if row.reason else f"{where}{row.status}"


class Recorded:
    """Answers from a log; what is not there is `not_recorded`, never a new call.

    Args:
        log: where the calls were written.
        names: ``provider/model`` in the failover order of then: part of what identifies a call.
        weights: say of each name in ensembles, 1 where nothing is said.
        cycle: look at calls of this cycle (of the decision that is replayed).
        until: and, where it has none, at the newest call that ended by then (UTC ns): the question may have been
            answered from the router's cache. None: at nothing else.

    Attributes:
        found: how many requests were answered.
    """

    def __init__(
        self,
        log: CallLog,
        names: Sequence[str],
        *,
        weights: dict[str, int] | None = None,
        cycle: str | None = None,
        until: int | None = None,
    ) -> None:
        self.found = 0
        self._log, self._names, self._cycle, self._until = log, tuple(names), cycle, until
        self._weights = weights or {}

    @property
    def names(self) -> tuple[str, ...]:
        """``provider/model`` of each member, in failover order."""
        return self._names

    def weight(self, name: str) -> int:
        """Say of a member in an ensemble."""
        return self._weights.get(name, 1)

    async def complete(self, request: LLMRequest[T], *, route: Sequence[str] | None = None) -> LLMResult[T]:
        """What this request was answered when it was asked."""
        sha = request.request_sha(self._names if route is None else tuple(route))
        rows = self._log.newest(sha, self._cycle)
        if not rows and self._until is not None:
            rows = self._log.newest(sha, until=self._until)
        if not rows:
            where = "the log" if self._cycle is None else f"cycle {self._cycle}"
            return LLMResult(
                status=CallStatus.NOT_RECORDED,
                reason=f"{where} has no call {sha[:12]} for {request.purpose}: settings, code or data differ from then",
                replayed=True,
            )
        self.found += 1
        return replace(assemble(request, rows), replayed=True)


def fresh(log: CallLog, request: LLMRequest[T], sha: str, since: int) -> LLMResult[T] | None:
    """The answer to an equal question that ended well at or after `since`; None when there is none."""
    rows = log.newest(sha)
    if not rows or rows[-1].status != CallStatus.OK or rows[-1].ts_done < since:
        return None
    return replace(assemble(request, rows), replayed=True)
