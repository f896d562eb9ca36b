"""Invariants of catalog, replay and news over random bars: nothing is lost, nothing is seen early."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from deepalpha.market import Catalog, NewsBook, ReplaySource
from deepalpha.market.bars import SCHEMA
from deepalpha.types import DAY, Headline

HOURS = st.lists(st.integers(0, 60), min_size=1, max_size=40, unique=True)
BOOKS = st.dictionaries(st.sampled_from(["A", "B/C", "D.E"]), HOURS, min_size=1)


def bars(hours: list[int], shift: float = 0.0) -> pl.DataFrame:
    # Computed one by one: vectorised float arithmetic may differ in the last bit with the length of the frame.
    rows = [(h * DAY // 24, p, p + 1, p / 2, p, p * 100) for h, p in ((hour, hour / 24 + 1 + shift) for hour in hours)]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@contextmanager
def catalog_of(book: dict[str, list[int]]) -> Iterator[Catalog]:
    with tempfile.TemporaryDirectory() as root:
        catalog = Catalog(root)
        for shift, (symbol, hours) in enumerate(book.items()):
            catalog.write(symbol, "1h", bars(hours, shift))
        yield catalog


@settings(max_examples=60, deadline=None)
@given(book=BOOKS, start=st.none() | st.integers(0, 60), after=st.integers(0, 62))
def test_steps_are_the_bars_merged_by_close_time(book: dict[str, list[int]], start: int | None, after: int) -> None:
    hour = DAY // 24
    begin = 0 if start is None else start
    expected = sorted(
        (end, order) for order, symbol in enumerate(book) for end in (h + 1 for h in book[symbol] if h >= begin)
    )
    if not expected:
        return
    with catalog_of(book) as catalog:
        source = ReplaySource(catalog, list(book), "1h", start=None if start is None else start * hour)
        found = [
            (step.ts_event // hour, source.symbols.index(candle.symbol))
            for step in source.steps(after * hour)
            for candle in step.candles
        ]
        assert found == [pair for pair in expected if pair[0] > after]
        assert source.count_steps(after * hour) == len({end for end, _ in expected if end > after})


@settings(max_examples=60, deadline=None)
@given(book=BOOKS, asof=st.integers(-1, 64 * DAY // 24), count=st.integers(1, 50))
def test_a_window_holds_the_last_closed_bars_and_no_later_one(
    book: dict[str, list[int]], asof: int, count: int
) -> None:
    with catalog_of(book) as catalog:
        source = ReplaySource(catalog, list(book), "1h")
        for symbol, hours in book.items():
            window = source.window(symbol, asof, count)
            closed = sorted(h * DAY // 24 for h in hours if (h + 1) * DAY // 24 <= asof)
            assert window["ts_open"].tolist() == closed[-count:]
            assert (window["ts_event"] <= asof).all()


@settings(max_examples=40, deadline=None)
@given(hours=HOURS, cut=st.integers(0, 61), count=st.integers(1, 50))
def test_later_bars_cannot_change_a_window(hours: list[int], cut: int, count: int) -> None:
    later = [hour for hour in hours if hour >= cut]
    if len(later) == len(hours):
        return
    with catalog_of({"A": hours}) as whole, catalog_of({"A": hours}) as other:
        if later:
            other.write("A", "1h", bars(later, shift=1e6), replace=True)
        one, two = (
            ReplaySource(catalog, ["A"], "1h").window("A", cut * DAY // 24, count) for catalog in (whole, other)
        )
        assert all(np.array_equal(one[name], two[name]) for name in one)


@settings(max_examples=60, deadline=None)
@given(hours=HOURS, data=st.data())
def test_writing_in_pieces_in_any_order_is_writing_at_once(hours: list[int], data: st.DataObject) -> None:
    pieces = data.draw(st.lists(st.lists(st.sampled_from(hours), unique=True, min_size=1), max_size=5))
    with catalog_of({"A": hours}) as whole, tempfile.TemporaryDirectory() as root:
        parts = Catalog(root)
        for piece in [*pieces, hours]:
            parts.write("A", "1h", bars(piece))
        assert parts.read("A", "1h").equals(whole.read("A", "1h"))


TITLES = st.sampled_from(["Profit up", "PROFIT  up!", "Loss", "Sale"])


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.tuples(TITLES, st.integers(0, 50), st.integers(0, 50))),
    asof=st.integers(-1, 60),
    within=st.integers(1, 60),
)
def test_news_is_what_was_known_then_each_story_once(rows: list[tuple[str, int, int]], asof: int, within: int) -> None:
    headlines = [
        Headline(
            id=str(number),
            title=title,
            source="s",
            symbols=("A",),
            ts_published=published,
            ts_known=published + delay,
        )
        for number, (title, published, delay) in enumerate(rows)
    ]
    found = NewsBook(headlines).known("A", asof, within)
    inside = [item for item in headlines if item.ts_known <= asof and item.ts_published > asof - within]
    assert set(found) <= set(inside)
    assert {"".join(filter(str.isalpha, item.title)).lower() for item in found} == {
        "".join(filter(str.isalpha, item.title)).lower() for item in inside
    }
    assert len(found) == len({item.title.lower().strip("!").replace("  ", " ") for item in found})
    assert [item.ts_known for item in found] == sorted(item.ts_known for item in found)
    late = [item for item in headlines if item.ts_known <= asof]
    assert NewsBook(late).known("A", asof, within) == found
