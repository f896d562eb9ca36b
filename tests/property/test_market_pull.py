"""Whatever the exchange's holes, pages and failures, and wherever it is interrupted: a pull ends with what there is."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from deepalpha.errors import ProviderError
from deepalpha.market import Catalog, pull_bars
from deepalpha.market.bars import SCHEMA
from deepalpha.types import DAY, SECOND, Instrument

MINUTE = 60 * SECOND
START = 19_723 * DAY
BARS = 120


def bars(minutes: list[int]) -> pl.DataFrame:
    rows = [(START + at * MINUTE, 10.0 + at, 11.5 + at, 9.5 + at, 10.25 + at, at / 4) for at in minutes]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


class Killed(Exception):
    """Stands for the end of the process."""


@dataclass
class History:
    """An exchange in memory: `BarHistory`. A script says what each answer is before answers become good."""

    there: list[int]
    page_bars: int
    script: list[str] = field(default_factory=list)
    asked: int = 0
    name: str = "fake"

    def retry_after_s(self) -> float:
        return 0.0

    def now(self) -> int:
        return START + DAY

    def instrument(self, symbol: str) -> Instrument:
        return Instrument(symbol=symbol)

    def page(self, symbol: str, timeframe: str, since: int) -> pl.DataFrame:
        self.asked += 1
        said = self.script.pop(0) if self.script else "whole"
        if said == "fail":
            raise ProviderError("no", retryable=True)
        if said == "kill":
            raise Killed
        first = -(-(since - START) // MINUTE)
        found = [at for at in self.there if at >= first][: self.page_bars]
        return bars(found[: max(1, len(found) // 2)] if said == "short" else found)


@settings(deadline=None, max_examples=60)
@given(
    there=st.sets(st.integers(0, BARS - 1), min_size=1).map(sorted),
    stored=st.sets(st.integers(0, BARS - 1)),
    page=st.integers(3, 50),
    script=st.lists(st.sampled_from(["whole", "fail", "short", "kill"]), max_size=30),
)
def test_a_pull_ends_with_every_bar_the_exchange_has_and_asks_for_no_hole_again(
    there: list[int], stored: set[int], page: int, script: list[str]
) -> None:
    history = History(there, page, list(script))
    had = sorted(stored & set(there))
    with tempfile.TemporaryDirectory() as place:
        catalog = Catalog(Path(place))
        if had:
            catalog.write("A/B", "1m", bars(had))
        while True:
            try:
                report = pull_bars(
                    catalog,
                    history,
                    "A/B",
                    "1m",
                    since=START,
                    until=START + BARS * MINUTE,
                    sleep=lambda seconds: None,
                )
            except Killed:
                continue
            break
        assert catalog.read("A/B", "1m").drop("ts_event").equals(bars(there))
        assert (report.bars, report.hole_bars, report.missing_bars) == (len(there), BARS - len(there), 0)
        assert report.conflict_count == 0
        asked = history.asked
        again = pull_bars(catalog, history, "A/B", "1m", since=START, until=START + BARS * MINUTE)
        assert (again.new_bars, history.asked) == (0, asked)
