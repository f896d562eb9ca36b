"""Value at risk, with its definition in the result: libraries disagree on every one of these words."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepalpha.errors import DeepAlphaError
from deepalpha.types import Fact

Returns = NDArray[np.float64]


class OutOfDomain(DeepAlphaError, ValueError):
    """The Cornish-Fisher map from normal to actual quantiles is not monotone for this skewness and kurtosis."""


class VarMethod(StrEnum):
    """How the quantile of returns is found."""

    HISTORICAL = "historical"
    ORDER_STATISTIC = "order_statistic"
    NORMAL = "normal"
    CORNISH_FISHER = "cornish_fisher"
    EWMA = "ewma"


class ValueAtRisk(Fact, frozen=True):
    """A loss that is exceeded with probability `alpha`, as a fraction of value; negative when even that is a gain.

    `definition` says how it was found, `n` from how many returns, `window` how many were asked for (0: all of them),
    `sign` what a positive number means.
    """

    value: float
    method: VarMethod
    definition: str
    n: int
    window: int
    alpha: float
    sign: str = "a loss is positive"

    def __float__(self) -> float:
        return self.value


MEANING = {
    VarMethod.HISTORICAL: "minus the alpha quantile of returns, linear between order statistics (numpy, empyrical)",
    VarMethod.ORDER_STATISTIC: "minus the largest return that at most a share alpha of returns is at or below, else "
    "the lowest (lower order statistic)",
    VarMethod.NORMAL: "minus (mean + z * deviation), deviation with n - 1, z the normal quantile of alpha",
    VarMethod.CORNISH_FISHER: "minus (mean + z' * deviation), z' by the Cornish-Fisher expansion with the biased "
    "skewness and excess kurtosis, deviation with n - 1",
    VarMethod.EWMA: "minus z * deviation, zero mean, variance by exponential weights of 0.94 from the first square on",
}
LEAST = {VarMethod.NORMAL: 2, VarMethod.CORNISH_FISHER: 4}
DECAY = 0.94
DEVIATIONS = 4.0
"""Cornish-Fisher must be monotone this far out (3 in 100,000 on either side)."""


def value_at_risk(
    returns: ArrayLike, *, confidence: float = 0.95, method: str | VarMethod = VarMethod.HISTORICAL, window: int = 0
) -> ValueAtRisk:
    """Value at risk of a row of returns.

    Args:
        returns: shape (n,), simple returns a period, oldest first; all finite.
        confidence: in 0.5..1, both excluded; alpha is 1 - confidence.
        method: see `VarMethod`.
        window: use the last so many returns; 0 for all.

    Raises:
        ValueError: no returns, one that is not finite, or an argument out of range.
        OutOfDomain: Cornish-Fisher is not valid for these returns; use `historical`.

    Example:
        >>> float(value_at_risk([-0.03, -0.01, 0.0, 0.01, 0.02], confidence=0.75))
        0.01
    """
    chosen = VarMethod(method)
    if not 0.5 < confidence < 1:
        raise ValueError(f"confidence = {confidence!r} must be above 0.5 and below 1")
    if window < 0:
        raise ValueError(f"window = {window!r} must be 0 (all returns) or more")
    row = np.asarray(returns, dtype=np.float64)
    if row.ndim != 1 or not np.isfinite(row).all():
        raise ValueError("returns must be one row of finite numbers; drop or fill what is missing first")
    row = row[-window:] if window else row
    least = LEAST.get(chosen, 1)
    if len(row) < least:
        raise ValueError(f"{chosen} needs at least {least} returns, there are {len(row)}")
    alpha = 1 - confidence
    quantile = _QUANTILES[chosen](row, alpha)
    return ValueAtRisk(
        value=-quantile, method=chosen, definition=MEANING[chosen], n=len(row), window=window, alpha=alpha
    )


def _historical(row: Returns, alpha: float) -> float:
    return float(np.quantile(row, alpha))


def _order_statistic(row: Returns, alpha: float) -> float:
    # One part in 1e9 forgives 1 - 0.95 for not being 0.05.
    rank = math.floor(len(row) * alpha * (1 + 1e-9))
    return float(np.sort(row)[max(rank, 1) - 1])


def _normal(row: Returns, alpha: float) -> float:
    return float(row.mean() + NormalDist().inv_cdf(alpha) * row.std(ddof=1))


def _cornish_fisher(row: Returns, alpha: float) -> float:
    centred = row - row.mean()
    spread = float(np.sqrt(np.mean(centred**2)))
    if spread == 0.0:
        return float(row.mean())
    skewness = float(np.mean((centred / spread) ** 3))
    kurtosis = float(np.mean((centred / spread) ** 4)) - 3.0
    # The slope of the map is a z^2 + b z + c (Maillard 2012); it must not be negative within the deviations in use.
    a, b, c = kurtosis / 8 - skewness**2 / 6, skewness / 3, 1 - kurtosis / 8 + 5 * skewness**2 / 36
    lowest = [-DEVIATIONS, DEVIATIONS]
    if a > 0 and abs(b / (2 * a)) < DEVIATIONS:
        lowest.append(-b / (2 * a))
    if min(a * z * z + b * z + c for z in lowest) < 0:
        raise OutOfDomain(
            f"Cornish-Fisher is not monotone at skewness {skewness:.3f} and excess kurtosis {kurtosis:.3f}; "
            "use method='historical'"
        )
    z = NormalDist().inv_cdf(alpha)
    adjusted = z + (z**2 - 1) * skewness / 6 + (z**3 - 3 * z) * kurtosis / 24 - (2 * z**3 - 5 * z) * skewness**2 / 36
    return float(row.mean() + adjusted * row.std(ddof=1))


def _ewma(row: Returns, alpha: float) -> float:
    variance = float(row[0] ** 2)
    for value in row[1:]:
        variance = DECAY * variance + (1 - DECAY) * float(value) ** 2
    return NormalDist().inv_cdf(alpha) * math.sqrt(variance)


_QUANTILES: dict[VarMethod, Callable[[Returns, float], float]] = {
    VarMethod.HISTORICAL: _historical,
    VarMethod.ORDER_STATISTIC: _order_statistic,
    VarMethod.NORMAL: _normal,
    VarMethod.CORNISH_FISHER: _cornish_fisher,
    VarMethod.EWMA: _ewma,
}
