"""Fuse votes by an equal-weight pool of log odds: the simplest rule that a better one has to beat.

    contribution_i = w_i * clip(logit(p_i), -1.5, 1.5)        score = sum of contributions        p_up = logistic(score)

Equal weights need no outcomes to learn from (Dawes 1979; Genest & Zidek 1986 for the logarithmic pool). The clip bounds
what one agent, broken or captured by a hostile headline, can do to the sum.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from deepalpha.types import AgentRole, Fact, Signal, SignalStatus

FUSER = "log-odds-equal/1"
LOGIT_LIMIT = 1.5
"""Largest say of one vote in log odds; p 0.18 .. 0.82."""
NEWS_AGENT = "news"
NEWS_SHARE = 0.25
"""The news agent reads text that anyone may write, so it never holds more than a quarter of the weight."""


class Fusion(Fact, frozen=True):
    """The pooled votes. `voters` counts every voter asked, `opinions` those with status ok."""

    score: float
    p_up: float
    weights: dict[str, float]
    contributions: dict[str, float]
    voters: int
    opinions: int


def fuse(signals: Iterable[Signal]) -> Fusion:
    """Pool the voters with status ok; guards and failed or abstaining voters have no weight at all.

    Args:
        signals: in any order, one for each agent.

    Returns:
        Weights and contributions by agent name. `score` equals ``math.fsum`` of the contributions, bit for bit, and the
        result does not depend on the order of `signals`. Without an opinion: score 0, p_up 0.5, nothing else.

    Example:
        >>> fuse([Signal(agent="trend", p_up=0.6), Signal(agent="pattern", p_up=0.5)]).weights
        {'pattern': 0.5, 'trend': 0.5}
    """
    voters = [signal for signal in signals if signal.role is AgentRole.VOTER]
    votes = {s.agent: s.p_up for s in sorted(voters, key=lambda s: s.agent) if s.status is SignalStatus.OK}
    weights = _weights(tuple(votes))
    contributions = {name: weights[name] * bounded_logit(p) for name, p in votes.items() if p is not None}
    score = math.fsum(contributions.values())
    return Fusion(
        score=score,
        p_up=logistic(score),
        weights=weights,
        contributions=contributions,
        voters=len(voters),
        opinions=len(votes),
    )


def _weights(names: tuple[str, ...]) -> dict[str, float]:
    """Equal shares; what the news agent may not have goes to the others in equal parts, or to nobody if it is alone."""
    if not names:
        return {}
    equal = 1.0 / len(names)
    if NEWS_AGENT not in names or equal <= NEWS_SHARE:
        return dict.fromkeys(names, equal)
    others = (1.0 - NEWS_SHARE) / (len(names) - 1) if len(names) > 1 else 0.0
    return {name: NEWS_SHARE if name == NEWS_AGENT else others for name in names}


def bounded_logit(p: float) -> float:
    """log(p / (1 - p)) limited to +-LOGIT_LIMIT; p = 0 and p = 1 give the limits."""
    if p <= 0.0:
        return -LOGIT_LIMIT
    if p >= 1.0:
        return LOGIT_LIMIT
    return max(-LOGIT_LIMIT, min(LOGIT_LIMIT, math.log(p / (1.0 - p))))


def logistic(score: float) -> float:
    """1 / (1 + exp(-score)), written so that neither tail overflows."""
    if score >= 0.0:
        return 1.0 / (1.0 + math.exp(-score))
    grown = math.exp(score)
    return grown / (1.0 + grown)
