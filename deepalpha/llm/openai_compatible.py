"""Chat completions over the `openai` SDK: OpenAI, DeepSeek, OpenRouter, Ollama, llama.cpp, by address.

Only chat completions: other servers' `/responses` do not apply the schema.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from pydantic import SecretStr

from deepalpha.llm.adapter import Finish, Reply, Turn, as_object, count, protocol_failure
from deepalpha.llm.models import ModelRow, OutputMode
from deepalpha.llm.request import Usage
from deepalpha.llm.schema import without_lengths
from deepalpha.llm.sdk import SdkAdapter
from deepalpha.types import encode

_FINISH = {"stop": Finish.STOP, "length": Finish.LENGTH, "content_filter": Finish.REFUSAL, "tool_calls": Finish.TOOL}
# For a server without authentication. The SDK insists on a key and would else take OPENAI_API_KEY of the environment.
NO_KEY = "none"


class OpenAICompatible(SdkAdapter):
    """One endpoint that speaks chat completions, with one model."""

    def __init__(self, provider: str, model: str, row: ModelRow, base_url: str, key: SecretStr | None) -> None:
        super().__init__("openai", provider, model, row, base_url)
        secret = key.get_secret_value() if key else NO_KEY
        self._client = self._sdk.AsyncOpenAI(api_key=secret, **self._client_options())

    def wire(self, turn: Turn) -> dict[str, Any]:
        """The body of the request."""
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [
                {"role": "system", "content": turn.system_text()},
                *({"role": part.role, "content": part.text, **part.carry} for part in turn.messages),
            ],
            self.row.tokens_field: turn.max_tokens,
        }
        if turn.schema is not None and turn.output is OutputMode.JSON_SCHEMA:
            schema = dict(turn.schema) if self.row.string_lengths else without_lengths(turn.schema)
            named = {"name": "answer", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
        elif turn.schema is not None and turn.output is OutputMode.JSON_OBJECT:
            body["response_format"] = {"type": "json_object"}
        if turn.temperature is not None and self.row.accepts_temperature:
            body["temperature"] = turn.temperature
        if self.row.effort is not None:
            body["reasoning_effort"] = self.row.effort
        if self.row.cache_key and turn.cache_key:
            body["prompt_cache_key"] = turn.cache_key
        return body

    async def send(self, turn: Turn) -> Reply:
        """One request, one reply."""
        body = await self._exchange(self._client.chat.completions.with_streaming_response.create, self.wire(turn))
        loaded = as_object(body)
        choices = loaded.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            raise protocol_failure("the reply has no choices", body)
        message = choices[0].get("message")
        if not isinstance(message, dict):
            raise protocol_failure("the reply has no message", body)
        content = message.get("content")
        if content is not None and not isinstance(content, str):
            raise protocol_failure("the content of the reply is no text", body)
        finish = _FINISH.get(str(choices[0].get("finish_reason")))
        if finish is None:
            raise protocol_failure(f"finish_reason {choices[0].get('finish_reason')!r} is unknown", body)
        if message.get("refusal"):
            finish = Finish.REFUSAL
        if message.get("tool_calls") or message.get("function_call"):
            finish = Finish.TOOL
        carry: dict[str, Any] = {}
        if self.row.roundtrip_reasoning and isinstance(message.get("reasoning_content"), str):
            carry["reasoning_content"] = message["reasoning_content"]
        return Reply(text=content or "", finish=finish, usage=_usage(loaded.get("usage")), body=body, carry=carry)

    async def stream(self, turn: Turn) -> AsyncGenerator[str | Reply, None]:
        """Pieces of text as they come, and the whole reply at last."""
        wire = {**self.wire(turn), "stream": True, "stream_options": {"include_usage": True}}
        pieces: list[str] = []
        finish: Finish | None = None
        usage: Usage | None = None
        async for event in self._events(self._client.chat.completions.with_streaming_response.create, wire):
            usage = _usage(event.get("usage")) or usage
            for choice in event.get("choices") or ():
                delta = choice.get("delta") if isinstance(choice, dict) else None
                piece = delta.get("content") if isinstance(delta, dict) else None
                if isinstance(piece, str) and piece:
                    pieces.append(piece)
                    yield piece
                if isinstance(choice, dict) and choice.get("finish_reason"):
                    finish = _FINISH.get(str(choice["finish_reason"]))
        text = "".join(pieces)
        if finish is None:
            raise protocol_failure("the stream ended without a finish_reason", text)
        yield Reply(text=text, finish=finish, usage=usage, body=encode({"stream": pieces}).decode())


def _usage(reported: object) -> Usage | None:
    """Tokens as the endpoint counts them; None when it does not."""
    if not isinstance(reported, dict) or "prompt_tokens" not in reported:
        return None
    details = reported.get("prompt_tokens_details")
    details = details if isinstance(details, dict) else {}
    total = count(reported.get("prompt_tokens"))
    # DeepSeek names the cache's share beside the total, the others inside the details.
    cached = count(details.get("cached_tokens")) or count(reported.get("prompt_cache_hit_tokens"))
    written = count(details.get("cache_write_tokens"))
    return Usage(
        input_tokens=total,
        output_tokens=count(reported.get("completion_tokens")),
        cached_tokens=min(cached, total),
        cache_write_tokens=min(written, total - min(cached, total)),
    )
