"""Step 3, fuse: what every fuser answers, and the equal pool, the rule that a better one has to beat.

    contribution_i = w_i * clip(logit(p_i), -1.5, 1.5)        score = sum of contributions        p_up = logistic(score)

Equal weights need no outcomes to learn from (Dawes 1979; Genest & Zidek 1986 for the logarithmic pool). They count a
duplicated agent as often as it is there: five copies of one agent hold five shares. `LogPool` does not.

Invariants, for every fuser: the score is ``math.fsum`` of the contributions, bit for bit; the order of the votes has
no influence; an agent without an opinion has neither weight nor contribution, and its weight does not move.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol

from deepalpha.decision.clip import cap_news, logistic
from deepalpha.decision.normalise import normalise
from deepalpha.types import Fact, Signal


class Fusion(Fact, frozen=True):
    """The pooled votes. `voters` counts every voter asked, `opinions` those with status ok."""

    score: float
    p_up: float
    weights: dict[str, float]
    contributions: dict[str, float]
    voters: int
    opinions: int


class Fuser(Protocol):
    """A way to pool votes; the contract test runs through every one.

    `name` has a version that changes whenever the same votes may give another score.
    """

    name: ClassVar[str]

    def pool(self, logits: Mapping[str, float], asked: tuple[str, ...]) -> Fusion:
        """Pool clipped log odds by agent, sorted by name; `asked` are all voters. Changes nothing."""

    def learn(self, logits: Mapping[str, float], asked: tuple[str, ...], went_up: float) -> None:
        """Take the outcome (1 up, 0 down, 0.5 unchanged) of votes that were pooled. Only this moves weights."""

    def weights(self) -> dict[str, float]:
        """The weights of all agents known, sorted by name; empty when nothing was learned."""

    def state(self) -> dict[str, Any]:
        """What a restart needs, as JSON-able values."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""


def fusion(weights: Mapping[str, float], contributions: Mapping[str, float], asked: tuple[str, ...]) -> Fusion:
    """The answer of a fuser from its shares; an exact sum, so that no order of summands matters."""
    score = math.fsum(contributions.values())
    return Fusion(
        score=score,
        p_up=logistic(score),
        weights=dict(weights),
        contributions=dict(contributions),
        voters=len(asked),
        opinions=len(contributions),
    )


class EqualPool:
    """One share for each opinion; the news agent's cap goes to the others in equal parts."""

    name: ClassVar[str] = "log-odds-equal/1"

    def pool(self, logits: Mapping[str, float], asked: tuple[str, ...]) -> Fusion:
        """Pool by equal weights. See `Fuser`."""
        weights = cap_news(dict.fromkeys(logits, 1.0 / len(logits)), share_out=True) if logits else {}
        return fusion(weights, {name: weights[name] * logit for name, logit in logits.items()}, asked)

    def learn(self, logits: Mapping[str, float], asked: tuple[str, ...], went_up: float) -> None:
        """Nothing to learn."""

    def weights(self) -> dict[str, float]:
        """Nothing learned."""
        return {}

    def state(self) -> dict[str, Any]:
        """Nothing to keep."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing to restore."""


def fuse(signals: Iterable[Signal]) -> Fusion:
    """Pool voters by equal weights; guards and failed or abstaining voters have no weight at all.

    Args:
        signals: in any order, one for each agent.

    Returns:
        Weights and contributions by agent name. Without an opinion: score 0, p_up 0.5, nothing else.

    Example:
        >>> fuse([Signal(agent="trend", p_up=0.6), Signal(agent="pattern", p_up=0.5)]).weights
        {'pattern': 0.5, 'trend': 0.5}
    """
    ballot = normalise(signals)
    return EqualPool().pool(ballot.logits, ballot.asked)
