"""Answers as closed schemas, and the one place where a model's text becomes a value.

Invariants: what passes `parse_answer` is exactly one JSON object of the schema: no prose around it, no unknown or
repeated field, no NaN, no number out of bounds (providers drop bounds from schemas, so they are enforced here), no
string that only says "null". Cost: linear in the text.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from deepalpha.errors import LLMError

T = TypeVar("T", bound=BaseModel)

MAX_ANSWER_CHARS = 100_000
NULLISH = frozenset({"", "null", "none", "nil", "nan", "n/a", "na", "undefined", "unknown", "string", "..."})


class Answer(BaseModel):
    """Base of every schema a model may answer with: closed, strict, immutable. Every field is required."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class InvalidAnswerError(LLMError):
    """A text that is not an object of the schema; the message says what is wrong, for the repair turn."""


@lru_cache(maxsize=256)
def _schema_of(schema: type[BaseModel]) -> dict[str, Any]:
    return schema.model_json_schema()


def json_schema(schema: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema that is sent. A new object each time, as the SDKs rewrite it."""
    copied: dict[str, Any] = json.loads(json.dumps(_schema_of(schema)))
    return copied


def without_lengths(schema: Any) -> Any:
    """The schema without bounds on the length of texts, which some strict modes refuse. `parse_answer` keeps them."""
    if isinstance(schema, dict):
        # Under `properties` the keys are names of fields: one may be called minLength.
        kept = {name: part for name, part in schema.items() if name not in ("minLength", "maxLength")}
        fields = {name: without_lengths(part) for name, part in schema.get("properties", {}).items()}
        return {name: without_lengths(part) for name, part in kept.items()} | ({"properties": fields} if fields else {})
    if isinstance(schema, list):
        return [without_lengths(part) for part in schema]
    return schema


def check_schema(schema: type[BaseModel]) -> None:
    """Refuse a schema that providers would read differently: each object closed, each field required.

    Raises:
        LLMError: names the object and what is missing.
    """
    whole = _schema_of(schema)
    for name, part in {schema.__name__: whole, **whole.get("$defs", {})}.items():
        if "properties" not in part and part.get("type") != "object":
            continue
        if part.get("additionalProperties") is not False:
            raise LLMError(f"schema {name} takes unknown fields; derive it from deepalpha.llm.Answer")
        optional = set(part.get("properties", {})) - set(part.get("required", ()))
        if optional:
            raise LLMError(f"schema {name}: {', '.join(sorted(optional))} must be required (no default)")


def parse_answer(schema: type[T], text: str) -> T:
    """The object in `text`.

    Raises:
        InvalidAnswerError: with every problem found, short enough to send back.
    """
    if len(text) > MAX_ANSWER_CHARS:
        raise InvalidAnswerError(f"the answer has {len(text)} characters, more than {MAX_ANSWER_CHARS}")
    try:
        loaded = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidAnswerError(f"the answer is not one JSON object: {error}") from error
    empty = sorted(_nullish(loaded, ""))
    if empty:
        raise InvalidAnswerError(f"{', '.join(empty[:5])}: a real value is needed, not a word for nothing")
    try:
        return schema.model_validate_json(text)
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in problem['loc']) or 'answer'}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        raise InvalidAnswerError("; ".join(problems[:8])) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        # Parsers differ in which of two equal keys they keep: a way to show one value and mean another.
        raise ValueError("a field is given twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _nullish(value: Any, path: str) -> list[str]:
    if isinstance(value, str):
        return [path or "answer"] if value.strip().lower() in NULLISH else []
    if isinstance(value, dict):
        return [found for name, part in value.items() for found in _nullish(part, f"{path}.{name}".lstrip("."))]
    if isinstance(value, list):
        return [found for index, part in enumerate(value) for found in _nullish(part, f"{path}.{index}".lstrip("."))]
    return []
