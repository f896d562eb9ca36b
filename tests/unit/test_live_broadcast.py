"""What a loop tells the hub: after the log, in order, each fact under its topic."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

from deepalpha.config import Settings, Workspace
from deepalpha.live import Loop
from deepalpha.live.broadcast import Broadcast, segment
from deepalpha.live.tape import tape_view
from deepalpha.live.workstation import Workstation
from deepalpha.store import Ops

AUTO = Settings.from_mapping(
    {"approval": "auto", "symbols": ["MSFT", "GOOG"], "history_bars": 300, "replay": {"start": "2012-11-01"}}
)


class Recorder:
    """Keeps what is published and checks that the log was first."""

    def __init__(self, ops: Ops) -> None:
        self.ops = ops
        self.topics: dict[str, str] = {}
        self.messages: list[tuple[str, dict[str, object]]] = []

    def topic(self, name: str, delivery: str) -> None:
        self.topics[name] = delivery

    def publish_many(self, messages: Sequence[tuple[str, bytes]]) -> None:
        for topic, payload in messages:
            body = json.loads(payload)
            if topic.startswith("fills."):
                assert self.ops.scalar("SELECT count(*) FROM fill WHERE fill_id = ?", [body["fill_id"]]) == 1
            self.messages.append((topic, body))


def test_every_row_and_bar_is_told_once_and_after_the_log(tmp_path: Path) -> None:
    loop = Loop(Workspace(tmp_path / "ws"), AUTO)
    told = Recorder(loop.ops)
    loop.broadcast = Broadcast(told)
    asyncio.run(loop.run_to_end())
    for topic, sql in {
        "fills": "SELECT fill_id FROM fill ORDER BY id",
        "orders": "SELECT client_order_id, seq FROM order_event ORDER BY id",
        "decisions": "SELECT decision_id FROM decision ORDER BY id",
        "equity": "SELECT ts_event, equity FROM equity ORDER BY id",
    }.items():
        stored = loop.ops.rows(sql)
        assert stored, "the run must trade, or this proves nothing"
        found = [body for name, body in told.messages if name.split(".")[0] == topic]
        assert [{key: body[key] for key in stored[0]} for body in found] == stored
    bars = [body for name, body in told.messages if name == "bars.1d.MSFT"]
    closes = [(body["ts_event"], body["close"]) for body in bars]
    assert closes == loop.source.closes("MSFT", loop.source.steps(0).__next__().ts_event - 1, loop.cursor)
    assert all("body" not in body and "run_id" not in body for _, body in told.messages)


def test_a_tape_begins_with_what_the_hub_would_have_told(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "ws")
    loop = Loop(workspace, AUTO)
    told = Recorder(loop.ops)
    loop.broadcast = Broadcast(told)
    asyncio.run(loop.run_to_end())
    loop.heartbeat()
    ended = ("refused", "rejected", "cancelled", "expired")
    events = [
        (topic, body)
        for topic, body in told.messages
        if topic.startswith(("fills.", "risk"))
        or (topic.startswith("decisions.") and body["action"] != "hold")
        or (topic == "orders" and body["state"] in ended)
    ]
    assert {topic.split(".")[0] for topic, _ in events} >= {"fills", "decisions", "orders"}
    with Workstation(workspace) as station:
        view = tape_view(station, limit=20)
    steps = [body["ts_init"] for _, body in events]
    assert len(view.events) == 20
    assert [body["ts_init"] for _, body in view.events] == sorted(steps)[-20:]
    assert all(event in events for event in view.events)
    for symbol in AUTO.symbols:
        last, before = (
            [body["price"] for topic, body in told.messages if topic == f"prices.{symbol}"][place] for place in (-1, -2)
        )
        assert view.prices[symbol] == (last, before)
    assert view.url is None, "no hub runs"


def test_a_tape_of_an_empty_workspace_is_empty(tmp_path: Path) -> None:
    with Workstation(Workspace(tmp_path / "ws")) as station:
        view = tape_view(station)
    assert (view.prices, view.events, view.account_id) == ({}, (), "")


def test_topics_say_how_slow_readers_are_treated(tmp_path: Path) -> None:
    told = Recorder(Ops(Workspace(tmp_path / "ws").ops))
    Broadcast(told)
    assert told.topics["fills.*"] == told.topics["orders"] == told.topics["risk"] == "reliable"
    assert told.topics["prices.*"] == "last_value"
    assert told.topics["bars.>"] == "buffered"


def test_a_dot_of_a_symbol_is_not_a_segment() -> None:
    assert segment("BRK.B") == "BRK%2EB"
    assert segment("BTC/USDT") == "BTC/USDT"
    assert segment("A%2EB") != segment("A.B")
