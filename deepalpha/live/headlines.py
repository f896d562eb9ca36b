"""The headlines an engine has: files, the bundled ones and feeds to start with, and the log of all it ever read."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from deepalpha.config import AgentSettings
from deepalpha.errors import ProviderError
from deepalpha.live.records import Batch
from deepalpha.market import NewsBook, fetch_feed, read_headlines
from deepalpha.store import Ops
from deepalpha.types import Headline, encode

_ALL = "SELECT ref, body FROM audit WHERE kind = 'headline' ORDER BY id"
_LAST = "SELECT body FROM audit WHERE kind = 'headline' AND ref = ? AND ts_init <= ? ORDER BY id DESC LIMIT 1"


def collect(settings: AgentSettings, *, now: int) -> tuple[NewsBook, list[str]]:
    """Read every source once.

    A feed that cannot be read does not keep the engine from starting; it is returned in words, to be shown and stored.

    Args:
        settings: `headlines` (files, or "sample") and `feeds` (symbol -> addresses).
        now: our clock, UTC ns; a headline of a feed is known from then on.

    Raises:
        MarketDataError: a headline file cannot be read.
    """
    found = read_headlines(settings.headlines)
    problems: list[str] = []
    for symbol, addresses in settings.feeds.items():
        for address in addresses:
            try:
                found += fetch_feed(address, symbols=(symbol,), fetched_at=now)
            except ProviderError as error:
                problems.append(f"{symbol}: {error}")
    return NewsBook(found), problems


class HeadlineLog:
    """Headlines of each symbol in the log, each once, and again when a later run has it with other words or times.

    Args:
        ops: the log.
    """

    def __init__(self, ops: Ops) -> None:
        self._last = {str(row["ref"]): str(row["body"]) for row in ops.rows(_ALL)}

    def write(self, book: NewsBook, batch: Batch) -> None:
        """Append those that the log does not have."""
        for symbol, headline in book.entries():
            ref, body = _ref(symbol, headline.id), encode(headline).decode()
            if self._last.get(ref) != body:
                self._last[ref] = body
                batch.audit("headline", ref, "read", headline.ts_known, headline)


def logged(ops: Ops, symbol: str, ids: Sequence[str], *, until: int) -> tuple[Headline, ...]:
    """A symbol's headlines as the log had them at `until` (our clock, UTC ns); one that is not there is left out."""
    found = (ops.rows(_LAST, [_ref(symbol, name), until]) for name in ids)
    return tuple(msgspec.json.decode(str(row[0]["body"]), type=Headline) for row in found if row)


def _ref(symbol: str, headline_id: str) -> str:
    return f"{symbol} {headline_id}"
