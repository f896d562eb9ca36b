"""Feeds that are read again while the engine runs: a thread reads, the loop takes what is new between its steps.

Each feed has its own time: `interval_s` after an answer; after a failure the interval doubles, up to an hour, and a
Retry-After is obeyed. ETag and Last-Modified are sent back, so that an unchanged feed costs one small answer. A
headline counts as known from the later of its date and the moment it was read; read again, it stays known from the
first time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from deepalpha.errors import MarketDataError, ProviderError
from deepalpha.market.news import FeedError, read_feed
from deepalpha.market.symbols import check_symbol
from deepalpha.types import SECOND, Headline

LONGEST_WAIT_S = 3600.0
_MOST_WAITING = 10_000


class News(NamedTuple):
    """What came since the last `take`."""

    headlines: tuple[Headline, ...]
    problems: tuple[str, ...]


class _Feed:
    """One address for one symbol, and when it is due."""

    def __init__(self, symbol: str, address: str, due: int) -> None:
        self.symbol, self.address, self.due = symbol, address, due
        self.validators: dict[str, str] = {}
        self.seen: frozenset[str] = frozenset()
        self.failures = 0


class NewsRefresher:
    """Reads feeds again and again; use `start`/`stop`, or `poll` by yourself.

    Args:
        feeds: symbol -> addresses.
        interval_s: between two readings of a feed, at least one second; the first is due after it.
        timeout_s: deadline for one download.
        clock: UTC ns.
    """

    def __init__(
        self,
        feeds: Mapping[str, Sequence[str]],
        *,
        interval_s: float = 300.0,
        timeout_s: float = 10.0,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        if interval_s < 1:
            raise MarketDataError(f"feeds cannot be read every {interval_s} s; choose at least 1 s")
        self._interval, self._timeout, self._clock = interval_s, timeout_s, clock
        first = clock() + int(interval_s * SECOND)
        self._feeds = [
            _Feed(check_symbol(symbol), address, first) for symbol, some in feeds.items() for address in some
        ]
        self._lock = threading.Lock()
        self._headlines: list[Headline] = []
        self._problems: list[str] = []
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin reading in a thread; without feeds, or when it runs, nothing happens."""
        if self._feeds and self._thread is None:
            self._stopped = threading.Event()  # a new one: a thread that was stopped must not go on
            self._thread = threading.Thread(target=self._run, name="news feeds", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread; a download in hand is left to its deadline and its news are not waited for."""
        self._stopped.set()
        self._thread = None

    def take(self) -> News:
        """What is new, once; never waits for the network."""
        with self._lock:
            found = News(tuple(self._headlines), tuple(self._problems))
            self._headlines, self._problems = [], []
        return found

    def poll(self) -> float:
        """Read every feed that is due; returns the seconds until the next is."""
        for feed in self._feeds:
            if self._clock() >= feed.due and not self._stopped.is_set():
                self._read(feed)
        nearest = min((feed.due for feed in self._feeds), default=self._clock() + int(LONGEST_WAIT_S * SECOND))
        return max(0.0, (nearest - self._clock()) / SECOND)

    def _read(self, feed: _Feed) -> None:
        try:
            answer = read_feed(
                feed.address,
                symbols=(feed.symbol,),
                fetched_at=self._clock(),
                timeout_s=self._timeout,
                validators=feed.validators,
            )
        except ProviderError as error:
            feed.failures += 1
            asked = error.retry_after_s if isinstance(error, FeedError) else 0.0
            wait = max(min(self._interval * 2**feed.failures, max(LONGEST_WAIT_S, self._interval)), asked)
            feed.due = self._clock() + int(wait * SECOND)
            if feed.failures == 1:  # once a failure, not once a try
                with self._lock:
                    self._problems = [*self._problems, f"{feed.symbol}: {error}"][-_MOST_WAITING:]
            return
        feed.failures = 0
        feed.due = self._clock() + int(self._interval * SECOND)
        feed.validators = answer.validators
        if answer.changed:
            new = [headline for headline in answer.headlines if headline.id not in feed.seen]
            feed.seen = frozenset(headline.id for headline in answer.headlines)
            with self._lock:
                self._headlines = [*self._headlines, *new][-_MOST_WAITING:]

    def _run(self) -> None:
        stopped = self._stopped
        while not stopped.is_set():
            stopped.wait(min(self.poll(), LONGEST_WAIT_S))
