"""Technical agent: families of indicators, measured in ATR, over several timeframes; see `technical_table`."""

from __future__ import annotations

import math
from typing import ClassVar

import msgspec

from deepalpha.agents.base import BaseAgent
from deepalpha.agents.numeric import all_finite, clamp, collect, evidence_of, probability
from deepalpha.agents.technical_table import (
    ADX,
    ATR,
    BANDS,
    BOLLINGER,
    CHOPPINESS,
    EFFICIENCY,
    EMA_FAST,
    EMA_SLOW,
    FAMILIES,
    MACD_LINE,
    MACD_SIGNAL,
    OSCILLATOR,
    PACE,
    REGIME,
    ROWS,
    RSI,
    TREND,
    VOLUME,
    Reading,
    Row,
    Scales,
    rsi_momentum,
)
from deepalpha.types import BarFrame, Context, Evidence, Signal

BAND_UPPER, BAND_LOWER = f"{BOLLINGER}.upperband", f"{BOLLINGER}.lowerband"


class TechnicalParams(Scales, frozen=True):
    """Thresholds of the technical agent. Every family score lies in -1..1, so the weighted score does too."""

    weight_average: float = 0.35
    """Weight of the trend family: trend is the one with the longest record of a (small) edge."""
    weight_macd: float = 0.20
    """Weight of the pace family: change of pace."""
    weight_rsi: float = 0.15
    """Weight of the oscillators: momentum in a trend, exhaustion beyond, mean reversion in a range."""
    weight_bands: float = 0.15
    """Weight of the channels: breakout in a trend, mean reversion in a range."""
    weight_volume: float = 0.15
    """Weight of the volume family."""
    timeframe_weights: tuple[float, ...] = (0.65, 0.25, 0.1)
    """Base timeframe first; further timeframes take the last entry; scaled to sum to 1 over the usable ones.
    The vote is for a few base bars ahead, so those weigh most."""
    min_timeframes: int = 2
    """Fewer usable timeframes than this: abstain."""
    trending: float = 0.6
    """Share of trend in the regime from which it is called a trend; below 1 minus this, a range."""
    max_edge: float = 0.20
    """p_up = 0.5 + max_edge * score: 0.30..0.70, since real edges are small."""

    def family_weight(self, family: str) -> float:
        """Weight of a family before it is scaled to those that are ready."""
        return {
            TREND: self.weight_average,
            PACE: self.weight_macd,
            OSCILLATOR: self.weight_rsi,
            BANDS: self.weight_bands,
            VOLUME: self.weight_volume,
        }[family]


class _View(msgspec.Struct, frozen=True):
    """One timeframe as the agent read it: the score of each row that is ready, and the mean of each family."""

    reading: Reading
    rows: tuple[tuple[Row, float], ...]
    missing: tuple[Row, ...]
    families: dict[str, float]
    score: float


class TechnicalAgent(BaseAgent):
    """Scores the families of the table on each timeframe, averages them, and maps the score to 0.5 + 0.20 * score."""

    name = "technical"
    version = "2"
    rows: ClassVar[tuple[Row, ...]] = ROWS
    series = tuple(dict.fromkeys([*(name for row in ROWS for name in row.series), *REGIME]))
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
            reasons=(*(self._sentence(view) for view in views), *_not_ready(views), _summary(views)),
            evidence=collect(*(item for view in views for item in _evidence(view, ctx.timeframe))),
        )

    def _view(self, frame: BarFrame) -> _View | None:
        """Read a timeframe; None where the core of the table (averages, RSI, MACD, bands, ATR) is not there."""
        reading = Reading(frame, self.params)
        core = [reading.last(name) for name in (EMA_FAST, EMA_SLOW, RSI, MACD_LINE, MACD_SIGNAL)]
        upper, lower = reading.last(BAND_UPPER), reading.last(BAND_LOWER)
        if (
            not all_finite(reading.close, reading.atr, upper, lower, *core)
            or reading.close <= 0
            or reading.atr <= 0
            or upper <= lower
        ):
            return None
        scored = [(row, clamp(row.score(reading), -1.0, 1.0)) for row in self.rows]
        ready = tuple((row, score) for row, score in scored if math.isfinite(score))
        families: dict[str, float] = {}
        for family in FAMILIES:
            members = [score for row, score in ready if row.family == family]
            if members:
                families[family] = math.fsum(members) / len(members)
        weight = {family: self.params.family_weight(family) for family in families}
        total = math.fsum(weight.values())
        score = math.fsum(weight[family] * families[family] for family in families) / total if total > 0 else 0.0
        missing = tuple(row for row, score in scored if not math.isfinite(score))
        return _View(reading, ready, missing, families, score)

    def _rsi_score(self, rsi: float) -> float:
        """RSI as read in a trend."""
        return rsi_momentum(rsi, self.params)

    def _sentence(self, view: _View) -> str:
        """One timeframe in a trader's words: the regime, then each family with what speaks loudest in it."""
        parts = []
        for family, score in view.families.items():
            members = [(row, value) for row, value in view.rows if row.family == family]
            loudest, _ = max(members, key=lambda member: abs(member[1]))
            agree = sum(value * score > 0 for _, value in members)
            parts.append(f"{family} {score:+.2f} ({agree} of {len(members)}; {loudest.words(view.reading)})")
        return f"{view.reading.frame.timeframe}: {self._regime(view.reading)}; {', '.join(parts)}"

    def _regime(self, reading: Reading) -> str:
        share, limit = reading.trending, self.params.trending
        word = "trending" if share >= limit else "ranging" if share <= 1 - limit else "between trend and range"
        named = (("ADX", ADX, ".0f"), ("choppiness", CHOPPINESS, ".0f"), ("efficiency", EFFICIENCY, ".2f"))
        values = [f"{label} {reading.last(name):{form}}" for label, name, form in named if reading.has(name)]
        return f"{word} ({', '.join(values)})" if values else "regime not known yet"


def _not_ready(views: list[_View]) -> list[str]:
    """What was left out because it is still warming up, or has no volume to read."""
    return [
        f"left out on {view.reading.frame.timeframe} (warming up, or no volume): "
        + ", ".join(row.label for row in view.missing)
        for view in views
        if view.missing
    ]


def _summary(views: list[_View]) -> str:
    up = sum(view.score > 0 for view in views)
    return f"{up} of {len(views)} timeframes lean up"


def _evidence(view: _View, base: str) -> list[Evidence | None]:
    """Every reading on the base timeframe; of the coarser ones, which weigh less, the core."""
    frame = view.reading.frame
    names = ["close", EMA_FAST, EMA_SLOW, RSI, MACD_LINE, MACD_SIGNAL, ATR, BAND_UPPER, BAND_LOWER]
    if frame.timeframe == base:
        names += [*(name for row, _ in view.rows for name in row.outputs), *REGIME]
    return [evidence_of(frame, name) for name in dict.fromkeys(names) if name == "close" or view.reading.has(name)]
