"""A subscription whose connection is cut, rotated or turned to another hub goes on where it was."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

import deepalpha as da
from deepalpha.errors import HubBusyError, HubError
from deepalpha.live import Gap, Message, Subscription

PATIENCE = 20.0
QUICK = {"backoff_base_ms": 1, "backoff_cap_ms": 5}


def last_of(item: Message | Gap) -> int:
    return item.offset if isinstance(item, Message) else item.last


class Proxy:
    """Forwards to a hub; cuts the first `cuts` connections after a random number of bytes."""

    def __init__(self, port: int, seed: int, cuts: int) -> None:
        self._random = random.Random(seed)
        self._port = port
        self.cuts_left = cuts
        self._stopping = False
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self._server.getsockname()[1]}/"
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        pairs: list[threading.Thread] = []
        while True:
            near, _ = self._server.accept()
            if self._stopping:
                near.close()
                break
            room = self._random.randrange(8_000) if self.cuts_left else None
            self.cuts_left = max(0, self.cuts_left - 1)
            pairs.append(threading.Thread(target=self._pair, args=(near, room)))
            pairs[-1].start()
        for pair in pairs:
            pair.join()

    def _pair(self, near: socket.socket, room: int | None) -> None:
        with near, socket.create_connection(("127.0.0.1", self._port)) as far:
            asking = threading.Thread(target=self._forward, args=(near, far, None))
            asking.start()
            self._forward(far, near, room)
            asking.join()

    @staticmethod
    def _forward(one: socket.socket, other: socket.socket, room: int | None) -> None:
        left = 1 << 60 if room is None else room
        with contextlib.suppress(OSError):
            while left and (chunk := one.recv(min(4_096, left))):
                left -= len(chunk)
                other.sendall(chunk)
        for each in (one, other):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._stopping = True
        with socket.create_connection(self._server.getsockname()):
            self._thread.join()
        self._server.close()


@contextlib.contextmanager
def proxied(hub: da.WebSocketManager, seed: int, cuts: int) -> Iterator[Proxy]:
    proxy = Proxy(hub.start(), seed, cuts)
    try:
        yield proxy
    finally:
        proxy.close()


@pytest.fixture
def hub() -> Iterator[da.WebSocketManager]:
    with da.WebSocketManager(retry_spread_ms=0) as manager:
        yield manager


def await_subscribed(reader: Subscription) -> None:
    # `events` empties the queue, and "connected" may come in the same batch: look at all of it.
    while not any(event.event == "subscribed" for event in reader.events()):
        pass


def broadcast(hub: da.WebSocketManager, topic: str, message: object) -> None:
    """Again while a reliable topic has no room."""
    while True:
        with contextlib.suppress(HubBusyError):
            hub.broadcast(topic, message)
            return


def stream(
    hub: da.WebSocketManager, reader: Subscription, going: Callable[[int], bool]
) -> dict[str, list[Message | Gap]]:
    """Publish to topics in turn, some ahead of the reader, until `going` ends; what the reader got, by topic."""
    got: dict[str, list[Message | Gap]] = {f"fills.{k}": [] for k in range(3)}
    sent = 0

    def take(timeout: float) -> None:
        for item in reader.poll(timeout):
            got[item.topic].append(item)

    while going(sent):
        for topic in got:
            broadcast(hub, topic, sent)
        sent += 1
        while any(sent - (last_of(items[-1]) if items else -1) > 200 for items in got.values()):
            take(PATIENCE)
    while any(not items or last_of(items[-1]) < sent - 1 for items in got.values()):
        take(PATIENCE)
    return got


@pytest.mark.parametrize("seed", [1, 2])
def test_a_subscription_that_is_cut_again_and_again_gets_every_offset_once_and_in_order(
    hub: da.WebSocketManager, seed: int
) -> None:
    hub.topic("fills.*", "reliable", 4_096)
    with proxied(hub, seed, 40) as proxy, Subscription(proxy.url, ["fills.*"], connection=QUICK) as reader:
        await_subscribed(reader)
        got = stream(hub, reader, lambda sent: proxy.cuts_left > 0)
        for items in got.values():
            assert [(type(item), last_of(item)) for item in items] == [(Message, n) for n in range(len(items))]
        assert reader.counters()["disconnections"] >= 20
        assert reader.counters()["missed"] == 0


def test_a_subscription_that_rotates_gets_every_offset_once_and_in_order(hub: da.WebSocketManager) -> None:
    hub.topic("fills.*", "reliable", 4_096)
    rotating = {**QUICK, "max_age_ms": 10, "overlap_ms": 2}
    with Subscription(hub.url, ["fills.*"], connection=rotating) as reader:
        await_subscribed(reader)
        got = stream(hub, reader, lambda sent: reader.counters()["rotations"] < 20)
        for items in got.values():
            assert [last_of(item) for item in items] == list(range(len(items)))
            assert all(isinstance(item, Message) for item in items)


def test_what_the_hub_holds_no_more_is_a_gap_of_exactly_that(hub: da.WebSocketManager) -> None:
    hub.topic("fills.*", "reliable", 8)
    with proxied(hub, 3, 40) as proxy, Subscription(proxy.url, ["fills.*"], connection=QUICK) as reader:
        await_subscribed(reader)
        got = stream(hub, reader, lambda sent: proxy.cuts_left > 0)
        missed = 0
        for items in got.values():
            covered = 0
            for item in items:
                first = item.offset if isinstance(item, Message) else item.first
                assert first == covered
                covered = last_of(item) + 1
                if isinstance(item, Gap):
                    assert item.policy == "missed"
                    missed += item.last - item.first + 1
        assert missed == reader.counters()["missed"] > 0


def test_a_hub_started_anew_is_told_as_a_gap_that_says_so() -> None:
    with da.WebSocketManager(retry_spread_ms=0) as old:
        port = old.start()
        with Subscription(old.url, ["t.*"], connection=QUICK) as reader:
            await_subscribed(reader)
            old.broadcast("t.a", "old")
            old.broadcast("t.b", "old")
            got = list[Message | Gap]()
            while len(got) < 2:
                got += reader.poll(PATIENCE)
            old.stop()
            with da.WebSocketManager(port=port) as new:
                await_subscribed(reader)
                new.broadcast("t.a", "new")
                while not any(isinstance(item, Message) and item.data == "new" for item in got):
                    got += reader.poll(PATIENCE)
    assert Gap(topic="t.a", first=0, last=-1, policy="restarted") in got
    assert Gap(topic="t.b", first=0, last=-1, policy="restarted") in got
    assert [item.data for item in got if isinstance(item, Message) and item.topic == "t.a"] == ["old", "new"]


def test_more_topics_than_a_reader_follows_are_refused_after_what_came_before(hub: da.WebSocketManager) -> None:
    with Subscription(hub.url, ["t.*"], max_topics=2) as reader:
        await_subscribed(reader)
        for n in range(3):
            hub.broadcast(f"t.{n}", n)
        while reader.counters()["untracked"] == 0:
            pass
        assert [item.topic for item in reader.poll()] == ["t.0", "t.1"]
        with pytest.raises(HubError, match="max_topics = 2"):
            reader.poll()
        hub.broadcast("t.0", "on")
        assert [item.offset for item in reader.poll(PATIENCE) if isinstance(item, Message)] == [1]


def test_ended_connections_are_counted_by_their_close_code(hub: da.WebSocketManager) -> None:
    with Subscription(hub.url, ["a"]) as reader:
        await_subscribed(reader)
    while hub.stats()["connections"]:
        pass
    closes = hub.stats()["closes"]
    assert {code: count for code, count in closes.items() if count} == {"1000": 1}
    assert set(closes) >= {"1001", "1006", "1008", "1009", "1011", "4008", "other"}
    assert 'deepalpha_hub_closes_total{code="1000"} 1' in hub.metrics()
