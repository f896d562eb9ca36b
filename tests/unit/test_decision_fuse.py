"""The pool of log odds, by hand."""

from __future__ import annotations

import math

import pytest

from deepalpha.decision import fuse
from deepalpha.decision.clip import logistic
from deepalpha.types import Signal, SignalStatus


def pool(**votes: float):
    return fuse([Signal(agent=name, p_up=p) for name, p in votes.items()])


def test_three_equal_votes_by_hand():
    fusion = pool(trend=0.6, pattern=0.4, technical=0.7)
    third = 1 / 3
    assert fusion.weights == {"pattern": third, "technical": third, "trend": third}
    assert fusion.score == pytest.approx((math.log(1.5) + math.log(2 / 3) + math.log(7 / 3)) / 3)
    assert fusion.p_up == pytest.approx(1 / (1 + math.exp(-fusion.score)))
    assert (fusion.voters, fusion.opinions) == (3, 3)


@pytest.mark.parametrize(
    ("others", "news", "each"), [(0, 0.25, 0.0), (1, 0.25, 0.75), (2, 0.25, 0.375), (3, 0.25, 0.25), (4, 0.2, 0.2)]
)
def test_news_holds_at_most_a_quarter_and_the_others_share_the_rest(others, news, each):
    names = [f"agent{i}" for i in range(others)]
    assert pool(news=0.9, **dict.fromkeys(names, 0.5)).weights == {**dict.fromkeys(names, each), "news": news}


@pytest.mark.parametrize(("p", "share"), [(1.0, 1.5), (0.999, 1.5), (0.8, math.log(4)), (0.001, -1.5), (0.0, -1.5)])
def test_one_vote_moves_the_log_odds_by_one_and_a_half_at_most(p, share):
    assert pool(trend=p).contributions["trend"] == pytest.approx(share)


def test_a_failure_has_neither_weight_nor_contribution():
    fusion = fuse([Signal(agent="trend", p_up=0.7), Signal(agent="news", status=SignalStatus.TIMEOUT)])
    assert (fusion.weights, set(fusion.contributions)) == ({"trend": 1.0}, {"trend"})
    assert (fusion.voters, fusion.opinions) == (2, 1)
    empty = fuse([])
    assert (empty.score, empty.p_up, empty.weights) == (0.0, 0.5, {})


@pytest.mark.parametrize("score", [-1e4, -1.5, 0.0, 1.5, 1e4])
def test_the_logistic_never_overflows_and_is_symmetric(score):
    assert logistic(score) + logistic(-score) == pytest.approx(1.0)
