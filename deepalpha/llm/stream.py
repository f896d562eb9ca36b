"""Explanations as they are written: text for a person's eyes, never read by the program.

A stream has no say in anything: it is not parsed, not fused and not replayed. It is still budgeted, bounded in time and
recorded, and it ends in a typed status instead of an exception. Another member is tried only before the first piece.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncGenerator, Sequence

from deepalpha.errors import StoreError
from deepalpha.llm.adapter import AdapterError, Message, Reply, Turn
from deepalpha.llm.call import Call, Outcome, Ticket
from deepalpha.llm.request import CallStatus, Prompt
from deepalpha.llm.router import Router
from deepalpha.llm.untrusted import visible
from deepalpha.types import encode


class TextStream:
    """Iterate it once for the pieces; afterwards `status` says how it ended and `text` is the whole.

    Example:
        >>> stream = stream_text(router, Prompt(system="...", user="...", purpose="explain"))   # doctest: +SKIP
        >>> async for piece in stream: show(piece)                                              # doctest: +SKIP
    """

    def __init__(self, router: Router, prompt: Prompt, route: Sequence[str] | None) -> None:
        self._router, self._prompt, self._members = router, prompt, router.chosen(route)
        self.status: CallStatus = CallStatus.CANCELLED
        self.reason = "the stream was not read to its end"
        self.text = ""

    async def __aiter__(self) -> AsyncGenerator[str, None]:
        prompt = self._prompt
        sha = hashlib.sha256(
            encode([prompt.prompt_sha, prompt.max_tokens, [m.name for m in self._members]])
        ).hexdigest()
        call = self._router.begin(prompt, sha, "", lambda text: "" if text.strip() else "the model said nothing")
        try:
            async with contextlib.aclosing(self._pieces(call)) as pieces:
                async for piece in pieces:
                    self.text += piece
                    yield piece
        except TimeoutError:
            call.timed_out()
            self.status, self.reason = CallStatus.TIMEOUT, f"no end within {prompt.deadline_s:g} s"
        except StoreError as error:
            self.status, self.reason = CallStatus.ERROR, f"the call cannot be recorded: {error}"
        finally:
            self._router.end(call)

    async def _pieces(self, call: Call) -> AsyncGenerator[str, None]:
        outcome = Outcome(status=CallStatus.UNAVAILABLE, reason=self._router.words or "no provider in the route")
        turn = Turn(
            system=self._prompt.system,
            messages=(Message(role="user", text=self._prompt.user),),
            max_tokens=self._prompt.max_tokens,
            cache_key=f"deepalpha-{self._prompt.stable_sha[:24]}",
        )
        for member in self._members:
            async with asyncio.timeout(call.remaining()):
                begun = await call.begin(member, turn)
            if isinstance(begun, Outcome):
                outcome = begun
                continue
            ended: list[Outcome] = []
            async with contextlib.aclosing(self._of_member(call, begun, ended)) as pieces:
                async for piece in pieces:
                    yield piece
            outcome = ended[0]
            if outcome.status is CallStatus.OK or self.text:
                break
        if not call.rows:
            call.closed(outcome.status, outcome.reason)
        self.status, self.reason = outcome.status, outcome.reason

    async def _of_member(self, call: Call, ticket: Ticket, ended: list[Outcome]) -> AsyncGenerator[str, None]:
        source = ticket.member.adapter.stream(ticket.turn)
        try:
            while True:
                # The deadline is around each step, not around the generator: a timeout must not span a yield.
                async with asyncio.timeout(call.remaining()):
                    part = await anext(source)
                if isinstance(part, Reply):
                    ended.append(call.replied(ticket, part))
                    return
                if shown := visible(part):
                    yield shown
        except AdapterError as error:
            ended.append(call.failed(ticket, error))
        finally:
            if not ended:
                call.cut(ticket)
            await source.aclose()


def stream_text(router: Router, prompt: Prompt, *, route: Sequence[str] | None = None) -> TextStream:
    """Text for display, piece by piece."""
    return TextStream(router, prompt, route)
