"""Many indicators of many symbols in one call: the bits of each alone, all or nothing, snapshots."""

from __future__ import annotations

import copy
import math
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from deepalpha import ta
from deepalpha.errors import IndicatorError

FREE = {"real", "real0", "real1"}
COLUMNS = ["open", "high", "low", "close", "volume"]
READS = {"real0": "high", "real1": "low"}
STREAMING = [
    name for name in ta.functions() if ta.info(name)["streams"] and {*ta.info(name)["inputs"]} <= {*COLUMNS, *FREE}
]
SPECS = ["RSI_14", "MACD_12_26_9", {"fn": "ATR", "timeperiod": 5}, "OBV"]
NAMES = ["RSI_14", "MACD_12_26_9.macd", "MACD_12_26_9.macdsignal", "MACD_12_26_9.macdhist", "ATR_5", "OBV"]


def markets(symbols: int, bars: int, seed: int = 3) -> NDArray[np.float64]:
    """Shape (bars, symbols, 5)."""
    draw = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(draw.normal(0, 0.01, (bars, symbols)), axis=0))
    open_ = np.concatenate([np.full((1, symbols), 100.0), close[:-1]])
    high, low = np.maximum(open_, close) * 1.002, np.minimum(open_, close) * 0.998
    return np.stack([open_, high, low, close, draw.integers(1, 999, (bars, symbols)).astype(float)], axis=2)


def alone(name: str, params: list[float], rows: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """The outputs of one indicator over one symbol's bars."""
    labels = [READS.get(label, label) for label in ta.info(name)["inputs"]]
    series = [np.ascontiguousarray(rows[:, COLUMNS.index(label) if label in COLUMNS else 3]) for label in labels]
    found = getattr(ta, name)(*series, *params)
    return list(found) if isinstance(found, tuple) else [found]


def test_every_indicator_of_every_symbol_shows_the_bits_of_the_series_alone() -> None:
    symbols, bars = 3, 150
    market = markets(symbols, bars)
    together = ta.StreamSet(STREAMING, ["A", "B", "C"])
    one = ta.StreamSet(STREAMING)
    expected = [
        np.stack([column.astype(float) for name in STREAMING for column in alone(name, [], market[:, place])], axis=1)
        for place in range(symbols)
    ]
    for bar in range(bars):
        peeked = together.peek_many(market[bar])
        found = together.update_many(market[bar])
        assert found.shape == (symbols, len(together.names))
        assert found.tobytes() == peeked.tobytes() == np.stack([rows[bar] for rows in expected]).tobytes(), bar
        row = market[bar, 1].tolist()
        assert one.peek(*row).tobytes() == one.update(*row).tobytes() == expected[1][bar].tobytes(), bar
    assert together.bars == {"A": bars, "B": bars, "C": bars}
    assert together.values.tobytes() == found.tobytes()


def test_what_no_bar_has_is_refused() -> None:
    others = [name for name in ta.functions() if not {*ta.info(name)["inputs"]} <= {*COLUMNS, *FREE}]
    for name in others:
        with pytest.raises(IndicatorError, match=rf"{name} reads \w+, which a bar .* does not have|cannot be streamed"):
            ta.StreamSet([name])


def test_results_are_named_as_the_frame_names_them() -> None:
    made = ta.StreamSet(SPECS, "BTC/USDT")
    assert (made.names, made.symbols, made.bars) == (NAMES, ["BTC/USDT"], {"BTC/USDT": 0})
    assert repr(made) == "ta.StreamSet(6 results of 1 symbols)"
    assert made.update(1.0, 2.0, 0.5, 1.5, 10.0).shape == (6,)
    assert isinstance(made, ta.StreamSet)


@settings(max_examples=40, deadline=None)
@given(
    bad_symbol=st.integers(0, 4),
    column=st.integers(1, 4),
    value=st.sampled_from([math.nan, math.inf, -math.inf]),
    bars=st.integers(0, 40),
)
def test_one_bad_row_is_refused_by_name_before_anything_changes(
    bad_symbol: int, column: int, value: float, bars: int
) -> None:
    market = markets(5, bars + 2)
    symbols = ["A", "B", "C", "D", "E"]
    made, reference = ta.StreamSet(SPECS, symbols), ta.StreamSet(SPECS, symbols)
    for row in market[:bars]:
        made.update_many(row)
        reference.update_many(row)
    before = made.snapshot()
    bad = market[bars].copy()
    bad[bad_symbol, column] = value
    said = f"{symbols[bad_symbol]}: {COLUMNS[column]} is {'NaN' if math.isnan(value) else value}"
    for call in (made.update_many, made.peek_many):
        with pytest.raises(IndicatorError, match=said):
            call(bad)
    with pytest.raises(IndicatorError, match=said):
        made.update(*bad[bad_symbol], symbol=symbols[bad_symbol])
    assert made.snapshot() == before
    # With skip the others go on, and the one left out goes on where it was when its next bar comes.
    found = made.update_many(bad, skip=True)
    assert made.skipped == [symbols[bad_symbol]]
    assert np.isnan(found[bad_symbol]).all()
    others = [place for place in range(5) if place != bad_symbol]
    assert found[others].tobytes() == reference.update_many(market[bars])[others].tobytes()
    after = made.update_many(market[bars + 1])
    assert made.skipped == []
    alone_ = ta.StreamSet(SPECS, "X")
    rows = np.delete(market[: bars + 2, bad_symbol], bars, axis=0)
    for row in rows:
        last = alone_.update(*row)
    assert after[bad_symbol].tobytes() == last.tobytes()
    assert made.bars[symbols[bad_symbol]] == bars + 1


def test_columns_that_nothing_reads_may_hold_anything() -> None:
    made = ta.StreamSet(["SMA_1"], ["A"])
    nothing = math.nan
    assert made.update(nothing, nothing, nothing, 7.0, nothing).tolist() == [7.0]
    with pytest.raises(IndicatorError, match="volume None is not a number"):
        made.update(1.0, 1.0, 1.0, 7.0, None)


def test_copies_snapshots_and_pickles_go_on_where_they_were_taken() -> None:
    market = markets(4, 80)
    made = ta.StreamSet(SPECS, list("ABCD"))
    for row in market[:50]:
        made.update_many(row)
    others = [
        made.copy(),
        copy.deepcopy(made),
        pickle.loads(pickle.dumps(made)),
        ta.StreamSet.restore(made.snapshot()),
    ]
    for row in market[50:]:
        expected = made.update_many(row).tobytes()
        assert all(other.update_many(row).tobytes() == expected for other in others)
    assert all(other.bars == made.bars and other.names == NAMES for other in others)


# What the other process does: a process of its own, which knows nothing of this one but the pickle.
OTHER = """
import pickle, sys
made, rows = pickle.load(sys.stdin.buffer)
sys.stdout.buffer.write(b"".join(made.update_many(row).tobytes() for row in rows))
"""


def test_a_pickled_set_goes_on_in_another_process() -> None:
    market = markets(4, 60)
    made = ta.StreamSet(SPECS, list("ABCD"))
    for row in market[:30]:
        made.update_many(row)
    work = pickle.dumps((made, market[30:]))
    done = subprocess.run([sys.executable, "-c", OTHER], input=work, capture_output=True, check=True)
    assert done.stdout == b"".join(made.update_many(row).tobytes() for row in market[30:])


def test_history_is_taken_in_symbol_by_symbol() -> None:
    market = markets(2, 60)
    made, stepped = ta.StreamSet(SPECS, ["A", "B"]), ta.StreamSet(SPECS, ["A", "B"])
    for place, symbol in enumerate(made.symbols):
        made.extend(market[:, place], symbol=symbol)
    for row in market:
        stepped.update_many(row)
    assert made.snapshot() == stepped.snapshot()
    hole = market[:, 0].copy()
    hole[5, 3] = math.nan
    with pytest.raises(IndicatorError, match="A: close is NaN at bar 5"):
        made.extend(hole, symbol="A")
    assert made.snapshot() == stepped.snapshot()


ROW = (1.0, 2.0, 0.5, 1.5, 10.0)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: ta.StreamSet([]), "at least one indicator"),
        (lambda: ta.StreamSet(["RSI_14"], []), "one symbol"),
        (lambda: ta.StreamSet(["RSI_14", "RSI_14"]), 'result "RSI_14" is there twice'),
        (lambda: ta.StreamSet(["RSI_14"], ["A", "A"]), 'symbol "A" is there twice'),
        (lambda: ta.StreamSet(["RSI_14"], 5), "list of names"),
        (lambda: ta.StreamSet(["RSI_14"], [5]), "list of names"),
        (lambda: ta.StreamSet(["RSII_14"]), "did you mean RSI"),
        (lambda: ta.StreamSet([{"fn": "RSI", "period": 4}]), "no parameter 'period'"),
        (lambda: ta.StreamSet([{"fn": "RSI", "timeperiod": "4"}]), "'4' is not a number"),
        (lambda: ta.StreamSet([7]), "names no indicator"),
        (lambda: ta.StreamSet(["RSI_14"], "AB").update(*ROW, symbol="A"), 'no symbol "A"'),
        (lambda: ta.StreamSet(["RSI_14"], ["A", "B"]).update(*ROW), "which of the 2 symbols"),
        (lambda: ta.StreamSet(["RSI_14"], ["A", "B"]).update_many(np.ones((3, 5))), "3 rows given for 2 symbols"),
        (lambda: ta.StreamSet(["RSI_14"]).update_many(np.ones((1, 4))), r"shape \(m, 5\)"),
        (lambda: ta.StreamSet(["RSI_14"]).update_many(np.ones((1, 5), dtype=int)), "float64"),
        (lambda: ta.StreamSet(["RSI_14"]).update_many([[1.0] * 5]), "float64"),
        (lambda: ta.StreamSet.restore(ta.stream.RSI().snapshot()), "snapshot"),
        (lambda: ta.stream.restore(ta.StreamSet(["RSI_14"]).snapshot()), "snapshot"),
    ],
)
def test_hostile_calls_say_what_is_wrong(call: Any, said: str) -> None:
    with pytest.raises(IndicatorError, match=said):
        call()


def test_rows_may_have_any_strides() -> None:
    rows = markets(2, 1)[0]
    expected = ta.StreamSet(["SMA_1"], ["A", "B"]).update_many(rows).tobytes()
    for laid_out in (np.asfortranarray(rows), np.repeat(rows, 2, axis=0)[::2], rows[::-1][::-1]):
        assert ta.StreamSet(["SMA_1"], ["A", "B"]).update_many(laid_out).tobytes() == expected
