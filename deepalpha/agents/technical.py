"""Technical agent: moving averages, MACD, RSI and Bollinger bands, measured in ATR, over several timeframes."""

from __future__ import annotations

import math

import msgspec

from deepalpha.agents.base import BaseAgent
from deepalpha.agents.numeric import all_finite, clamp, collect, evidence_of, last_of, probability
from deepalpha.types import BarFrame, Context, Evidence, Signal

EMA_FAST, EMA_SLOW, RSI, ATR = "EMA_12", "EMA_26", "RSI_14", "ATR_14"
MACD_LINE, MACD_SIGNAL = "MACD_12_26_9.macd", "MACD_12_26_9.macdsignal"
BAND_UPPER, BAND_LOWER = "BBANDS_20_2_2_0.upperband", "BBANDS_20_2_2_0.lowerband"


class TechnicalParams(msgspec.Struct, frozen=True):
    """Thresholds of the technical agent. Every family score lies in -1..1, so the weighted score does too."""

    weight_average: float = 0.40
    """Weight of EMA 12 against EMA 26: trend is the family with the longest record of a (small) edge."""
    weight_macd: float = 0.25
    """Weight of the MACD line against its signal line: change of pace."""
    weight_rsi: float = 0.20
    """Weight of RSI: momentum inside 30..70, exhaustion beyond."""
    weight_bands: float = 0.15
    """Weight of the Bollinger position: it leans against closes outside the bands."""
    timeframe_weights: tuple[float, ...] = (0.65, 0.25, 0.1)
    """Base timeframe first; further timeframes take the last entry; scaled to sum to 1 over the usable ones.
    The vote is for a few base bars ahead, so those weigh most."""
    min_timeframes: int = 2
    """Fewer usable timeframes than this: abstain."""
    average_scale: float = 1.5
    """EMA gap in ATR that scores tanh(1) = 0.76."""
    macd_scale: float = 0.4
    """Gap of MACD to its signal in ATR that scores 0.76."""
    rsi_half_range: float = 20.0
    """RSI distance from 50 at which momentum is full and exhaustion starts (30 and 70)."""
    rsi_fade: float = 7.5
    """RSI points beyond 30/70 over which the score falls from +1 to 0; from there on it leans against the move."""
    rsi_exhausted: float = 0.5
    """How far it leans at most: an extreme RSI is a doubt about a trend, not proof of its end."""
    band_start: float = 0.8
    """Position in the bands (-1 lower, +1 upper) from which the score leans against the move."""
    max_edge: float = 0.20
    """p_up = 0.5 + max_edge * score: 0.30..0.70, since real edges are small."""


class _View(msgspec.Struct, frozen=True):
    """One timeframe as the agent reads it; scores in -1..1, `gap` is EMA 12 minus EMA 26 in ATR."""

    frame: BarFrame
    average: float
    macd: float
    rsi: float
    bands: float
    score: float
    rsi_value: float
    gap: float


class TechnicalAgent(BaseAgent):
    """Scores four families on each timeframe, averages them, and maps the score to p_up = 0.5 + 0.20 * score."""

    name = "technical"
    series = (EMA_FAST, EMA_SLOW, RSI, "MACD_12_26_9", ATR, "BBANDS_20_2_2_0")
    params = TechnicalParams()

    async def analyze(self, ctx: Context) -> Signal:
        """Vote from all timeframes with enough history; abstains below two of them."""
        views = [view for frame in ctx.bars.values() if (view := self._view(frame)) is not None]
        need = self.params.min_timeframes
        if len(views) < need:
            has = f"has {len(views)} of {len(ctx.bars)}"
            return Signal.abstain(f"needs {need} timeframes with enough history and a price that moves, {has}")
        given = self.params.timeframe_weights
        weights = [given[min(i, len(given) - 1)] for i in range(len(views))]
        score = sum(w * v.score for w, v in zip(weights, views, strict=True)) / sum(weights)
        return Signal(
            p_up=probability(score, self.params.max_edge),
            reasons=(*(_sentence(view) for view in views), _summary(views)),
            evidence=collect(*(item for view in views for item in _evidence(view.frame))),
        )

    def _view(self, frame: BarFrame) -> _View | None:
        p = self.params
        close = float(frame.close[-1]) if len(frame) else math.nan
        fast, slow, rsi, atr = (last_of(frame, name) for name in (EMA_FAST, EMA_SLOW, RSI, ATR))
        macd, signal = last_of(frame, MACD_LINE), last_of(frame, MACD_SIGNAL)
        upper, lower = last_of(frame, BAND_UPPER), last_of(frame, BAND_LOWER)
        if (
            not all_finite(close, fast, slow, rsi, atr, macd, signal, upper, lower)
            or close <= 0
            or atr <= 0
            or upper <= lower
        ):
            return None
        gap = (fast - slow) / atr
        average = math.tanh(gap / p.average_scale)
        pace = math.tanh((macd - signal) / atr / p.macd_scale)
        momentum = self._rsi_score(rsi)
        place = (close - (upper + lower) / 2) / ((upper - lower) / 2)
        lean = -math.copysign(clamp((abs(place) - p.band_start) / (1 - p.band_start), 0, 1), place)
        score = (
            p.weight_average * average + p.weight_macd * pace + p.weight_rsi * momentum + p.weight_bands * lean
        ) / (p.weight_average + p.weight_macd + p.weight_rsi + p.weight_bands)
        return _View(frame, average, pace, momentum, lean, score, rsi, gap)

    def _rsi_score(self, rsi: float) -> float:
        """Momentum up to 30/70 (linear, +-1), then falling through 0 to the opposite sign: exhaustion."""
        p = self.params
        distance = (rsi - 50.0) / p.rsi_half_range
        if abs(distance) <= 1:
            return distance
        beyond = (abs(distance) - 1) * p.rsi_half_range / p.rsi_fade
        return math.copysign(1.0, distance) * clamp(1 - beyond, -p.rsi_exhausted, 1)


def _sentence(view: _View) -> str:
    """One timeframe in a trader's words, with its numbers."""
    side = "above" if view.gap >= 0 else "below"
    pace = "above" if view.macd >= 0 else "below"
    text = f"{view.frame.timeframe}: EMA 12 is {abs(view.gap):.1f} ATR {side} EMA 26, MACD is {pace} its signal, "
    text += f"RSI {view.rsi_value:.0f}"
    if view.rsi_value >= 70:
        text += " (overbought)"
    elif view.rsi_value <= 30:
        text += " (oversold)"
    if view.bands:
        text += ", close at the " + ("lower" if view.bands > 0 else "upper") + " Bollinger band"
    return text


def _summary(views: list[_View]) -> str:
    up = sum(view.score > 0 for view in views)
    return f"{up} of {len(views)} timeframes lean up"


def _evidence(frame: BarFrame) -> list[Evidence | None]:
    names = ("close", EMA_FAST, EMA_SLOW, RSI, MACD_LINE, MACD_SIGNAL, ATR, BAND_UPPER, BAND_LOWER)
    return [evidence_of(frame, name) for name in names]
