"""Trend agent: order and slope of the 7, 25 and 99 bar averages, their alignment across timeframes, how consistent the
trend has been, how often trends like it turned within the horizon, and warnings.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import msgspec
import numpy as np

from deepalpha.agents.base import BaseAgent
from deepalpha.agents.numeric import all_finite, bar_seconds, collect, evidence_of, last_of, pivots, probability
from deepalpha.types import BarFrame, Context, Signal

FAST, MIDDLE, SLOW, RSI, ATR = "EMA_7", "EMA_25", "EMA_99", "RSI_14", "ATR_14"


class TrendParams(msgspec.Struct, frozen=True):
    """Thresholds of the trend agent. Scores lie in -1..1."""

    weight_order: float = 0.6
    """Weight of the order of the averages (7 > 25 > 99 is +1)."""
    weight_slope: float = 0.4
    """Weight of the slope of the 25-bar average."""
    slope_bars: int = 5
    """Bars over which the slope is measured."""
    slope_scale: float = 0.15
    """Slope in ATR a bar that scores tanh(1) = 0.76."""
    timeframe_weights: tuple[float, ...] = (0.65, 0.25, 0.1)
    """Base timeframe first; further ones take the last entry; scaled to sum to 1 over the usable ones.
    The vote is for a few base bars ahead, so those weigh most."""
    strong: float = 0.65
    """|score| from which a trend is called strong."""
    sideways: float = 0.2
    """|score| below which there is no trend."""
    cross_bars: int = 3
    """A cross of 7 through 25 against the trend within this many bars is a warning."""
    swing_bars: int = 3
    """Bars on each side of a swing used for divergences."""
    swing_lookback: int = 60
    """Bars in which the last two swings are looked for."""
    divergence_rsi: float = 3.0
    """RSI points by which the second swing must disagree with price."""
    consistency_bars: int = 20
    """Bars over which the share of closes on the trend's side of EMA 25 is taken."""
    reversal_cases: int = 30
    """Past cases from which a reversal probability is believed enough to warn."""
    reversal_warning: float = 0.5
    """Reversal probability from which it is a warning."""
    warning_factor: float = 0.5
    """The score is multiplied by this when a reversal warning is on."""
    max_edge: float = 0.10
    """p_up = 0.5 + max_edge * score: 0.40..0.60. A trend keeps its full score for months, the other agents hardly ever
    reach theirs; with a wider range this agent alone would decide. With it, 13 % of the bars of data/sample since 2010
    (equal weights, 0.44/0.56) are no hold. The range was set by that share and not by returns."""


class _View(msgspec.Struct, frozen=True):
    """One timeframe: score in -1..1, whether the 99-bar average exists, slope in ATR a bar."""

    frame: BarFrame
    score: float
    full: bool
    slope: float


class Reversal(NamedTuple):
    """How often a trend as stretched as this one was on the other side after the horizon."""

    probability: float
    """(turned + 1) / (cases + 2): never 0 or 1, and 0.5 without a case."""
    cases: int
    bars: int


class TrendAgent(BaseAgent):
    """Votes with an aligned trend and less so when a reversal warning is on."""

    name = "trend"
    series = (FAST, MIDDLE, SLOW, RSI, ATR)
    params = TrendParams()

    async def analyze(self, ctx: Context) -> Signal:
        """Vote from all timeframes; abstains until the base timeframe has its 99-bar average and some range."""
        p = self.params
        base = self._view(ctx.base)
        if base is None or not base.full:
            return Signal.abstain(
                f"needs a 99-bar average and a price that moves, has {len(ctx.base)} bars of {ctx.timeframe}"
            )
        others = (self._view(frame) for name, frame in ctx.bars.items() if name != ctx.timeframe)
        views = [base, *(view for view in others if view is not None)]
        given = p.timeframe_weights
        weights = [given[min(i, len(given) - 1)] for i in range(len(views))]
        score = sum(w * v.score for w, v in zip(weights, views, strict=True)) / sum(weights)
        reversal = self._reversal(ctx, score)
        warning = self._warning(ctx.base, score) or self._likely(reversal)
        regime = self._regime(score)
        agree = sum(view.score * score > 0 for view in views)
        reasons = [
            f"{regime}: {self._order_words(base)} on {ctx.timeframe}, EMA 25 moves {base.slope:+.2f} ATR a bar",
            f"{agree} of {len(views)} timeframes agree",
            *self._habits(ctx.base, score, reversal),
        ]
        if warning:
            reasons.append(f"reversal warning: {warning}")
            score *= p.warning_factor
        names = (FAST, MIDDLE, SLOW)
        return Signal(
            p_up=probability(score, p.max_edge),
            reasons=tuple(reasons),
            evidence=collect(
                *(evidence_of(view.frame, name) for view in views for name in names),
                evidence_of(ctx.base, RSI),
                evidence_of(ctx.base, ATR),
            ),
        )

    def _view(self, frame: BarFrame) -> _View | None:
        """Score one timeframe; coarse ones without 99 bars are judged by 7 and 25 alone. None: not usable."""
        p = self.params
        fast, middle, slow, atr = (last_of(frame, name) for name in (FAST, MIDDLE, SLOW, ATR))
        close = float(frame.close[-1]) if len(frame) else math.nan
        if not all_finite(close, fast, middle, atr) or close <= 0 or atr <= 0 or len(frame) <= p.slope_bars:
            return None
        before = float(frame.series[MIDDLE][-1 - p.slope_bars])
        slope = (middle - before) / p.slope_bars / atr if math.isfinite(before) else 0.0
        full = math.isfinite(slow)
        order = _sign(fast - middle)
        if full:
            order = (order + _sign(middle - slow)) / 2
        weight = p.weight_order + p.weight_slope
        score = (p.weight_order * order + p.weight_slope * math.tanh(slope / p.slope_scale)) / weight
        return _View(frame, score, full, slope)

    def _warning(self, frame: BarFrame, score: float) -> str:
        """Why the trend of sign(score) may be turning, in words; empty when nothing says so."""
        direction = int(_sign(score))
        if not direction:
            return ""
        if self._crossed_back(frame, direction):
            side = "below" if direction > 0 else "above"
            return f"EMA 7 crossed {side} EMA 25 in the last {self.params.cross_bars} bars"
        if self._diverges(frame, direction):
            swing = "higher high" if direction > 0 else "lower low"
            return f"price made a {swing}, RSI did not (divergence)"
        return ""

    def _reversal(self, ctx: Context, score: float) -> Reversal | None:
        """Over the snapshot's own past: bars with EMA 7 on this side of EMA 25 and the distance, in ATR, in the same
        half as now. Turned means on the other side after the horizon. None: no trend, or no bars to look at.
        """
        frame, direction = ctx.base, _sign(score)
        bars = max(1, round(ctx.horizon_s / bar_seconds(frame))) if len(frame) > 1 else 0
        if not direction or len(frame) <= bars:
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            stretch = direction * (frame.series[FAST] - frame.series[MIDDLE]) / frame.series[ATR]
        past, later, now = stretch[:-bars], stretch[bars:], float(stretch[-1])
        known = np.isfinite(past) & np.isfinite(later) & (past > 0)
        if not (known.any() and now > 0):
            return None
        middle = float(np.median(past[known]))
        alike = known & ((past > middle) == (now > middle))
        cases, turned = int(alike.sum()), int((later[alike] <= 0).sum())
        return Reversal((turned + 1) / (cases + 2), cases, bars)

    def _likely(self, reversal: Reversal | None) -> str:
        p = self.params
        if reversal is None or reversal.cases < p.reversal_cases or reversal.probability < p.reversal_warning:
            return ""
        return f"trends like this one turned more often than not ({reversal.probability:.0%} of {reversal.cases})"

    def _habits(self, frame: BarFrame, score: float, reversal: Reversal | None) -> list[str]:
        """Consistency and reversal probability in words."""
        direction, recent = _sign(score), self.params.consistency_bars
        if not direction:
            return []
        side = direction * (frame.close[-recent:] - frame.series[MIDDLE][-recent:]) > 0
        words = [f"consistency: {side.mean():.0%} of the last {len(side)} closes on the trend's side of EMA 25"]
        if reversal is not None:
            words.append(
                f"reversal probability {reversal.probability:.0%} within {reversal.bars} bars (n = {reversal.cases})"
            )
        return words

    def _crossed_back(self, frame: BarFrame, direction: int) -> bool:
        recent = self.params.cross_bars + 1
        gap = direction * (frame.series[FAST][-recent:] - frame.series[MIDDLE][-recent:])
        return bool(gap[-1] < 0 and np.any(gap[:-1] > 0))

    def _diverges(self, frame: BarFrame, direction: int) -> bool:
        """The last two confirmed swings with the trend: price went on, RSI fell back by `divergence_rsi` points."""
        p = self.params
        values = (frame.high if direction > 0 else frame.low)[-p.swing_lookback :]
        rsi = frame.series[RSI][-p.swing_lookback :] if RSI in frame.series else np.empty(0)
        found = pivots(values, p.swing_bars, high=direction > 0)
        if len(found) < 2 or len(rsi) != len(values):
            return False
        first, second = found[-2], found[-1]
        price_on = direction * (values[second] - values[first]) > 0
        return bool(price_on and direction * (rsi[first] - rsi[second]) >= p.divergence_rsi)

    def _regime(self, score: float) -> str:
        if abs(score) < self.params.sideways:
            return "sideways"
        word = "uptrend" if score > 0 else "downtrend"
        return f"strong {word}" if abs(score) >= self.params.strong else word

    @staticmethod
    def _order_words(view: _View) -> str:
        fast, middle, slow = (last_of(view.frame, name) for name in (FAST, MIDDLE, SLOW))
        if fast > middle > slow:
            return "EMA 7 above 25 above 99"
        if fast < middle < slow:
            return "EMA 7 below 25 below 99"
        return "EMA 7, 25 and 99 are mixed"


def _sign(value: float) -> float:
    return 0.0 if value == 0 else math.copysign(1.0, value)
