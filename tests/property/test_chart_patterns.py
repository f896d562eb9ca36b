"""What holds for every market: no look-ahead, bar by bar equals the series, price level and side do not matter."""

from __future__ import annotations

import pickle
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepalpha import ta
from deepalpha.errors import IndicatorError

MIRRORED = {
    "ascending_triangle": "descending_triangle",
    "cup_and_handle": "inverse_cup_and_handle",
    "head_and_shoulders": "inverse_head_and_shoulders",
    "rising_wedge": "falling_wedge",
} | {f"{stem}_top": f"{stem}_bottom" for stem in ("double", "triple")}
MIRRORED |= {f"bull_{stem}": f"bear_{stem}" for stem in ("flag", "pennant")}
MIRRORED |= {new: old for old, new in MIRRORED.items()}


def market(seed: int, bars: int) -> tuple[np.ndarray, ...]:
    """A random walk whose prices are multiples of 1/1024, so that mirroring and doubling them loses no bit."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, 0.5, (bars, 6)) * rng.choice([0.5, 1, 2], (bars, 1))
    path = np.round((np.cumsum(steps.ravel()) + 500) * 1024).reshape(bars, 6) / 1024
    return path[:, 0], path.max(axis=1), path.min(axis=1), path[:, -1]


markets = st.builds(market, st.integers(0, 2**32 - 1), st.integers(2, 500))
params = st.fixed_dictionaries(
    {},
    optional={
        "scales": st.lists(st.sampled_from([0.8, 1.5, 2.0, 3.0, 5.0]), min_size=1, max_size=3, unique=True).map(sorted),
        "unit": st.sampled_from(["atr", "percent"]),
        "level_tolerance": st.sampled_from([0.05, 0.2, 0.5]),
        "line_tolerance": st.sampled_from([0.05, 0.3]),
        "line_touches": st.integers(4, 8),
        "harmonic_tolerance": st.sampled_from([0.02, 0.1]),
        "prior_trend": st.sampled_from([0.0, 0.5]),
        "patience": st.sampled_from([0.3, 3.0]),
    },
)


@settings(max_examples=60, deadline=None)
@given(markets, params, st.data())
def test_what_a_prefix_shows_is_a_prefix_of_what_the_whole_shows(bars: Any, given_: Any, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(bars[0])))
    whole = ta.chart.patterns(*bars, **given_)
    part = ta.chart.patterns(*(column[:cut] for column in bars), **given_)
    assert part == [found for found in whole if found.confirmed_at < cut]
    assert [found.confirmed_at for found in whole] == sorted(found.confirmed_at for found in whole)
    for found in whole:
        assert all(pivot.bar <= found.confirmed_at for pivot in found.pivots)
        assert 0 <= found.score <= 1


@settings(max_examples=25, deadline=None)
@given(markets, st.data())
def test_swings_legs_and_levels_of_a_prefix_are_a_prefix_too(bars: Any, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(bars[0])))
    unit, reversal = data.draw(st.sampled_from([("atr", 1.5), ("percent", 0.5)]))
    columns, head = bars[1:], tuple(column[:cut] for column in bars[1:])
    chosen = {"unit": unit, "reversal": reversal}
    for function in (ta.chart.swings, ta.chart.zigzag):
        assert function(*head, **chosen) == [one for one in function(*columns, **chosen) if one.confirmed_at < cut]
    history = ta.chart.levels(*columns, **chosen, history=True)
    assert ta.chart.levels(*head, **chosen, history=True) == [one for one in history if one.confirmed_at < cut]
    pivots = ta.chart.swings(*columns, **chosen)
    assert all(old.kind != new.kind and old.bar < new.bar for old, new in pairwise(pivots))
    high, low = bars[1], bars[2]
    for pivot in pivots:
        assert pivot.price == (high if pivot.kind == "high" else low)[pivot.bar] and pivot.confirmed_at > pivot.bar


@settings(max_examples=25, deadline=None)
@given(markets, st.data())
def test_a_scanner_finds_bar_by_bar_what_the_whole_series_shows(bars: Any, data: st.DataObject) -> None:
    pause = data.draw(st.integers(0, len(bars[0])))
    scanner = ta.chart.Scanner(scales=[1.0, 2.0])
    found = []
    for at, bar in enumerate(zip(*bars, strict=True)):
        if at == pause:
            scanner = pickle.loads(pickle.dumps(scanner))
        found += scanner.update(*bar)
    assert found == ta.chart.patterns(*bars, scales=[1.0, 2.0])
    assert scanner.bars == len(bars[0])


@settings(max_examples=30, deadline=None)
@given(markets, params, st.sampled_from([2.0**-20, 1024.0]))
def test_the_price_level_does_not_matter(bars: Any, given_: Any, factor: float) -> None:
    given_ = given_ | {"scales": [1.0, 2.0]}
    plain = ta.chart.patterns(*bars, **given_)
    scaled = ta.chart.patterns(*(column * factor for column in bars), **given_)
    assert len(plain) == len(scaled)
    for one, other in zip(plain, scaled, strict=True):
        # A power of two loses no bit, so neither may the findings.
        assert (one.name, one.score, one.confirmed_at, one.start) == (
            other.name,
            other.score,
            other.confirmed_at,
            other.start,
        )
        assert one.invalidation * factor == other.invalidation


@pytest.mark.parametrize("factor", [1000.0, 1e-6])
@pytest.mark.parametrize("seed", range(5))
def test_a_decimal_price_level_does_not_matter(seed: int, factor: float) -> None:
    bars = market(seed, 2000)
    shown = [
        [
            (found.name, found.direction, found.confirmed_at, found.start, found.end)
            for found in ta.chart.patterns(*columns)
        ]
        for columns in (bars, tuple(column * factor for column in bars))
    ]
    assert shown[0] == shown[1] and len(shown[0]) > 10


@settings(max_examples=30, deadline=None)
@given(markets, params)
def test_the_chart_upside_down_shows_the_mirror_images(bars: Any, given_: Any) -> None:
    given_ = given_ | {"unit": "atr"}
    open_, high, low, close = bars
    plain = ta.chart.patterns(open_, high, low, close, **given_)
    turned = ta.chart.patterns(1024 - open_, 1024 - low, 1024 - high, 1024 - close, **given_)

    def key(found: ta.chart.ChartPattern) -> tuple[int, int, str, int]:
        return found.confirmed_at, found.end, found.name, found.start

    images = sorted(
        turned, key=lambda found: (found.confirmed_at, found.end, MIRRORED.get(found.name, found.name), found.start)
    )
    assert len(plain) == len(turned)
    for one, other in zip(sorted(plain, key=key), images, strict=True):
        assert other.name == MIRRORED.get(one.name, one.name) and other.direction != one.direction
        assert (one.confirmed_at, one.start, one.end) == (other.confirmed_at, other.start, other.end)
        assert other.score == pytest.approx(one.score, abs=1e-9)
        assert 1024 - other.invalidation == pytest.approx(one.invalidation, rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_asking_for_one_kind_shows_what_asking_for_all_shows_of_it(seed: int) -> None:
    bars = market(seed, 4_000)
    everything = ta.chart.patterns(*bars)
    for kind in ta.chart.KINDS:
        assert ta.chart.patterns(*bars, kinds=[kind]) == [one for one in everything if one.name == kind]


HOSTILE = st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(HOSTILE, HOSTILE, HOSTILE, HOSTILE), max_size=40), st.sampled_from(["atr", "percent"]))
def test_hostile_bars_are_refused_with_a_typed_error_and_change_nothing(bars: Any, unit: str) -> None:
    scanner = ta.chart.Scanner(unit=unit, scales=[0.5])
    for bar in bars:
        before = scanner.snapshot()
        try:
            found = scanner.update(*bar)
        except IndicatorError:
            assert scanner.snapshot() == before
        else:
            assert all(np.isfinite([one.score, one.invalidation]).all() for one in found)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 400), st.integers(1, 255), st.integers(1, 400))
def test_a_damaged_snapshot_is_refused(noise: bytes, place: int, flip: int, cut: int) -> None:
    scanner = ta.chart.Scanner(scales=[1.0])
    for bar in zip(*market(3, 60), strict=True):
        scanner.update(*bar)
    sound = scanner.snapshot()
    changed = bytearray(sound)
    changed[place % len(changed)] ^= flip
    for snapshot in (noise, bytes(changed), sound[:-cut]):
        with pytest.raises(IndicatorError, match="snapshot cannot be restored"):
            ta.chart.Scanner.restore(snapshot)
    assert ta.chart.Scanner.restore(sound).snapshot() == sound
