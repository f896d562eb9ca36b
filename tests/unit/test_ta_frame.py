"""`ta.frame`: each group as if it were alone, in every order of rows, and the table comes back as it was."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepalpha import ta
from deepalpha.errors import IndicatorError

READS = {"real0": "high", "real1": "low"}
SPECS: list[Any] = ["RSI_5", "MACD_3_6_2", {"fn": "BBANDS", "timeperiod": 4}, "ATR_3", "OBV", "CDLENGULFING"]
NAMES = [
    "RSI_5",
    "MACD_3_6_2.macd",
    "MACD_3_6_2.macdsignal",
    "MACD_3_6_2.macdhist",
    "BBANDS_4.upperband",
    "BBANDS_4.middleband",
    "BBANDS_4.lowerband",
    "ATR_3",
    "OBV",
    "CDLENGULFING",
]
CALLS: list[tuple[str, tuple[float, ...]]] = [
    ("RSI", (5,)),
    ("MACD", (3, 6, 2)),
    ("BBANDS", (4,)),
    ("ATR", (3,)),
    ("OBV", ()),
    ("CDLENGULFING", ()),
]


def table(keys: list[Any], seed: int = 1) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    rows = len(keys)
    close = 100 + np.cumsum(draw.normal(0, 1, rows))
    open_ = close + draw.normal(0, 0.5, rows)
    return pl.DataFrame(
        {
            "symbol": keys,
            "open": open_,
            "high": np.maximum(open_, close) + 0.3,
            "low": np.minimum(open_, close) - 0.3,
            "close": close,
            "volume": draw.integers(1, 99, rows),
        }
    )


def alone(name: str, params: tuple[float, ...], group: pl.DataFrame) -> list[np.ndarray[Any, Any]]:
    labels = [READS.get(label, label) for label in ta.info(name)["inputs"]]
    series = [group[label if label in group.columns else "close"].to_numpy() for label in labels]
    found = getattr(ta, name)(*series, *params)
    return list(found) if isinstance(found, tuple) else [found]


def check(df: pl.DataFrame, found: pl.DataFrame, calls: list[tuple[str, tuple[float, ...]]], names: list[str]) -> None:
    """`found` is `df` and, bit for bit, what `ta` gives for each group's rows."""
    assert found.columns == [*df.columns, *names]
    assert found.select(df.columns).equals(df)
    present = df["symbol"].to_list()
    for key in set(present):
        rows = [row for row, other in enumerate(present) if other == key]
        expected = [column for name, params in calls for column in alone(name, params, df[rows])]
        for name, column in zip(names, expected, strict=True):
            assert found[name][rows].to_numpy().tobytes() == column.tobytes(), (key, name)
            assert found[name].dtype == (pl.Int32 if column.dtype == np.int32 else pl.Float64)


keys = st.one_of(
    st.lists(st.sampled_from(["A", "B", "a symbol whose name is long", "a symbol whose name is longer"]), max_size=90),
    st.lists(st.integers(-2, 2), max_size=90),
    st.lists(st.sampled_from([None, "A", ""]), min_size=1, max_size=60),
)


@settings(max_examples=60, deadline=None)
@given(keys, st.booleans(), st.integers(1, 4), st.data())
def test_groups_in_any_order_give_the_bits_of_each_alone(
    keys: list[Any], together: bool, threads: int, data: Any
) -> None:
    if together:
        keys = sorted(keys, key=lambda key: (key is None, key))
    if not keys or all(key is None for key in keys):
        return
    df = table(keys)
    if isinstance(keys[0], str) and None not in keys and data.draw(st.booleans()):
        df = df.with_columns(pl.col("symbol").cast(pl.Categorical))
    check(df, ta.frame(df, SPECS, by="symbol", threads=threads), CALLS, NAMES)


def test_every_function_of_the_registry_works_on_a_frame() -> None:
    names = ta.functions()
    # What some read beside a bar: the session a bar belongs to, a period for each bar.
    counts = np.arange(250.0)
    df = table(["A"] * 150 + ["B"] * 100).with_columns(session=counts // 20, periods=2 + counts % 9)
    labels = []
    for name in names:
        outputs = ta.info(name)["outputs"]
        labels += [name] if len(outputs) == 1 else [f"{name}.{output['name']}" for output in outputs]
    for shuffled in (df, df.sample(fraction=1.0, shuffle=True, seed=1)):
        check(shuffled, ta.frame(shuffled, names, by="symbol"), [(name, ()) for name in names], labels)


@pytest.mark.parametrize("rows", [5000, 9000])
def test_large_tables_with_strings_long_and_short_and_rows_by_time(rows: int) -> None:
    symbols = ["S", "TT", "exactly12byt", "thirteen byte", "thirteen bytf"]
    blocks = table([symbol for symbol in symbols for _ in range(rows // 5)])
    by_time = table([symbols[row % 5] for row in range(rows)])
    back_again = table(["A"] * 100 + ["B"] * (rows - 200) + ["A"] * 100)
    for df in (blocks, by_time, back_again):
        for threads in (1, 3):
            check(df, ta.frame(df, SPECS, by="symbol", threads=threads), CALLS, NAMES)
    # In several chunks, whose strings lie in different buffers.
    chunked = pl.concat([blocks[: rows // 3], blocks[rows // 3 :]], rechunk=False)
    check(chunked, ta.frame(chunked, SPECS, by="symbol"), CALLS, NAMES)


def test_single_rows_and_nothing_at_all() -> None:
    singles = table([f"S{row}" for row in range(50)])
    found = ta.frame(singles, ["SMA_1", "RSI_14", "CDLDOJI"], by="symbol")
    assert found["SMA_1"].to_list() == singles["close"].to_list()
    assert found["RSI_14"].is_nan().all()
    assert found["CDLDOJI"].to_list() == [0] * 50
    empty = table(["A"]).clear()
    for by in (None, "symbol", ["symbol", "volume"]):
        found = ta.frame(empty, SPECS, by=by)
        assert found.shape == (0, 16)
        assert found.schema["CDLENGULFING"] == pl.Int32
    assert ta.frame(empty.to_pandas(), SPECS, by="symbol").shape == (0, 16)


def test_without_by_the_table_is_one_series() -> None:
    df = table(["A", "B"] * 40)
    found = ta.frame(df, ["RSI_14"])
    assert found["RSI_14"].to_numpy().tobytes() == ta.RSI(df["close"].to_numpy()).tobytes()


def test_several_keys_are_one_group_each_pair() -> None:
    df = table(["A", "B"] * 60).with_columns(venue=pl.Series(["x", "x", "y"] * 40))
    found = ta.frame(df, ["SMA_3"], by=["symbol", "venue"])
    joined = df.with_columns(symbol=pl.col("symbol") + pl.col("venue"))
    assert found["SMA_3"].equals(ta.frame(joined, ["SMA_3"], by="symbol")["SMA_3"])


def test_nulls_go_in_as_nan_and_touch_their_own_group_only() -> None:
    close = [1.0, 2.0, None, 4.0, 5.0, 6.0]
    df = pl.DataFrame({"symbol": ["A"] * 6 + ["B"] * 6, "close": close + [7.0] * 6})
    found = ta.frame(df, ["SMA_2", "EMA_2"], by="symbol")
    nan = math.nan
    np.testing.assert_array_equal(found["SMA_2"].to_list(), [nan, 1.5, nan, nan, 4.5, 5.5, nan] + [7.0] * 5)
    assert found["EMA_2"][2:6].is_nan().all()
    assert found["SMA_2"].null_count() == 0
    again = ta.frame(df, ["EMA_2"], by="symbol", nan="window")
    assert again["EMA_2"][4:6].to_list() == [4.5, 5.5]
    with pytest.raises(IndicatorError, match="in group 0 of the table, EMA: real is NaN at bar 2"):
        ta.frame(df, ["EMA_2"], by="symbol", nan="raise")


def test_a_lazy_frame_comes_back_lazy() -> None:
    df = table(["A", "B"] * 30)
    found = ta.frame(df.lazy(), SPECS, by="symbol")
    assert isinstance(found, pl.LazyFrame)
    check(df, found.collect(), CALLS, NAMES)


@pytest.mark.parametrize("dtype", ["str", "category", "object"])
def test_pandas_keeps_its_index_columns_and_kind(dtype: str) -> None:
    df = table(["B", "A", "A"] * 30)
    index = pd.date_range("2024-01-01", periods=90, freq="h")[::-1]
    frame = df.to_pandas().astype({"symbol": dtype}).set_index(index)
    before = frame.copy()
    found = ta.frame(frame, SPECS, by="symbol")
    assert isinstance(found, pd.DataFrame)
    assert found.index.equals(index)
    assert list(found.columns) == [*df.columns, *NAMES]
    pd.testing.assert_frame_equal(frame, before)
    expected = ta.frame(df, SPECS, by="symbol")
    for name in NAMES:
        assert found[name].to_numpy().tobytes() == expected[name].to_numpy().tobytes()
    levels = frame.set_index("symbol", append=True)
    again = ta.frame(levels, SPECS, by="symbol")
    assert again.index.equals(levels.index)
    assert again["RSI_5"].to_numpy().tobytes() == expected["RSI_5"].to_numpy().tobytes()


def test_columns_and_free_series_can_be_chosen() -> None:
    df = table(["A"] * 60).rename({"close": "adj_close"})
    close = df["adj_close"].to_numpy()
    found = ta.frame(df, ["RSI_14", "ATR_14"], columns={"close": "adj_close"})
    assert found["RSI_14"].to_numpy().tobytes() == ta.RSI(close).tobytes()
    assert found["ATR_14"].to_numpy().tobytes() == ta.ATR(df["high"].to_numpy(), df["low"].to_numpy(), close).tobytes()
    assert ta.frame(df, ["SMA_3"], real="volume")["SMA_3"][-1] == df["volume"].tail(3).mean()


def test_results_can_be_renamed_and_replace_columns_of_their_name() -> None:
    df = table(["A"] * 60)
    found = ta.frame(df, ["MACD", "RSI_14"], names={"MACD.macdhist": "histogram"})
    assert found.columns[6:] == ["MACD.macd", "MACD.macdsignal", "histogram", "RSI_14"]
    assert ta.frame(df, ["RSI_14"], names=["r"]).columns[6:] == ["r"]
    spelled = ta.frame(df, [{"fn": "ema", "timeperiod": 5, "seed": "tradingview", "name": "tv"}, "EMA_5"])
    assert spelled.columns[6:] == ["tv", "EMA_5"]
    assert spelled["tv"][-1] != spelled["EMA_5"][-1]
    assert ta.frame(found, ["RSI_14"]).equals(found)


@pytest.mark.parametrize(
    ("specs", "keywords", "said"),
    [
        (["RSI_14"], {"by": "ticker"}, "by='ticker' is no column"),
        (["RSI_14"], {"columns": {"close": "adjusted"}}, "'adjusted', which the frame lacks"),
        (["RSI_14"], {"real": "price"}, "reads real from the column 'price'"),
        (["RSI_14"], {"real": ["open", "close"]}, "reads 1 free series"),
        (["RSI_14"], {"names": {"RSI": "r"}}, "names has 'RSI'"),
        (["RSI_14"], {"names": ["a", "b"]}, "names must be 1 names"),
        (["RSI_14", "RSI_14"], {}, "two results would be called 'RSI_14'"),
        (["RSI_1"], {}, "timeperiod 1 is not in"),
        (["RSI_x"], {}, "no indicator"),
        ([{"fn": "RSI", "timeperiod": True}], {}, "True is not a number"),
        ([{"fn": "RSI", "seed": "x"}], {}, "seed"),
        ([{"timeperiod": 14}], {}, "names no indicator"),
        ([], {}, "at least one indicator"),
        (5, {}, "specs is 5"),
        (["RSI_14"], {"threads": 0}, "threads 0"),
        (["RSI_14"], {"nan": "drop"}, "nan"),
    ],
)
def test_hostile_calls_say_what_is_wrong(specs: Any, keywords: dict[str, Any], said: str) -> None:
    df = table(["A", "B"] * 20)
    for kind in (df, df.to_pandas()):
        with pytest.raises(IndicatorError, match=said):
            ta.frame(kind, specs, **keywords)


def test_what_is_no_table_and_no_number_is_refused() -> None:
    with pytest.raises(IndicatorError, match="df is a dict"):
        ta.frame({"close": [1.0]}, ["RSI_14"])
    with pytest.raises(IndicatorError, match="column 'close' is a polars Series of String"):
        ta.frame(pl.DataFrame({"close": ["1", "2"]}), ["RSI_14"])
    mixed = pd.DataFrame({"close": [1.0, 2.0], "symbol": [1, "a"]}, dtype=object).astype({"close": float})
    with pytest.raises(IndicatorError, match="keys in symbol cannot be grouped"):
        ta.frame(mixed, ["SMA_1"], by="symbol")
