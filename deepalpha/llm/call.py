"""One call as it proceeds: every step reserved, written before the wire, settled and written after it.

Invariants: each step that reaches the wire has a `sent` row before it and a `done` row after it, also when it is
cancelled; a slot, a reservation and a breaker's admission are given back exactly once; nothing is written unredacted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from deepalpha.llm.adapter import AdapterError, Finish, Reply, Turn
from deepalpha.llm.budget import Budget, Refusal, Reservation
from deepalpha.llm.call_log import CallLog
from deepalpha.llm.member import Member
from deepalpha.llm.models import dollars
from deepalpha.llm.request import CallStatus, Prompt, Usage
from deepalpha.llm.security import Redactor
from deepalpha.types import LLMCall, encode

MAX_STORED_CHARS = 200_000

Clock = Callable[[], int]
Judge = Callable[[str], str]
"""What is wrong with a text, empty when nothing is."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one step ended, as the ladder and the failover need to know it."""

    status: CallStatus
    reason: str = ""
    text: str = ""
    carry: Mapping[str, Any] = field(default_factory=dict)
    retryable: bool = False
    retry_after_s: float | None = None
    schema_unsupported: bool = False
    repairable: bool = False


@dataclass(kw_only=True)
class Ticket:
    """A step on the wire."""

    member: Member
    turn: Turn
    reservation: Reservation
    sent: LLMCall


@dataclass(frozen=True, kw_only=True)
class Office:
    """What every call needs: where to write, what may be spent, what time it is, how to wait."""

    log: CallLog
    budget: Budget
    redactor: Redactor
    clock: Clock
    monotonic: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]


class Call:
    """The steps of one question."""

    def __init__(
        self, office: Office, prompt: Prompt, *, call_id: str, request_sha: str, schema_sha: str, judge: Judge
    ) -> None:
        self._office, self._prompt, self._judge = office, prompt, judge
        self._shas = (request_sha, schema_sha)
        self.call_id = call_id
        self.rows: list[LLMCall] = []
        self._seq = 0
        self._until = office.monotonic() + prompt.deadline_s
        self.in_flight: Member | None = None

    def remaining(self) -> float:
        """Seconds until the deadline."""
        return self._until - self._office.monotonic()

    async def attempt(self, member: Member, turn: Turn) -> Outcome:
        """One turn with one member, whatever becomes of it."""
        ticket = await self.begin(member, turn)
        if isinstance(ticket, Outcome):
            return ticket
        ended = False
        try:
            try:
                reply = await member.adapter.send(turn)
            except AdapterError as error:
                ended = True
                return self.failed(ticket, error)
            ended = True
            return self.replied(ticket, reply)
        finally:
            if not ended:
                self.cut(ticket)

    async def begin(self, member: Member, turn: Turn) -> Ticket | Outcome:
        """Everything before the wire: circuit, price, rate, slot, money, row."""
        office = self._office
        amount, unknown = member.worst_case(turn)
        if unknown:
            return self._not_sent(member, CallStatus.BUDGET, unknown)
        if not member.breaker.admit(office.monotonic()):
            # No row: an open circuit is the state of the provider, not an event of this call.
            return Outcome(status=CallStatus.UNAVAILABLE, reason=f"{member.name}: circuit open after repeated faults")
        admitted = False
        try:
            now = office.monotonic()
            wait = member.bucket.wait(now)
            if wait >= self.remaining():
                words = f"our own limit of calls a minute: {wait:.1f} s to wait"
                return self._not_sent(member, CallStatus.RATE_LIMITED, words)
            member.bucket.take(now)
            if wait > 0:
                await office.sleep(wait)
            await member.slots.acquire()
            try:
                held = office.budget.reserve(
                    call_id=self.call_id, cycle=self._prompt.cycle, amount=amount, now=office.clock()
                )
                if isinstance(held, Refusal):
                    return self._not_sent(member, CallStatus.BUDGET, held.words)
                try:
                    sent = self._write_sent(member, turn, amount)
                    admitted = True
                finally:
                    if not admitted:
                        office.budget.settle(held, 0)
            finally:
                if not admitted:
                    member.slots.release()
        finally:
            if not admitted:
                member.breaker.abandoned()
        self.in_flight = member
        return Ticket(member=member, turn=turn, reservation=held, sent=sent)

    def replied(self, ticket: Ticket, reply: Reply) -> Outcome:
        """A reply came: judge it and write it."""
        text = self._office.redactor(reply.text)
        status, reason, repairable = CallStatus.OK, "", False
        if reply.finish is Finish.LENGTH:
            status, reason = CallStatus.TRUNCATED, f"the answer stopped at the limit of {ticket.turn.max_tokens} tokens"
        elif reply.finish is Finish.REFUSAL:
            status, reason = CallStatus.REFUSED, "the model or the provider's filter declined to answer"
        elif reply.finish is Finish.TOOL:
            status, reason = CallStatus.INVALID, "the model called a tool; none was offered"
        elif problem := self._judge(text):
            status, reason, repairable = CallStatus.INVALID, problem, True
        ticket.member.breaker.succeeded()
        amount = ticket.reservation.amount if reply.usage is None else ticket.member.cost(reply.usage)
        self._write_done(
            ticket,
            status,
            reason,
            text=text,
            body=reply.body,
            usage=reply.usage,
            amount=amount,
            bound=reply.usage is None,
        )
        return Outcome(status=status, reason=reason, text=text, carry=reply.carry, repairable=repairable)

    def failed(self, ticket: Ticket, error: AdapterError) -> Outcome:
        """The adapter brought an error."""
        breaker, now = ticket.member.breaker, self._office.monotonic()
        if error.status in (CallStatus.ERROR, CallStatus.TIMEOUT):
            breaker.failed(now)
        elif error.lasting:
            breaker.failed(now, lasting=True)
        else:
            breaker.abandoned()
        reason = self._office.redactor(str(error))
        amount = ticket.reservation.amount if error.may_cost else 0
        self._write_done(ticket, error.status, reason, body=error.body, amount=amount, bound=error.may_cost)
        return Outcome(
            status=error.status,
            reason=reason,
            retryable=error.retryable,
            retry_after_s=error.retry_after_s,
            schema_unsupported=error.schema_unsupported,
        )

    def cut(self, ticket: Ticket) -> None:
        """The step ended from outside: the deadline, or whoever asked went away. It may have been charged."""
        ticket.member.breaker.abandoned()
        words = "cut off before the reply was complete"
        self._write_done(ticket, CallStatus.CANCELLED, words, amount=ticket.reservation.amount, bound=True)

    def timed_out(self) -> None:
        """The deadline has passed."""
        member = self.in_flight
        if member is not None and self.rows and self.rows[-1].status == CallStatus.CANCELLED:
            member.breaker.failed(self._office.monotonic())
        self._not_sent(member, CallStatus.TIMEOUT, f"no answer within {self._prompt.deadline_s:g} s")

    def closed(self, status: CallStatus, reason: str) -> None:
        """The call ends without a step that says how."""
        self._not_sent(None, status, reason)

    def _not_sent(self, member: Member | None, status: CallStatus, reason: str) -> Outcome:
        row = self._row(member, None, self._office.clock())
        self._append(_with(row, phase="done", status=status.value, reason=self._office.redactor(reason)))
        return Outcome(status=status, reason=reason)

    def _row(self, member: Member | None, turn: Turn | None, now: int) -> LLMCall:
        self._seq += 1
        request_sha, schema_sha = self._shas
        wire = "" if member is None or turn is None else encode(member.adapter.wire(turn)).decode()
        return LLMCall(
            call_id=self.call_id,
            seq=self._seq,
            phase="sent",
            status="sent",
            provider="" if member is None else member.adapter.provider,
            model="" if member is None else member.adapter.model,
            purpose=self._prompt.purpose,
            cycle=self._prompt.cycle,
            request_sha=request_sha,
            schema_sha=schema_sha,
            prompt_sha=self._prompt.prompt_sha,
            request=self._office.redactor(wire),
            ts_sent=now,
            ts_done=now,
        )

    def _write_sent(self, member: Member, turn: Turn, amount: int) -> LLMCall:
        row = _with(self._row(member, turn, self._office.clock()), cost_usd=dollars(amount), cost_is_bound=True)
        self._append(row)
        return row

    def _write_done(
        self,
        ticket: Ticket,
        status: CallStatus,
        reason: str,
        *,
        text: str = "",
        body: str = "",
        usage: Usage | None = None,
        amount: int,
        bound: bool,
    ) -> None:
        ticket.member.slots.release()
        self._office.budget.settle(ticket.reservation, amount)
        used = usage or Usage()
        self._append(
            _with(
                ticket.sent,
                phase="done",
                status=status.value,
                reason=reason,
                text=text[:MAX_STORED_CHARS],
                response=self._office.redactor(body[:MAX_STORED_CHARS]),
                input_tokens=used.input_tokens,
                output_tokens=used.output_tokens,
                cached_tokens=used.cached_tokens,
                cache_write_tokens=used.cache_write_tokens,
                cost_usd=dollars(amount),
                cost_is_bound=bound,
                ts_done=self._office.clock(),
            )
        )

    def _append(self, row: LLMCall) -> None:
        self._office.log.append(row)
        self.rows.append(row)


def _with(row: LLMCall, **changes: Any) -> LLMCall:
    return msgspec.structs.replace(row, **changes)
