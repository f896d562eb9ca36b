"""Start = recovery: a fresh loop is brought to where the log left its account. Running it twice changes nothing."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from deepalpha.execution import unsent_intents
from deepalpha.live.history import History
from deepalpha.live.pending import Pending
from deepalpha.live.reducing import BY as REDUCER
from deepalpha.risk import risk_rows
from deepalpha.types import SECOND, Approval, Decision, Origin

if TYPE_CHECKING:
    from deepalpha.live.loop import Loop

WAITING_SQL = """
    SELECT a.body FROM audit a
    WHERE a.kind = 'decision' AND a.account_id = ? AND a.status = 'pending'
        AND a.id = (SELECT max(b.id) FROM audit b WHERE b.kind = 'decision' AND b.ref = a.ref)
    ORDER BY a.id
"""
_PLANNED = """
    SELECT a.body FROM audit a
    WHERE a.kind = 'auto' AND a.account_id = ? AND a.status = 'planned'
        AND NOT EXISTS (SELECT 1 FROM audit b WHERE b.kind = 'decision' AND b.ref = a.ref AND b.id > a.id)
    ORDER BY a.id
"""
_OPEN = """
    SELECT d.body FROM decision d WHERE d.account_id = ?
        AND NOT EXISTS (SELECT 1 FROM outcome o WHERE o.decision_id = d.decision_id)
    ORDER BY d.id
"""


class Recovery:
    """Restores cursor, account, gate, decision memory, waiting decisions, unsent and planned orders of a loop."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def run(self) -> None:
        """Do it; a new account has nothing to restore but the kill switch, which is latched for the workspace."""
        loop = self._loop
        loop.cursor = int(self._scalar("SELECT max(ts_event) FROM equity WHERE account_id = ?") or 0)
        if loop.cursor:
            self._account()
            self._memory()
            for cells in loop.ops.rows(WAITING_SQL, [loop.account_id]):
                loop.pending.restore(msgspec.json.decode(str(cells["body"]), type=Pending))
        self._kill_switch()
        if loop.cursor:
            for order in unsent_intents(loop.ops, loop.account_id):
                if not self._abandoned(order.client_order_id):
                    loop.desk.resend(order)
            for cells in loop.ops.rows(_PLANNED, [loop.account_id]):
                planned = msgspec.json.decode(str(cells["body"]), type=Pending)
                loop.desk.execute(planned, by=REDUCER if planned.order.origin is Origin.RISK else "auto")

    def _scalar(self, sql: str) -> Any:
        return self._loop.ops.scalar(sql, [self._loop.account_id])

    def _account(self) -> None:
        loop = self._loop
        prices = {}
        for symbol in loop.settings.symbols:
            window = loop.source.window(symbol, loop.cursor, 1)
            if len(window["close"]):
                ts_event = loop.source.ts_event_of(symbol, loop.cursor)
                prices[symbol] = (Decimal(repr(round(float(window["close"][-1]), 8))), ts_event)
                loop.know(symbol, loop.cursor)
        loop.account.restore(loop.ops, loop.account_id, prices)
        for cells in loop.ops.rows("SELECT equity FROM equity WHERE account_id = ?", [loop.account_id]):
            loop.peak = max(loop.peak, Decimal(str(cells["equity"])))

    def _memory(self) -> None:
        """What was decided, what became of it, what was learned and held, so that later decisions get the same ids."""
        loop = self._loop
        symbols, memory = loop.settings.symbols, loop.settings.decision.memory
        History(loop.ops, loop.account_id, symbols, memory=memory).resume(loop.decider, self._waiting())

    def _waiting(self) -> list[Decision]:
        """Decisions whose horizon has not ended. A log from before outcomes were kept has others without one: those
        whose end has been seen already are left out."""
        loop = self._loop
        rows = loop.ops.rows(_OPEN, [loop.account_id])
        decisions = [msgspec.json.decode(str(cells["body"]), type=Decision) for cells in rows]
        found = [item for item in decisions if item.symbol in loop.settings.symbols]
        seen = {symbol: loop.source.ts_event_of(symbol, loop.cursor) for symbol in {item.symbol for item in found}}
        return [item for item in found if item.asof + item.horizon_s * SECOND > seen[item.symbol]]

    def _kill_switch(self) -> None:
        loop = self._loop
        cells = loop.ops.rows("SELECT status, body FROM audit WHERE kind = 'kill_switch' ORDER BY id DESC LIMIT 1")
        if cells and cells[0]["status"] == "killed" and loop.account.gate.killed is None:
            # The switch is the workspace's: it holds for a new session too.
            body = json.loads(str(cells[0]["body"]))
            reason, by = str(body.get("reason", "kill switch")), str(body.get("by", "operator"))
            told = loop.account.gate.kill(reason, by=by, now=loop.cursor)
            batch = loop.scribe.batch()
            batch.add(*risk_rows(batch.stamp, loop.account_id, loop.cursor, told))
            batch.commit()
        for setting in loop.ops.rows(
            "SELECT c.body FROM command c JOIN audit a ON a.kind = 'command' AND a.ref = c.command_id "
            "WHERE c.kind = 'set' AND a.status = 'done' AND a.account_id = ? ORDER BY c.id",
            [loop.account_id],
        ):
            body = json.loads(str(setting["body"]))
            if "approval" in body:
                loop.approval = Approval(body["approval"])
            if "bars_per_second" in body:
                loop.bars_per_second = float(body["bars_per_second"])

    def _abandoned(self, client_order_id: str) -> bool:
        sql = "SELECT count(*) FROM audit WHERE kind = 'intent' AND ref = ? AND status = 'abandoned'"
        return bool(self._loop.ops.scalar(sql, [client_order_id]))
