"""An exchange's history into the catalog: resumable, exact at the edges, and honest about holes.

# How
What is wanted is the grid of bars in [since, until) that have closed by the exchange's clock; what is asked for is that
grid less the stored bars and less the holes the exchange is known to have. So a first pull, a continued one and the
repair of a gap are the same thing. Bars reach the catalog in pieces, each a whole file replaced by rename: a kill at
any moment leaves bars that are asked for no more, and the finished file is the same as without the kill.

# Invariants
- A stored bar is never replaced. Each request begins one bar early where that bar is known: another answer than the
  stored one is a conflict, reported and left to a person.
- The bar that is still open is not stored. A row that is no bar, or off the grid, is refused, counted and not stored.
- A bar the exchange did not give although it gave later ones, or nothing at all, an hour after its close, is a hole of
  the exchange: written to `holes.json` beside the bars and not asked for again (`ask_holes=True` does).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from deepalpha.errors import MarketDataError, ProviderError, StoreError
from deepalpha.market.bars import COLUMNS, SCHEMA, broken_rule
from deepalpha.market.catalog import Catalog
from deepalpha.market.exchange import BarHistory
from deepalpha.market.parquet import replace_file
from deepalpha.market.symbols import encode_symbol
from deepalpha.market.timeframes import bucket_end, check_timeframe
from deepalpha.types import SECOND, Fact, encode

SETTLED = 3600 * SECOND
_FLUSH_ROWS = 20_000
_FLUSH_S = 15.0
_LONGEST_WAIT_S = 60.0
_MOST_BARS = 50_000_000
_LISTED = 100
_EMPTY_ANSWERS = 3
Times = NDArray[np.int64]
_Answer = TypeVar("_Answer")


def _quiet(_line: str) -> None:
    pass


class Conflict(Fact, frozen=True):
    """A bar the exchange now gives otherwise than it is stored; open, high, low, close, volume of each."""

    ts_open: int
    stored: tuple[float, ...]
    offered: tuple[float, ...]


class PullReport(Fact, frozen=True):
    """What a pull did.

    Attributes:
        new_bars: stored by this pull; bars: stored in the wanted range now.
        missing_bars: wanted, not stored, and not a known hole: 0 after a pull that came to its end, but for bars the
            exchange may still publish.
        hole_bars: of the wanted range, bars the exchange does not have.
        conflict_count, conflicts: see `Conflict`; the first 100 are listed.
        refused: rule -> rows of the exchange that are no bars.
    """

    symbol: str
    timeframe: str
    exchange: str
    since: int
    until: int
    new_bars: int
    bars: int
    missing_bars: int
    hole_bars: int
    pages: int
    retries: int
    conflict_count: int
    conflicts: tuple[Conflict, ...]
    refused: dict[str, int]

    @property
    def problems(self) -> tuple[str, ...]:
        """What a person must look at, in words."""
        found = [f"{count} rows of {self.exchange} were refused: {rule}" for rule, count in self.refused.items()]
        if self.conflicts:
            first = self.conflicts[0]
            found.append(
                f"{self.conflict_count} stored bars differ from what {self.exchange} gives now, the first at "
                f"{_words(first.ts_open)} (stored {first.stored}, offered {first.offered}); nothing was replaced. "
                "Delete the stored file to take the exchange's"
            )
        return tuple(found)


class _Holes(Fact, frozen=True):
    """Ranges [start, end) of ts_open the exchange has no bars in, ascending and apart."""

    exchange: str
    ranges: tuple[tuple[int, int], ...] = ()


def pull_bars(
    catalog: Catalog,
    history: BarHistory,
    symbol: str,
    timeframe: str,
    *,
    since: int,
    until: int | None = None,
    ask_holes: bool = False,
    deadline_s: float = 300.0,
    progress: Callable[[str], None] = _quiet,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> PullReport:
    """Bring the catalog's bars of [since, until) up to what the exchange has.

    Args:
        catalog: where the bars go.
        history: the exchange.
        symbol: as the exchange and the catalog name it, such as ``BTC/USDT``.
        timeframe: such as ``1m``.
        since: UTC ns of the first bar wanted.
        until: UTC ns; bars that open at or after it are not wanted. None: up to the last closed bar.
        ask_holes: ask again for holes the exchange had before.
        deadline_s: give up when retries have brought no answer for so long; what was stored stays.
        progress: gets a line now and then.
        sleep, clock: for tests.

    Raises:
        MarketDataError: the exchange does not have the symbol or the timeframe, or the range is empty or too long.
        ProviderError: no answer within the deadline (retryable: run it again), or a refusal.
        StoreError: the catalog cannot be written.
    """
    run = _Pull(catalog, history, symbol, timeframe, deadline_s, progress, sleep, clock)
    return run.run(since, until, ask_holes=ask_holes)


class _Pull:
    """One run; the fields are its counters and the bars that wait to be stored."""

    def __init__(
        self,
        catalog: Catalog,
        history: BarHistory,
        symbol: str,
        timeframe: str,
        deadline_s: float,
        progress: Callable[[str], None],
        sleep: Callable[[float], None],
        clock: Callable[[], float],
    ) -> None:
        self.catalog, self.history, self.symbol, self.timeframe = catalog, history, symbol, timeframe
        self.deadline_s, self.progress, self.sleep, self.clock = deadline_s, progress, sleep, clock
        self.step = check_timeframe(timeframe)
        place = catalog.root / f"symbol={encode_symbol(symbol)}" / f"timeframe={timeframe}"
        self.holes_path = place / "holes.json"
        self.stored = pl.DataFrame(schema=SCHEMA)
        self.waiting: list[pl.DataFrame] = []
        self.known_holes: tuple[tuple[int, int], ...] = ()
        self.new_holes: list[tuple[int, int]] = []
        self.pages = self.retries = self.new_bars = self.conflict_count = 0
        self.conflicts: list[Conflict] = []
        self.refused: dict[str, int] = {}
        self.seen_refused: set[int] = set()
        self.flushed_at = clock()

    def run(self, since: int, until: int | None, *, ask_holes: bool) -> PullReport:
        self.instrument = self._retried(lambda: self.history.instrument(self.symbol))
        now = self._retried(self.history.now)
        grid = self._grid(since, min(now, until) if until is not None else now, now)
        if self.catalog.has(self.symbol, self.timeframe):
            self.stored = self.catalog.read(self.symbol, self.timeframe).select(COLUMNS)
        self.known_holes = self._holes()
        if ask_holes:
            self.known_holes = _outside(self.known_holes, int(grid[0]), int(bucket_end(grid[-1:], self.timeframe)[0]))
        wanted = grid[~np.isin(grid, self.stored["ts_open"].to_numpy()) & ~_inside(grid, self.known_holes)]
        self.progress(
            f"{self.symbol} {self.timeframe} of {self.history.name}: {len(grid)} bars wanted, {len(wanted)} to ask for"
        )
        try:
            absent = self._ask(wanted, now)
            # An answer may be short by mistake: only what is not there twice is a hole of the exchange.
            self._note_holes(self._ask(absent, now))
        finally:
            self._flush()
        known = _merged(self.known_holes, self.new_holes)
        lacking = ~np.isin(grid, self.stored["ts_open"].to_numpy())
        in_holes = lacking & _inside(grid, known)
        return PullReport(
            symbol=self.symbol,
            timeframe=self.timeframe,
            exchange=self.history.name,
            since=int(grid[0]),
            until=int(bucket_end(grid[-1:], self.timeframe)[0]),
            new_bars=self.new_bars,
            bars=int((~lacking).sum()),
            missing_bars=int((lacking & ~in_holes).sum()),
            hole_bars=int(in_holes.sum()),
            pages=self.pages,
            retries=self.retries,
            conflict_count=self.conflict_count,
            conflicts=tuple(self.conflicts),
            refused=self.refused,
        )

    def _grid(self, since: int, until: int, now: int) -> Times:
        """ts_open of every bar that opens in [since, until) and has closed."""
        if (until - since) // self.step > _MOST_BARS:
            raise MarketDataError(
                f"{_words(since)} to {_words(until)} are more than {_MOST_BARS:,} bars of {self.timeframe}; pull a part"
            )
        first = int(bucket_end([since - 1], self.timeframe)[0])
        if self.timeframe == "1mo":
            opens = [first]
            while opens[-1] < until:
                opens.append(int(bucket_end(opens[-1:], self.timeframe)[0]))
            grid = np.array(opens, dtype=np.int64)
        else:
            grid = np.arange(first, until, self.step, dtype=np.int64)
        grid = grid[grid < until]
        grid = grid[bucket_end(grid, self.timeframe) <= now] if len(grid) else grid
        if not len(grid):
            raise MarketDataError(
                f"no {self.timeframe} bar opens at or after {_words(since)} and has closed by "
                f"{_words(min(until, now))}; choose an earlier --since or a later --until"
            )
        return grid

    def _ask(self, wanted: Times, now: int) -> Times:
        """Ask for wanted bars, oldest first; returns those that closed an hour ago and more and were not given."""
        at = 0
        room = self.history.page_bars
        absent: list[Times] = []
        while at < len(wanted):
            begin = int(wanted[at])
            page = self._page(self._overlap(begin), begin)
            opens = np.sort(page["ts_open"].to_numpy())
            # An answer speaks for the bars up to its last one; without any, for those it had room for.
            reached = int(opens[-1]) if len(opens) else 0
            covered = reached if reached >= begin else begin + (room - 2) * self.step
            after = max(int(np.searchsorted(wanted, covered, side="right")), at + 1)
            asked = wanted[at:after]
            bars = self._take(page, asked)
            missed = asked[~np.isin(asked, bars["ts_open"].to_numpy())]
            absent.append(missed[missed < now - SETTLED - self.step])
            at = after
            if len(bars):
                self.waiting.append(bars)
            rows = sum(len(frame) for frame in self.waiting)
            if rows >= max(_FLUSH_ROWS, len(self.stored) // 4) or (rows and self.clock() - self.flushed_at > _FLUSH_S):
                self._flush()
        missing = np.concatenate([*absent, np.empty(0, dtype=np.int64)])
        return missing[~np.isin(missing, np.array(sorted(self.seen_refused), dtype=np.int64))]

    def _overlap(self, begin: int) -> int:
        """Where to begin so that the answer repeats a bar we know; `begin` if there is none just before it."""
        before = begin - self.step
        last = self.waiting[-1]["ts_open"][-1] if self.waiting else None
        known = last == before or len(self.stored.filter(pl.col("ts_open") == before))
        return before if known and self.timeframe != "1mo" else begin

    def _page(self, since: int, begin: int) -> pl.DataFrame:
        """One answer. An empty one that lacks even the bar we know is a mistake at first, and believed in the end."""
        empty = 0

        def ask() -> pl.DataFrame:
            nonlocal empty
            page = self.history.page(self.symbol, self.timeframe, since)
            if page.is_empty() and since < begin and (empty := empty + 1) <= _EMPTY_ANSWERS:
                raise ProviderError(
                    f"{self.history.name} has nothing from {_words(since)} on, not even what is stored", retryable=True
                )
            return page

        page = self._retried(ask)
        self.pages += 1
        return page

    def _take(self, page: pl.DataFrame, asked: Times) -> pl.DataFrame:
        """The page's bars that were asked for; those we know are compared, those that are none counted."""
        rules = page.select("ts_open", broken_rule())
        opens = page["ts_open"].fill_null(0).to_numpy()
        off = bucket_end(opens - 1, self.timeframe) != opens if len(page) else np.zeros(0, dtype=bool)
        rules = rules.with_columns(rule=pl.when(pl.Series(off)).then(pl.lit("off_grid")).otherwise("rule"))
        for moment, rule in rules.drop_nulls("rule").filter(pl.col("ts_open") <= int(asked[-1])).iter_rows():
            if moment not in self.seen_refused:
                self.seen_refused.add(moment)
                self.refused[rule] = self.refused.get(rule, 0) + 1
        good = page.filter(rules["rule"].is_null()).unique("ts_open", keep="first", maintain_order=True).sort("ts_open")
        self._compare(good)
        return good.filter(pl.Series(np.isin(good["ts_open"].to_numpy(), asked)))

    def _compare(self, page: pl.DataFrame) -> None:
        if page.is_empty():
            return
        span = pl.col("ts_open").is_between(page["ts_open"][0], page["ts_open"][-1])
        known = pl.concat([self.stored.filter(span), *(frame.filter(span) for frame in self.waiting)])
        both = known.join(page, on="ts_open", how="inner", suffix="_offered")
        differs = pl.any_horizontal(pl.col(name) != pl.col(f"{name}_offered") for name in COLUMNS[1:])
        for row in both.filter(differs).sort("ts_open").iter_rows():
            if all(conflict.ts_open != row[0] for conflict in self.conflicts):
                self.conflict_count += 1
                if len(self.conflicts) < _LISTED:
                    self.conflicts.append(Conflict(ts_open=row[0], stored=row[1:6], offered=row[6:11]))

    def _note_holes(self, absent: Times) -> None:
        for part in np.split(absent, np.flatnonzero(np.diff(absent) > self.step) + 1):
            if len(part):
                self.new_holes.append((int(part[0]), int(bucket_end(part[-1:], self.timeframe)[0])))

    def _flush(self) -> None:
        """Store what waits: the bars first, then the holes between them."""
        if self.waiting:
            fresh = pl.concat(self.waiting)
            card = None if self.symbol in self.catalog.symbols() else self.instrument
            self.catalog.write(self.symbol, self.timeframe, fresh, instrument=card)
            self.stored = pl.concat([self.stored, fresh]).sort("ts_open")
            self.new_bars += len(fresh)
            self.waiting = []
            last = _words(int(fresh["ts_open"][-1]))
            self.progress(f"{self.new_bars} bars stored, up to {last}; {self.pages} pages, {self.retries} retries")
        self.flushed_at = self.clock()
        ranges = _merged(self.known_holes, self.new_holes)
        if len(self.stored) and ranges != self._holes():
            try:
                replace_file(self.holes_path, encode(_Holes(exchange=self.history.name, ranges=ranges)))
            except OSError as error:
                raise StoreError(f"{self.holes_path} cannot be written ({error.strerror}); free the disk") from error

    def _holes(self) -> tuple[tuple[int, int], ...]:
        """The known holes of this exchange; another exchange's do not count."""
        if not self.holes_path.exists():
            return ()
        try:
            found = msgspec.json.decode(self.holes_path.read_bytes(), type=_Holes)
        except (OSError, msgspec.MsgspecError) as error:
            raise MarketDataError(f"{self.holes_path} cannot be read ({error}); delete it and pull again") from error
        return found.ranges if found.exchange == self.history.name else ()

    def _retried(self, call: Callable[[], _Answer]) -> _Answer:
        """Call until there is an answer: backoff doubles from half a second to a minute, Retry-After is obeyed."""
        begin, wait = self.clock(), 0.5
        while True:
            try:
                return call()
            except ProviderError as error:
                pause = max(wait, self.history.retry_after_s())
                if not error.retryable or self.clock() + pause - begin > self.deadline_s:
                    kept = f"; {self.new_bars} new bars are stored" if error.retryable else ""
                    again = ", run it again to continue" if error.retryable else ""
                    raise ProviderError(f"{error}{kept}{again}", retryable=error.retryable) from error
                self.retries += 1
                self.progress(f"{error}; trying again in {pause:g} s")
                self.sleep(pause)
                wait = min(2 * wait, _LONGEST_WAIT_S)


def _words(ts: int) -> str:
    return str(np.datetime64(ts, "ns").astype("datetime64[s]"))


def _inside(times: Times, ranges: tuple[tuple[int, int], ...]) -> NDArray[np.bool_]:
    """Which times lie in one of the ranges [start, end)."""
    if not ranges:
        return np.zeros(len(times), dtype=bool)
    starts, ends = np.array(ranges, dtype=np.int64).T
    at = np.searchsorted(starts, times, side="right") - 1
    found: NDArray[np.bool_] = (at >= 0) & (times < ends[np.maximum(at, 0)])
    return found


def _outside(ranges: tuple[tuple[int, int], ...], start: int, end: int) -> tuple[tuple[int, int], ...]:
    """The parts of ranges before `start` and from `end` on."""
    before = [(low, min(high, start)) for low, high in ranges if low < start]
    return (*before, *((max(low, end), high) for low, high in ranges if high > end))


def _merged(old: tuple[tuple[int, int], ...], new: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The union of ranges, ascending; ranges that touch become one."""
    union: list[tuple[int, int]] = []
    for start, end in sorted([*old, *new]):
        if union and start <= union[-1][1]:
            union[-1] = (union[-1][0], max(end, union[-1][1]))
        else:
            union.append((start, end))
    return tuple(union)
