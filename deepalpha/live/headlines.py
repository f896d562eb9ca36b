"""The headlines an engine starts with: files, the bundled ones, and feeds."""

from __future__ import annotations

from deepalpha.config import AgentSettings
from deepalpha.errors import ProviderError
from deepalpha.market import NewsBook, fetch_feed, load_headlines, sample_headlines
from deepalpha.types import Headline

SAMPLE = "sample"


def collect(settings: AgentSettings, *, now: int) -> tuple[NewsBook, list[str]]:
    """Read every source once.

    A feed that cannot be read does not keep the engine from starting; it is returned in words, to be shown and stored.

    Args:
        settings: `headlines` (files, or "sample") and `feeds` (symbol -> addresses).
        now: our clock, UTC ns; a headline of a feed is known from then on.

    Raises:
        MarketDataError: a headline file cannot be read.
    """
    found: list[Headline] = []
    problems: list[str] = []
    for source in settings.headlines:
        found += sample_headlines() if source == SAMPLE else load_headlines(source)
    for symbol, addresses in settings.feeds.items():
        for address in addresses:
            try:
                found += fetch_feed(address, symbols=(symbol,), fetched_at=now)
            except ProviderError as error:
                problems.append(f"{symbol}: {error}")
    return NewsBook(found), problems
