"""What a valid bar is: the columns, and the rules a row must keep. Used by the catalog, the importer and the sample."""

from __future__ import annotations

import polars as pl

PRICES = ("open", "high", "low", "close")
COLUMNS = ("ts_open", *PRICES, "volume")
SCHEMA = pl.Schema({"ts_open": pl.Int64(), **dict.fromkeys((*PRICES, "volume"), pl.Float64())})

_FINITE = pl.all_horizontal(pl.col(name).is_finite().fill_null(value=False) for name in (*PRICES, "volume"))

# Rule -> condition of a row that breaks it. The order matters: the first broken rule names the row.
RULES: dict[str, pl.Expr] = {
    "not_a_number": ~_FINITE | pl.col("ts_open").is_null(),
    "non_positive_price": pl.min_horizontal(PRICES) <= 0,
    "high_below_low": pl.col("high") < pl.col("low"),
    "high_below_body": pl.col("high") < pl.max_horizontal("open", "close"),
    "low_above_body": pl.col("low") > pl.min_horizontal("open", "close"),
    "negative_volume": pl.col("volume") < 0,
}


def broken_rule() -> pl.Expr:
    """Name of the first rule a row breaks, null for a valid row. Says nothing about the order of rows.

    Example:
        >>> row = {"ts_open": 0, "open": 1.0, "high": 2.0, "low": 3.0, "close": 1.0, "volume": 0.0}
        >>> pl.DataFrame([row]).select(broken_rule()).item()
        'high_below_low'
    """
    return pl.coalesce(pl.when(condition).then(pl.lit(name)) for name, condition in RULES.items()).alias("rule")
