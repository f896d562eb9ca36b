"""Planted chart patterns are found: with the right name, direction and pivots, at every size, tempo and price level."""

from __future__ import annotations

from typing import Any

import chart_shapes as kit
import pytest

from deepalpha import ta

#: Bars a leg and price level with unit: small, middle, large.
SCALES = [(8, 100.0, 10.0), (20, 1e-5, 1e-7), (45, 60_000.0, 2_500.0)]
SHAPES = [(shape, up) for shape in kit.SHAPES for up in (True, False)]
NAMES = [f"{shape.name if up else kit.mirrored(shape.name)}-from-{shape.direction}" for shape, up in SHAPES]


def _is_planted(found: Any, planted: Any, shape: Any, bars: int) -> bool:
    """Whether the pivots are the planted ones: at their bars and prices, give or take the noise.

    Where a leg is straight the noise moves an extreme by a bar or two; on the flat bottom of a cup by more.
    """
    if len(found.pivots) != len(planted.pivots):
        return False
    pairs = zip(found.pivots, planted.pivots, strict=True)
    away = max(3, bars // 3) if shape.curved else 3
    return all(
        abs(pivot.bar - bar) <= away and abs(pivot.price - price) <= 2 * shape.noise * planted.unit
        for pivot, (bar, price) in pairs
    )


@pytest.mark.parametrize(("shape", "up"), SHAPES, ids=NAMES)
@pytest.mark.parametrize(("bars", "level", "unit"), SCALES, ids=["small", "middle", "large"])
def test_a_planted_shape_is_found_with_its_pivots_and_levels(
    shape: Any, up: bool, bars: int, level: float, unit: float
) -> None:
    name = shape.name if up else kit.mirrored(shape.name)
    bullish = (shape.direction == "bullish") == up
    for seed in range(4):
        planted = kit.plant(shape, bars=bars, seed=seed, level=level, unit=unit, up=up)
        found = ta.chart.patterns(*planted.bars)
        matches = [one for one in found if one.name == name and _is_planted(one, planted, shape, bars)]
        assert len(matches) == 1, (seed, planted.pivots, [(one.name, one.pivots) for one in found])
        (match,) = matches
        assert match.direction == ("bullish" if bullish else "bearish")
        assert 0 < match.score <= 1 and match.explanation.startswith(name.replace("_", " "))
        close = planted.close[match.confirmed_at]
        assert (match.invalidation < close) == bullish
        assert match.target is None or (match.target > close) == bullish
        assert match.start == match.pivots[0].bar and match.end == match.pivots[-1].bar < match.confirmed_at


@pytest.mark.parametrize("up", [True, False], ids=["upright", "mirrored"])
@pytest.mark.parametrize(("shape", "why"), kit.NEAR_MISSES, ids=[f"{one.name}: {why}" for one, why in kit.NEAR_MISSES])
@pytest.mark.parametrize("bars", [8, 20, 45])
def test_a_shape_that_misses_one_rule_is_not_found(shape: Any, why: str, bars: int, up: bool) -> None:
    name = shape.name if up else kit.mirrored(shape.name)
    for seed in range(4):
        planted = kit.plant(shape, bars=bars, seed=seed, up=up)
        found = ta.chart.patterns(*planted.bars, kinds=[name])
        assert not [one for one in found if _is_planted(one, planted, shape, bars)], (seed, why)
