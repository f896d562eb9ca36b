"""What `deepalpha.ta.chart` finds, and what it looks for."""

from __future__ import annotations

from deepalpha.types import Fact


class Swing(Fact, frozen=True):
    """A confirmed swing high or low. `bar` is where it is, `confirmed_at` the bar that made it known."""

    bar: int
    price: float
    kind: str
    confirmed_at: int


class Leg(Fact, frozen=True):
    """A leg of the zigzag between two confirmed swings, known when its end is."""

    start: Swing
    end: Swing

    @property
    def direction(self) -> str:
        """``up`` or ``down``."""
        return "up" if self.end.kind == "high" else "down"

    @property
    def confirmed_at(self) -> int:
        return self.end.confirmed_at


class Level(Fact, frozen=True):
    """A price at which the market turned more than once, as known at bar `confirmed_at`.

    `role` is ``support`` (touched from above), ``resistance`` or ``both``; `strength` is
    ``(1 - 2 ** (1 - touches)) * touches / (touches + breaks)``, where `breaks` counts closes across it.
    """

    price: float
    role: str
    strength: float
    touches: int
    breaks: int
    pivots: tuple[Swing, ...]
    confirmed_at: int


class PatternPivot(Fact, frozen=True):
    """A pivot of a pattern and what it is there, for example ``left shoulder``."""

    bar: int
    price: float
    label: str


class ChartPattern(Fact, frozen=True):
    """A chart pattern that has become known.

    `score` is 0 to 1, the mean of how well the shape's measures fit. It ranks shapes and is no probability.
    Beyond `invalidation` the pattern has failed. `target` is the field's usual one (measured move, first harmonic
    objective); None where the break came so late that nothing is left of it, or where it would be below 0.
    `start` and `end` are the bars of the first and last pivot, `scale` the reversal of the swings it was found at.
    """

    name: str
    direction: str
    score: float
    pivots: tuple[PatternPivot, ...]
    invalidation: float
    target: float | None
    confirmed_at: int
    start: int
    end: int
    scale: float
    explanation: str


class ChartParams(Fact, frozen=True):
    """What `patterns` and `Scanner` look for, and how strictly. Sizes are shares of a pattern's height or multiples of
    the average true range, so neither price level nor time frame matters. Bounds are inclusive.

    Args:
        kinds: names out of `KINDS`; None for all.
        unit: ``atr`` (multiples of Wilder's average true range) or ``percent``: what `scales` are measured in.
        scales: reversals that make a swing, ascending, 1 to 8 of them in 0.1..100; each scale is searched,
            and half the smallest one for flags and pennants.
        atr_period: bars of the average true range, 1..1000.
        max_bars: longest pattern from first to last pivot, 10..10000.
        level_tolerance: how far equal tops, rims and flat sides may lie apart, share of the height, 0.01..0.5.
        shoulder_tolerance: how far shoulders may lie apart, share of the head's height, 0.01..0.6.
        line_tolerance: how far a touch may miss its line, share of the height, 0.01..0.3.
        line_touches: least pivots of a triangle, wedge or rectangle, 4..8.
        harmonic_tolerance: how far a harmonic ratio may be off, relative to it, 0.001..0.1.
        prior_trend: least move before a reversal pattern or cup, in heights, 0..10.
        pole_speed: least speed of a flag's pole, average true ranges a bar, 0.05..10.
        breakout: how far a close must lie beyond a line to break it, average true ranges, 0..5.
        patience: how long a break may take after the last pivot, in lengths of the pattern, 0.05..5.
        min_score: findings below it are left out, 0..1.
    """

    kinds: tuple[str, ...] | None = None
    unit: str = "atr"
    scales: tuple[float, ...] = (2.0, 4.0, 8.0)
    atr_period: int = 14
    max_bars: int = 400
    level_tolerance: float = 0.12
    shoulder_tolerance: float = 0.25
    line_tolerance: float = 0.08
    line_touches: int = 6
    harmonic_tolerance: float = 0.05
    prior_trend: float = 1.0
    pole_speed: float = 0.6
    breakout: float = 0.1
    patience: float = 1.0
    min_score: float = 0.0


class FibonacciLevel(Fact, frozen=True):
    """A level of a leg. `kind` is ``retracement``, ``extension`` or ``projection``."""

    kind: str
    ratio: float
    price: float
