"""How the pattern agent weighs chart patterns and levels of `deepalpha.ta.chart`."""

from __future__ import annotations

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from deepalpha.ta import chart
from deepalpha.types import BarFrame

MIN_BARS = 40
"""Fewer usable bars than this hold no chart pattern worth a look."""
MAX_BARS = 500
"""Bars searched: the longest pattern has 400."""


class ChartVote(msgspec.Struct, frozen=True):
    """A chart pattern that became known within the last bars and still has something ahead of it."""

    pattern: chart.ChartPattern
    sign: int
    age: int
    weight: float
    first_bar: int
    """Index in the frame of the first bar that was searched; pivots count from it."""

    def words(self) -> str:
        """Name, when it was confirmed, its pivots, what it aims at and where it fails."""
        found = self.pattern
        when = "on the last bar" if self.age == 0 else f"{self.age} bar{'s' if self.age > 1 else ''} ago"
        pivots = ", ".join(f"{pivot.label} {self.first_bar + pivot.bar}" for pivot in found.pivots)
        aim = "no target left" if found.target is None else f"target {found.target:,.6g}"
        name = found.name.replace("_", " ")
        return (
            f"{found.direction} {name} confirmed {when} (score {found.score:.2f}; bars: {pivots}), {aim}, "
            f"invalid {'below' if self.sign > 0 else 'above'} {found.invalidation:,.6g}"
        )


def usable(frame: BarFrame) -> int:
    """Index of the first bar to search: after the last one with a gap, without a price or with a high below its low."""
    columns = (frame.open, frame.high, frame.low, frame.close)
    good: NDArray[np.bool_] = np.logical_and.reduce([np.isfinite(column) & (column > 0) for column in columns])
    bad = np.flatnonzero(~(good & (frame.high >= frame.low)))
    return max(int(bad[-1]) + 1 if len(bad) else 0, len(frame) - MAX_BARS)


def chart_votes(frame: BarFrame, fresh_bars: int, no_target: float) -> list[ChartVote]:
    """Chart patterns and harmonics confirmed within the last `fresh_bars` bars, strongest first.

    The weight is the pattern's score, times what is left to the target as a share of that and of what is lost at the
    invalidation, times its freshness. Patterns that have failed or have reached their target have no say.

    Args:
        frame: closed bars.
        fresh_bars: bars over which a confirmation fades.
        no_target: what stands in for that share where a pattern has no target.
    """
    start = usable(frame)
    bars = len(frame) - start
    if bars < MIN_BARS:
        return []
    columns = (getattr(frame, name)[start:] for name in ("open", "high", "low", "close"))
    close = float(frame.close[-1])
    votes = []
    for found in chart.patterns(*columns):
        age = bars - 1 - found.confirmed_at
        if age >= fresh_bars:
            continue
        sign = 1 if found.direction == "bullish" else -1
        risk = sign * (close - found.invalidation)
        reward = math.nan if found.target is None else sign * (found.target - close)
        if risk <= 0 or reward <= 0:
            continue
        payoff = no_target if math.isnan(reward) else reward / (reward + risk)
        votes.append(ChartVote(found, sign, age, found.score * payoff * (1 - age / fresh_bars), start))
    return sorted(votes, key=lambda vote: (-vote.weight, vote.pattern.name, vote.pattern.scale))


def standing_levels(frame: BarFrame) -> list[chart.Level]:
    """Support and resistance that stand after the last bar, the strongest first."""
    start = usable(frame)
    if len(frame) - start < MIN_BARS:
        return []
    return chart.levels(frame.high[start:], frame.low[start:], frame.close[start:])
