"""A WebSocket client for tests that may break every rule: raw bytes out, frames in, nothing repaired on the way.

Independent of the core's codec on purpose, so that a mistake there cannot hide here. `Wire` is one blocking connection
with a deadline on every wait; `Fleet` reads many of them in one loop. Nothing here sleeps: every wait is for a socket
or a condition.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import selectors
import socket
import struct
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
NO_CLOSE_FRAME = 1006
"""What RFC 6455 calls the end of a connection that had no close frame."""
PATIENCE_S = 10.0
MASK = b"\x37\xfa\x21\x3d"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
PROTOCOL = "deepalpha.v1"


def masked(payload: bytes, mask: bytes = MASK) -> bytes:
    """The payload XORed with the mask; large ones by one big-integer operation."""
    repeated = (mask * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(payload), "big")


def frame(
    payload: bytes | str = b"",
    opcode: int = TEXT,
    *,
    fin: bool = True,
    reserved: int = 0,
    mask: bool = True,
    claims: int | None = None,
    width: int | None = None,
) -> bytes:
    """One frame; `claims` lies about the length, `width` (0, 2 or 8) writes it in more bytes than it needs."""
    data = payload.encode() if isinstance(payload, str) else payload
    length = len(data) if claims is None else claims
    if width is None:
        width = 0 if length < 126 else 2 if length < 65536 else 8
    head = bytes([(0x80 if fin else 0) | reserved << 4 | opcode])
    flag = 0x80 if mask else 0
    sized = {0: bytes([flag | length & 127]), 2: bytes([flag | 126]), 8: bytes([flag | 127])}[width]
    head += sized + (length.to_bytes(width, "big") if width else b"")
    return head + MASK + masked(data) if mask else head + data


def closing(code: int | None = 1000, reason: bytes = b"") -> bytes:
    return frame(b"" if code is None else code.to_bytes(2, "big") + reason, CLOSE)


def request(
    port: int,
    path: str = "/echo",
    *,
    method: str = "GET",
    version: str = "HTTP/1.1",
    without: Iterable[str] = (),
    headers: Iterable[tuple[str, str]] = (),
) -> bytes:
    """An upgrade request; a header given again replaces the default one, `without` leaves one out."""
    given = list(headers)
    named = {name.lower() for name, _ in given} | {name.lower() for name in without}
    defaults = [
        ("Host", f"127.0.0.1:{port}"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", KEY),
        ("Sec-WebSocket-Version", "13"),
    ]
    lines = [f"{method} {path} {version}"]
    lines += [f"{name}: {value}" for name, value in defaults if name.lower() not in named]
    lines += [f"{name}: {value}" for name, value in given]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def accept_value(key: str = KEY) -> str:
    digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
    return base64.b64encode(digest).decode()


@dataclass(frozen=True)
class Frame:
    fin: bool
    reserved: int
    opcode: int
    payload: bytes


@dataclass(frozen=True)
class Reply:
    """The head of an HTTP answer; header names in lower case. `status` 0: the peer closed without an answer."""

    status: int
    headers: dict[str, str]


class Ended(ConnectionError):
    """The server closed the TCP connection; `code` is that of its close frame, or `NO_CLOSE_FRAME`."""

    def __init__(self, code: int) -> None:
        super().__init__(f"connection ended with {code}")
        self.code = code


def take_frame(buffer: bytearray) -> Frame | None:
    """Remove one complete frame from the buffer; servers must not mask, which is asserted."""
    if len(buffer) < 2:
        return None
    first, second = buffer[0], buffer[1]
    assert not second & 0x80, "a server must not mask"
    length, at = second & 127, 2
    if length >= 126:
        width = 2 if length == 126 else 8
        if len(buffer) < at + width:
            return None
        length = int.from_bytes(buffer[at : at + width], "big")
        at += width
    if len(buffer) < at + length:
        return None
    payload = bytes(buffer[at : at + length])
    del buffer[: at + length]
    return Frame(bool(first & 0x80), first >> 4 & 7, first & 15, payload)


class Wire:
    """One TCP connection to the server, with an upgrade when asked for."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self.port = port
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(("127.0.0.1", port))
        self.buffer = bytearray()
        self.close_code: int | None = None
        self.asked = 0
        self.answers_pings = True
        self.answers_closes = True

    @classmethod
    def open(cls, port: int, path: str = "/echo", *, receive_buffer: int | None = None, **how: Any) -> Wire:
        """Connect and upgrade; anything but a correct 101 fails the test."""
        wire = cls(port, receive_buffer=receive_buffer)
        wire.send(request(port, path, **how))
        reply = wire.reply()
        assert reply.status == 101, f"upgrade of {path} refused: {reply}"
        assert reply.headers["sec-websocket-accept"] == accept_value()
        return wire

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.settimeout(PATIENCE_S)
        self.socket.sendall(data)

    def text(self, message: Any) -> None:
        self.send(frame(message if isinstance(message, str | bytes) else json.dumps(message)))

    def reset(self) -> None:
        """End with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def fill(self, deadline: float) -> bool:
        """Read once into the buffer; False at the end of the stream, whether by FIN or RST."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the server said nothing in time")
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionError:
            return False
        self.buffer += data
        return bool(data)

    def reply(self, patience: float = PATIENCE_S) -> Reply:
        """The head of the answer; bytes after it stay in the buffer."""
        deadline = time.monotonic() + patience
        while b"\r\n\r\n" not in self.buffer:
            if not self.fill(deadline):
                return Reply(0, {})
        head, _, rest = bytes(self.buffer).partition(b"\r\n\r\n")
        self.buffer[:] = rest
        status, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        return Reply(int(status.split()[1]), {name.strip().lower(): value.strip() for name, _, value in pairs})

    def next_frame(self, patience: float = PATIENCE_S) -> Frame:
        """The next frame of any kind; raises `Ended` at the end of the stream."""
        deadline = time.monotonic() + patience
        while (found := take_frame(self.buffer)) is None:
            if not self.fill(deadline):
                raise Ended(NO_CLOSE_FRAME if self.close_code is None else self.close_code)
        if found.opcode == CLOSE:
            self.close_code = int.from_bytes(found.payload[:2], "big") if found.payload else 1005
            if self.answers_closes:
                with contextlib.suppress(OSError):
                    self.send(frame(found.payload[:2], CLOSE))
        elif found.opcode == PING and self.answers_pings:
            with contextlib.suppress(OSError):
                self.send(frame(found.payload, PONG))
        return found

    def message(self, patience: float = PATIENCE_S) -> bytes:
        """The next whole data message; fragments are joined, pings are answered."""
        parts, deadline = [], time.monotonic() + patience
        while True:
            found = self.next_frame(deadline - time.monotonic())
            if found.opcode in (CONTINUATION, TEXT, BINARY):
                parts.append(found.payload)
                if found.fin:
                    return b"".join(parts)

    def json(self, patience: float = PATIENCE_S) -> Any:
        return json.loads(self.message(patience))

    def ending(self, patience: float = PATIENCE_S) -> int:
        """Read to the end of the stream: the close code."""
        deadline = time.monotonic() + patience
        while True:
            try:
                self.next_frame(deadline - time.monotonic())
            except Ended as ended:
                return ended.code


class Fleet:
    """Many open wires read in one loop; each data message goes to `on_message(index, payload)`.

    A wire that ends is taken out and its close code kept in `ended`. Wires in `deaf` are not read at all.
    """

    def __init__(self, wires: Sequence[Wire], on_message: Callable[[int, bytes], None]) -> None:
        self.wires = list(wires)
        self.on_message = on_message
        self.ended: dict[int, int] = {}
        self.selector = selectors.DefaultSelector()
        for index, wire in enumerate(self.wires):
            self.selector.register(wire.socket, selectors.EVENT_READ, index)
            self._deliver(index, wire)

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *_: object) -> None:
        self.selector.close()
        for wire in self.wires:
            wire.socket.close()

    def deaf(self, indices: Iterable[int]) -> None:
        """Stop reading these wires; they stay open."""
        for index in indices:
            self.selector.unregister(self.wires[index].socket)

    def hear(self, indices: Iterable[int]) -> None:
        """Read these wires again."""
        for index in indices:
            self.selector.register(self.wires[index].socket, selectors.EVENT_READ, index)

    def replace(self, index: int, wire: Wire) -> None:
        """A new connection in the place of one that ended or that the test reset."""
        with contextlib.suppress(KeyError, ValueError):
            self.selector.unregister(self.wires[index].socket)
        self.ended.pop(index, None)
        self.wires[index] = wire
        self.selector.register(wire.socket, selectors.EVENT_READ, index)
        self._deliver(index, wire)

    def leave(self, index: int) -> Wire:
        """Take a wire out of the loop; the caller closes it."""
        with contextlib.suppress(KeyError, ValueError):
            self.selector.unregister(self.wires[index].socket)
        return self.wires[index]

    def read(self, patience: float = 0.05) -> None:
        """One turn: whatever is readable now, or becomes so within `patience`."""
        for key, _ in self.selector.select(patience):
            index: int = key.data
            wire = self.wires[index]
            if not wire.fill(time.monotonic() + 1):
                self.selector.unregister(wire.socket)
                self._deliver(index, wire)
                self.ended[index] = NO_CLOSE_FRAME if wire.close_code is None else wire.close_code
            else:
                self._deliver(index, wire)

    def until(self, condition: Callable[[], bool], what: str, patience: float = PATIENCE_S) -> None:
        """Read until the condition holds; silence past the deadline fails with `what`."""
        deadline = time.monotonic() + patience
        while not condition():
            assert time.monotonic() < deadline, f"no {what} within {patience} s"
            self.read()

    def _deliver(self, index: int, wire: Wire) -> None:
        while (found := take_frame(wire.buffer)) is not None:
            if found.opcode in (TEXT, BINARY, CONTINUATION):
                assert found.fin, "the hub never fragments"
                self.on_message(index, found.payload)
            elif found.opcode == PING and wire.answers_pings:
                with contextlib.suppress(OSError):
                    wire.send(frame(found.payload, PONG))
            elif found.opcode == CLOSE:
                wire.close_code = int.from_bytes(found.payload[:2], "big") if found.payload else 1005
                if wire.answers_closes:
                    with contextlib.suppress(OSError):
                        wire.send(frame(found.payload[:2], CLOSE))


def ask(wire: Wire, patience: float = PATIENCE_S, **what: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Send a request of `deepalpha.v1`; its first answer, and the data messages that came before it.

    A request that names several topics can have several answers; what is left of an earlier one is passed over.
    """
    wire.asked += 1
    wire.text({"id": wire.asked, **what})
    before: list[dict[str, Any]] = []
    deadline = time.monotonic() + patience
    while True:
        message = wire.json(deadline - time.monotonic())
        if "op" not in message:
            before.append(message)
        elif message.get("id") in (None, wire.asked):
            return message, before


def member(port: int, **how: Any) -> Wire:
    """A connection that speaks `deepalpha.v1`."""
    headers = [("Sec-WebSocket-Protocol", PROTOCOL), *how.pop("headers", ())]
    return Wire.open(port, "/", headers=headers, **how)


def serves(server: Any) -> None:
    """A fresh client gets its echo: whatever another one did stayed with that one."""
    with Wire.open(server.port) as wire:
        wire.text("still here")
        assert wire.message() == b"still here"
