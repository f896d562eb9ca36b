"""A hub whose process has no file descriptor left says so, serves those it has, rests between attempts and recovers."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

from hub_client import Wire, request
from hub_server import Server

ROOM = 16


def spent_s(pid: int) -> float:
    """Processor time of a process so far, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def answer(port: int) -> int:
    """The status a new connection gets."""
    with Wire(port) as wire:
        wire.send(request(port))
        return int(wire.reply().status)


def test_without_descriptors_new_peers_get_503_others_are_served_and_nothing_spins() -> None:
    with Server(max_connections=1_000) as hub:
        most = hub.descriptors() + ROOM
        resource.prlimit(hub.pid, resource.RLIMIT_NOFILE, (most, most))
        held: list[Wire] = []
        while True:
            wire = Wire(hub.port)
            wire.send(request(hub.port))
            status = wire.reply().status
            if status != 101:
                wire.reset()
                break
            held.append(wire)
        assert status == 503
        assert ROOM - 2 <= len(held) <= ROOM
        began, before = time.monotonic(), spent_s(hub.pid)
        for _ in range(10):
            assert answer(hub.port) == 503
            held[0].text("served")
            assert held[0].message() == b"served"
        # Each refusal waits for the pause of 50 ms; a loop that spun in between would have used all of it.
        elapsed, spent = time.monotonic() - began, spent_s(hub.pid) - before
        assert spent < elapsed / 2, f"{spent} s of processor time in {elapsed} s"
        for wire in held:
            wire.reset()
        hub.until(lambda: answer(hub.port) == 101, "room for a new connection")
        assert hub.metrics()["deepalpha_hub_accept_pauses_total"] >= 10
