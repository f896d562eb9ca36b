"""Every market source keeps the contract in `deepalpha.market.MarketSource`. A new one is added to MAKERS."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from simulated_session import session, simulated_trades

import deepalpha.market
from deepalpha.errors import MarketDataError
from deepalpha.market import Catalog, FrameSource, LiveSource, MarketSource, RecordedSource, ReplaySource, seed
from deepalpha.types import DAY, Candle

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"


def replay(tmp_path: Path) -> MarketSource:
    catalog = Catalog(tmp_path / "catalog")
    seed(catalog)
    return ReplaySource(catalog, ["GOOG", "AAPL", "IBM"], "1d", start=12_500 * DAY)


def sparse_replay(tmp_path: Path) -> MarketSource:
    """Two symbols that rarely close together, and one that starts late."""
    catalog = Catalog(tmp_path / "sparse")
    for symbol, hours in (("A/B", range(0, 90, 3)), ("C", range(0, 90, 2)), ("D", range(70, 100))):
        times = pl.DataFrame({"ts_open": [hour * DAY // 24 for hour in hours]}, schema={"ts_open": pl.Int64})
        close = pl.col("ts_open") / DAY + 1
        catalog.write(
            symbol, "1h", times.with_columns(open=close, high=close, low=close, close=close, volume=pl.lit(0.0))
        )
    return ReplaySource(catalog, ["C", "A/B", "D"], "1h")


def live(tmp_path: Path) -> MarketSource:
    """Half of the bars are history, the rest came one by one; one came too late."""
    whole = replay(tmp_path)
    catalog = Catalog(tmp_path / "half")
    for symbol in whole.symbols:
        frame = Catalog(tmp_path / "catalog").read(symbol, "1d").drop("ts_event")
        catalog.write(symbol, "1d", frame[:-40], instrument=whole.instruments()[symbol])
    source = LiveSource(catalog, whole.symbols, "1d", since=12_500 * DAY)
    late: list[Candle] = []
    for number, step in enumerate(whole.steps(source.last_ts_event)):
        for candle in step.candles:
            if number == 7 and candle.symbol == "IBM":
                late.append(candle)
            else:
                source.append(candle, now=candle.ts_event)
        source.release(step.ts_event + DAY)
    assert source.append(late[0], now=source.last_ts_event)
    return source


def frames(tmp_path: Path) -> MarketSource:
    """A file, a polars frame and a pandas frame whose rows come newest first."""
    tmp_path.mkdir(exist_ok=True)
    catalog = Catalog(tmp_path / "catalog")
    seed(catalog)
    paths = {symbol: tmp_path / f"{symbol}.csv" for symbol in ("GOOG", "AAPL", "IBM")}
    tables = {symbol: catalog.read(symbol, "1d").drop("ts_event") for symbol in paths}
    tables["GOOG"].write_csv(paths["GOOG"])
    data = {"GOOG": paths["GOOG"], "AAPL": tables["AAPL"], "IBM": tables["IBM"].reverse().to_pandas()}
    return FrameSource(data, start=12_500 * DAY)


def table_with_holes() -> pl.DataFrame:
    """Hours of two symbols that begin and end apart and miss some hours, each another."""
    parts = []
    for symbol, hours in (("C/D", range(20, 90)), ("A", range(60))):
        opens = [19_723 * DAY + hour * DAY // 24 for hour in hours if hour % (7 if symbol == "A" else 11)]
        close = pl.col("ts_open") / DAY % 1 + 1
        part = pl.DataFrame({"symbol": symbol, "ts_open": opens}, schema={"symbol": pl.String(), "ts_open": pl.Int64()})
        prices = dict.fromkeys(("open", "high", "low", "close"), close)
        parts.append(part.with_columns(**prices, volume=pl.lit(1.0)))
    return pl.concat(parts)


def one_table(tmp_path: Path) -> MarketSource:
    table_with_holes().write_parquet(tmp_path / "all.parquet")
    return FrameSource(tmp_path / "all.parquet")


def real_file(tmp_path: Path) -> MarketSource:
    path = DATA / "crypto_1h_5sym_2020-09_2025-09.parquet"
    if not path.exists():
        pytest.skip(f"../shared/data/{path.name} is not on this machine")
    recent = pl.col("ts") < pl.datetime(2020, 12, 1, time_zone="UTC")
    return FrameSource(pl.read_parquet(path).filter(recent), start=18_540 * DAY)


def recorded(tmp_path: Path) -> MarketSource:
    """A SIMULATED session of two symbols in one file, one of which begins later."""
    early, late = simulated_trades(150, seed=1, a_second=1.0), simulated_trades(150, seed=2, price=200_000)
    late = [trade for trade in late if trade.ts_event > early[40].ts_event]
    (tmp_path / "session.jsonl").write_bytes(b"".join([*session(early), *session(late, "ETHUSDT")]))
    return RecordedSource(tmp_path / "session.jsonl", ["ETH/USDT", "BTC/USDT"], "1s")


def recorded_real(tmp_path: Path) -> MarketSource:
    paths = [DATA / f"binance_usdm_{name}_raw_ws_20240808.jsonl.gz" for name in ("btcusdt", "ethusdt")]
    if not all(path.exists() for path in paths):
        pytest.skip(f"../shared/data/{paths[0].name} is not on this machine")
    return RecordedSource(paths, ["BTCUSDT", "ETHUSDT"], "5s", venue="binance_usdm")


MAKERS: dict[str, Callable[[Path], MarketSource]] = {
    "FrameSource": frames,
    "FrameSource, one file": one_table,
    "FrameSource, real": real_file,
    "LiveSource": live,
    "RecordedSource": recorded,
    "RecordedSource, real": recorded_real,
    "ReplaySource": replay,
    "ReplaySource, sparse": sparse_replay,
}


@pytest.fixture(params=MAKERS)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> MarketSource:
    return MAKERS[request.param](tmp_path)


def test_every_source_of_the_room_is_in_this_test() -> None:
    found = set()
    for module in pkgutil.iter_modules(deepalpha.market.__path__):
        for name, value in vars(importlib.import_module(f"deepalpha.market.{module.name}")).items():
            if isinstance(value, type) and hasattr(value, "steps") and hasattr(value, "window"):
                found.add(name)
    assert found - {"MarketSource"} == {name.partition(",")[0] for name in MAKERS}


def test_steps_ascend_and_name_each_moment_once(source: MarketSource) -> None:
    moments = [step.ts_event for step in source.steps(0)]
    assert moments == sorted(set(moments))
    assert moments
    assert moments[-1] <= source.last_ts_event


def test_a_step_holds_bars_that_close_at_its_moment_in_symbol_order(source: MarketSource) -> None:
    for step in source.steps(0):
        symbols = [candle.symbol for candle in step.candles]
        assert symbols == [symbol for symbol in source.symbols if symbol in symbols]
        assert len(set(symbols)) == len(symbols) > 0
        for candle in step.candles:
            assert candle.ts_event == step.ts_event == candle.ts_init
            assert candle.ts_open < candle.ts_event
            assert candle.timeframe == source.timeframe
            assert 0 < candle.low <= min(candle.open, candle.close)
            assert candle.high >= max(candle.open, candle.close)


def test_the_last_moment_seen_is_a_cursor_without_gap_or_repeat(source: MarketSource) -> None:
    every = list(source.steps(0))
    for cut in (0, 1, len(every) // 2, len(every) - 1):
        cursor = every[cut].ts_event
        assert list(source.steps(cursor)) == every[cut + 1 :]
        assert source.count_steps(cursor) == len(every) - cut - 1
        assert list(source.steps(cursor - 1)) == every[cut:]
    assert source.count_steps(0) == len(every)
    assert list(source.steps(source.last_ts_event)) == []


def test_two_readers_do_not_disturb_each_other(source: MarketSource) -> None:
    first, second = source.steps(0), source.steps(0)
    for _ in range(5):
        next(first)
    assert next(second).ts_event == next(source.steps(0)).ts_event


def test_a_window_ends_with_the_bar_of_its_step_and_shows_nothing_later(source: MarketSource) -> None:
    for step in list(source.steps(0))[:: max(1, source.count_steps(0) // 60)]:
        for candle in step.candles:
            for bars in (1, 7, 10**9):
                window = source.window(candle.symbol, step.ts_event, bars)
                assert (window["ts_event"] <= step.ts_event).all()
                assert len(window["close"]) <= bars
                last = {name: window[name][-1] for name in ("ts_open", "open", "high", "low", "close", "volume")}
                assert last == {name: getattr(candle, name) for name in last}
            before = source.window(candle.symbol, step.ts_event - 1, 10**9)
            assert len(before["close"]) == len(window["close"]) - 1


def test_window_arrays_are_equally_long_contiguous_and_read_only(source: MarketSource) -> None:
    for symbol in source.symbols:
        window = source.window(symbol, source.last_ts_event, 20)
        assert {len(values) for values in window.values()} == {20}
        for name, values in window.items():
            assert values.dtype == (np.int64 if name.startswith("ts_") else np.float64)
            assert values.flags.c_contiguous
            with pytest.raises(ValueError, match="read-only"):
                values[0] = 1
        assert (np.diff(window["ts_event"]) > 0).all()


def test_before_the_first_bar_a_window_is_empty(source: MarketSource) -> None:
    window = source.window(source.symbols[0], 0, 5)
    assert set(window) == {"ts_open", "ts_event", "open", "high", "low", "close", "volume"}
    assert {len(values) for values in window.values()} == {0}


def test_every_symbol_has_its_instrument(source: MarketSource) -> None:
    instruments = source.instruments()
    assert set(instruments) == set(source.symbols)
    assert all(instrument.symbol == symbol for symbol, instrument in instruments.items())


def test_a_foreign_symbol_or_an_impossible_window_is_refused(source: MarketSource) -> None:
    with pytest.raises(MarketDataError, match=source.symbols[0]):
        source.window("NOPE", source.last_ts_event, 5)
    with pytest.raises(MarketDataError, match="at least 1"):
        source.window(source.symbols[0], source.last_ts_event, 0)


def test_candles_are_facts(source: MarketSource) -> None:
    step = next(source.steps(0))
    with pytest.raises(AttributeError):
        step.ts_event = 0  # type: ignore[misc]  # the point of the test
    assert all(isinstance(candle, Candle) for candle in step.candles)


def test_frames_give_the_steps_of_the_catalog_they_came_from(tmp_path: Path) -> None:
    ours, theirs = frames(tmp_path / "frames"), replay(tmp_path / "replay")
    assert list(ours.steps(0)) == list(theirs.steps(0))
    catalog = Catalog(tmp_path / "holes")
    for (symbol,), part in table_with_holes().partition_by("symbol", as_dict=True).items():
        catalog.write(str(symbol), "1h", part)
    assert list(one_table(tmp_path).steps(0)) == list(ReplaySource(catalog, ["C/D", "A"], "1h").steps(0))


def test_a_table_without_a_symbol_column_asks_whose_bars_they_are(tmp_path: Path) -> None:
    seed(catalog := Catalog(tmp_path))
    with pytest.raises(MarketDataError, match="say whose bars"):
        FrameSource(catalog.read("AAPL", "1d"))
