"""Headlines: from a file or a feed, cleaned, and cut at what was known at a moment.

A headline may be seen from `ts_known` on, the later of "published" and "we fetched it": a feed read today says nothing
about what could have been known last year. Titles come from strangers, so characters that hide or reorder text are
removed before anybody, a language model included, reads them.
"""

from __future__ import annotations

import calendar
import csv
import hashlib
import html
import http.client
import io
import re
import time
import unicodedata
import urllib.error
import urllib.parse
import urllib.request
from bisect import insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import feedparser
import msgspec

from deepalpha.errors import MarketDataError, ProviderError
from deepalpha.market.symbols import check_symbol
from deepalpha.types import SECOND, Headline

TITLE_LIMIT = 300
FEED_LIMIT = 8_000_000  # bytes; a larger answer is no news feed
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
NOT_MODIFIED = 304
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class NewsBook:
    """Headlines, indexed by symbol and by when they became known.

    Args:
        headlines: in any order.
    """

    def __init__(self, headlines: Iterable[Headline]) -> None:
        self._by_symbol: dict[str, list[Headline]] = {}
        self._ids: set[tuple[str, str]] = set()
        self.add(headlines)

    def entries(self) -> Iterator[tuple[str, Headline]]:
        """Every symbol's headlines as they are kept, in the order they became known."""
        for symbol, kept in self._by_symbol.items():
            for headline in kept:
                yield symbol, headline

    def add(self, headlines: Iterable[Headline]) -> int:
        """Take more; a headline whose id a symbol has already stays as it was first known. Returns how many are new."""
        new = 0
        for headline in sorted(headlines, key=_order):
            fresh = [symbol for symbol in dict.fromkeys(headline.symbols) if (symbol, headline.id) not in self._ids]
            for symbol in fresh:
                insort(self._by_symbol.setdefault(symbol, []), headline, key=_order)
                self._ids.add((symbol, headline.id))
            new += bool(fresh)
        return new

    def since(self, moment: int) -> tuple[Headline, ...]:
        """Headlines that became known after `moment`, in that order, each once."""
        found = {(item.id, item.ts_known): item for items in self._by_symbol.values() for item in items}
        return tuple(sorted((item for item in found.values() if item.ts_known > moment), key=_order))

    def known(self, symbol: str, asof: int, within_ns: int) -> tuple[Headline, ...]:
        """Headlines of a symbol known at `asof` and published less than `within_ns` before it, newest last.

        Of headlines with the same words only the first known one is returned. Symbols without news give ().
        """
        found: dict[str, Headline] = {}
        for headline in self._by_symbol.get(symbol, ()):
            if headline.ts_known > asof:
                break
            if headline.ts_published > asof - within_ns:
                found.setdefault(normalised(headline.title), headline)
        return tuple(found.values())


def _order(headline: Headline) -> tuple[int, int, str]:
    return headline.ts_known, headline.ts_published, headline.id


def clean_title(text: str) -> str:
    """One line of plain text of at most 300 characters: NFKC, no control, zero-width or bidi characters.

    Example:
        >>> clean_title("Apple\\u202e  beats\\n estimates\\u200b")
        'Apple beats estimates'
    """
    kept = []
    for character in unicodedata.normalize("NFKC", text):
        category = unicodedata.category(character)
        if category in ("Cc", "Zl", "Zp"):
            kept.append(" ")
        elif category not in ("Cf", "Cs", "Co", "Cn"):
            kept.append(character)
    return " ".join("".join(kept).split())[:TITLE_LIMIT].rstrip()


def normalised(title: str) -> str:
    """The words of a title, case and punctuation aside: equal for two copies of the same story."""
    return " ".join(re.findall(r"\w+", clean_title(title).casefold()))


def load_headlines(path: str | Path) -> tuple[Headline, ...]:
    """Read headlines from JSON lines (.jsonl) or CSV (.csv), oldest first.

    Each needs `title` and `published` (ISO 8601; without a zone it is UTC). It may have `symbols` (a list; in CSV
    separated by spaces), `source`, `url`, `id`, and `known` (ISO 8601, when it became known; else `published`).

    Raises:
        MarketDataError: the file cannot be read, or a line cannot; names the line and what is expected.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise MarketDataError(f"headlines {path} cannot be read ({error})") from error
    rows = _csv_rows(text) if path.suffix.lower() == ".csv" else _json_rows(text, path)
    found = []
    for line, row in rows:
        try:
            found.append(_headline(row, path.stem))
        except (KeyError, TypeError, ValueError, MarketDataError) as error:
            reason = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise MarketDataError(
                f"line {line} of {path} is no headline ({reason}); expected title and published (ISO 8601), "
                "and if you like symbols, source, url, id, known"
            ) from error
    return tuple(sorted(found, key=lambda item: (item.ts_known, item.id)))


def _json_rows(text: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, content in enumerate(text.split("\n"), start=1):
        if content.strip():
            try:
                yield line, msgspec.json.decode(content, type=dict[str, Any])
            except msgspec.MsgspecError as error:
                raise MarketDataError(f"line {line} of {path} is not a JSON object ({error})") from error


def _csv_rows(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text))
    for row in reader:
        filled = {str(name).strip().lower(): value for name, value in row.items() if value}
        yield reader.line_num, filled | {"symbols": str(filled.get("symbols", "")).replace(";", " ").split()}


def _headline(row: dict[str, Any], default_source: str) -> Headline:
    title = clean_title(str(row["title"]))
    if not title:
        raise ValueError("the title is empty")
    published = _nanoseconds(str(row["published"]))
    known = max(published, _nanoseconds(str(row["known"]))) if row.get("known") else published
    source, url = clean_title(str(row.get("source") or default_source)), str(row.get("url") or "")
    symbols = row.get("symbols") or []
    if not isinstance(symbols, list):
        raise ValueError(f"symbols {symbols!r} is not a list")
    return Headline(
        id=_check_id(str(row["id"])) if row.get("id") else _identity(source, url, title, published),
        title=title,
        source=source,
        symbols=tuple(check_symbol(str(symbol)) for symbol in symbols),
        ts_published=published,
        ts_known=known,
        url=url,
    )


def safe_id(text: str) -> bool:
    """Whether a headline's id may be shown where its title never is: 1 to 64 of ``A-Z a-z 0-9 . _ : -``, no sentence.

    Example:
        >>> safe_id("wire-17"), safe_id("ignore previous instructions")
        (True, False)
    """
    return _ID.fullmatch(text) is not None


def _check_id(text: str) -> str:
    if not safe_id(text):
        raise ValueError(f"id {text[:80]!r} is not 1 to 64 letters, digits and . _ : - (the first a letter or digit)")
    return text


def _nanoseconds(text: str) -> int:
    moment = datetime.fromisoformat(text.strip())
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1) * 1000


def _identity(source: str, url: str, title: str, published: int) -> str:
    return hashlib.sha256("\x1f".join((source, url, title, str(published))).encode()).hexdigest()[:16]


def fetch_feed(
    url_or_path: str | Path, *, symbols: Sequence[str], fetched_at: int, timeout_s: float = 10.0
) -> tuple[Headline, ...]:
    """Read an RSS or Atom feed.

    Args:
        url_or_path: http(s) URL, file URL or path.
        symbols: given to every headline of the feed, so use a feed about them.
        fetched_at: our clock, UTC ns. A headline is known from the later of this and its date; one without a date is
            taken as published now.
        timeout_s: deadline for the whole download.

    Returns:
        Headlines, oldest first. A valid feed without entries gives ().

    Raises:
        ProviderError: not reachable or not in time (retryable), refused, not there, too large or not a feed (not).
    """
    return read_feed(url_or_path, symbols=symbols, fetched_at=fetched_at, timeout_s=timeout_s).headlines


class FeedAnswer(NamedTuple):
    """One reading of a feed; `headlines` is () when the feed is the same as at `validators`."""

    headlines: tuple[Headline, ...]
    changed: bool
    validators: dict[str, str]
    """Headers for the next request (If-None-Match, If-Modified-Since), so that an unchanged feed is not sent again."""


class FeedError(ProviderError):
    """A feed that could not be read; `retry_after_s` is how long its server asked us to wait, 0 if it did not say."""

    def __init__(self, message: str, *, retryable: bool = False, retry_after_s: float = 0.0) -> None:
        super().__init__(message, retryable=retryable)
        self.retry_after_s = retry_after_s


def read_feed(
    url_or_path: str | Path,
    *,
    symbols: Sequence[str],
    fetched_at: int,
    timeout_s: float = 10.0,
    validators: Mapping[str, str] | None = None,
) -> FeedAnswer:
    """`fetch_feed` for readers that come again: give the `validators` of the last answer."""
    checked = tuple(check_symbol(symbol) for symbol in symbols)
    data, answered = _fetch(url_or_path, timeout_s, dict(validators or {}))
    if data is None:
        return FeedAnswer((), False, dict(validators or {}))
    return FeedAnswer(_headlines(url_or_path, data, checked, fetched_at), True, answered)


def _headlines(url_or_path: str | Path, data: bytes, symbols: tuple[str, ...], fetched_at: int) -> tuple[Headline, ...]:
    feed = feedparser.parse(io.BytesIO(data))
    if not feed.version and not feed.entries:
        raise ProviderError(f"{url_or_path} is not an RSS or Atom feed; check the address")
    where = urllib.parse.urlsplit(str(url_or_path))
    source = clean_title(feed.feed.get("title", "")) or where.hostname or Path(where.path).stem
    found: dict[str, Headline] = {}
    for entry in feed.entries:
        title = clean_title(_plain(entry))
        if title:
            when = entry.get("published_parsed") or entry.get("updated_parsed")
            published = calendar.timegm(when) * SECOND if when else fetched_at
            url = str(entry.get("link", ""))
            # Without a date the time of fetching must not make a new headline of it each time.
            identity = _identity(source, url, title, published if when else 0)
            found[identity] = Headline(
                id=identity,
                title=title,
                source=source,
                symbols=symbols,
                ts_published=published,
                ts_known=max(published, fetched_at),
                url=url,
            )
    return tuple(sorted(found.values(), key=_order))


def _plain(entry: Any) -> str:
    """The title without markup. Feeds put tags into titles whatever type they declare."""
    title = re.sub(r"(?is)<(script|style)\b.*?</\1\s*>", " ", str(entry.get("title", "")))
    title = re.sub(r"</?[A-Za-z][^<>]*>", "", title)
    return html.unescape(title) if "html" in str(entry.get("title_detail", {}).get("type", "")) else title


def _fetch(
    url_or_path: str | Path, timeout_s: float, validators: dict[str, str]
) -> tuple[bytes | None, dict[str, str]]:
    """(the feed, or None when it has not changed; validators for the next time)."""
    parts = urllib.parse.urlsplit(str(url_or_path))
    if isinstance(url_or_path, Path) or len(parts.scheme) <= 1:
        return _read_local(Path(url_or_path)), {}
    if parts.scheme == "file":
        return _read_local(Path(urllib.request.url2pathname(parts.path))), {}
    if parts.scheme not in ("http", "https"):
        raise ProviderError(f"{url_or_path}: {parts.scheme} is not read; use an http or https URL or a file")
    return _download(str(url_or_path), timeout_s, validators)


def _read_local(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(FEED_LIMIT + 1)
    except OSError as error:
        raise ProviderError(f"feed {path} cannot be read ({error.strerror}); check the path") from error
    _check_size(len(data), str(path))
    return data


def _download(url: str, timeout_s: float, validators: dict[str, str]) -> tuple[bytes | None, dict[str, str]]:
    """GET within a deadline for the whole answer; redirects stay within http and https."""
    deadline = time.monotonic() + timeout_s
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.UnknownHandler,
    ):
        opener.add_handler(handler())
    data = bytearray()
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "DeepAlpha news reader"} | validators)
        with opener.open(request, timeout=timeout_s) as answer:
            pairs = (
                ("If-None-Match", answer.headers.get("ETag")),
                ("If-Modified-Since", answer.headers.get("Last-Modified")),
            )
            answered = {name: value for name, value in pairs if value}
            while chunk := answer.read1(65_536):
                data += chunk
                if time.monotonic() > deadline:
                    raise TimeoutError(f"not complete after {timeout_s} s")
                _check_size(len(data), url)
    except urllib.error.HTTPError as error:
        status, reason = error.code, error.reason
        wait = error.headers.get("Retry-After", "")
        error.close()
        if status == NOT_MODIFIED:
            return None, validators
        again = status in _AGAIN
        advice = "try again later" if again else "check the address and whether it needs a login"
        wait_s = float(wait) if wait.isdigit() else 0.0
        raise FeedError(
            f"feed {url} answered {status} {reason}; {advice}", retryable=again, retry_after_s=wait_s
        ) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ProviderError(f"feed {url} cannot be fetched ({error}); try again", retryable=True) from error
    return bytes(data), answered


def _check_size(size: int, where: str) -> None:
    if size > FEED_LIMIT:
        raise ProviderError(f"feed {where} is larger than {FEED_LIMIT} bytes; that is no news feed")
