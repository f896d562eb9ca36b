"""Does this market follow its news? How often the tone of past stories and the next move had the same sign."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec
import numpy as np

from deepalpha.agents.numeric import clamp
from deepalpha.types import BarFrame

PRIOR = 8.0
"""Past stories' worth of "half of them agree" that are added: a handful of stories changes little."""
LOWEST, HIGHEST = 0.5, 1.25
NEUTRAL = 0.1


class Following(msgspec.Struct, frozen=True):
    """How the moves after past stories went.

    Attributes:
        agreed, judged: of `judged` stories with a tone, how many were followed by a move of its sign.
        factor: what the tone of the present stories is multiplied by, 0.5..1.25; 1 without a past.
    """

    agreed: int
    judged: int
    factor: float


def following(frame: BarFrame, stories: Iterable[tuple[int, float]]) -> Following:
    """Judge stories by the first bar that closed after they were known.

    Args:
        frame: closed bars.
        stories: (UTC ns from which it was known, tone in -1..1); those without a tone, or without a later closed bar
            that moved, are not judged.
    """
    agreed = judged = 0
    for known, tone in stories:
        move = _next_move(frame, known)
        if abs(tone) >= NEUTRAL and math.isfinite(move) and move != 0.0:
            judged += 1
            agreed += (tone > 0) == (move > 0)
    rate = (agreed + PRIOR / 2) / (judged + PRIOR)
    return Following(agreed, judged, clamp(2 * rate, LOWEST, HIGHEST))


def _next_move(frame: BarFrame, known: int) -> float:
    """Log return from the last close at or before `known` to the first one after it; NaN if either is missing."""
    place = int(np.searchsorted(frame.ts_event, known, side="right"))
    if place == 0 or place >= len(frame):
        return math.nan
    before, after = float(frame.close[place - 1]), float(frame.close[place])
    return math.log(after / before) if before > 0 and after > 0 and math.isfinite(after / before) else math.nan
