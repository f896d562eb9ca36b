"""A source of bars out of any frame or file, without a catalog: for notebooks, tests and other people's data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import polars as pl

from deepalpha.errors import MarketDataError
from deepalpha.market.data_engine import DataEngine, as_table
from deepalpha.market.importer import guess_instrument, symbol_column
from deepalpha.market.source import ReplaySource
from deepalpha.types import Instrument


class FrameSource(ReplaySource):
    """Bars of frames, CSV or Parquet files, merged by close time. Implements `MarketSource`.

    Args:
        data: symbol -> what `DataEngine.load_data` takes; or one table or file of several symbols with a
            column `symbol` or `ticker`.
        timeframe: of all bars; None takes the commonest step of the first symbol.
        instruments: of some or all symbols; others get the steps their prices need.
        start: UTC ns; steps begin with the first bar that opens at or after it, earlier ones are history.
        bad_rows: see `DataEngine.load_data`; what was dropped is in `rejected`.

    Raises:
        MarketDataError: a table cannot be used as it is; the message says why.

    Example:
        >>> FrameSource({"AAPL": "aapl.csv", "IBM": "ibm.csv"}).count_steps(after=0)  # doctest: +SKIP
        3270
    """

    def __init__(
        self,
        data: Mapping[str, Any] | pl.DataFrame | str | Path | Any,
        timeframe: str | None = None,
        *,
        instruments: Mapping[str, Instrument] | None = None,
        start: int | None = None,
        bad_rows: Literal["raise", "drop"] = "raise",
    ) -> None:
        parts = dict(data) if isinstance(data, Mapping) else _by_symbol(data)
        engines: dict[str, DataEngine] = {}
        for symbol, part in parts.items():
            engines[symbol] = DataEngine(symbol).load_data(part, timeframe=timeframe, bad_rows=bad_rows)
            timeframe = engines[symbol].timeframe
        self.rejected = {symbol: engine.rejected for symbol, engine in engines.items() if engine.rejected}
        """Symbol -> rule -> rows that were set aside."""
        super().__init__(_Frames(engines, dict(instruments or {})), tuple(engines), timeframe or "", start=start)


class _Frames:
    """`BarStore` of loaded engines."""

    def __init__(self, engines: dict[str, DataEngine], instruments: dict[str, Instrument]) -> None:
        self._engines, self._instruments = engines, instruments

    def read(self, symbol: str, timeframe: str) -> pl.DataFrame:
        """The bars of an engine; every engine was loaded with the same timeframe."""
        if self._engines[symbol].timeframe != timeframe:
            raise MarketDataError(f"the bars of {symbol} are of {self._engines[symbol].timeframe}, not {timeframe}")
        return self._engines[symbol].get_prices()

    def instrument(self, symbol: str) -> Instrument:
        """The given one, else one with the steps the prices need."""
        known = self._instruments.get(symbol)
        return known or guess_instrument(symbol, self._engines[symbol].get_prices(), [])


def _by_symbol(data: Any) -> dict[str, pl.DataFrame]:
    name, table = as_table(data)
    column = symbol_column(table.columns)
    if column is None:
        raise MarketDataError(
            f"{name} has no column symbol or ticker; say whose bars they are: FrameSource({{'AAPL': ...}})"
        )
    groups = table.partition_by(column, maintain_order=True, as_dict=True)
    return {str(key[0]): part for key, part in groups.items()}
