"""News is cut at what was known, and comes in clean or not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deepalpha.errors import MarketDataError, ProviderError
from deepalpha.market import NewsBook, fetch_feed, load_headlines
from deepalpha.market.news import clean_title, normalised
from deepalpha.types import DAY, SECOND, Headline

FIXTURES = Path(__file__).parents[1] / "fixtures" / "market"
LATE = 2_000_000_000 * SECOND


def headline(title: str, *, published: int, known: int | None = None, symbols: tuple[str, ...] = ("AAPL",)) -> Headline:
    return Headline(
        id=f"{title}-{published}",
        title=title,
        source="test",
        symbols=symbols,
        ts_published=published,
        ts_known=published if known is None else known,
    )


def titles(found: tuple[Headline, ...]) -> list[str]:
    return [item.title for item in found]


def test_a_headline_is_unknown_until_its_time_has_come() -> None:
    book = NewsBook([headline("early", published=10), headline("fetched late", published=5, known=20)])
    assert titles(book.known("AAPL", 9, DAY)) == []
    assert titles(book.known("AAPL", 10, DAY)) == ["early"]
    assert titles(book.known("AAPL", 19, DAY)) == ["early"]
    assert titles(book.known("AAPL", 20, DAY)) == ["early", "fetched late"]


def test_old_news_leaves_even_when_it_was_fetched_just_now() -> None:
    book = NewsBook([headline("old", published=0, known=2 * DAY), headline("new", published=2 * DAY)])
    assert titles(book.known("AAPL", 2 * DAY, DAY)) == ["new"]


def test_only_news_of_the_symbol_is_shown() -> None:
    book = NewsBook([headline("both", published=1, symbols=("AAPL", "IBM")), headline("one", published=2)])
    assert titles(book.known("IBM", 9, DAY)) == ["both"]
    assert titles(book.known("MSFT", 9, DAY)) == []


def test_the_same_story_twice_is_shown_once_as_it_was_first_known() -> None:
    book = NewsBook(
        [headline("Apple, Inc. BEATS estimates!", published=5), headline("apple inc  beats estimates", published=3)]
    )
    assert [item.ts_published for item in book.known("AAPL", 9, DAY)] == [3]


def test_the_same_words_a_year_later_are_news_again() -> None:
    book = NewsBook([headline("Apple beats estimates", published=day * DAY) for day in (1, 365)])
    assert [item.ts_published for item in book.known("AAPL", 366 * DAY, 7 * DAY)] == [365 * DAY]


def test_titles_lose_what_hides_or_reorders_text() -> None:
    assert clean_title("A\u202eB\u200bC\ufeff\u2066D") == "ABCD"
    assert clean_title("  line\none\x00two\u2028three\t four ") == "line one two three four"
    assert clean_title("ﬁne ＡＰＰＬ") == "fine APPL"
    assert clean_title("\ud800\ue000") == ""
    assert len(clean_title("word " * 200)) <= 300
    assert len(clean_title("\ufdfa" * 300)) <= 300
    assert normalised("Café—OPENS  today.") == normalised("café opens: today")


def test_reads_json_lines_and_csv_alike(tmp_path: Path) -> None:
    lines, table = tmp_path / "wire.jsonl", tmp_path / "wire.csv"
    lines.write_text(
        '{"title": "B", "published": "2012-01-02T00:00:00+01:00", "symbols": ["AAPL", "BTC/USDT"]}\n\n'
        '{"title": "A", "published": "2012-01-01", "known": "2012-01-01T06:00:00Z", "symbols": []}\n',
        encoding="utf-8",
    )
    table.write_text(
        "Title,Published,Known,Symbols\n"
        "B,2012-01-02T00:00:00+01:00,,AAPL BTC/USDT\nA,2012-01-01,2012-01-01T06:00:00Z,\n",
        encoding="utf-8-sig",
    )
    found = load_headlines(lines)
    assert found == load_headlines(table)
    assert titles(found) == ["A", "B"]
    start = 1_325_376_000 * SECOND
    assert [item.ts_published - start for item in found] == [0, 23 * 3600 * SECOND]
    assert [item.ts_known - start for item in found] == [6 * 3600 * SECOND, 23 * 3600 * SECOND]
    assert found[1].symbols == ("AAPL", "BTC/USDT")
    assert found[0].source == "wire"
    assert len({item.id for item in found}) == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"title": "x"}', "no 'published'"),
        ('{"published": "2012-01-01"}', "no 'title'"),
        ('{"title": "x", "published": "soon"}', "Invalid isoformat"),
        ('{"title": "\\u200b", "published": "2012-01-01"}', "title is empty"),
        ('{"title": "x", "published": "2012-01-01", "symbols": "AAPL"}', "is not a list"),
        ('{"title": "x", "published": "2012-01-01", "symbols": ["../x"]}', "is not a symbol"),
        ("[]", "is not a JSON object"),
        ("{", "is not a JSON object"),
    ],
)
def test_a_bad_line_is_named_with_file_and_number(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "news.jsonl"
    path.write_text('{"title": "fine", "published": "2012-01-01"}\n' + content, encoding="utf-8")
    with pytest.raises(MarketDataError, match=rf"line 2 of .*news\.jsonl.*{said}"):
        load_headlines(path)


def test_a_missing_or_binary_file_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(MarketDataError, match="cannot be read"):
        load_headlines(tmp_path / "none.jsonl")
    (tmp_path / "binary.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MarketDataError, match="cannot be read"):
        load_headlines(tmp_path / "binary.jsonl")


def test_a_feed_gives_clean_headlines_known_from_when_we_fetched_it() -> None:
    found = fetch_feed(FIXTURES / "rss.xml", symbols=["AAPL"], fetched_at=LATE)
    assert titles(found) == [
        "Apple & IBM sign a deal",
        "Apple beats estimates desrever",
        "Bold claim",
        "Nobody says when this was",
    ]
    assert {item.ts_known for item in found} == {LATE}
    assert found[0].ts_published == 1_405_454_700 * SECOND
    assert found[1].ts_published == (1_406_061_000) * SECOND
    assert found[3].ts_published == LATE
    assert {item.source for item in found} == {"Wire of the Fixture"}
    assert {item.symbols for item in found} == {("AAPL",)}
    assert found[0].url == "https://news.example/1"


def test_a_headline_dated_after_fetching_is_not_known_yet() -> None:
    found = fetch_feed(FIXTURES / "atom.xml", symbols=["GOOG"], fetched_at=SECOND)
    assert [(item.title, item.ts_known) for item in found] == [("Google reports", 1_405_628_100 * SECOND)]


def test_fetching_twice_gives_the_same_ids() -> None:
    first = fetch_feed(FIXTURES / "rss.xml", symbols=["AAPL"], fetched_at=LATE)
    again = fetch_feed((FIXTURES / "rss.xml").as_uri(), symbols=["AAPL"], fetched_at=LATE + SECOND)
    assert [item.id for item in first] == [item.id for item in again]


def test_what_is_no_feed_or_no_file_is_refused_for_good(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<html><body>Sign in</body></html>")
    for where, said in (
        (page, "is not an RSS or Atom feed"),
        (tmp_path / "none.xml", "cannot be read"),
        (tmp_path, "cannot be read"),
        ("ftp://news.example/feed", "ftp is not read"),
        ("javascript:alert(1)", "javascript is not read"),
    ):
        with pytest.raises(ProviderError, match=said) as caught:
            fetch_feed(where, symbols=["AAPL"], fetched_at=LATE)
        assert not caught.value.retryable


def test_entities_that_multiply_or_read_files_are_not_expanded(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("top secret")
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
    feed = tmp_path / "bomb.xml"
    feed.write_text(
        f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY l0 "ha">{laughs}<!ENTITY f SYSTEM "{secret.as_uri()}">]>'
        "<rss version='2.0'><channel><title>t</title><item><title>x &l8; &f;</title></item></channel></rss>"
    )
    for item in fetch_feed(feed, symbols=["AAPL"], fetched_at=LATE):
        assert "secret" not in item.title
        assert len(item.title) <= 300


@contextmanager
def serving(status: int, body: bytes = b"", *, headers: tuple[tuple[str, str], ...] = ()) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/feed"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_reads_a_feed_over_http() -> None:
    with serving(200, (FIXTURES / "rss.xml").read_bytes()) as url:
        assert len(fetch_feed(url, symbols=["AAPL"], fetched_at=LATE)) == 4


@pytest.mark.parametrize(("status", "again"), [(404, False), (401, False), (429, True), (503, True)])
def test_an_http_error_says_whether_to_try_again(status: int, again: bool) -> None:
    with serving(status) as url, pytest.raises(ProviderError, match=f"answered {status}") as caught:
        fetch_feed(url, symbols=["AAPL"], fetched_at=LATE)
    assert caught.value.retryable is again


def test_a_redirect_never_leaves_http(tmp_path: Path) -> None:
    (tmp_path / "feed.xml").write_bytes((FIXTURES / "rss.xml").read_bytes())
    for target in ((tmp_path / "feed.xml").as_uri(), "ftp://127.0.0.1/feed"):
        with serving(302, headers=(("Location", target),)) as url, pytest.raises(ProviderError):
            fetch_feed(url, symbols=["AAPL"], fetched_at=LATE)


def test_a_refused_connection_and_a_silent_server_may_be_tried_again() -> None:
    with serving(200) as url:
        pass
    with pytest.raises(ProviderError, match="cannot be fetched") as caught:
        fetch_feed(url, symbols=["AAPL"], fetched_at=LATE, timeout_s=2)
    assert caught.value.retryable
    silent = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)  # listens, never answers
    try:
        with pytest.raises(ProviderError, match="cannot be fetched") as caught:
            fetch_feed(f"http://127.0.0.1:{silent.server_port}/", symbols=["AAPL"], fetched_at=LATE, timeout_s=0.2)
    finally:
        silent.server_close()
    assert caught.value.retryable


def test_an_answer_that_never_ends_is_cut() -> None:
    with serving(200, b" " * 8_000_001) as url, pytest.raises(ProviderError, match="larger than 8000000 bytes"):
        fetch_feed(url, symbols=["AAPL"], fetched_at=LATE)
