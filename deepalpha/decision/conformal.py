"""Adaptive conformal inference (Gibbs & Candes 2021): how many answers are still possible at the asked-for coverage?

Three labels: a purchase pays, a sale pays, neither does. The nonconformity of a label is 1 - its probability; the set
has every label whose nonconformity is within the (1 - alpha_t) quantile of the last `WINDOW` true ones. After each
outcome

    alpha_{t+1} = alpha_t + gamma (alpha - err_t),        err_t = 1 when the true label was not in the set.

alpha_t <= 0 makes the set whole and alpha_t >= 1 empty, so alpha_t stays within [-gamma, 1 + gamma] and, for any data,

    | mean err - alpha | <= (max(alpha_1, 1 - alpha_1) + gamma) / (T gamma).

The recursion runs in order of resolution with the probabilities as they were issued; a decision uses the level known
when it is made. O(n) for a quantile of n scores.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from deepalpha.types import Fact

WINDOW = 500
BUY, SELL, FLAT = "buy", "sell", "flat"


class Level(Fact, frozen=True):
    """The level before the next outcome, with what has been counted so far."""

    alpha: float
    outcomes: int = 0
    errors: int = 0


def label_probabilities(p_buy: float, p_sell: float) -> dict[str, float]:
    """The three labels' probabilities; what the two sides leave over belongs to neither."""
    return {BUY: p_buy, SELL: p_sell, FLAT: max(0.0, 1.0 - p_buy - p_sell)}


class Conformal:
    """The recursion and the scores behind its quantile.

    Args:
        alpha: share of outcomes the set may miss, in (0, 1).
        gamma: step, above 0.
    """

    def __init__(self, alpha: float, gamma: float) -> None:
        self._alpha = alpha
        self._gamma = gamma
        self._level = Level(alpha=alpha)
        self._scores: deque[float] = deque(maxlen=WINDOW)
        self._limit: float | None = None

    @property
    def level(self) -> Level:
        """Where the recursion stands."""
        return self._level

    def limit(self) -> float:
        """Largest nonconformity in the set: 1 and more takes every label, below 0 none."""
        if self._limit is None:
            self._limit = self._quantile()
        return self._limit

    def labels(self, p_buy: float, p_sell: float) -> tuple[str, ...]:
        """The labels that remain possible, in the order buy, sell, flat."""
        limit = self.limit()
        return tuple(label for label, p in label_probabilities(p_buy, p_sell).items() if 1.0 - p <= limit)

    def learn(self, p_buy: float, p_sell: float, truth: str) -> bool:
        """Take an outcome; whether the set had missed it."""
        missed = truth not in self.labels(p_buy, p_sell)
        level = self._level
        self._level = Level(
            alpha=level.alpha + self._gamma * (self._alpha - missed),
            outcomes=level.outcomes + 1,
            errors=level.errors + missed,
        )
        self.remember(p_buy, p_sell, truth)
        return missed

    def remember(self, p_buy: float, p_sell: float, truth: str) -> None:
        """Add the nonconformity of an outcome to the window without a step of the recursion (used by a restart)."""
        self._scores.append(1.0 - label_probabilities(p_buy, p_sell)[truth])
        self._limit = None

    def state(self) -> dict[str, Any]:
        """The level; the scores follow from the outcomes."""
        level = self._level
        return {"alpha": level.alpha, "outcomes": level.outcomes, "errors": level.errors}

    def restore(self, state: Mapping[str, Any], issued: Iterable[tuple[float, float, str]]) -> None:
        """Go on from `state` and the last outcomes as (p_buy, p_sell, truth), oldest first."""
        self._level = Level(alpha=float(state["alpha"]), outcomes=int(state["outcomes"]), errors=int(state["errors"]))
        self._scores.clear()
        self._limit = None
        for p_buy, p_sell, truth in issued:
            self.remember(p_buy, p_sell, truth)

    def _quantile(self) -> float:
        alpha, n = self._level.alpha, len(self._scores)
        if alpha >= 1.0:
            return -1.0
        rank = int(np.ceil((n + 1) * (1.0 - alpha)))  # the split conformal rank; beyond n nothing can be excluded
        if alpha <= 0.0 or rank > n:
            return 1.0
        return float(np.partition(np.fromiter(self._scores, dtype=np.float64, count=n), rank - 1)[rank - 1])
