"""How agents are found and run: deadlines, failures, the contract of a signal."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from deepalpha.agents import BaseAgent, discover, evidence_exists, run_agents, series_needed
from deepalpha.errors import ConfigError
from deepalpha.types import AgentRole, Context, Evidence, Headline, Signal, SignalStatus, encode

CLOSES = [100.0 + i for i in range(40)]


class Says(BaseAgent):
    """Answers with what it was built with; raises it when it is an exception."""

    name = "says"

    def __init__(self, answer: Any, *, name: str = "says", role: AgentRole = AgentRole.VOTER) -> None:
        self.answer = answer
        self.name, self.role = name, role  # type: ignore[misc]  # a test agent may differ from its class

    async def analyze(self, ctx: Context) -> Signal:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


class Waits(BaseAgent):
    """Waits for an event that never comes; `stubborn` ones refuse to be cancelled once."""

    name = "waits"

    def __init__(self, *, stubborn: bool = False) -> None:
        self.stubborn = stubborn
        self.cancelled = False

    async def analyze(self, ctx: Context) -> Signal:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            if not self.stubborn:
                raise
        return Signal.buy(1.0)


def run(ctx: Context, *agents: BaseAgent, deadline_s: float = 5.0) -> list[Signal]:
    return [item.signal for item in asyncio.run(run_agents(ctx, agents, deadline_s=deadline_s))]


def test_fills_in_who_when_and_on_what(make_context):
    ctx = make_context(CLOSES)
    (signal,) = run(ctx, Says(Signal.buy(0.5, "why")))
    assert (signal.agent, signal.version, signal.symbol) == ("says", "1", ctx.symbol)
    assert (signal.asof, signal.horizon_s, signal.snapshot_hash) == (ctx.asof, ctx.horizon_s, ctx.snapshot_hash)
    assert (signal.status, signal.p_up, signal.reasons) == (SignalStatus.OK, 0.75, ("why",))


def test_an_exception_is_an_error_with_its_class_and_message_and_no_vote(make_context):
    (signal,) = run(make_context(CLOSES), Says(KeyError("RSI_14")))
    assert (signal.status, signal.p_up) == (SignalStatus.ERROR, None)
    assert signal.reasons == ("KeyError: 'RSI_14'",)


def test_an_agent_past_its_deadline_times_out_alone(make_context):
    waiting = Waits()

    async def main() -> list[Signal]:
        runs = await run_agents(make_context(CLOSES), [waiting, Says(Signal.hold())], deadline_s=0.01)
        assert waiting.cancelled  # by the runner, not by the end of the loop
        return [item.signal for item in runs]

    slow, quick = asyncio.run(main())
    assert (slow.status, quick.status) == (SignalStatus.TIMEOUT, SignalStatus.OK)
    assert slow.reasons == ("no answer within 0.01 s",)


def test_an_agent_that_swallows_its_cancellation_still_timed_out(make_context):
    (signal,) = run(make_context(CLOSES), Waits(stubborn=True), deadline_s=0.01)
    assert signal.status is SignalStatus.TIMEOUT


def test_a_late_answer_of_a_blocking_agent_is_a_timeout(make_context):
    ticks = iter(range(0, 10**12, 10**10))  # every look at the clock is 10 s later
    agents = [Says(Signal.hold())]
    (result,) = asyncio.run(run_agents(make_context(CLOSES), agents, deadline_s=5.0, clock=lambda: next(ticks)))
    assert result.signal.status is SignalStatus.TIMEOUT


def test_cancelling_the_caller_cancels_the_agents(make_context):
    waiting = Waits()

    async def main() -> None:
        task = asyncio.create_task(run_agents(make_context(CLOSES), [waiting], deadline_s=60.0))
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert waiting.cancelled  # by the runner, not by the end of the loop

    asyncio.run(main())


def test_an_agent_that_cancels_itself_is_an_error(make_context):
    (signal,) = run(make_context(CLOSES), Says(asyncio.CancelledError()))
    assert signal.status is SignalStatus.ERROR


@pytest.mark.parametrize(
    ("answer", "role", "says"),
    [
        ("buy", AgentRole.VOTER, "returned str"),
        (None, AgentRole.VOTER, "returned NoneType"),
        (Signal(p_up=0.6, size_cap=0.5), AgentRole.VOTER, "size_cap 0.5"),
        (Signal.guard(1.0), AgentRole.VOTER, "voter cannot answer as a guard"),
        (Signal.buy(0.5), AgentRole.GUARD, "guard cannot answer as a voter"),
        (Signal.buy(0.5, evidence=(Evidence(id="1d:NOPE", value=1.0),)), AgentRole.VOTER, "1d:NOPE"),
    ],
)
def test_a_signal_that_breaks_the_contract_is_an_error(make_context, answer, role, says):
    (signal,) = run(make_context(CLOSES), Says(answer, role=role))
    assert signal.status is SignalStatus.ERROR
    assert signal.p_up is None
    assert says in signal.reasons[0]


@pytest.mark.parametrize("answer", [ValueError("broken"), Signal.abstain("no idea"), Signal.buy(0.9), "nonsense"])
def test_a_guard_that_did_not_check_allows_nothing(make_context, answer):
    (signal,) = run(make_context(CLOSES), Says(answer, role=AgentRole.GUARD))
    assert (signal.role, signal.size_cap, signal.p_up) == (AgentRole.GUARD, 0.0, None)


def test_two_agents_of_one_name_and_a_deadline_of_zero_are_refused(make_context):
    ctx = make_context(CLOSES)
    with pytest.raises(ConfigError, match="unique"):
        run(ctx, Says(Signal.hold()), Says(Signal.hold()))
    with pytest.raises(ConfigError, match="deadline 0"):
        run(ctx, Says(Signal.hold()), deadline_s=0)


def test_evidence_must_name_something_in_the_snapshot(make_context):
    story = Headline(id="n1", title="t", source="s", symbols=("TEST",), ts_published=1, ts_known=1)
    ctx = make_context(CLOSES, news=[story])
    for known in ("1d:close", "1w:RSI_14", "1d:MACD_12_26_9.macdhist", "news:n1", "account:equity"):
        assert evidence_exists(ctx, known), known
    for unknown in ("close", "1d:", "4h:close", "1d:series", "1d:RSI_15", "news:n2", "account:cash", ""):
        assert not evidence_exists(ctx, unknown), unknown


def test_an_unknown_agent_name_gets_the_nearest_one():
    with pytest.raises(ConfigError, match="did you mean 'technical'"):
        discover(["tecnical"])


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("no.such.module:Mine", "cannot import"),
        ("deepalpha.agents.technical:TechnicalAgnet", "did you mean 'TechnicalAgent'"),
        ("deepalpha.types:Signal", "not a subclass"),
        ("deepalpha.agents.base:BaseAgent", "not a subclass"),
        ("numeric", "no agent is called"),
    ],
)
def test_a_path_that_is_no_agent_says_what_is_wrong(path, says):
    with pytest.raises(ConfigError, match=says):
        discover([path])


def test_discovers_by_path_and_lists_the_series_once():
    (agent,) = discover(["deepalpha.agents.technical:TechnicalAgent"])
    assert agent.name == "technical"
    needed = series_needed([agent, agent])
    assert list(needed) == sorted(set(agent.series))


def test_an_agent_named_twice_is_refused():
    with pytest.raises(ConfigError, match="twice"):
        discover(["technical", "deepalpha.agents.technical:TechnicalAgent"])


def test_numpy_numbers_become_plain_ones_and_what_cannot_be_stored_is_an_error(make_context):
    ctx = make_context(CLOSES)
    plain, hole = run(
        ctx,
        Says(Signal(p_up=np.float64(0.6), evidence=(Evidence(id="1d:close", value=np.float64(1.5)),)), name="plain"),
        Says(Signal(p_up=0.6, evidence=(Evidence(id="1d:close", value=float("nan")),)), name="hole"),
    )
    assert (plain.status, type(plain.p_up), type(plain.evidence[0].value)) == (SignalStatus.OK, float, float)
    assert encode(plain)
    assert hole.status is SignalStatus.ERROR
