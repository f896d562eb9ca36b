"""The last decisions of each symbol and what became of them: the evidence behind every confidence figure."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any

import msgspec

from deepalpha.errors import StoreError
from deepalpha.types import SECOND, Action, Decision, Fact

FORMAT = 1


class Remembered(Fact, frozen=True):
    """One decision in memory. `outcome_close` is the first close at or after `due_at`, seen at `outcome_at`."""

    decision_id: str
    asof: int
    horizon_s: int
    action: Action
    p_up: float
    price: float
    outcome_at: int | None = None
    outcome_close: float | None = None

    @property
    def due_at(self) -> int:
        """UTC ns at which the horizon ends."""
        return self.asof + self.horizon_s * SECOND

    @property
    def hit(self) -> bool | None:
        """Whether the price went the decision's way; None for a hold or an open outcome. No move is a miss."""
        if self.outcome_close is None or self.action is Action.HOLD:
            return None
        move = self.outcome_close - self.price
        return move > 0 if self.action is Action.BUY else move < 0


class Record(Fact, frozen=True):
    """How this symbol's earlier calls turned out: `resolved` of them have an outcome, `hits` went the right way."""

    resolved: int = 0
    hits: int = 0

    @property
    def words(self) -> str:
        """``uncalibrated, n=12, hit rate 58 %``: the label every confidence carries."""
        text = f"uncalibrated, n={self.resolved}"
        return f"{text}, hit rate {100 * self.hits / self.resolved:.0f} %" if self.resolved else text


class DecisionMemory:
    """A bounded list of decisions for each symbol, oldest dropped first.

    Args:
        size: decisions kept for one symbol.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._by_symbol: dict[str, deque[Remembered]] = {}

    def add(self, decision: Decision, horizon_s: int) -> None:
        """Remember a decision; one that is already there (same id) keeps its place and outcome."""
        entries = self._entries(decision.symbol)
        if any(entry.decision_id == decision.decision_id for entry in entries):
            return
        entries.append(
            Remembered(
                decision_id=decision.decision_id,
                asof=decision.asof,
                horizon_s=horizon_s,
                action=decision.action,
                p_up=decision.p_up,
                price=decision.price,
            )
        )

    def observe(self, symbol: str, ts_event: int, close: float) -> int:
        """Resolve what is due at `ts_event`; returns how many. A close that is not a finite number resolves nothing."""
        entries = self._by_symbol.get(symbol)
        if entries is None or not math.isfinite(close):
            return 0
        resolved = 0
        for index, entry in enumerate(entries):
            if entry.outcome_at is None and entry.due_at <= ts_event:
                entries[index] = msgspec.structs.replace(entry, outcome_at=ts_event, outcome_close=close)
                resolved += 1
        return resolved

    def record(self, symbol: str, asof: int) -> Record:
        """The track record as known at `asof`: outcomes that came later do not count, so a replay sees the same one."""
        known = [
            entry.hit
            for entry in self._by_symbol.get(symbol, ())
            if entry.hit is not None and entry.outcome_at is not None and entry.outcome_at <= asof
        ]
        return Record(resolved=len(known), hits=sum(known))

    def recall(self, symbol: str) -> tuple[Remembered, ...]:
        """This symbol's decisions, oldest first."""
        return tuple(self._by_symbol.get(symbol, ()))

    def state(self) -> dict[str, Any]:
        """Everything as JSON-able values."""
        return {
            "format": FORMAT,
            "symbols": {name: msgspec.to_builtins(list(self._by_symbol[name])) for name in sorted(self._by_symbol)},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replace the content by what `state` gave. Raises StoreError, and keeps the old content, if it is unusable."""
        if state.get("format") != FORMAT:
            raise StoreError(
                f"decision memory has format {state.get('format')!r}, this version reads {FORMAT}; drop it"
            )
        try:
            read = msgspec.convert(state.get("symbols"), dict[str, list[Remembered]])
        except msgspec.ValidationError as error:
            raise StoreError(
                f"decision memory cannot be read ({error}); drop it and start with an empty one"
            ) from error
        self._by_symbol = {name: deque(entries, maxlen=self._size) for name, entries in read.items()}

    def _entries(self, symbol: str) -> deque[Remembered]:
        return self._by_symbol.setdefault(symbol, deque(maxlen=self._size))
