"""Positions and their returns: what a row's sides would have earned, bar by bar.

# Definition
A side (+1 buy, -1 sell, 0 none) is held as a tranche from its decision's close to its outcome's. Horizons overlap: a
symbol's position is the mean side of its decisions that are open at a moment, so each has 1 / horizon_bars of the
symbol's capital, or a little more where a weekend within the horizon leaves fewer open; always +1 is always invested.
Capital is spread equally over the symbols that are active (from their first case to their last outcome). A bar earns
the position held into it times the close-to-close return and pays half the round trip on what is traded, tranches
netted: one that follows on another of its side costs nothing. Borrowing shares is free; moving capital between symbols
pays as any trade; returns are compounded a bar. O(symbols x moments).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepalpha.report.walk import Case
from deepalpha.types import DAY

if TYPE_CHECKING:
    Floats = NDArray[np.float64]
    Places = NDArray[np.intp]

YEAR = 365.25 * DAY
_LONGEST_STEP = 10  # bars: a longer pause between two moments is no time in the market


class Path(NamedTuple):
    """Gross and net returns, shares traded and cost of each moment, shape (n,)."""

    gross: Floats
    net: Floats
    traded: Floats
    cost: Floats


class Grid:
    """The moments of an evaluation with every symbol's returns on them.

    Args:
        cases: in order of decision, at least one.
        closes: (ts_event, close) by symbol, from the first decision on.
        cost: share of the price that the way in and out takes.
        bar_ns: nominal length of a bar.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        closes: Mapping[str, Sequence[tuple[int, float]]],
        *,
        cost: float,
        bar_ns: int,
    ) -> None:
        self._cost, self._bar_ns = cost, bar_ns
        last = max(case.resolved_at for case in cases)
        times = {ts for found in closes.values() for ts, _ in found if ts <= last}
        self.moments: NDArray[np.int64] = np.array(sorted(times), dtype=np.int64)
        self.symbols = tuple(sorted({case.symbol for case in cases}))
        row = {symbol: number for number, symbol in enumerate(self.symbols)}
        self.of_case: Places = np.array([row[case.symbol] for case in cases], dtype=np.intp)
        self.begins = np.searchsorted(self.moments, [case.asof for case in cases])
        self._ends = np.searchsorted(self.moments, [case.resolved_at for case in cases])
        self._returns = np.vstack([self._returns_of(closes[symbol]) for symbol in self.symbols])
        self.active = np.zeros(self._returns.shape, dtype=bool)
        for number in range(len(self.symbols)):
            mine = self.of_case == number
            self.active[number, self.begins[mine].min() : self._ends[mine].max()] = True
        shared = self.active.sum(axis=0)
        self._weights = self.active / np.maximum(shared, 1)
        self._open = self._sum(np.ones(len(cases)))

    def _returns_of(self, closes: Sequence[tuple[int, float]]) -> Floats:
        known = [(ts, close) for ts, close in closes if ts <= int(self.moments[-1])]
        prices = np.array([close for _, close in known], dtype=np.float64)
        found = np.zeros(len(self.moments))
        found[np.searchsorted(self.moments, [ts for ts, _ in known[1:]])] = prices[1:] / prices[:-1] - 1.0
        return found

    def path(self, side: Floats, *, symbol: int | None = None) -> Path:
        """The returns of sides of shape (cases,); `symbol` gives one symbol the whole capital."""
        return self._walked(self._sum(side) / np.maximum(self._open, 1), symbol)

    def held(self, *, symbol: int | None = None) -> Path:
        """The returns of holding every active symbol."""
        return self._walked(self.active.astype(np.float64), symbol)

    def _sum(self, side: Floats) -> NDArray[np.int64]:
        """Sum of the sides open after each moment, shape (symbols, moments); whole numbers, so nothing is left over."""
        steps = np.zeros((len(self.symbols), len(self.moments)), dtype=np.int64)
        np.add.at(steps, (self.of_case, self.begins), side.astype(np.int64))
        np.subtract.at(steps, (self.of_case, self._ends), side.astype(np.int64))
        return np.cumsum(steps, axis=1)

    def _walked(self, position: Floats, symbol: int | None) -> Path:
        if symbol is None:
            position, returns = position * self._weights, self._returns
        else:
            position, returns = position[symbol : symbol + 1], self._returns[symbol : symbol + 1]
        before = np.concatenate([np.zeros((len(position), 1)), position[:, :-1]], axis=1)
        gross = (before * returns).sum(axis=0)
        traded = np.abs(position - before).sum(axis=0)
        paid = traded * (self._cost / 2.0)
        return Path(gross, gross - paid, traded, paid)

    def span(self, symbol: int | None = None) -> NDArray[np.bool_]:
        """Moments that count for a mean: those at which the symbol, or any, is active or was just left."""
        active: NDArray[np.bool_] = np.any(self.active if symbol is None else self.active[symbol : symbol + 1], axis=0)
        left = np.concatenate([[False], active[:-1]])
        found: NDArray[np.bool_] = active | left
        return found

    def bars_per_year(self, span: NDArray[np.bool_]) -> float:
        """Moments of a span in a year of it, pauses of more than ten bars counted as ten."""
        steps = np.diff(self.moments[span])
        elapsed = float(np.minimum(steps, _LONGEST_STEP * self._bar_ns).sum())
        return len(steps) / (elapsed / YEAR) if elapsed else math.nan


def drawdown(net: Floats) -> float:
    """Deepest fall of the compounded value from its highest before, as a share of that; 0 for a value that never fell.

    Example:
        >>> drawdown(np.array([0.1, -0.5, 0.2]))
        0.5
    """
    value = np.concatenate([[1.0], np.cumprod(1.0 + net)])
    return float(np.max(1.0 - value / np.maximum.accumulate(value)))


def compounded(returns: Floats) -> float:
    """Product of (1 + return) less 1."""
    return float(np.prod(1.0 + returns) - 1.0)
