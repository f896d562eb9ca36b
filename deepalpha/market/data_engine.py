"""`da.DataEngine`: prices of one symbol from a file, a frame or the catalog; returns and coarser bars of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from deepalpha.config import Workspace
from deepalpha.errors import MarketDataError
from deepalpha.market.bars import COLUMNS
from deepalpha.market.catalog import Catalog
from deepalpha.market.columns import NAMES, read_table
from deepalpha.market.importer import judge_rows
from deepalpha.market.sample import seed
from deepalpha.market.symbols import check_symbol
from deepalpha.market.timeframes import bucket_end, check_timeframe


class DataEngine:
    """Bars of one symbol in memory, checked by the rules of the importer.

    Args:
        symbol: what the prices are of.
        workspace: where its catalog is, for `load_data` without a source; None means DEEPALPHA_WORKSPACE, else
            `data/var`. Nothing is written but, when the catalog is read, the bundled samples.

    Example:
        >>> rows = [{"date": f"2024-01-{day:02d}", **dict.fromkeys(("open", "high", "low", "close"), 100.0 + day)}
        ...         for day in (1, 2, 3)]
        >>> engine = DataEngine("AAPL").load_data(pl.DataFrame(rows).with_columns(volume=1.0), timeframe="1d")
        >>> engine.calculate_returns().round(4).to_list()
        [nan, 0.0099, 0.0098]
    """

    def __init__(self, symbol: str, *, workspace: str | Path | Workspace | None = None) -> None:
        self.symbol = check_symbol(symbol)
        self._workspace = workspace
        self._bars: pl.DataFrame | None = None
        self._timeframe = ""
        self.rejected: dict[str, int] = {}
        """Rule -> rows that were set aside by ``bad_rows="drop"``."""
        self.notes: tuple[str, ...] = ()
        """What was assumed in reading, in words."""

    def load_data(
        self,
        source: str | Path | pl.DataFrame | pl.LazyFrame | Any | None = None,
        *,
        timeframe: str | None = None,
        bad_rows: Literal["raise", "drop"] = "raise",
    ) -> DataEngine:
        """Read bars; they take the place of those read before.

        Args:
            source: CSV or Parquet file, polars frame or pandas DataFrame (its time may be the index) with a time, open,
                high, low, close and volume under the usual names, one symbol, any row order that is all ascending or
                all descending; None reads the catalog.
            timeframe: of the bars, such as ``1d``; None takes the commonest step. In the catalog: the only one there
                is, else ``1d``.
            bad_rows: what to do with rows that are no bars: ``raise`` names their rules, ``drop`` counts them in
                `rejected`. None is dropped without that.

        Returns:
            This engine.

        Raises:
            MarketDataError: no such data, or it cannot be used as it is; the message says which rows or column.
        """
        if bad_rows not in ("raise", "drop"):
            raise MarketDataError(f"bad_rows {bad_rows!r} is neither 'raise' nor 'drop'")
        if source is None:
            self._from_catalog(timeframe)
            return self
        name, table = _table(source)
        judged = judge_rows(table, name, symbol=self.symbol, timeframe=timeframe)
        bad = judged.bars.filter(pl.col("rule").is_not_null()).sort("row")
        if len(bad) and bad_rows == "raise":
            raise MarketDataError(
                f"{len(bad)} of {len(table)} rows of {name} are no bars, the first is row {bad['row'][0]} "
                f"({bad['rule'][0]}); correct them, or load with bad_rows='drop', which counts them in `rejected`"
            )
        good = judged.bars.filter(pl.col("rule").is_null())
        if good.is_empty():
            raise MarketDataError(f"none of the {len(table)} rows of {name} is a bar")
        ends = pl.Series("ts_event", bucket_end(good["ts_open"].to_numpy(), judged.timeframe))
        self._bars = good.select(COLUMNS).insert_column(1, ends)
        self._timeframe = judged.timeframe
        self.rejected = dict(bad["rule"].value_counts().sort("rule").iter_rows())
        self.notes = tuple(judged.notes)
        return self

    @property
    def timeframe(self) -> str:
        """Of the loaded bars, such as ``1d``."""
        self._loaded()
        return self._timeframe

    def get_prices(self) -> pl.DataFrame:
        """The loaded bars, oldest first.

        Returns:
            Frame of n rows: time (start of the bar, Datetime ns UTC), open, high, low, close (quote currency), volume
            (base units), float64; ts_open, ts_event (int64 UTC ns).

        Raises:
            MarketDataError: nothing is loaded yet.
        """
        time = pl.col("ts_open").cast(pl.Datetime("ns", "UTC")).alias("time")
        return self._loaded().select(time, *COLUMNS[1:], "ts_open", "ts_event")

    def calculate_returns(self, kind: Literal["simple", "log"] = "simple") -> pl.Series:
        """Return of each close over the close before it, as a fraction (0.01 is one percent).

        Args:
            kind: ``simple``: close / previous - 1; ``log``: ln(close / previous).

        Returns:
            float64 of shape (n,), aligned with `get_prices`; the first is NaN. Missing bars are not filled in: a
            return spans the hole.

        Raises:
            MarketDataError: nothing is loaded yet, or another kind.
        """
        if kind not in ("simple", "log"):
            raise MarketDataError(f"returns of kind {kind!r} are not known; use 'simple' or 'log'")
        close = self._loaded()["close"].to_numpy()
        returns = np.full(len(close), np.nan)
        ratio = close[1:] / close[:-1]
        returns[1:] = ratio - 1 if kind == "simple" else np.log(ratio)
        return pl.Series("return", returns)

    def resample(self, timeframe: str) -> DataEngine:
        """Coarser bars: first open, highest high, lowest low, last close, sum of volume.

        Args:
            timeframe: at least as long as the loaded one, such as ``1w`` (weeks begin on Monday, all in UTC).

        Returns:
            Another engine. Its last bar is of the bars there are, though its interval may not have ended; an interval
            without bars gives none.

        Raises:
            MarketDataError: nothing is loaded, or the timeframe is unknown, finer, or does not hold whole bars.
        """
        bars = self._loaded()
        if check_timeframe(timeframe) < check_timeframe(self._timeframe):
            raise MarketDataError(f"{self._timeframe} bars cannot become {timeframe}; choose a longer timeframe")
        ends = bucket_end(bars["ts_open"].to_numpy(), timeframe)
        if (bars["ts_event"].to_numpy() > ends).any():
            raise MarketDataError(
                f"{self._timeframe} bars lie across the ends of {timeframe} bars; choose a multiple of it"
            )
        starts = _starts(ends, timeframe)
        rolled = (
            bars.with_columns(ts_open=pl.Series(starts), ts_event=pl.Series(ends))
            .group_by("ts_open", "ts_event", maintain_order=True)
            .agg(
                pl.col("open").first(),
                pl.col("high").max(),
                pl.col("low").min(),
                pl.col("close").last(),
                pl.col("volume").sum(),
            )
        )
        coarse = DataEngine(self.symbol, workspace=self._workspace)
        coarse._bars, coarse._timeframe = rolled, timeframe
        return coarse

    def _from_catalog(self, timeframe: str | None) -> None:
        place = self._workspace if isinstance(self._workspace, Workspace) else Workspace(self._workspace)
        catalog = Catalog(place.catalog)
        if self.symbol not in catalog.symbols():
            seed(catalog)
        there = catalog.timeframes(self.symbol)
        chosen = timeframe or (there[0] if len(there) == 1 else "1d")
        self._bars = catalog.read(self.symbol, chosen)
        self._timeframe, self.rejected, self.notes = chosen, {}, ()

    def _loaded(self) -> pl.DataFrame:
        if self._bars is None:
            raise MarketDataError(f"no prices of {self.symbol} are loaded; call load_data('bars.csv') or load_data()")
        return self._bars


def _table(source: Any) -> tuple[str, pl.DataFrame]:
    """(what to call it, the table)."""
    if isinstance(source, str | Path):
        return str(source), read_table(Path(source))
    if isinstance(source, pl.LazyFrame):
        return "the frame", source.collect()
    if isinstance(source, pl.DataFrame):
        return "the frame", source
    if type(source).__module__.partition(".")[0] == "pandas" and hasattr(source, "columns"):
        index = source.index
        named = {str(column).strip().lower().replace(" ", "") for column in source.columns}
        if not named.intersection(NAMES["ts_open"]):
            source = source.reset_index(names=index.name or "time")
        return "the frame", pl.from_pandas(source)
    raise MarketDataError(
        f"bars cannot be read from a {type(source).__name__}; give a file, a polars or pandas frame, or nothing for "
        "the catalog"
    )


def _starts(ends: Any, timeframe: str) -> Any:
    """Where the intervals begin that end there: the end of the one before, found by asking just inside."""
    if timeframe != "1mo":
        return ends - check_timeframe(timeframe)
    months = pl.Series(ends - 1).cast(pl.Datetime("ns")).dt.truncate("1mo")
    return months.cast(pl.Int64).to_numpy()
