"""`ta.chart` as a caller sees it: any container, typed errors, levels, frames of findings, real data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pytest

from deepalpha import ta
from deepalpha.errors import IndicatorError

SAMPLE = Path(__file__).parents[2] / "data" / "sample"


@pytest.fixture(scope="module")
def bars() -> list[np.ndarray]:
    frame = pl.read_parquet(SAMPLE / "AAPL.parquet")
    return [frame[name].to_numpy() for name in ("open", "high", "low", "close")]


def test_every_container_gives_the_same_findings(bars: list[np.ndarray]) -> None:
    expected = ta.chart.patterns(*bars)
    assert len(expected) > 20
    assert ta.chart.patterns(*(column.tolist() for column in bars)) == expected
    assert ta.chart.patterns(*(pl.Series(column) for column in bars)) == expected
    assert ta.chart.patterns(*(pd.Series(column) for column in bars)) == expected
    assert ta.chart.patterns(*(np.repeat(column, 2)[::2].astype(">f8") for column in bars)) == expected


def test_findings_are_frozen_facts_that_become_a_frame(bars: list[np.ndarray]) -> None:
    found = ta.chart.patterns(*bars)
    frame = ta.chart.to_polars(found)
    assert frame.height == len(found) and frame["name"].to_list() == [one.name for one in found]
    assert frame["pivots"][0].struct.fields == ["bar", "price", "label"]
    assert ta.chart.to_polars([]).schema == frame.schema
    with pytest.raises(AttributeError):
        found[0].score = 1.0  # type: ignore[misc]
    assert msgspec.json.decode(msgspec.json.encode(found[0]), type=ta.chart.ChartPattern) == found[0]


def test_asking_for_some_kinds_shows_what_asking_for_all_shows_of_them(bars: list[np.ndarray]) -> None:
    everything = ta.chart.patterns(*bars)
    for kind in ta.chart.KINDS:
        assert ta.chart.patterns(*bars, kinds=[kind]) == [one for one in everything if one.name == kind]
    good = ta.chart.patterns(*bars, min_score=0.7)
    assert 0 < len(good) < len(everything) and all(one.score >= 0.7 for one in good)


def test_no_target_of_a_stock_lies_below_zero(bars: list[np.ndarray]) -> None:
    assert all(one.target is None or one.target > 0 for one in ta.chart.patterns(*bars))


def test_levels_stand_with_their_touches(bars: list[np.ndarray]) -> None:
    _, high, low, close = bars
    levels = ta.chart.levels(high, low, close)
    assert [level.strength for level in levels] == sorted((level.strength for level in levels), reverse=True)
    for level in levels:
        prices = [pivot.price for pivot in level.pivots]
        assert level.touches == len(prices) >= 2 and level.confirmed_at == len(close) - 1
        assert level.price == pytest.approx(np.mean(prices))
        assert level.strength == (1 - 2.0 ** (1 - level.touches)) * level.touches / (level.touches + level.breaks)
        kinds = {pivot.kind for pivot in level.pivots}
        assert level.role == {("high",): "resistance", ("low",): "support"}.get(tuple(kinds), "both")


def test_levels_worked_out_by_hand() -> None:
    prices = [100.0, 120, 100, 121, 100, 115, 130]
    levels = ta.chart.levels(prices, prices, prices, unit="percent", reversal=10)
    shown = [(level.price, level.role, level.touches, level.breaks) for level in levels]
    assert shown == [(100, "support", 3, 0), (120.5, "resistance", 2, 1)]
    assert [level.strength for level in levels] == [0.75, pytest.approx(1 / 3)]


ONE = [1.0, 2.0]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: ta.chart.patterns(ONE, ONE, ONE, ONE, kinds=["dubble_top"]), "did you mean double_top"),
        (lambda: ta.chart.patterns(ONE, ONE, ONE, ONE, kinds="abcd"), "is one name"),
        (lambda: ta.chart.patterns(ONE, ONE, ONE, ONE, tolerance=1), "'tolerance' is not known"),
        (
            lambda: ta.chart.patterns(ONE, ONE, ONE, ONE, level_tolerance=0.6),
            r"level_tolerance 0.6 is not in 0.01..=0.5",
        ),
        (lambda: ta.chart.patterns(ONE, ONE, ONE, ONE, atr_period=2.5), "atr_period 2.5 is not a whole number"),
        (lambda: ta.chart.patterns(ONE, ONE, ONE, ONE, scales=[3, 2]), r"scales 2 is not in 3..=100"),
        (lambda: ta.chart.patterns(ONE, ONE, ONE, ONE, scales=[]), "0 scales were given"),
        (lambda: ta.chart.patterns(ONE, ONE, ONE, [1.0]), "column close has 1 rows"),
        (lambda: ta.chart.patterns(ONE, [1.0, 1.0], [1.0, 2.0], ONE), "at row 1 the high 1 is below the low 2"),
        (lambda: ta.chart.patterns(ONE, [1.0, float("nan")], ONE, ONE), "high at row 1 is NaN"),
        (lambda: ta.chart.patterns([0.0], [0.0], [0.0], [0.0], unit="percent"), "need prices above 0"),
        (lambda: ta.chart.swings(ONE, ONE, ONE, unit="points"), "unit 'points' is not known"),
        (lambda: ta.chart.swings(ONE, ONE, ONE, reversal=0), r"reversal 0 is not in 0.1..=100"),
        (lambda: ta.chart.levels(ONE, ONE, ONE, min_touches=1), r"min_touches 1 is not in 2..=20"),
        (lambda: ta.chart.Scanner(max_bars=True), "max_bars True is not a number"),
        (lambda: ta.chart.Scanner.restore(b"nonsense"), "snapshot cannot be restored"),
    ],
)
def test_what_cannot_be_used_is_refused_with_value_and_bound(call: Any, said: str) -> None:
    with pytest.raises(IndicatorError, match=said):
        call()


def test_every_kind_has_a_meaning() -> None:
    assert len(ta.chart.KINDS) == 25 and all(len(ta.chart.meaning(kind)) > 10 for kind in ta.chart.KINDS)
    assert ta.chart.meaning("double_top") == "Two equal tops; points down once the low between them is broken."
    with pytest.raises(IndicatorError, match="did you mean bat"):
        ta.chart.meaning("bot")


def test_empty_series_have_nothing_to_show() -> None:
    assert ta.chart.patterns([], [], [], []) == [] == ta.chart.swings([], [], []) == ta.chart.levels([], [], [])
    assert ta.chart.zigzag([], [], []) == [] and len(ta.chart.renko([], box=1)) == 0
    assert ta.chart.renko([], box=1).forming is None


def test_a_level_is_forgotten_when_it_was_not_touched_for_long() -> None:
    swing = [100.0, 120, 100, 121, 100, 115]
    quiet = [110.0] * 30
    prices = swing + quiet
    keep = ta.chart.levels(prices, prices, prices, unit="percent", reversal=10, max_age=100)
    assert [level.price for level in keep] == [100, 120.5]
    gone = ta.chart.levels(prices, prices, prices, unit="percent", reversal=10, max_age=20)
    assert gone == []
    # What was known at the time stays in the history.
    history = ta.chart.levels(prices, prices, prices, unit="percent", reversal=10, max_age=20, history=True)
    assert [(level.price, level.confirmed_at) for level in history] == [(100, 3), (120.5, 4), (100, 5)]
    # A touch after that begins anew, where it would have been the third.
    for max_age, touched in ((100, 3), (20, 2)):
        again = [*prices, 121.0, 100.0, 121.0, 100.0]
        found = ta.chart.levels(again, again, again, unit="percent", reversal=10, max_age=max_age, history=True)
        assert [level.touches for level in found if level.confirmed_at > 36 and level.price > 120][:1] == [touched]


def test_a_swing_is_confirmed_by_the_range_at_its_extreme() -> None:
    # True ranges 1, then 1.5 (they reach to the close before). The mean of the first four is 1.375, so the high of
    # bar 3 turns at 13.5 - 2.75 = 10.75: not at the low 11.5 of bar 4, but at 10.5 of bar 5.
    close = [10.0, 11, 12, 13, 12, 11, 12, 13, 14]
    high, low = [price + 0.5 for price in close], [price - 0.5 for price in close]
    shown = [(one.bar, one.price, one.kind, one.confirmed_at) for one in ta.chart.swings(high, low, close, reversal=2)]
    assert shown[0] == (0, 9.5, "low", 1)
    assert shown[1] == (3, 13.5, "high", 5)
    assert shown[2] == (5, 10.5, "low", 7)
