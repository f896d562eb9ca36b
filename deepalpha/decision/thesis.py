"""Why a position was opened, remembered while it is open and held against the decision that closes it.

A position's thesis is the decision whose order opened it, found by the fills: the first fill of a position names it,
the last one ends it. A position that a person opened has no thesis. What was decided is kept until it is filled or
`KEPT` younger decisions on the symbol have come. O(1) a fill.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from deepalpha.types import Action, Decision, Fact, Fill, Side, Signal

KEPT = 100
LINES = 3  # reasons of the entry that are repeated: the weightiest ones


class Thesis(Fact, frozen=True):
    """What was thought when a position was opened: each agent's vote and reasons, weightiest first, and evidence."""

    decision_id: str
    asof: int
    action: Action
    price: float
    votes: dict[str, Action]
    reasons: tuple[str, ...]
    evidence: dict[str, float | str]

    @classmethod
    def of(cls, decision: Decision) -> Thesis:
        """The thesis of a decision."""
        ranked = sorted(decision.contributions.items(), key=lambda item: (-abs(item[1]), item[0]))
        signals = {signal.agent: signal for signal in decision.signals}
        reasons = tuple(
            f"{agent} said {signals[agent].vote} ({share:+.3f}): {'; '.join(signals[agent].reasons)}"
            for agent, share in ranked[:LINES]
        )
        return cls(
            decision_id=decision.decision_id,
            asof=decision.asof,
            action=decision.action,
            price=decision.price,
            votes={agent: signals[agent].vote for agent in sorted(decision.contributions)},
            reasons=reasons,
            evidence=_evidence(decision.signals),
        )

    def lines(self, signals: tuple[Signal, ...], price: float) -> tuple[str, ...]:
        """The thesis against what is known now: entry, its reasons, who changed their mind, what moved most."""
        head = f"entry thesis: {self.action} at {self.price:g} ({100.0 * (price / self.price - 1.0):+.1f} % since)"
        now = {signal.agent: signal.vote for signal in signals if signal.p_up is not None}
        turned = [
            f"{agent} from {before} to {now[agent]}"
            for agent, before in self.votes.items()
            if agent in now and now[agent] is not before
        ]
        changed = (
            f"since the entry turned: {', '.join(turned)}" if turned else "since the entry no agent changed its vote"
        )
        return (head, *(f"entry: {reason}" for reason in self.reasons), changed, *self._moved(signals))

    def _moved(self, signals: tuple[Signal, ...]) -> tuple[str, ...]:
        """The entry's numbers as they are now, the largest relative changes first."""
        pairs = []
        for name, after in _evidence(signals).items():
            before = self.evidence.get(name)
            if isinstance(before, float) and isinstance(after, float) and before != after:
                change = abs(after - before) / max(abs(before), abs(after))
                pairs.append((-change, f"{name} {before:.4g} -> {after:.4g}"))
        found = [words for _, words in sorted(pairs)[:LINES]]
        return (f"evidence of the entry now: {', '.join(found)}",) if found else ()


class _Holding(Fact, frozen=True):
    """A position by its fills. `opener` is the decision or command of the first one."""

    quantity: Decimal
    opener: str


class Theses:
    """The open positions' theses.

    Attributes:
        fills: how many fills were told.
    """

    def __init__(self) -> None:
        self.fills = 0
        self._decided: dict[str, OrderedDict[str, Thesis]] = {}
        self._holdings: dict[str, _Holding] = {}
        self._open: dict[str, Thesis] = {}

    def decided(self, decision: Decision) -> None:
        """Keep what was thought, should it be filled."""
        if decision.action is Action.HOLD:
            return
        kept = self._decided.setdefault(decision.symbol, OrderedDict())
        kept[decision.decision_id] = Thesis.of(decision)
        while len(kept) > KEPT:
            kept.popitem(last=False)

    def filled(self, fill: Fill) -> None:
        """Follow the position. A fill through zero opens the other side under its own decision."""
        self.fills += 1
        held = self._holdings.get(fill.symbol)
        before = held.quantity if held else Decimal(0)
        after = before + (fill.quantity if fill.side is Side.BUY else -fill.quantity)
        if after == 0:
            self._holdings.pop(fill.symbol, None)
            self._open.pop(fill.symbol, None)
        elif held is None or (before > 0) != (after > 0):
            self._holdings[fill.symbol] = _Holding(quantity=after, opener=fill.decision_id)
            thesis = self._decided.get(fill.symbol, OrderedDict()).get(fill.decision_id)
            self._open.pop(fill.symbol, None)
            if thesis is not None:
                self._open[fill.symbol] = thesis
        else:
            self._holdings[fill.symbol] = _Holding(quantity=after, opener=held.opener)

    def of(self, symbol: str) -> Thesis | None:
        """Thesis of the open position; None when flat or opened by hand."""
        return self._open.get(symbol)

    def openers(self) -> dict[str, str]:
        """Decision or command that opened each position held."""
        return {symbol: held.opener for symbol, held in sorted(self._holdings.items())}

    def state(self) -> dict[str, Any]:
        """Everything as JSON-able values."""
        return {
            "fills": self.fills,
            "decided": {name: msgspec.to_builtins(list(kept.values())) for name, kept in sorted(self._decided.items())},
            "holdings": msgspec.to_builtins(dict(sorted(self._holdings.items()))),
            "open": msgspec.to_builtins(dict(sorted(self._open.items()))),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`. Raises msgspec.ValidationError or KeyError when it cannot be read."""
        decided = msgspec.convert(state["decided"], dict[str, list[Thesis]])
        self.fills = msgspec.convert(state["fills"], int)
        self._holdings = msgspec.convert(state["holdings"], dict[str, _Holding])
        self._open = msgspec.convert(state["open"], dict[str, Thesis])
        self._decided = {
            symbol: OrderedDict((thesis.decision_id, thesis) for thesis in kept) for symbol, kept in decided.items()
        }


def _evidence(signals: tuple[Signal, ...]) -> dict[str, float | str]:
    return {item.id: item.value for signal in signals for item in signal.evidence}
