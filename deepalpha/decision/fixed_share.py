"""Fixed share: weights that follow the agent who is right at present, with a bound on the regret.

Herbster & Warmuth (1998), squared loss, eta = 1/2, alpha = 0.01, on the agents' clipped probabilities q_i:

    q = sum_i w_i q_i                                 w_i <- w_i exp(-eta (q_i - y)^2) / Z
    w_i <- (1 - alpha) w_i + alpha / N

The squared loss is exp-concave for eta <= 1/2, so against the best sequence of agents with k switches in T outcomes

    sum (q - y)^2  <=  best + [ln N + k ln(N / alpha) + (T - 1 - k) ln(1 / (1 - alpha + alpha / N))] / eta .

Agents that stay out (abstention, failure, removal) sleep (Freund et al. 1997): the weights of those awake are updated
among themselves and keep their common mass, those asleep stay as they are to the last bit. A new agent comes in with
the mean weight of those known. The news cap is applied to what is pooled, not to what is learned. O(n) a vote and a
lesson.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from deepalpha.decision.clip import cap_news, logistic
from deepalpha.decision.fuse import Fusion, fusion

ETA = 0.5
ALPHA = 0.01
_FLAT = 1e-9  # distance from 1/2 below which the slope of the logit is 4 to all digits


class FixedShare:
    """A linear pool of probabilities whose weights follow the best agent through regimes.

    The score is the logit of the pooled probability; an agent's contribution is the part of it that its distance from
    one half has in the pooled distance.
    """

    name: ClassVar[str] = "fixed-share/1"

    def __init__(self, *, eta: float = ETA, alpha: float = ALPHA) -> None:
        self._eta = eta
        self._alpha = alpha
        self._weights: dict[str, float] = {}

    def pool(self, logits: Mapping[str, float], asked: tuple[str, ...]) -> Fusion:
        """Pool by the learned weights, scaled to 1 over the agents that have an opinion. See `Fuser`."""
        if not logits:
            return fusion({}, {}, asked)
        weights = cap_news(self._awake(logits), share_out=True)
        parts = {name: weights[name] * (logistic(logit) - 0.5) for name, logit in logits.items()}
        distance = math.fsum(parts.values())
        slope = 4.0 if abs(distance) < _FLAT else math.log((0.5 + distance) / (0.5 - distance)) / distance
        return fusion(weights, {name: slope * part for name, part in parts.items()}, asked)

    def learn(self, logits: Mapping[str, float], asked: tuple[str, ...], went_up: float) -> None:
        """Move mass to those who were closest, then share a hundredth out. See `Fuser`."""
        if not logits:
            return
        self._admit((*asked, *logits))
        mass = math.fsum(self._weights[name] for name in logits)
        losses = {name: (logistic(logit) - went_up) ** 2 for name, logit in logits.items()}
        scaled = {name: self._weights[name] * math.exp(-self._eta * loss) for name, loss in losses.items()}
        total = math.fsum(scaled.values())
        share = self._alpha / len(logits)
        for name, weight in scaled.items():
            self._weights[name] = mass * ((1.0 - self._alpha) * weight / total + share)

    def weights(self) -> dict[str, float]:
        """Weights of all agents known, those asleep included; they sum to 1."""
        return {name: self._weights[name] for name in sorted(self._weights)}

    def state(self) -> dict[str, Any]:
        """The weights."""
        return {"weights": self.weights()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""
        self._weights = {str(name): float(weight) for name, weight in state["weights"].items()}

    def _awake(self, names: Iterable[str]) -> dict[str, float]:
        mean = 1.0 / len(self._weights) if self._weights else 1.0
        raw = {name: self._weights.get(name, mean) for name in names}
        total = math.fsum(raw.values())
        return {name: weight / total for name, weight in raw.items()}

    def _admit(self, names: Iterable[str]) -> None:
        """Give newcomers the mean weight and scale all back to a sum of 1."""
        new = sorted(name for name in names if name not in self._weights)
        if not new:
            return
        mean = 1.0 / len(self._weights) if self._weights else 1.0
        self._weights.update(dict.fromkeys(new, mean))
        total = math.fsum(self._weights.values())
        self._weights = {name: weight / total for name, weight in self._weights.items()}
