"""Log pool: an online logistic regression on the agents' log odds (logistic stacking).

    score = sum_i w_i l_i        p = logistic(score)        g_i = (p - y) l_i + ridge (w_i - 1/N)
    G_i <- G_i + g_i^2           w_i <- clip(w_i - rate g_i / sqrt(G_i), -1, 1)            (AdaGrad, Duchi et al. 2011)

Weights stand for themselves and need not sum to 1, so the pool also calibrates: agents that exaggerate get small
weights, one that is always wrong a negative one. Copies of an agent share the weight one of them would have: the
gradient stops when their sum explains the outcomes, so a duplicate is not counted twice once the weights have settled
(at the start, and as far as the ridge pulls back, they hold a share each).

|w_i| <= 1 bounds the say of one agent by the clip, 1.5 in log odds. An agent that stays out adds nothing and its
weight does not move, nor does the ridge touch it. A newcomer begins with 1/N, N being the voters known with it. O(n).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from deepalpha.decision.clip import cap_news, logistic
from deepalpha.decision.fuse import Fusion, fusion

RATE = 0.2
RIDGE = 0.001
WEIGHT_LIMIT = 1.0
FIRST_SQUARE = 1.0
"""Gradient assumed to have been seen: the first lesson moves a weight by `RATE` times its gradient, not by `RATE`."""


class LogPool:
    """A pool of log odds with learned weights of either sign."""

    name: ClassVar[str] = "log-pool/1"

    def __init__(self, *, rate: float = RATE, ridge: float = RIDGE) -> None:
        self._rate = rate
        self._ridge = ridge
        self._weights: dict[str, float] = {}
        self._squares: dict[str, float] = {}

    def pool(self, logits: Mapping[str, float], asked: tuple[str, ...]) -> Fusion:
        """Pool by the learned weights as they are. See `Fuser`."""
        weights = self._capped(logits, asked)
        return fusion(weights, {name: weights[name] * logit for name, logit in logits.items()}, asked)

    def learn(self, logits: Mapping[str, float], asked: tuple[str, ...], went_up: float) -> None:
        """One step down the gradient of the log loss. See `Fuser`."""
        weights = self._capped(logits, asked)
        start = self._start(asked)
        for name in sorted(set(asked) | set(logits)):
            self._weights.setdefault(name, start)
            self._squares.setdefault(name, FIRST_SQUARE)
        miss = logistic(math.fsum(weights[name] * logit for name, logit in logits.items())) - went_up
        centre = 1.0 / len(self._weights) if self._weights else 1.0
        for name, logit in logits.items():
            gradient = miss * logit + self._ridge * (self._weights[name] - centre)
            self._squares[name] += gradient * gradient
            moved = self._weights[name] - self._rate * gradient / math.sqrt(self._squares[name])
            self._weights[name] = max(-WEIGHT_LIMIT, min(WEIGHT_LIMIT, moved))

    def weights(self) -> dict[str, float]:
        """Weights of all voters known."""
        return {name: self._weights[name] for name in sorted(self._weights)}

    def state(self) -> dict[str, Any]:
        """Weights and the squared gradients behind the step size."""
        return {"weights": self.weights(), "squares": {name: self._squares[name] for name in sorted(self._squares)}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""
        self._weights = {str(name): float(weight) for name, weight in state["weights"].items()}
        self._squares = {str(name): float(square) for name, square in state["squares"].items()}

    def _start(self, asked: Iterable[str]) -> float:
        return 1.0 / max(1, len(set(self._weights) | set(asked)))

    def _capped(self, logits: Mapping[str, float], asked: tuple[str, ...]) -> dict[str, float]:
        start = self._start((*asked, *logits))
        return cap_news({name: self._weights.get(name, start) for name in logits}, share_out=False)
