"""Every error DeepAlpha raises on purpose.

    DeepAlphaError
    ├── ConfigError            a setting is missing, unknown or out of range
    ├── MarketDataError        bars, files or symbols that cannot be used
    ├── IndicatorError         a bad argument to an indicator (also a ValueError)
    ├── ProviderError          a news or model provider failed (retryable says whether to try again)
    │   └── LLMError           a model gave no answer, or was asked what cannot be asked; carries the status
    │       └── RecordedCallMissingError   a replay has no such call
    ├── GatewayError           an order could not reach, or was misunderstood by, a venue
    ├── RiskRefused            the risk gate said no; carries rule, value and bound
    ├── OrderError             an illegal order, amount or life-cycle step
    ├── StoreError             ops.sqlite, deepalpha.duckdb or the catalog
    │   └── DuplicateError     the row is in the log already: the same click, order or fill twice
    ├── EngineError            the engine process: already running, not running, did not stop
    └── HubError               the WebSocket hub: cannot listen, a topic or message it does not take, stopped
        └── HubBusyError       a reliable topic is full; nothing was sent, the same call may succeed later

Each carries what was wrong and the way out in its message. Whether to retry is a property of the error (`retryable`),
never a decision of the caller.
"""

from __future__ import annotations


class DeepAlphaError(Exception):
    """Base of all errors raised on purpose; `retryable` tells whether the same call may succeed later."""

    retryable = False


class ConfigError(DeepAlphaError):
    """A setting is missing, unknown or out of range. The message names the key, the value and the bound."""


class MarketDataError(DeepAlphaError):
    """Market data that is missing, malformed or not usable for what was asked."""


class IndicatorError(DeepAlphaError, ValueError):
    """An argument of an indicator is out of bounds, of the wrong length or of an unusable type."""


class ProviderError(DeepAlphaError):
    """A news or model provider failed.

    Args:
        message: what happened and what to do.
        retryable: whether the same request may succeed later.
    """

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class LLMError(ProviderError):
    """A language model gave no answer, or was asked what cannot be asked.

    Args:
        message: what happened and what to do.
        status: the call's status (`deepalpha.llm.CallStatus`), empty when nothing was called.
        retryable: whether the same request may succeed later.
    """

    def __init__(self, message: str, *, status: str = "", retryable: bool = False) -> None:
        super().__init__(message, retryable=retryable)
        self.status = status


class RecordedCallMissingError(LLMError):
    """A replay asked for a call that was never recorded: the code, the settings or the data changed since."""

    def __init__(self, message: str) -> None:
        super().__init__(message, status="not_recorded")


class GatewayError(DeepAlphaError):
    """A venue could not be reached or gave an answer that cannot be booked."""


class OrderError(DeepAlphaError, ValueError):
    """An order, amount or life-cycle step that cannot exist."""


class RiskRefused(DeepAlphaError):
    """The risk gate refused an order.

    Args:
        rule: wire name of the rule, for example ``max_notional``.
        message: the refusal in words, with value and bound.
        value: what was measured.
        bound: what the rule allows.
    """

    def __init__(self, rule: str, message: str, value: str = "", bound: str = "") -> None:
        super().__init__(message)
        self.rule = rule
        self.value = value
        self.bound = bound


class StoreError(DeepAlphaError):
    """A failure of persistence. The message names the file and the way out."""


class DuplicateError(StoreError):
    """A row with this key is in the log already: the same click, order or fill came twice. Nothing was written."""


class EngineError(DeepAlphaError):
    """The engine process is not in the state the call needs."""


class HubError(DeepAlphaError):
    """The WebSocket hub cannot do what was asked. The message names the value, the bound and the way out."""


class HubBusyError(HubError):
    """A reliable topic holds as much as it may of what is not sent yet. Nothing was accepted; try again later."""

    retryable = True


__all__ = [
    "ConfigError",
    "DeepAlphaError",
    "DuplicateError",
    "EngineError",
    "GatewayError",
    "HubBusyError",
    "HubError",
    "IndicatorError",
    "LLMError",
    "MarketDataError",
    "OrderError",
    "ProviderError",
    "RecordedCallMissingError",
    "RiskRefused",
    "StoreError",
]
