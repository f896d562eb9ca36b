"""What is asked of a model and what comes back, the same for every provider.

Invariants: a result is an opinion only when its status is `ok`; every other status has `parsed = None`, so a failure
can never be read as a neutral answer. A result is a pure function of the request and of the stored rows of its call
(`deepalpha.llm.recorded.assemble`), which is why a replay gives the same bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from deepalpha.errors import LLMError, RecordedCallMissingError
from deepalpha.llm.schema import check_schema, json_schema
from deepalpha.types import encode

T = TypeVar("T", bound=BaseModel)

MAX_PROMPT_CHARS = 200_000
MAX_OUTPUT_TOKENS = 16_000


class CallStatus(StrEnum):
    """How a call ended. Only `ok` carries an answer."""

    OK = "ok"
    ERROR = "error"
    """Connection, 5xx, or a reply that is no reply of this protocol."""
    TIMEOUT = "timeout"
    BUDGET = "budget"
    """Not sent: the worst case would exceed a cap, or the model's price is unknown."""
    REFUSED = "refused"
    """The model or the provider's filter declined."""
    TRUNCATED = "truncated"
    """The answer stopped at the token limit."""
    RATE_LIMITED = "rate_limited"
    INVALID = "invalid"
    """The answer does not fit the schema, also not after one repair turn."""
    DENIED = "denied"
    """The provider refuses the request itself: key, permission, model name or parameters."""
    UNAVAILABLE = "unavailable"
    """Not sent: no provider is set up, or every circuit is open."""
    NO_QUORUM = "no_quorum"
    """Too few members of an ensemble answered, or they are tied."""
    NOT_RECORDED = "not_recorded"
    """A replay has no such call."""
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A text to a model: the stable part first, so that providers can cache it, the volatile part last.

    Args:
        system: instructions and everything that stays the same from call to call.
        user: the numbers of this moment.
        purpose: what the call is for, e.g. ``review:technical``; in logs and the cost table.
        cycle: what the call belongs to, e.g. the snapshot's hash: caps per cycle count on it, replay looks it up.
        max_tokens: bound of the answer, reasoning included.
        deadline_s: bound of everything: waiting, retries, failover and the repair turn.
    """

    system: str
    user: str
    purpose: str
    cycle: str = ""
    max_tokens: int = 800
    deadline_s: float = 20.0

    def __post_init__(self) -> None:
        if not 1 <= self.max_tokens <= MAX_OUTPUT_TOKENS:
            raise LLMError(f"max_tokens {self.max_tokens} is not in 1..={MAX_OUTPUT_TOKENS}")
        if not 0 < self.deadline_s <= 600:
            raise LLMError(f"deadline_s {self.deadline_s} is not in 0..=600")
        size = len(self.system) + len(self.user)
        if not self.user or size > MAX_PROMPT_CHARS:
            raise LLMError(f"a prompt of {size} characters is not in 1..={MAX_PROMPT_CHARS} (user part not empty)")

    @cached_property
    def prompt_sha(self) -> str:
        """Hash of the texts."""
        return _sha(encode([self.system, self.user]))

    @cached_property
    def stable_sha(self) -> str:
        """Hash of what stays the same from call to call."""
        return _sha(encode([self.purpose, self.system]))


@dataclass(frozen=True, kw_only=True)
class LLMRequest(Prompt, Generic[T]):
    """A question whose answer must be one object of `schema`.

    Args:
        schema: a subclass of `deepalpha.llm.Answer`: closed, every field required.
        sample: number of the draw when one model is asked several times.
        temperature: sent only to models that accept it.
    """

    schema: type[T]
    sample: int = 0
    temperature: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_schema(self.schema)

    @cached_property
    def schema_sha(self) -> str:
        """Hash of the JSON schema."""
        return _sha(encode(json_schema(self.schema)))

    def request_sha(self, route: tuple[str, ...]) -> str:
        """Hash of everything the answer depends on; `route` is ``provider/model`` in the order of trial."""
        return _sha(
            encode(
                [self.system, self.user, self.schema_sha, self.max_tokens, self.temperature, self.sample, list(route)]
            )
        )


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens of one or several replies. `cached_tokens` is the part of the input that was read from a cache."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
        )


@dataclass(frozen=True, kw_only=True)
class LLMResult(Generic[T]):
    """Outcome of a call. `parsed` is None unless `status` is ok.

    `cost_usd` is what the provider charges by the dated price table; where a provider may have charged but did not say
    (a call cut off half-way) it is the worst case, and `cost_is_bound` is true.
    """

    status: CallStatus
    reason: str = ""
    parsed: T | None = None
    call_id: str = ""
    provider: str = ""
    model: str = ""
    usage: Usage = field(default_factory=Usage)
    cost_usd: Decimal = Decimal(0)
    cost_is_bound: bool = False
    latency_ms: int = 0
    attempts: int = 0
    samples: int = 1
    agreement: float | None = None
    """Share of the ensemble's weight behind the answer; None for a single call."""
    replayed: bool = False
    """Whether it was read from the log: nothing was sent and nothing paid this time. Not part of `canonical`."""

    @property
    def ok(self) -> bool:
        """Whether there is an answer."""
        return self.status is CallStatus.OK

    @property
    def cached_share(self) -> float | None:
        """Cached input tokens over all input tokens; None when none were counted."""
        return self.usage.cached_tokens / self.usage.input_tokens if self.usage.input_tokens else None

    def unwrap(self) -> T:
        """The answer.

        Raises:
            RecordedCallMissingError: a replay has no such call.
            LLMError: the call failed; carries the status.
        """
        if self.parsed is not None:
            return self.parsed
        if self.status is CallStatus.NOT_RECORDED:
            raise RecordedCallMissingError(self.reason)
        raise LLMError(f"the model gave no answer ({self.status.value}): {self.reason}", status=self.status.value)

    def canonical(self) -> bytes:
        """The result as canonical JSON, to compare a replay with what happened."""
        fields: dict[str, Any] = {name: getattr(self, name) for name in self.__dataclass_fields__}
        del fields["replayed"]
        fields["parsed"] = None if self.parsed is None else self.parsed.model_dump(mode="json")
        return encode(fields)


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
