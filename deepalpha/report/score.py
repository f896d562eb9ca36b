"""Figures out of forecasts: probabilities against what came, positions against prices, each with its interval.

All figures with an interval are ratios of sums over moments, so one set of resamples serves the whole table
(`resample.py`). O(rows x parts x moments) memory and O(draws) times that in time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepalpha.decision.calibrate import ENOUGH
from deepalpha.decision.metrics import Interval, brier, calibration_error, log_loss
from deepalpha.report.facts import Scores
from deepalpha.report.forecast import Forecast, Outcomes
from deepalpha.report.path import Grid, Path, compounded, drawdown
from deepalpha.report.resample import Sums, interval, widening

if TYPE_CHECKING:
    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

BLOCKS = 5.0
"""An interval needs at least so many blocks of moments with votes, and `ENOUGH` votes."""
COLUMNS = ("hits", "sided", "loss", "reference", "votes", "trade_net", "trades", "net", "net_squared", "bars")


class Part(NamedTuple):
    """Some of the cases: a mask, and the symbol (its number in the grid) if it is one symbol's part."""

    name: str
    mask: Flags
    symbol: int | None = None


class Prepared(NamedTuple):
    """One row over one part, before the intervals: its columns of shape (moments, len(COLUMNS))."""

    forecast: Forecast
    part: Part
    path: Path
    span: Flags
    columns: Floats


def prepare(forecast: Forecast, part: Part, outcomes: Outcomes, grid: Grid, cost: float) -> Prepared:
    """The sums over moments that a row's figures are made of."""
    side = np.where(part.mask, forecast.side, 0.0)
    voted = part.mask & ~np.isnan(forecast.p)
    p = np.where(voted, forecast.p, 0.5)
    sided = (side != 0.0) & (outcomes.up != 0.5)
    if not forecast.always:
        path = grid.path(side, symbol=part.symbol)
    elif part.symbol is not None or bool(part.mask.all()):
        path = grid.held(symbol=part.symbol)
    else:  # held over the horizons of these cases only
        path = grid.path(part.mask.astype(np.float64))
    span = grid.span(part.symbol)

    def at_moments(values: Floats | Flags) -> Floats:
        found: Floats = np.bincount(grid.begins, weights=values.astype(np.float64), minlength=len(grid.moments)).astype(
            np.float64
        )
        return found

    columns = (
        at_moments(sided & ((side > 0.0) == (outcomes.up == 1.0))),
        at_moments(sided),
        at_moments(np.where(voted, (p - forecast.y) ** 2, 0.0)),
        at_moments(np.where(voted, (forecast.reference - forecast.y) ** 2, 0.0)),
        at_moments(voted),
        at_moments(np.where(side != 0.0, side * outcomes.gross - cost, 0.0)),
        at_moments(side != 0.0),
        np.where(span, path.net, 0.0),
        np.where(span, path.net**2, 0.0),
        span.astype(np.float64),
    )
    return Prepared(forecast, part, path, span, np.column_stack(columns))


def score(prepared: Sequence[Prepared], sums: Sums, grid: Grid, horizon: int) -> list[Scores]:
    """Figures of all rows and parts with intervals over the same resamples; `horizon` in moments."""
    width = len(COLUMNS)
    drawn = sums.of(np.hstack([item.columns for item in prepared]))
    return [
        _Figures(item, drawn[:, at * width : (at + 1) * width], sums.block, horizon, grid).scores()
        for at, item in enumerate(prepared)
    ]


class _Figures:
    """The figures of one row over one part."""

    def __init__(self, item: Prepared, drawn: Floats, block: float, horizon: int, grid: Grid) -> None:
        self._item, self._drawn, self._block, self._horizon = item, drawn, block, horizon
        self._whole = item.columns.sum(axis=0)
        self._year = grid.bars_per_year(item.span)

    def scores(self) -> Scores:
        """All of them."""
        forecast, mask, path, span = self._item.forecast, self._item.part.mask, self._item.path, self._item.span
        voted = mask & ~np.isnan(forecast.p)
        p, y = forecast.p[voted], forecast.y[voted]
        votes, cases = int(voted.sum()), int(mask.sum())
        failed = int((mask & forecast.failed & ~voted).sum())
        positions = "bars" if forecast.always and not math.isnan(self._year) else "trades"
        return Scores(
            cases=cases,
            votes=votes,
            abstained=cases - votes - failed,
            failed=failed,
            trades=int(self._whole[_AT["trades"]]),
            hit=self._with_bounds("hit", "sided"),
            brier=brier(p, y) if votes else None,
            log_loss=log_loss(p, y) if votes else None,
            climatology=brier(forecast.reference[voted], y) if votes else None,
            skill=self._with_bounds("skill", "votes"),
            ece=calibration_error(p, y) if votes else None,
            net_per_trade=self._with_bounds("net_per_trade", "trades"),
            net=self._with_bounds("net", positions),
            total=compounded(path.net),
            gross=compounded(path.gross),
            sharpe=self._with_bounds("sharpe", positions),
            drawdown=drawdown(path.net),
            turnover=_a_year(path.traded, span, self._year),
            cost=_a_year(path.cost, span, self._year),
        )

    def _with_bounds(self, kind: str, of: str) -> Interval | None:
        """A figure with its interval, if column `of` has enough."""
        counts = self._item.columns[:, _AT[of]]
        if not enough(counts, self._block):
            return None
        wider = widening(int(np.count_nonzero(counts)), self._block, self._horizon)
        year = self._year
        return interval(self._whole, self._drawn, lambda sums: _figure(kind, sums, year), wider=wider)


def enough(counts: Floats, block: float) -> bool:
    """Whether counts by moment carry an interval: `ENOUGH` in all, on at least `BLOCKS` blocks of moments.

    Example:
        >>> enough(np.ones(49), 5.0), enough(np.ones(50), 5.0), enough(np.array([50.0]), 5.0)
        (False, True, False)
    """
    return bool(counts.sum() >= ENOUGH and np.count_nonzero(counts) >= BLOCKS * block)


_AT = {name: number for number, name in enumerate(COLUMNS)}


def _figure(kind: str, sums: Floats, year: float) -> Floats:
    """A figure from sums of shape (m, columns); NaN where it cannot be taken."""

    def column(name: str) -> Floats:
        return sums[:, _AT[name]]

    with np.errstate(divide="ignore", invalid="ignore"):
        if kind == "hit":
            return column("hits") / column("sided")
        if kind == "skill":
            return 1.0 - column("loss") / column("reference")
        if kind == "net_per_trade":
            return column("trade_net") / column("trades")
        mean = column("net") / column("bars")
        if kind == "net":
            return mean * year
        variance = (column("net_squared") - column("bars") * mean**2) / (column("bars") - 1.0)
        # What is left of a constant series is rounding, and its Sharpe ratio nothing.
        variance = np.where(variance > 1e-14 * column("net_squared") / column("bars"), variance, np.nan)
        ratio: Floats = mean / np.sqrt(variance) * np.sqrt(year)
        return ratio


def _a_year(values: Floats, span: Flags, year: float) -> float:
    return float(values.sum() / span.sum() * year) if span.any() and not math.isnan(year) else 0.0
