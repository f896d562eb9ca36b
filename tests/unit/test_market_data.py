"""The tracked sample files are what data/README.md says they are."""

import hashlib
import importlib.util
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

DATA = Path(__file__).parents[2] / "data"
SAMPLE = DATA / "sample"
LISTED = re.findall(r"\| `sample/(\S+)` \| (\d+) \| (\d+) \| `([0-9a-f]{64})` \|", (DATA / "README.md").read_text())
BARS = ("AAPL", "IBM", "MSFT", "GOOG")


def _day(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp()) * 1_000_000_000


@pytest.mark.parametrize(("name", "rows", "size", "digest"), LISTED)
def test_a_sample_file_has_the_listed_rows_size_and_sha256(name: str, rows: str, size: str, digest: str) -> None:
    data = (SAMPLE / name).read_bytes()
    assert (len(data), hashlib.sha256(data).hexdigest()) == (int(size), digest)
    count = data.count(b"\n") if name.endswith(".jsonl") else len(pl.read_parquet(SAMPLE / name))
    assert count == int(rows)


def test_every_data_file_is_listed_in_the_readme() -> None:
    files = {path.name for path in SAMPLE.iterdir() if path.suffix in {".parquet", ".jsonl"}}
    assert files == {name for name, *_ in LISTED}


@pytest.mark.parametrize("symbol", BARS)
def test_every_sample_bar_is_valid_and_opens_at_midnight_utc(symbol: str) -> None:
    bars = pl.read_parquet(SAMPLE / f"{symbol}.parquet")
    assert bars.schema == pl.Schema({"ts_open": pl.Int64(), **dict.fromkeys(bars.columns[1:], pl.Float64())})
    assert bars.columns == ["ts_open", "open", "high", "low", "close", "volume"]
    assert (bars["ts_open"] % (86_400 * 10**9) == 0).all()
    assert (bars["ts_open"].diff().drop_nulls() > 0).all()
    assert bars.select((pl.col("high") >= pl.max_horizontal("open", "close")).all()).item()
    assert bars.select((pl.col("low") <= pl.min_horizontal("open", "close")).all()).item()
    assert bars.select((pl.min_horizontal("low", "volume") > 0).all()).item()


@pytest.mark.parametrize(
    ("symbol", "day"),
    [("AAPL", (2000, 6, 21)), ("AAPL", (2005, 2, 28)), ("MSFT", (2003, 2, 18))],
)
def test_a_split_leaves_no_jump_in_the_sample_prices(symbol: str, day: tuple[int, int, int]) -> None:
    bars = pl.read_parquet(SAMPLE / f"{symbol}.parquet").with_columns(change=pl.col("close").pct_change())
    assert abs(bars.filter(pl.col("ts_open") == _day(*day))["change"][0]) < 0.15


def test_the_closes_hold_twenty_stocks_and_the_index() -> None:
    closes = pl.read_parquet(SAMPLE / "us_equity_close_1d.parquet")
    assert (closes.width, closes.columns[0], closes.columns[-1]) == (22, "ts_open", "SP500")
    assert closes["ts_open"][0] == _day(1990, 1, 2)
    assert closes["ts_open"][-1] == _day(2022, 12, 28)


def test_headlines_are_unique_ascending_and_about_sample_symbols() -> None:
    rows = [json.loads(line) for line in (SAMPLE / "news.jsonl").read_text().splitlines()]
    assert len({row["id"] for row in rows}) == len(rows)
    assert len({row["title"] for row in rows}) == len(rows)
    times = [datetime.fromisoformat(row["published"]) for row in rows]
    assert times == sorted(times)
    assert all(time.strftime("%H:%M:%S%z") == "22:00:00+0000" for time in times)
    assert {symbol for row in rows for symbol in row["symbols"]} == set(BARS)


def test_deriving_finds_a_split_and_drops_a_row_that_is_no_bar() -> None:
    spec = importlib.util.spec_from_file_location("derive", SAMPLE / "derive.py")
    assert spec is not None
    assert spec.loader is not None
    derive = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(derive)
    source = pl.DataFrame(
        {
            "Date": ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"],
            "Open": [100.0, 100.0, 50.0, 50.0],
            "High": [110.0, 90.0, 55.0, 55.0],
            "Low": [90.0, 90.0, 45.0, 45.0],
            "Close": [100.0, 100.0, 50.0, 50.0],
            "Volume": [10, 10, 20, 20],
            "Adj Close": [49.5, 49.5, 49.5, 49.5],
        }
    )
    bars, splits, dropped = derive.derive_bars(source)
    assert splits == {"2024-01-04": 2.0}
    assert [row["Date"] for row in dropped] == ["2024-01-03"]
    assert bars["close"].to_list() == [50.0, 50.0, 50.0]
    assert bars["volume"].to_list() == [20.0, 20.0, 20.0]
