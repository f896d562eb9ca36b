"""Caps on money: the worst case is reserved before a call and settled after it.

Invariant: at every moment, spent + reserved <= cap, for the call, the cycle, the UTC day and the UTC month, as long as
providers charge no more than they were asked for. Amounts are integer picodollars. An unknown price never gets here: it
is refused before. State comes from the log at the start, so a restart forgets nothing. One event loop, no locks needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from deepalpha.config.settings import BudgetSettings
from deepalpha.llm.models import PICODOLLARS, dollars
from deepalpha.types import DAY, SECOND

MAX_CYCLES = 4096


@dataclass(frozen=True, kw_only=True)
class Spent:
    """Money that a log knows of: what a call did cost, or its worst case when it never ended."""

    ts: int
    cycle: str
    cost_usd: Decimal


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """An amount held for one attempt."""

    amount: int
    windows: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why an amount was not granted."""

    words: str


class Budget:
    """What was spent and is reserved, in each window that has a cap."""

    def __init__(self, caps: BudgetSettings, spent: Iterable[Spent] = ()) -> None:
        self._caps = {
            "call": _picodollars(caps.per_call_usd),
            "cycle": _picodollars(caps.per_cycle_usd),
            "day": _picodollars(caps.per_day_usd),
            "month": _picodollars(caps.per_month_usd),
        }
        self._used: dict[str, int] = {}
        self._refused: int = 0
        for entry in spent:
            for window in (_day(entry.ts), _month(entry.ts), *((f"cycle {entry.cycle}",) if entry.cycle else ())):
                self._used[window] = self._used.get(window, 0) + _picodollars(entry.cost_usd)

    def reserve(self, *, call_id: str, cycle: str, amount: int, now: int) -> Reservation | Refusal:
        """Hold `amount`, or say which cap it would break."""
        windows = (f"call {call_id}", f"cycle {cycle or call_id}", _day(now), _month(now))
        # The widest first: a cap that stops everything is what a person must be told of.
        for window in reversed(windows):
            used, cap = self._used.get(window, 0), self._cap(window)
            if used + amount > cap:
                kind = window.partition(" ")[0]
                if kind in ("day", "month"):
                    self._refused = amount
                return Refusal(
                    words=f"the worst case of {_shown(amount)} USD does not fit: {_shown(used)} of {_shown(cap)} USD "
                    f"per {kind} are used (llm.budget.per_{kind}_usd)"
                )
        for window in windows:
            self._used[window] = self._used.get(window, 0) + amount
        self._refused = 0  # calls of some size still fit
        self._forget()
        return Reservation(amount=amount, windows=windows)

    def settle(self, reservation: Reservation, actual: int) -> None:
        """Replace what was held by what it did cost."""
        for window in reservation.windows:
            if window in self._used:  # a call or cycle that is over may be forgotten
                self._used[window] += actual - reservation.amount

    def end_call(self, call_id: str) -> None:
        """A call is over: its own cap is not needed any more."""
        self._used.pop(f"call {call_id}", None)

    def used(self, kind: str, now: int) -> Decimal:
        """Spent and reserved US dollars of this ``day`` or ``month``."""
        return dollars(self._used.get(_day(now) if kind == "day" else _month(now), 0))

    def exhausted(self, now: int) -> str:
        """Words when the day's or month's cap stops calls of the size last asked for; empty when it does not."""
        for kind, window in (("day", _day(now)), ("month", _month(now))):
            used, cap = self._used.get(window, 0), self._caps[kind]
            if used >= cap or (self._refused and used + self._refused > cap):
                end = "midnight UTC" if kind == "day" else "the month's end (UTC)"
                return f"model budget of the {kind} used: {_shown(used)} of {_shown(cap)} USD; rules only until {end}"
        return ""

    def _cap(self, window: str) -> int:
        return self._caps[window.partition(" ")[0]]

    def _forget(self) -> None:
        """Drop the oldest windows: a long run must not grow. The newest stay, so no cap in use is lost."""
        while len(self._used) > MAX_CYCLES:
            self._used.pop(next(name for name in self._used if not name.startswith(("day", "month"))))


def _day(ts: int) -> str:
    return f"day {ts // DAY}"


def _month(ts: int) -> str:
    moment = datetime.fromtimestamp(ts // SECOND, UTC)
    return f"month {moment.year}-{moment.month:02d}"


def _picodollars(usd: Decimal) -> int:
    return int(usd * PICODOLLARS)


def _shown(picodollars: int) -> str:
    return f"{dollars(picodollars):.6f}".rstrip("0").rstrip(".")
