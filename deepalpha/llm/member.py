"""One provider inside the router: its adapter, its price, and what keeps it from being asked too often."""

from __future__ import annotations

import asyncio

from deepalpha.llm.adapter import Adapter, Turn
from deepalpha.llm.guard import Breaker, TokenBucket
from deepalpha.llm.models import OutputMode, Price
from deepalpha.llm.request import Usage
from deepalpha.types import encode

# What a provider may add around a prompt (roles, separators, its own instructions for structured output).
OVERHEAD_TOKENS = 1024


class Member:
    """A provider with one model.

    Args:
        adapter: speaks to it.
        price: picodollars a token; None is unknown, and every call is refused then.
        output: how it is asked for objects; lowered for good when the endpoint says it cannot.
        weight: say in an ensemble.
        concurrency: calls at the same time.
        requests_per_minute: calls begun in a minute.
    """

    def __init__(
        self,
        adapter: Adapter,
        price: Price | None,
        *,
        output: OutputMode | None = None,
        weight: int = 1,
        concurrency: int = 4,
        requests_per_minute: int = 60,
        breaker: Breaker | None = None,
    ) -> None:
        self.adapter = adapter
        self.price = price
        self.output = adapter.row.output if output is None else output
        self.weight = weight
        self.slots = asyncio.Semaphore(concurrency)
        self.bucket = TokenBucket(requests_per_minute, burst=max(concurrency, 1))
        self.breaker = breaker or Breaker()

    @property
    def name(self) -> str:
        """``provider/model``."""
        return f"{self.adapter.provider}/{self.adapter.model}"

    def worst_case(self, turn: Turn) -> tuple[int, str]:
        """Picodollars that this turn can cost at most, or why that is not known.

        A token is at least one byte of text, so the bytes of the request bound its tokens from above.
        """
        if self.price is None:
            return 0, f"the price of {self.name} is not known; set llm.providers.{self.adapter.provider}.price"
        tokens = len(encode(self.adapter.wire(turn))) + OVERHEAD_TOKENS
        row = self.adapter.row
        if row.priced_up_to is not None and tokens > row.priced_up_to:
            return 0, f"the price of {self.name} is known up to {row.priced_up_to} input tokens, this may be {tokens}"
        if row.max_output is not None and turn.max_tokens > row.max_output:
            return 0, f"{self.name} answers with at most {row.max_output} tokens, not {turn.max_tokens}"
        return self.price.worst_case(tokens, turn.max_tokens), ""

    def cost(self, usage: Usage) -> int:
        """Picodollars for what was used."""
        return 0 if self.price is None else self.price.cost(usage)

    def lower_output(self) -> bool:
        """Ask more modestly from now on; whether there was a way."""
        if self.output is OutputMode.JSON_SCHEMA:
            self.output = OutputMode.JSON_OBJECT
            return True
        if self.output is OutputMode.JSON_OBJECT:
            self.output = OutputMode.PROMPT
            return True
        return False
