"""What must hold for every set of votes: sums, symmetry, order, bounds, and no power to one captured agent."""

from __future__ import annotations

import math

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from deepalpha.decision import DecisionConfig, DecisionEngine, build_context, fuse
from deepalpha.decision.clip import LOGIT_LIMIT, NEWS_AGENT, NEWS_SHARE
from deepalpha.types import DAY, Action, AgentRole, BarFrame, PositionView, Signal, SignalStatus

NAMES = ("technical", "pattern", "trend", NEWS_AGENT, "mine", "yours")
FAILURES = (SignalStatus.ABSTAIN, SignalStatus.ERROR, SignalStatus.TIMEOUT)
CONTEXT = build_context(
    symbol="X",
    asof=DAY,
    horizon_s=60,
    timeframe="1d",
    bars={"1d": BarFrame("1d", np.array([0]), np.array([DAY]), *(np.ones(1) for _ in range(5)))},
    news=(),
    position=PositionView(),
)
probability = st.floats(0.0, 1.0)
THRESHOLD = DecisionConfig().entry_threshold


def voter(agent: str, p_up: float) -> Signal:
    return Signal(agent=agent, p_up=p_up, snapshot_hash=CONTEXT.snapshot_hash)


def failure(agent: str, status: SignalStatus, role: AgentRole = AgentRole.VOTER) -> Signal:
    return Signal(agent=agent, status=status, role=role, snapshot_hash=CONTEXT.snapshot_hash)


def guard(agent: str, size_cap: float) -> Signal:
    return msgspec.structs.replace(Signal.guard(size_cap), agent=agent, snapshot_hash=CONTEXT.snapshot_hash)


def decide(signals: list[Signal]):
    return DecisionEngine(DecisionConfig(), scope="s", clock=lambda: 0).decide(CONTEXT, signals)


@st.composite
def ballots(draw, names: tuple[str, ...] = NAMES, *, minimum: int = 0) -> list[Signal]:
    """Some voters, each with an opinion or a failure, in any order."""
    chosen = draw(st.lists(st.sampled_from(names), unique=True, min_size=minimum))
    one = st.one_of(probability, st.sampled_from(FAILURES))
    drawn = [(name, draw(one)) for name in chosen]
    return [voter(name, x) if isinstance(x, float) else failure(name, x) for name, x in drawn]


@given(ballots())
def test_contributions_sum_to_the_score_and_weights_to_one(signals):
    fusion = fuse(signals)
    assert math.fsum(fusion.contributions.values()) == fusion.score
    assert abs(fusion.score) <= LOGIT_LIMIT + 1e-12
    assert set(fusion.weights) == {s.agent for s in signals if s.status is SignalStatus.OK}
    assert fusion.weights.get(NEWS_AGENT, 0.0) <= NEWS_SHARE
    if set(fusion.weights) - {NEWS_AGENT}:
        assert math.isclose(sum(fusion.weights.values()), 1.0)
    others = {weight for name, weight in fusion.weights.items() if name != NEWS_AGENT}
    assert len(others) <= 1
    assert 0.0 < fusion.p_up < 1.0


@given(ballots(), st.data())
def test_the_order_of_the_votes_does_not_matter(signals, data):
    shuffled = data.draw(st.permutations([*signals, guard("risk", 0.5), guard("limits", 0.7)]))
    assert fuse(shuffled) == fuse(signals)
    assert decide(shuffled) == decide([*signals, guard("risk", 0.5), guard("limits", 0.7)])


@given(ballots())
def test_mirrored_votes_give_the_mirrored_score(signals):
    mirrored = [s if s.p_up is None else voter(s.agent, 1.0 - s.p_up) for s in signals]
    assert math.isclose(fuse(mirrored).score, -fuse(signals).score, abs_tol=1e-9)


@given(ballots(), st.sampled_from(FAILURES))
def test_a_failed_voter_changes_nothing_but_the_count_and_is_never_a_neutral_vote(signals, status):
    with_failure = fuse([*signals, failure("broken", status)])
    without = fuse(signals)
    assert with_failure == msgspec.structs.replace(without, voters=without.voters + 1)
    assert "broken" not in with_failure.contributions


@given(
    captured=st.sampled_from(NAMES),
    says=probability,
    opposed=st.lists(st.floats(THRESHOLD, 1.0), min_size=3, max_size=3),
    up=st.booleans(),
)
def test_one_captured_agent_cannot_flip_three_that_would_each_act_against_it(captured, says, opposed, up):
    others = [name for name in NAMES if name not in (captured, NEWS_AGENT)][:3]
    signals = [voter(name, p if up else 1.0 - p) for name, p in zip(others, opposed, strict=True)]
    action = decide([*signals, voter(captured, says)]).action
    assert action is not (Action.SELL if up else Action.BUY)


@given(ballots(minimum=1), st.lists(st.floats(0.0, 1.0), max_size=3), st.floats(0.0, 1.0))
def test_a_guard_only_ever_lowers_the_size_and_never_moves_the_vote(signals, caps, extra):
    guards = [guard(f"guard{i}", cap) for i, cap in enumerate(caps)]
    before = decide([*signals, *guards])
    after = decide([*signals, *guards, guard("more", extra)])
    assert after.size_cap == min([1.0, *caps, extra]) <= before.size_cap
    assert (after.score, after.weights) == (before.score, before.weights)
    assert after.action in (before.action, Action.HOLD)
    if after.size_cap == 0.0:
        assert after.action is Action.HOLD
        assert after.blocked_by


@given(ballots())
def test_nothing_is_done_without_a_quorum(signals):
    decision = decide(signals)
    opinions = sum(s.status is SignalStatus.OK for s in signals)
    assert decision.blocked_by.startswith("quorum") == (opinions < 2)
    if opinions < 2:
        assert decision.action is Action.HOLD
