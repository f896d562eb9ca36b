"""Feeds are read again while the engine runs: new ones come once, unchanged feeds cost little, failures back off."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deepalpha.config import Settings, Workspace
from deepalpha.errors import MarketDataError
from deepalpha.live import Loop
from deepalpha.market import NewsBook, NewsRefresher
from deepalpha.types import DAY, SECOND

NOON = 1_400_068_800 * SECOND  # 2014-05-14T12:00:00Z


def item(title: str, date: str) -> str:
    return f"<item><title>{title}</title><link>http://x/{title}</link><pubDate>{date}</pubDate></item>"


OLD = item("first", "Mon, 12 May 2014 10:00:00 GMT")
NEW = item("second", "Wed, 14 May 2014 11:00:00 GMT")
FUTURE = item("embargoed", "Fri, 16 May 2014 10:00:00 GMT")


class Wire:
    """A feed on the loopback that knows ETag and Last-Modified, and can fail."""

    def __init__(self) -> None:
        self.items, self.status, self.retry_after = OLD, 200, ""
        self.answers: list[int] = []
        self.asked = threading.Event()
        wire = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments: object) -> None:
                pass

            def do_GET(self) -> None:
                tag = f'"{hash(wire.items)}"'
                same = self.headers["If-None-Match"] == tag and self.headers["If-Modified-Since"] == "yesterday"
                status = wire.status if wire.status != 200 else 304 if same else 200
                wire.answers.append(status)
                body = f'<rss version="2.0"><channel><title>W</title>{wire.items}</channel></rss>'.encode()
                body = b"" if status != 200 else body
                self.send_response(status)
                self.send_header("ETag", tag)
                self.send_header("Last-Modified", "yesterday")
                if wire.retry_after:
                    self.send_header("Retry-After", wire.retry_after)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                wire.asked.set()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/feed"
        threading.Thread(target=self.server.serve_forever, daemon=True, kwargs={"poll_interval": 0.01}).start()


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> int:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reader(wire: Wire, clock: Clock) -> NewsRefresher:
    return NewsRefresher({"AAPL": [wire.url]}, interval_s=60, clock=clock)


def read_due(reader: NewsRefresher, clock: Clock) -> list[str]:
    clock.forward(reader.poll())
    reader.poll()
    return [headline.title for headline in reader.take().headlines]


def test_new_headlines_come_once_and_an_unchanged_feed_is_not_sent_again(
    reader: NewsRefresher, wire: Wire, clock: Clock
) -> None:
    assert reader.poll() == pytest.approx(60)
    assert wire.answers == []
    assert read_due(reader, clock) == ["first"]
    assert read_due(reader, clock) == []
    wire.items += NEW
    assert read_due(reader, clock) == ["second"]
    assert wire.answers == [200, 304, 200]


def test_a_headline_is_known_from_the_later_of_published_and_read_and_stays_so(
    reader: NewsRefresher, wire: Wire, clock: Clock
) -> None:
    book = NewsBook([])
    wire.items = OLD + FUTURE
    clock.forward(60)
    reader.poll()
    headlines = reader.take().headlines
    known = {headline.title: headline.ts_known for headline in headlines}
    assert known["first"] == NOON + 60 * SECOND
    assert known["embargoed"] == next(h.ts_published for h in headlines if h.title == "embargoed") > clock.now
    assert book.add(headlines) == 2
    wire.items = NEW
    read_due(reader, clock)
    wire.items = OLD + FUTURE  # gone and back again
    clock.forward(60)
    reader.poll()
    again = reader.take().headlines
    assert len(again) == 2
    assert book.add(again) == 0
    (first,) = book.known("AAPL", clock.now, 10 * DAY)
    assert first.ts_known == NOON + 60 * SECOND
    assert book.known("AAPL", NOON + 60 * SECOND - 1, 10 * DAY) == ()


def test_failures_back_off_are_told_once_and_end_with_the_first_answer(
    reader: NewsRefresher, wire: Wire, clock: Clock
) -> None:
    wire.status = 503
    waits = []
    problems: list[str] = []
    clock.forward(60)
    for _ in range(8):
        waits.append(reader.poll())
        problems += reader.take().problems
        clock.forward(waits[-1])
    assert waits == pytest.approx([120, 240, 480, 960, 1920, 3600, 3600, 3600])
    assert len(problems) == 1
    assert "503" in problems[0]
    wire.status = 200
    assert reader.poll() == pytest.approx(60)
    assert [headline.title for headline in reader.take().headlines] == ["first"]


def test_the_server_says_when_to_come_again(reader: NewsRefresher, wire: Wire, clock: Clock) -> None:
    wire.status, wire.retry_after = 429, "5000"
    clock.forward(60)
    assert reader.poll() == pytest.approx(5000)


def test_one_failing_feed_does_not_hold_up_another(wire: Wire, clock: Clock, tmp_path: Path) -> None:
    reader = NewsRefresher({"IBM": [str(tmp_path / "none.xml")], "AAPL": [wire.url]}, interval_s=60, clock=clock)
    assert read_due(reader, clock) == ["first"]


def test_an_interval_of_nothing_and_a_symbol_that_is_none_are_refused() -> None:
    with pytest.raises(MarketDataError, match="at least 1 s"):
        NewsRefresher({}, interval_s=0)
    with pytest.raises(MarketDataError, match="not a symbol"):
        NewsRefresher({"../x": ["http://127.0.0.1/"]})


def test_the_thread_reads_and_stops_and_a_stopped_one_does_not_go_on(wire: Wire, clock: Clock) -> None:
    reader = NewsRefresher({"AAPL": [wire.url]}, interval_s=60, clock=clock)
    clock.forward(60)
    reader.start()
    assert wire.asked.wait(10)
    first = next(thread for thread in threading.enumerate() if thread.name == "news feeds")
    reader.stop()
    first.join(10)
    assert not first.is_alive()
    assert len(wire.answers) == 1


def test_the_loop_hears_new_headlines_and_records_a_feed_that_fails(tmp_path: Path, wire: Wire, clock: Clock) -> None:
    settings = Settings.from_mapping(
        {
            "symbols": ["AAPL"],
            "replay": {"start": "2013-02-25"},
            "agents": {"feeds": {"AAPL": [wire.url]}, "headlines": []},
        }
    )
    loop = Loop(Workspace(tmp_path / "ws"), settings, clock=clock)
    wire.items += NEW
    clock.forward(loop.feeds.poll())
    loop.feeds.poll()
    loop.hear()
    titles = [headline.title for headline in loop.news.known("AAPL", clock.now, 10 * DAY)]
    assert titles == ["first", "second"]
    wire.status = 404
    clock.forward(loop.feeds.poll())
    loop.feeds.poll()
    loop.hear()
    (row,) = loop.ops.rows("SELECT body FROM audit WHERE kind = 'news'")
    assert "404" in row["body"]
