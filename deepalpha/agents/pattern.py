"""Pattern agent: candlestick patterns of the last bars, chart patterns just confirmed, support and resistance."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from deepalpha.agents.base import BaseAgent
from deepalpha.agents.numeric import (
    all_finite,
    clamp,
    cluster_levels,
    collect,
    evidence_of,
    last_of,
    pivots,
    probability,
)
from deepalpha.agents.pattern_candles import WEIGHTS, CandleRules, hits, last_values, strongest
from deepalpha.agents.pattern_chart import chart_votes, standing_levels
from deepalpha.types import BarFrame, Context, Evidence, Signal

ATR = "ATR_14"
Part = tuple[float, list[str], list[Evidence]]
"""Score, reasons and evidence of one kind of pattern."""


class PatternParams(msgspec.Struct, frozen=True):
    """Thresholds of the pattern agent. Scores are added and limited to -1..1."""

    pattern_weights: tuple[tuple[str, float], ...] = WEIGHTS
    """Score of a fresh pattern: three bars say more than two, two more than one; a doji is mere doubt."""
    age_weights: tuple[float, ...] = (1.0, 0.7, 0.4)
    """Weight of a pattern completed 0, 1 or 2 bars ago; its length is how far back the agent looks."""
    doji_lookback: int = 5
    """A doji leans against the move over this many bars before it."""
    doji_move_atr: float = 1.0
    """Moves below this many ATR give a doji no direction, a turn nothing to turn, a continuation nothing to go on."""
    without_move: float = 0.6
    """Weight of a turn or a continuation without such a move before it."""
    small_bar: float = 0.5
    """Weight of a pattern on a bar without range; full from a range of one ATR on."""
    quiet: float = 0.7
    """Weight of a pattern without volume; full from `busy` times the mean volume of the `volume_bars` before it on."""
    busy: float = 1.5
    volume_bars: int = 20
    named_patterns: int = 3
    """Candlestick patterns and chart patterns named in the reasons, each."""
    chart_weight: float = 1.0
    """Score of a chart pattern that fits perfectly, was confirmed on the last bar and has no risk left."""
    fresh_bars: int = 5
    """Bars over which a confirmed chart pattern fades to nothing."""
    no_target: float = 0.25
    """Share of reward in reward plus risk of a chart pattern that has no target."""
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


class PatternAgent(BaseAgent):
    """Adds the scores of fresh candles, fresh chart patterns and near levels; with none it abstains, not votes 0.5."""

    name = "pattern"
    version = "2"
    series = (ATR,)
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
        parts = (self._candles(frame, atr), self._charts(frame), self._levels(frame, close, atr))
        if not any(score for score, _, _ in parts):
            return Signal.abstain(
                f"no candlestick pattern in {len(p.age_weights)} bars, no chart pattern confirmed in {p.fresh_bars} "
                "and no level within reach"
            )
        return Signal(
            p_up=probability(sum(score for score, _, _ in parts), p.max_edge),
            reasons=tuple(reason for _, reasons, _ in parts for reason in reasons),
            evidence=collect(
                *(item for _, _, evidence in parts for item in evidence),
                evidence_of(frame, "close"),
                evidence_of(frame, ATR),
            ),
        )

    def candle_values(self, frame: BarFrame) -> dict[str, NDArray[np.float64]]:
        """Values of the patterns at the last bars, oldest first: what TA-Lib says of the frame's bars."""
        return last_values(frame, len(self.params.age_weights))

    def _candles(self, frame: BarFrame, atr: float) -> Part:
        p = self.params
        rules = CandleRules(
            age_weights=p.age_weights,
            move_bars=p.doji_lookback,
            move_atr=p.doji_move_atr,
            without_move=p.without_move,
            small_bar=p.small_bar,
            quiet=p.quiet,
            busy=p.busy,
            volume_bars=p.volume_bars,
        )
        found = hits(frame, self.candle_values(frame), p.pattern_weights, rules, atr)
        named, others = found[: p.named_patterns], len(found) - p.named_patterns
        reasons = [hit.words() for hit in named]
        if others > 0:
            reasons[-1] += f", and {others} weaker candlestick pattern{'s' if others > 1 else ''}"
        evidence = [Evidence(id=f"{frame.timeframe}:{hit.name}", value=hit.value) for hit in named]
        return strongest(found), reasons, evidence

    def _charts(self, frame: BarFrame) -> Part:
        """The strongest bullish chart pattern less the strongest bearish one: scales find the same shape again."""
        p = self.params
        votes = chart_votes(frame, p.fresh_bars, p.no_target)
        up = max((vote.weight for vote in votes if vote.sign > 0), default=0.0)
        down = max((vote.weight for vote in votes if vote.sign < 0), default=0.0)
        named = votes[: p.named_patterns]
        evidence = [
            Evidence(id=f"{frame.timeframe}:{'low' if vote.sign > 0 else 'high'}", value=vote.pattern.invalidation)
            for vote in reversed(named)  # of one id the last stays: the strongest pattern's
        ]
        return p.chart_weight * (up - down), [vote.words() for vote in named], evidence

    def _levels(self, frame: BarFrame, close: float, atr: float) -> Part:
        """The level that weighs most below and above, out of near swings and of the levels of the whole chart."""
        p = self.params
        start = max(0, len(frame) - p.swing_lookback)
        bottoms = pivots(frame.low[start:], p.pivot_bars, high=False) + start
        tops = pivots(frame.high[start:], p.pivot_bars, high=True) + start
        prices = np.concatenate([frame.low[bottoms], frame.high[tops]])
        levels = cluster_levels(prices, np.concatenate([bottoms, tops]), p.cluster_atr * atr)
        near = [(level.price, level.touches, clamp(level.touches / p.full_touches, 0, 1)) for level in levels]
        below = [level for level in near if level[0] <= close][-1:]
        above = [level for level in near if level[0] > close][:1]
        for standing in standing_levels(frame):
            (below if standing.price <= close else above).append((standing.price, standing.touches, standing.strength))
        score, reasons, evidence = 0.0, list[str](), list[Evidence]()
        for side, sign, word in ((below, 1, "support"), (above, -1, "resistance")):
            weighed = [
                (self._strength(full, abs(price - close) / atr), price, touches) for price, touches, full in side
            ]
            weight, price, touches = max(weighed, default=(0.0, 0.0, 0))
            if weight <= 0:
                continue
            score += sign * weight
            times = "once" if touches == 1 else f"{touches} times"
            distance = abs(price - close) / atr
            reasons.append(f"{word} at {price:,.6g}, touched {times}, is {distance:.1f} ATR away")
            evidence.append(Evidence(id=f"{frame.timeframe}:{'low' if sign > 0 else 'high'}", value=price))
        return score, reasons, evidence

    def _strength(self, full: float, distance: float) -> float:
        """Weight of a level: `full` is 0..1, `distance` in ATR."""
        p = self.params
        return p.level_weight * full * max(0.0, 1 - distance / p.near_atr)
