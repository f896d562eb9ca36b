"""Ticks on disk: exact, whole batches only, seen by any reader at once; bars as exact decimals."""

from __future__ import annotations

import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from deepalpha.errors import MarketDataError, StoreError
from deepalpha.market import Catalog, TickWriter, parquet, ticks
from deepalpha.types import DAY, SECOND

NOON = 19_943 * DAY + DAY // 2


def trades(count: int, *, first: int = 0, start: int = NOON) -> pl.DataFrame:
    ids = np.arange(first, first + count, dtype=np.int64)
    return pl.DataFrame(
        {
            "ts_event": start + ids * 1_000,
            "ts_init": start + ids * 1_000 + 7,
            "trade_id": ids,
            "price": 6_000_000_000_000 + ids % 100 * 1_000_000,
            "quantity": 1 + ids % 1_000,
            "aggressor": np.where(ids % 2, "buyer", "seller"),
        }
    )


def quotes(count: int) -> pl.DataFrame:
    ids = np.arange(count, dtype=np.int64)
    amounts = {"bid": 10**8, "bid_quantity": 0, "ask": 10**8 + 1, "ask_quantity": 5}
    return pl.DataFrame({"ts_event": NOON + ids, "ts_init": NOON + ids, "update_id": ids}).with_columns(
        pl.lit(value, dtype=pl.Int64).alias(name) for name, value in amounts.items()
    )


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path / "catalog")


def everything(catalog: Catalog, kind: str = "trades") -> str:
    return str(catalog.root / "symbol=*" / f"kind={kind}" / "date=*" / "*.parquet")


def test_ticks_come_back_exactly_and_in_order(catalog: Catalog) -> None:
    catalog.write_ticks("BTC/USDT", "trades", trades(500, first=500))
    catalog.write_ticks("BTC/USDT", "trades", trades(500))
    found = catalog.read_ticks("BTC/USDT", "trades")
    assert found["trade_id"].to_list() == list(range(1000))
    assert found["price"].dtype == pl.Decimal(18, 8)
    assert found["price"][1] == Decimal("60000.01")
    assert found["quantity"][998] == Decimal("0.00000999")
    assert found["aggressor"][:2].to_list() == ["seller", "buyer"]
    catalog.write_ticks("BTC/USDT", "quotes", quotes(10))
    assert catalog.read_ticks("BTC/USDT", "quotes")["ask"].to_list() == [Decimal("1.00000001")] * 10


def test_floats_and_decimals_are_taken_when_exact_and_refused_when_not(catalog: Catalog) -> None:
    exact = trades(4).with_columns(price=pl.Series([0.1, 0.30000001, 65000.5, 1.0]), quantity=pl.lit(Decimal("0.25")))
    catalog.write_ticks("X", "trades", exact)
    found = catalog.read_ticks("X", "trades")
    assert found["price"].to_list() == [Decimal(text) for text in ("0.1", "0.30000001", "65000.5", "1")]
    assert found["quantity"].to_list() == [Decimal("0.25")] * 4
    with pytest.raises(MarketDataError, match="not exact in 8 decimals"):
        catalog.write_ticks("X", "trades", exact.with_columns(price=pl.lit(1 / 3)))


def test_a_batch_over_midnight_is_one_whole_file_a_day_and_a_range_reads_both(catalog: Catalog) -> None:
    midnight = 19_944 * DAY
    files = catalog.write_ticks("X", "trades", trades(100, start=midnight - 50 * 1_000))
    assert [path.parent.name for path in files] == ["date=2024-08-08", "date=2024-08-09"]
    assert len(catalog.read_ticks("X", "trades", start=midnight - 1_000, end=midnight + 2_000)) == 3
    assert catalog.read_ticks("X", "trades", start=midnight + DAY).is_empty()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"price": pl.lit(0)}, "price of 3 rows must be between"),
        ({"quantity": pl.lit(10**18)}, "quantity of 3 rows must be between"),
        ({"ts_event": pl.lit(-1)}, "ts_event of 3 rows must be positive"),
        ({"trade_id": pl.lit(None, dtype=pl.Int64)}, "3 of 3 rows have no trade_id"),
        ({"aggressor": pl.lit("both")}, "aggressor must be unknown, buyer, seller"),
        ({"ts_init": pl.lit(1.5)}, "give int64"),
    ],
)
def test_rows_that_are_no_ticks_are_refused_and_nothing_is_written(
    catalog: Catalog, change: dict[str, pl.Expr], match: str
) -> None:
    with pytest.raises(MarketDataError, match=match):
        catalog.write_ticks("X", "trades", trades(3).with_columns(**change))
    assert not catalog.root.exists()


def test_missing_columns_kinds_and_symbols_are_named(catalog: Catalog) -> None:
    with pytest.raises(MarketDataError, match="lack quantity"):
        catalog.write_ticks("X", "trades", trades(3).drop("quantity"))
    with pytest.raises(MarketDataError, match="trades or quotes"):
        catalog.write_ticks("X", "bars", trades(3))  # type: ignore[arg-type]
    catalog.write_ticks("X", "trades", trades(3))
    with pytest.raises(MarketDataError, match="no quotes of X are stored; the catalog has X trades"):
        catalog.read_ticks("X", "quotes")


def test_duckdb_and_polars_see_a_batch_as_soon_as_it_is_written(catalog: Catalog) -> None:
    for number in range(1, 4):
        catalog.write_ticks("BTC/USDT", "trades", trades(100, first=100 * number))
        catalog.write_ticks("ETH/USDT", "trades", trades(10, first=100 * number))
        columns = "symbol, count(*), max(trade_id), sum(quantity)"
        query = f"select {columns} from read_parquet('{everything(catalog)}') group by 1"
        rows = {row[0]: row[1:] for row in duckdb.sql(query).fetchall()}
        assert rows["BTC/USDT"][:2] == (100 * number, 100 * number + 99)
        frame = pl.read_parquet(everything(catalog), hive_partitioning=True)
        assert len(frame) == 110 * number
        assert frame.filter(pl.col("symbol") == "BTC/USDT")["quantity"].sum() == rows["BTC/USDT"][2]


def test_compaction_keeps_every_tick_and_makes_one_smaller_file(catalog: Catalog) -> None:
    for number in range(20):
        catalog.write_ticks("X", "trades", trades(300, first=300 * number))
    before, size = catalog.read_ticks("X", "trades"), catalog.ls_ticks()["bytes"][0]
    assert catalog.compact_ticks("X", "trades") == 19
    listed = catalog.ls_ticks().row(0, named=True)
    assert (listed["files"], listed["rows"]) == (1, 6000)
    assert listed["bytes"] < size / 2
    assert catalog.read_ticks("X", "trades").equals(before)
    assert catalog.compact_ticks("X", "trades") == 0
    assert len(pl.read_parquet(everything(catalog))) == 6000


@pytest.mark.parametrize("calls", range(6))
def test_a_crash_at_any_step_of_a_compaction_loses_and_doubles_nothing(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    for number in range(3):
        catalog.write_ticks("X", "trades", trades(50, first=50 * number))
    before = catalog.read_ticks("X", "trades")
    left = [calls]

    def crash(real: object) -> object:
        def step(*arguments: object, **options: object) -> object:
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            return real(*arguments, **options)  # type: ignore[operator]

        return step

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", crash(Path.replace))
        patch.setattr(Path, "unlink", crash(Path.unlink))
        patch.setattr(ticks, "write_table", crash(ticks.write_table))
        with pytest.raises(KeyboardInterrupt):
            catalog.compact_ticks("X", "trades")
    assert catalog.read_ticks("X", "trades").equals(before)
    catalog.write_ticks("X", "trades", trades(50, first=150))
    catalog.compact_ticks("X", "trades")
    assert catalog.read_ticks("X", "trades")["trade_id"].to_list() == list(range(200))
    assert len(pl.read_parquet(everything(catalog))) == 200


CHILD = """
import sys
sys.path[:0] = sys.argv[2].split("|")
from test_market_ticks import trades
from deepalpha.market import Catalog
for number in range(10_000):
    Catalog(sys.argv[1]).write_ticks("X", "trades", trades(1_000, first=1_000 * number))
    print(number, flush=True)
"""


def test_a_kill_leaves_whole_batches_and_none_that_was_confirmed_is_missing(catalog: Catalog) -> None:
    path = "|".join([str(Path(__file__).parent), *sys.path])
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(catalog.root), path], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    confirmed = [int(line) for _, line in zip(range(25), child.stdout, strict=False)][-1] + 1
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    ids = catalog.read_ticks("X", "trades")["trade_id"].to_list()
    assert len(ids) % 1_000 == 0
    assert len(ids) >= 1_000 * confirmed
    assert ids == list(range(len(ids)))
    assert len(pl.read_parquet(everything(catalog))) == len(ids)


def test_the_writer_makes_batches_and_what_flush_returned_from_is_on_disk(catalog: Catalog) -> None:
    with TickWriter(catalog, "X", "trades", batch_rows=1_000, batch_ms=10_000) as writer:
        for number in range(50):
            writer.append(trades(100, first=100 * number))
        writer.flush()
        assert len(catalog.read_ticks("X", "trades")) == 5_000
        writer.append(trades(1, first=5_000))
    listed = catalog.ls_ticks().row(0, named=True)
    assert listed["rows"] == 5_001
    assert listed["files"] < 20
    with pytest.raises(StoreError, match="closed"):
        writer.append(trades(1))


def test_a_failed_write_is_raised_and_its_ticks_are_kept_for_the_next_try(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    writer = TickWriter(catalog, "X", "trades")
    with monkeypatch.context() as patch:
        patch.setattr(parquet.pq, "write_table", full)
        writer.append(trades(10))
        with pytest.raises(StoreError, match="No space left"):
            writer.flush()
    with pytest.raises(MarketDataError):
        writer.append(trades(3).with_columns(price=pl.lit(-1)))
    writer.close()
    assert len(catalog.read_ticks("X", "trades")) == 10
    assert not list(catalog.root.rglob(".writing-*"))


def test_bars_are_stored_as_the_fewest_decimals_that_are_exact(catalog: Catalog) -> None:
    opens = NOON - NOON % DAY + np.arange(1000) * 60 * SECOND
    close = np.round(50_000 + np.random.default_rng(3).normal(0, 50, 1000), 2)
    wide = {"open": close, "high": close + 1, "low": close - 1, "close": close}
    frame = pl.DataFrame({"ts_open": opens, **wide, "volume": np.random.default_rng(4).random(1000)})
    catalog.write("X", "1m", frame)
    path = catalog.root / "symbol=X" / "timeframe=1m" / "bars.parquet"
    assert pl.read_parquet_schema(path)["close"] == pl.Decimal(18, 2)
    assert pl.read_parquet_schema(path)["volume"] == pl.Float64
    assert catalog.read("X", "1m").drop("ts_event").equals(frame)
    value = duckdb.sql(f"select close::double from '{path}' order by ts_open").fetchall()
    assert [row[0] for row in value] == close.tolist()


@pytest.mark.parametrize("option", ["", ", union_by_name = true"])
def test_plain_duckdb_reads_files_of_different_decimals_exactly(catalog: Catalog, option: str) -> None:
    day = pl.DataFrame({"ts_open": [NOON - NOON % DAY]})
    for symbol, price in (("A", 2.0), ("B", 0.00001234), ("C", 1 / 3)):
        prices = {name: pl.lit(price) for name in ("open", "high", "low", "close")}
        catalog.write(symbol, "1d", day.with_columns(**prices, volume=pl.lit(1.0)))
    files = catalog.root / "*" / "*" / "bars.parquet"
    query = f"select symbol, close::double from read_parquet('{files}'{option}) order by symbol"
    assert duckdb.sql(query).fetchall() == [("A", 2.0), ("B", 0.00001234), ("C", 1 / 3)]
    hour = pl.DataFrame({"ts_open": [NOON - NOON % DAY]})
    catalog.write("B", "1h", hour.with_columns(**{name: pl.lit(5.0) for name in prices}, volume=pl.lit(1.0)))
    one = catalog.root / "symbol=B" / "*" / "bars.parquet"
    query = f"select timeframe, close::double from read_parquet('{one}'{option}) order by timeframe"
    assert duckdb.sql(query).fetchall() == [("1d", 0.00001234), ("1h", 5.0)]
