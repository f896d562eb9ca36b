"""The hub from Python: what is broadcast arrives, what cannot be is refused by name, and nothing outlives its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

import deepalpha as da
from deepalpha.cli import main
from deepalpha.errors import HubError
from deepalpha.live import Gap, Message, Subscription, sign_token

PATIENCE = 20.0


@pytest.fixture
def hub() -> Iterator[da.WebSocketManager]:
    with da.WebSocketManager() as manager:
        yield manager


@contextlib.contextmanager
def subscribed(hub: da.WebSocketManager, *topics: str) -> Iterator[ClientConnection]:
    """A client that we did not write, subscribed."""
    with connect(hub.url, subprotocols=["deepalpha.v1"], open_timeout=PATIENCE) as client:  # type: ignore[list-item]
        client.send(json.dumps({"op": "subscribe", "id": 1, "topics": list(topics)}))
        assert json.loads(client.recv(PATIENCE))["op"] == "subscribed"
        yield client


def threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_what_is_broadcast_arrives_in_order_at_a_foreign_client(hub: da.WebSocketManager) -> None:
    hub.topic("fills.*", "reliable")
    with subscribed(hub, "fills.*") as client:
        sent = [{"n": 1}, [1, 2.5, None], "text", b'{"raw":true}', 7, {"é": "ü"}]
        assert [hub.broadcast("fills.BTC", message) for message in sent] == list(range(len(sent)))
        got = [json.loads(client.recv(PATIENCE)) for _ in sent]
    assert [item["data"] for item in got] == [{"n": 1}, [1, 2.5, None], "text", {"raw": True}, 7, {"é": "ü"}]
    assert [item["offset"] for item in got] == list(range(len(sent)))
    topic = hub.stats()["topics"]["fills.BTC"]
    assert topic["delivery"] == "reliable"
    assert topic["sent"] == topic["delivered"] + topic["conflated"] + topic["dropped"]


def test_publish_many_sends_in_order_up_to_the_first_that_is_refused(hub: da.WebSocketManager) -> None:
    with subscribed(hub, "a.>") as client:
        assert hub.publish_many([(f"a.{n % 3}", {"n": n}) for n in range(100)]) == 100
        by_topic: dict[str, list[int]] = {}
        for _ in range(100):
            item = json.loads(client.recv(PATIENCE))
            by_topic.setdefault(item["topic"], []).append(item["data"]["n"])
        assert by_topic == {f"a.{k}": list(range(k, 100, 3)) for k in range(3)}
        with pytest.raises(HubError, match="is not one JSON value"):
            hub.publish_many([("a.0", b"1"), ("a.1", b"no json"), ("a.2", b"3")])
        assert json.loads(client.recv(PATIENCE))["data"] == 1


def test_a_subscription_yields_messages_and_async_batches(hub: da.WebSocketManager) -> None:
    async def read() -> list[Message | Gap]:
        got: list[Message | Gap] = []
        async with hub.subscribe("q.*") as quotes:
            while not any(event.event == "subscribed" for event in quotes.events()):
                await asyncio.sleep(0)
            hub.publish_many([("q.BTC", {"bid": n}) for n in range(5000)])
            async for batch in quotes:
                got += batch
                if got[-1].topic == "q.BTC" and isinstance(got[-1], Message) and got[-1].data == {"bid": 4999}:
                    return got
        raise AssertionError("the subscription ended early")

    got = asyncio.run(asyncio.wait_for(read(), PATIENCE))
    covered = 0
    for item in got:  # every offset once, as a message or within a gap
        first, last = (item.offset, item.offset) if isinstance(item, Message) else (item.first, item.last)
        assert first == covered
        covered = last + 1
    assert covered == 5000


def test_a_reader_without_room_is_told_what_it_missed(hub: da.WebSocketManager) -> None:
    with Subscription(hub.url, ["r.x"], max_messages=10) as reader:
        hub.topic("r.x", "reliable", 4096)
        hub.broadcast("r.x", 0)
        while not reader.poll(PATIENCE):
            pass
        hub.publish_many([("r.x", n) for n in range(1, 101)])
        while reader.counters()["messages"] < 102:  # the answer to the subscription is one
            pass
        first, *rest = reader.poll()
        assert first == Gap(topic="r.x", first=1, last=90, policy="missed")
        assert [item.data for item in rest if isinstance(item, Message)] == list(range(91, 101))
        assert reader.counters()["dropped"] == 90


def test_a_subscription_that_waited_for_its_topic_goes_on_with_a_hub_started_anew() -> None:
    with da.WebSocketManager() as old:
        port = int(old.url.rsplit(":", 1)[1].split("/")[0])
        reader = Subscription(old.url, ["r.*"], connection={"backoff_base_ms": 10, "backoff_cap_ms": 50})
        with reader:
            while not any(event.event == "subscribed" for event in reader.events()):
                pass
            old.publish_many([("r.x", number) for number in range(3)])
            got = list[Message | Gap]()
            while len(got) < 3:
                got += reader.poll(PATIENCE)
            old.stop()
            with da.WebSocketManager(port=port) as new:
                while not any(event.event == "subscribed" for event in reader.events()):
                    pass
                new.broadcast("r.x", "of another run")
                while not (isinstance(got[-1], Message) and got[-1].data == "of another run"):
                    batch = reader.poll(PATIENCE)
                    assert batch, "the first message of the new hub was taken for an old one"
                    got += batch
    assert [item.data for item in got if isinstance(item, Message)] == [0, 1, 2, "of another run"]
    assert [item.policy for item in got if isinstance(item, Gap)] == ["restarted"], "that it is another run is told"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda hub: hub.broadcast("a b", 1), 'topic name "a b" is refused'),
        (lambda hub: hub.broadcast("a", object()), "a object cannot be sent as JSON"),
        (lambda hub: hub.broadcast("a", b"{"), "is not one JSON value"),
        (lambda hub: hub.broadcast("a", "x" * (2 << 20)), "max_payload"),
        (lambda hub: hub.topic("a", "eventually"), "take reliable, buffered, last_value"),
        (lambda hub: hub.topic("a.>.b", "reliable"), "> stands only at the end"),
        (lambda hub: hub.start(port=1), "runs on port"),
        (lambda hub: hub.add_connection("x", "http://nowhere"), "http://nowhere"),
        (lambda hub: hub.subscribe(), "no topic to subscribe"),
        (
            lambda hub: da.WebSocketManager(shard=2).start(),
            "hub setting shard is unknown; there are host, port, shards",
        ),
        (lambda hub: da.WebSocketManager(shards=0).start(), "shards = 0 is not in 1..=64"),
        (lambda hub: da.WebSocketManager(shards="two").start(), "of the wrong kind"),
        (lambda hub: da.WebSocketManager().start(host="0.0.0.0"), "0.0.0.0"),
        (lambda hub: da.WebSocketManager(tls=("no.pem", "no.key")).start(), "no.pem"),
        (lambda hub: da.WebSocketManager().broadcast("a", 1), "call start() first"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_way_out(hub: da.WebSocketManager, call: Any, said: str) -> None:
    with pytest.raises(HubError) as caught:
        call(hub)
    assert said in str(caught.value)


def test_a_taken_port_is_named(hub: da.WebSocketManager) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(HubError, match=f"cannot listen on port {port}"):
            da.WebSocketManager().start(port)


def test_starting_twice_gives_the_same_port_and_shared_gives_the_same_hub(hub: da.WebSocketManager) -> None:
    assert hub.start() == hub.start()
    first = da.WebSocketManager.shared("test")
    assert da.WebSocketManager.shared("test") is first
    assert first.running
    assert first.url != hub.url
    first.stop()


def test_connections_of_another_hub_are_sent_on() -> None:
    with da.WebSocketManager(bench=True) as upstream, da.WebSocketManager() as hub, subscribed(hub, "feed.*") as client:
        hub.add_connection("up", upstream.url + "sub", {"btcusdt@trade": "feed.btc"}, backoff_base_ms=10)
        with pytest.raises(HubError, match="connection up is there already"):
            hub.add_connection("up", upstream.url + "sub")
        while hub.connections()["up"]["connections"] == 0:
            pass
        with connect(upstream.url + "pub", open_timeout=PATIENCE) as publisher:
            while upstream.stats()["connections"] < 2:
                pass
            for text in ('{"stream":"btcusdt@trade","data":1}', '{"stream":"other","data":2}', "no json"):
                publisher.send(text)
            got = [json.loads(client.recv(PATIENCE)) for _ in range(2)]
        assert {item["topic"]: item["data"]["data"] for item in got} == {"feed.btc": 1, "feed.up": 2}
        while hub.connections()["up"]["refused"] == 0:
            pass
        assert hub.connections()["up"]["published"] == 2
        assert hub.remove_connection("up")
        assert not hub.remove_connection("up")


def test_a_token_opens_a_hub_with_access_rules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = tmp_path / "hub.key"
    key.write_bytes(b"k" * 32 + b"\n")
    arguments = ["hub", "token", "--key", str(key), "--role", "reader", "--json"]
    assert main(arguments) == 0
    token = json.loads(capsys.readouterr().out)["token"]
    with da.WebSocketManager(auth={"keys": [{"file": str(key)}]}) as hub:
        with Subscription(hub.url, ["a"], token=token) as reader:
            hub.broadcast("a", 1)
            while not (batch := reader.poll(PATIENCE)):
                pass
            assert isinstance(batch[0], Message)
        other = tmp_path / "other.key"
        other.write_bytes(b"x" * 32)
        wrong = sign_token(other, roles=["reader"], expires_at_s=2**33)
        with Subscription(hub.url, ["a"], token=wrong, connection={"backoff_base_ms": 10}) as reader:
            reasons: list[str] = []
            while not reasons:
                reasons = [event.reason for event in reader.events() if event.event == "disconnected"]
            assert "401" in reasons[0]
    with pytest.raises(HubError, match=r"hub\.key cannot be read|at least 32"):
        sign_token(tmp_path / "no" / "hub.key", roles=["reader"], expires_at_s=0)


def test_the_figures_are_prometheus_text(hub: da.WebSocketManager) -> None:
    hub.broadcast("a", 1)
    text = hub.metrics()
    assert "# TYPE deepalpha_hub_connections gauge" in text


def test_twenty_starts_and_stops_leave_no_thread_and_no_descriptor() -> None:
    def cycle() -> None:
        with da.WebSocketManager(shards=2) as hub, hub.subscribe("a") as reader:
            hub.broadcast("a", 1)
            while not reader.poll(PATIENCE):
                pass

    cycle()
    before = threads(), descriptors()
    for _ in range(20):
        cycle()
    assert (threads(), descriptors()) == before


def test_two_hubs_of_a_process_do_not_mix(hub: da.WebSocketManager) -> None:
    with da.WebSocketManager() as other, subscribed(hub, "a") as here, subscribed(other, "a") as there:
        hub.broadcast("a", "here")
        other.broadcast("a", "there")
        assert json.loads(here.recv(PATIENCE))["data"] == "here"
        assert json.loads(there.recv(PATIENCE))["data"] == "there"


# --- ends

FORKED = """
import os, sys, deepalpha as da
from deepalpha.errors import HubError
hub = da.WebSocketManager(); hub.start()
reader = hub.subscribe("a")
child = os.fork()
if child == 0:
    try:
        hub.broadcast("a", 1)
    except HubError as error:
        said = "was forked" in str(error)
        try:
            reader.poll()
        except HubError as error:
            sys.exit(7 if said and "was forked" in str(error) else 8)
    sys.exit(9)
_, status = os.waitpid(child, 0)
hub.broadcast("a", 2)
while not reader.poll(10):
    pass
hub.stop(); reader.close()
sys.exit(os.waitstatus_to_exitcode(status))
"""

BROADCASTING = """
import sys, threading, deepalpha as da
hub = da.WebSocketManager(); hub.start(); hub.topic("a", "reliable")
reader = hub.subscribe("a")
def work():
    n = 0
    while True:
        n += 1
        try: hub.publish_many([("a", n)] * 50)
        except da.HubError: return
threading.Thread(target=work, daemon=True).start()
while not reader.poll(10):
    pass
sys.exit(7)
"""

IN_A_COROUTINE = """
import asyncio, sys, deepalpha as da
async def run():
    hub = da.WebSocketManager(); hub.start()
    async with hub.subscribe("a") as reader:
        hub.broadcast("a", 1)
        async for batch in reader:
            sys.exit(7)
asyncio.run(run())
"""


@pytest.mark.parametrize("script", [FORKED, BROADCASTING, IN_A_COROUTINE], ids=["forked", "broadcasting", "coroutine"])
def test_a_process_ends_as_it_was_told_whatever_runs(script: str) -> None:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (7, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_hub_command_drains_and_ends_with_zero(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "deepalpha.cli", "hub", "--json", "--set", "retry_spread_ms=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready["event"] == "ready"
        with connect(ready["url"], open_timeout=PATIENCE) as client:
            client.ping().wait(PATIENCE)
            process.send_signal(number)
            out, err = process.communicate(timeout=PATIENCE)
            with pytest.raises(Exception, match="1001"):
                client.recv(PATIENCE)
    assert (process.returncode, err) == (0, "")
    stopped = json.loads(out)
    assert stopped["event"] == "stopped"
    assert stopped["drained_s"] <= 5


READER = """
import sys, time, json
from websockets.sync.client import connect
with connect(sys.argv[1]) as client:
    client.send(json.dumps({"op": "subscribe", "id": 1, "topics": ["beat"]}))
    client.recv(); print("ready", flush=True)
    worst, last = 0.0, None
    while True:
        record = json.loads(client.recv(20))
        if record["data"] == "end": break
        worst = max(worst, time.monotonic() - record["data"])
print(worst)
"""


def test_a_spinning_python_thread_does_not_stop_deliveries() -> None:
    # Published by another process through the upstream, so that no publisher waits for this interpreter.
    with da.WebSocketManager() as hub:
        hub.topic("beat", "last_value")  # a reader that lags would measure its own lag
        command = [sys.executable, "-c", READER, hub.url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "ready\n"
            stop = threading.Event()

            def spin() -> None:
                while not stop.is_set():
                    sum(range(1000))

            spinner = threading.Thread(target=spin)
            spinner.start()
            end = time.monotonic() + 3
            while time.monotonic() < end:
                hub.broadcast("beat", time.monotonic())
            hub.broadcast("beat", "end")
            stop.set()
            spinner.join()
            worst = float(reader.stdout.readline())
    # The spinner holds Python for 5 ms at a time; a delivery that waited for it would be seconds behind.
    assert worst < 1.0


def test_the_process_id_is_checked_and_not_the_thread() -> None:
    with da.WebSocketManager() as hub:
        done: list[int] = []
        thread = threading.Thread(target=lambda: done.append(hub.broadcast("a", os.getpid())))
        thread.start()
        thread.join()
        assert done == [0]
