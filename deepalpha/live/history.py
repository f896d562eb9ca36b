"""An account's log as its decision engine remembers it: all of it for a restart, or up to one decision for a replay.

Rows are cut by their ids and never by a clock, so that a replay sees what the engine had in memory when it decided, not
what was true by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from deepalpha.decision import DecisionEngine
from deepalpha.decision.learn import KEPT as OUTCOMES_KEPT
from deepalpha.decision.thesis import KEPT as THESES_KEPT
from deepalpha.decision.thesis import Theses
from deepalpha.execution import read_fills
from deepalpha.store import Ops
from deepalpha.types import Decision, Fact, Fill, FuserUpdate, Outcome

_EVERYTHING = 2**62
_MEMORY = """
    SELECT body FROM (SELECT id, body FROM decision WHERE account_id = ? AND symbol = ? AND id < ?
        ORDER BY id DESC LIMIT ?)
    ORDER BY id
"""
_ACTED = """
    SELECT body FROM (SELECT id, body FROM decision WHERE account_id = ? AND symbol = ? AND action <> 'hold' AND id < ?
        ORDER BY id DESC LIMIT ?)
    ORDER BY id
"""
_OPENER = "SELECT body FROM decision WHERE account_id = ? AND decision_id = ? AND action <> 'hold'"
_OUTCOMES = """
    SELECT body FROM (SELECT id, body FROM outcome WHERE account_id = ? AND id < ? ORDER BY id DESC LIMIT ?) ORDER BY id
"""
_OUTCOMES_OF = """
    SELECT body FROM (SELECT id, body FROM outcome WHERE account_id = ? AND symbol = ? AND id < ?
        ORDER BY id DESC LIMIT ?)
    ORDER BY id
"""
_UPDATE = "SELECT body FROM fuser_update WHERE account_id = ? AND number <= ? ORDER BY id DESC LIMIT 1"


class Known(Fact, frozen=True):
    """How much of its account's log a decision engine had seen; stored with every context.

    Attributes:
        outcomes: horizons learned from.
        fills: fills heard of.
    """

    outcomes: int
    fills: int

    @classmethod
    def by(cls, decider: DecisionEngine) -> Known:
        """What this engine has seen."""
        return cls(outcomes=decider.learner.number, fills=decider.theses.fills)


class History:
    """The rows of one account that a decision engine goes on from.

    Args:
        ops: the log.
        account_id: whose.
        symbols: what is traded.
        memory: decisions a symbol that are remembered (`decision.memory`).
        before: id of the decision row that the history ends in front of; None takes all.
        known: what the engine had seen by then; None takes all.
    """

    def __init__(
        self,
        ops: Ops,
        account_id: str,
        symbols: Sequence[str],
        *,
        memory: int,
        before: int | None = None,
        known: Known | None = None,
    ) -> None:
        self._ops, self._account_id, self._symbols, self._memory = ops, account_id, tuple(symbols), memory
        self._before = _EVERYTHING if before is None else before
        self._known = known

    def resume(self, decider: DecisionEngine, waiting: Sequence[Decision]) -> None:
        """Bring an engine that knows nothing to where it was.

        Args:
            decider: it; its scope is the account.
            waiting: decisions whose horizon has not ended.

        Raises:
            StoreError: the log cannot be read back.
        """
        fills = self._fills()
        end = self._end_of_outcomes()
        remembered: list[Decision] = []
        noted: list[Outcome] = []
        decided = self._openers(fills)
        for symbol in self._symbols:
            noted += self._outcomes(_OUTCOMES_OF, symbol, end, self._memory)
            remembered += self._decisions(_MEMORY, symbol, self._before, self._memory)
            decided += self._decisions(_ACTED, symbol, self._before, THESES_KEPT)
        learned = _EVERYTHING if self._known is None else self._known.outcomes
        update = self._ops.rows(_UPDATE, [self._account_id, learned])
        decider.resume(
            remembered=remembered,
            waiting=waiting,
            decided=decided,
            noted=noted,
            outcomes=self._outcomes(_OUTCOMES, end, OUTCOMES_KEPT),
            update=msgspec.json.decode(str(update[0]["body"]), type=FuserUpdate) if update else None,
            fills=fills,
        )

    def _fills(self) -> list[Fill]:
        fills = read_fills(self._ops, self._account_id)
        return fills if self._known is None else fills[: self._known.fills]

    def _end_of_outcomes(self) -> int:
        """Id of the first outcome that was not known."""
        if self._known is None:
            return _EVERYTHING
        sql = "SELECT id FROM outcome WHERE account_id = ? ORDER BY id LIMIT 1 OFFSET ?"
        found = self._ops.scalar(sql, [self._account_id, self._known.outcomes])
        return _EVERYTHING if found is None else int(found)

    def _decisions(self, sql: str, *parameters: Any) -> list[Decision]:
        found = self._ops.rows(sql, [self._account_id, *parameters])
        return [msgspec.json.decode(str(cells["body"]), type=Decision) for cells in found]

    def _outcomes(self, sql: str, *parameters: Any) -> list[Outcome]:
        found = self._ops.rows(sql, [self._account_id, *parameters])
        return [msgspec.json.decode(str(cells["body"]), type=Outcome) for cells in found]

    def _openers(self, fills: Sequence[Fill]) -> list[Decision]:
        """The decisions that opened what is held; a position may be older than the last decisions of its symbol."""
        positions = Theses()
        for fill in fills:
            positions.filled(fill)
        return [found for opener in positions.openers().values() for found in self._decisions(_OPENER, opener)]
