"""From votes to a decision: action, quorum, veto, id, cache, memory, restart."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest

from deepalpha.decision import DecisionConfig, DecisionEngine, build_context
from deepalpha.decision.engine import CACHE_ENTRIES
from deepalpha.errors import ConfigError, MarketDataError, StoreError
from deepalpha.types import DAY, SECOND, Action, AgentRole, BarFrame, Context, PositionView, Signal, SignalStatus

HORIZON_S = 5 * 86_400


class Clock:
    """Nanoseconds that move only when told."""

    now = 0

    def __call__(self) -> int:
        return self.now


def context(day: int = 1, symbol: str = "X", close: float = 100.0) -> Context:
    ts = np.array([(day - 1) * DAY])
    price = [np.array([close]) for _ in range(5)]
    bars = {"1d": BarFrame("1d", ts, ts + DAY, *price)}
    return build_context(
        symbol=symbol, asof=day * DAY, horizon_s=HORIZON_S, timeframe="1d", bars=bars, news=(), position=PositionView()
    )


def vote(ctx: Context, agent: str, p_up: float) -> Signal:
    return Signal(agent=agent, p_up=p_up, snapshot_hash=ctx.snapshot_hash, reasons=(f"{agent} saw it",))


def failed(ctx: Context, agent: str, status: SignalStatus, role: AgentRole = AgentRole.VOTER) -> Signal:
    return Signal(agent=agent, status=status, role=role, snapshot_hash=ctx.snapshot_hash, reasons=("it broke",))


def guard(ctx: Context, size_cap: float, agent: str = "risk") -> Signal:
    return msgspec.structs.replace(Signal.guard(size_cap, "CVaR 9 %"), agent=agent, snapshot_hash=ctx.snapshot_hash)


def votes(ctx: Context, p_up: float = 0.7) -> list[Signal]:
    return [vote(ctx, "trend", p_up), vote(ctx, "technical", p_up), guard(ctx, 0.5)]


def engine(clock: Clock | None = None, scope: str = "practice-1", **config: float) -> DecisionEngine:
    return DecisionEngine(DecisionConfig(**config), scope=scope, clock=clock or Clock())


@pytest.mark.parametrize(
    ("p_up", "action"),
    [(0.57, Action.BUY), (0.55, Action.HOLD), (0.5, Action.HOLD), (0.45, Action.HOLD), (0.43, Action.SELL)],
)
def test_acts_from_the_threshold_on_in_both_directions(p_up, action):
    ctx = context()
    decision = engine().decide(ctx, votes(ctx, p_up))
    assert (decision.action, decision.blocked_by) == (action, "")
    assert decision.p_up == pytest.approx(p_up)
    assert decision.confidence == pytest.approx(100 * max(p_up, 1 - p_up))
    assert decision.size_cap == 0.5
    assert decision.reasons[0].startswith(f"{action}: p(up)")
    assert any("trend saw it" in reason for reason in decision.reasons)
    assert any("caps the size at 50 %: CVaR 9 %" in reason for reason in decision.reasons)


def test_too_few_opinions_hold_and_say_so():
    ctx = context()
    signals = [vote(ctx, "trend", 0.9), failed(ctx, "news", SignalStatus.ABSTAIN), failed(ctx, "x", SignalStatus.ERROR)]
    decision = engine().decide(ctx, signals)
    assert (decision.action, decision.blocked_by) == (Action.HOLD, "quorum: only 1 of 3 agents had an opinion")
    assert any("x gave no opinion (error): it broke" in reason for reason in decision.reasons)


def test_no_signal_at_all_is_a_hold_without_confidence():
    decision = engine().decide(context(), [])
    assert (decision.action, decision.p_up, decision.score) == (Action.HOLD, 0.5, 0.0)
    assert decision.blocked_by == "quorum: only 0 of 0 agents had an opinion"


def test_a_veto_holds_and_names_the_guard():
    ctx = context()
    decision = engine().decide(ctx, [*votes(ctx), guard(ctx, 0.0, "limits")])
    assert (decision.action, decision.size_cap) == (Action.HOLD, 0.0)
    assert decision.blocked_by == "veto by limits: CVaR 9 %"


@pytest.mark.parametrize("status", [SignalStatus.ERROR, SignalStatus.TIMEOUT, SignalStatus.ABSTAIN])
def test_a_failed_guard_allows_nothing_even_if_its_signal_says_full_size(status):
    ctx = context()
    broken = failed(ctx, "risk", status, AgentRole.GUARD)
    assert broken.size_cap == 1.0
    decision = engine().decide(ctx, [*votes(ctx)[:2], broken])
    assert (decision.action, decision.size_cap) == (Action.HOLD, 0.0)
    assert decision.blocked_by == "veto by risk: it broke"


def test_the_id_changes_with_every_input_and_with_nothing_else():
    ctx = context()
    base = engine().decide(ctx, votes(ctx)).decision_id
    assert len(base) == 24
    assert base == engine().decide(ctx, votes(ctx)[::-1]).decision_id
    other = [
        engine(scope="practice-2").decide(ctx, votes(ctx)),
        engine(entry_threshold=0.57).decide(ctx, votes(ctx)),
        engine(quorum=1).decide(ctx, votes(ctx)),
        engine().decide(ctx, votes(ctx, 0.7001)),
        engine().decide(ctx, votes(ctx)[:2]),
        engine().decide(context(2), votes(context(2))),
        engine().decide(context(1, "Y"), votes(context(1, "Y"))),
    ]
    learned = engine()
    learned.decide(context(1), votes(context(1)))
    learned.observe("X", 6 * DAY, 101.0)
    fresh, known = (e.decide(context(6), votes(context(6))) for e in (engine(), learned))
    ids = {base, fresh.decision_id, known.decision_id, *(decision.decision_id for decision in other)}
    assert len(ids) == len(other) + 3


def test_refuses_two_votes_of_one_agent_a_foreign_snapshot_and_no_price():
    ctx = context()
    with pytest.raises(ConfigError, match="two signals come from agent 'trend'"):
        engine().decide(ctx, [vote(ctx, "trend", 0.6), vote(ctx, "trend", 0.7)])
    with pytest.raises(ConfigError, match="another snapshot"):
        engine().decide(ctx, votes(context(2)))
    for price in (0.0, -1.0, float("nan"), float("inf")):
        broken = context(close=price)
        with pytest.raises(MarketDataError, match="not a finite number above 0"):
            engine().decide(broken, votes(broken))


def test_the_cache_answers_for_300_seconds_and_not_a_nanosecond_longer():
    clock, ctx = Clock(), context()
    decider = engine(clock)
    first = decider.decide(ctx, votes(ctx))
    clock.now = 300 * SECOND - 1
    assert decider.decide(ctx, votes(ctx)) is first
    clock.now = 300 * SECOND
    again = decider.decide(ctx, votes(ctx))
    assert again is not first
    assert again == first  # the same inputs make the same decision, cached or not
    assert (decider.cache_hits, decider.cache_misses) == (1, 2)
    assert len(decider.memory("X")) == 1
    decider.decide(ctx, votes(ctx, 0.69))
    assert decider.cache_misses == 3


def test_cache_and_memory_are_bounded():
    decider = engine(memory=3)
    for day in range(1, CACHE_ENTRIES + 50):
        decider.decide(context(day), votes(context(day)))
    assert len(decider._cache) == CACHE_ENTRIES
    last = CACHE_ENTRIES + 49
    assert [entry.asof // DAY for entry in decider.memory("X")] == [last - 2, last - 1, last]
    assert decider.memory("unknown") == ()


def test_an_outcome_is_the_first_close_at_or_after_the_horizon():
    decider = engine()
    decider.decide(context(1), votes(context(1)))
    due = DAY + HORIZON_S * SECOND
    assert decider.observe("X", due - 1, 200.0) == ()
    assert decider.observe("Y", due, 200.0) == ()
    assert decider.observe("X", due, float("nan")) == ()
    ((outcome, update),) = ((r.outcome, r.update) for r in decider.observe("X", due + 1, 101.0))
    assert decider.observe("X", due + 2, 1.0) == ()  # resolved once, for good
    assert (outcome.went_up, outcome.gross_return) == (1.0, pytest.approx(0.01))
    assert outcome.net_return == pytest.approx(0.01 - 0.002)  # fee and slippage of 0.05 % each, both ways
    assert (update.number, update.decision_id) == (1, outcome.decision_id)
    (entry,) = decider.memory("X")
    assert (entry.outcome_at, entry.outcome_close, entry.hit) == (due + 1, 101.0, True)


def test_confidence_says_how_many_earlier_calls_it_rests_on():
    decider = engine()
    # A buy that rises, a sell that rises, a buy that stands still (a miss), a hold (not a call).
    for day, p_up, outcome in ((1, 0.7, 101.0), (10, 0.3, 101.0), (20, 0.7, 100.0), (30, 0.5, 105.0)):
        decision = decider.decide(context(day), votes(context(day), p_up))
        decider.observe("X", (day + 5) * DAY, outcome)
        if day == 1:
            assert decision.calibration == "uncalibrated, n=0"
    decision = decider.decide(context(40), votes(context(40)))
    assert (decision.calibration, decision.n_calibration) == ("uncalibrated, n=4", 4)
    assert "3 earlier calls, 33 % of them right" in decision.reasons
    other = decider.decide(context(40, "Y"), votes(context(40, "Y")))
    assert other.n_calibration == 4, "what agents are worth is learned over all symbols"
    assert not any("earlier calls" in reason for reason in other.reasons)


def test_a_snapshot_older_than_what_was_learned_is_refused_as_look_ahead():
    decider = engine()
    decider.decide(context(1), votes(context(1)))
    decider.observe("X", 9 * DAY, 101.0)
    with pytest.raises(MarketDataError, match="decide in order of time"):
        decider.decide(context(8), votes(context(8)))
    assert decider.decide(context(9), votes(context(9))).calibration == "uncalibrated, n=1"


def test_a_restart_goes_on_with_identical_decisions():
    first = engine()
    second = engine()
    for day in range(1, 21):
        first.observe("X", day * DAY, 100.0 + day % 3)
        first.decide(context(day), votes(context(day), 0.7 if day % 2 else 0.3))
    second.restore(json.loads(json.dumps(first.state())))
    assert second.state() == first.state()
    for day in range(21, 31):
        decisions = []
        for decider in (first, second):
            decider.observe("X", day * DAY, 100.0 + day % 3)
            decisions.append(decider.decide(context(day), votes(context(day))))
        assert decisions[0] == decisions[1]
        assert decisions[0].calibration != "uncalibrated, n=0"


def test_a_state_that_cannot_be_used_is_refused_and_changes_nothing():
    decider = engine()
    decider.decide(context(1), votes(context(1)))
    before = decider.state()
    for broken, says in (
        ({**before, "scope": "live-1"}, "'live-1' cannot continue in 'practice-1'"),
        ({**before, "format": 9}, "format 9"),
        ({**before, "symbols": {"X": [{"decision_id": 1}]}}, "cannot be read"),
        ({**before, "symbols": None}, "cannot be read"),
        ({**before, "learner": {"format": 9}}, "format 9"),
        ({**before, "learner": {"format": 1}}, "cannot be read"),
        ({**before, "outcomes": 3}, "cannot be read"),
        ({**before, "theses": {}}, "cannot be read"),
    ):
        with pytest.raises(StoreError, match=says):
            decider.restore(broken)
    assert decider.state() == before


def test_a_smaller_memory_keeps_the_youngest_of_a_restored_state():
    large, small = engine(), engine(memory=2)
    for day in range(1, 6):
        large.decide(context(day), votes(context(day)))
    small.restore(large.state())
    assert small.memory("X") == large.memory("X")[-2:]


@pytest.mark.parametrize("wrong", [{"entry_threshold": 0.5}, {"entry_threshold": 0.9}, {"memory": 0}, {"unknown": 1}])
def test_a_setting_out_of_bounds_or_unknown_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        DecisionConfig(**wrong)


def test_the_id_knows_what_was_learned_on_other_symbols_too():
    fresh, learned = engine(), engine()
    for decider in (fresh, learned):
        decider.decide(context(1, "Y"), votes(context(1, "Y")))
    learned.observe("Y", 6 * DAY, 101.0)
    ids = {decider.decide(context(6), votes(context(6))).decision_id for decider in (fresh, learned)}
    assert len(ids) == 2
