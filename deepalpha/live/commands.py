"""Clicks and command lines: rows of the `command` table, each answered once with an audit row."""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from deepalpha.errors import GatewayError, OrderError
from deepalpha.execution import plan_close
from deepalpha.live.pending import Pending
from deepalpha.live.records import Batch
from deepalpha.live.tickets import amendment_of, order_of, ticket_of
from deepalpha.risk import risk_rows
from deepalpha.types import Approval, DecisionStatus, OrderRequest

if TYPE_CHECKING:
    from deepalpha.live.loop import Loop

_UNANSWERED = """
    SELECT c.* FROM command c
    WHERE c.id > ? AND NOT EXISTS (SELECT 1 FROM audit a WHERE a.kind = 'command' AND a.ref = c.command_id)
    ORDER BY c.id
"""
_SENT = "SELECT count(*) FROM order_intent WHERE client_order_id = ?"

SETTINGS = "approval (approve or auto), bars_per_second (0 to 10000) or paused (true or false)"


class CommandDesk:
    """Answers the commands of one loop. The first of two contradicting clicks wins; the second is told so."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._last_id = 0

    def poll(self) -> int:
        """Answer what is new; returns how many."""
        found = self._loop.ops.rows(_UNANSWERED, [self._last_id])
        for cells in found:
            self._answer(cells)
            self._last_id = int(cells["id"] or 0)
        return len(found)

    def _answer(self, cells: dict[str, Any]) -> None:
        kind, target, by = str(cells["kind"]), str(cells["target"]), str(cells["by"])
        body = json.loads(str(cells["body"]))
        batch = self._loop.scribe.batch()
        handlers = {
            "approve": lambda: self._approve(target, by, batch),
            "reject": lambda: self._reject(target, by, batch),
            "order": lambda: self._order(body, str(cells["command_id"]), by, batch),
            "cancel": lambda: self._cancel(target, by, batch),
            "amend": lambda: self._amend(body, batch),
            "close": lambda: self._close(target, str(cells["command_id"]), by, batch),
            "kill": lambda: self._kill(by, batch),
            "rearm": lambda: self._rearm(by, batch),
            "set": lambda: self._set(body),
            "new_session": self._new_session,
        }
        handler = handlers.get(kind)
        try:
            status, message = handler() if handler else ("refused", f"unknown command {kind}")
        except (OrderError, GatewayError) as error:
            # What a person typed can be wrong in many ways; nothing was changed, and the answer says which.
            status, message = "refused", str(error)
        answer = {"message": message, "by": by, "kind": kind}
        batch.audit("command", str(cells["command_id"]), status, self._loop.cursor, answer)
        batch.commit(durable=True)

    def _approve(self, decision_id: str, by: str, batch: Batch) -> tuple[str, str]:
        pending = self._loop.pending.get(decision_id)
        if pending is None:
            return "refused", "this decision no longer waits: it was decided, expired or superseded"
        self._loop.pending.remove(pending)
        return self._send(pending.order, pending.decision_id, DecisionStatus.APPROVED, by, batch)

    def execute(self, pending: Pending, *, by: str) -> None:
        """Auto mode: the gate rules once more, now that the step is in the log, and the order goes out."""
        batch = self._loop.scribe.batch()
        self._send(pending.order, pending.decision_id, DecisionStatus.AUTO, by, batch)
        batch.commit()

    def _send(self, order: OrderRequest, ref: str, status: DecisionStatus, by: str, batch: Batch) -> tuple[str, str]:
        """Gate, log, wire: an intent is in the log before the venue sees the order."""
        loop, now = self._loop, self._loop.cursor
        verdict, approved = loop.account.check(order, now)
        batch.audit("verdict", ref, "approved" if verdict.approved else "refused", now, verdict)
        if approved is None:
            batch.audit("decision", ref, DecisionStatus.REFUSED.value, now, {"reason": verdict.message, "by": by})
            why = f" ({loop.account.gate.killed})" if verdict.rule == "kill_switch" else ""
            return "refused", f"the risk gate refused: {verdict.message}{why}"
        batch.audit("decision", ref, status.value, now, {"by": by})
        batch.intent(order, mode=loop.settings.mode, approved_by=by, ts_event=now, verdict=verdict)
        batch.commit(durable=status is not DecisionStatus.AUTO)
        report = loop.account.submit(approved, now)
        batch.report(report, mode=loop.settings.mode, ts_event=now)
        return "done", f"order {order.client_order_id} sent"

    def resend(self, order: OrderRequest) -> None:
        """After a restart: an intent that never reached the venue goes out under its own id, through the gate."""
        loop, now = self._loop, self._loop.cursor
        batch = loop.scribe.batch()
        verdict, approved = loop.account.check(order, now)
        if approved is None:
            batch.audit("intent", order.client_order_id, "abandoned", now, {"reason": verdict.message})
        else:
            batch.report(loop.account.submit(approved, now), mode=loop.settings.mode, ts_event=now)
        batch.commit()

    def _reject(self, decision_id: str, by: str, batch: Batch) -> tuple[str, str]:
        pending = self._loop.pending.get(decision_id)
        if pending is None:
            return "refused", "this decision no longer waits: it was decided, expired or superseded"
        self._loop.pending.remove(pending)
        batch.audit("decision", decision_id, DecisionStatus.REJECTED.value, self._loop.cursor, {"by": by})
        return "done", "rejected"

    def _close(self, position_id: str, command_id: str, by: str, batch: Batch) -> tuple[str, str]:
        loop = self._loop
        position = next((item for item in loop.account.gateway.positions() if item.position_id == position_id), None)
        if position is None:
            return "refused", "this position is closed already"
        order = plan_close(position, mode=loop.settings.mode, account_id=loop.account_id, source=command_id)
        return self._send(order, command_id, DecisionStatus.APPROVED, by, batch)

    def _order(self, body: dict[str, object], command_id: str, by: str, batch: Batch) -> tuple[str, str]:
        loop = self._loop
        ticket = ticket_of(body)
        loop.account.gateway.instrument(ticket.symbol)
        last = loop.account.last(ticket.symbol)
        if last is None:
            return "refused", f"no price of {ticket.symbol} yet; wait for its first bar"
        order = order_of(
            ticket,
            command_id=command_id,
            mode=loop.settings.mode,
            account_id=loop.account_id,
            reference_price=Decimal(last[0]),
        )
        if loop.ops.scalar(_SENT, [order.client_order_id]):
            # The process ended between the order and this answer; recovery has dealt with the order.
            return "done", f"order {order.client_order_id} was sent before"
        # An intent in the log is sent again after a restart, so what the venue would refuse must not become one.
        loop.account.validate(order, loop.cursor)
        return self._send(order, command_id, DecisionStatus.APPROVED, by, batch)

    def _cancel(self, client_order_id: str, by: str, batch: Batch) -> tuple[str, str]:
        loop, now = self._loop, self._loop.cursor
        report = loop.account.cancel(client_order_id, now, f"cancelled by {by}")
        batch.report(report, mode=loop.settings.mode, ts_event=now)
        return "done", f"order {client_order_id} is cancelled"

    def _amend(self, body: dict[str, object], batch: Batch) -> tuple[str, str]:
        loop, now = self._loop, self._loop.cursor
        change = amendment_of(body)
        report = loop.account.gateway.amend(
            change.client_order_id,
            now,
            quantity=change.quantity,
            limit_price=change.limit_price,
            trigger_price=change.trigger_price,
        )
        batch.report(report, mode=loop.settings.mode, ts_event=now)
        return "done", f"order {change.client_order_id} is changed"

    def _kill(self, by: str, batch: Batch) -> tuple[str, str]:
        loop, now = self._loop, self._loop.cursor
        reason = f"kill switch by {by}"
        batch.add(*risk_rows(batch.stamp, loop.account_id, now, loop.account.gate.kill(reason, by=by, now=now)))
        batch.audit("kill_switch", loop.account_id, "killed", now, {"by": by, "reason": reason})
        loop.pending.clear(reason, now, batch)
        for client_order_id in loop.account.gateway.working():
            # A fill may have closed it between the listing and the cancel; then there is nothing to cancel.
            with contextlib.suppress(OrderError):
                report = loop.account.cancel(client_order_id, now, reason)
                batch.report(report, mode=loop.settings.mode, ts_event=now)
        return "done", "trading is halted; protective stops stay; re-arm to trade again"

    def _rearm(self, by: str, batch: Batch) -> tuple[str, str]:
        loop, now = self._loop, self._loop.cursor
        batch.add(*risk_rows(batch.stamp, loop.account_id, now, loop.account.gate.rearm(by=by, now=now)))
        batch.audit("kill_switch", loop.account_id, "armed", now, {"by": by})
        return "done", "armed"

    def _set(self, body: dict[str, object]) -> tuple[str, str]:
        """Every setting of the command, or none of them."""
        found: dict[str, object] = {}
        for name, value in body.items():
            match name, value:
                case "approval", ("approve" | "auto"):
                    found[name] = Approval(value)
                case "bars_per_second", (int() | float()) if not isinstance(value, bool) and 0 <= value <= 10_000:
                    found[name] = float(value)
                case "paused", bool():
                    found[name] = value
                case _:
                    return "refused", f"cannot set {name} to {value!r}; use {SETTINGS}"
        if not found:
            return "refused", f"nothing to set; use {SETTINGS}"
        for name, value in found.items():
            setattr(self._loop, name, value)
        return "done", f"set {body}"

    def _new_session(self) -> tuple[str, str]:
        self._loop.wants_new_session = True
        return "done", "a new practice session begins"
