"""Taking a paper account up where the log left it.

The venue lives in the engine's process, so an order that was open when the process ended has no venue any more: it is
ended by an event that says so, never silently. Positions, cash, fees and the account's state come from the log.
"""

from __future__ import annotations

import json
import time
from typing import Any

from deepalpha import _core
from deepalpha.errors import ConfigError
from deepalpha.execution.facts import Recovery
from deepalpha.store import Ops
from deepalpha.store.ops import Cell

_OPEN = """
    SELECT i.client_order_id, coalesce(e.seq, 0) AS seq, coalesce(e.state, 'initialized') AS state
    FROM order_intent i LEFT JOIN order_event e ON e.client_order_id = i.client_order_id
        AND e.seq = (SELECT max(x.seq) FROM order_event x WHERE x.client_order_id = i.client_order_id)
    WHERE i.account_id = ?
        AND coalesce(e.state, 'initialized') NOT IN ('refused', 'filled', 'cancelled', 'expired', 'rejected')
    ORDER BY i.id"""
_FILLS = """
    SELECT f.*, i.body AS order_body FROM fill f JOIN order_intent i ON i.client_order_id = f.client_order_id
    WHERE f.account_id = ? ORDER BY f.id"""
_SETTLEMENTS = """
    SELECT status, body FROM audit WHERE kind = 'settlement' AND ref = ? ORDER BY id"""
_STATE = """
    SELECT status, body FROM audit WHERE kind = 'risk' AND ref = ? AND status IN ('active', 'reducing', 'halted')
    ORDER BY id DESC LIMIT 1"""


def recover(ops: Ops, settings: dict[str, Any], account_id: str) -> tuple[_core.ExecutionDesk, Recovery]:
    """A desk with the account of the log, and what was found.

    Raises:
        ConfigError: the log has this account with other cash, or fills of instruments that are not given.
    """
    starts = ops.rows("SELECT body FROM audit WHERE kind = 'execution' AND ref = ? ORDER BY id", [account_id])
    session = len(starts) + 1
    if starts:
        began = str(json.loads(str(starts[0]["body"]))["cash"])
        if began != settings["cash"]:
            raise ConfigError(
                f"the log has account {account_id!r} with cash {began}, not {settings['cash']}; "
                "give the same cash or another account_id"
            )
    fills = ops.rows(_FILLS, [account_id])
    known = {instrument.symbol for instrument in settings["instruments"]}
    if missing := sorted({str(row["symbol"]) for row in fills} - known):
        raise ConfigError(f"the log has fills of {', '.join(missing)}; give these instruments too")
    desk = _core.ExecutionDesk(settings, session)
    orders = ops.rows(
        "SELECT client_order_id, decision_id FROM order_intent WHERE account_id = ? ORDER BY id", [account_id]
    )
    for row in fills:
        order = json.loads(str(row.pop("order_body")))
        row["strategy"] = order.get("strategy", "")
        row["position_side"] = order.get("position_side", "net")
    settlements = []
    for row in ops.rows(_SETTLEMENTS, [account_id]):
        settled = json.loads(str(row["body"]))
        settlements.append((settled.pop("fills"), {**settled, "kind": row["status"]}))
    state = ops.rows(_STATE, [account_id])
    latched = None
    if state:
        body = json.loads(str(state[0]["body"]))
        latched = (str(state[0]["status"]), body["reason"], body["by"], body["since"])
    ids = [(str(row["client_order_id"]), str(row["decision_id"])) for row in orders]
    desk.restore(ids, fills, settlements, latched)
    ended = ops.rows(_OPEN, [account_id])
    now = time.time_ns()
    stamp: dict[str, Cell] = {"ts_init": now, "run_id": f"{account_id}-{session}", "account_id": account_id}
    ops.append(
        [
            (
                "audit",
                {
                    **stamp,
                    "kind": "execution",
                    "ref": account_id,
                    "status": "started",
                    "ts_event": now,
                    "body": json.dumps({"cash": settings["cash"], "session": session}, sort_keys=True),
                },
            ),
            *(
                (
                    "order_event",
                    {
                        **stamp,
                        "client_order_id": row["client_order_id"],
                        "seq": int(row["seq"]) + 1,
                        "event": "expire",
                        "state_before": row["state"],
                        "state": "expired",
                        "ts_event": now,
                        "reason": "its paper venue ended with the process",
                    },
                )
                for row in ended
            ),
        ],
        durable=True,
    )
    return desk, Recovery(
        session=session,
        orders=len(orders),
        fills=len(fills),
        ended=tuple(str(row["client_order_id"]) for row in ended),
        state=latched[0] if latched else "active",
    )
