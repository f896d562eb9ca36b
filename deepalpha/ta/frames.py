"""Indicators as columns of a table, symbol by symbol: `ta.frame(df, ["RSI_14", "MACD_12_26_9"], by="symbol")`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import polars as pl

from deepalpha import _core
from deepalpha.errors import IndicatorError
from deepalpha.ta.arrays import as_floats
from deepalpha.ta.groups import groups_of
from deepalpha.ta.info import spec_of
from deepalpha.ta.specs import Spec, Spelling, parse

#: A polars DataFrame or LazyFrame, or a pandas DataFrame (typed as Any: pandas is optional).
Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)

_BAR = ("open", "high", "low", "close", "volume")
#: What a free series reads unless `real` says otherwise: of two, as in TA-Lib, the high and the low.
_FREE = {"real": "close", "real0": "high", "real1": "low"}
#: Fewer rows than this do not pay for another thread.
_ROWS_A_THREAD = 20_000


def frame(
    df: Frame,
    specs: Spelling | Sequence[Spelling],
    *,
    by: str | Sequence[str] | None = None,
    columns: Mapping[str, str] | None = None,
    real: str | Sequence[str] | None = None,
    names: Mapping[str, str] | Sequence[str] | None = None,
    nan: str = "propagate",
    threads: int | None = None,
) -> Frame:
    """Add indicators to a table as columns.

    Args:
        df: polars DataFrame, LazyFrame (collected) or pandas DataFrame; of each group, rows oldest first.
        specs: ids such as ``"RSI_14"``, or dicts such as ``{"fn": "BBANDS", "timeperiod": 20, "name": "bands"}``.
        by: column (pandas: or index level) whose values are the groups, or several. Groups need not lie together; a
            missing key is a group of its own. None: the whole table is one.
        columns: where an input has another name here: ``{"close": "adj_close"}``.
        real: column for indicators of any one series instead of the close; a list for those of several.
        names: new names of results: ``{"MACD_12_26_9.macdhist": "hist"}``, or a list of all of them.
        nan: what a gap does: "propagate", "window" (the indicator starts afresh behind it) or "raise".
        threads: at most so many; None: one a processor. The result does not depend on it.

    Returns:
        A table of the same kind with a column for each output: the spec's id, or id.output (``BBANDS_20.upperband``)
        where there are several; float64, or int32 for whole outputs. A column of that name is replaced; a pandas index
        is kept. Nulls go in as NaN and come out as NaN, as does the look-back of each group (0 for whole outputs).

    Raises:
        IndicatorError: an indicator, a column or a parameter that cannot be used; a gap under "raise".

    >>> ta_frame = frame(pl.DataFrame({"s": ["a", "b", "a"], "close": [1.0, 5.0, 3.0]}), ["SMA_2"], by="s")
    >>> ta_frame["SMA_2"].to_list()
    [nan, nan, 2.0]
    """
    if isinstance(df, pl.LazyFrame):
        return frame(
            df.collect(),
            specs,
            by=by,
            columns=columns,
            real=real,
            names=names,
            nan=nan,
            threads=threads,
        ).lazy()
    if not isinstance(df, pl.DataFrame) and not _is_pandas(df):
        raise IndicatorError(
            f"df is a {type(df).__name__}; pass a polars DataFrame or LazyFrame, or a pandas DataFrame"
        )
    parsed = parse(specs)
    wiring, used = _wire(df, parsed, columns or {}, [real] if isinstance(real, str) else real)
    floats = [as_floats(f"ta.frame: column {name!r}", df[name]) for name in used]
    starts, order = groups_of(df, [by] if isinstance(by, str) else list(by or ()))
    workers = _threads(threads, len(df))
    results = _core.ta_frame(parsed, wiring, floats, starts, order, threads=workers, nan=nan)
    renamed = _names([name for name, _ in results], names)
    values = dict(zip(renamed, (array for _, array in results), strict=True))
    if isinstance(df, pl.DataFrame):
        return df.with_columns([pl.Series(name, array) for name, array in values.items()])
    return df.assign(**values)


def _is_pandas(df: Any) -> bool:
    """Whether this is a pandas DataFrame, without importing pandas: who has one has imported it."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(df, pandas.DataFrame)


def _wire(
    df: Any, specs: Sequence[Spec], columns: Mapping[str, str], real: Sequence[str] | None
) -> tuple[list[list[int]], list[str]]:
    """Which of the used columns each input of each spec reads, and the used columns."""
    present = set(df.columns)
    unknown = [column for column in columns.values() if column not in present]
    if unknown:
        raise IndicatorError(f"columns maps to {unknown[0]!r}, which the frame lacks; it has {_listed(df)}")
    used: list[str] = []
    wiring = []
    for spec in specs:
        inputs = spec_of(spec.name)["inputs"]
        free = [label for label in inputs if label in _FREE]
        if real is not None and free and len(real) != len(free):
            raise IndicatorError(
                f"{spec.label} reads {len(free)} free series ({', '.join(free)}), but real names {len(real)}"
            )
        chosen = dict(zip(free, real, strict=True)) if real is not None and free else {}
        places = []
        for label in inputs:
            role = label if label in _BAR or label in columns or label in present else _FREE.get(label, label)
            column = chosen.get(label) or columns.get(role, role)
            if column not in present:
                raise IndicatorError(
                    f"{spec.label} reads {label} from the column {column!r}, which the frame lacks; map it with"
                    f" columns={{{role!r}: ...}} or real=...; it has {_listed(df)}"
                )
            if column not in used:
                used.append(column)
            places.append(used.index(column))
        wiring.append(places)
    if not used:
        raise IndicatorError("ta.frame needs at least one indicator")
    return wiring, used


def _listed(df: Any) -> str:
    names = [str(name) for name in df.columns]
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")


def _threads(threads: int | None, rows: int) -> int:
    if threads is None:
        return max(1, min(os.cpu_count() or 1, rows // _ROWS_A_THREAD))
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise IndicatorError(f"threads {threads!r} is no number of threads; pass 1 or more, or None")
    return threads


def _names(found: Sequence[str], wanted: Mapping[str, str] | Sequence[str] | None) -> list[str]:
    """The results' names, renamed as asked."""
    if isinstance(wanted, Mapping):
        unknown = [name for name in wanted if name not in found]
        if unknown:
            raise IndicatorError(f"names has {unknown[0]!r}, but the results are {', '.join(found)}")
        names = [wanted.get(name, name) for name in found]
    elif wanted is None:
        names = list(found)
    else:
        if isinstance(wanted, str) or len(wanted) != len(found):
            raise IndicatorError(f"names must be {len(found)} names, for {', '.join(found)}")
        names = list(wanted)
    twins = [name for place, name in enumerate(names) if name in names[:place]]
    if twins:
        raise IndicatorError(f'two results would be called {twins[0]!r}; give one a name: {{"fn": ..., "name": ...}}')
    return names
