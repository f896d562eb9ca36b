"""Derive the sample data from two PyPI packages. Run by hand: ``python data/sample/derive.py``.

Reads ``bokeh-sampledata`` 2026.1 (daily OHLCV) and ``skfolio`` (20 US large caps and the S&P 500), which must be
installed; only their data files are read, nothing is downloaded. Writes the Parquet files beside this script and
the file table in ``data/README.md``. The same input and the same polars write the same bytes.

The OHLCV in the source is as traded; its adjusted close is corrected for splits and dividends. Splits are found
where the ratio of the two jumps by a whole number. Earlier prices are divided and earlier volumes multiplied by it,
so that a split is not a 50 % crash to an indicator. Dividends are NOT applied: bars show prices that traded.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import importlib.metadata
import importlib.util
import sys
import zipfile
from pathlib import Path

import polars as pl

HERE = Path(__file__).resolve().parent
README = HERE.parent / "README.md"
SYMBOLS = ("AAPL", "IBM", "MSFT", "GOOG")
BARS = tuple(f"{symbol}.parquet" for symbol in SYMBOLS)
CLOSES = "us_equity_close_1d.parquet"
FILES = (*BARS, CLOSES, "news.jsonl")
BEGIN, END = "<!-- files: written by derive.py -->", "<!-- end of files -->"

# sha256 of the uncompressed CSVs. bokeh-sampledata before 2026.1 has other prices, of other provenance.
SOURCE_SHA256 = {
    "stocks.csv.gz": "e73fe05d106b7da1abe8f947264c514afd02cef5c9db4864b9437c84d6bd6069",
    "sp500_dataset.csv.gz": "5f769c6d7be57f62a4dfd1f553995855462a17c92b21a4af4245439c6115617f",
    "sp500_index.csv.gz": "365ea69a33af9f25cfbe31220dcc486ba971dd551d7de8e7ee9644561661efb7",
}


def main() -> int:
    """Write the files, print what was found, return 0. Any problem ends the run with a message before writing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skfolio-wheel", type=Path, metavar="PATH", help="read skfolio's files from this wheel")
    args = parser.parse_args()

    stocks = read_source("bokeh-sampledata", "bokeh_sampledata", "_data/stocks.csv.gz")
    closes = read_source("skfolio", "skfolio", "datasets/data/sp500_dataset.csv.gz", args.skfolio_wheel)
    index = read_source("skfolio", "skfolio", "datasets/data/sp500_index.csv.gz", args.skfolio_wheel)

    frames, all_dropped = {}, []
    for symbol in SYMBOLS:
        frame, splits, dropped = derive_bars(stocks.filter(pl.col("Ticker") == symbol))
        frames[f"{symbol}.parquet"] = frame
        print(f"{symbol}: {len(frame)} bars, splits {splits or 'none'}, {len(dropped)} source rows dropped")
        all_dropped += [f"{symbol}: {row}" for row in dropped]
    frames[CLOSES] = derive_closes(closes, index)
    print(f"{CLOSES}: {frames[CLOSES].height} days, {frames[CLOSES].width - 1} series")
    for name, frame in frames.items():
        frame.write_parquet(HERE / name, compression="zstd", compression_level=12, statistics=True)
    write_table(all_dropped)
    return 0


def read_source(distribution: str, package: str, path: str, wheel: Path | None = None) -> pl.DataFrame:
    """Return the gzipped CSV `path` of an installed package (or of `wheel`), after checking its sha256."""
    if wheel is not None:
        with zipfile.ZipFile(wheel) as archive:
            packed = archive.read(f"{package}/{path}")
    else:
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            sys.exit(
                f"{distribution} is not installed: `pip install {distribution}` (only its data files are read), "
                "or give a downloaded skfolio wheel with --skfolio-wheel PATH"
            )
        packed = (Path(spec.submodule_search_locations[0]) / path).read_bytes()
    data = gzip.decompress(packed)
    name = path.rsplit("/", 1)[-1]
    digest = hashlib.sha256(data).hexdigest()
    if digest != SOURCE_SHA256[name]:
        sys.exit(
            f"{name} of {distribution} has sha256 {digest}, expected {SOURCE_SHA256[name]}: another version of the "
            "package. Check its provenance and licence, then change SOURCE_SHA256 and data/README.md together"
        )
    return pl.read_csv(data)


def derive_bars(source: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, float], list[dict[str, object]]]:
    """Split-adjust one symbol's rows; return (bars, splits by date, source rows that were dropped as invalid)."""
    prices = ("Open", "High", "Low", "Close")
    date = pl.col("Date").str.to_date("%Y-%m-%d")
    valid = (
        pl.all_horizontal(pl.col(c).is_finite() & (pl.col(c) > 0) for c in prices)
        & (pl.col("High") >= pl.max_horizontal("Open", "Close"))
        & (pl.col("Low") <= pl.min_horizontal("Open", "Close"))
        & (pl.col("Volume") >= 0)
        & (date > date.shift(1)).fill_null(value=True)
    ).fill_null(value=False)
    marked = source.with_columns(valid=valid)
    dropped = marked.filter(~pl.col("valid")).drop("valid").to_dicts()
    kept = marked.filter("valid")

    ratio = pl.col("Adj Close") / pl.col("Close")
    step = (ratio / ratio.shift(1)).fill_null(1.0)
    # A dividend moves the ratio by a few per cent (MSFT's special one of 2004 by 11 %); a split by a whole number.
    is_split = (step.round() >= 2) & ((step - step.round()).abs() < 0.01)
    kept = kept.with_columns(split=pl.when(is_split).then(step.round()).otherwise(1.0))
    splits = dict(kept.filter(pl.col("split") > 1).select("Date", "split").iter_rows())
    # Product of all splits after the row: the row on whose date a split takes effect already trades at the new price.
    factor = pl.col("split").reverse().cum_prod().reverse() / pl.col("split")
    bars = kept.select(
        ts_open=date.cast(pl.Datetime("ns")).cast(pl.Int64),
        **{c.lower(): pl.col(c) / factor for c in prices},
        volume=pl.col("Volume").cast(pl.Float64) * factor,
    )
    return bars, splits, dropped


def derive_closes(closes: pl.DataFrame, index: pl.DataFrame) -> pl.DataFrame:
    """Join the 20 stocks and the index on their common dates; every value must be finite and above zero."""
    if closes["Date"].to_list() != index["Date"].to_list():
        sys.exit("skfolio's stock and index files no longer have the same dates; decide how to join them")
    joined = closes.join(index, on="Date", how="inner", maintain_order="left")
    values = joined.drop("Date").cast(pl.Float64)
    if not values.select(pl.all_horizontal(pl.all().is_finite() & (pl.all() > 0)).all()).item():
        sys.exit("skfolio's closes hold a null, NaN or non-positive value; list and drop those rows first")
    days = joined["Date"].str.to_date("%Y-%m-%d").cast(pl.Datetime("ns")).cast(pl.Int64).alias("ts_open")
    if not days.is_sorted() or days.is_duplicated().any():
        sys.exit("skfolio's dates are not ascending and unique")
    return values.insert_column(0, days)


def write_table(dropped: list[str]) -> None:
    """Rewrite the dropped rows and the table of files in data/README.md, between its two markers."""
    lines = [
        BEGIN,
        "Source rows dropped because they break a rule above: " + ("none." if not dropped else ""),
        *(f"- `{row}`" for row in dropped),
        "",
        f"Written by polars {importlib.metadata.version('polars')}.",
        "",
        "| file | rows | bytes | sha256 |",
        "|---|---|---|---|",
    ]
    for name in FILES:
        data = (HERE / name).read_bytes()
        rows = data.count(b"\n") if name.endswith(".jsonl") else pl.read_parquet(HERE / name).height
        lines.append(f"| `sample/{name}` | {rows} | {len(data)} | `{hashlib.sha256(data).hexdigest()}` |")
    text = README.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    README.write_text(head + "\n".join([*lines, END]) + tail, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
