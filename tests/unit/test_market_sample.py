"""The bundled data seeds a catalog, and a damaged file is a message with a way out."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from deepalpha.errors import MarketDataError
from deepalpha.market import Catalog, NewsBook, sample_headlines, sample_symbols, seed
from deepalpha.market.sample import SAMPLE_DIR
from deepalpha.types import DAY


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sample directory that a test may damage."""
    copied = tmp_path / "data" / "sample"
    shutil.copytree(SAMPLE_DIR, copied)
    monkeypatch.setenv("DEEPALPHA_SAMPLE", str(copied))
    return copied


def test_seeds_four_stocks_once_and_leaves_what_is_there(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    assert seed(catalog) == sample_symbols() == ("AAPL", "IBM", "MSFT", "GOOG")
    assert seed(catalog) == ()
    assert catalog.ls().select("symbol", "bars").rows() == [
        ("AAPL", 3270),
        ("GOOG", 2148),
        ("IBM", 3270),
        ("MSFT", 3270),
    ]
    for symbol in sample_symbols():
        card = catalog.instrument(symbol)
        assert (card.tick_size, card.lot_size, card.currency) == (Decimal("0.0001"), Decimal(1), "USD")


def test_seeding_keeps_the_users_own_bars(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    seed(catalog)
    own = catalog.read("AAPL", "1d").head(10)
    shutil.rmtree(tmp_path / "symbol=AAPL")
    catalog.write("AAPL", "1d", own)
    assert seed(catalog) == ()
    assert catalog.read("AAPL", "1d").height == 10


def test_a_damaged_sample_file_says_how_to_restore_it(copy: Path, tmp_path: Path) -> None:
    whole = (copy / "AAPL.parquet").read_bytes()
    for content in (b"", b"garbage", whole[:1000], whole[:-1]):
        (copy / "AAPL.parquet").write_bytes(content)
        with pytest.raises(MarketDataError) as caught:
            seed(Catalog(tmp_path / "catalog"))
        message = str(caught.value)
        assert "data/sample/AAPL.parquet cannot be read (" in message
        assert "restore it with `git checkout data/sample/AAPL.parquet`" in message
        assert "or import your own bars with `deepalpha data import`" in message
        assert "\n" not in message


def test_a_missing_sample_file_says_how_to_restore_it(copy: Path, tmp_path: Path) -> None:
    (copy / "IBM.parquet").unlink()
    with pytest.raises(MarketDataError, match=r"git checkout data/sample/IBM\.parquet"):
        seed(Catalog(tmp_path / "catalog"))
    (copy / "news.jsonl").unlink()
    with pytest.raises(MarketDataError, match=r"git checkout data/sample/news\.jsonl"):
        sample_headlines()


def test_headlines_cover_each_stock_and_are_dated_inside_the_bars() -> None:
    headlines = sample_headlines()
    assert 80 <= len(headlines) <= 125
    assert len({item.id for item in headlines}) == len(headlines)
    for symbol in sample_symbols():
        assert sum(symbol in item.symbols for item in headlines) >= 15
    assert {item.ts_published % DAY for item in headlines} == {22 * DAY // 24}
    assert all(item.ts_known == item.ts_published for item in headlines)
    assert [item.ts_known for item in headlines] == sorted(item.ts_known for item in headlines)


def test_a_sample_headline_is_known_at_the_close_of_its_day() -> None:
    first = sample_headlines()[0]
    close = first.ts_known - first.ts_known % DAY + DAY
    book = NewsBook(sample_headlines())
    assert first in book.known(first.symbols[0], close, DAY)
    assert first not in book.known(first.symbols[0], close - DAY, DAY)
