"""What both SDK adapters share: a client that does only what we say, bounded reading, and one translation of errors.

The SDKs connect, authenticate and tell HTTP errors apart; bodies are read here as bytes with a bound and taken apart
here, because the SDKs build their objects without checking them.
"""

from __future__ import annotations

import contextlib
import importlib
import json
from collections.abc import AsyncGenerator, Callable, Iterator
from types import ModuleType
from typing import Any

from deepalpha.errors import ConfigError
from deepalpha.llm.adapter import (
    CONNECT_TIMEOUT_S,
    MAX_BODY_BYTES,
    READ_TIMEOUT_S,
    AdapterError,
    as_object,
    protocol_failure,
    sdk_failure,
)
from deepalpha.llm.models import ModelRow
from deepalpha.llm.request import CallStatus
from deepalpha.llm.security import allowed_base_url, checked_model, checked_name, is_loopback

DONE = "[DONE]"


class SdkAdapter:
    """Base of the adapters over an official SDK.

    Raises:
        ConfigError: the SDK is not installed, or a name or the address is refused.
    """

    def __init__(self, sdk: str, provider: str, model: str, row: ModelRow, base_url: str) -> None:
        self.provider, self.model, self.row = checked_name(provider), checked_model(model), row
        self._url = allowed_base_url(base_url)
        try:
            self._sdk: ModuleType = importlib.import_module(sdk)
            self._http: ModuleType = importlib.import_module("httpx2")
        except ImportError as error:
            raise ConfigError(f"the {sdk} SDK is not installed; pip install 'deepalpha[llm]'") from error
        self._sdk_error: type[Exception] = getattr(self._sdk, "OpenAIError", None) or self._sdk.AnthropicError
        self._client: Any = None

    def _client_options(self) -> dict[str, Any]:
        return {
            "base_url": self._url,
            "max_retries": 0,
            "timeout": self._http.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            "http_client": self._http.AsyncClient(
                base_url=self._url,
                # A redirect would carry the prompt, and perhaps the key, to another place.
                follow_redirects=False,
                # A proxy of the environment must not see what is meant for this machine.
                trust_env=not is_loopback(self._url),
                timeout=self._http.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            ),
        }

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.provider}/{self.model})"

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.close()

    async def _exchange(self, create: Callable[..., Any], wire: dict[str, Any]) -> str:
        """Send and read the whole body."""
        read = bytearray()
        with self._translated(read):
            async with create(**wire) as response:
                self._only_success(response)
                async for chunk in response.iter_bytes():
                    read += chunk
                    if len(read) > MAX_BODY_BYTES:
                        raise protocol_failure(f"the body is longer than {MAX_BODY_BYTES} bytes", "")
        return read.decode("utf-8", "replace")

    async def _events(self, create: Callable[..., Any], wire: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """Send and read server-sent events, each a JSON object, up to the end of the stream."""
        read = bytearray()
        with self._translated(read):
            async with create(**wire) as response:
                self._only_success(response)
                async for line in response.iter_lines():
                    read += line.encode() + b"\n"
                    if len(read) > MAX_BODY_BYTES:
                        raise protocol_failure(f"the body is longer than {MAX_BODY_BYTES} bytes", "")
                    name, _, data = line.partition(":")
                    if name != "data":
                        continue
                    if data.strip() == DONE:
                        return
                    event = as_object(data)
                    if "error" in event:
                        raise protocol_failure(f"the stream says {json.dumps(event['error'])[:200]}", data)
                    yield event

    def _only_success(self, response: Any) -> None:
        code = int(response.status_code)
        if code // 100 != 2:
            raise AdapterError(CallStatus.DENIED, f"HTTP {code}: redirects are not followed; check base_url")

    @contextlib.contextmanager
    def _translated(self, read: bytearray) -> Iterator[None]:
        """Everything that can go wrong on the way as an `AdapterError`; `read` is what had come by then."""
        try:
            yield
        except AdapterError:
            raise
        except (self._sdk_error, OSError) as error:
            raise sdk_failure(self._sdk, error) from error
        except (self._http.HTTPError, self._http.StreamError, ValueError) as error:
            # The head was good, the body broke off: it may have been charged.
            raise protocol_failure(
                f"the reply broke off ({type(error).__name__}: {error})", bytes(read).decode("utf-8", "replace")
            ) from error
