"""Step 4a, calibrate the agents: how often was this agent right when it sounded this sure?

Each agent has five bands of stated confidence max(p, 1 - p). A band keeps exponentially forgotten counts of right and
wrong (factor `DECAY` an outcome of that band) and answers with the posterior mean of a beta prior that believes the
agent as much as `PRIOR` outcomes would. An agent that turns out wrong loses its voice (1/2), it is never turned
around: only the log pool may do that, with a negative weight.

The equal pool has no memory, so it pools these calibrated votes; fixed share and log pool learn from the stated ones,
because a record that is in the weights must not be counted a second time. O(1) a vote.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping
from typing import Any

from deepalpha.decision.clip import bounded_logit
from deepalpha.types import Fact

EDGES = (0.55, 0.6, 0.7, 0.8)
"""Bounds of the bands, by the probability an agent gives to its own side."""
DECAY = 0.99
PRIOR = 20.0
Z90 = 1.6448536269514722  # 95 % quantile of the normal distribution: a two-sided 90 % interval


class Standing(Fact, frozen=True):
    """An agent's record at the confidence it states now: P(right), its 90 % bounds, effective outcomes behind it."""

    right: float
    low: float
    high: float
    outcomes: float


class AgentRecord:
    """The bands of every agent."""

    def __init__(self) -> None:
        self._bands: dict[str, list[list[float]]] = {}

    def standing(self, agent: str, p_up: float) -> Standing:
        """The record of an agent that states `p_up` now.

        Returns:
            `right` is the posterior mean for the side it takes; without outcomes it is what the agent says.
        """
        said = max(p_up, 1.0 - p_up)
        right, wrong = self._bands[agent][_band(p_up)] if agent in self._bands else (0.0, 0.0)
        seen = right + wrong
        mean = (right + PRIOR * said) / (seen + PRIOR)
        half = Z90 * math.sqrt(mean * (1.0 - mean) / (seen + PRIOR + 1.0))
        return Standing(right=mean, low=max(0.0, mean - half), high=min(1.0, mean + half), outcomes=seen)

    def calibrated(self, stated: Mapping[str, float]) -> dict[str, float]:
        """Clipped log odds of the calibrated votes, by agent in the order given."""
        return {agent: self._logit(agent, p_up) for agent, p_up in stated.items()}

    def learn(self, stated: Mapping[str, float], went_up: float) -> None:
        """Count an outcome (1 up, 0 down, 0.5 unchanged) for every agent that took a side."""
        for agent, p_up in stated.items():
            if p_up == 0.5:
                continue
            right = went_up if p_up > 0.5 else 1.0 - went_up
            band = self._bands.setdefault(agent, [[0.0, 0.0] for _ in range(len(EDGES) + 1)])[_band(p_up)]
            band[0] = DECAY * band[0] + right
            band[1] = DECAY * band[1] + 1.0 - right

    def state(self) -> dict[str, Any]:
        """Right and wrong of every band, by agent."""
        return {agent: [list(band) for band in self._bands[agent]] for agent in sorted(self._bands)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""
        self._bands = {
            str(agent): [[float(right), float(wrong)] for right, wrong in bands] for agent, bands in state.items()
        }

    def _logit(self, agent: str, p_up: float) -> float:
        if agent not in self._bands or p_up == 0.5:
            return bounded_logit(p_up)  # the very number the agent gave: no rounding where nothing is known
        size = bounded_logit(max(0.5, self.standing(agent, p_up).right))
        return size if p_up > 0.5 or size == 0.0 else -size


def _band(p_up: float) -> int:
    return bisect.bisect_right(EDGES, max(p_up, 1.0 - p_up))
