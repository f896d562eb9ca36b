"""The market room: bars and headlines, on disk and as a feed. Everything here is known at a moment and cut there.

    Catalog          bars on disk, one Parquet file a symbol and timeframe; write merges, read checks
    seed             copies the four bundled stocks into a catalog; sample_symbols, sample_headlines
    import_file      anyone's CSV or Parquet into a catalog; ImportReport says what was kept and what was set aside
    MarketSource     the contract of a feed of closed bars; Step is one moment of it
    ReplaySource     a feed out of the catalog
    Feed             batches of live or recorded market data: trades, quotes, bars, indicators; FeedEvent: what is rare
    StreamProcessor  the same without connections: raw messages in, batches out
    NewsBook         headlines known at a moment; load_headlines (file), fetch_feed (RSS, Atom)
    check_timeframe  nominal length of a timeframe in ns; bucket_end: where a bar ends

Bars are frames or arrays of ts_open, ts_event (int64 UTC ns), open, high, low, close, volume (float64). A bar may be
seen from its `ts_event` on, a headline from its `ts_known` on.

Example:
    >>> catalog = Catalog(Workspace().catalog)  # doctest: +SKIP
    >>> seed(catalog)  # doctest: +SKIP
    ('AAPL', 'IBM', 'MSFT', 'GOOG')
    >>> ReplaySource(catalog, ["AAPL"], "1d").count_steps(after=0)  # doctest: +SKIP
    3270
"""

from deepalpha.market.catalog import Catalog
from deepalpha.market.feed import Batch, Feed, FeedEvent, StreamProcessor, stream_urls
from deepalpha.market.importer import ImportReport, import_file
from deepalpha.market.news import NewsBook, fetch_feed, load_headlines
from deepalpha.market.protocol import MarketSource, Step
from deepalpha.market.sample import sample_headlines, sample_symbols, seed
from deepalpha.market.source import ReplaySource
from deepalpha.market.timeframes import bucket_end, check_timeframe

__all__ = [
    "Batch",
    "Catalog",
    "Feed",
    "FeedEvent",
    "ImportReport",
    "MarketSource",
    "NewsBook",
    "ReplaySource",
    "Step",
    "StreamProcessor",
    "bucket_end",
    "check_timeframe",
    "fetch_feed",
    "import_file",
    "load_headlines",
    "sample_headlines",
    "sample_symbols",
    "seed",
    "stream_urls",
]
