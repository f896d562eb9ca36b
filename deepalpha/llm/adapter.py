"""The contract of an adapter: one turn on the wire, and every way it can fail as a value of one error type.

An adapter does no retry, no budget and no judging of answers; it never offers a tool; the SDK it wraps does not retry,
does not follow redirects, and gets its key and address from us only. `tests/contract/test_llm_adapters.py` runs every
adapter through every failure on a real socket.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import ModuleType
from typing import Any, Protocol, runtime_checkable

from deepalpha.llm.models import ModelRow, OutputMode
from deepalpha.llm.request import CallStatus, Usage

MAX_BODY_BYTES = 2 * 1024 * 1024
MAX_COUNTED_TOKENS = 100_000_000
CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 600.0  # above every deadline: the caller's deadline decides, not the SDK


class Finish(StrEnum):
    """Why a reply ended."""

    STOP = "stop"
    LENGTH = "length"
    REFUSAL = "refusal"
    TOOL = "tool"


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message after the system's. `carry` goes back to the provider as it came (its reasoning)."""

    role: str
    text: str
    carry: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What is sent. `schema` None is free text, for explanations only."""

    system: str
    messages: tuple[Message, ...]
    max_tokens: int
    output: OutputMode = OutputMode.PROMPT
    schema: Mapping[str, Any] | None = None
    temperature: float | None = None
    cache_key: str = ""

    def system_text(self) -> str:
        """The stable prefix: instructions, then the schema where the endpoint cannot take it as a parameter."""
        if self.schema is None or self.output is OutputMode.JSON_SCHEMA:
            return self.system
        shown = json.dumps(self.schema, sort_keys=True, separators=(",", ":"))
        return f"{self.system}\n\nAnswer with exactly one JSON object of this JSON schema and nothing else:\n{shown}"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What came back. `usage` None: the provider did not say, so the worst case is charged."""

    text: str
    finish: Finish
    usage: Usage | None
    body: str
    carry: Mapping[str, Any] = field(default_factory=dict)


class AdapterError(Exception):
    """A turn that brought no reply.

    Args:
        status: how the call would end if this was its last attempt.
        message: what happened; not yet redacted.
        retryable: whether the same turn may succeed later.
        retry_after_s: how long the provider asks to wait.
        may_cost: whether the provider may charge for it although nothing usable came back.
        body: what came back, if anything.
        lasting: asking again soon is in vain (a refused key).
        schema_unsupported: the endpoint does not take this form of schema; a more modest one may do.
    """

    def __init__(
        self,
        status: CallStatus,
        message: str,
        *,
        retryable: bool = False,
        retry_after_s: float | None = None,
        may_cost: bool = False,
        body: str = "",
        lasting: bool = False,
        schema_unsupported: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        self.may_cost = may_cost
        self.body = body
        self.lasting = lasting
        self.schema_unsupported = schema_unsupported


@runtime_checkable
class Adapter(Protocol):
    """One endpoint with one model."""

    provider: str
    model: str
    row: ModelRow

    def wire(self, turn: Turn) -> dict[str, Any]:
        """The body that `send` puts on the wire: what is recorded and hashed."""
        ...

    async def send(self, turn: Turn) -> Reply:
        """One request, one reply.

        Raises:
            AdapterError: anything else. Cancellation passes through.
        """
        ...

    def stream(self, turn: Turn) -> AsyncGenerator[str | Reply, None]:
        """Pieces of text as they come, and the whole reply at last. Raises as `send` does."""
        ...

    async def close(self) -> None:
        """Let go of the connections."""
        ...


def status_failure(code: int, body: object, headers: Mapping[str, str], message: str) -> AdapterError:
    """What an HTTP status means here."""
    text = body if isinstance(body, str) else json.dumps(body, default=str)
    said = text.lower()
    short = f"HTTP {code}: {message[:300]}"
    if code == 429:
        spent = "insufficient_quota" in said or "spend" in said
        status = CallStatus.DENIED if spent else CallStatus.RATE_LIMITED
        return AdapterError(
            status, short, retryable=not spent, retry_after_s=retry_after(headers), body=text, lasting=spent
        )
    if code in (408, 409) or code >= 500:
        return AdapterError(
            CallStatus.ERROR, short, retryable=True, retry_after_s=retry_after(headers), body=text, may_cost=code == 504
        )
    if "content_filter" in said or "content_policy" in said:
        return AdapterError(CallStatus.REFUSED, short, body=text)
    form = code in (400, 422) and any(
        name in said for name in ("response_format", "json_schema", "output_config", "output_format")
    )
    return AdapterError(CallStatus.DENIED, short, body=text, lasting=code in (401, 403), schema_unsupported=form)


def sdk_failure(sdk: ModuleType, error: Exception) -> AdapterError:
    """An SDK's exception as ours. Both SDKs come from one generator and share names."""
    if isinstance(error, sdk.APIStatusError):
        return status_failure(error.status_code, error.body or "", error.response.headers, str(error))
    if isinstance(error, sdk.APITimeoutError):
        # The connection may have been the slow part, but the request may also be running there.
        return AdapterError(CallStatus.TIMEOUT, "the provider did not answer in time", retryable=True, may_cost=True)
    cause = error.__cause__
    never_sent = type(cause).__name__ in {"ConnectError", "ConnectTimeout", "UnsupportedProtocol", "PoolTimeout"}
    detail = f"{type(error).__name__}: {error}" + (f" ({type(cause).__name__}: {cause})" if cause else "")
    return AdapterError(CallStatus.ERROR, detail[:300], retryable=True, may_cost=not never_sent)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header; dates and nonsense are as if it was not there."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * scale
        except ValueError:
            continue
        if 0 <= seconds < 1e6:
            return seconds
    return None


def as_object(body: str) -> dict[str, Any]:
    """The body as a JSON object.

    Raises:
        AdapterError: it is none.
    """
    try:
        loaded = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise protocol_failure(f"the body is not JSON ({error})", body) from error
    if not isinstance(loaded, dict):
        raise protocol_failure("the body is not a JSON object", body)
    return loaded


def protocol_failure(message: str, body: str) -> AdapterError:
    """A reply with status 200 that is none of this protocol: it may have been charged."""
    return AdapterError(CallStatus.ERROR, message[:300], retryable=True, may_cost=True, body=body)


def count(value: object) -> int:
    """A number of tokens as reported; anything that is no such number is zero."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_COUNTED_TOKENS:
        return value
    return 0
