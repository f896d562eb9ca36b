"""The router: one question, one deadline, as many providers as it takes, and never an exception for a failed call.

Order of things for a question: the log's fresh answer to an equal one -> the failover order, round by round, each
member by its ladder -> a typed status. A member that failed for good is not asked again; between rounds the router
waits with jitter, or as long as the providers ask for if that ends before the deadline. Everything is inside one
`asyncio.timeout`. A caller that is cancelled leaves a row that says so.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from pydantic import BaseModel

from deepalpha.errors import LLMError, StoreError
from deepalpha.llm.budget import Budget
from deepalpha.llm.call import Call, Clock, Office
from deepalpha.llm.call_log import CallLog
from deepalpha.llm.guard import Circuit
from deepalpha.llm.ladder import climb, judge
from deepalpha.llm.member import Member
from deepalpha.llm.recorded import assemble, fresh
from deepalpha.llm.request import CallStatus, LLMRequest, LLMResult, Prompt
from deepalpha.llm.security import Redactor
from deepalpha.types import SECOND, encode

T = TypeVar("T", bound=BaseModel)

FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 8.0
RULE_ONLY = "rule-only"
WITH_MODELS = "llm"


@dataclass(frozen=True, kw_only=True)
class MemberState:
    """A provider as a screen shows it."""

    name: str
    circuit: Circuit
    priced: bool


@dataclass(frozen=True, kw_only=True)
class RouterState:
    """The whole layer as a screen shows it."""

    mode: str
    words: str
    spent_today_usd: Decimal
    spent_this_month_usd: Decimal
    members: tuple[MemberState, ...]


class Router:
    """Asks models.

    Args:
        members: in failover order.
        budget: what may be spent.
        log: where every step is written before and after the wire.
        redactor: applied to everything that is written.
        run_id: one start of a process; part of call ids.
        rounds: times the failover order is tried.
        cache_s: seconds an equal question is answered from the log; 0 never.
        clock: UTC nanoseconds.
        monotonic: seconds for deadlines and rates.
        sleep: how to wait.
        rng: jitter.
    """

    def __init__(
        self,
        members: Sequence[Member],
        *,
        budget: Budget,
        log: CallLog,
        redactor: Redactor | None = None,
        run_id: str = "run",
        rounds: int = 2,
        cache_s: float = 300.0,
        clock: Clock = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rng: random.Random | None = None,
    ) -> None:
        self._members = {member.name: member for member in members}
        if len(self._members) != len(members):
            raise LLMError("two providers have the same name and model; each needs its own")
        self._office = Office(
            log=log,
            budget=budget,
            redactor=redactor or Redactor(),
            clock=clock,
            monotonic=monotonic,
            sleep=sleep,
        )
        self._run_id, self._rounds, self._cache_ns = run_id, rounds, int(cache_s * SECOND)
        self._rng = rng or random.Random()
        self._asked = 0

    @property
    def names(self) -> tuple[str, ...]:
        """``provider/model`` of each member, in failover order."""
        return tuple(self._members)

    def weight(self, name: str) -> int:
        """Say of a member in an ensemble."""
        return self._members[name].weight

    @property
    def mode(self) -> str:
        """``llm``, or ``rule-only`` when no model can be asked."""
        return RULE_ONLY if self.words else WITH_MODELS

    @property
    def words(self) -> str:
        """Why it is rule-only, for the screen; empty when it is not."""
        if not self._members:
            return "no language model is set up (llm.providers); rules only"
        return self._office.budget.exhausted(self._office.clock())

    def state(self) -> RouterState:
        """Mode, money and circuits."""
        now = self._office.clock()
        return RouterState(
            mode=self.mode,
            words=self.words,
            spent_today_usd=self._office.budget.used("day", now),
            spent_this_month_usd=self._office.budget.used("month", now),
            members=tuple(
                MemberState(
                    name=name,
                    circuit=member.breaker.state(self._office.monotonic()),
                    priced=member.price is not None,
                )
                for name, member in self._members.items()
            ),
        )

    async def complete(self, request: LLMRequest[T], *, route: Sequence[str] | None = None) -> LLMResult[T]:
        """One answer, from the members of `route` in its order (all when None).

        Raises:
            LLMError: a name in `route` is no member.
        """
        members = self.chosen(route)
        sha = request.request_sha(tuple(member.name for member in members))
        try:
            if self._cache_ns and (hit := fresh(self._office.log, request, sha, self._since())):
                return hit
            call = self.begin(request, sha, request.schema_sha, judge(request.schema))
            await self._to_the_end(call, request, members)
            return assemble(request, call.rows)
        except StoreError as error:
            # Unwritten means unsent or unproven: no answer without its row.
            reason = self._office.redactor(f"the call cannot be recorded: {error}")
            return LLMResult(status=CallStatus.ERROR, reason=reason)

    def begin(self, prompt: Prompt, request_sha: str, schema_sha: str, judged: Callable[[str], str]) -> Call:
        """A call with an id of its own."""
        self._asked += 1
        parts = [self._run_id, request_sha, self._office.clock(), self._asked]
        call_id = hashlib.sha256(encode(parts)).hexdigest()[:24]
        return Call(self._office, prompt, call_id=call_id, request_sha=request_sha, schema_sha=schema_sha, judge=judged)

    def end(self, call: Call) -> None:
        """The call is over, its own cap is forgotten."""
        self._office.budget.end_call(call.call_id)

    async def _to_the_end(self, call: Call, request: LLMRequest[T], members: Sequence[Member]) -> None:
        try:
            async with asyncio.timeout(request.deadline_s):
                await self._rounds_of(call, request, members)
        except TimeoutError:
            call.timed_out()
        finally:
            self.end(call)

    async def _rounds_of(self, call: Call, request: LLMRequest[T], members: Sequence[Member]) -> None:
        pending = list(members)
        skipped: list[str] = []
        for number in range(self._rounds):
            waits: dict[str, float] = {}
            for member in tuple(pending):
                outcome = await climb(call, member, request)
                if outcome.status is CallStatus.OK:
                    return
                if outcome.status is CallStatus.UNAVAILABLE:
                    skipped.append(outcome.reason)
                backoff = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2**number) * self._rng.uniform(0.5, 1.0)
                waits[member.name] = backoff if outcome.retry_after_s is None else outcome.retry_after_s
                if not outcome.retryable or waits[member.name] >= call.remaining():
                    pending.remove(member)
            if not pending or number + 1 == self._rounds:
                break
            await self._office.sleep(min(waits[member.name] for member in pending))
        if not call.rows:
            words = "; ".join(skipped) or self.words or "no provider in the route"
            call.closed(CallStatus.UNAVAILABLE, words)

    def chosen(self, route: Sequence[str] | None) -> list[Member]:
        """Members of a route, all when it is None."""
        if route is None:
            return list(self._members.values())
        unknown = [name for name in route if name not in self._members]
        if unknown:
            raise LLMError(f"no provider {unknown[0]!r}; there are: {', '.join(self._members) or 'none'}")
        return [self._members[name] for name in route]

    def _since(self) -> int:
        return self._office.clock() - self._cache_ns

    async def close(self) -> None:
        """Let go of all connections."""
        for member in self._members.values():
            await member.adapter.close()
