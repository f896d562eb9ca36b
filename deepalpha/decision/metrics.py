"""How good were the probabilities and the returns? Each figure with its definition, for tables, screens and tests.

Arrays are float64 of shape (n,). `p` are probabilities of the event, `y` whether it came (1 or 0; `brier` and
`log_loss` also take 0.5 for an unchanged price). Nothing here reads a clock or draws an unseeded random number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepalpha.errors import MarketDataError
from deepalpha.types import Fact

Floats = NDArray[np.float64]
BINS = 10
_TINY = 1e-12
_NORMAL = NormalDist()
_EULER = 0.5772156649015329


class Murphy(Fact, frozen=True):
    """Brier score = reliability - resolution + uncertainty + within, exactly (Murphy 1973; Stephenson et al. 2008).

    Reliability is the squared distance of each bin's mean p from its frequency, resolution that of the frequencies from
    the base rate, uncertainty base (1 - base); `within` is what the spread of p inside the bins adds, 0 for equal ones.
    """

    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    within: float


class ReliabilityBin(Fact, frozen=True):
    """One equal-mass bin: mean probability, frequency of the event, size, and the frequency's 90 % Wilson interval."""

    p: float
    frequency: float
    n: int
    low: float
    high: float


class Interval(Fact, frozen=True):
    """An estimate with the bounds of its interval."""

    value: float
    low: float
    high: float


def brier(p: ArrayLike, y: ArrayLike) -> float:
    """Mean of (p - y)^2. 0 is perfect, 0.25 is a coin.

    Example:
        >>> brier([0.8, 0.3], [1, 0])
        0.065
    """
    p, y = _pair(p, y)
    return float(np.mean((p - y) ** 2))


def log_loss(p: ArrayLike, y: ArrayLike) -> float:
    """Mean of -[y ln p + (1 - y) ln(1 - p)], p kept 1e-12 away from 0 and 1. A coin has ln 2 = 0.693."""
    p, y = _pair(p, y)
    p = np.clip(p, _TINY, 1.0 - _TINY)
    return float(-np.mean(y * np.log(p) + (1.0 - y) * np.log1p(-p)))


def murphy(p: ArrayLike, y: ArrayLike, *, bins: int = BINS) -> Murphy:
    """The Brier score and its parts over equal-mass bins. See `Murphy`."""
    p, y = _pair(p, y)
    n, base = len(p), float(y.mean())
    reliability = resolution = within = 0.0
    for group in _equal_mass(p, bins):
        share, mean, frequency = len(group) / n, float(p[group].mean()), float(y[group].mean())
        reliability += share * (mean - frequency) ** 2
        resolution += share * (frequency - base) ** 2
        spread = p[group] - mean
        within += share * float(np.mean(spread**2) - 2.0 * np.mean(spread * (y[group] - frequency)))
    uncertainty = float(np.mean((y - base) ** 2))
    return Murphy(
        brier=brier(p, y), reliability=reliability, resolution=resolution, uncertainty=uncertainty, within=within
    )


def reliability_table(p: ArrayLike, y: ArrayLike, *, bins: int = BINS) -> tuple[ReliabilityBin, ...]:
    """Equal-mass bins by rising probability: said against happened."""
    p, y = _pair(p, y)
    table = []
    for group in _equal_mass(p, bins):
        frequency = float(y[group].mean())
        low, high = wilson(frequency, len(group))
        table.append(ReliabilityBin(p=float(p[group].mean()), frequency=frequency, n=len(group), low=low, high=high))
    return tuple(table)


def calibration_error(p: ArrayLike, y: ArrayLike, *, bins: int = BINS) -> float:
    """Expected calibration error: mean over equal-mass bins, by size, of |mean p - frequency|."""
    p, y = _pair(p, y)
    return math.fsum(
        len(group) / len(p) * abs(float(p[group].mean()) - float(y[group].mean())) for group in _equal_mass(p, bins)
    )


def risk_coverage(confidence: ArrayLike, wrong: ArrayLike) -> tuple[Floats, Floats]:
    """Error among the most confident share of cases.

    Args:
        confidence: any score, higher is surer.
        wrong: 1 where the call was wrong, else 0.

    Returns:
        Coverage k/n and the error rate of the k surest, k = 1..n; cases of equal confidence come in together, so all of
        them have the error rate of the whole tie. A useful confidence rises with coverage.
    """
    confidence, wrong = _pair(confidence, wrong)
    order = np.argsort(-confidence, kind="stable")
    counts = np.arange(1, len(order) + 1, dtype=np.float64)
    sums = np.cumsum(wrong[order])
    ends = np.searchsorted(-confidence[order], -confidence[order], side="right") - 1
    return counts / len(order), sums[ends] / counts[ends]


def wilson(share: float, n: float, level: float = 0.90) -> tuple[float, float]:
    """Two-sided interval of a share of `n` trials (Wilson 1927); 0..1 without trials."""
    if n <= 0:
        return 0.0, 1.0
    z = _NORMAL.inv_cdf(0.5 + level / 2.0)
    square = z * z / n
    centre = (share + square / 2.0) / (1.0 + square)
    half = math.sqrt(share * (1.0 - share) * square + square * square / 4.0) / (1.0 + square)
    return max(0.0, centre - half), min(1.0, centre + half)


def bootstrap_mean(
    values: ArrayLike, *, block: float, level: float = 0.95, draws: int = 999, seed: int = 1
) -> Interval:
    """Mean with a percentile interval by the stationary bootstrap (Politis & Romano 1994).

    Args:
        values: in order of time; what depends on its neighbours stays together in blocks.
        block: mean length of a block, at least 1; lengths are geometric, the series is a circle.
        level: of the two-sided interval.
        draws, seed: the same ones give the same interval on every machine.
    """
    series = _series(values)
    # Sums by counts, not by BLAS: the order of summands, and so the last bit, does not depend on the machine.
    means = (_counts(len(series), float(block), draws, seed) * series).sum(axis=1) / len(series)
    return _percentiles(float(series.mean()), means, level)


def bootstrap(
    values: ArrayLike,
    statistic: Callable[[Floats], float],
    *,
    block: float,
    level: float = 0.95,
    draws: int = 999,
    seed: int = 1,
) -> Interval:
    """Any statistic of a series with its stationary-bootstrap interval; `statistic` gets one resample of shape (n,)."""
    series = _series(values)
    indices = _resamples(len(series), float(block), draws, seed)
    found = np.array([statistic(series[row]) for row in indices], dtype=np.float64)
    return _percentiles(statistic(series), found, level)


def _resamples(n: int, block: float, draws: int, seed: int) -> NDArray[np.int32]:
    """Indices of shape (draws, n): runs that begin anew with probability 1 / block at each place."""
    if block < 1.0:
        raise MarketDataError(f"bootstrap block {block!r} is not at least 1")
    random = np.random.default_rng(seed)
    fresh = random.random((draws, n)) < 1.0 / block
    fresh[:, 0] = True
    starts = random.integers(0, n, size=(draws, n))
    places = np.arange(n)
    begun = np.maximum.accumulate(np.where(fresh, places, 0), axis=1)
    indices = ((np.take_along_axis(starts, begun, axis=1) + places - begun) % n).astype(np.int32)
    indices.flags.writeable = False
    return indices


@lru_cache(maxsize=4)  # 4 MB each at 500 values; looks come in order, so the last few are enough
def _counts(n: int, block: float, draws: int, seed: int) -> Floats:
    """How often each place is in each resample, shape (draws, n)."""
    indices = _resamples(n, block, draws, seed)
    places = indices + n * np.arange(draws, dtype=np.int64)[:, None]
    counts = np.bincount(places.ravel(), minlength=draws * n).astype(np.float64).reshape(draws, n)
    counts.flags.writeable = False
    return counts


def sharpe(returns: ArrayLike) -> float:
    """Mean over standard deviation (n - 1) of returns a period; not annualised; 0 when nothing varies."""
    series = _series(returns)
    deviation = float(series.std(ddof=1)) if len(series) > 1 else 0.0
    return float(series.mean()) / deviation if deviation > 0.0 else 0.0


def expected_best_sharpe(trials: int, variance: float) -> float:
    """Highest Sharpe ratio expected of `trials` strategies without skill whose Sharpe ratios have this variance
    (Bailey & Lopez de Prado 2014): sqrt(V) [(1 - g) z(1 - 1/N) + g z(1 - 1/(N e))], g = 0.5772. 0 for one trial."""
    if trials < 2:
        return 0.0
    first = _NORMAL.inv_cdf(1.0 - 1.0 / trials)
    second = _NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(variance) * ((1.0 - _EULER) * first + _EULER * second)


def deflated_sharpe(returns: ArrayLike, *, trials: int, variance: float) -> float:
    """P(the true Sharpe ratio is above what the best of `trials` would show by luck).

    Bailey & Lopez de Prado (2014), with S the Sharpe ratio a period, S0 `expected_best_sharpe`, g3 skewness and g4
    kurtosis (normal: 3):  Phi[(S - S0) sqrt(n - 1) / sqrt(1 - g3 S + (g4 - 1)/4 S^2)].

    Args:
        returns: a period each.
        trials: strategies that were tried, the shown one included.
        variance: of the trials' Sharpe ratios a period.
    """
    series = _series(returns)
    ratio = sharpe(series)
    centred = series - series.mean()
    spread = float(np.mean(centred**2))
    if spread == 0.0 or len(series) < 2:
        return 0.0
    skewness = float(np.mean(centred**3)) / spread**1.5
    kurtosis = float(np.mean(centred**4)) / spread**2
    scale = 1.0 - skewness * ratio + (kurtosis - 1.0) / 4.0 * ratio * ratio
    excess = ratio - expected_best_sharpe(trials, variance)
    return _NORMAL.cdf(excess * math.sqrt(len(series) - 1) / math.sqrt(max(scale, _TINY)))


def _percentiles(value: float, found: Floats, level: float) -> Interval:
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(found, [tail, 1.0 - tail])
    return Interval(value=value, low=float(low), high=float(high))


def _equal_mass(p: Floats, bins: int) -> list[NDArray[np.intp]]:
    """Indices of up to `bins` groups of (nearly) equal size by rising p; equal values keep their order."""
    return np.array_split(np.argsort(p, kind="stable"), max(1, min(bins, len(p))))


def _series(values: ArrayLike) -> Floats:
    series = np.asarray(values, dtype=np.float64)
    if series.ndim != 1 or not len(series):
        raise MarketDataError(f"a metric needs a series of at least one value, got shape {series.shape}")
    if not np.isfinite(series).all():
        raise MarketDataError("a metric cannot be taken of NaN or infinite values; leave them out first")
    return series


def _pair(first: ArrayLike, second: ArrayLike) -> tuple[Floats, Floats]:
    one, other = _series(first), _series(second)
    if len(one) != len(other):
        raise MarketDataError(f"a metric needs as many outcomes as predictions, got {len(one)} and {len(other)}")
    return one, other
