"""The real data that ships with DeepAlpha (`data/sample`): four stocks and dated headlines, without a network."""

from __future__ import annotations

import os
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import polars as pl

from deepalpha.errors import MarketDataError
from deepalpha.market.bars import COLUMNS
from deepalpha.market.catalog import READ_ERRORS, Catalog
from deepalpha.market.news import load_headlines
from deepalpha.types import Headline, Instrument

SAMPLE_DIR = Path(__file__).resolve().parents[2] / "data" / "sample"
ENVIRONMENT_VARIABLE = "DEEPALPHA_SAMPLE"
TIMEFRAME = "1d"
_SYMBOLS = ("AAPL", "IBM", "MSFT", "GOOG")
_TICK = Decimal("0.0001")  # the finest step of the source's quotes; splits leave five prices between two steps


def sample_dir() -> Path:
    """The checkout's `data/sample`, or what the environment variable DEEPALPHA_SAMPLE names."""
    chosen = os.environ.get(ENVIRONMENT_VARIABLE)
    return Path(chosen).expanduser() if chosen else SAMPLE_DIR


def sample_symbols() -> tuple[str, ...]:
    """The four stocks with daily bars."""
    return _SYMBOLS


def seed(catalog: Catalog) -> tuple[str, ...]:
    """Copy the sample's daily bars into a catalog: of those symbols only that it has no daily bars of.

    Returns:
        The symbols that were written.

    Raises:
        MarketDataError: a sample file that is needed is missing or damaged.
        StoreError: the catalog cannot be written.
    """
    missing = tuple(symbol for symbol in _SYMBOLS if not catalog.has(symbol, TIMEFRAME))
    for symbol in missing:
        path = sample_dir() / f"{symbol}.parquet"
        instrument = Instrument(symbol=symbol, tick_size=_TICK, lot_size=Decimal(1), currency="USD")
        try:
            frame = pl.read_parquet(path, columns=list(COLUMNS), glob=False)
            catalog.write(symbol, TIMEFRAME, frame, instrument=instrument)
        except (MarketDataError, *READ_ERRORS) as error:
            raise MarketDataError(
                f"{path} cannot be read ({str(error).strip().partition(chr(10))[0]}); restore it with "
                f"`git checkout data/sample/{path.name}` or import your own bars with `deepalpha data import`"
            ) from error
    return missing


def sample_headlines() -> tuple[Headline, ...]:
    """The sample's headlines, oldest first: written for DeepAlpha about public events, not a news feed.

    Raises:
        MarketDataError: the file is missing or damaged.
    """
    path = sample_dir() / "news.jsonl"
    try:
        return load_headlines(path)
    except MarketDataError as error:
        raise MarketDataError(f"{error}; restore it with `git checkout data/sample/{path.name}`") from error


def read_headlines(sources: Iterable[str]) -> list[Headline]:
    """The headlines of the setting `agents.headlines`: files, or "sample" for the bundled ones.

    Raises:
        MarketDataError: a file cannot be read.
    """
    found: list[Headline] = []
    for source in sources:
        found += sample_headlines() if source == "sample" else load_headlines(source)
    return found
