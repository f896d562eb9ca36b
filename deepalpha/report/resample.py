"""One stationary bootstrap for a whole table: every figure is a function of sums over moments.

Cases of one moment share their market and neighbouring horizons overlap, so moments, not cases, are drawn, in runs of
geometric length (Politis & Romano 1994). All columns get the same draws: rows can be compared. O(draws x n x columns).

Percentiles alone are too narrow here: of 250 moments with horizons of 5 a "95 %" interval covers the truth in 89 % of
worlds. `widening` makes up for the three known reasons, after which 94 to 95 % are covered (the test measures it).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepalpha.decision.metrics import Interval
from deepalpha.errors import MarketDataError

if TYPE_CHECKING:
    Floats = NDArray[np.float64]

DRAWS, LEVEL, SEED = 999, 0.95, 1
_CHUNK = 64  # draws at once: 64 x 10,000 moments are 5 MB
_NORMAL = NormalDist()
_DIGITS = 10  # bounds are rounded here, so that the last bits of a matrix product do not show


class Sums:
    """Sums of columns over resampled moments.

    Args:
        n: moments.
        block: mean length of a run, at least 1.
        draws, seed: the same ones give the same resamples.
    """

    def __init__(self, n: int, block: float, *, draws: int = DRAWS, seed: int = SEED) -> None:
        if block < 1.0 or n < 1:
            raise MarketDataError(f"a bootstrap of {n} moments in blocks of {block:g} cannot be; both are at least 1")
        self.n, self.block, self.draws, self.seed = n, block, draws, seed

    def of(self, columns: Floats) -> Floats:
        """Sums of shape (draws, k) of `columns`, shape (n, k)."""
        parts = [self._counts(chunk, columns.shape[0]) @ columns for chunk in range(0, self.draws, _CHUNK)]
        return np.vstack(parts)

    def _counts(self, first: int, n: int) -> Floats:
        """How often each moment is in the draws from `first` on, shape (draws of the chunk, n)."""
        if n != self.n:
            raise MarketDataError(f"a column has {n} values for {self.n} moments; give one a moment")
        draws = min(_CHUNK, self.draws - first)
        random = np.random.default_rng([self.seed, first])
        fresh = random.random((draws, n)) < 1.0 / self.block
        fresh[:, 0] = True
        starts = random.integers(0, n, size=(draws, n))
        places = np.arange(n)
        begun = np.maximum.accumulate(np.where(fresh, places, 0), axis=1)
        indices = (np.take_along_axis(starts, begun, axis=1) + places - begun) % n
        flat = (indices + n * np.arange(draws)[:, None]).ravel()
        return np.bincount(flat, minlength=draws * n).astype(np.float64).reshape(draws, n)


def widening(moments: int, block: float, horizon: int, *, level: float = LEVEL) -> float:
    """How much wider than the percentiles an interval has to be.

    - Runs that end cut the ties between overlapping horizons: of a tie at distance k, (1 - 1/block)^k is left. Returns
      over `horizon` bars have ties (horizon - k) / horizon.
    - Drawn around the data's own mean, runs vary less than runs of the world: by 1 - 2 block / moments.
    - moments / block independent runs give Student's t, not the normal distribution.

    Args:
        moments: with data in them, at least 3 blocks.
        block: mean length of a run.
        horizon: moments a case is open, at least 1.

    Example:
        >>> round(widening(250, 10.0, 5), 2), round(widening(2000, 10.0, 5), 2)
        (1.19, 1.1)
    """
    ties = [(horizon - distance) / horizon for distance in range(1, horizon)]
    left = [tie * (1.0 - 1.0 / block) ** distance for distance, tie in enumerate(ties, start=1)]
    kept = (1.0 + 2.0 * math.fsum(left)) / (1.0 + 2.0 * math.fsum(ties))
    runs = moments / block
    z = _NORMAL.inv_cdf((1.0 + level) / 2.0)
    # Student's t by the Cornish-Fisher expansion (Abramowitz & Stegun 26.7.5); from 4 degrees on within 2 %.
    freedom = runs - 1.0
    t = z + (z**3 + z) / (4.0 * freedom) + (5.0 * z**5 + 16.0 * z**3 + 3.0 * z) / (96.0 * freedom**2)
    return t / z / math.sqrt(kept * (1.0 - 2.0 / runs))


def interval(
    whole: Floats,
    drawn: Floats,
    figure: Callable[[Floats], Floats],
    *,
    wider: float = 1.0,
    level: float = LEVEL,
) -> Interval | None:
    """A figure with its percentile interval.

    Args:
        whole: sums of the columns over the data, shape (k,).
        drawn: the same of every resample, shape (draws, k).
        figure: sums of shape (m, k) -> values of shape (m,), NaN where it cannot be taken.
        wider: both sides are stretched by this; see `widening`.

    Returns:
        None when the data or more than a tenth of the resamples give no figure.
    """
    value = float(figure(whole[None, :])[0])
    found = figure(drawn)
    found = found[np.isfinite(found)]
    if not np.isfinite(value) or len(found) < 0.9 * len(drawn):
        return None
    tail = (1.0 - level) / 2.0
    low, high = (value + wider * (float(bound) - value) for bound in np.quantile(found, [tail, 1.0 - tail]))
    return Interval(value=round(value, _DIGITS), low=round(low, _DIGITS), high=round(high, _DIGITS))
