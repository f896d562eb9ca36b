"""Who decides: the equal pool, unless another fuser has proven itself on the outcomes, and only as long as it does.

A challenger wins when the mean of (Brier of the equal pool - its own Brier) over the last `WINDOW` outcomes is above 0
with a 95 % stationary-bootstrap interval, of at least `NEEDED` outcomes. Blocks are as long as horizons overlap over
all symbols (`past.overlap`), since neighbours share their market. Of several winners the best Brier score decides.
There is no memory: the choice is a function of the outcomes, so a fuser that stops winning is replaced at the next
look. O(draws x n).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice

import numpy as np

from deepalpha.decision.clip import logistic
from deepalpha.decision.metrics import Interval, bootstrap_mean
from deepalpha.decision.past import overlap
from deepalpha.types import Fact, Outcome

NEEDED, WINDOW = 200, 500
_SMALLEST_BLOCK = 5.0


class Contest(Fact, frozen=True):
    """One look: who decides from now on, and each challenger's gain in Brier score over the equal pool."""

    live: str
    outcomes: int
    gains: dict[str, Interval]

    @property
    def words(self) -> str:
        """The look in words, for the log."""
        told = [f"{name} {g.value:+.4f} ({g.low:+.4f}..{g.high:+.4f})" for name, g in sorted(self.gains.items())]
        gains = "; ".join(told) or f"no contest below {NEEDED} outcomes"
        return f"{self.live} decides after {self.outcomes} outcomes; gain in Brier score over the equal pool: {gains}"


def contest(outcomes: Sequence[Outcome], *, default: str, challengers: Sequence[str]) -> Contest:
    """Compare the fusers on the last outcomes.

    Args:
        outcomes: in order of resolution.
        default: the fuser that decides unless it is beaten.
        challengers: the others.
    """
    names = (default, *challengers)
    comparable = (outcome for outcome in reversed(outcomes) if all(name in outcome.shadows for name in names))
    used = list(islice(comparable, WINDOW))[::-1]
    if len(used) < NEEDED:
        return Contest(live=default, outcomes=len(used), gains={})
    came = np.array([outcome.went_up for outcome in used])
    losses = {name: (np.array([logistic(outcome.shadows[name]) for outcome in used]) - came) ** 2 for name in names}
    begun = np.array([outcome.asof for outcome in used], dtype=np.int64)
    ended = np.array([outcome.resolved_at for outcome in used], dtype=np.int64)
    block = float(max(_SMALLEST_BLOCK, math.ceil(overlap(begun, ended))))
    gains = {name: bootstrap_mean(losses[default] - losses[name], block=block) for name in challengers}
    winners = [name for name, gain in gains.items() if gain.low > 0.0]
    live = min(winners, key=lambda name: (float(losses[name].mean()), name), default=default)
    return Contest(live=live, outcomes=len(used), gains=gains)
