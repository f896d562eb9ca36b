"""The market that the settings ask to be replayed: the catalog's bars, or a session that was recorded raw."""

from __future__ import annotations

import contextlib
from datetime import date

from deepalpha.config import Settings, Workspace
from deepalpha.errors import MarketDataError
from deepalpha.market import Catalog, RecordedSource, ReplaySource, seed
from deepalpha.types import DAY


def replay_source(workspace: Workspace, settings: Settings) -> ReplaySource:
    """Bars from the settings' first day on; an empty catalog gets the bundled sample.

    Raises:
        MarketDataError: a symbol has no bars, a file is missing or damaged.
    """
    catalog, market = Catalog(workspace.catalog), settings.market
    start = (settings.replay.start - date(1970, 1, 1)).days * DAY
    if market.source != "recorded":
        seed(catalog)
        return ReplaySource(catalog, settings.symbols, settings.timeframe, start=start)
    source = RecordedSource(market.paths, settings.symbols, settings.timeframe, venue=market.venue, start=start)
    for symbol in source.symbols:
        _keep(catalog, source, symbol)
    return source


def _keep(catalog: Catalog, source: RecordedSource, symbol: str) -> None:
    """Put the bars that the catalog lacks into it, where the screens read; what is stored stays as it is."""
    bars, instrument = source.bars(symbol), source.instruments()[symbol]
    with contextlib.suppress(MarketDataError):  # none are stored yet
        stored = catalog.read(symbol, source.timeframe)
        catalog_lacks = bars.join(stored, on="ts_open", how="anti")
        if catalog_lacks.is_empty():
            return
        bars, instrument = catalog_lacks, catalog.instrument(symbol)
    catalog.write(symbol, source.timeframe, bars, instrument=instrument)
