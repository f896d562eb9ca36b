"""What fits look back on: the last outcomes as columns, and how many independent ones they are worth.

Invariant: `Past` shows exactly the last `kept` outcomes that were added, whatever came before them, so that a restart
from those sees the same columns. Adding is O(1) on average; columns are copies and stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepalpha.types import Outcome

Floats = NDArray[np.float64]
Times = NDArray[np.int64]


class Columns(NamedTuple):
    """Outcomes in order of resolution; arrays of shape (n,).

    `begun` and `ended` are UTC ns of decision and resolution; `bought` and `sold` are 1 where a purchase or a sale had
    earned its costs; `scores` are by fuser, NaN where an outcome does not know it.
    """

    begun: Times
    ended: Times
    bought: Floats
    sold: Floats
    scores: dict[str, Floats]

    @classmethod
    def of(cls, outcomes: Sequence[Outcome], fusers: Sequence[str]) -> Columns:
        """All of `outcomes`."""
        past = Past(fusers, max(1, len(outcomes)))
        past.extend(outcomes)
        return past.columns()

    def known_to(self, fuser: str, most: int) -> Columns:
        """The last `most` outcomes that know a fuser."""
        found = np.flatnonzero(~np.isnan(self.scores[fuser]))[-most:]
        scores = {name: column[found] for name, column in self.scores.items()}
        return Columns(self.begun[found], self.ended[found], self.bought[found], self.sold[found], scores)


class Past:
    """The last `kept` outcomes, which fusers' scores are looked up in."""

    def __init__(self, fusers: Sequence[str], kept: int) -> None:
        self._fusers, self._kept, self._end = tuple(fusers), kept, 0
        self._times = np.zeros((2, 2 * kept), dtype=np.int64)
        self._values = np.zeros((2 + len(self._fusers), 2 * kept))

    def add(self, outcome: Outcome) -> None:
        """Take the next outcome."""
        if self._end == 2 * self._kept:  # full: what is still shown moves to the front
            for table in (self._times, self._values):
                table[:, : self._kept] = table[:, self._kept :]
            self._end = self._kept
        self._times[:, self._end] = outcome.asof, outcome.resolved_at
        scores = [outcome.shadows.get(name, np.nan) for name in self._fusers]
        self._values[:, self._end] = [outcome.buy_paid, outcome.sell_paid, *scores]
        self._end += 1

    def extend(self, outcomes: Iterable[Outcome]) -> None:
        """Take several, oldest first."""
        for outcome in outcomes:
            self.add(outcome)

    def columns(self, *, without: int = 0) -> Columns:
        """What is kept, but for the youngest `without`."""
        chosen = slice(max(0, self._end - self._kept), max(0, self._end - without))
        (begun, ended), (bought, sold, *scores) = self._times[:, chosen].copy(), self._values[:, chosen].copy()
        return Columns(begun, ended, bought, sold, dict(zip(self._fusers, scores, strict=True)))


def overlap(begun: Times, ended: Times) -> float:
    """Mean number of horizons open at once over all symbols, while any is; at least 1.

    n outcomes are taken for n / overlap independent ones, which is the number of horizons that fit one after another
    into the time they cover. That is the cautious end: neighbouring horizons share most of their path, and symbols are
    taken as one market. Were they independent, symbols times as many would be right; what they have in common is
    largest when it matters most, and too few outcomes cannot measure it.

    Args:
        begun, ended: UTC ns, shape (n,), in any order; `ended` not before `begun`.

    Returns:
        1 without outcomes. O(n log n).

    Example:
        >>> days = np.arange(3, dtype=np.int64)
        >>> overlap(days, days + 1), overlap(np.repeat(days, 2), np.repeat(days, 2) + 1)
        (1.0, 2.0)
    """
    order = np.argsort(begun, kind="stable")
    first, last = begun[order], np.maximum.accumulate(ended[order])
    if not len(first):
        return 1.0
    since = np.maximum(first, np.concatenate([first[:1], last[:-1]]))  # time before it is covered already
    covered = float(np.maximum(last - since, 0).sum())
    return max(1.0, float((ended - begun).sum()) / covered) if covered else float(len(first))
