"""A session that was recorded raw, as a market: the core makes the bars, the loop takes them as they closed.

What a bar is: the trades of its time as they stood when it closed. A bar that a late trade changed afterwards stays as
it was given out first, for that is what could be known; nothing of the recording's future reaches a step. The first
bar of a symbol began before its first recorded trade and the last one had not closed: both are left out. A span
without a trade has the last close and no volume, as an exchange's own candles have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from deepalpha.errors import MarketDataError
from deepalpha.market.bars import COLUMNS
from deepalpha.market.feed import Feed
from deepalpha.market.importer import guess_instrument
from deepalpha.market.parquet import decimal_places
from deepalpha.market.source import ReplaySource
from deepalpha.market.symbols import check_symbol, venue_symbol
from deepalpha.market.timeframes import check_timeframe
from deepalpha.types import Instrument


class RecordedSource(ReplaySource):
    """Bars of recorded raw files, merged by close time. Implements `MarketSource`.

    The same files give the same steps, byte for byte.

    Args:
        paths: files of lines ``<nanoseconds of receipt> <message>``, plain or ``.gz``, of one venue; several are merged
            by the time of receipt.
        symbols: as in the settings (``BTC/USDT``) or as the venue spells them (``BTCUSDT``).
        timeframe: of the bars, seconds included: ``1s``, ``5s``, ``1m``.
        venue: whose messages, for example ``binance`` or ``binance_usdm``.
        instruments: of some or all symbols; others get the steps that their prices and volumes need.
        start: UTC ns; steps begin with the first bar that opens at or after it, earlier ones are history.

    Attributes:
        set_aside: symbol -> reason -> bars that are no step: ``first``, ``partial``, ``revised``.
        incomplete: symbol -> bars in whose time trades are missing, as ids that were skipped show; they are steps.
        counters: what the processor counted, see `Feed.counters`.

    Raises:
        MarketDataError: a file is missing or damaged, a symbol has no trade or too few for a bar, the timeframe or the
            venue is unknown.

    Example:
        >>> RecordedSource("session.jsonl.gz", ["BTC/USDT"], "5s", venue="binance_usdm")  # doctest: +SKIP
    """

    def __init__(
        self,
        paths: str | Path | Sequence[str | Path],
        symbols: Sequence[str],
        timeframe: str,
        *,
        venue: str = "binance",
        instruments: Mapping[str, Instrument] | None = None,
        start: int | None = None,
    ) -> None:
        check_timeframe(timeframe)
        names = {venue_symbol(check_symbol(symbol)): symbol for symbol in dict.fromkeys(symbols)}
        if len(names) < len(set(symbols)):
            raise MarketDataError(f"{', '.join(symbols)}: two of them are one symbol of {venue}; name each once")
        said = ", ".join(map(str, [paths] if isinstance(paths, str | Path) else paths))
        rows, self.counters = _processed(paths, list(names), timeframe, venue)
        self.set_aside: dict[str, dict[str, int]] = {}
        self.incomplete: dict[str, int] = {}
        bars: dict[str, pl.DataFrame] = {}
        for name, symbol in names.items():
            of_symbol = rows.filter(pl.col("symbol") == name)
            bars[symbol], self.set_aside[symbol] = _as_closed(of_symbol)
            if bars[symbol].is_empty():
                raise MarketDataError(_nothing(symbol, name, said, timeframe, venue, self.counters))
            self.incomplete[symbol] = int(bars[symbol]["incomplete"].sum())
        known = dict(instruments or {})
        terms = {symbol: known.get(symbol) or _instrument(symbol, frame) for symbol, frame in bars.items()}
        super().__init__(_Bars(bars, terms), symbols, timeframe, start=start)

    def bars(self, symbol: str) -> pl.DataFrame:
        """All bars of a symbol, as `Catalog.write` takes them; MarketDataError for a symbol it does not feed."""
        window = self.window(symbol, self.last_ts_event, len(self._ends.get(symbol, ())) or 1)
        return pl.DataFrame({name: window[name] for name in COLUMNS})


def _processed(paths: Any, names: list[str], timeframe: str, venue: str) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Every bar that the processor gave out, in its order, and its counters."""
    feed = Feed.recorded(
        paths, names, kinds=("bars",), venue=venue, bars=[timeframe], numbers="float", empty_bars="carry"
    )
    with feed:
        frames = [pl.DataFrame(batch) for batch in feed]
        counters = feed.counters()
    return pl.concat(frames) if frames else pl.DataFrame(schema={"symbol": pl.String()}), counters


def _as_closed(rows: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """Bars as they were when they closed, oldest first, and how many rows are set aside for which reason."""
    if rows.is_empty():
        return rows, {}
    whole = rows.filter(~pl.col("partial"))
    # What is given out again, or for a time that has passed, was not known when that time closed.
    newest = pl.col("ts_open").cum_max().shift(1)
    closed = whole.filter(newest.is_null() | (pl.col("ts_open") > newest))
    revised = len(whole) - len(closed)
    counts = {"first": min(1, len(closed)), "partial": len(rows) - len(whole), "revised": revised}
    return closed[1:], {reason: count for reason, count in counts.items() if count}


def _instrument(symbol: str, bars: pl.DataFrame) -> Instrument:
    """The steps that prices and volumes need; the currency of a pair is its second part."""
    guessed = guess_instrument(symbol, bars, [])
    places = decimal_places(bars["volume"].to_numpy())
    return msgspec.structs.replace(guessed, lot_size=Decimal(1).scaleb(-places)) if places else guessed


def _nothing(symbol: str, name: str, said: str, timeframe: str, venue: str, counters: dict[str, Any]) -> str:
    """Why there is no bar."""
    trades = counters["symbols"].get(name, {}).get("trades", {}).get("received", 0)
    if trades:
        return f"{said}: {trades} trades of {symbol} close no {timeframe} bar; take a shorter timeframe"
    last = counters.get("last_error")
    why = f"; the last message that could not be read: {last}" if last else ""
    return f"{said}: no trade of {symbol} ({name} on {venue}); check market.symbols and market.venue{why}"


class _Bars:
    """`BarStore` of bars in memory."""

    def __init__(self, bars: dict[str, pl.DataFrame], instruments: dict[str, Instrument]) -> None:
        self._bars, self._instruments = bars, instruments

    def read(self, symbol: str, timeframe: str) -> pl.DataFrame:
        """The bars; there is one timeframe."""
        del timeframe
        return self._bars[symbol]

    def instrument(self, symbol: str) -> Instrument:
        """Given or derived."""
        return self._instruments[symbol]
