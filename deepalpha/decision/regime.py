"""What the symbol's own bars say: the state of the market and how far the price moves over the horizon.

Both read nothing but closed bars of the snapshot, so they are functions of it. O(n) over at most a few hundred bars.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from deepalpha.types import SECOND, BarFrame, Fact

TREND_BARS, TREND_EFFICIENCY = 20, 0.35
SHOCK_BARS, CALM_BARS, SHOCK = 10, 120, 2.0
MOVE_BARS, MOVES_NEEDED = 250, 30


class Regime(StrEnum):
    """`turbulent`: the last 10 returns vary more than twice as much as the last 120; `trending`: the last 20 bars went
    at least 35 % of their way in one direction (Kaufman's efficiency ratio); `ranging`: neither; `unknown`: too few
    bars to say."""

    TRENDING = "trending"
    RANGING = "ranging"
    TURBULENT = "turbulent"
    UNKNOWN = "unknown"


class Moves(Fact, frozen=True):
    """Mean size of the rises and of the falls over the horizon, as shares of the price, from `n` starting bars."""

    rise: float
    fall: float
    n: int


def regime(frame: BarFrame) -> Regime:
    """State of the market at the last bar of a frame."""
    close = frame.close[-(CALM_BARS + 1) :]
    if len(close) <= TREND_BARS or not bool(np.isfinite(close).all()) or float(close.min()) <= 0.0:
        return Regime.UNKNOWN
    returns = np.diff(np.log(close))
    if len(returns) >= 3 * SHOCK_BARS and float(returns[-SHOCK_BARS:].std()) > SHOCK * float(returns.std()):
        return Regime.TURBULENT
    steps = np.diff(close[-(TREND_BARS + 1) :])
    way = float(np.abs(steps).sum())
    return Regime.TRENDING if way > 0 and abs(float(steps.sum())) >= TREND_EFFICIENCY * way else Regime.RANGING


def moves(frame: BarFrame, horizon_s: int) -> Moves | None:
    """Mean absolute moves over the horizon from the last `MOVE_BARS` bars; None with fewer than `MOVES_NEEDED`.

    A move is measured as an outcome is: from a close to the first one at or after the end of its horizon. A side that
    never occurred has size 0.
    """
    close, times = frame.close, frame.ts_event
    horizon = horizon_s * SECOND
    whole = int(np.searchsorted(times, times[-1] - horizon, side="right")) if len(times) else 0
    starts = slice(max(0, whole - MOVE_BARS), whole)
    if starts.stop - starts.start < MOVES_NEEDED:
        return None
    change = close[np.searchsorted(times, times[starts] + horizon)] / close[starts] - 1.0
    if not bool(np.isfinite(change).all()):
        return None
    rises, falls = change[change > 0.0], -change[change < 0.0]
    return Moves(
        rise=float(rises.mean()) if len(rises) else 0.0, fall=float(falls.mean()) if len(falls) else 0.0, n=len(change)
    )
