"""Automatic reduction: what the engine does by itself after a loss limit took the account out of ACTIVE.

Entries that still work are cancelled first. Then positions beyond a bound give their excess, and while the account is
beyond its exposure or leverage, positions give all they have: those that trade easily first, then the largest risk
(`reduction: bounds`); or every position goes (`flat`). Every order is reduce-only, passes the gate like any other, and
goes out once: while one works, no further one is planned. A halt by a person sells nothing: a person decides then.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from deepalpha.errors import OrderError
from deepalpha.execution import client_order_id
from deepalpha.live.pending import Pending
from deepalpha.live.records import Batch

if TYPE_CHECKING:
    from deepalpha.live.loop import Loop

BY = "risk"
"""Who moved the state when a loss did, and who approves these orders."""
_OURS = "SELECT count(*) FROM order_intent WHERE client_order_id = ? AND approved_by = ?"


class Reducer:
    """Plans the reductions of one loop."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def plan(self, ts_event: int, batch: Batch) -> list[Pending]:
        """Cancel entries and plan what is due after a mark; to be executed once the batch is in the log."""
        loop = self._loop
        goal, state = loop.settings.risk.reduction, loop.account.gate.state
        if goal == "off" or state["state"] == "active" or state["by"] != BY:
            return []
        under_way = [
            order_id for order_id in loop.account.gateway.working() if not self._cancelled(order_id, ts_event, batch)
        ]
        if under_way:
            return []
        source = f"reduce-{ts_event}"
        stem = client_order_id(loop.settings.mode, loop.account_id, source)
        planned = []
        for step in loop.account.reductions(source, stem, flat=goal == "flat"):
            order = step.order
            body = {
                "message": f"{order.side} {order.quantity:f} {order.symbol} for {step.rule}",
                "reason": state["reason"],
            }
            batch.audit("reduction", order.client_order_id, "planned", ts_event, body)
            pending = Pending(
                decision_id=order.client_order_id,
                symbol=order.symbol,
                side=order.side,
                order=order,
                verdict=loop.account.preview(order, ts_event),
                asof=ts_event,
                expires_at=ts_event,
            )
            # In the step's own transaction, as for decisions: a kill before `execute` must not lose the order.
            batch.audit("auto", pending.decision_id, "planned", ts_event, pending)
            planned.append(pending)
        return planned

    def _cancelled(self, order_id: str, ts_event: int, batch: Batch) -> bool:
        """Take an order back unless it is a reduction that works already."""
        loop = self._loop
        if loop.ops.scalar(_OURS, [order_id, BY]):
            return False
        # A fill may have closed it between the listing and the cancel; then there is nothing to cancel.
        with contextlib.suppress(OrderError):
            report = loop.account.gateway.cancel(order_id, ts_event, "the account is reducing")
            batch.report(report, mode=loop.settings.mode, ts_event=ts_event)
        return True
