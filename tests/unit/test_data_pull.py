"""History of an exchange: the real ccxt class against a loopback Binance that fails in every way the real one does."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest

from deepalpha.cli import main
from deepalpha.errors import ConfigError, MarketDataError, ProviderError
from deepalpha.market import Catalog, CcxtHistory, check_catalog, pull_bars

ccxt = pytest.importorskip("ccxt", reason="ccxt is not installed: pip install deepalpha[exchange]")

MS = 1_000_000
MINUTE = 60_000  # ms
START = 1_704_067_200_000  # 2024-01-01
NO_BARS = {*range(700, 716), 1500}  # minutes the exchange itself does not have
FIELDS = ("open", "high", "low", "close", "volume")


def kline(minute: int) -> list[object]:
    base = 42_000 + minute % 977 - 0.01 * (minute % 31)
    open_ms = START + minute * MINUTE
    prices = (base, base + 9.5, base - 7.25, base + (minute % 5) - 2)
    text = [f"{price:.8f}" for price in prices]
    return [open_ms, *text, f"{minute % 89 / 1000 + 0.001:.8f}", open_ms + MINUTE - 1, "1.0", 7, "0.5", "0.5", "0"]


class Exchange:
    """A fake of Binance's spot REST: its bars, its clock, and the faults to give before the next answers."""

    def __init__(self, *, minutes: int = 2600, page: int = 500) -> None:
        self.minutes, self.page = minutes, page
        self.now_ms = START + minutes * MINUTE - 30_000  # in the middle of the last bar
        self.faults: list[str] = []
        self.asked: list[int] = []
        self.changed: dict[int, str] = {}
        self.absent = set(NO_BARS)
        exchange = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments: object) -> None:
                pass

            def do_GET(self) -> None:
                exchange.answer(self)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/api/v3"
        threading.Thread(target=self.server.serve_forever, daemon=True, kwargs={"poll_interval": 0.01}).start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        status, headers = 200, {}
        if parts.path.endswith("/exchangeInfo"):
            body = json.dumps(INFO)
        elif parts.path.endswith("/time"):
            body = json.dumps({"serverTime": self.now_ms})
        elif parts.path.endswith("/klines"):
            fault = self.faults.pop(0) if self.faults else ""
            body = json.dumps(self.klines(query))
            if fault == "429":
                status, headers, body = 429, {"Retry-After": "7"}, '{"code": -1003, "msg": "Too many requests"}'
            elif fault == "503":
                status, body = 503, "<html>Service Unavailable</html>"
            elif fault == "cut":
                body = body[: len(body) // 2]
            elif fault == "empty":
                body = "[]"
            elif fault == "object":
                body = '{"code": 0}'
            elif fault == "drop":
                handler.connection.close()
                return
        else:
            status, body = 404, "{}"
        data = body.encode()
        handler.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)

    def klines(self, query: dict[str, str]) -> list[list[object]]:
        since, limit = int(query.get("startTime", START)), min(int(query.get("limit", 500)), self.page)
        self.asked.append((since - START) // MINUTE)
        first = max(0, -(-(since - START) // MINUTE))
        rows = [kline(minute) for minute in range(first, self.minutes) if minute not in self.absent][:limit]
        for row in rows:
            minute = (int(str(row[0])) - START) // MINUTE
            if minute in self.changed:
                row[4] = self.changed[minute]
        return rows

    def history(self) -> CcxtHistory:
        return CcxtHistory(client(self.url))


def client(url: str) -> object:
    made = ccxt.binance({"enableRateLimit": False, "timeout": 5000, "options": {"fetchMarkets": {"types": ["spot"]}}})
    made.has["fetchCurrencies"] = False
    made.urls["api"]["public"] = url
    return made


INFO = {
    "timezone": "UTC",
    "serverTime": START,
    "rateLimits": [],
    "symbols": [
        {
            "symbol": "BTCUSDT",
            "status": "TRADING",
            "baseAsset": "BTC",
            "quoteAsset": "USDT",
            "baseAssetPrecision": 8,
            "quotePrecision": 8,
            "isSpotTradingAllowed": True,
            "permissions": ["SPOT"],
            "orderTypes": ["LIMIT", "MARKET"],
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01000000"},
                {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001000"},
            ],
        }
    ],
}


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    made = Exchange()
    yield made
    made.server.shutdown()
    made.server.server_close()


def pull(exchange: Exchange, root: Path, **options: object) -> tuple[object, list[float]]:
    waited: list[float] = []
    settings: dict[str, object] = {"since": START * MS, "sleep": waited.append} | options
    report = pull_bars(Catalog(root), exchange.history(), "BTC/USDT", "1m", **settings)  # type: ignore[arg-type]
    return report, waited


def truth(minutes: range) -> pl.DataFrame:
    rows = [kline(minute) for minute in minutes if minute not in NO_BARS]
    times = pl.Series("ts_open", [int(str(row[0])) * MS for row in rows], dtype=pl.Int64)
    return pl.DataFrame(
        [times, *(pl.Series(f, [float(str(row[at])) for row in rows]) for at, f in enumerate(FIELDS, 1))]
    )


def stored(root: Path) -> pl.DataFrame:
    return Catalog(root).read("BTC/USDT", "1m").drop("ts_event")


def files(root: Path) -> dict[str, bytes]:
    place = root / "symbol=BTC%2FUSDT"
    return {str(path.relative_to(place)): path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()}


def test_a_pull_stores_what_has_closed_and_names_the_holes_of_the_exchange(exchange: Exchange, tmp_path: Path) -> None:
    report, _ = pull(exchange, tmp_path)
    assert stored(tmp_path).equals(truth(range(2599)))  # the bar of minute 2599 is open
    assert (report.new_bars, report.hole_bars, report.missing_bars) == (2599 - 17, 17, 0)
    assert report.problems == ()
    card = Catalog(tmp_path).instrument("BTC/USDT")
    assert (str(card.tick_size), str(card.lot_size), card.currency) == ("0.01", "0.00001", "USDT")


def test_nothing_is_asked_twice_when_everything_is_there(exchange: Exchange, tmp_path: Path) -> None:
    pull(exchange, tmp_path)
    before = files(tmp_path)
    exchange.asked.clear()
    report, _ = pull(exchange, tmp_path)
    assert (report.new_bars, exchange.asked) == (0, [])
    assert files(tmp_path) == before


def test_a_later_pull_continues_after_the_last_bar_and_repeats_only_that_one(
    exchange: Exchange, tmp_path: Path
) -> None:
    pull(exchange, tmp_path, until=(START + 2000 * MINUTE) * MS)
    exchange.asked.clear()
    report, _ = pull(exchange, tmp_path)
    assert exchange.asked == [1999, 2498]
    assert report.new_bars == 599
    assert stored(tmp_path).equals(truth(range(2599)))


@pytest.mark.parametrize("fault", ["429", "503", "cut", "object", "drop", "empty"])
def test_every_fault_is_survived_without_a_lost_or_doubled_bar(exchange: Exchange, tmp_path: Path, fault: str) -> None:
    exchange.faults = ["", fault, "", fault, fault, "", fault]
    report, waited = pull(exchange, tmp_path)
    assert stored(tmp_path).equals(truth(range(2599)))
    assert (report.hole_bars, report.missing_bars) == (17, 0)
    if fault != "empty":
        assert report.retries == len(waited) == 4
        assert waited[1] < waited[2] or fault == "429"
    if fault == "429":
        assert waited == [7.0] * 4


def test_without_an_answer_the_pull_ends_at_its_deadline_and_keeps_what_it_has(
    exchange: Exchange, tmp_path: Path
) -> None:
    exchange.faults = ["", "", *["503"] * 1000]
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    with pytest.raises(ProviderError, match="run it again to continue") as caught:
        pull(exchange, tmp_path, sleep=sleep, clock=lambda: now[0], deadline_s=120.0)
    assert caught.value.retryable
    assert 60 < now[0] <= 120
    assert len(stored(tmp_path)) > 0
    exchange.faults = []
    pull(exchange, tmp_path)
    assert stored(tmp_path).equals(truth(range(2599)))


def test_gaps_that_check_finds_are_asked_for_again(exchange: Exchange, tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    keep = pl.col("ts_open").is_between((START + 900 * MINUTE) * MS, (START + 950 * MINUTE) * MS)
    catalog.write("BTC/USDT", "1m", truth(range(2000)).filter(~keep))
    assert check_catalog(catalog, "BTC/USDT")[0].missing_bars == 51 + 17
    report, _ = pull(exchange, tmp_path)
    assert report.new_bars == 51 + 599
    assert check_catalog(catalog, "BTC/USDT")[0].missing_bars == report.hole_bars == 17


def test_a_hole_the_exchange_fills_later_is_asked_for_on_request(exchange: Exchange, tmp_path: Path) -> None:
    pull(exchange, tmp_path)
    exchange.absent = {1500}
    assert pull(exchange, tmp_path)[0].new_bars == 0
    report, _ = pull(exchange, tmp_path, ask_holes=True)
    assert (report.new_bars, report.hole_bars) == (16, 1)
    assert pull(exchange, tmp_path)[0].hole_bars == 1


def test_a_bar_that_differs_is_reported_and_the_stored_one_stays(exchange: Exchange, tmp_path: Path) -> None:
    pull(exchange, tmp_path, until=(START + 1000 * MINUTE) * MS)
    before = stored(tmp_path)
    exchange.changed[999] = "42021.00000000"
    report, _ = pull(exchange, tmp_path)
    assert [conflict.ts_open for conflict in report.conflicts] == [(START + 999 * MINUTE) * MS]
    assert report.conflicts[0].offered[3] == 42021.0
    assert "differ" in report.problems[0]
    assert stored(tmp_path)[: len(before)].equals(before)


def test_rows_that_are_no_bars_are_refused_counted_and_not_made_holes(exchange: Exchange, tmp_path: Path) -> None:
    exchange.changed[1200] = "-5"
    report, _ = pull(exchange, tmp_path)
    assert report.refused == {"non_positive_price": 1}
    assert (report.missing_bars, report.hole_bars) == (1, 17)


def test_a_since_before_the_listing_is_one_hole_and_few_requests(exchange: Exchange, tmp_path: Path) -> None:
    report, _ = pull(exchange, tmp_path, since=(START - 500_000 * MINUTE) * MS)
    assert report.hole_bars == 500_017
    assert report.pages < 20
    assert stored(tmp_path).equals(truth(range(2599)))


def test_unknown_symbols_exchanges_and_ranges_say_what_to_do(exchange: Exchange, tmp_path: Path) -> None:
    catalog, history = Catalog(tmp_path), exchange.history()
    with pytest.raises(MarketDataError, match="did you mean BTC/USDT"):
        pull_bars(catalog, history, "BTC/USD", "1m", since=START * MS)
    with pytest.raises(ConfigError, match="did you mean binance"):
        CcxtHistory("binanc")
    with pytest.raises(MarketDataError, match="earlier --since"):
        pull_bars(catalog, history, "BTC/USDT", "1m", since=(START + 10**7 * MINUTE) * MS)
    assert not any(tmp_path.iterdir())


def test_without_ccxt_the_way_to_install_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ccxt", None)
    with pytest.raises(ConfigError, match=r"pip install deepalpha\[exchange\]"):
        CcxtHistory("binance")


CHILD = """
import sys
sys.path[:0] = sys.argv[4].split("|")
from test_data_pull import START, MS, client
from deepalpha.market import Catalog, CcxtHistory, pull_bars, pull
pull._FLUSH_ROWS = 400
pull_bars(Catalog(sys.argv[1]), CcxtHistory(client(sys.argv[2])), "BTC/USDT", "1m", since=START * MS,
          progress=lambda line: print(line, flush=True))
"""


def test_a_pull_that_was_killed_in_the_middle_ends_with_the_same_files(tmp_path: Path) -> None:
    exchange = Exchange(minutes=4000, page=100)
    path = "|".join([str(Path(__file__).parent), *sys.path])
    kills = 0
    try:
        for seen in (1, 3):
            child = subprocess.Popen(
                [sys.executable, "-c", CHILD, str(tmp_path / "killed"), exchange.url, "", path],
                stdout=subprocess.PIPE,
                text=True,
            )
            assert child.stdout is not None
            for _, line in zip(range(seen + 1), child.stdout, strict=False):
                assert "bars" in line
            child.send_signal(signal.SIGKILL)
            kills += child.wait() == -signal.SIGKILL
            child.stdout.close()
        pull(exchange, tmp_path / "killed")
        pull(exchange, tmp_path / "undisturbed")
    finally:
        exchange.server.shutdown()
        exchange.server.server_close()
    assert kills >= 1
    killed, undisturbed = (files(tmp_path / name) for name in ("killed", "undisturbed"))
    scraps = {name for name in killed if ".writing-" in name}
    assert {name: data for name, data in killed.items() if name not in scraps} == undisturbed


def test_the_command_prints_what_it_did_and_fails_when_bars_differ(
    exchange: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = CcxtHistory.__init__
    monkeypatch.setattr(CcxtHistory, "__init__", lambda self, name: real(self, client(exchange.url)))
    arguments = ["data", "pull", "BTC/USDT", "1m", "--since", "2024-01-01", "--json", "--workspace", str(tmp_path)]
    assert main([*arguments, "--until", "2024-01-01T10:00"]) == 0
    assert json.loads(capsys.readouterr().out)["new_bars"] == 600
    exchange.changed[599] = "42599.00000000"
    assert main(arguments) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["conflict_count"] == 1
    assert "bars wanted" in err
    assert main([*arguments[:5], "yesterday", *arguments[6:]]) == 1
    assert "2024-01-31" in capsys.readouterr().err
