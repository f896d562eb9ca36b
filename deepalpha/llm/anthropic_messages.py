"""The messages API over the `anthropic` SDK.

The stable prefix carries `cache_control`. The SDK's schema transform moves bounds of numbers into descriptions, so a
reply can be out of bounds although the schema was native: `parse_answer` enforces them. There is no temperature.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from pydantic import SecretStr

from deepalpha.errors import ConfigError
from deepalpha.llm.adapter import Finish, Reply, Turn, as_object, count, protocol_failure
from deepalpha.llm.models import ModelRow, OutputMode
from deepalpha.llm.request import Usage
from deepalpha.llm.sdk import SdkAdapter
from deepalpha.types import encode

_FINISH = {
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "refusal": Finish.REFUSAL,
    "tool_use": Finish.TOOL,
}


class AnthropicMessages(SdkAdapter):
    """One endpoint that speaks messages, with one model."""

    def __init__(self, provider: str, model: str, row: ModelRow, base_url: str, key: SecretStr | None) -> None:
        super().__init__("anthropic", provider, model, row, base_url)
        if key is None:
            # Without one the SDK would look for credentials in the environment and on disk by itself.
            raise ConfigError(f"llm provider {provider} needs a key: env:NAME or keyring:SERVICE/USER")
        self._client = self._sdk.AsyncAnthropic(api_key=key.get_secret_value(), **self._client_options())

    def wire(self, turn: Turn) -> dict[str, Any]:
        """The body of the request."""
        body: dict[str, Any] = {
            "model": self.model,
            "max_tokens": turn.max_tokens,
            "system": [{"type": "text", "text": turn.system_text(), "cache_control": {"type": "ephemeral"}}],
            "messages": [{"role": part.role, "content": part.text} for part in turn.messages],
        }
        config: dict[str, Any] = {}
        if turn.schema is not None and turn.output is OutputMode.JSON_SCHEMA:
            config["format"] = {"type": "json_schema", "schema": self._sdk.transform_schema(dict(turn.schema))}
        if self.row.effort is not None:
            config["effort"] = self.row.effort
        if config:
            body["output_config"] = config
        return body

    async def send(self, turn: Turn) -> Reply:
        """One request, one reply."""
        body = await self._exchange(self._client.messages.with_streaming_response.create, self.wire(turn))
        loaded = as_object(body)
        content = loaded.get("content")
        if not isinstance(content, list) or not all(isinstance(block, dict) for block in content):
            raise protocol_failure("the reply has no content", body)
        finish = _FINISH.get(str(loaded.get("stop_reason")))
        if finish is None:
            raise protocol_failure(f"stop_reason {loaded.get('stop_reason')!r} is unknown", body)
        texts = [block.get("text") for block in content if block.get("type") == "text"]
        if not all(isinstance(text, str) for text in texts):
            raise protocol_failure("the content of the reply is no text", body)
        if not content and finish is Finish.STOP:
            raise protocol_failure("the reply is empty", body)
        if any(str(block.get("type")).endswith("tool_use") for block in content):
            finish = Finish.TOOL
        return Reply(text="".join(map(str, texts)), finish=finish, usage=_usage(loaded.get("usage")), body=body)

    async def stream(self, turn: Turn) -> AsyncGenerator[str | Reply, None]:
        """Pieces of text as they come, and the whole reply at last."""
        pieces: list[str] = []
        finish: Finish | None = None
        counted: dict[str, Any] = {}
        create = self._client.messages.with_streaming_response.create
        async for event in self._events(create, {**self.wire(turn), "stream": True}):
            inside = event.get("message") if event.get("type") == "message_start" else event
            if isinstance(inside, dict) and isinstance(inside.get("usage"), dict):
                # The last report has the totals; the first one has the input.
                counted |= {name: value for name, value in inside["usage"].items() if value is not None}
            delta = event.get("delta")
            if not isinstance(delta, dict):
                continue
            piece = delta.get("text") if delta.get("type") == "text_delta" else None
            if isinstance(piece, str) and piece:
                pieces.append(piece)
                yield piece
            if delta.get("stop_reason"):
                finish = _FINISH.get(str(delta["stop_reason"]))
        text = "".join(pieces)
        if finish is None:
            raise protocol_failure("the stream ended without a stop_reason", text)
        yield Reply(text=text, finish=finish, usage=_usage(counted), body=encode({"stream": pieces}).decode())


def _usage(reported: object) -> Usage | None:
    """Tokens as the endpoint counts them; None when it does not. Its `input_tokens` leave the cache's share out."""
    if not isinstance(reported, dict) or "input_tokens" not in reported:
        return None
    cached, written = count(reported.get("cache_read_input_tokens")), count(reported.get("cache_creation_input_tokens"))
    return Usage(
        input_tokens=count(reported.get("input_tokens")) + cached + written,
        output_tokens=count(reported.get("output_tokens")),
        cached_tokens=cached,
        cache_write_tokens=written,
    )
