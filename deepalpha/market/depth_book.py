"""The order book of a symbol as a feed keeps it: exact levels, and whether they can be believed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from deepalpha.types import Fact

_UNIT = Decimal(1).scaleb(-8)
Level = tuple[Decimal, Decimal]


class Book(Fact, frozen=True):
    """A book at one moment.

    Attributes:
        symbol: as the venue spells it.
        state: ``waiting`` for its first snapshot, ``live``, or ``broken``: then `why` says what is wrong, and the
            levels are not those of the venue until a snapshot is given (`Feed.give`) or comes.
        why: what broke it; None unless it is broken.
        last_update: the venue's id of the last update in it.
        bids: (price, quantity), best first.
        asks: likewise.
        counts: ``received == applied + dropped + overflowed + breaking`` and what is kept for a snapshot; ``resyncs``,
            ``snapshots``.
    """

    symbol: str
    state: Literal["waiting", "live", "broken"]
    why: str | None
    last_update: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    counts: dict[str, int]

    @property
    def is_live(self) -> bool:
        """Whether it is the venue's book as of `last_update`."""
        return self.state == "live"


def book_of(symbol: str, report: dict[str, Any]) -> Book:
    """A book from what the core reports; amounts there are integers of 1e-8."""

    def exact(levels: list[tuple[int, int]]) -> tuple[Level, ...]:
        return tuple((price * _UNIT, size * _UNIT) for price, size in levels)

    return Book(
        symbol=symbol,
        state=report["state"],
        why=report["why"],
        last_update=report["last_update"],
        bids=exact(report["bids"]),
        asks=exact(report["asks"]),
        counts=report["counts"],
    )
