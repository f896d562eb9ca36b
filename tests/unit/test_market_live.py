"""A market that goes on gives the steps of a replay of the same bars, once each, however the bars arrive."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepalpha.errors import MarketDataError
from deepalpha.market import Catalog, ReplaySource
from deepalpha.market.live import LiveSource
from deepalpha.types import SECOND, Candle

HOUR = 3600 * SECOND
SYMBOLS = ("BTC/USDT", "ETH/USDT")
HISTORY, LIVE = 30, 20


def frame(symbol: str) -> pl.DataFrame:
    random = np.random.default_rng(len(symbol) + ord(symbol[0]))
    opens = 1_600_000 * HOUR // 1000 * 1000 + np.arange(HISTORY + LIVE, dtype=np.int64) * HOUR
    close = 100 + random.normal(0, 1, len(opens)).cumsum()
    return pl.DataFrame(
        {"ts_open": opens - opens[0] % HOUR, "open": close, "high": close + 1, "low": close - 1, "close": close}
    ).with_columns(volume=pl.lit(5.0))


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> ReplaySource:
    catalog = Catalog(tmp_path_factory.mktemp("whole"))
    for symbol in SYMBOLS:
        catalog.write(symbol, "1h", frame(symbol))
    return ReplaySource(catalog, SYMBOLS, "1h")


def following(root: Path) -> LiveSource:
    catalog = Catalog(root)
    for symbol in SYMBOLS:
        catalog.write(symbol, "1h", frame(symbol)[:HISTORY])
    return LiveSource(catalog, SYMBOLS, "1h", since=0)


def candles(replay: ReplaySource, since: int) -> list[Candle]:
    return [candle for step in replay.steps(since) for candle in step.candles]


@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_bars_in_any_order_of_symbols_give_the_steps_of_a_replay(
    data: st.DataObject, replay: ReplaySource, tmp_path_factory: pytest.TempPathFactory
) -> None:
    source = following(tmp_path_factory.mktemp("live"))
    known = list(source.steps(0))
    cursor = known[-1].ts_event
    assert known == list(replay.steps(0))[:HISTORY]
    queues = {name: [c for c in candles(replay, cursor) if c.symbol == name] for name in SYMBOLS}
    now = cursor
    while any(queues.values()):
        name = data.draw(st.sampled_from([name for name, queue in queues.items() if queue]))
        now += 1
        assert source.append(queues[name].pop(0), now=now)
        source.release(now)
        for step in source.steps(cursor):
            known.append(step)
            cursor = step.ts_event
    assert known == list(replay.steps(0))
    assert source.late == 0
    assert source.count_steps(0) == len(known)
    for name in SYMBOLS:
        mine, theirs = source.window(name, cursor, 40), replay.window(name, cursor, 40)
        assert all((mine[column] == theirs[column]).all() and not mine[column].flags.writeable for column in theirs)


def test_a_silent_symbol_delays_a_moment_by_the_grace_and_its_late_bar_is_history_only(
    replay: ReplaySource, tmp_path: Path
) -> None:
    source = following(tmp_path)
    cursor = source.last_ts_event
    first, second = candles(replay, cursor)[:2]
    source.append(first, now=0)
    assert source.release(0) == 0
    assert source.release(2 * SECOND - 1) == 0
    assert source.release(2 * SECOND) == 1
    assert [step.candles for step in source.steps(cursor)] == [(first,)]
    assert source.append(second, now=3 * SECOND)
    assert source.late == 1
    assert [step.candles for step in source.steps(cursor)] == [(first,)]
    assert source.window(second.symbol, second.ts_event, 1)["close"][0] == second.close


def test_a_bar_that_is_known_changes_nothing_and_a_strange_one_is_refused(replay: ReplaySource, tmp_path: Path) -> None:
    source = following(tmp_path)
    newest = candles(replay, 0)[0]
    assert not source.append(newest, now=0)
    with pytest.raises(MarketDataError, match="5m bar of BTC/USDT does not belong"):
        source.append(Candle(**{**{f: getattr(newest, f) for f in newest.__struct_fields__}, "timeframe": "5m"}), now=0)
