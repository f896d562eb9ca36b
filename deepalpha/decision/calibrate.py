"""Step 4b, calibrate the fusion: from a score to P(a trade on that side has earned its costs at the horizon's end).

Two curves, one for a purchase (rising in the score) and one for a sale (rising in minus the score), each fitted to the
last `WINDOW` outcomes:

- below `ENOUGH` outcomes: the fused probability shrunk to the base rate, p = (50 p_stated + n base) / (50 + n);
- from `ENOUGH` (50): Platt's logistic a s + b with his smoothed targets, a >= 0 and a unit normal prior on a;
- from `PLENTY` (500): isotonic regression over equal-mass bins of at least 25, each shrunk to the base rate.

A curve never falls where the votes rise, so calibration cannot turn the agents around. Intervals are 90 % and know
that outcomes overlap: n is divided by the mean number of horizons that were open at once on a symbol (what symbols
have in common is not taken off). Fits are pure functions of the outcomes: O(n) and some Newton steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from deepalpha.decision.agent_record import Z90
from deepalpha.decision.clip import logistic
from deepalpha.decision.metrics import wilson
from deepalpha.types import SECOND, Fact, Outcome

ENOUGH, PLENTY, WINDOW = 50, 500, 1000
SHRINK = 50.0
BIN, BINS = 25, 20
_NEWTON_STEPS = 25
_EDGE = 1e-6

Floats = NDArray[np.float64]
Method = Literal["base rate", "Platt", "isotonic"]


class Chance(Fact, frozen=True):
    """P(a trade pays) with its 90 % bounds."""

    p: float
    low: float
    high: float


class Curve(Fact, frozen=True):
    """One side's fit. `base` is the share of outcomes that paid; Platt: slope, offset and their covariance
    (slope^2, slope x offset, offset^2); isotonic: scores and probabilities of the bins. `effective` outcomes."""

    method: Method
    base: float
    n: int
    effective: float
    slope: float = 0.0
    offset: float = 0.0
    covariance: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scores: tuple[float, ...] = ()
    probabilities: tuple[float, ...] = ()

    def read(self, score: float, stated: float) -> Chance:
        """P(pays) at a score oriented to this side; `stated` is what the fuser itself says of this side."""
        if self.method == "Platt":
            logit = self.slope * score + self.offset
            slope, cross, offset = self.covariance
            half = Z90 * math.sqrt(max(0.0, slope * score * score + 2.0 * cross * score + offset))
            return Chance(p=logistic(logit), low=logistic(logit - half), high=logistic(logit + half))
        if self.method == "isotonic":
            p = float(np.interp(score, self.scores, self.probabilities))
            low, high = wilson(p, self.effective / len(self.scores))
        else:
            p = (SHRINK * stated + self.n * self.base) / (SHRINK + self.n)
            low, high = wilson(p, self.effective)
        return Chance(p=p, low=min(low, p), high=max(high, p))


class Calibration(Fact, frozen=True):
    """Both sides' curves for one fuser's scores."""

    fuser: str
    n: int
    buy: Curve
    sell: Curve

    @property
    def calibrated(self) -> bool:
        """Whether enough outcomes are known for a fit."""
        return self.n >= ENOUGH

    def words(self, chance: Chance) -> str:
        """The label every confidence carries: ``uncalibrated, n=12`` or the method, n and the interval."""
        if not self.calibrated:
            return f"uncalibrated, n={self.n}"
        bounds = f"90 % interval {100 * chance.low:.0f}..{100 * chance.high:.0f} %"
        return f"calibrated ({self.buy.method}), n={self.n}, {bounds}"


def calibrate(outcomes: Sequence[Outcome], fuser: str) -> Calibration:
    """Fit both sides to a fuser's scores.

    Args:
        outcomes: in order of resolution; the last `WINDOW` that know this fuser are used.
        fuser: name of the fuser, a key of `Outcome.shadows`.
    """
    used = [outcome for outcome in outcomes if fuser in outcome.shadows][-WINDOW:]
    score = np.array([outcome.shadows[fuser] for outcome in used], dtype=np.float64)
    bought = np.array([outcome.buy_paid for outcome in used], dtype=np.float64)
    sold = np.array([outcome.sell_paid for outcome in used], dtype=np.float64)
    effective = len(used) / overlap(used)
    return Calibration(
        fuser=fuser, n=len(used), buy=_curve(score, bought, effective), sell=_curve(-score, sold, effective)
    )


def overlap(outcomes: Sequence[Outcome]) -> float:
    """Mean number of horizons open at once on a symbol, at least 1.

    Example:
        >>> overlap([])
        1.0
    """
    spans: dict[str, list[int]] = {}
    for outcome in outcomes:
        first, last = outcome.asof, outcome.resolved_at
        span = spans.get(outcome.symbol)
        if span is None:
            spans[outcome.symbol] = [first, last, last - first]
            continue
        if first < span[0]:
            span[0] = first
        if last > span[1]:
            span[1] = last
        span[2] += last - first
    covered = sum(last - first for first, last, _ in spans.values()) / SECOND
    held_s = sum(open_ns for _, _, open_ns in spans.values()) / SECOND
    return max(1.0, held_s / covered) if covered else 1.0


def _curve(score: Floats, paid: Floats, effective: float) -> Curve:
    n = len(score)
    base = float(paid.mean()) if n else 0.5
    if n < ENOUGH:
        return Curve(method="base rate", base=base, n=n, effective=effective)
    if n >= PLENTY:
        scores, probabilities = binned_isotonic(score, paid)
        return Curve(method="isotonic", base=base, n=n, effective=effective, scores=scores, probabilities=probabilities)
    slope, offset, covariance = platt(score, paid)
    inflation = n / effective
    wide = (covariance[0] * inflation, covariance[1] * inflation, covariance[2] * inflation)
    return Curve(method="Platt", base=base, n=n, effective=effective, slope=slope, offset=offset, covariance=wide)


def platt(score: Floats, paid: Floats) -> tuple[float, float, tuple[float, float, float]]:
    """Platt's (1999) logistic fit with his smoothed targets, a unit normal prior on the slope, and slope >= 0.

    Args:
        score: shape (n,), oriented so that higher is more likely.
        paid: shape (n,), 1 or 0.

    Returns:
        Slope, offset, covariance (slope^2, slope x offset, offset^2) of the Laplace approximation.
    """
    hits = float(paid.sum())
    target = np.where(paid > 0, (hits + 1.0) / (hits + 2.0), 1.0 / (len(paid) - hits + 2.0))
    mean = float(target.mean())
    slope, offset = _newton(score, target, math.log(mean / (1.0 - mean)))
    if slope < 0.0:
        slope, offset = 0.0, math.log(mean / (1.0 - mean))
    p = 1.0 / (1.0 + np.exp(-(slope * score + offset)))
    weight = p * (1.0 - p)
    aa, ab, bb = _information(score, weight)
    scale = aa * bb - ab * ab
    return slope, offset, (bb / scale, -ab / scale, aa / scale)


def _newton(score: Floats, target: Floats, offset: float) -> tuple[float, float]:
    slope = 0.0
    for _ in range(_NEWTON_STEPS):
        p = 1.0 / (1.0 + np.exp(-(slope * score + offset)))
        aa, ab, bb = _information(score, p * (1.0 - p))
        miss = p - target
        ga, gb = float(miss @ score) + slope, float(miss.sum())
        scale = aa * bb - ab * ab
        step_a, step_b = (bb * ga - ab * gb) / scale, (aa * gb - ab * ga) / scale
        slope, offset = slope - step_a, offset - step_b
        if abs(step_a) + abs(step_b) < _EDGE:
            break
    return slope, offset


def _information(score: Floats, weight: Floats) -> tuple[float, float, float]:
    weighted = weight * score
    return float(weighted @ score) + 1.0, float(weighted.sum()), float(weight.sum()) + _EDGE


def binned_isotonic(score: Floats, paid: Floats) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Scores and probabilities of up to `BINS` equal-mass bins of at least `BIN`, after isotonic regression."""
    order = np.argsort(score, kind="stable")
    base = float(paid.mean())
    groups = np.array_split(order, max(1, min(BINS, len(score) // BIN)))
    centres = np.array([score[group].mean() for group in groups])
    shares = np.array([(paid[group].sum() + 2.0 * base) / (len(group) + 2.0) for group in groups])
    fitted = isotonic(shares, np.array([float(len(group)) for group in groups]))
    return tuple(centres.tolist()), tuple(fitted.tolist())


def isotonic(values: Floats, weights: Floats) -> Floats:
    """The closest non-decreasing sequence in weighted squares (pool adjacent violators), O(n).

    Example:
        >>> isotonic(np.array([1.0, 3.0, 2.0]), np.ones(3)).tolist()
        [1.0, 2.5, 2.5]
    """
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        level, mass, count = value, weight, 1
        while blocks and blocks[-1][0] >= level:
            before, heavy, many = blocks.pop()
            level = (before * heavy + level * mass) / (heavy + mass)
            mass, count = mass + heavy, count + many
        blocks.append((level, mass, count))
    return np.repeat([level for level, _, _ in blocks], [count for _, _, count in blocks])
