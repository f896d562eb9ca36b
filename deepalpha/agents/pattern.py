"""Pattern agent: candlestick patterns of the last three bars, and the nearest swing support and resistance."""

from __future__ import annotations

import math

import msgspec
import numpy as np

from deepalpha.agents.base import BaseAgent
from deepalpha.agents.numeric import (
    Level,
    all_finite,
    clamp,
    cluster_levels,
    collect,
    evidence_of,
    last_of,
    pivots,
    probability,
)
from deepalpha.types import BarFrame, Context, Evidence, Signal

ATR = "ATR_14"
ENGULFING, HAMMER, DOJI = "CDLENGULFING", "CDLHAMMER", "CDLDOJI"
MORNING_STAR, EVENING_STAR = "CDLMORNINGSTAR", "CDLEVENINGSTAR"


class PatternParams(msgspec.Struct, frozen=True):
    """Thresholds of the pattern agent. Scores are added and limited to -1..1."""

    pattern_weights: tuple[tuple[str, float], ...] = (
        (MORNING_STAR, 0.8),
        (EVENING_STAR, 0.8),
        (ENGULFING, 0.6),
        (HAMMER, 0.5),
        (DOJI, 0.2),
    )
    """Score of a fresh pattern: three bars say more than two, two more than one; a doji is mere doubt."""
    age_weights: tuple[float, ...] = (1.0, 0.7, 0.4)
    """Weight of a pattern completed 0, 1 or 2 bars ago; its length is how far back the agent looks."""
    doji_lookback: int = 5
    """A doji leans against the move over this many bars before it."""
    doji_move_atr: float = 1.0
    """Moves below this many ATR give a doji no direction."""
    pivot_bars: int = 3
    """Bars on each side of a swing; a swing is known only that many bars later."""
    swing_lookback: int = 120
    """Bars in which swings are looked for."""
    cluster_atr: float = 0.5
    """Swings within this many ATR are one level."""
    near_atr: float = 1.0
    """A level further away than this has no say."""
    level_weight: float = 0.5
    """Score at a level with `full_touches` touches, falling linearly to 0 at `near_atr`."""
    full_touches: int = 3
    """Touches that give a level its full weight."""
    max_edge: float = 0.15
    """p_up = 0.5 + max_edge * score, so 0.35..0.65: patterns alone say little."""


WORDS = {
    (ENGULFING, 1): "bullish engulfing",
    (ENGULFING, -1): "bearish engulfing",
    (HAMMER, 1): "hammer",
    (MORNING_STAR, 1): "morning star",
    (EVENING_STAR, -1): "evening star",
    (DOJI, 1): "doji after a fall",
    (DOJI, -1): "doji after a rise",
}
"""What a trader calls a pattern with this sign."""


class PatternAgent(BaseAgent):
    """Adds the scores of fresh patterns and near levels; with neither it abstains rather than vote 0.5."""

    name = "pattern"
    series = (ATR, *(name for name, _ in PatternParams().pattern_weights))
    params = PatternParams()

    async def analyze(self, ctx: Context) -> Signal:
        """Vote from the base timeframe; abstains with short history and when there is nothing to see."""
        frame, p = ctx.base, self.params
        need = 2 * p.pivot_bars + 1 + p.doji_lookback
        if len(frame) < need:
            return Signal.abstain(f"needs {need} bars of {frame.timeframe}, has {len(frame)}")
        close, atr = float(frame.close[-1]), last_of(frame, ATR)
        if not all_finite(close, atr) or atr <= 0 or close <= 0:
            return Signal.abstain(f"no usable price range on {frame.timeframe}: ATR is {atr:g}, close is {close:g}")
        score, reasons, evidence = self._patterns(frame, atr)
        level_score, level_reasons, level_evidence = self._levels(frame, close, atr)
        if not score and not level_score:
            return Signal.abstain(f"no candlestick pattern in {len(p.age_weights)} bars and no level within reach")
        return Signal(
            p_up=probability(score + level_score, p.max_edge),
            reasons=(*reasons, *level_reasons),
            evidence=collect(*evidence, *level_evidence, evidence_of(frame, "close"), evidence_of(frame, ATR)),
        )

    def _patterns(self, frame: BarFrame, atr: float) -> tuple[float, list[str], list[Evidence | None]]:
        score, reasons, evidence = 0.0, [], list[Evidence | None]()
        for name, weight in self.params.pattern_weights:
            values = frame.series.get(name)
            if values is None:
                continue
            for age, age_weight in enumerate(self.params.age_weights):
                bar = len(frame) - 1 - age
                sign = self._sign(frame, name, float(values[bar]), bar, atr)
                if not sign:
                    continue
                score += sign * weight * age_weight
                when = "on the last bar" if age == 0 else f"{age} bar{'s' if age > 1 else ''} ago"
                reasons.append(f"{WORDS.get((name, sign), name)} {when}")
                evidence.append(Evidence(id=f"{frame.timeframe}:{name}", value=float(values[bar])))
                break  # the freshest one of its kind counts; repeats are no further proof
        return score, reasons, evidence

    def _sign(self, frame: BarFrame, name: str, value: float, bar: int, atr: float) -> int:
        """Direction of a pattern value (TA-Lib: +-100, 0 for none); a doji gets it from the move before."""
        if not math.isfinite(value) or value == 0:
            return 0
        if name != DOJI:
            return 1 if value > 0 else -1
        move = float(frame.close[bar] - frame.close[bar - self.params.doji_lookback]) / atr
        if not abs(move) >= self.params.doji_move_atr:  # also when a price is NaN
            return 0
        return -1 if move > 0 else 1

    def _levels(self, frame: BarFrame, close: float, atr: float) -> tuple[float, list[str], list[Evidence]]:
        p = self.params
        start = max(0, len(frame) - p.swing_lookback)
        bottoms = pivots(frame.low[start:], p.pivot_bars, high=False) + start
        tops = pivots(frame.high[start:], p.pivot_bars, high=True) + start
        prices = np.concatenate([frame.low[bottoms], frame.high[tops]])
        levels = cluster_levels(prices, np.concatenate([bottoms, tops]), p.cluster_atr * atr)
        below = [level for level in levels if level.price <= close]
        above = [level for level in levels if level.price > close]
        score, reasons, evidence = 0.0, list[str](), list[Evidence]()
        for level, sign, word in ((below[-1:], 1, "support"), (above[:1], -1, "resistance")):
            for found in level:
                distance = abs(found.price - close) / atr
                if distance >= p.near_atr:
                    continue
                score += sign * self._strength(found, distance)
                times = "once" if found.touches == 1 else f"{found.touches} times"
                reasons.append(f"{word} at {found.price:,.6g}, touched {times}, is {distance:.1f} ATR away")
                evidence.append(Evidence(id=f"{frame.timeframe}:{'low' if sign > 0 else 'high'}", value=found.price))
        return score, reasons, evidence

    def _strength(self, level: Level, distance: float) -> float:
        p = self.params
        return p.level_weight * clamp(level.touches / p.full_touches, 0, 1) * (1 - distance / p.near_atr)
