"""The market room: bars and headlines, on disk and as a feed. Everything here is known at a moment and cut there.

    Catalog          bars on disk, one Parquet file a symbol and timeframe; write merges, read checks
    seed             copies the four bundled stocks into a catalog; sample_symbols, sample_headlines
    write_ticks      (of Catalog) trades and quotes beside the bars; TickWriter makes batches of what arrives
    check_catalog    gaps, duplicates, zero volume, outliers, stale spans; check_file, check_bars
    pull_bars        an exchange's history (CcxtHistory) into the catalog: resumable, gaps repaired, a PullReport
    DataEngine       prices of one symbol from a file, a frame or the catalog; returns, coarser bars
    import_file      anyone's CSV or Parquet into a catalog; ImportReport says what was kept and what was set aside
    MarketSource     the contract of a feed of closed bars; Step is one moment of it
    ReplaySource     a feed out of the catalog; FrameSource: out of any frames or files
    RecordedSource   a feed of bars out of recorded raw messages
    LiveSource       the same that goes on: closed bars are appended as they come
    Feed             batches of live or recorded market data: trades, quotes, bars, indicators; FeedEvent: what is rare
    Book             an order book that a feed keeps: exact levels, and whether they can be believed
    StreamProcessor  the same without connections: raw messages in, batches out
    NewsBook         headlines known at a moment; load_headlines, fetch_feed, NewsRefresher (reads feeds again)
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
from deepalpha.market.data_engine import DataEngine
from deepalpha.market.depth_book import Book
from deepalpha.market.exchange import BarHistory, CcxtHistory
from deepalpha.market.feed import Batch, Feed, FeedEvent, StreamProcessor
from deepalpha.market.frame_source import FrameSource
from deepalpha.market.importer import ImportReport, import_file
from deepalpha.market.live import LiveSource
from deepalpha.market.news import NewsBook, fetch_feed, load_headlines, safe_id
from deepalpha.market.news_refresher import NewsRefresher
from deepalpha.market.protocol import MarketSource, Step
from deepalpha.market.pull import PullReport, pull_bars
from deepalpha.market.quality import QualityReport, check_bars, check_catalog, check_file
from deepalpha.market.recorded import RecordedSource
from deepalpha.market.sample import read_headlines, sample_headlines, sample_symbols, seed
from deepalpha.market.source import ReplaySource
from deepalpha.market.streams import stream_urls
from deepalpha.market.symbols import venue_symbol
from deepalpha.market.tick_writer import TickWriter
from deepalpha.market.timeframes import bucket_end, check_timeframe

__all__ = [
    "BarHistory",
    "Batch",
    "Book",
    "Catalog",
    "CcxtHistory",
    "DataEngine",
    "Feed",
    "FeedEvent",
    "FrameSource",
    "ImportReport",
    "LiveSource",
    "MarketSource",
    "NewsBook",
    "NewsRefresher",
    "PullReport",
    "QualityReport",
    "RecordedSource",
    "ReplaySource",
    "Step",
    "StreamProcessor",
    "TickWriter",
    "bucket_end",
    "check_bars",
    "check_catalog",
    "check_file",
    "check_timeframe",
    "fetch_feed",
    "import_file",
    "load_headlines",
    "pull_bars",
    "read_headlines",
    "safe_id",
    "sample_headlines",
    "sample_symbols",
    "seed",
    "stream_urls",
    "venue_symbol",
]
