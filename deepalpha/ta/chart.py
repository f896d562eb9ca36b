"""Chart patterns, swings, support and resistance, Fibonacci levels, and bars by price or trade.

    from deepalpha import ta
    for found in ta.chart.patterns(open, high, low, close):
        print(found.confirmed_at, found.name, found.direction, found.explanation)

Nothing here looks ahead: what is found on a prefix of the data is a prefix of what is found on all of it, to the last
bit, and `confirmed_at` is the bar at whose close a finding could first be known. `Scanner` takes bar by bar and finds
the same. Series may be numpy arrays, lists, polars or pandas Series of any number type; NaN is refused, as a shape with
a hole in it is none.

How often the defaults find what means nothing, on 20 random walks of 5,000 bars (`tests/property/test_chart_walks.py`
pins them from above): findings per 1,000 bars.

    head_and_shoulders          1.46
    inverse_head_and_shoulders  1.45
    double_top                  3.09
    double_bottom               3.26
    triple_top                  0.38
    triple_bottom               0.41
    ascending_triangle          0.80
    descending_triangle         0.88
    symmetrical_triangle        0.77
    rising_wedge                0.63
    falling_wedge               0.75
    rectangle                   0.07
    bull_flag                   0.72
    bear_flag                   0.84
    bull_pennant                0.43
    bear_pennant                0.48
    cup_and_handle              0.04
    inverse_cup_and_handle      0.04
    gartley                     0.19
    butterfly                   0.13
    bat                         0.11
    crab                        0.08
    shark                       0.75
    cypher                      0.31
    abcd                        1.91
    all                         19.98

Real markets show about as many: 14 per 1,000 daily bars of the four stocks in `data/sample`, 21 of its 21 close-only
series. That a shape is there says little by itself; weigh findings with what followed them on your own market.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import polars as pl

from deepalpha import _core
from deepalpha.errors import IndicatorError
from deepalpha.ta.arrays import as_floats
from deepalpha.ta.bricks import BuiltBars, FormingBar, range_bars, renko, tick_bars, volume_bars
from deepalpha.ta.chart_args import columns, is_percent, number, whole
from deepalpha.ta.chart_facts import ChartParams, ChartPattern, FibonacciLevel, Leg, Level, PatternPivot, Swing

__all__ = [
    "EXTENSIONS",
    "KINDS",
    "RETRACEMENTS",
    "BuiltBars",
    "ChartParams",
    "ChartPattern",
    "FibonacciLevel",
    "FormingBar",
    "Leg",
    "Level",
    "PatternPivot",
    "Scanner",
    "Swing",
    "fibonacci",
    "levels",
    "meaning",
    "patterns",
    "range_bars",
    "renko",
    "swings",
    "tick_bars",
    "to_polars",
    "volume_bars",
    "zigzag",
]

#: Names of all patterns.
KINDS: tuple[str, ...] = tuple(_core.chart_kinds())

#: Usual ratios; see `fibonacci`.
RETRACEMENTS = (0.0, 0.236, 0.382, 0.5, 0.618, 0.786, 1.0)
EXTENSIONS = (1.272, 1.414, 1.618, 2.0, 2.618, 4.236)


def meaning(kind: str) -> str:
    """What a pattern is and where it points, in a sentence.

    Raises:
        IndicatorError: a name that is not in `KINDS`, with the nearest that is.
    """
    return _core.chart_meaning(kind)


def swings(
    high: Any, low: Any, close: Any, *, reversal: float = 3.0, unit: str = "atr", atr_period: int = 14
) -> list[Swing]:
    """Swing highs and lows, alternating, in the order in which they became known.

    An extreme is a swing from the first later bar on that lies the reversal away from it; the reversal is fixed at the
    extreme: `reversal` times Wilder's ATR there, or percent of its price. Swings are never taken back.

    Args:
        high, low, close: shape (n,).
        reversal: 0.1..100, in `unit`.
        unit: ``atr`` or ``percent``.
        atr_period: 1..1000.

    Raises:
        IndicatorError: series or parameters that cannot be used.

    >>> swings([1, 2, 3, 2, 1], [1, 2, 3, 2, 1], [1, 2, 3, 2, 1], reversal=30, unit="percent")[1].price
    3.0
    """
    rows = _core.chart_swings(
        *columns("swings", high, low, close),
        is_percent(unit),
        number("reversal", reversal),
        whole("atr_period", atr_period),
    )
    return [_swing(row) for row in rows]


def zigzag(
    high: Any, low: Any, close: Any, *, reversal: float = 3.0, unit: str = "atr", atr_period: int = 14
) -> list[Leg]:
    """ZIGZAG as confirmed legs, between the swings of `swings`. The leg that still runs is not among them."""
    pivots = swings(high, low, close, reversal=reversal, unit=unit, atr_period=atr_period)
    return [Leg(start=start, end=end) for start, end in pairwise(pivots)]


def levels(
    high: Any,
    low: Any,
    close: Any,
    *,
    reversal: float = 3.0,
    unit: str = "atr",
    atr_period: int = 14,
    width: float = 0.2,
    min_touches: int = 2,
    max_age: int = 500,
    history: bool = False,
) -> list[Level]:
    """Support and resistance: the levels that stand after the last bar, the strongest first.

    Args:
        high, low, close: shape (n,).
        reversal, unit, atr_period: as for `swings`, whose pivots touch the levels.
        width: how near a pivot must be to join a level, in reversals, 0.01..1.
        min_touches: 2..20.
        max_age: bars after which an untouched level is forgotten, 10..100000.
        history: give every level each time a touch made or strengthened it instead, in the order of `confirmed_at`.

    Raises:
        IndicatorError: series or parameters that cannot be used.
    """
    records, standing = _core.chart_levels(
        *columns("levels", high, low, close),
        is_percent(unit),
        number("reversal", reversal),
        whole("atr_period", atr_period),
        number("width", width),
        whole("min_touches", min_touches),
        whole("max_age", max_age),
    )
    return [
        Level(
            price=price,
            role=role,
            strength=strength,
            touches=touches,
            breaks=breaks,
            pivots=tuple(_swing(pivot) for pivot in pivots),
            confirmed_at=confirmed_at,
        )
        for price, role, strength, touches, breaks, pivots, confirmed_at in (records if history else standing)
    ]


def patterns(
    open: Any, high: Any, low: Any, close: Any, kinds: Sequence[str] | None = None, **params: Any
) -> list[ChartPattern]:
    """Chart patterns in the order in which they became known (`confirmed_at` never falls).

    Head and shoulders, double and triple tops and bottoms, triangles, wedges, rectangles, flags, pennants, cups with
    handles: known at the close that breaks the neckline, rim or side. Harmonics: known when the last pivot is
    confirmed. Rules and sources of each: `core/engine/src/patterns/chart/`.

    Args:
        open, high, low, close: shape (n,), finite.
        kinds: names out of `KINDS`; None for all.
        params: fields of `ChartParams`.

    Raises:
        IndicatorError: series or parameters that cannot be used.
    """
    first = columns("patterns", high, low, close)
    rows = _core.chart_patterns(as_floats("patterns: open", open), *first, _given(kinds, params))
    return [_pattern(row) for row in rows]


class Scanner:
    """`patterns` bar by bar, for live use: the same findings, to the last bit. Picklable.

    Args:
        kinds: names out of `KINDS`; None for all.
        params: fields of `ChartParams`.
    """

    def __init__(self, kinds: Sequence[str] | None = None, **params: Any) -> None:
        self._scanner = _core.ChartScanner(_given(kinds, params))

    @property
    def bars(self) -> int:
        """Bars taken in."""
        return self._scanner.bars

    def update(self, open: float, high: float, low: float, close: float) -> list[ChartPattern]:
        """Take a closed bar; what became known at its close.

        Raises:
            IndicatorError: a bar that cannot be used. The scanner is as it was before.
        """
        return [_pattern(row) for row in self._scanner.update(open, high, low, close)]

    def snapshot(self) -> bytes:
        """The scanner as bytes, for `restore`."""
        return self._scanner.snapshot()

    @classmethod
    def restore(cls, snapshot: bytes) -> Scanner:
        """A scanner that goes on where `snapshot` was taken.

        Raises:
            IndicatorError: bytes that are no scanner of this version.
        """
        scanner = cls.__new__(cls)
        scanner._scanner = _core.ChartScanner.restore(snapshot)
        return scanner

    def __reduce__(self) -> tuple[Any, tuple[bytes]]:
        return Scanner.restore, (self.snapshot(),)


def to_polars(found: Sequence[ChartPattern]) -> pl.DataFrame:
    """Patterns as a frame, one row each; `pivots` is a list of structs."""
    pivot = pl.Struct({"bar": pl.Int64, "price": pl.Float64, "label": pl.String})
    schema: dict[str, Any] = {
        "name": pl.String,
        "direction": pl.String,
        "score": pl.Float64,
        "pivots": pl.List(pivot),
        "invalidation": pl.Float64,
        "target": pl.Float64,
        "confirmed_at": pl.Int64,
        "start": pl.Int64,
        "end": pl.Int64,
        "scale": pl.Float64,
        "explanation": pl.String,
    }
    return pl.DataFrame([msgspec.to_builtins(pattern) for pattern in found], schema=schema)


def fibonacci(
    start: float | Leg,
    end: float | None = None,
    *,
    projected_from: float | None = None,
    retracements: Sequence[float] = RETRACEMENTS,
    extensions: Sequence[float] = EXTENSIONS,
) -> list[FibonacciLevel]:
    """Fibonacci levels of a leg: retracements ``end - r (end - start)``, extensions ``start + e (end - start)`` and,
    with `projected_from`, projections ``projected_from + e (end - start)``.

    Args:
        start, end: prices of the leg, or a `Leg` alone.
        projected_from: the third point of a projection.
        retracements, extensions: shares of the leg, 0..100.

    Raises:
        IndicatorError: a price or ratio that cannot be used.

    >>> [level.price for level in fibonacci(100, 200, retracements=[0.25], extensions=[1.5])]
    [175.0, 250.0]
    """
    if isinstance(start, Leg):
        if end is not None:
            raise IndicatorError("fibonacci: pass a Leg alone, or two prices")
        begin, finish = start.start.price, start.end.price
    elif end is None:
        raise IndicatorError("fibonacci: end is missing; pass two prices, or a Leg of ta.chart.zigzag")
    else:
        begin, finish = number("start", start), number("end", end)
    rows = _core.chart_fibonacci(
        begin,
        finish,
        None if projected_from is None else number("projected_from", projected_from),
        [number("retracements", ratio) for ratio in retracements],
        [number("extensions", ratio) for ratio in extensions],
    )
    return [FibonacciLevel(kind=kind, ratio=ratio, price=price) for kind, ratio, price in rows]


def _given(kinds: Sequence[str] | None, params: Mapping[str, Any]) -> dict[str, Any]:
    """Checked parameters in the core's words."""
    known = ChartParams.__struct_fields__
    for name in params:
        if name not in known:
            raise IndicatorError(f"chart parameter {name!r} is not known; there are {', '.join(known)}")
    asked = ChartParams(**({"kinds": kinds} | dict(params)))
    out: dict[str, Any] = {"percent": is_percent(asked.unit)}
    if asked.kinds is not None:
        if isinstance(asked.kinds, str):
            raise IndicatorError(f"kinds {asked.kinds!r} is one name; pass a list of names")
        out["kinds"] = [str(kind) for kind in asked.kinds]
    if isinstance(asked.scales, (str, bytes)) or not isinstance(asked.scales, (Sequence, np.ndarray)):
        raise IndicatorError(f"scales {asked.scales!r} is not a sequence of numbers")
    out["scales"] = [number("scales", scale) for scale in asked.scales]
    for name in known[3:]:
        check = whole if name in ("atr_period", "max_bars", "line_touches") else number
        out[name] = check(name, getattr(asked, name))
    return out


def _swing(row: tuple[int, float, bool, int]) -> Swing:
    bar, price, is_high, confirmed_at = row
    return Swing(bar=bar, price=price, kind="high" if is_high else "low", confirmed_at=confirmed_at)


def _pattern(row: tuple[Any, ...]) -> ChartPattern:
    name, direction, score, pivots, invalidation, target, confirmed_at, start, end, scale, explanation = row
    return ChartPattern(
        name=name,
        direction=direction,
        score=score,
        pivots=tuple(PatternPivot(bar=bar, price=price, label=label) for bar, price, label in pivots),
        invalidation=invalidation,
        target=target,
        confirmed_at=confirmed_at,
        start=start,
        end=end,
        scale=scale,
        explanation=explanation,
    )
