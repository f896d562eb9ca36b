"""Step 4b, calibrate the fusion: from a score to P(a trade on that side has earned its costs at the horizon's end).

Two curves, one for a purchase (rising in the score) and one for a sale (rising in minus the score), each fitted to the
last `WINDOW` outcomes. Horizons overlap and symbols share their market, so n outcomes are worth only
m = n / `past.overlap` independent ones, and an outcome weighs m / n in every fit and interval. The base rate is
(m share + 5) / (m + 10): `IMAGINED` (10) outcomes, half of each kind, stand against those that came.

- Below `ENOUGH` (50) outcomes: the fused probability shrunk to the base rate, p = (50 p_stated + m base) / (50 + m);
- from there on: Platt's logistic a s + b with a >= 0, a unit normal prior on a, and the `IMAGINED` outcomes at the mean
  score, so that scores that say nothing give the base rate;
- from m = `PLENTY` (500): isotonic regression over equal-mass bins worth at least 25, each shrunk to the base rate.

A curve never falls where the votes rise, so calibration cannot turn the agents around. Intervals are 90 %. Estimating k
coefficients from m outcomes costs about k / m of the Brier score, and ten symbols with horizons of five bars are worth
n / 50: `WINDOW` is as long as a refit in 3 ms allows. Fits are pure functions of the outcomes: O(n log n) and some
Newton steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from deepalpha.decision.agent_record import Z90
from deepalpha.decision.clip import logistic
from deepalpha.decision.metrics import wilson
from deepalpha.decision.past import Columns, Floats, overlap
from deepalpha.types import Fact, Outcome

ENOUGH, PLENTY, WINDOW = 50, 500, 10_000
SHRINK, IMAGINED = 50.0, 10.0
BIN, BINS = 25, 20
_NEWTON_STEPS = 25
_EDGE = 1e-6

Method = Literal["base rate", "Platt", "isotonic"]


class Chance(Fact, frozen=True):
    """P(a trade pays) with its 90 % bounds."""

    p: float
    low: float
    high: float


class Curve(Fact, frozen=True):
    """One side's fit to `n` outcomes worth `effective` independent ones. `base` is the base rate; Platt: slope, offset
    and their covariance (slope^2, slope x offset, offset^2); isotonic: scores and probabilities of the bins."""

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
            p = (SHRINK * stated + self.effective * self.base) / (SHRINK + self.effective)
            low, high = wilson(p, self.effective)
        return Chance(p=p, low=min(low, p), high=max(high, p))


class Calibration(Fact, frozen=True):
    """Both sides' curves for one fuser's scores, from `n` outcomes worth `effective` independent ones."""

    fuser: str
    n: int
    effective: float
    buy: Curve
    sell: Curve

    @property
    def calibrated(self) -> bool:
        """Whether enough outcomes are known for a fit."""
        return self.n >= ENOUGH

    @property
    def overlap(self) -> float:
        """How many outcomes are worth one independent one, at least 1."""
        return self.n / self.effective if self.n else 1.0

    def words(self, chance: Chance) -> str:
        """The label every confidence carries: ``uncalibrated, n=12`` or the method, n, its worth and the interval."""
        if not self.calibrated:
            return f"uncalibrated, n={self.n}"
        independent = round(self.effective)
        worth = "" if independent == self.n else f" worth {independent} independent,"
        bounds = f"90 % interval {100 * chance.low:.0f}..{100 * chance.high:.0f} %"
        return f"calibrated ({self.buy.method}), n={self.n},{worth} {bounds}"


def calibrate(outcomes: Sequence[Outcome], fuser: str) -> Calibration:
    """Fit both sides to a fuser's scores.

    Args:
        outcomes: in order of resolution; the last `WINDOW` that know this fuser are used.
        fuser: name of the fuser, a key of `Outcome.shadows`.
    """
    return fit(Columns.of(outcomes, [fuser]), fuser)


def fit(columns: Columns, fuser: str) -> Calibration:
    """The same of columns that have the fuser."""
    used = columns.known_to(fuser, WINDOW)
    score, bought, sold, n = used.scores[fuser], used.bought, used.sold, len(used.begun)
    effective = n / overlap(used.begun, used.ended)
    if effective >= PLENTY:  # one sort serves both sides' bins
        order = np.argsort(score, kind="stable")
        score, bought, sold = score[order], bought[order], sold[order]
    buy, sell = _curve(score, bought, effective), _curve(-score[::-1], sold[::-1], effective)
    return Calibration(fuser=fuser, n=n, effective=effective, buy=buy, sell=sell)


def base_rate(paid: Floats, effective: float) -> float:
    """Share that paid of outcomes worth `effective` independent ones and the `IMAGINED`, half of each kind."""
    share = float(paid.mean()) if len(paid) else 0.5
    return (effective * share + IMAGINED / 2.0) / (effective + IMAGINED)


def _curve(score: Floats, paid: Floats, effective: float) -> Curve:
    """A side's fit; `score` rises if there are plenty."""
    n, base = len(score), base_rate(paid, effective)
    if n < ENOUGH:
        return Curve(method="base rate", base=base, n=n, effective=effective)
    if effective >= PLENTY:
        scores, probabilities = binned_isotonic(score, paid, effective)
        return Curve(method="isotonic", base=base, n=n, effective=effective, scores=scores, probabilities=probabilities)
    slope, offset, covariance = platt(score, paid, effective)
    return Curve(method="Platt", base=base, n=n, effective=effective, slope=slope, offset=offset, covariance=covariance)


def platt(score: Floats, paid: Floats, effective: float) -> tuple[float, float, tuple[float, float, float]]:
    """Platt's (1999) logistic fit with slope >= 0, its likelihood weighted by what the outcomes are worth.

    The priors do not weaken with n as his smoothed targets do: a unit normal on the slope, and `IMAGINED` outcomes,
    half of each kind, at the mean score (a log-F prior, Greenland & Mansournia 2015), so that slope 0 is the base rate.

    Args:
        score: shape (n,), n >= 1, oriented so that higher is more likely.
        paid: shape (n,), 1 or 0.
        effective: independent outcomes they are worth, above 0.

    Returns:
        Slope, offset, covariance (slope^2, slope x offset, offset^2) of the Laplace approximation.
    """
    rows = np.append(score, score.mean())
    target = np.append(paid, 0.5)
    weight = np.append(np.full(len(score), effective / len(score)), IMAGINED)
    base = base_rate(paid, effective)
    flat = math.log(base / (1.0 - base))
    slope, offset = _newton(rows, target, weight, flat)
    if slope < 0.0:
        slope, offset = 0.0, flat
    p = 1.0 / (1.0 + np.exp(-(slope * rows + offset)))
    aa, ab, bb = _information(rows, weight * p * (1.0 - p))
    scale = aa * bb - ab * ab
    return slope, offset, (bb / scale, -ab / scale, aa / scale)


def _newton(score: Floats, target: Floats, weight: Floats, offset: float) -> tuple[float, float]:
    slope = 0.0
    for _ in range(_NEWTON_STEPS):
        p = 1.0 / (1.0 + np.exp(-(slope * score + offset)))
        aa, ab, bb = _information(score, weight * p * (1.0 - p))
        miss = weight * (p - target)
        ga, gb = float((miss * score).sum()) + slope, float(miss.sum())
        scale = aa * bb - ab * ab
        step_a, step_b = (bb * ga - ab * gb) / scale, (aa * gb - ab * ga) / scale
        slope, offset = slope - step_a, offset - step_b
        if abs(step_a) + abs(step_b) < _EDGE:
            break
    return slope, offset


def _information(score: Floats, weight: Floats) -> tuple[float, float, float]:
    # Sums, not BLAS: above 10,000 values that takes threads, up to 50 ms, and its last bits depend on their number.
    weighted = weight * score
    return float((weighted * score).sum()) + 1.0, float(weighted.sum()), float(weight.sum()) + _EDGE


def binned_isotonic(score: Floats, paid: Floats, effective: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Scores and probabilities of up to `BINS` equal-mass bins worth at least `BIN`, after isotonic regression.

    `score` rises.
    """
    bins, worth, base = max(1, min(BINS, int(effective // BIN))), effective / len(score), base_rate(paid, effective)
    groups = np.array_split(paid, bins)
    centres = np.array([group.mean() for group in np.array_split(score, bins)])
    shares = np.array([(worth * group.sum() + 2.0 * base) / (worth * len(group) + 2.0) for group in groups])
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
