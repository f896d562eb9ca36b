"""The lasting log of model calls: the same answers as the plain one, exactly once in the analyst's store."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import llm_kit as kit
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deepalpha.config import Settings, Workspace
from deepalpha.errors import ConfigError, DuplicateError
from deepalpha.llm import CallLog, CallStatus, Completer, MemoryCallLog, Recorded, make_replay, make_router
from deepalpha.store import LLMCallLog, Ops, Session, check, project
from deepalpha.types import LLMCall, encode

pytest.importorskip("openai", reason="pip install 'deepalpha[llm]'")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "ws")


def call(number: int, seq: int, phase: str, ts: int) -> LLMCall:
    """A row; a call has one request and one cycle."""
    return LLMCall(
        call_id=f"call{number}",
        seq=seq,
        phase="sent" if phase == "sent" else "done",
        status=phase,
        provider="p",
        model="m",
        purpose="review:x",
        cycle=f"cycle{number // 2 % 2}",
        request_sha=f"sha{number % 2}",
        schema_sha="s",
        prompt_sha="p",
        request="{}",
        text='{"ä": "\\u0000 ’"}',
        cost_usd=Decimal(ts) / 10**12,
        ts_sent=ts,
        ts_done=ts + 1,
    )


STEPS = st.builds(
    call,
    st.integers(0, 4),
    st.integers(1, 3),
    st.sampled_from(["sent", "ok", "error"]),
    st.integers(0, 10**9),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=25))
def test_the_lasting_log_answers_as_the_plain_one(tmp_path_factory: Any, steps: list[LLMCall]) -> None:
    folder = tmp_path_factory.mktemp("ops")
    lasting, plain = LLMCallLog(Ops(folder / "ops.sqlite"), run_id="r", account_id="a"), MemoryCallLog()
    assert isinstance(lasting, CallLog) and isinstance(plain, CallLog)
    for step in steps:
        refusals = []
        for log in (lasting, plain):
            try:
                log.append(step)
            except DuplicateError:
                refusals.append(log)
        assert len(refusals) in (0, 2)
    for sha in ("sha0", "sha1", "sha2"):
        for cycle in (None, "cycle0", "cycle1"):
            assert encode(lasting.newest(sha, cycle)) == encode(plain.newest(sha, cycle))
    for since in (0, 5 * 10**8):
        assert [(ts, name, Decimal(cost)) for ts, name, cost in lasting.costs(since)] == [
            (ts, name, Decimal(cost)) for ts, name, cost in plain.costs(since)
        ]


def test_calls_reach_the_analysts_store_once_with_their_cost_and_what_was_lost(workspace: Workspace) -> None:
    ops = Ops(workspace.ops)
    log = LLMCallLog(ops, run_id="r", account_id="practice-1")

    async def main() -> Decimal:
        async with kit.served() as (provider,):
            provider.play("answer_bounds", "ok", "slow")
            router = kit.router([kit.member(provider.url)], log=log)
            done = await router.complete(kit.request())
            assert done.ok
            late = await router.complete(kit.request(user="again", deadline_s=0.2))
            assert late.status is CallStatus.TIMEOUT
            return done.cost_usd + late.cost_usd

    total = asyncio.run(main())
    log.append(call(9, 1, "sent", kit.START))
    assert project(ops, workspace.duckdb) == 8 and project(ops, workspace.duckdb) == 0
    assert check(ops, workspace.duckdb) == []
    with Session(workspace) as session:
        calls = session.sql("SELECT status, cost_usd FROM llm_calls")
        assert calls["status"].to_list() == ["invalid", "ok", "cancelled", "timeout", "lost"]
        assert sum(calls["cost_usd"].to_list()[:4], Decimal(0)) == total, "exact to the last digit"
        costs = session.sql(
            "SELECT steps, failed, cached_share FROM llm_costs WHERE purpose = 'review:test' AND provider <> ''"
        )
        assert costs["steps"].sum() == 4


def test_a_store_file_without_the_table_is_read_and_filled_from_the_log(workspace: Workspace) -> None:
    ops = Ops(workspace.ops)
    LLMCallLog(ops, run_id="r", account_id="a").append(call(1, 1, "ok", 5))
    project(ops, workspace.duckdb)
    with duckdb.connect(str(workspace.duckdb)) as older:
        older.execute("DROP VIEW llm_costs; DROP VIEW llm_calls; DROP TABLE llm_call")
        older.execute("DELETE FROM migration WHERE name = '004_llm_calls.sql'")
        older.execute("DELETE FROM watermark WHERE table_name = 'llm_call'")
    with Session(workspace) as session:
        assert len(session.sql("SELECT * FROM llm_calls")) == 1
    assert project(ops, workspace.duckdb) == 1 and check(ops, workspace.duckdb) == []


def test_another_process_replays_a_decisions_calls_from_the_file_alone(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_TEST_KEY", kit.KEY)

    async def main() -> None:
        async with kit.served() as (provider,):
            one = {
                "base_url": provider.url,
                "model": "m",
                "key": "env:LLM_TEST_KEY",
                "price": {"input": 1, "output": 1},
            }
            parsed = Settings.from_mapping({"llm": {"enabled": True, "providers": {"local": one}}}).llm
            router = make_router(parsed, LLMCallLog(Ops(workspace.ops), run_id="r", account_id="a"), run_id="r")
            assert isinstance(router, Completer) and router.mode == "llm"
            happened = await router.complete(kit.request())
            await router.close()
            assert happened.ok and happened.latency_ms >= 0
            before = provider.connections
            monkeypatch.delenv("LLM_TEST_KEY")  # a replay needs no key
            log = LLMCallLog(Ops(workspace.ops), run_id="other", account_id="a")
            replay = make_replay(parsed, log, cycle="snapshot-1")
            assert isinstance(replay, Completer)
            assert (await replay.complete(kit.request())).canonical() == happened.canonical()
            missing = await Recorded(log, replay.names, cycle="snapshot-2").complete(kit.request())
            assert missing.status is CallStatus.NOT_RECORDED
            assert provider.connections == before

    asyncio.run(main())


@pytest.mark.parametrize(
    ("providers", "said"),
    [
        ({"mine": {"model": "m"}}, "needs a base_url"),
        ({"openai": {"model": "m", "key": "env:NOT_SET_ANYWHERE"}}, "NOT_SET_ANYWHERE is not set"),
        ({"anthropic": {"kind": "anthropic", "model": "m"}}, "needs a key"),
        ({"deepseek": {"model": "m", "base_url": "http://api.example.com"}}, "use https"),
        ({"Open AI": {"model": "m"}}, "provider"),
        ({"openai": {"model": "../m"}}, "model"),
    ],
)
def test_a_provider_that_cannot_be_used_is_named_at_the_start(providers: dict[str, Any], said: str) -> None:
    parsed = Settings.from_mapping({"llm": {"enabled": True, "providers": providers}}).llm
    with pytest.raises(ConfigError, match=said):
        make_router(parsed, MemoryCallLog(), run_id="r")
    off = parsed.model_copy(update={"enabled": False})
    assert make_router(off, MemoryCallLog(), run_id="r").mode == "rule-only", "switched off, nothing is even looked at"
