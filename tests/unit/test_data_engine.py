"""`da.DataEngine` gives what pandas gives, from files, frames and the catalog, and drops nothing in silence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import deepalpha as da
from deepalpha.errors import MarketDataError

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "AAPL.parquet"
PRICES = ["open", "high", "low", "close", "volume"]


@pytest.fixture(scope="module")
def reference() -> pd.DataFrame:
    frame = pd.read_parquet(SAMPLE)[["ts_open", *PRICES]]
    return frame.set_index(pd.to_datetime(frame.pop("ts_open"), utc=True).rename("Date"))


@pytest.fixture
def csv(reference: pd.DataFrame, tmp_path: Path) -> Path:
    path = tmp_path / "bars.csv"
    reference.to_csv(path)
    return path


def test_prices_are_those_of_the_file_the_frame_and_the_catalog(
    reference: pd.DataFrame, csv: Path, tmp_path: Path
) -> None:
    engines = [
        da.DataEngine("AAPL").load_data(str(csv)),
        da.DataEngine("AAPL").load_data(SAMPLE),
        da.DataEngine("AAPL").load_data(reference),
        da.DataEngine("AAPL").load_data(reference.reset_index()),
        da.DataEngine("AAPL").load_data(pl.read_parquet(SAMPLE)),
        da.DataEngine("AAPL").load_data(pl.scan_parquet(SAMPLE)),
        da.DataEngine("AAPL", workspace=tmp_path / "ws").load_data(),
    ]
    for engine in engines:
        prices = engine.get_prices()
        assert prices.columns == ["time", *PRICES, "ts_open", "ts_event"]
        assert engine.timeframe == "1d"
        np.testing.assert_array_equal(prices[PRICES].to_numpy(), reference[PRICES].to_numpy())
        assert prices["ts_open"].to_list() == reference.index.as_unit("ns").asi8.tolist()


def test_returns_are_those_of_pandas(reference: pd.DataFrame, csv: Path) -> None:
    engine = da.DataEngine("AAPL").load_data(csv)
    np.testing.assert_allclose(engine.calculate_returns(), reference["close"].pct_change(), rtol=1e-12)
    logs = np.log(reference["close"]).diff()
    np.testing.assert_allclose(engine.calculate_returns(kind="log"), logs, rtol=1e-9, atol=1e-14)
    with pytest.raises(MarketDataError, match="'simple' or 'log'"):
        engine.calculate_returns(kind="percent")  # type: ignore[arg-type]


@pytest.mark.parametrize(("timeframe", "rule"), [("1w", "W-MON"), ("1mo", "MS"), ("1d", "D")])
def test_coarser_bars_are_those_of_pandas(reference: pd.DataFrame, csv: Path, timeframe: str, rule: str) -> None:
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    expected = reference.resample(rule, closed="left", label="left").agg(how).dropna()
    coarse = da.DataEngine("AAPL").load_data(csv).resample(timeframe)
    prices = coarse.get_prices()
    assert prices["ts_open"].to_list() == expected.index.as_unit("ns").asi8.tolist()
    np.testing.assert_allclose(prices[PRICES].to_numpy(), expected[PRICES].to_numpy(), rtol=1e-12)
    assert coarse.timeframe == timeframe
    assert (prices["ts_event"] > prices["ts_open"]).all()


def test_bad_rows_stop_the_load_or_are_dropped_and_counted(reference: pd.DataFrame) -> None:
    frame = reference.reset_index().astype({"volume": "float64"})
    frame.loc[7, "close"] = -1.0
    frame.loc[9, "volume"] = float("nan")
    with pytest.raises(MarketDataError, match=r"2 of \d+ rows .* row 8 \(non_positive_price\)"):
        da.DataEngine("AAPL").load_data(frame)
    engine = da.DataEngine("AAPL").load_data(frame, bad_rows="drop")
    assert engine.rejected == {"non_positive_price": 1, "not_a_number": 1}
    assert len(engine.get_prices()) + 2 == len(frame)


def test_every_mistake_is_a_typed_error_that_says_what_to_do(csv: Path, tmp_path: Path) -> None:
    engine = da.DataEngine("AAPL")
    with pytest.raises(MarketDataError, match="call load_data"):
        engine.get_prices()
    with pytest.raises(MarketDataError, match="give a file"):
        engine.load_data(42)
    with pytest.raises(MarketDataError, match="cannot be read"):
        engine.load_data(tmp_path / "none.csv")
    with pytest.raises(MarketDataError, match="'raise' nor 'drop'"):
        engine.load_data(csv, bad_rows="ignore")  # type: ignore[arg-type]
    with pytest.raises(MarketDataError, match="1h"):
        engine.load_data(csv, timeframe="1h")
    engine.load_data(csv)
    with pytest.raises(MarketDataError, match="longer timeframe"):
        engine.resample("1h")
    with pytest.raises(MarketDataError, match="no bars of NOPE"):
        da.DataEngine("NOPE", workspace=tmp_path / "ws").load_data()
    with pytest.raises(MarketDataError, match="not a symbol"):
        da.DataEngine("../x")


def test_a_failed_load_leaves_the_prices_that_were_there(csv: Path, tmp_path: Path) -> None:
    engine = da.DataEngine("AAPL").load_data(csv)
    count = len(engine.get_prices())
    with pytest.raises(MarketDataError):
        engine.load_data(tmp_path / "none.csv")
    assert len(engine.get_prices()) == count
