"""What holds for every fuser, whatever it learned; the regret of fixed share; the coverage of the conformal level."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepalpha.decision import Learner
from deepalpha.decision.clip import LOGIT_LIMIT, NEWS_AGENT, NEWS_SHARE, bounded_logit, logistic
from deepalpha.decision.conformal import BUY, FLAT, SELL, Conformal
from deepalpha.decision.fixed_share import ALPHA, ETA, FixedShare
from deepalpha.decision.fuse import EqualPool, Fuser
from deepalpha.decision.log_pool import LogPool
from deepalpha.decision.normalise import normalise
from deepalpha.types import DAY, Action, Outcome, Signal, SignalStatus

FUSERS = (EqualPool, FixedShare, LogPool)
NAMES = ("mine", NEWS_AGENT, "pattern", "technical", "trend")
probability = st.floats(0.0, 1.0)
went_up = st.sampled_from((0.0, 0.5, 1.0))
ballots = st.dictionaries(st.sampled_from(NAMES), probability)
lessons = st.lists(st.tuples(ballots, went_up), max_size=25)


def logits_of(votes: dict[str, float]) -> dict[str, float]:
    return {name: bounded_logit(votes[name]) for name in sorted(votes)}


def taught(kind: type, told: list[tuple[dict[str, float], float]]) -> Fuser:
    fuser = kind()
    for votes, up in told:
        fuser.learn(logits_of(votes), NAMES, up)
    return fuser


@pytest.mark.parametrize("kind", FUSERS)
@given(told=lessons, votes=ballots)
@settings(deadline=None)
def test_contributions_sum_to_the_score_bit_for_bit_and_every_bound_holds(kind, told, votes):
    fused = taught(kind, told).pool(logits_of(votes), NAMES)
    assert math.fsum(fused.contributions.values()) == fused.score
    assert fused.p_up == logistic(fused.score)
    assert set(fused.weights) == set(fused.contributions) == set(votes)
    assert (fused.voters, fused.opinions) == (len(NAMES), len(votes))
    for share in fused.contributions.values():
        assert abs(share) <= LOGIT_LIMIT + 1e-9, "one vote never counts for more than the clip"
    total = math.fsum(abs(weight) for weight in fused.weights.values())
    others = total - abs(fused.weights.get(NEWS_AGENT, 0.0))
    bound = NEWS_SHARE * total if others > 0.0 else NEWS_SHARE
    assert abs(fused.weights.get(NEWS_AGENT, 0.0)) <= bound * (1.0 + 1e-12)
    assert 0.0 < fused.p_up < 1.0


@pytest.mark.parametrize("kind", FUSERS)
@given(told=lessons, votes=ballots, data=st.data())
@settings(deadline=None)
def test_the_order_of_votes_changes_nothing_in_what_is_pooled_or_learned(kind, told, votes, data):
    def shuffled(given_votes: dict[str, float]) -> dict[str, float]:
        return dict(data.draw(st.permutations(sorted(given_votes.items()))))

    straight, mixed = kind(), kind()
    for some, up in told:
        straight.learn(logits_of(some), NAMES, up)
        ballot = normalise([Signal(agent=name, p_up=p) for name, p in shuffled(some).items()])
        mixed.learn(ballot.logits, NAMES, up)
    ballot = normalise([Signal(agent=name, p_up=p) for name, p in shuffled(votes).items()])
    assert mixed.state() == straight.state()
    assert mixed.pool(ballot.logits, NAMES) == straight.pool(logits_of(votes), NAMES)


@pytest.mark.parametrize("kind", FUSERS)
@given(told=lessons, votes=ballots)
@settings(deadline=None)
def test_a_fuser_goes_on_from_its_state_and_pooling_changes_none(kind, told, votes):
    fuser = taught(kind, told)
    again = kind()
    again.restore(json.loads(json.dumps(fuser.state())))
    before = fuser.state()
    assert again.pool(logits_of(votes), NAMES) == fuser.pool(logits_of(votes), NAMES)
    assert fuser.state() == before, "weights move by outcomes only"
    again.learn(logits_of(votes), NAMES, 1.0)
    fuser.learn(logits_of(votes), NAMES, 1.0)
    assert again.state() == fuser.state()


@pytest.mark.parametrize("kind", [FixedShare, LogPool])
@given(told=lessons, votes=ballots, up=went_up)
@settings(deadline=None)
def test_who_has_no_opinion_learns_nothing_to_the_last_bit(kind, told, votes, up):
    fuser = taught(kind, [(dict.fromkeys(NAMES, 0.6), 1.0), *told])
    before = fuser.weights()
    fuser.learn(logits_of(votes), NAMES, up)
    after = fuser.weights()
    assert set(after) == set(before), "an agent that stays out is not forgotten"
    assert all(after[name] == before[name] for name in NAMES if name not in votes)


@given(told=lessons)
@settings(deadline=None)
def test_fixed_share_weights_are_a_distribution_and_a_newcomer_gets_the_mean(told):
    fuser = taught(FixedShare, told)
    weights = fuser.weights()
    if weights:
        assert math.isclose(math.fsum(weights.values()), 1.0, abs_tol=1e-9)
        assert min(weights.values()) > 0.0, "no agent is lost for good"
    known = len(weights)
    pooled = fuser.pool(logits_of({**dict.fromkeys(weights, 0.6), "late": 0.6}), (*NAMES, "late")).weights
    if known and NEWS_AGENT not in weights:
        assert math.isclose(pooled["late"], 1.0 / (known + 1), rel_tol=1e-9)


def test_failures_timeouts_and_abstentions_are_the_same_to_what_is_learned():
    states = []
    for status in (SignalStatus.ABSTAIN, SignalStatus.ERROR, SignalStatus.TIMEOUT):
        learner = Learner(0.3, 0.01)
        ballot = normalise([Signal(agent="a", p_up=0.7), Signal(agent="b", status=status)])
        learner.resolve(outcome(1, ballot.stated, ballot.asked, 0.01))
        assert "b" not in learner.fuse(ballot)[LogPool.name].contributions
        states.append(learner.state())
    assert states[0] == states[1] == states[2]


def outcome(number: int, votes: dict[str, float], asked: tuple[str, ...], change: float) -> Outcome:
    return Outcome(
        decision_id=f"d{number}",
        symbol="X",
        asof=number * DAY,
        resolved_at=(number + 1) * DAY,
        action=Action.HOLD,
        price=100.0,
        close=100.0 * (1 + change),
        gross_return=change,
        net_return=change - 0.002,
        cost=0.002,
        went_up=0.5 if change == 0 else float(change > 0),
        p_up=0.5,
        p_buy=0.5,
        p_sell=0.5,
        n_calibration=0,
        fuser=EqualPool.name,
        shadows={kind.name: 0.0 for kind in FUSERS},
        votes=votes,
        asked=asked,
    )


def best_sequence(losses: np.ndarray, switches: int) -> float:
    """Smallest total loss of a sequence of agents with exactly at most `switches` changes, by dynamic programming."""
    best = np.full((switches + 1, losses.shape[1]), np.inf)
    best[0] = losses[0]
    for row in losses[1:]:
        for k in range(switches, 0, -1):
            best[k] = np.minimum(best[k], best[k - 1].min())
        best += row
    return float(best.min())


@given(
    votes=st.lists(st.lists(probability, min_size=4, max_size=4), min_size=1, max_size=60),
    ups=st.lists(st.sampled_from((0.0, 1.0)), min_size=60, max_size=60),
    switches=st.integers(0, 3),
)
@settings(deadline=None)
def test_the_regret_of_fixed_share_stays_within_its_bound_against_every_sequence(votes, ups, switches):
    names = ("a", "b", "c", "d")
    fuser, total, losses = FixedShare(), 0.0, []
    for row, up in zip(votes, ups, strict=False):
        logits = {name: bounded_logit(p) for name, p in zip(names, row, strict=True)}
        total += (fuser.pool(logits, names).p_up - up) ** 2
        losses.append([(logistic(logit) - up) ** 2 for logit in logits.values()])
        fuser.learn(logits, names, up)
    n, rounds = len(names), len(votes)
    stay = 1.0 - ALPHA + ALPHA / n
    paid = math.log(n) + switches * math.log(n / ALPHA) + max(0, rounds - 1 - switches) * math.log(1.0 / stay)
    assert total - best_sequence(np.array(losses), switches) <= paid / ETA + 1e-9


@given(
    votes=st.lists(st.lists(probability, min_size=5, max_size=5), min_size=1, max_size=60),
    ups=st.lists(st.sampled_from((0.0, 1.0)), min_size=60, max_size=60),
)
@settings(deadline=None)
def test_without_sharing_it_is_hedge_whose_regret_is_at_most_ln_n_over_eta(votes, ups):
    names = ("a", "b", "c", "d", "e")
    fuser, total, losses = FixedShare(alpha=0.0), 0.0, []
    for row, up in zip(votes, ups, strict=False):
        logits = {name: bounded_logit(p) for name, p in zip(names, row, strict=True)}
        total += (fuser.pool(logits, names).p_up - up) ** 2
        losses.append([(logistic(logit) - up) ** 2 for logit in logits.values()])
        fuser.learn(logits, names, up)
    assert total - np.array(losses).sum(axis=0).min() <= math.log(5) / ETA + 1e-9


@given(
    steps=st.lists(
        st.tuples(st.floats(0, 1), st.floats(0, 1), st.sampled_from((BUY, SELL, FLAT))), min_size=1, max_size=200
    ),
    alpha=st.floats(0.05, 0.95),
    gamma=st.floats(0.001, 0.5),
)
@settings(deadline=None)
def test_the_conformal_error_is_within_its_bound_for_any_sequence(steps, alpha, gamma):
    conformal = Conformal(alpha, gamma)
    for p_buy, rest, label in steps:
        conformal.learn(p_buy, (1.0 - p_buy) * rest, label)
        assert -gamma - 1e-9 <= conformal.level.alpha <= 1.0 + gamma + 1e-9
    rounds = len(steps)
    bound = (max(alpha, 1.0 - alpha) + gamma) / (rounds * gamma)
    assert abs(conformal.level.errors / rounds - alpha) <= bound + 1e-9


@given(
    changes=st.lists(st.floats(-0.1, 0.1), min_size=1, max_size=80),
    cut=st.integers(0, 80),
    votes=st.lists(st.lists(probability, min_size=3, max_size=3), min_size=80, max_size=80),
)
@settings(deadline=None, max_examples=25)
def test_a_learner_that_restarts_anywhere_ends_with_the_same_state_and_digest(changes, cut, votes):
    names = ("a", "b", NEWS_AGENT)
    told = [
        outcome(i, dict(zip(names, row, strict=True)), names, change)
        for i, (change, row) in enumerate(zip(changes, votes, strict=False), start=1)
    ]
    straight = Learner(0.3, 0.01)
    updates = [straight.resolve(item) for item in told]
    cut = min(cut, len(told))
    resumed = Learner(0.3, 0.01)
    if cut:
        resumed.restore(json.loads(json.dumps(updates[cut - 1].state)), told[:cut])
    assert [resumed.resolve(item) for item in told[cut:]] == updates[cut:]
    assert resumed.digest == straight.digest


def test_a_newcomer_to_the_log_pool_begins_with_one_share_and_moves_nobody():
    fuser = taught(LogPool, [(dict.fromkeys(NAMES, 0.6), 1.0)] * 5)
    before = fuser.weights()
    votes = logits_of({"late": 0.6, "trend": 0.6})
    assert fuser.pool(votes, (*NAMES, "late")).weights == {"late": 1.0 / (len(NAMES) + 1), "trend": before["trend"]}
    fuser.learn({}, (*NAMES, "late"), 1.0)  # it failed at its first outcome: known from there on, and unmoved
    assert fuser.weights() == {**before, "late": 1.0 / (len(NAMES) + 1)}
