"""The hub against clients that break the rules: each row has one expected outcome, and the hub serves on afterwards.

The rows are those of the anchor's fault table and of the peers' comparison (no server measured there passes them all).
Everything goes over raw sockets to `deepalpha hub` in a process of its own; nothing is mocked and nothing sleeps.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hub_client as client
import hub_server as process
import pytest

frame, closing, request = client.frame, client.closing, client.request
Wire, Server = client.Wire, process.Server
CONTINUATION, TEXT, BINARY, PING = client.CONTINUATION, client.TEXT, client.BINARY, client.PING

BRISK = {"handshake_timeout_ms": 1000, "ping_interval_ms": 500, "pong_timeout_ms": 500}
"""Deadlines short enough to wait for."""
QUICK_CLOSE = {"close_timeout_ms": 200}
"""A peer that broke a rule is not waited for long."""
BROKEN_UTF8 = b"\xce\xba\xe1\xbd\xb9\xed\xa0\x80edited"


@pytest.fixture(scope="module")
def hub() -> Iterator[Any]:
    with Server(**QUICK_CLOSE) as server:
        yield server


@pytest.fixture(scope="module")
def brisk() -> Iterator[Any]:
    with Server(**BRISK) as server:
        yield server


WIRE_FAULTS = {
    "an unmasked frame": (frame("x", mask=False), {1002}),
    "reserved bit 1 without an extension": (frame("x", reserved=4), {1002}),
    "reserved bit 2": (frame("x", reserved=2), {1002}),
    "reserved bit 3": (frame("x", reserved=1), {1002}),
    "a continuation without a start": (frame("x", CONTINUATION), {1002}),
    "a text inside a fragmented text": (frame("x", fin=False) + frame("y"), {1002}),
    "reserved data opcode 3": (frame("x", 3), {1002}),
    "reserved control opcode 11": (frame("x", 11), {1002}),
    "a fragmented ping": (frame("x", PING, fin=False), {1002}),
    "a ping of 126 bytes": (frame(b"x" * 126, PING), {1002}),
    "text that is not UTF-8": (frame(BROKEN_UTF8), {1007}),
    "text that stops inside a character": (frame(b"\xce\xba\xe1\xbd"), {1007}),
    "bad UTF-8 in the first of two fragments": (frame(BROKEN_UTF8, fin=False), {1007}),
    "a character cut by fragments, then broken": (frame(b"\xf4", fin=False) + frame(b"\x90", CONTINUATION), {1007}),
    "a close payload of one byte": (frame(b"\x03", client.CLOSE), {1002}),
    "close code 1005": (closing(1005), {1002}),
    "close code 1006": (closing(1006), {1002}),
    "close code 1015": (closing(1015), {1002}),
    "close code 999": (closing(999), {1002}),
    "close code 5000": (closing(5000), {1002}),
    "a close reason that is not UTF-8": (closing(1000, BROKEN_UTF8), {1007}),
    "125 bytes with a 16 bit length": (frame(b"x" * 125, width=2), {1002}),
    "125 bytes with a 64 bit length": (frame(b"x" * 125, width=8), {1002}),
    "65535 bytes with a 64 bit length": (frame(b"x" * 65535, width=8), {1002}),
    "a claim of 2^63 bytes": (frame(b"", BINARY, claims=1 << 63), {1002, 1009}),
    "a claim of 2^63-1 bytes": (frame(b"", BINARY, claims=(1 << 63) - 1), {1009}),
    "a claim of 200 MB": (frame(b"", BINARY, claims=200 << 20), {1009}),
}


@pytest.mark.parametrize("fault", WIRE_FAULTS)
def test_a_broken_frame_ends_the_connection_with_its_code(hub: Any, fault: str) -> None:
    sent, codes = WIRE_FAULTS[fault]
    before = hub.memory_kb()
    with Wire.open(hub.port) as wire:
        wire.send(sent)
        code = wire.ending()
    assert code in codes
    assert hub.memory_kb() - before < 16 << 10, "a claimed length is not allocated"
    client.serves(hub)


@pytest.mark.parametrize(("sent", "answer"), [(1000, 1000), (1001, 1001), (3000, 3000), (4999, 4999)])
def test_a_valid_close_is_answered_with_its_code(hub: Any, sent: int, answer: int) -> None:
    with Wire.open(hub.port) as wire:
        wire.send(closing(sent, b"bye"))
        assert wire.ending() == answer


def test_an_empty_close_is_answered(hub: Any) -> None:
    with Wire.open(hub.port) as wire:
        wire.send(closing(None))
        assert wire.ending() in (1000, 1005)


def test_frames_after_a_close_are_not_answered(hub: Any) -> None:
    with Wire.open(hub.port) as wire:
        wire.send(closing(1000) + frame("after") + frame(b"after", PING))
        seen = []
        with pytest.raises(client.Ended) as ended:
            while True:
                seen.append(wire.next_frame().opcode)
        assert (seen, ended.value.code) == ([client.CLOSE], 1000)


def test_a_message_cut_into_single_bytes_arrives_whole(hub: Any) -> None:
    text = "κόσμε, fragmented and chopped"
    data = text.encode()
    parts = [frame(data[:1], fin=False)]
    parts += [frame(data[at : at + 1], CONTINUATION, fin=False) for at in range(1, len(data) - 1)]
    parts += [frame(b"between", PING), frame(data[-1:], CONTINUATION)]
    with Wire.open(hub.port) as wire:
        for byte in b"".join(parts):
            wire.send(bytes([byte]))
        opcodes = []
        while not opcodes or opcodes[-1].opcode != TEXT:
            opcodes.append(wire.next_frame())
        assert [(found.opcode, found.payload) for found in opcodes] == [(client.PONG, b"between"), (TEXT, data)]


UPGRADE_FAULTS: dict[str, tuple[dict[str, Any], set[int]]] = {
    "version 8": ({"headers": [("Sec-WebSocket-Version", "8")]}, {426}),
    "no version": ({"without": ["Sec-WebSocket-Version"]}, {400, 426}),
    "HTTP/1.0": ({"version": "HTTP/1.0"}, {400, 505}),
    "HTTP/2.0": ({"version": "HTTP/2.0"}, {400, 505}),
    "POST": ({"method": "POST"}, {400, 405}),
    "no key": ({"without": ["Sec-WebSocket-Key"]}, {400}),
    "a key of 15 bytes": ({"headers": [("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAA")]}, {400}),
    "a key that is not base64": ({"headers": [("Sec-WebSocket-Key", "!" * 24)]}, {400}),
    "two keys": ({"headers": [("Sec-WebSocket-Key", client.KEY)] * 2}, {400}),
    "no Host": ({"without": ["Host"]}, {400}),
    "no Upgrade": ({"without": ["Upgrade"]}, {400, 404, 426}),
    "no Connection": ({"without": ["Connection"]}, {400, 426}),
    "a foreign Origin": ({"headers": [("Origin", "https://evil.example")]}, {403}),
    "a sandboxed Origin": ({"headers": [("Origin", "null")]}, {403}),
    "a foreign Host (DNS rebinding)": ({"headers": [("Host", "evil.example")]}, {403, 421}),
    "a header of 64 KiB": ({"headers": [("X-Long", "x" * 65536)]}, {400, 431}),
    "2,000 headers": ({"headers": [(f"X-{n}", "1") for n in range(2000)]}, {400, 431}),
    "a header without a colon": ({"headers": [("Bad\r\nnocolon", "x")]}, {400}),
    "a NUL in a header": ({"headers": [("X-Bad", "a\0b")]}, {400}),
}


@pytest.mark.parametrize("fault", UPGRADE_FAULTS)
def test_a_bad_upgrade_is_refused_before_it_is_a_websocket(hub: Any, fault: str) -> None:
    how, statuses = UPGRADE_FAULTS[fault]
    with Wire(hub.port) as wire:
        wire.send(request(hub.port, **how))
        reply = wire.reply()
    assert reply.status in statuses, reply
    if fault == "version 8":
        assert reply.headers["sec-websocket-version"] == "13"
    client.serves(hub)


@pytest.mark.parametrize("start", [b"\x16\x03\x01\x02\x00", b"\r\n" * 5000, b"\0" * 4096, b"GET " + b"/" * 70_000])
def test_bytes_that_are_no_http_are_turned_away(brisk: Any, start: bytes) -> None:
    with Wire(brisk.port) as wire:
        wire.send(start)
        assert wire.reply().status in (0, 400, 414, 431)


def test_same_origin_and_local_origins_may_upgrade(hub: Any) -> None:
    for origin in (f"http://127.0.0.1:{hub.port}", "http://localhost:8501", "http://localhost:8888"):
        with Wire.open(hub.port, headers=[("Origin", origin)]) as wire:
            wire.text("mine")
            assert wire.message() == b"mine"


def test_the_first_frames_may_come_with_the_request(hub: Any) -> None:
    with Wire(hub.port) as wire:
        wire.send(request(hub.port) + frame("early") + frame("bird"))
        assert wire.reply().status == 101
        assert [wire.message(), wire.message()] == [b"early", b"bird"]
