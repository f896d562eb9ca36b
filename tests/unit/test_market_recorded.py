"""A recorded session as a market: its bars are those of its trades, as they stood when they closed.

Every price in this file is SIMULATED but for the tests named real, which need ../shared/data.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from simulated_session import SECOND, SimulatedTrade, session, simulated_trades

from deepalpha.config import Settings, Workspace
from deepalpha.errors import ConfigError, MarketDataError
from deepalpha.live import Loop
from deepalpha.live.demo import summarise
from deepalpha.live.replay import replay
from deepalpha.market import Catalog, RecordedSource, Step
from deepalpha.store import Ops
from deepalpha.types import Instrument, encode

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
REAL = "binance_usdm_{}_raw_ws_20240808.jsonl.gz"
PAIR = ("BTC/USDT", "ETH/USDT")


def recording(path: Path, lines: Iterable[bytes]) -> Path:
    data = b"".join(lines)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def steps(source: RecordedSource) -> bytes:
    return encode(tuple(source.steps(0)))


def naive(trades: list[SimulatedTrade], length: int) -> list[tuple[int, float, float, float, float, float]]:
    """Bars of a list of trades by dictionary, empty ones carried, without the first and the one that still forms."""
    by_bar: dict[int, list[SimulatedTrade]] = {}
    for trade in trades:
        by_bar.setdefault(trade.ts_event // length * length, []).append(trade)
    bars = []
    close = 0.0
    for ts_open in range(min(by_bar), max(by_bar), length):
        inside = by_bar.get(ts_open, [])
        prices = [trade.price / 100 for trade in inside] or [close]
        close = prices[-1]
        volume = sum(trade.quantity for trade in inside) / 1000
        bars.append((ts_open, prices[0], max(prices), min(prices), close, volume))
    return bars[1:]


@pytest.mark.parametrize("length", [1, 5, 60])
def test_bars_are_those_of_a_naive_model_of_the_trades(tmp_path: Path, length: int) -> None:
    trades = simulated_trades(400, seed=length, a_second=1.5)
    path = recording(tmp_path / "session.jsonl", session(trades))
    source = RecordedSource(path, ["BTC/USDT"], f"{length}s" if length < 60 else "1m")
    found = [step.candles[0] for step in source.steps(0)]
    expected = naive(trades, length * SECOND)
    assert [(bar.ts_open, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in found] == expected
    assert [bar.ts_event for bar in found] == [bar[0] + length * SECOND for bar in expected]
    assert source.set_aside == {"BTC/USDT": {"first": 1, "partial": 1}}
    assert source.counters["symbols"]["BTCUSDT"]["trades"]["ok"] == len(trades)


def test_the_same_file_gives_the_same_steps_byte_for_byte_however_it_is_packed_or_cut(tmp_path: Path) -> None:
    lines = session(simulated_trades(300, seed=3))
    whole = steps(RecordedSource(recording(tmp_path / "a.jsonl", lines), ["BTCUSDT"], "1s"))
    assert whole == steps(RecordedSource(tmp_path / "a.jsonl", ["BTCUSDT"], "1s"))
    assert whole == steps(RecordedSource(recording(tmp_path / "a.jsonl.gz", lines), ["BTCUSDT"], "1s"))
    halves = [recording(tmp_path / "1.gz", lines[:500]), recording(tmp_path / "2.jsonl", lines[500:])]
    assert whole == steps(RecordedSource(halves[::-1], ["BTCUSDT"], "1s"))
    # What two connections recorded: every other line here, every other line there, some lines in both.
    twins = [recording(tmp_path / "odd", lines[::2]), recording(tmp_path / "even", [*lines[1::2], *lines[-40:]])]
    assert whole == steps(RecordedSource(twins, ["BTCUSDT"], "1s"))


def test_two_symbols_of_two_files_step_together(tmp_path: Path) -> None:
    one, two = simulated_trades(120, seed=1), simulated_trades(90, seed=2, price=200_000)
    paths = [
        recording(tmp_path / "btc.gz", session(one)),
        recording(tmp_path / "eth", session(two, "ETHUSDT")),
    ]
    source = RecordedSource(paths, PAIR, "5s")
    for symbol, name, path in zip(PAIR, ("BTCUSDT", "ETHUSDT"), paths, strict=True):
        alone = RecordedSource(path, [name], "5s")
        both = [candle for step in source.steps(0) for candle in step.candles if candle.symbol == symbol]
        each = [candle for step in alone.steps(0) for candle in step.candles]
        assert [(c.ts_open, c.close, c.volume) for c in both] == [(c.ts_open, c.close, c.volume) for c in each]
    assert [len(step.candles) for step in source.steps(0)][:5] == [2] * 5


def test_nothing_of_the_future_is_in_a_step(tmp_path: Path) -> None:
    """Steps of the beginning of a file are the beginning of its steps, also where late trades revise bars."""
    trades = simulated_trades(120, seed=5)
    late = {place: replace(trades[place], delay=2_500_000_000) for place in range(7, len(trades), 23)}
    lines = session([late.get(place, trade) for place, trade in enumerate(trades)])
    whole = RecordedSource(recording(tmp_path / "whole", lines), ["BTCUSDT"], "1s")
    assert whole.set_aside["BTCUSDT"]["revised"] > 0
    every: list[Step] = list(whole.steps(0))
    for cut in range(40, len(lines), 37):
        part = RecordedSource(recording(tmp_path / "part", lines[:cut]), ["BTCUSDT"], "1s")
        begun = list(part.steps(0))
        assert begun == every[: len(begun)]


def test_a_bar_with_missing_trades_is_a_step_and_counted(tmp_path: Path) -> None:
    trades = simulated_trades(60, seed=8, a_second=5.0)
    gap = [trade for trade in trades if trade.number not in (100, 101)]
    source = RecordedSource(recording(tmp_path / "gap", session(gap)), ["BTCUSDT"], "1s")
    assert 1 <= source.incomplete["BTCUSDT"] <= 2
    whole = RecordedSource(recording(tmp_path / "whole", session(trades)), ["BTCUSDT"], "1s")
    assert whole.incomplete == {"BTCUSDT": 0}


def test_terms_are_those_that_the_prices_need_unless_they_are_given(tmp_path: Path) -> None:
    path = recording(tmp_path / "session", session(simulated_trades(60, seed=9)))
    terms = RecordedSource(path, ["BTC/USDT"], "1s").instruments()["BTC/USDT"]
    assert (terms.tick_size, terms.lot_size, terms.currency) == (Decimal("0.01"), Decimal("0.001"), "USDT")
    given = Instrument(symbol="BTC/USDT", tick_size=Decimal("0.5"), lot_size=Decimal("0.1"), currency="USDT")
    assert RecordedSource(path, ["BTC/USDT"], "1s", instruments={"BTC/USDT": given}).instruments() == {
        "BTC/USDT": given
    }


def damaged(path: Path, lines: list[bytes]) -> Path:
    data = bytearray(gzip.compress(b"".join(lines)))
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"paths": "nowhere.jsonl"}, "nowhere.jsonl: No such file"),
        ({"paths": []}, "no recording is named"),
        ({"paths": "cut.gz"}, "cut.gz is damaged"),
        ({"paths": "flipped.gz"}, "flipped.gz is damaged"),
        ({"paths": ["good", "flipped.gz"]}, "flipped.gz is damaged"),
        ({"paths": "no.gz"}, "no.gz is damaged"),
        ({"paths": "empty"}, "no trade of BTCUSDT"),
        ({"paths": "words"}, "the line begins with"),
        ({"symbols": ["SOL/USDT"]}, 'no trade of SOL/USDT (SOLUSDT on binance).*"BTCUSDT" is not registered'),
        ({"symbols": ["BTC/USDT", "BTCUSDT"]}, "name each once"),
        ({"symbols": ["../BTC"]}, "is not a symbol"),
        ({"timeframe": "1d"}, "close no 1d bar; take a shorter timeframe"),
        ({"timeframe": "7 minutes"}, "timeframe"),
        ({"venue": "mars"}, 'venue "mars" is unknown'),
    ],
)
def test_what_cannot_be_a_market_is_refused_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = session(simulated_trades(60, seed=4))
    recording(tmp_path / "good", lines)
    recording(tmp_path / "empty", [])
    recording(tmp_path / "words", [b"hello, world\n"])
    (tmp_path / "no.gz").write_bytes(b"not gzip at all")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"".join(lines))[:-100])
    damaged(tmp_path / "flipped.gz", lines)
    call: dict[str, Any] = {"paths": "good", "symbols": ["BTCUSDT"], "timeframe": "1s", **options}
    with pytest.raises(MarketDataError) as caught:
        RecordedSource(**call)
    for part in said.split(".*"):
        assert part in str(caught.value)


@pytest.mark.parametrize("text", ["market: {source: recorded}", "market: {paths: [session.jsonl]}"])
def test_the_settings_name_the_files_of_a_recorded_market(text: str) -> None:
    with pytest.raises(ConfigError, match=r"source: recorded, paths: \[session.jsonl.gz\]"):
        Settings.from_text(text)


def settings_of(paths: list[Path], symbols: tuple[str, ...], timeframe: str, venue: str = "binance") -> Settings:
    return Settings.from_mapping(
        {
            "approval": "auto",
            "symbols": symbols,
            "timeframe": timeframe,
            "view_timeframes": ["5s", "1m"] if timeframe == "1s" else ["1m"],
            "history_bars": 250,
            "market": {"source": "recorded", "paths": [str(path) for path in paths], "venue": venue},
            "replay": {"bars_per_second": 0},
            "agents": {"headlines": [], "news_model": "tfidf"},
            "decision": {"entry_threshold": 0.51, "quorum": 1},
            "account": {"fee_rate": 0, "slippage": 0},
            "risk": {"max_volatility": None, "volume_share": None},
        }
    )


def played(workspace: Workspace, settings: Settings) -> tuple[list[Any], list[Any]]:
    """Run the engine to the end: what it decided and what its account was worth."""
    loop = Loop(workspace, settings)
    asyncio.run(loop.run_to_end())
    loop.heartbeat()
    loop.project()
    result = summarise(workspace, settings, loop.ops, loop.account_id)
    assert result.problems == ()
    assert result.bars == result.decisions == sum(len(step.candles) for step in loop.source.steps(0))
    ops = Ops(workspace.ops)
    decided = ops.rows("SELECT decision_id, ts_event, symbol, action FROM decision ORDER BY id")
    return decided, ops.rows("SELECT ts_event, equity FROM equity ORDER BY id")


def test_the_engine_trades_a_simulated_session_the_same_way_twice_and_can_say_why(tmp_path: Path) -> None:
    paths = [
        recording(tmp_path / "btc.gz", session(simulated_trades(260, seed=11))),
        recording(tmp_path / "eth", session(simulated_trades(260, seed=12, price=200_000), "ETHUSDT")),
    ]
    settings = settings_of(paths, PAIR, "1s")
    first = Workspace(tmp_path / "first")
    decided, equity = played(first, settings)
    assert (decided, equity) == played(Workspace(tmp_path / "second"), settings)
    assert {row["symbol"] for row in decided} == set(PAIR)
    assert {row["action"] for row in decided} > {"hold"}
    again = replay(first, str(decided[-1]["decision_id"]))
    assert again.identical, again.differences
    shown = Catalog(first.catalog).read("BTC/USDT", "1s")
    assert shown["ts_event"][-1] == decided[-1]["ts_event"]


@pytest.mark.parametrize("timeframe", ["5s"])
def test_the_engine_runs_over_the_real_recordings(tmp_path: Path, timeframe: str) -> None:
    paths = [SHARED / REAL.format(name) for name in ("btcusdt", "ethusdt")]
    if not all(path.exists() for path in paths):
        pytest.skip(f"{paths[0].name} is not in ../shared/data")
    decided, equity = played(Workspace(tmp_path), settings_of(paths, PAIR, timeframe, "binance_usdm"))
    assert len(decided) > 100
    assert len(equity) > 60
