"""What a publish costs the Python thread that makes it: `WebSocketManager.broadcast` and `publish_many`.

Time of the calling thread alone (`time.thread_time_ns`): the hub's own thread writes to the sockets meanwhile. With one
subscriber that reads everything, so that every message is framed, kept and marked for a shard.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import deepalpha as da

MESSAGES = 1_000
ROUNDS = 50
BODY = b'{"price":61800.5,"quantity":0.25,"ts_event":1704067200000000000}'
VALUE = {"price": 61800.5, "quantity": 0.25, "ts_event": 1704067200000000000}


def publish_rows() -> list[dict[str, Any]]:
    """Median microseconds a message: single from a dictionary, single from bytes, batched."""
    with da.WebSocketManager(port=0) as hub:
        hub.topic("bench", "buffered")
        batch = [("bench", BODY)] * MESSAGES

        def each(message: Any) -> Callable[[], None]:
            def publish() -> None:
                for _ in range(MESSAGES):
                    hub.broadcast("bench", message)

            return publish

        ways: list[tuple[str, float, Callable[[], object]]] = [
            ("publish from Python, one dictionary", 3.0, each(VALUE)),
            ("publish from Python, one of bytes", 3.0, each(BODY)),
            ("publish from Python, batched bytes", 1.0, lambda: hub.publish_many(batch)),
        ]
        with hub.subscribe("bench") as reader:
            reader.poll(1.0)
            return [_row(name, goal, _median_us(way, reader)) for name, goal, way in ways]


def _median_us(publish: Callable[[], object], reader: Any) -> float:
    times = []
    for _ in range(ROUNDS):
        begin = time.thread_time_ns()
        publish()
        times.append((time.thread_time_ns() - begin) / MESSAGES / 1_000)
        while reader.poll(0.0):
            pass
    return statistics.median(times)


def _row(name: str, goal: float, value: float) -> dict[str, Any]:
    bound = {"goal": f"<= {goal:g}", "holds": value <= goal}
    return {"name": name, "value": round(value, 3), "unit": "us", **bound, "peer": "", "peer_value": None}
