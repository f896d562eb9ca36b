"""What the loop tells the hub: bars, prices, orders, fills, equity, decisions and risk, as JSON under one topic each.

# Topics
    bars.<timeframe>.<symbol>   buffered     a closed bar
    prices.<symbol>             last value   the latest close
    equity                      buffered     the account after a step
    decisions.<symbol>          reliable     a decision, without its signals
    orders                      reliable     an order event
    fills.<symbol>              reliable     a fill
    risk                        reliable     state changes, early warnings, reductions and the kill switch

Times are UTC ns. A dot of a symbol is written ``%2E``, since dots separate the segments of a topic. Nothing is told
before it is in the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from deepalpha.store import Row
from deepalpha.types import Candle

_RELIABLE = ("decisions.*", "orders", "fills.*", "risk")
_BY_TABLE = {"decision": "decisions", "order_event": "orders", "fill": "fills", "equity": "equity"}
RISK_KINDS = ("risk_state", "risk_warning", "kill_switch", "reduction")
_HEAVY = ("id", "body", "run_id")

Message = tuple[str, bytes]


class Publisher(Protocol):
    """The part of `WebSocketManager` that a broadcast needs."""

    def topic(self, name: str, delivery: str) -> None:
        """Declare a topic, or a pattern of topics, and how slow readers of it are treated."""

    def publish_many(self, messages: Sequence[Message]) -> object:
        """Send to all subscribers, in order."""


def segment(symbol: str) -> str:
    """A symbol as one segment of a topic: ``BRK.B`` becomes ``BRK%2EB``."""
    return symbol.replace("%", "%25").replace(".", "%2E")


class Broadcast:
    """Tells a publisher what a loop does."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        publisher.topic("bars.>", "buffered")
        publisher.topic("prices.*", "last_value")
        publisher.topic("equity", "buffered")
        for name in _RELIABLE:
            publisher.topic(name, "reliable")

    def candles(self, candles: Iterable[Candle]) -> None:
        """Closed bars, and their closes as prices."""
        messages: list[Message] = []
        for candle in candles:
            name = segment(candle.symbol)
            messages.append((f"bars.{candle.timeframe}.{name}", msgspec.json.encode(candle)))
            price = {"symbol": candle.symbol, "price": candle.close, "ts_event": candle.ts_event}
            messages.append((f"prices.{name}", msgspec.json.encode(price)))
        self._publisher.publish_many(messages)

    def rows(self, rows: Sequence[Row]) -> None:
        """Rows that have just been written to the log."""
        told = (topic_and_body(table, cells) for table, cells in rows)
        messages = [(topic, msgspec.json.encode(body)) for topic, body in filter(None, told)]
        if messages:
            self._publisher.publish_many(messages)


def topic_and_body(table: str, cells: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Under which topic a row of the log is told, and what of it; None for a row that is not."""
    if table == "audit":
        topic = "risk" if cells["kind"] in RISK_KINDS else None
    else:
        name = _BY_TABLE.get(table)
        topic = f"{name}.{segment(str(cells['symbol']))}" if name and "symbol" in cells else name
    return None if topic is None else (topic, {name: value for name, value in cells.items() if name not in _HEAVY})
