"""Whatever bad rows are planted, each is found by its rule, no good one is lost, and the numbers add up."""

import tempfile
from datetime import date, timedelta
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from deepalpha.market.catalog import Catalog
from deepalpha.market.importer import import_file

HEADER = "date,open,high,low,close,volume"
START = date(2020, 1, 1)

# Rule -> values of a row that breaks it and no earlier one; they say nothing about its time.
BAD = {
    "high_below_low": "5,4,6,5,1",
    "high_below_body": "5,4,3,3,1",
    "low_above_body": "5,9,6,8,1",
    "non_positive_price": "5,9,-1,5,1",
    "negative_volume": "5,9,4,5,-0.5",
    "not_a_number": "5,9,,5,1",
}
price = st.integers(min_value=1, max_value=10**7)


@st.composite
def good_rows(draw: st.DrawFn) -> list[str]:
    """Valid daily bars with prices of two decimals."""
    lines = []
    for day in range(draw(st.integers(6, 40))):
        low, one, two, high = sorted(draw(st.lists(price, min_size=4, max_size=4)))
        values = ",".join(f"{cents / 100:.2f}" for cents in (one, high, low, two))
        lines.append(f"{START + timedelta(days=day)},{values},{draw(st.integers(0, 10**9))}")
    return lines


@st.composite
def planted(draw: st.DrawFn) -> tuple[list[str], list[str], list[tuple[int, str]]]:
    """(good lines, all lines, (row from 1, rule) of each planted line)."""
    good = draw(good_rows())
    places = draw(st.lists(st.integers(1, len(good)), max_size=8))
    rules = st.sampled_from([*BAD, "duplicate_time", "backward_time"])
    lines: list[str] = []
    expected: list[tuple[int, str]] = []
    for index, line in enumerate(good, start=1):
        lines.append(line)
        for _ in range(places.count(index)):
            rule = draw(rules)
            values = line.split(",", 1)[1]
            if rule == "duplicate_time":
                bad = good[draw(st.integers(0, index - 1))].split(",")[0] + "," + values
            elif rule == "backward_time":
                # Each at its own moment, so that it is no duplicate; ascending, so that they do not look newest first.
                bad = f"{START - timedelta(days=500 - len(lines))},{values}"
            else:
                bad = f"{START + timedelta(days=draw(st.integers(-9, 99)))},{BAD[rule]}"
            lines.append(bad)
            expected.append((len(lines), rule))
    return good, lines, expected


@settings(max_examples=150, deadline=None)
@given(planted())
def test_planted_bad_rows_are_found_and_good_ones_kept(
    case: tuple[list[str], list[str], list[tuple[int, str]]],
) -> None:
    good, lines, expected = case
    with tempfile.TemporaryDirectory() as directory:
        file, catalog = Path(directory) / "bars.csv", Catalog(Path(directory) / "catalog")
        file.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
        report = import_file(file, symbol="AAPL", timeframe="1d", catalog=catalog)
        aside = pl.read_parquet(report.quarantine).select("row", "rule").rows() if report.quarantine else []
        stored = catalog.read("AAPL", "1d")
    assert aside == expected
    assert report.total == len(lines) == report.accepted + sum(report.quarantined.values())
    assert stored["close"].to_list() == [float(line.split(",")[4]) for line in good]
    assert stored["volume"].to_list() == [float(line.split(",")[5]) for line in good]
