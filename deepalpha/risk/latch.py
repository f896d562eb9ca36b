"""The account's state outlives the process: every change is an audit row `risk_state`, and the last one is restored."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from deepalpha.risk.gate import RISK_STATE, Gate, RiskEvent
from deepalpha.store import Ops, Row, rows


def risk_rows(stamp: rows.Stamp, account_id: str, now: int, events: Iterable[RiskEvent]) -> list[Row]:
    """Audit rows of what the gate said; they belong into the same transaction as the step that caused them."""
    return [rows.audit(stamp, event.kind, account_id, event.status, now, event.body) for event in events]


def last_state(ops: Ops, account_id: str) -> dict[str, Any] | None:
    """The last `risk_state` of an account, or None when it never changed: then it is active."""
    found = ops.rows(
        "SELECT body FROM audit WHERE kind = ? AND account_id = ? ORDER BY id DESC LIMIT 1", [RISK_STATE, account_id]
    )
    body: dict[str, Any] | None = json.loads(str(found[0]["body"])) if found else None
    return body


def restore_state(ops: Ops, account_id: str, gate: Gate) -> None:
    """Bring a fresh gate to the state in the log. Call it before the equity rows are marked again: marks that are in
    the state already are ignored, later ones count (and latch again what they latched before).

    Raises:
        StoreError: a row that cannot be a state.
    """
    if (state := last_state(ops, account_id)) is not None:
        # JSON has no tuples.
        pairs = {name: tuple(state[name]) if state[name] else None for name in ("day", "month")}
        gate.core.restore({**state, **pairs})
