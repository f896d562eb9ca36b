"""The hub against clients that take too much: floods, silence, half-open peers, bombs, cuts at every byte.

Each row ends with the same three facts: the offender is gone for its reason, the memory and descriptors of the hub are
back where they were, and a fresh client is served at once.
"""

from __future__ import annotations

import contextlib
import select
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hub_client as client
import hub_server as process
import pytest

frame, request, Wire, Server = client.frame, client.request, client.Wire, process.Server
CONTINUATION, TEXT, BINARY, PING = client.CONTINUATION, client.TEXT, client.BINARY, client.PING

HANDSHAKE_S, HALF_OPEN_S = 1.0, 1.0
BRISK = {
    "handshake_timeout_ms": 1000,
    "ping_interval_ms": 500,
    "pong_timeout_ms": 500,
    "close_timeout_ms": 200,
    "control_rate": [20, 100],
}
"""Deadlines short enough to wait for; a half-open peer is found after interval plus timeout. `--bench` lifts the rates
for load generators; that of control frames gets its default back."""
SLACK_S = 4.0
"""What a loaded machine may add to a deadline."""


@pytest.fixture(scope="module")
def brisk() -> Iterator[Any]:
    with Server(**BRISK) as server:
        yield server


@contextlib.contextmanager
def nothing_kept(server: Any, memory_mb: int = 16) -> Iterator[None]:
    """Descriptors return to where they were and memory grows by at most `memory_mb`; the hub serves on."""
    client.serves(server)
    server.until(lambda: server.sockets() <= server.idle_sockets, "a quiet hub")
    descriptors, memory = server.descriptors(), server.memory_kb()
    yield
    server.until(
        lambda: server.descriptors() <= descriptors,
        lambda: f"{descriptors} descriptors again, not {server.descriptors()}",
    )
    grown = server.memory_kb() - memory
    assert grown <= memory_mb << 10, f"{grown} KiB more than before"
    client.serves(server)


def push(wire: Any, data: bytes, times: int) -> None:
    """Send the same bytes again and again without reading, until the server stops it or all are through."""
    with contextlib.suppress(ConnectionError, TimeoutError):
        for _ in range(times):
            wire.send(data)


def test_a_flood_of_pings_is_closed_and_keeps_no_pongs(brisk: Any) -> None:
    with nothing_kept(brisk, memory_mb=4), Wire.open(brisk.port) as wire:
        push(wire, frame(b"x" * 100, PING) * 1000, 200)
        assert wire.ending() == 1008


def test_a_flood_of_empty_fragments_is_closed(brisk: Any) -> None:
    with nothing_kept(brisk), Wire.open(brisk.port) as wire:
        push(wire, frame(b"", TEXT, fin=False) + frame(b"", CONTINUATION, fin=False) * 999, 1)
        push(wire, frame(b"", CONTINUATION, fin=False) * 1000, 400)
        assert wire.ending() in (1008, 1009)


def test_a_flood_of_messages_is_closed_or_paced_within_bounds(brisk: Any) -> None:
    """Echoes that nobody reads must not pile up: the hub stops reading, or closes the connection."""
    with nothing_kept(brisk), Wire.open(brisk.port, receive_buffer=4096) as wire:
        wire.socket.settimeout(2)
        before = brisk.memory_kb()
        push(wire, frame(b"x" * 1000) * 100, 200)
        held = brisk.memory_kb() - before
        assert held <= 4 << 10, f"{held} KiB of 20 MB of echoes are held for a peer that reads none"


def test_a_message_above_the_limit_is_refused_while_it_arrives(brisk: Any) -> None:
    part = frame(b"x" * 60_000, CONTINUATION, fin=False)
    with nothing_kept(brisk), Wire.open(brisk.port, "/") as wire:
        push(wire, frame(b"x", BINARY, fin=False), 1)
        push(wire, part, 1000)
        assert wire.ending() == 1009


@pytest.mark.parametrize("what", ["nothing", "half a request", "one byte at a time"])
def test_a_handshake_has_one_deadline_for_all_its_bytes(brisk: Any, what: str) -> None:
    head = request(brisk.port)
    with nothing_kept(brisk):
        begin = time.monotonic()
        wires = [Wire(brisk.port) for _ in range(100)]
        for wire in wires:
            wire.send({"nothing": b"", "half a request": head[:60], "one byte at a time": head[:1]}[what])
        at, open_wires = 1, list(wires)
        while open_wires:
            assert time.monotonic() - begin < HANDSHAKE_S + SLACK_S, f"{len(open_wires)} still open"
            readable, _, _ = select.select([wire.socket for wire in open_wires], [], [], 0.05)
            for wire in [wire for wire in open_wires if wire.socket in readable]:
                assert wire.reply().status in (0, 408)
                wire.socket.close()
                open_wires.remove(wire)
            if what == "one byte at a time" and at < len(head) - 4:
                for wire in open_wires:
                    with contextlib.suppress(ConnectionError):
                        wire.send(head[at : at + 1])
                at += 1
            client.serves(brisk)
        assert time.monotonic() - begin > HANDSHAKE_S * 0.5, "closed long before the deadline"


def test_a_peer_that_answers_no_ping_is_closed_and_one_that_does_stays(brisk: Any) -> None:
    with nothing_kept(brisk), Wire.open(brisk.port) as dead, Wire.open(brisk.port) as alive:
        dead.answers_pings = False
        begin = time.monotonic()
        pings = 0
        while time.monotonic() - begin < 2 * HALF_OPEN_S:
            with contextlib.suppress(TimeoutError):
                pings += alive.next_frame(0.1).opcode == PING
        assert pings >= 2
        assert dead.ending(HALF_OPEN_S + SLACK_S) == client.NO_CLOSE_FRAME
        alive.text("alive")
        assert alive.message() == b"alive"


@pytest.mark.parametrize("part", [1, 2, 5, 7])
def test_half_a_frame_and_silence_ends_with_the_heartbeat(brisk: Any, part: int) -> None:
    with nothing_kept(brisk), Wire.open(brisk.port) as wire:
        wire.answers_pings = False  # a pong would go on where the frame was cut
        wire.send(frame("half a frame")[:part])
        assert wire.ending(HALF_OPEN_S + SLACK_S) == client.NO_CLOSE_FRAME


STOPPED_CLIENT = """
import sys
sys.path.insert(0, {folder!r})
from hub_client import Fleet, Wire
with Fleet([Wire.open({port}) for _ in range(20)], lambda index, payload: None) as fleet:
    print("ready", flush=True)
    while True:
        fleet.read(1)
"""


def test_a_stopped_client_process_frees_its_connections(brisk: Any) -> None:
    """SIGSTOP: the kernel acknowledges everything, the program answers nothing."""
    code = STOPPED_CLIENT.format(folder=str(Path(__file__).parent), port=brisk.port)
    with nothing_kept(brisk):
        stopped = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert stopped.stdout is not None
        with stopped, stopped.stdout as ready:
            assert ready.readline() == b"ready\n"
            try:
                held = brisk.descriptors()
                stopped.send_signal(signal.SIGSTOP)
                brisk.until(lambda: brisk.descriptors() <= held - 20, "20 slots freed", HALF_OPEN_S + SLACK_S)
            finally:
                stopped.kill()


def _fin(wire: Any) -> None:
    wire.socket.close()


CUTS: dict[str, Callable[[Any], None]] = {"FIN": _fin, "RST": Wire.reset}


@pytest.mark.parametrize("cut", CUTS)
def test_a_cut_at_every_byte_of_handshake_and_frame_leaves_nothing(brisk: Any, cut: str) -> None:
    head, body = request(brisk.port), frame("a message") + frame(b"ping", PING)
    with nothing_kept(brisk):
        for at in range(len(head) + 1):
            wire = Wire(brisk.port)
            wire.send(head[:at])
            CUTS[cut](wire)
        for at in range(len(body) + 1):
            wire = Wire.open(brisk.port)
            wire.send(body[:at])
            CUTS[cut](wire)


def test_a_half_closed_client_still_gets_its_answers(brisk: Any) -> None:
    """FIN after a request: what was asked before it is answered, then the connection ends."""
    with nothing_kept(brisk), Wire.open(brisk.port) as wire:
        wire.send(frame("last words") + client.closing(1000))
        wire.socket.shutdown(1)
        assert wire.message() == b"last words"
        assert wire.ending() == 1000


def deflated(chunk: bytes, times: int) -> bytes:
    """One permessage-deflate payload of `times` chunks."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = b"".join(squeeze.compress(chunk) for _ in range(times)) + squeeze.flush(zlib.Z_SYNC_FLUSH)
    return data.removesuffix(b"\0\0\xff\xff")


@pytest.mark.parametrize(
    ("path", "megabytes", "kept_mb"), [("/", 32, 16), ("/echo", 1024, 96)], ids=["limit 64 KiB", "limit 64 MiB"]
)
def test_a_compression_bomb_is_refused_while_it_is_inflated(
    brisk: Any, path: str, megabytes: int, kept_mb: int
) -> None:
    bomb = deflated(bytes(1 << 20), megabytes)
    assert len(bomb) < megabytes << 11, "a thousandth of what it becomes"
    offer = [("Sec-WebSocket-Extensions", "permessage-deflate")]
    with nothing_kept(brisk, memory_mb=kept_mb), Wire.open(brisk.port, path, headers=offer) as wire:
        push(wire, frame(bomb, BINARY, reserved=4), 1)
        assert wire.ending() == 1009


def test_bytes_that_are_no_deflate_stream_end_the_connection(brisk: Any) -> None:
    offer = [("Sec-WebSocket-Extensions", "permessage-deflate")]
    with nothing_kept(brisk), Wire.open(brisk.port, headers=offer) as wire:
        wire.send(frame(b"this is no deflate stream", TEXT, reserved=4))
        assert wire.ending() in (1002, 1007)
