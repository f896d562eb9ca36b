"""The chart of one symbol as a screen shows it: bars up to the market's present, decisions, fills and protection."""

from __future__ import annotations

import datetime as dt

from deepalpha.errors import MarketDataError
from deepalpha.live.broadcast import segment
from deepalpha.live.process import load_settings
from deepalpha.live.workstation import Workstation
from deepalpha.plots import SERIES, ChartSpec, Level, Tone, candle_chart, equity_chart
from deepalpha.ta.view import market_view
from deepalpha.types import DAY, BarFrame, Fact, Position

MILLISECOND = 1_000_000
_COLUMNS = ("ts_open", "open", "high", "low", "close", "volume")


def chart_view(ws: Workstation, symbol: str, timeframe: str = "1d", bars: int = 250) -> ChartSpec:
    """Candles, averages, bands, volume, RSI and MACD with what was decided and traded.

    No bar is shown that closes after the engine's market date: a replay must not show its own future.

    Args:
        ws: the workspace.
        symbol: a symbol of the catalog.
        timeframe: the settings' timeframe or a coarser one, see `timeframes`.
        bars: how many of the latest bars.

    Raises:
        MarketDataError: no bars of this symbol, or an unknown timeframe.
    """
    frame = _closed_bars(ws, symbol, timeframe)
    held = next((position for position in ws.positions() if position.symbol == symbol), None)
    decisions = ws.decisions(symbol=symbol, limit=bars)
    return candle_chart(
        f"{symbol} {timeframe}",
        frame,
        show=bars,
        decisions=decisions,
        fills=ws.fills(symbol=symbol, limit=bars),
        levels=() if held is None else _levels(held),
    )


class LiveView(Fact, frozen=True):
    """What a chart that follows the market begins with; later bars come from `url`.

    `bars` are (ts_open in ms, open, high, low, close, volume), oldest first; `url` is None when no hub runs.
    """

    url: str | None
    symbol: str
    segment: str
    timeframe: str
    mode: str
    bars: tuple[tuple[float, ...], ...]


def live_view(ws: Workstation, symbol: str, bars: int = 250) -> LiveView:
    """The latest closed bars of the settings' timeframe and where the next ones come from.

    Raises:
        MarketDataError: no bars of this symbol.
    """
    timeframe = load_settings(ws.workspace).timeframe
    frame = _closed_bars(ws, symbol, timeframe)
    times = (frame.ts_open // MILLISECOND).astype(float)
    columns = (times, frame.open, frame.high, frame.low, frame.close, frame.volume)
    status = ws.status()
    return LiveView(
        url=status.hub,
        symbol=symbol,
        segment=segment(symbol),
        timeframe=timeframe,
        mode=f"{(status.mode or 'practice').upper()} replay",
        bars=tuple(zip(*(column[-bars:].tolist() for column in columns), strict=True)),
    )


def timeframes(ws: Workstation) -> tuple[str, ...]:
    """What the chart offers: the timeframe that is decided on, and the coarser ones the agents see."""
    settings = load_settings(ws.workspace)
    return (settings.timeframe, *settings.view_timeframes)


def equity_view(ws: Workstation) -> ChartSpec:
    """Equity of the session after each step."""
    return equity_chart(ws.equity_curve())


def symbols(ws: Workstation) -> tuple[str, ...]:
    """What the engine trades, those with bars first named in the settings, then what else the catalog holds."""
    stored = ws.catalog.symbols()
    traded = tuple(symbol for symbol in load_settings(ws.workspace).symbols if symbol in stored)
    return traded + tuple(symbol for symbol in stored if symbol not in traded)


def _closed_bars(ws: Workstation, symbol: str, timeframe: str) -> BarFrame:
    settings = load_settings(ws.workspace)
    base = settings.timeframe
    table = ws.catalog.read(symbol, base)
    now = ws.status().ts_event or _start_of(settings.replay.start)
    columns = {name: table[name].to_numpy() for name in _COLUMNS}
    coarser = () if timeframe == base else (timeframe,)
    found = market_view(columns, timeframe=base, timeframes=coarser, asof=now, series=SERIES)[timeframe]
    if not len(found):
        day = dt.datetime.fromtimestamp(now // 1_000_000_000, dt.UTC).date()
        raise MarketDataError(f"{symbol} has no {timeframe} bar that closed before {day}; choose another symbol")
    return found


def _start_of(day: dt.date) -> int:
    return (day - dt.date(1970, 1, 1)).days * DAY


def _levels(position: Position) -> tuple[Level, ...]:
    named = (
        ("entry", position.average_price, Tone.FIRST),
        ("stop", position.stop_loss, Tone.DOWN),
        ("target", position.take_profit, Tone.UP),
    )
    return tuple(Level(name=name, value=float(value), tone=tone) for name, value, tone in named if value is not None)
