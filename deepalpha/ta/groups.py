"""The groups of a table, found once for all indicators: runs of rows where they lie together, else one shared order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deepalpha import _core
from deepalpha.errors import IndicatorError

#: First row of each group in the group order, and the table's row at each place of it (None: the table's own order).
Groups = tuple[NDArray[np.int64], NDArray[np.uint32] | None]

#: A table with more runs of equal keys than one in this many rows is not asked whether its groups lie together.
_RUN_ROWS = 4
#: So many rows show whether keys alternate.
_SAMPLE = 4096


def groups_of(df: Any, by: Sequence[str]) -> Groups:
    """Find the groups of a table.

    Args:
        df: polars or pandas DataFrame of n rows.
        by: its key columns; for pandas, index levels too. None of them: one group.

    Returns:
        Starts (m,), ascending, and the order (n,): rows of a group keep theirs. One pass over the keys where groups
        lie together; else they are hashed once.

    Raises:
        IndicatorError: no such column, or keys that cannot be compared.
    """
    if not by:
        return np.zeros(min(len(df), 1), dtype=np.int64), None
    try:
        keys = pl.DataFrame([_key(df, name).alias(str(place)) for place, name in enumerate(by)])
        return _groups(keys)
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        if isinstance(error, IndicatorError):
            raise
        raise IndicatorError(f"the keys in {', '.join(map(str, by))} cannot be grouped: {error}") from error


def _key(df: Any, name: str) -> pl.Series:
    if name in df.columns:
        column = df[name]
    elif name in getattr(getattr(df, "index", None), "names", ()):
        column = df.index.get_level_values(name).to_series()
    else:
        raise IndicatorError(f"by={name!r} is no column of the frame; it has {', '.join(map(str, df.columns))}")
    if isinstance(column, pl.Series):
        return column
    return cast(pl.Series, pl.from_pandas(column.reset_index(drop=True)))


def _groups(keys: pl.DataFrame) -> Groups:
    rows = keys.height
    starts = np.zeros(min(rows, 1), dtype=np.int64)
    if rows <= 1:
        return starts, None
    if len(_changes(keys.head(_SAMPLE))) * _RUN_ROWS <= min(rows, _SAMPLE):
        starts = np.concatenate([starts, _changes(keys)])
        if len(starts) * _RUN_ROWS <= max(rows, _RUN_ROWS) and not keys[starts.astype(np.uint32)].is_duplicated().any():
            return starts, None
    grouped = keys.with_row_index("row").group_by(keys.columns, maintain_order=True).agg("row")["row"]
    sizes = grouped.list.len().to_numpy().astype(np.int64)
    order = grouped.explode().to_numpy().astype(np.uint32, copy=False)
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)[:-1]])
    in_order = bool((order == np.arange(rows, dtype=np.uint32)).all())
    return starts, None if in_order else np.ascontiguousarray(order)


def _changes(keys: pl.DataFrame) -> NDArray[np.int64]:
    """Rows whose keys are not those of the row before."""
    found = [_changes_of(keys[name].rechunk()) for name in keys.columns]
    return found[0] if len(found) == 1 else np.unique(np.concatenate(found))


def _changes_of(key: pl.Series) -> NDArray[np.int64]:
    if key.dtype != pl.String or key.null_count():
        return key[1:].ne_missing(key[:-1]).arg_true().to_numpy().astype(np.int64) + 1
    # Arrow's string views, two words a row: equal views are equal strings, which is a tenth of the work of comparing
    # text. Strings over 12 bytes may be equal in two places, so that the few rows found are compared as text.
    _, views, *_ = key.to_arrow(compat_level=pl.CompatLevel.newest()).buffers()
    words = np.frombuffer(views, dtype=np.uint64, count=2 * len(key)).reshape(-1, 2)
    found = _core.ta_changes(words)
    before, after = key[(found - 1).astype(np.uint32)], key[found.astype(np.uint32)]
    differs: NDArray[np.bool_] = after.ne_missing(before).to_numpy()
    return found[differs]
