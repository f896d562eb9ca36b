"""The check finds what is wrong with bars: planted faults exactly, and on real files the counts their README states."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from deepalpha.errors import MarketDataError
from deepalpha.market import Catalog
from deepalpha.market.quality import QualityReport, check_bars, check_catalog, check_file
from deepalpha.types import DAY, SECOND

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
MONDAY = 4 * DAY + 2000 * 7 * DAY


def bars(opens: np.ndarray, close: np.ndarray | None = None, volume: float = 1.0) -> pl.DataFrame:
    close = 100.0 + np.zeros(len(opens)) if close is None else close
    times = pl.Series("ts_open", opens, dtype=pl.Int64)
    prices = dict.fromkeys(("open", "high", "low", "close"), close)
    return pl.DataFrame({"ts_open": times, **prices, "volume": np.full(len(opens), volume)})


def wandering(count: int, seed: int = 7, scale: float = 0.001) -> np.ndarray:
    return 100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, scale, count)))


@pytest.fixture(params=["minutes", "hours", "days"])
def step(request: pytest.FixtureRequest) -> int:
    return {"minutes": MINUTE, "hours": HOUR, "days": DAY}[str(request.param)]


def test_holes_are_counted_listed_and_measured(step: int) -> None:
    opens = MONDAY + np.delete(np.arange(1000), [5, 6, 7, 500, 998]) * step
    found = check_bars(bars(opens, wandering(len(opens))), symbol="X/Y")
    assert (found.gaps, found.missing_bars, found.longest_gap) == (3, 5, 3)
    assert [(span.start, span.bars) for span in found.gap_list] == [
        (MONDAY + at * step, length) for at, length in ((5, 3), (500, 1), (998, 1))
    ]
    assert found.session_breaks == found.stale_spans == found.outlier_count == 0


def test_duplicates_conflicts_backward_and_off_grid_rows_are_told_apart() -> None:
    table = bars(MONDAY + np.arange(50) * MINUTE, wandering(50))
    other = table[10].with_columns(close=pl.lit(1.0), low=pl.lit(1.0))
    off = table[20].with_columns(pl.col("ts_open") + SECOND)
    mixed = pl.concat([table[:11], table[10], other, table[11:21], off, table[21:40], table[30], table[40:]])
    found = check_bars(mixed, symbol="X", timeframe="1m")
    assert (found.duplicates, found.conflicts, found.backward, found.off_grid) == (2, 1, 1, 1)
    assert (found.rows, found.bars, found.gaps) == (54, 50, 0)


def test_rows_that_are_no_bars_are_counted_by_their_first_broken_rule() -> None:
    table = bars(MONDAY + np.arange(6) * MINUTE)
    nan = float("nan")
    table = table.with_columns(
        high=pl.Series([100.0, 90.0, 100.0, 100.0, 100.0, 100.0]),
        volume=pl.Series([1.0, 1.0, nan, -1.0, 1.0, 1.0]),
    )
    found = check_bars(table, symbol="X", timeframe="1m")
    assert found.violations == {"high_below_low": 1, "negative_volume": 1, "not_a_number": 1}
    assert (found.bars, found.gaps, found.missing_bars) == (3, 1, 3)


def test_a_spike_that_comes_back_is_an_outlier_and_a_crash_that_stays_is_not() -> None:
    close = wandering(2000)
    close[1000] *= 1.3
    close[1500:] *= 0.8
    close[700:] *= 1.02  # a step that a calm market may take
    found = check_bars(bars(MONDAY + np.arange(2000) * MINUTE, close), symbol="X")
    assert found.outliers == (MONDAY + 1000 * MINUTE,)


def test_a_crash_of_a_fifth_with_a_partial_rebound_is_a_price() -> None:
    close = wandering(2000)
    close[1000] *= 0.8
    close[1001:] *= 0.86
    assert check_bars(bars(MONDAY + np.arange(2000) * MINUTE, close), symbol="X").outlier_count == 0


def test_stale_spans_need_zero_volume_and_the_close_before() -> None:
    close = wandering(100)
    close[10:15] = close[9]
    close[50:53] = close[49]
    volume = np.ones(100)
    volume[10:15] = 0.0
    volume[70:75] = 0.0
    table = bars(MONDAY + np.arange(100) * MINUTE, close).with_columns(volume=pl.Series(volume))
    found = check_bars(table, symbol="X")
    assert [(span.start, span.bars) for span in found.stale_list] == [(MONDAY + 10 * MINUTE, 5)]
    assert (found.zero_volume, found.stale_bars) == (10, 5)


def exchange(weeks: int, *, shift: int | None = None) -> np.ndarray:
    """Minutes of a stock exchange, 14:30 to 21:00 on weekdays; from week `shift` on an hour earlier."""
    opens = []
    for day in range(weeks * 7):
        if day % 7 < 5:
            begin = MONDAY + day * DAY + 14 * HOUR + 30 * MINUTE
            begin -= HOUR if shift is not None and day // 7 >= shift else 0
            opens.append(begin + np.arange(390) * MINUTE)
    return np.concatenate(opens)


def test_nights_weekends_and_a_holiday_are_session_breaks_and_a_hole_in_a_session_is_a_gap() -> None:
    opens = exchange(8)
    holiday = (opens >= MONDAY + 15 * DAY) & (opens < MONDAY + 16 * DAY)
    hole = (opens >= MONDAY + 9 * DAY + 16 * HOUR) & (opens < MONDAY + 9 * DAY + 17 * HOUR)
    opens = opens[~holiday & ~hole]
    found = check_bars(bars(opens, wandering(len(opens))), symbol="AAPL")
    assert [(span.start, span.bars) for span in found.gap_list] == [(MONDAY + 9 * DAY + 16 * HOUR, 60)]
    assert found.session_breaks == 8 * 5 - 2
    assert found.session_bars + found.missing_bars + found.bars == (opens[-1] - opens[0]) // MINUTE + 1


def test_daylight_saving_time_moves_the_session_and_makes_no_gap() -> None:
    opens = exchange(20, shift=9)
    assert check_bars(bars(opens, wandering(len(opens))), symbol="AAPL").gaps == 0


def test_a_month_without_daily_bars_is_no_holiday() -> None:
    days = np.array([day for day in range(300) if day % 7 < 5 and not 101 <= day < 131])
    found = check_bars(bars(MONDAY + days * DAY, wandering(len(days))), symbol="AAPL", timeframe="1d")
    assert found.gaps > 0
    assert found.missing_bars == sum(day % 7 < 5 for day in range(101, 131))


def test_two_weeks_teach_no_sessions_and_the_report_says_so() -> None:
    opens = exchange(2)
    found = check_bars(bars(opens, wandering(len(opens))), symbol="AAPL")
    assert found.gaps == 9
    assert "less than 3 weeks" in found.notes[0]


def test_months_are_counted_as_months() -> None:
    months = pl.Series(["2024-01-01", "2024-02-01", "2024-05-01", "2024-06-01", "2024-07-01"]).str.to_date()
    opens = months.cast(pl.Datetime("ns")).cast(pl.Int64).to_numpy()
    found = check_bars(bars(opens), symbol="X", timeframe="1mo")
    assert (found.gaps, found.missing_bars) == (1, 2)
    assert found.gap_list[0].start == pl.Series(["2024-03-01"]).str.to_datetime(time_unit="ns").cast(pl.Int64)[0]


def test_a_damaged_catalog_file_is_a_report_with_its_problem(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    for symbol in ("A", "B"):
        catalog.write(symbol, "1m", bars(MONDAY + np.delete(np.arange(20), 9) * MINUTE))
    path = tmp_path / "symbol=B" / "timeframe=1m" / "bars.parquet"
    path.write_bytes(path.read_bytes()[:50])
    sound, damaged = check_catalog(catalog)
    assert (sound.symbol, sound.missing_bars, sound.problem) == ("A", 1, None)
    assert damaged.problem is not None
    assert "bars.parquet" in damaged.problem
    with pytest.raises(MarketDataError, match="no bars of C"):
        check_catalog(catalog, "C")


NOTHING = (0, 0, 0)
# file -> symbol -> (gaps, missing bars, zero-volume bars); "*" is every other symbol of the file
STATED: dict[str, dict[str, tuple[int, int, int]]] = {
    "crypto_5m_12sym_2022-12_2023-10.parquet": {
        "BCH/USDT": (1, 16, 112),
        "ETC/USDT": (1, 16, 88),
        "ALGO/USDT": (1, 16, 16),
        "*": (1, 16, 14),
    },
    "crypto_1h_5sym_2020-09_2025-09.parquet": {"*": (10, 20, 2)},
    "bitfinex_btcusd_1m_2018.parquet": {"*": (3992, 5101, 0)},
    # The README names 12,971 only; the two other quotes are thin too, which pandas counts as well (see the test below).
    "btc_3quote_1m_2023-03_usdc-depeg.parquet": {
        "BTC/USDC": (0, 0, 12971),
        "BTC/USDT": (0, 0, 658),
        "BTC/USD": (0, 0, 72),
    },
    "crypto_15m_18sym_2023-04_2025-04.parquet": {"*": NOTHING},
    "crypto_5m_3sym_2024-01_2025-07.parquet": {"*": NOTHING},
    "crypto_1m_2sym_2025-06.parquet": {"*": NOTHING},
    "btcperp_1m_2022-01.parquet": {"*": NOTHING},
}


def real(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"../shared/data/{name} is not on this machine")
    return path


@pytest.mark.parametrize("name", STATED)
def test_real_files_have_the_counts_their_readme_states(name: str) -> None:
    reports = check_file(real(name))
    stated = STATED[name]
    assert {report.symbol for report in reports} >= set(stated) - {"*"}
    for report in reports:
        expected = stated.get(report.symbol) or stated["*"]
        assert (report.gaps, report.missing_bars, report.zero_volume) == expected, report.symbol
        assert clean(report)
        assert report.session_breaks == 0


def clean(report: QualityReport) -> bool:
    """What the README says of every OHLCV file: no impossible bar, no duplicate time."""
    wrong = report.duplicates + report.conflicts + report.backward + report.off_grid
    return not wrong and not report.violations and report.problem is None


@pytest.mark.parametrize("name", ["cme_6EH4_1m_2024-01.parquet", "cn_futures_continuous_1d_to_2016-02.parquet"])
def test_session_markets_have_session_breaks_apart_from_gaps(name: str) -> None:
    table = pl.read_parquet(real(name)).with_columns(pl.col("ts").dt.replace_time_zone(None))
    for report in check_file(real(name)):
        assert clean(report)
        assert report.session_breaks > 0
        times = table.filter(pl.col("symbol") == report.symbol)["ts"].cast(pl.Datetime("ns")).cast(pl.Int64)
        step = MINUTE if report.timeframe == "1m" else DAY
        grid = (times.max() - times.min()) // step + 1  # type: ignore[operator]  # times are integers here
        assert report.bars + report.missing_bars + report.session_bars == grid
        assert report.session_bars > 20 * report.missing_bars


def test_zero_volume_and_gaps_agree_with_pandas() -> None:
    frame = pl.read_parquet(real("btc_3quote_1m_2023-03_usdc-depeg.parquet")).to_pandas()
    zero = frame[frame["volume"] == 0].groupby("symbol").size().to_dict()
    reports = check_file(real("btc_3quote_1m_2023-03_usdc-depeg.parquet"))
    assert {report.symbol: report.zero_volume for report in reports} == zero


@pytest.mark.parametrize(
    "name",
    [
        "btcusdt_tradeflow_15m_2025-06_2025-09.parquet",
        "trades_xrpeth_2019-10_ethusdt_2023-02.parquet",
        "us_equity_20_adjclose_1d_1990_2022.parquet",
        "usdjpy_1m_bidask_2013-02.parquet",
    ],
)
def test_a_file_without_bars_says_which_columns_it_lacks(name: str) -> None:
    with pytest.raises(MarketDataError, match="no column for"):
        check_file(real(name))
