"""What a screen that listens to the hub begins with: the latest prices and events, as the hub would have told them."""

from __future__ import annotations

from typing import Any

from deepalpha.live.broadcast import RISK_KINDS, topic_and_body
from deepalpha.live.workstation import Workstation
from deepalpha.types import Fact

_EVENTS = {
    "decision": "action <> 'hold'",
    "order_event": "state IN ('refused', 'rejected', 'cancelled', 'expired')",
    "fill": "true",
    "audit": f"kind IN ({', '.join(repr(kind) for kind in RISK_KINDS)})",
}
"""Which rows are events, by table."""


class TapeView(Fact, frozen=True):
    """What a tape begins with; what comes later comes from `url`.

    Attributes:
        url: of the hub; None when none runs.
        account_id: whose events.
        prices: by symbol, the last close and the one before (None after the first bar).
        events: (topic, body) as `Broadcast` tells them, oldest first.
    """

    url: str | None
    account_id: str
    prices: dict[str, tuple[float, float | None]]
    events: tuple[tuple[str, dict[str, Any]], ...]


def tape_view(ws: Workstation, limit: int = 40) -> TapeView:
    """The latest prices and at most `limit` events of the latest session."""
    account = ws.account_id
    found: list[tuple[int, str, dict[str, Any]]] = []
    for table, where in _EVENTS.items():
        query = f"SELECT * FROM {table} WHERE account_id = ? AND {where} ORDER BY id DESC LIMIT ?"
        for cells in reversed(ws.ops.rows(query, [account, limit])):
            told = topic_and_body(table, cells)
            assert told is not None, f"rows of {table} where {where} have a topic"
            found.append((int(cells["ts_init"]), *told))
    found.sort(key=lambda event: event[0])
    return TapeView(
        url=ws.status().hub,
        account_id=account,
        prices=_prices(ws, account),
        events=tuple((topic, body) for _, topic, body in found[-limit:]),
    )


def _prices(ws: Workstation, account: str) -> dict[str, tuple[float, float | None]]:
    """From the decisions: every step has one for each symbol."""
    latest = """SELECT symbol, price, row_number() OVER (PARTITION BY symbol ORDER BY id DESC) AS age
        FROM (SELECT id, symbol, price FROM decision WHERE account_id = ? ORDER BY id DESC LIMIT 2000)"""
    prices: dict[str, tuple[float, float | None]] = {}
    for cells in ws.ops.rows(f"SELECT * FROM ({latest}) WHERE age <= 2 ORDER BY symbol, age", [account]):
        last = prices.get(cells["symbol"])
        prices[cells["symbol"]] = (cells["price"], None) if last is None else (last[0], cells["price"])
    return prices
