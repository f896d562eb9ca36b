"""The last decisions of each symbol, what became of them, and those whose horizon has not ended yet.

Invariants: a decision is resolved once, by the first finite close at or after the end of its horizon; decisions are
resolved in the order in which they were made. The memory is bounded, the open ones are not lost to that bound.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from deepalpha.types import SECOND, Action, AgentRole, Decision, Fact, Outcome, SignalStatus

OPEN_LIMIT = 4096
"""Open decisions kept for one symbol: a market that never closes another bar must not fill the memory."""


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
        """``12 earlier calls, 58 % of them right``; empty without any."""
        return (
            f"{self.resolved} earlier calls, {100 * self.hits / self.resolved:.0f} % of them right"
            if self.resolved
            else ""
        )


class OpenDecision(Fact, frozen=True):
    """A decision that waits for the end of its horizon, with all that its outcome will be learned from."""

    decision_id: str
    symbol: str
    asof: int
    horizon_s: int
    action: Action
    price: float
    score: float
    p_up: float
    p_buy: float
    p_sell: float
    n_calibration: int
    fuser: str
    shadows: dict[str, float]
    votes: dict[str, float]
    asked: tuple[str, ...]

    @classmethod
    def of(cls, decision: Decision) -> OpenDecision:
        """What is kept of a decision."""
        voters = sorted((s for s in decision.signals if s.role is AgentRole.VOTER), key=lambda s: s.agent)
        return cls(
            decision_id=decision.decision_id,
            symbol=decision.symbol,
            asof=decision.asof,
            horizon_s=decision.horizon_s,
            action=decision.action,
            price=decision.price,
            score=decision.score,
            p_up=decision.p_up,
            p_buy=decision.p_buy,
            p_sell=decision.p_sell,
            n_calibration=decision.n_calibration,
            fuser=decision.fuser,
            shadows=dict(decision.shadows),
            votes={s.agent: s.p_up for s in voters if s.status is SignalStatus.OK and s.p_up is not None},
            asked=tuple(s.agent for s in voters),
        )

    @property
    def due_at(self) -> int:
        """UTC ns at which the horizon ends."""
        return self.asof + self.horizon_s * SECOND

    def outcome(self, resolved_at: int, close: float, cost: float) -> Outcome:
        """What became of it at `close`; `cost` is the share of the price that the way in and out takes."""
        gross = close / self.price - 1.0
        down = self.action is Action.SELL or (self.action is Action.HOLD and self.score < 0.0)
        return Outcome(
            decision_id=self.decision_id,
            symbol=self.symbol,
            asof=self.asof,
            resolved_at=resolved_at,
            action=self.action,
            price=self.price,
            close=close,
            gross_return=gross,
            net_return=(-gross if down else gross) - cost,
            cost=cost,
            went_up=0.5 if close == self.price else float(close > self.price),
            p_up=self.p_up,
            p_buy=self.p_buy,
            p_sell=self.p_sell,
            n_calibration=self.n_calibration,
            fuser=self.fuser,
            shadows=self.shadows,
            votes=self.votes,
            asked=self.asked,
        )


class DecisionMemory:
    """Decisions by symbol: a bounded list of the last ones, and the open ones.

    Args:
        size: decisions remembered for one symbol, oldest dropped first.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._by_symbol: dict[str, OrderedDict[str, Remembered]] = {}
        self._open: dict[str, deque[OpenDecision]] = {}

    def add(self, decision: Decision) -> None:
        """Remember a decision and wait for its outcome; one that is already there keeps its place."""
        if decision.decision_id in self._by_symbol.get(decision.symbol, ()):
            return
        self.remember(decision)
        self.wait_for(OpenDecision.of(decision))

    def remember(self, decision: Decision) -> None:
        """Remember a decision without waiting for it."""
        entry = Remembered(
            decision_id=decision.decision_id,
            asof=decision.asof,
            horizon_s=decision.horizon_s,
            action=decision.action,
            p_up=decision.p_up,
            price=decision.price,
        )
        self._keep(decision.symbol, entry)

    def wait_for(self, decision: OpenDecision) -> None:
        """Add to the open ones, behind those of the same symbol."""
        self._open.setdefault(decision.symbol, deque(maxlen=OPEN_LIMIT)).append(decision)

    def due(self, symbol: str, ts_event: int, close: float, cost: float) -> list[Outcome]:
        """Outcomes of what is due at a close, in the order of the decisions; a close that is no price ends nothing."""
        waiting = self._open.get(symbol)
        if not waiting or not (math.isfinite(close) and close > 0.0):
            return []
        ended = [item.outcome(ts_event, close, cost) for item in waiting if item.due_at <= ts_event]
        if ended:
            self._open[symbol] = deque((i for i in waiting if i.due_at > ts_event), maxlen=OPEN_LIMIT)
            self.note(ended)
        return ended

    def note(self, outcomes: Iterable[Outcome]) -> None:
        """Write outcomes beside the decisions they belong to."""
        for outcome in outcomes:
            entry = self._by_symbol.get(outcome.symbol, OrderedDict()).get(outcome.decision_id)
            if entry is not None:
                self._by_symbol[outcome.symbol][outcome.decision_id] = msgspec.structs.replace(
                    entry, outcome_at=outcome.resolved_at, outcome_close=outcome.close
                )

    def record(self, symbol: str, asof: int) -> Record:
        """The track record as known at `asof`: outcomes that came later do not count, so a replay sees the same one."""
        known = [
            entry.hit
            for entry in self._by_symbol.get(symbol, {}).values()
            if entry.outcome_at is not None and entry.outcome_at <= asof and entry.action is not Action.HOLD
        ]
        return Record(resolved=len(known), hits=known.count(True))

    def recall(self, symbol: str) -> tuple[Remembered, ...]:
        """This symbol's decisions, oldest first."""
        return tuple(self._by_symbol.get(symbol, {}).values())

    def open(self, symbol: str) -> tuple[OpenDecision, ...]:
        """This symbol's open decisions, oldest first."""
        return tuple(self._open.get(symbol, ()))

    def state(self) -> dict[str, Any]:
        """Everything as JSON-able values."""
        return {
            "symbols": {
                name: msgspec.to_builtins(list(kept.values())) for name, kept in sorted(self._by_symbol.items())
            },
            "open": {name: msgspec.to_builtins(list(kept)) for name, kept in sorted(self._open.items()) if kept},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replace the content by what `state` gave; msgspec.ValidationError when it is unusable, nothing changed."""
        read = msgspec.convert(state.get("symbols"), dict[str, list[Remembered]])
        waiting = msgspec.convert(state.get("open"), dict[str, list[OpenDecision]])
        self._by_symbol = {}
        for name, entries in read.items():
            for entry in entries:
                self._keep(name, entry)
        self._open = {name: deque(entries, maxlen=OPEN_LIMIT) for name, entries in waiting.items()}

    def _keep(self, symbol: str, entry: Remembered) -> None:
        kept = self._by_symbol.setdefault(symbol, OrderedDict())
        kept[entry.decision_id] = entry
        while len(kept) > self._size:
            kept.popitem(last=False)
