"""Every adapter through every way a provider can fail, over the real SDK and a real socket: a typed status, always.

Add a wire format to `WIRES` in the kit and its replies to the scripted server; every test here runs on it.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import llm_kit as kit
import llm_server as server
import pytest

from deepalpha.llm import Adapter, CallStatus, LLMResult, MemoryCallLog, Recorded
from deepalpha.llm.models import OutputMode
from deepalpha.types import encode

pytest.importorskip("openai", reason="pip install 'deepalpha[llm]'")
pytest.importorskip("anthropic", reason="pip install 'deepalpha[llm]'")


S = CallStatus
EXPECTED: dict[str, CallStatus] = {
    "ok": S.OK,
    "no_usage": S.OK,
    "rate_limited": S.RATE_LIMITED,
    "quota": S.DENIED,
    "error_500": S.ERROR,
    "overloaded_529": S.ERROR,
    "unauthorized": S.DENIED,
    "bad_request": S.DENIED,
    "not_found": S.DENIED,
    "schema_unsupported": S.DENIED,
    "redirect": S.DENIED,
    "slow": S.TIMEOUT,
    "hang": S.TIMEOUT,
    "truncated": S.ERROR,
    "drop": S.ERROR,
    "huge": S.ERROR,
    "body_not_json": S.ERROR,
    "body_not_object": S.ERROR,
    "empty_choices": S.ERROR,
    "null_content": S.INVALID,
    "content_list": S.ERROR,
    "unknown_finish": S.ERROR,
    "answer_not_json": S.INVALID,
    "answer_fenced": S.INVALID,
    "answer_extra": S.INVALID,
    "answer_missing": S.INVALID,
    "answer_bounds": S.INVALID,
    "answer_nullish": S.INVALID,
    "answer_twice": S.INVALID,
    "answer_nan": S.INVALID,
    "answer_type": S.INVALID,
    "length": S.TRUNCATED,
    "refusal": S.REFUSED,
    "content_filter": S.REFUSED,
    "tool_call": S.INVALID,
}
# On the messages wire an answer is a list of blocks: none at all is a protocol fault.
EXPECTED_HERE = {("anthropic", "null_content"): S.ERROR}
# Modes after which a provider may have charged although nothing usable came: the worst case is booked.
MAY_COST = {"slow", "hang", "truncated", "drop", "huge", "body_not_json", "body_not_object", "empty_choices"}
MAY_COST |= {"content_list", "unknown_finish", "no_usage"}
FREE = {"rate_limited", "quota", "error_500", "overloaded_529", "unauthorized", "bad_request", "not_found", "redirect"}


def ask(wire: str, *modes: str, **options: Any) -> tuple[LLMResult[Any], MemoryCallLog, Any]:
    """One question to a server that plays these modes; the result, the log and what the server saw."""

    async def main() -> tuple[LLMResult[Any], MemoryCallLog, Any]:
        log = MemoryCallLog()
        async with kit.served() as (provider,):
            provider.play(*modes)
            member = kit.member(provider.url, wire, **options)
            router = kit.router([member], log=log)
            deadline = 0.3 if modes[-1] in ("slow", "hang") else 20.0
            result = await router.complete(kit.request(deadline_s=deadline))
            return result, log, provider

    return asyncio.run(main())


def test_the_expectations_name_every_mode_of_the_server() -> None:
    assert set(EXPECTED) == set(server.MODES)


@pytest.mark.parametrize("wire", kit.WIRES)
@pytest.mark.parametrize("mode", list(EXPECTED))
def test_every_failure_is_a_typed_status_and_never_an_answer(wire: str, mode: str) -> None:
    result, log, provider = ask(wire, mode)
    assert result.status is EXPECTED_HERE.get((wire, mode), EXPECTED[mode]), result.reason
    assert (result.parsed is not None) == result.ok
    assert result.ok or result.reason
    done = [row for row in log.rows if row.phase == "done" and row.request]
    assert len(done) == result.attempts
    if result.status is not S.TIMEOUT:  # on a busy machine the deadline can come before the connection
        assert len(done) == len(provider.seen)
    assert {row.phase for row in log.rows} == {"sent", "done"}
    assert result.cost_usd == sum((row.cost_usd for row in log.rows if row.phase == "done"), Decimal(0))
    if mode in MAY_COST:
        assert result.cost_is_bound and result.cost_usd > 0
    if mode in FREE:
        assert result.cost_usd == 0 and not result.cost_is_bound


@pytest.mark.parametrize("wire", kit.WIRES)
@pytest.mark.parametrize("mode", list(EXPECTED))
def test_the_log_alone_gives_the_same_bytes_without_a_connection(wire: str, mode: str) -> None:
    async def main() -> None:
        log = MemoryCallLog()
        async with kit.served() as (provider,):
            provider.play(mode)
            router = kit.router([kit.member(provider.url, wire)], log=log)
            asked = kit.request(deadline_s=0.3 if mode in ("slow", "hang") else 20.0)
            happened = await router.complete(asked)
            before = provider.connections
            replayed = await Recorded(log, router.names).complete(asked)
            assert provider.connections == before
        assert replayed.canonical() == happened.canonical()
        assert replayed.replayed and not happened.replayed

    asyncio.run(main())


@pytest.mark.parametrize("wire", kit.WIRES)
def test_a_good_answer_carries_tokens_cost_and_the_cached_share(wire: str) -> None:
    result, log, _ = ask(wire, "ok")
    assert result.unwrap() == kit.Verdict(**server.GOOD)
    assert (result.usage.input_tokens, result.usage.cached_tokens, result.usage.output_tokens) == (120, 100, 15)
    assert result.cached_share == pytest.approx(100 / 120)
    # 20 plain at $2, 100 cached at $0.10, 15 output at $10, per million.
    assert result.cost_usd == Decimal("0.0002")
    assert not result.cost_is_bound
    assert log.rows[0].cost_usd > result.cost_usd, "what is reserved before the wire is the worst case"


@pytest.mark.parametrize("wire", kit.WIRES)
@pytest.mark.parametrize("bad", [mode for mode in EXPECTED if mode.startswith("answer_")])
def test_one_repair_turn_says_what_was_wrong(wire: str, bad: str) -> None:
    result, log, provider = ask(wire, bad, "ok")
    assert result.ok and result.attempts == 2
    problem = next(row.reason for row in log.rows if row.status == "invalid")
    said = provider.seen[1].body["messages"][-1]["content"]
    assert problem in said
    result, _, provider = ask(wire, bad, bad, "ok")
    assert result.status is S.INVALID and len(provider.seen) == 2, "one repair turn, not two"


@pytest.mark.parametrize("wire", kit.WIRES)
def test_what_is_recorded_is_what_was_on_the_wire_and_holds_no_key(wire: str) -> None:
    _, log, provider = ask(wire, "answer_bounds", "ok")
    rows = [row for row in log.rows if row.phase == "done"]
    assert [row.request for row in rows] == [encode(seen.body).decode() for seen in provider.seen]
    assert kit.KEY in str([seen.headers for seen in provider.seen])
    assert kit.KEY not in str(log.rows)


@pytest.mark.parametrize("wire", kit.WIRES)
@pytest.mark.parametrize("mode", ["ok", "answer_bounds", "tool_call", "schema_unsupported"])
def test_no_tool_is_ever_offered_and_the_stable_prefix_comes_first(wire: str, mode: str) -> None:
    _, _, provider = ask(wire, mode)
    for seen in provider.seen:
        assert not {"tools", "tool_choice", "functions", "function_call", "web_search_options"} & set(seen.body)
        assert seen.headers.get("x-stainless-retry-count") == "0"
        if wire == "anthropic":
            assert seen.body["system"][0]["cache_control"] == {"type": "ephemeral"}
            assert "temperature" not in seen.body
        else:
            assert seen.body["messages"][0]["role"] == "system"


@pytest.mark.parametrize("wire", kit.WIRES)
def test_an_endpoint_that_takes_no_schema_is_asked_more_modestly_and_remembered(wire: str) -> None:
    result, _, provider = ask(wire, "schema_unsupported", "ok")
    assert result.ok
    first, second = (seen.body for seen in provider.seen)
    system = second["system"][0]["text"] if wire == "anthropic" else second["messages"][0]["content"]
    assert "JSON schema" in system and '"verdict"' in system
    if wire == "openai":
        assert first["response_format"]["type"] == "json_schema" and first["response_format"]["json_schema"]["strict"]
        assert second["response_format"] == {"type": "json_object"}
    else:
        assert "format" in first["output_config"] and "output_config" not in second


def test_reasoning_goes_back_with_the_repair_turn_where_a_provider_wants_it() -> None:
    deep = kit.row(output=OutputMode.JSON_OBJECT, roundtrip_reasoning=True)
    _, _, provider = ask("openai", "answer_bounds", "ok", row=deep)
    assert provider.seen[1].body["messages"][2]["reasoning_content"] == "thinking"
    _, _, provider = ask("openai", "answer_bounds", "ok")
    assert "reasoning_content" not in provider.seen[1].body["messages"][2]


def test_capabilities_of_the_model_shape_the_request() -> None:
    able = kit.row(tokens_field="max_completion_tokens", effort="low", cache_key=True, accepts_temperature=False)
    _, _, provider = ask("openai", "ok", row=able)
    body = provider.seen[0].body
    assert body["max_completion_tokens"] == 200 and "max_tokens" not in body
    assert body["reasoning_effort"] == "low" and body["prompt_cache_key"].startswith("deepalpha-")
    _, _, provider = ask("anthropic", "ok", row=kit.row(effort="low"))
    assert provider.seen[0].body["output_config"]["effort"] == "low"


@pytest.mark.parametrize("wire", kit.WIRES)
def test_an_adapter_keeps_the_protocol_and_never_shows_its_key(wire: str) -> None:
    adapter = kit.member("http://127.0.0.1:9/v1", wire).adapter
    assert isinstance(adapter, Adapter)
    assert kit.KEY not in repr(adapter) + str(vars(adapter))
    asyncio.run(kit.close_all())


@pytest.mark.parametrize("wire", kit.WIRES)
def test_keys_of_the_environment_never_reach_another_endpoint(wire: str, monkeypatch: pytest.MonkeyPatch) -> None:
    other = "sk-of-the-environment-0123456789"
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, other)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    result, _, provider = ask(wire, "ok")
    assert result.ok, result.reason
    assert other not in str(provider.seen)
