"""What the hub promises of a message, over a real process: order, resume, visible gaps, drain, and exact counters.

The publishers and readers are this process, over raw sockets; what they saw is compared with what the hub says it did.
"""

from __future__ import annotations

import json
import signal
import time
import zlib
from collections.abc import Iterator
from typing import Any

import hub_client as client
import hub_server as process
import pytest

Wire, Fleet, Server, ask, member = client.Wire, client.Fleet, process.Server, client.ask, client.member

CLASSES = {"fills.>": "reliable", "trades.>": "buffered", "quotes.>": "last_value"}
FAR_S = 60.0
"""Patience for many connections on a loaded machine."""


@pytest.fixture
def hub() -> Iterator[Any]:
    with Server(topics=CLASSES, close_timeout_ms=200) as server:
        yield server


class Publisher:
    """Publishes numbered messages without waiting for each answer, and keeps the offsets that were accepted."""

    def __init__(self, port: int) -> None:
        self.wire = member(port)
        self.sent = 0
        self.accepted: list[int] = []
        self.over = False
        """The hub takes no more, or the connection ended."""

    def send(self, topic: str, data: Any) -> None:
        self.wire.text({"op": "publish", "id": self.sent, "topic": topic, "data": data})
        self.sent += 1

    def answers(self, wait: bool = True) -> None:
        """Take the answers there are; with `wait`, until all were answered."""
        while not self.over and len(self.accepted) < self.sent:
            try:
                answer = self.wire.json(FAR_S if wait else 0.0001)
            except TimeoutError:
                assert not wait, "publishes went unanswered"
                return
            except client.Ended:
                self.over = True
                return
            if answer.get("code") == "closed":  # it drains: refused, and said so
                self.over = True
                return
            assert answer["op"] == "published", answer
            self.accepted.append(answer["offset"])


class Reader:
    """What one reader of one topic saw, checked as it comes: offsets only grow, and every jump is told."""

    def __init__(self) -> None:
        self.offsets: list[int] = []
        self.gaps: list[tuple[int, int]] = []
        self.skipped = 0
        self.epoch = ""

    def take(self, payload: bytes) -> None:
        message = json.loads(payload)
        if "op" in message:
            assert message["op"] == "subscribed", message
            self.epoch = message["epoch"]
        elif "gap" in message:
            self.gaps.append(tuple(message["gap"]))
        else:
            self.skipped += message.get("skipped", 0)
            self.offsets.append(message["offset"])

    @property
    def last(self) -> int:
        return self.offsets[-1] if self.offsets else -1


def subscribed(port: int, topic: str, readers: list[Reader], **how: Any) -> list[Any]:
    """One connection for each reader, subscribed; from now on every message of the topic concerns all of them."""
    wires = [member(port, **how) for _ in readers]
    for wire, reader in zip(wires, readers, strict=True):
        answer, before = ask(wire, op="subscribe", topics=[topic])
        assert answer["op"] == "subscribed" and not before, (answer, before)
        reader.epoch = answer["epoch"]
    return wires


def resumed(port: int, topic: str, reader: Reader) -> Any:
    """A new connection that goes on after the reader's last message."""
    wire = member(port)
    resume = {topic: {"epoch": reader.epoch, "offset": reader.last}}
    wire.text({"op": "subscribe", "id": 1, "topics": [topic], "resume": resume})
    return wire


def test_sigterm_in_the_middle_of_a_broadcast_delivers_all_that_was_accepted(hub: Any) -> None:
    readers = [Reader() for _ in range(200)]
    with Fleet(subscribed(hub.port, "fills.A", readers), lambda at, payload: readers[at].take(payload)) as fleet:
        publisher = Publisher(hub.port)
        with publisher.wire:
            while len(publisher.accepted) < 100:
                publisher.send("fills.A", {"n": publisher.sent, "pad": "x" * 200})
                publisher.answers(wait=False)
                fleet.read(0)
            hub.process.send_signal(signal.SIGTERM)
            begun = time.monotonic()
            while not publisher.over:
                try:
                    publisher.send("fills.A", {"n": publisher.sent, "pad": "x" * 200})
                except OSError:
                    publisher.over = True
                publisher.answers(wait=False)
                fleet.read(0)
            fleet.until(lambda: len(fleet.ended) == len(readers), "end of all connections")
            assert hub.process.wait(10) == 0
            assert time.monotonic() - begun < 5 + 4, "drained too slowly"
        accepted = len(publisher.accepted)
        assert publisher.accepted == list(range(accepted))
        assert set(fleet.ended.values()) == {1001}
        for reader in readers:
            assert reader.offsets == list(range(len(reader.offsets)))
            assert len(reader.offsets) >= accepted, "an accepted message was not delivered"


def test_a_reconnect_storm_with_resume_loses_nothing(hub: Any) -> None:
    readers, total = [Reader() for _ in range(500)], 60
    with Fleet(subscribed(hub.port, "fills.B", readers), lambda at, payload: readers[at].take(payload)) as fleet:
        publisher = Publisher(hub.port)
        with publisher.wire:
            for number in range(total):
                publisher.send("fills.B", {"n": number})
                publisher.answers(wait=False)
                if number % 5 == 0:
                    fleet.read(0)
                if number in (20, 40):
                    fleet.until(lambda: min(reader.last for reader in readers) >= 0, "a first message", FAR_S)
                    for at, reader in enumerate(readers):
                        fleet.leave(at).reset()
                        # In the order of a storm: every other one comes back only after all have gone.
                        if at % 2:
                            fleet.replace(at, resumed(hub.port, "fills.B", reader))
                    for at in range(0, len(readers), 2):
                        fleet.replace(at, resumed(hub.port, "fills.B", readers[at]))
            publisher.answers()
        fleet.until(lambda: min(reader.last for reader in readers) == total - 1, "all messages", FAR_S)
        assert fleet.ended == {}
        for reader in readers:
            assert reader.offsets == list(range(total)), "lost, doubled or out of order"
            assert reader.gaps == []


@pytest.mark.parametrize(("topic", "size"), [("fills.C", 1200), ("trades.C", 1200), ("quotes.C", 1200)])
def test_a_reader_that_sleeps_gets_what_its_class_promises(topic: str, size: int) -> None:
    """Ten readers sleep through 2.5 MB; ten others stay awake and get everything in order."""
    limits = {"max_backlog": 1 << 18, "send_buffer": 16_384, "default_capacity": 512, "close_timeout_ms": 60_000}
    with Server(topics=CLASSES, **limits) as hub:
        readers, total = [Reader() for _ in range(20)], 2_000
        wires = subscribed(hub.port, topic, readers, receive_buffer=16_384)
        with Fleet(wires, lambda at, payload: readers[at].take(payload)) as fleet:
            fleet.deaf(range(10))
            memory = hub.memory_kb()
            publisher = Publisher(hub.port)
            with publisher.wire:
                for number in range(total):
                    publisher.send(topic, {"n": number, "pad": "x" * size})
                    if number % 10 == 9:
                        publisher.answers()
                        fleet.read(0)
                publisher.answers()
            awake = readers[10:]
            fleet.until(lambda: min(reader.last for reader in awake) == total - 1, "the newest message", FAR_S)
            assert hub.memory_kb() - memory < 32 << 10, "slow readers cost memory"
            fleet.hear(range(10))
            if topic.startswith("fills"):
                fleet.until(lambda: len(fleet.ended) == 10, "slow readers closed")
                assert fleet.ended == dict.fromkeys(range(10), 4008)
                for reader in readers:
                    assert reader.offsets == list(range(len(reader.offsets)))
                return
            fleet.until(lambda: min(reader.last for reader in readers) == total - 1, "the newest message", FAR_S)
            assert fleet.ended == {}
            for reader in readers:
                assert reader.offsets == sorted(set(reader.offsets))
                told = sum(last - first + 1 for first, last in reader.gaps) + reader.skipped
                assert len(reader.offsets) + told == total, "a message is missing without a word"
            assert sum(len(reader.offsets) for reader in readers[:10]) < 10 * total, "the sleepers missed nothing?"


def test_resume_says_whether_it_replays_or_starts_from_a_snapshot() -> None:
    with Server(topics=CLASSES, default_capacity=64) as hub, member(hub.port) as wire:
        for number in range(200):
            answer, _ = ask(wire, op="publish", topic="fills.D", data=number)
        assert answer["offset"] == 199
        epoch = ask(wire, op="subscribe", topics=["fills.D"])[0]["topics"][0]["epoch"]
        cases = {
            "in the ring": ({"epoch": epoch, "offset": 189}, "resumed", list(range(190, 200))),
            "nothing missed": ({"epoch": epoch, "offset": 199}, "resumed", []),
            "too old": ({"epoch": epoch, "offset": 3}, "snapshot", [199]),
            "another epoch": ({"epoch": "0" * len(epoch), "offset": 189}, "snapshot", [199]),
        }
        for name, (resume, how, offsets) in cases.items():
            with member(hub.port) as reader:
                answer, before = ask(reader, op="subscribe", topics=["fills.D"], resume={"fills.D": resume})
                assert answer["topics"][0]["from"] == how, name
                assert before == [], name
                assert [reader.json()["offset"] for _ in offsets] == offsets, name
                assert ask(reader, op="ping")[1] == [], name
        with member(hub.port) as reader:
            forged = {"fills.D": {"epoch": epoch, "offset": 1_000_000}}
            answer, _ = ask(reader, op="subscribe", topics=["fills.D"], resume=forged)
            assert (answer["op"], answer["code"]) == ("error", "bad_resume")


def test_a_stopped_server_does_not_drop_its_clients_when_it_goes_on() -> None:
    """SIGSTOP for three seconds, three times the heartbeat's patience: the clients' answers wait in the kernel."""
    with (
        Server(ping_interval_ms=500, pong_timeout_ms=500) as hub,
        Fleet([Wire.open(hub.port) for _ in range(100)], lambda at, payload: None) as fleet,
    ):
        for seconds, number in ((1.2, signal.SIGSTOP), (3.0, signal.SIGCONT), (2.0, None)):
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                fleet.read()
            if number is not None:
                hub.process.send_signal(number)
        assert fleet.ended == {}


def test_compressed_and_plain_readers_get_the_same_messages(hub: Any) -> None:
    offer = [("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")]
    with member(hub.port) as plain, member(hub.port, headers=offer) as squeezed, member(hub.port) as publisher:
        for wire in (plain, squeezed):
            wire.text({"op": "subscribe", "id": 1, "topics": ["trades.Z"]})

        def read(wire: Any) -> Any:
            found = wire.next_frame()
            if not found.reserved:
                return json.loads(found.payload)
            data = zlib.decompressobj(-15).decompress(found.payload + b"\0\0\xff\xff")
            return json.loads(data)

        assert read(plain)["op"] == read(squeezed)["op"] == "subscribed"
        for number in range(50):
            ask(publisher, op="publish", topic="trades.Z", data={"n": number, "pad": "abc" * 300})
        first = [read(plain) for _ in range(50)]
        assert [read(squeezed) for _ in range(50)] == first
        assert [message["data"]["n"] for message in first] == list(range(50))
