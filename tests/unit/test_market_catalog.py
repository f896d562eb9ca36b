"""The catalog keeps what it is given, whole, and says what is wrong otherwise."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from deepalpha.errors import MarketDataError, StoreError
from deepalpha.market import Catalog, parquet
from deepalpha.types import DAY, Instrument


def bars(days: range, *, close: float = 10.0) -> pl.DataFrame:
    times = pl.Series("ts_open", [day * DAY for day in days], dtype=pl.Int64)
    return times.to_frame().with_columns(
        open=pl.lit(10.0), high=pl.lit(12.0), low=pl.lit(8.0), close=pl.lit(close), volume=pl.lit(100.0)
    )


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path / "catalog")


def test_reads_back_what_was_written_with_the_close_time_of_each_bar(catalog: Catalog) -> None:
    catalog.write("AAPL", "1d", bars(range(5)))
    frame = catalog.read("AAPL", "1d")
    assert frame.columns == ["ts_open", "ts_event", "open", "high", "low", "close", "volume"]
    assert frame.drop("ts_event").equals(bars(range(5)))
    assert frame["ts_event"].to_list() == [(day + 1) * DAY for day in range(5)]


def test_start_is_included_and_end_is_not(catalog: Catalog) -> None:
    catalog.write("AAPL", "1d", bars(range(10)))
    assert catalog.read("AAPL", "1d", start=3 * DAY, end=5 * DAY)["ts_open"].to_list() == [3 * DAY, 4 * DAY]
    assert catalog.read("AAPL", "1d", start=99 * DAY).is_empty()


def test_a_pair_with_a_slash_is_one_directory_that_duckdb_reads_back_by_its_name(catalog: Catalog) -> None:
    catalog.write("BTC/USDT", "1h", bars(range(3)))
    assert catalog.symbols() == ("BTC/USDT",)
    files = str(catalog.root / "*" / "*" / "bars.parquet")
    query = f"select distinct symbol, timeframe from read_parquet('{files}', hive_partitioning = true)"
    assert duckdb.sql(query).fetchall() == [("BTC/USDT", "1h")]


def test_identical_rows_are_kept_once_and_new_rows_are_added(catalog: Catalog) -> None:
    catalog.write("AAPL", "1d", bars(range(5, 10)))
    catalog.write("AAPL", "1d", bars(range(7)))
    assert catalog.read("AAPL", "1d")["ts_open"].to_list() == [day * DAY for day in range(10)]


def test_refuses_rows_that_differ_from_the_stored_ones_and_changes_nothing(catalog: Catalog) -> None:
    catalog.write("AAPL", "1d", bars(range(5)))
    with pytest.raises(MarketDataError, match=r"2 bars of AAPL 1d differ .* first at 1970-01-04T00:00:00Z"):
        catalog.write("AAPL", "1d", bars(range(3, 8), close=11.0))
    assert catalog.read("AAPL", "1d").height == 5
    catalog.write("AAPL", "1d", bars(range(3, 8), close=11.0), replace=True)
    assert catalog.read("AAPL", "1d")["close"].to_list() == [10.0] * 3 + [11.0] * 5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"high": 9.0}, "high_below_body"),
        ({"low": 11.0}, "low_above_body"),
        ({"high": 7.0}, "high_below_low"),
        ({"close": float("nan")}, "not_a_number"),
        ({"open": None}, "not_a_number"),
        ({"volume": float("inf")}, "not_a_number"),
        ({"low": 0.0}, "non_positive_price"),
        ({"volume": -1.0}, "negative_volume"),
    ],
)
def test_refuses_a_row_that_is_no_bar_and_names_the_rule(
    catalog: Catalog, change: dict[str, float | None], said: str
) -> None:
    frame = bars(range(5))
    row = pl.col("ts_open") == 2 * DAY
    changed = frame.with_columns(
        pl.when(row).then(pl.lit(value, pl.Float64)).otherwise(pl.col(name)).alias(name)
        for name, value in change.items()
    )
    with pytest.raises(MarketDataError, match=f"1 of 5 rows .* {said} at 1970-01-03"):
        catalog.write("AAPL", "1d", changed)
    assert not catalog.has("AAPL", "1d")


def test_refuses_a_time_that_comes_twice(catalog: Catalog) -> None:
    with pytest.raises(MarketDataError, match="1 times come twice, the first is 1970-01-03"):
        catalog.write("AAPL", "1d", pl.concat([bars(range(5)), bars(range(2, 3))]))


def test_refuses_bars_finer_than_their_timeframe(catalog: Catalog) -> None:
    hourly = bars(range(48)).with_columns(ts_open=pl.col("ts_open") // 24)
    with pytest.raises(MarketDataError, match="46 bars share a 1d interval"):
        catalog.write("AAPL", "1d", hourly)


def test_refuses_bars_that_open_off_the_grid_of_their_timeframe(catalog: Catalog) -> None:
    with pytest.raises(MarketDataError, match=r"5 bars do not open where a 1d interval begins .* 1970-01-01T05:00:00Z"):
        catalog.write("AAPL", "1d", bars(range(5)).with_columns(pl.col("ts_open") + 5 * DAY // 24))
    with pytest.raises(MarketDataError, match="1w: Monday"):
        catalog.write("AAPL", "1w", bars(range(0, 28, 7)))  # 1970-01-01 was a Thursday
    catalog.write("AAPL", "1w", bars(range(4, 32, 7)))
    catalog.write("AAPL", "1mo", bars(range(0, 32, 31)))
    assert catalog.timeframes("AAPL") == ("1w", "1mo")


def test_refuses_missing_columns_wrong_types_and_nothing(catalog: Catalog) -> None:
    with pytest.raises(MarketDataError, match="lack close, volume; there is ts_open, open, high, low"):
        catalog.write("AAPL", "1d", bars(range(2)).drop("close", "volume"))
    with pytest.raises(MarketDataError, match="wrong type"):
        catalog.write("AAPL", "1d", bars(range(2)).with_columns(close=pl.lit("ten")))
    with pytest.raises(MarketDataError, match="empty"):
        catalog.write("AAPL", "1d", bars(range(0)))


@pytest.mark.parametrize(
    "symbol", ["", "../AAPL", "A..B", "A\\B", "A B", "A" * 33, "A\0", "Ä", "symbol=X", "a\n", "%2e%2e"]
)
def test_refuses_a_symbol_that_could_be_a_path_trick(catalog: Catalog, symbol: str) -> None:
    for act in (
        lambda: catalog.write(symbol, "1d", bars(range(2))),
        lambda: catalog.read(symbol, "1d"),
        lambda: catalog.instrument(symbol),
    ):
        with pytest.raises(MarketDataError, match="is not a symbol"):
            act()
    assert not catalog.root.exists()


def test_symbols_of_dots_and_slashes_stay_inside_the_catalog(catalog: Catalog) -> None:
    for symbol in (".", "/", "./.", "/etc", "-", "a:b"):
        catalog.write(symbol, "1d", bars(range(2)))
        assert catalog.read(symbol, "1d").height == 2
    written = [path for path in catalog.root.parent.rglob("*") if path.is_file()]
    assert {path.relative_to(catalog.root).parts[0][:7] for path in written} == {"symbol="}
    assert len(written) == 6 * len(("instrument.json", "bars.parquet", "types")) + len(("types of the catalog",))


def test_an_unknown_symbol_lists_what_there_is_and_how_to_import(catalog: Catalog) -> None:
    with pytest.raises(MarketDataError, match=r"catalog has nothing yet.*deepalpha data import FILE --symbol AAPL"):
        catalog.read("AAPL", "1d")
    catalog.write("AAPL", "1d", bars(range(2)))
    with pytest.raises(MarketDataError, match=r"catalog has AAPL. Did you mean AAPL\?"):
        catalog.read("appl", "1d")
    with pytest.raises(MarketDataError, match=r"no 1h bars of AAPL; it has 1d"):
        catalog.read("AAPL", "1h")
    with pytest.raises(MarketDataError, match='timeframe "1x" is not known'):
        catalog.read("AAPL", "1x")
    with pytest.raises(MarketDataError, match="no bars of IBM"):
        catalog.instrument("IBM")


def test_the_instrument_is_kept_until_another_is_given(catalog: Catalog) -> None:
    catalog.write("BTC/USDT", "1d", bars(range(2)))
    assert catalog.instrument("BTC/USDT") == Instrument(symbol="BTC/USDT")
    fine = Instrument(symbol="BTC/USDT", tick_size=Decimal("0.1"), lot_size=Decimal("0.00000001"), currency="USDT")
    catalog.write("BTC/USDT", "1d", bars(range(2)), instrument=fine)
    catalog.write("BTC/USDT", "1d", bars(range(4)))
    assert catalog.instrument("BTC/USDT") == fine
    with pytest.raises(MarketDataError, match="instrument of BTC/USDT cannot be written for IBM"):
        catalog.write("IBM", "1d", bars(range(2)), instrument=fine)


def test_ls_counts_bars_and_gaps_and_shows_a_damaged_file_as_a_problem(catalog: Catalog) -> None:
    catalog.write("IBM", "1d", pl.concat([bars(range(3)), bars(range(5, 7))]))
    catalog.write("AAPL", "1w", bars(range(4, 18, 7)))
    catalog.write("AAPL", "1d", bars(range(2)))
    (catalog.root / "symbol=AAPL" / "timeframe=1d" / "bars.parquet").write_bytes(b"PAR1")
    (catalog.root / "symbol=AAPL" / "timeframe=junk").mkdir()
    listed = catalog.ls()
    assert listed["symbol"].to_list() == ["AAPL", "AAPL", "IBM"]
    assert listed["timeframe"].to_list() == ["1d", "1w", "1d"]
    assert listed["bars"].to_list() == [None, 2, 5]
    assert listed["gaps"].to_list() == [None, 0, 1]
    assert "cannot be read" in listed["problem"][0]
    assert listed["problem"].null_count() == 2
    assert catalog.timeframes("AAPL") == ("1d", "1w")
    assert catalog.timeframes("GOOG") == ()
    assert Catalog(catalog.root / "none").ls().is_empty()


@pytest.mark.parametrize("kept", [0, 3, 100, 0.5, 0.98])
def test_a_cut_file_is_one_message_with_file_and_remedy(catalog: Catalog, kept: float) -> None:
    catalog.write("AAPL", "1d", bars(range(500)))
    path = catalog.root / "symbol=AAPL" / "timeframe=1d" / "bars.parquet"
    data = path.read_bytes()
    path.write_bytes(data[: int(kept if kept >= 1 else kept * len(data))])
    with pytest.raises(MarketDataError, match=r"bars\.parquet cannot be read .*delete it and import the bars again"):
        catalog.read("AAPL", "1d")


def test_a_sound_parquet_with_wrong_content_is_damaged_too(catalog: Catalog) -> None:
    catalog.write("AAPL", "1d", bars(range(5)))
    path = catalog.root / "symbol=AAPL" / "timeframe=1d" / "bars.parquet"
    good = pl.read_parquet(path, hive_partitioning=False)
    for wrong in (
        good.reverse(),
        good.with_columns(ts_event=pl.col("ts_event") - 1),
        good.drop("ts_event"),
        good.drop("close"),
        good.with_columns(low=pl.lit(-1.0)),
        good.clear(),
    ):
        wrong.write_parquet(path)
        with pytest.raises(MarketDataError, match=r"bars\.parquet is damaged .*import the bars again"):
            catalog.read("AAPL", "1d")


def test_a_damaged_instrument_card_names_its_file(catalog: Catalog) -> None:
    catalog.write("AAPL", "1d", bars(range(5)))
    card = catalog.root / "symbol=AAPL" / "instrument.json"
    for content in ("", "{}", json.dumps({"symbol": 1}), "{"):
        card.write_text(content)
        with pytest.raises(MarketDataError, match=r"instrument\.json cannot be read .*import AAPL again"):
            catalog.instrument("AAPL")


def test_a_directory_that_cannot_be_written_is_a_store_error_with_a_way_out(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(StoreError, match=r"catalog .*file.* cannot be written .*choose another workspace"):
        Catalog(blocked / "catalog").write("AAPL", "1d", bars(range(2)))


def test_a_failed_write_leaves_the_old_file_and_no_scrap(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog.write("AAPL", "1d", bars(range(5)))
    before = sorted(catalog.root.rglob("*"))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parquet.pq, "write_table", full)
    with pytest.raises(StoreError, match="No space left on device"):
        catalog.write("AAPL", "1d", bars(range(9)))
    assert catalog.read("AAPL", "1d").height == 5
    assert sorted(catalog.root.rglob("*")) == before
