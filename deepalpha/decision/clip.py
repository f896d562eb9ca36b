"""Step 2, clip: bounds on what one vote can do, the same for every fuser.

Invariants: no vote counts as more than `LOGIT_LIMIT` in log odds, and the news agent, which reads text that anyone may
write, holds at most `NEWS_SHARE` of the weight. O(n).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

LOGIT_LIMIT = 1.5
"""Largest say of one vote in log odds; p 0.18 .. 0.82."""
NEWS_AGENT = "news"
NEWS_SHARE = 0.25


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


def cap_news(weights: Mapping[str, float], *, share_out: bool) -> dict[str, float]:
    """Weights in which the news agent has at most `NEWS_SHARE` of the sum of magnitudes.

    Args:
        weights: by agent; may be negative.
        share_out: whether what news may not have goes to the others in proportion (weights that sum to 1), or to nobody
            (weights that stand for themselves).

    Returns:
        The same mapping when the cap holds. A news agent alone keeps `NEWS_SHARE` at most, and nobody has the rest.

    Example:
        >>> cap_news({"news": 0.5, "trend": 0.5}, share_out=True)
        {'news': 0.25, 'trend': 0.75}
    """
    news = weights.get(NEWS_AGENT, 0.0)
    others = math.fsum(abs(weight) for name, weight in weights.items() if name != NEWS_AGENT)
    if others == 0.0:
        limit = NEWS_SHARE
    elif abs(news) * (1.0 - NEWS_SHARE) <= NEWS_SHARE * others:
        return dict(weights)
    else:
        limit = NEWS_SHARE if share_out else others * NEWS_SHARE / (1.0 - NEWS_SHARE)
    scale = (1.0 - NEWS_SHARE) / others if share_out and others else 1.0
    held = max(-limit, min(limit, news))
    return {name: held if name == NEWS_AGENT else weight * scale for name, weight in weights.items()}
