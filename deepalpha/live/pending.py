"""Decisions that wait for a person: at most one a symbol, each with its order, verdict and expiry."""

from __future__ import annotations

from deepalpha.live.records import Batch
from deepalpha.types import DecisionStatus, Fact, OrderRequest, Side, Verdict


class Pending(Fact, frozen=True):
    """A decision with the order it would become. `expires_at` is UTC ns by the market's clock."""

    decision_id: str
    symbol: str
    side: Side
    order: OrderRequest
    verdict: Verdict
    asof: int
    expires_at: int


class PendingBook:
    """What waits for a click, oldest first."""

    def __init__(self) -> None:
        self._by_symbol: dict[str, Pending] = {}

    def __len__(self) -> int:
        return len(self._by_symbol)

    def propose(self, pending: Pending, batch: Batch) -> bool:
        """Add a decision; False while one of the same side waits for the symbol already. The other side is replaced."""
        waiting = self._by_symbol.get(pending.symbol)
        if waiting is not None and waiting.side is pending.side:
            return False
        if waiting is not None:
            self._resolve(waiting, DecisionStatus.EXPIRED, f"superseded by {pending.decision_id}", batch, pending.asof)
        self._by_symbol[pending.symbol] = pending
        batch.audit("decision", pending.decision_id, DecisionStatus.PENDING.value, pending.asof, pending)
        return True

    def get(self, decision_id: str) -> Pending | None:
        """A waiting decision by its id."""
        return next((item for item in self._by_symbol.values() if item.decision_id == decision_id), None)

    def restore(self, pending: Pending) -> None:
        """After a restart: a decision that still waits according to the log."""
        self._by_symbol[pending.symbol] = pending

    def remove(self, pending: Pending) -> None:
        """It was decided on; the caller writes how."""
        self._by_symbol.pop(pending.symbol, None)

    def expire(self, now: int, batch: Batch) -> None:
        """Let go of what nobody decided on in time."""
        for item in [item for item in self._by_symbol.values() if item.expires_at < now]:
            self._resolve(item, DecisionStatus.EXPIRED, "nobody decided in time", batch, now)

    def clear(self, reason: str, now: int, batch: Batch) -> None:
        """Let go of everything."""
        for item in list(self._by_symbol.values()):
            self._resolve(item, DecisionStatus.EXPIRED, reason, batch, now)

    def _resolve(self, item: Pending, status: DecisionStatus, reason: str, batch: Batch, now: int) -> None:
        self._by_symbol.pop(item.symbol, None)
        batch.audit("decision", item.decision_id, status.value, now, {"reason": reason})
