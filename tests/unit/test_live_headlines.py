"""Where the agents' headlines come from: files, feeds, and what happens when one cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepalpha.config import AgentSettings, Settings, Workspace
from deepalpha.errors import MarketDataError
from deepalpha.live import Loop
from deepalpha.live.headlines import collect
from deepalpha.types import DAY, SECOND

NOW = 1_400_000_000 * SECOND
FEED = """<rss version="2.0"><channel><title>Wire</title><item><title>Apple beats estimates</title>
<pubDate>Mon, 12 May 2014 10:00:00 GMT</pubDate></item></channel></rss>"""


def test_reads_files_and_feeds_and_a_feed_is_known_from_when_it_was_read(tmp_path: Path) -> None:
    lines = tmp_path / "mine.jsonl"
    lines.write_text('{"title": "Apple wins", "symbols": ["AAPL"], "published": "2014-05-10T10:00:00Z"}\n')
    feed = tmp_path / "feed.xml"
    feed.write_text(FEED)
    book, problems = collect(AgentSettings(headlines=(str(lines),), feeds={"AAPL": (str(feed),)}), now=NOW)
    assert problems == []
    titles = [headline.title for headline in book.known("AAPL", NOW, 10 * DAY)]
    assert titles == ["Apple wins", "Apple beats estimates"]
    assert [headline.title for headline in book.known("AAPL", NOW - 1, 10 * DAY)] == ["Apple wins"]


def test_a_headline_file_that_is_not_there_stops_the_start_by_name() -> None:
    with pytest.raises(MarketDataError, match="no/such"):
        collect(AgentSettings(headlines=("no/such.jsonl",)), now=NOW)


def test_a_feed_that_cannot_be_read_is_recorded_and_the_engine_starts(tmp_path: Path) -> None:
    settings = Settings.from_mapping(
        {"symbols": ["AAPL"], "replay": {"start": "2013-02-25"}, "agents": {"feeds": {"AAPL": ["no/such/feed.xml"]}}}
    )
    loop = Loop(Workspace(tmp_path / "ws"), settings)
    (row,) = loop.ops.rows("SELECT status, body FROM audit WHERE kind = 'news'")
    assert row["status"] == "failed"
    assert "no/such/feed.xml" in row["body"]
