"""Which missing bars are a hole and which are a closed market, learnt from the bars themselves, without a calendar.

# The rule ("weekly pattern")
The week is cut into slots of one bar. In a week a slot counts as closed when fewer than half of the weeks from four
before to four after (weeks without any bar aside, at least three) have a bar there, and it belongs to at least 30
minutes of such slots: that is the night, the weekend, the lunch break, and it follows daylight saving time. The open
slots between two closed stretches are one session (of daily bars: each day). A session without any bar is a holiday,
if the market was away no longer than 16 days. Every other missing bar is a gap. A market without closed slots trades
round the clock: all are gaps. Data of less than three weeks teaches nothing: all are gaps then, and the report says
so.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepalpha.types import DAY

WEEK = 7 * DAY
MONDAY = 4 * DAY  # 1970-01-05, a Monday
LEAST_WEEKS = 3
_AROUND = 4
_SHORTEST_CLOSE = 30 * 60 * 1_000_000_000
_LONGEST_HOLIDAY = 16 * DAY
MOST_SLOTS = 60_000_000

Flags = NDArray[np.bool_]


class Missing(NamedTuple):
    """Missing bars by kind, as parallel arrays of runs: ts_open of the first missing bar, and how many are missing."""

    gap_starts: NDArray[np.int64]
    gap_bars: NDArray[np.int64]
    breaks: int
    break_bars: int
    learnt: bool


def missing_bars(opens: NDArray[np.int64], step: int) -> Missing:
    """Sort the bars missing between the first and the last into gaps and session breaks.

    Args:
        opens: ts_open, ascending, distinct, on a grid of `step` ns, shape (n,), n >= 1.
        step: length of a bar in ns, at most a week.

    Complexity: O(n) without missing bars, else O(span / step) time and memory.
    """
    jumps = np.diff(opens) // step - 1
    holes = np.flatnonzero(jumps)
    slots = int((opens[-1] - opens[0]) // step) + 1
    teachable = step <= DAY and WEEK % step == 0 and slots <= MOST_SLOTS
    if not len(holes) or not teachable:
        return Missing(opens[holes] + step, jumps[holes], 0, 0, teachable)
    first = int((opens[0] - MONDAY) // step)  # number of the first slot since a Monday
    present = np.zeros(slots, dtype=bool)
    present[(opens - opens[0]) // step] = True
    a_week = WEEK // step
    closed, learnt = _closed(present, first % a_week, a_week, step)
    holiday = _holidays(present, closed, step)
    absent = ~present
    gap = absent & ~closed & ~holiday
    starts, lengths = _runs(gap)
    away = absent & ~gap
    return Missing(opens[0] + starts * step, lengths, len(_runs(away)[0]), int(away.sum()), learnt)


def _closed(present: Flags, offset: int, a_week: int, step: int) -> tuple[Flags, bool]:
    """Slots the market is usually closed in, and whether there were weeks enough to say."""
    n = len(present)
    weeks = -(-(offset + n) // a_week)
    if n < LEAST_WEEKS * a_week:
        return np.zeros(n, dtype=bool), False
    spanned = np.zeros(weeks * a_week, dtype=np.int32)
    seen = np.zeros(weeks * a_week, dtype=np.int32)
    spanned[offset : offset + n] = 1
    seen[offset : offset + n] = present
    active = np.flatnonzero(seen.reshape(weeks, a_week).any(axis=1))
    total, count = (_around(flags.reshape(weeks, a_week)[active]) for flags in (spanned, seen))
    rule = (total >= LEAST_WEEKS) & (2 * count < total)
    closed = rule[np.searchsorted(active, np.arange(weeks), side="right") - 1].ravel()[offset : offset + n]
    starts, lengths = _runs(closed)
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        if length * step < _SHORTEST_CLOSE:
            closed[start : start + length] = False
    return closed, True


def _around(weeks: NDArray[np.int32]) -> NDArray[np.int32]:
    """Sum over the weeks from 4 before to 4 after each."""
    sums = np.vstack([np.zeros((1, weeks.shape[1]), dtype=np.int32), np.cumsum(weeks, axis=0, dtype=np.int32)])
    rows = np.arange(len(weeks))
    upper = np.minimum(rows + _AROUND + 1, len(weeks))
    lower = np.maximum(rows - _AROUND, 0)
    found: NDArray[np.int32] = sums[upper] - sums[lower]
    return found


def _holidays(present: Flags, closed: Flags, step: int) -> Flags:
    """Open slots of whole sessions without a bar, unless the market was away too long for a holiday."""
    holiday = np.zeros(len(present), dtype=bool)
    if not closed.any():
        return holiday
    open_slots = ~closed
    if step == DAY:
        empty = open_slots & ~present
    else:
        session = np.cumsum(np.diff(open_slots.astype(np.int8), prepend=0) == 1)
        bars = np.bincount(session[present & open_slots], minlength=int(session[-1]) + 1)
        empty = open_slots & (bars[session] == 0)
    starts, lengths = _runs(~present)
    long = lengths * step > _LONGEST_HOLIDAY
    holiday |= empty
    for start, length in zip(starts[long].tolist(), lengths[long].tolist(), strict=True):
        holiday[start : start + length] = False
    return holiday


def _runs(flags: Flags) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First index and length of each run of true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return edges[::2].astype(np.int64), (edges[1::2] - edges[::2]).astype(np.int64)
