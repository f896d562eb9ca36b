"""Files of other people: columns and times are understood, bad rows are set aside by name, nothing is lost."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from deepalpha.errors import MarketDataError, StoreError
from deepalpha.market.catalog import Catalog
from deepalpha.market.columns import guess_columns, times
from deepalpha.market.importer import ImportReport, import_file
from deepalpha.types import DAY, Instrument

HEADER = "Date,Open,High,Low,Close,Volume"
OK = "10.5,11.25,10,10.75,100"
FIRST = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) * 10**9


def rows(count: int, values: str = OK) -> list[str]:
    return [f"{date(2024, 1, 1) + timedelta(days=day)},{values}" for day in range(count)]


def run(
    tmp_path: Path, lines: list[str], *, header: str = HEADER, symbol: str = "AAPL", **more: object
) -> ImportReport:
    file = tmp_path / "bars.csv"
    file.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    options = {"timeframe": "1d", "catalog": Catalog(tmp_path / "catalog")} | more
    return import_file(file, symbol=symbol, **options)  # type: ignore[arg-type]  # options of one call, by name


def read_times(values: list[object]) -> list[int | None]:
    mapping = guess_columns(["time", "o", "h", "l", "c", "vol"])
    return times(pl.DataFrame({"time": values}), mapping).to_list()


def test_a_clean_file_is_in_the_catalog_after_import(tmp_path: Path) -> None:
    report = run(tmp_path, rows(10))
    assert (report.total, report.accepted, report.quarantined, report.quarantine) == (10, 10, {}, None)
    assert (report.first, report.last) == (FIRST, FIRST + 9 * DAY)
    stored = Catalog(tmp_path / "catalog").read("AAPL", "1d")
    assert stored["ts_event"].to_list() == [FIRST + (day + 1) * DAY for day in range(10)]
    assert stored["close"].unique().to_list() == [10.75]


def test_importing_the_same_file_twice_changes_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, rows(10)) == run(tmp_path, rows(10))
    assert len(Catalog(tmp_path / "catalog").read("AAPL", "1d")) == 10


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("2024-01-20,1,2,3,1,1", "high_below_low"),
        ("2024-01-20,1,1,1,2,1", "high_below_body"),
        ("2024-01-20,1,2,1.5,2,1", "low_above_body"),
        ("2024-01-20,0,2,0,1,1", "non_positive_price"),
        ("2024-01-20,1,2,1,1,-1", "negative_volume"),
        ("2024-01-20,1,nan,1,1,1", "not_a_number"),
        ("2024-01-20,1,inf,1,1,1", "not_a_number"),
        ("2024-01-20,1,two,1,1,1", "not_a_number"),
        ("2024-01-20,1,2,1,,1", "not_a_number"),
        ("yesterday,1,2,1,1,1", "not_a_number"),
        (f"2024-01-10,{OK}", "duplicate_time"),
        (f"2024-01-03,{OK}", "duplicate_time"),
        (f"2024-01-03T12:00,{OK}", "backward_time"),
        (f"2024-01-10T12:00,{OK}", "off_grid"),
    ],
)
def test_a_bad_row_is_set_aside_with_its_number_and_rule(tmp_path: Path, line: str, rule: str) -> None:
    report = run(tmp_path, [*rows(10), line])
    assert (report.total, report.accepted, report.quarantined) == (11, 10, {rule: 1})
    aside = pl.read_parquet(report.quarantine or "")
    assert aside.select("row", "rule").rows() == [(11, rule)]
    assert aside["given_Date"][0] == line.split(",")[0]
    assert any(rule in text for text in report.lines())
    assert len(Catalog(tmp_path / "catalog").read("AAPL", "1d")) == 10


def test_a_row_after_a_bad_one_is_not_blamed_for_it(tmp_path: Path) -> None:
    report = run(tmp_path, [*rows(5), "2030-01-01,1,2,3,1,1", *rows(10)[5:]])
    assert (report.accepted, report.quarantined) == (10, {"high_below_low": 1})


def test_a_lone_time_far_ahead_is_named_instead_of_dropping_all_that_follows(tmp_path: Path) -> None:
    with pytest.raises(MarketDataError, match=r"15 of 20 rows .*2099-01-01.* is in row 5"):
        run(tmp_path, [*rows(4), f"2099-01-01,{OK}", *rows(19)[4:]])


def test_times_of_bad_rows_do_not_make_a_file_look_newest_first(tmp_path: Path) -> None:
    lines = [text for good in rows(6) for text in (good, "2019-12-31,5,4,6,5,1", "2019-12-30,5,4,6,5,1")]
    report = run(tmp_path, lines)
    assert (report.accepted, report.quarantined, report.notes) == (6, {"high_below_low": 12}, ())


def test_a_file_with_the_newest_row_first_is_read_from_the_end(tmp_path: Path) -> None:
    report = run(tmp_path, rows(10)[::-1])
    assert (report.accepted, report.first) == (10, FIRST)
    assert any("newest first" in note for note in report.notes)


@pytest.mark.parametrize(
    "value",
    [
        "2024-01-01",
        "2024/01/01",
        "20240101",
        20240101,
        "2024-01-01 00:00:00",
        "2024-01-01T00:00:00Z",
        "2024-01-01T01:00:00.000+01:00",
        "2023-12-31 19:00 -0500",
        "1704067200",
        1704067200,
        1704067200.0,
        1704067200000,
        "1704067200000000",
        1704067200000000000,
        date(2024, 1, 1),
        datetime(2024, 1, 1),  # noqa: DTZ001 - a naive time is what is tested
        datetime(2024, 1, 1, tzinfo=UTC),
    ],
)
def test_a_time_is_read_as_utc_in_any_common_form(value: object) -> None:
    assert read_times([value]) == [FIRST]


def test_epochs_that_change_their_unit_in_one_file_stay_in_order() -> None:
    assert read_times(["1704067200000", "1704153600000000", "1704240000000000001"]) == [
        FIRST,
        FIRST + DAY,
        FIRST + 2 * DAY + 1,
    ]


@pytest.mark.parametrize(
    "value", ["9999-12-31 10:00:00", "0001-01-01", "50000000000", "99999999999999999999", "31/01/24"]
)
def test_a_time_that_int64_cannot_hold_is_unreadable_and_not_wrapped_round(value: str) -> None:
    assert read_times([value, "2024-01-01"])[0] is None
    assert read_times([value, "1704067200", "1704153600"])[0] is None


@pytest.mark.parametrize(
    "header",
    [
        "Date,Open,High,Low,Close,Volume",
        "open_time,o,h,l,c,vol",
        "Timestamp;OPEN;HIGH;LOW;CLOSE;Vol",
        "ts\topen\thigh\tlow\tclose\tvolume",
    ],
)
def test_common_column_names_and_separators_are_understood(tmp_path: Path, header: str) -> None:
    separator = ";" if ";" in header else "\t" if "\t" in header else ","
    report = run(tmp_path, [line.replace(",", separator) for line in rows(6)], header=header)
    assert report.accepted == 6
    assert list(report.columns) == ["ts_open", "open", "high", "low", "close", "volume"]


def test_a_date_and_a_clock_column_are_joined(tmp_path: Path) -> None:
    lines = [f"2024.01.02,{hour:02}:00,{OK}" for hour in range(9, 16)]
    report = run(tmp_path, lines, header="Date,Time,Open,High,Low,Close,Volume", timeframe="1h")
    assert (report.accepted, report.first) == (7, FIRST + DAY + DAY * 9 // 24)


@pytest.mark.parametrize("offset", ["-05:00", "+0900"])
def test_daily_bars_at_local_midnight_keep_the_date_of_their_session(tmp_path: Path, offset: str) -> None:
    lines = [f"{date(2024, 1, 1) + timedelta(days=day)} 00:00:00{offset},{OK}" for day in range(6)]
    report = run(tmp_path, lines)
    assert (report.accepted, report.first) == (6, FIRST)
    assert any("local midnights" in note for note in report.notes)


def test_a_pair_at_local_midnight_is_refused_because_its_day_ends_after_midnight_utc(tmp_path: Path) -> None:
    lines = [f"{date(2024, 1, 1) + timedelta(days=day)} 00:00:00-05:00,{OK}" for day in range(6)]
    with pytest.raises(MarketDataError, match=r"6 of 6 bars .* first at 2024-01-01T05:00:00; give times in UTC"):
        run(tmp_path, lines, symbol="BTC/USDT")


def test_the_adjusted_close_is_left_out_and_said_so(tmp_path: Path) -> None:
    report = run(tmp_path, [f"{line},5.0" for line in rows(6)], header=f"{HEADER},Adj Close")
    assert any("Adj Close is ignored" in note for note in report.notes)
    assert Catalog(tmp_path / "catalog").read("AAPL", "1d")["close"].unique().to_list() == [10.75]


def test_a_missing_column_is_named_with_what_was_found(tmp_path: Path) -> None:
    with pytest.raises(
        MarketDataError, match=r"no column for volume \(volume, vol, v\); the file has Date, Open, High, Low, Close\."
    ):
        run(tmp_path, [line.rsplit(",", 1)[0] for line in rows(6)], header="Date,Open,High,Low,Close")


def test_a_time_column_nobody_can_read_stops_the_import_with_an_example(tmp_path: Path) -> None:
    with pytest.raises(MarketDataError, match=r"no value of column 'Date' .* for example '31/01/2024'; use ISO"):
        run(tmp_path, [f"31/01/2024,{OK}"] * 6)


def test_bars_of_another_timeframe_are_refused_with_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(MarketDataError, match=r"are 1d apart .*, not 1h .* --timeframe 1d"):
        run(tmp_path, rows(6), timeframe="1h")
    assert Catalog(tmp_path / "catalog").symbols() == ()


@pytest.mark.parametrize(
    ("prices", "tick"),
    [
        ("10,12,9,11,1", "1"),
        ("10.5,12,9,11.25,1", "0.01"),
        ("0.00000012,0.00000013,0.00000011,0.00000012,1", "0.00000001"),
    ],
)
def test_the_tick_size_is_the_finest_decimal_of_the_prices(tmp_path: Path, prices: str, tick: str) -> None:
    report = run(tmp_path, rows(6, prices))
    assert report.instrument == Instrument(symbol="AAPL", tick_size=Decimal(tick), lot_size=Decimal(1))


def test_a_pair_gets_a_small_lot_and_its_quote_currency(tmp_path: Path) -> None:
    report = run(tmp_path, rows(6), symbol="BTC/USDT")
    assert (report.instrument.lot_size, report.instrument.currency) == (Decimal("0.00000001"), "USDT")


def test_a_table_of_several_symbols_is_refused_by_that_name(tmp_path: Path) -> None:
    with pytest.raises(MarketDataError, match=r"holds 2 symbols \(A, B, \.\.\.\) in column 'ticker'"):
        run(tmp_path, [f"{line},{'AB'[day % 2]}" for day, line in enumerate(rows(6))], header=f"{HEADER},ticker")


def test_a_given_instrument_is_stored_as_given(tmp_path: Path) -> None:
    card = Instrument(symbol="AAPL", tick_size=Decimal("0.005"), lot_size=Decimal(10))
    run(tmp_path, rows(6), instrument=card)
    assert Catalog(tmp_path / "catalog").instrument("AAPL") == card


def test_a_stored_finer_tick_survives_a_coarser_file(tmp_path: Path) -> None:
    run(tmp_path, rows(6, "10.0005,12,9,11,1"))
    lines = [f"2024-02-{day:02},10,12,9,11,1" for day in range(1, 8)]
    assert run(tmp_path, lines).instrument.tick_size == Decimal("0.0001")


def test_bars_that_differ_from_stored_ones_are_refused(tmp_path: Path) -> None:
    run(tmp_path, rows(6))
    with pytest.raises(MarketDataError, match="6 bars of AAPL 1d differ"):
        run(tmp_path, rows(6, "10,12,9,11,1"))


def test_a_file_without_one_valid_row_says_where_they_are(tmp_path: Path) -> None:
    with pytest.raises(MarketDataError, match=r"none of the 3 rows .*high_below_low.*see .*quarantine"):
        run(tmp_path, rows(3, "1,2,3,1,1"))


@pytest.mark.parametrize("content", [None, b"", b"PAR1 this is not parquet", b"Date,Open\n1,2,3,4\n"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "broken.csv"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(MarketDataError, match=r"broken\.csv"):
        import_file(file, symbol="AAPL", timeframe="1d", catalog=Catalog(tmp_path / "catalog"))


def test_a_catalog_that_cannot_be_written_is_a_store_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "catalog").write_text("a file where the directory should be")
    with pytest.raises(StoreError, match="catalog"):
        run(tmp_path, [*rows(6), "2024-01-20,1,2,3,1,1"])


def test_real_crypto_bars_import_whole(tmp_path: Path) -> None:
    source = Path(__file__).parents[2].parent / "shared" / "data" / "btcperp_1m_2022-01.parquet"
    if not source.exists():
        pytest.skip("../shared/data is not there")
    report = import_file(source, symbol="BTC/USDT:USDT", timeframe="1m", catalog=Catalog(tmp_path / "catalog"))
    assert report.total == report.accepted + sum(report.quarantined.values())
    assert len(Catalog(tmp_path / "catalog").read("BTC/USDT:USDT", "1m")) == report.accepted > 40_000
