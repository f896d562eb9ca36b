"""The WebSocket hub: `WebSocketManager` starts one in this process and sends to its subscribers.

    hub = da.WebSocketManager()
    port = hub.start()                                     # a free port of 127.0.0.1; calling it again does nothing
    hub.topic("fills.>", "reliable")                       # reliable | buffered (default) | last_value
    hub.broadcast("fills.BTCUSDT", {"price": "64000.5"})   # to every subscriber of the topic or of a pattern
    hub.add_connection("binance", "wss://...", subscribe=[...])   # its messages are sent on under feed.binance
    hub.stop()

The server is the core's (`core/io/src/hub`): its threads never touch Python, so a busy notebook does not delay anyone.
Browsers, notebooks and other processes read it by WebSocket; `subscribe` does so from Python.

# What a message is
`bytes` are one JSON value and sent as they are; everything else is encoded: a `str` as a JSON string, mappings, lists,
numbers, `msgspec.Struct`s as msgspec does. Subscribers get `{"topic": ..., "offset": n, "data": <message>}`.
"""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import msgspec

from deepalpha import _core
from deepalpha.errors import HubError
from deepalpha.live.hub_client import Subscription

DRAIN_S = 5.0
_LIVE: weakref.WeakSet[WebSocketManager] = weakref.WeakSet()
_encode = msgspec.json.Encoder(decimal_format="string").encode


class WebSocketManager:
    """One hub of this process. Safe to use from any thread; several managers are several hubs.

    Args:
        options: settings of the core's hub, for example ``shards=2``, ``max_connections=20_000``,
            ``ping_interval_ms=15_000``, ``bench=True``, ``tls=("cert.pem", "key.pem")``, ``auth={...}``. An unknown one
            raises when the hub starts, and the message lists those there are.

    Example:
        >>> with WebSocketManager() as hub:
        ...     hub.broadcast("quotes.BTCUSDT", {"bid": "64000.5", "ask": "64000.6"})
        0
    """

    _shared: ClassVar[dict[str, WebSocketManager]] = {}
    _shared_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._hub: _core.Hub | None = None
        self._process = os.getpid()
        self._rules: dict[str, tuple[str, int | None]] = {}
        _LIVE.add(self)

    @classmethod
    def shared(cls, name: str = "default", **options: Any) -> WebSocketManager:
        """The manager of this name, the same object in the whole process, and running.

        For Streamlit, whose script runs anew at every click: ask for the hub here instead of making one. `options`
        count for the first call.
        """
        with cls._shared_lock:
            manager = cls._shared.get(name)
            if manager is None:
                manager = cls._shared[name] = cls(**options)
        manager.start()
        return manager

    def start(self, port: int | None = None, host: str | None = None, **options: Any) -> int:
        """Listen, and return the port.

        Calling it again returns the port of the hub that runs.

        Args:
            port: 0 takes a free one; None: what the class was made with, else a free one.
            host: an address of this machine; None: what the class was made with, else 127.0.0.1. One that others can
                reach needs ``auth``.
            options: as for the class.

        Raises:
            HubError: the port is taken (the message names it), an option is unknown or out of bounds, or the hub runs
                already on another port.
        """
        with self._lock:
            if self._hub is not None:
                running = self._hub.address[1]
                if port not in (None, 0, running):
                    raise HubError(
                        f"this hub runs on port {running}, not {port}; stop it first or make another manager"
                    )
                return running
            given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
            hub = _core.Hub({"host": "127.0.0.1", "port": 0, **self._options, **options, **given})
            for pattern, (delivery, capacity) in self._rules.items():
                hub.topic(pattern, delivery, capacity)
            self._hub = hub
            return hub.address[1]

    def stop(self, timeout: float = DRAIN_S) -> None:
        """Deliver what is on its way, close every connection (1001) and end within `timeout` seconds. Idempotent."""
        with self._lock:
            hub, self._hub = self._hub, None
        if hub is not None:
            hub.shutdown(timeout)

    @property
    def running(self) -> bool:
        """Whether it listens."""
        return self._hub is not None

    @property
    def url(self) -> str:
        """Where to connect to, for example ``ws://127.0.0.1:43125/``. HubError when it does not run."""
        host, port = self._running().address
        scheme = "wss" if self._running().secure else "ws"
        return f"{scheme}://[{host}]:{port}/" if ":" in host else f"{scheme}://{host}:{port}/"

    def topic(self, name: str, delivery: str = "buffered", capacity: int | None = None) -> None:
        """Say how a topic, or every topic of a pattern (``fills.*``, ``bars.>``), is delivered; before it is used.

        Args:
            name: dots separate segments; ``*`` stands for one, a last ``>`` for one or more.
            delivery: ``reliable``: every message in order, a reader that falls behind is closed (4008) and resumes;
                ``buffered``: every message while the reader keeps up, then a jump that it is told; ``last_value``: the
                newest, with the number of those left out.
            capacity: messages kept for resuming and slow readers; None for the hub's default.

        Raises:
            HubError: not a name, not a delivery, or the topic is in use with another delivery.
        """
        with self._lock:
            if self._hub is not None:
                self._hub.topic(name, delivery, capacity)
            self._rules[name] = (delivery, capacity)

    def broadcast(self, topic: str, message: Any) -> int:
        """Send a message to all subscribers of a topic; its offset. About 2 us, and it never waits for a socket.

        Raises:
            HubError: the hub does not run; the message is not JSON or too large; the topic is no name.
            HubBusyError: a reliable topic is full; nothing was sent.
        """
        return self._running().publish(topic, message if type(message) is bytes else _bytes(message))

    def publish_many(self, messages: Sequence[tuple[str, Any]]) -> int:
        """Send messages in order; how many. Below 1 us a message when they are bytes.

        Raises:
            HubError: as `broadcast`, for the first message that is refused; those before it are sent.
        """
        return self._running().publish_many(
            [(topic, body if type(body) is bytes else _bytes(body)) for topic, body in messages]
        )

    def add_connection(
        self,
        connection_id: str,
        url: str,
        topics: str | Mapping[str, str] | None = None,
        *,
        subscribe: Iterable[str] = (),
        **options: Any,
    ) -> None:
        """Connect to another WebSocket server and send its messages on, without Python in between.

        The connection is kept up: reconnects with growing, random pauses, sends `subscribe` again, answers pings.

        Args:
            connection_id: a name of your own.
            url: ``ws://`` or ``wss://``.
            topics: the topic to send under (default ``feed.<id>``), or a mapping from the value of a message's
                ``stream`` (Binance's combined streams) to its topic; messages with none of these values go under
                ``feed.<id>``.
            subscribe: text messages to send after each connect.
            options: ``idle_timeout_ms``, ``ping_interval_ms``, ``backoff_base_ms``, ``max_age_ms``, ``headers``, ...

        Raises:
            HubError: the id is in use, the URL or a topic is none.
        """
        default = topics if isinstance(topics, str) else f"feed.{connection_id}"
        routes = dict(topics) if isinstance(topics, Mapping) else {}
        connection = {**options, "url": url, "subscribe": list(subscribe)}
        self._running().add_connection(connection_id, connection, default, routes)

    def remove_connection(self, connection_id: str) -> bool:
        """Close an outgoing connection; whether there was one."""
        return self._running().remove_connection(connection_id)

    def connections(self) -> dict[str, dict[str, Any]]:
        """Counters of each outgoing connection, by id."""
        return self._running().connections()

    def subscribe(self, *patterns: str, **options: Any) -> Subscription:
        """Read topics of this hub as a client: ``async for batch in hub.subscribe("fills.*")``; see `Subscription`."""
        return Subscription(self.url, patterns, **options)

    def stats(self) -> dict[str, Any]:
        """Counters: of connections, of messages (``sent == delivered + conflated + dropped`` at rest), by topic.

        ``closes`` counts the connections that ended by the code of their first close frame, whoever sent it:
        ``"1000"``, ``"1001"`` (the hub stopped), ``"1005"`` (a frame without a code), ``"1006"`` (no frame: a reset, or
        nobody answered pings), ``"1008"``, ``"1009"``, ``"4008"`` (too slow for a reliable topic), ``"4401"`` ... and
        ``"other"``.
        """
        return self._running().stats()

    def metrics(self) -> str:
        """The same as Prometheus text, as ``GET /metrics`` of the hub's port answers."""
        return self._running().metrics()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"WebSocketManager({self.url})" if self._hub is not None else "WebSocketManager(stopped)"

    def _running(self) -> _core.Hub:
        hub = self._hub
        if hub is None:
            raise HubError("the hub does not run; call start() first")
        return hub


def _bytes(message: Any) -> bytes:
    try:
        return _encode(message)
    except (TypeError, msgspec.MsgspecError, UnicodeEncodeError) as error:
        raise HubError(f"a {type(message).__name__} cannot be sent as JSON: {error}") from None


def sign_token(
    key_file: str | Path, *, roles: Sequence[str], expires_at_s: int, subject: str = "", key_id: str = ""
) -> str:
    """A token for a hub whose ``auth`` has this HS256 key.

    Args:
        key_file: 32 random bytes or more.
        roles: names of the hub's role table; ``reader``, ``publisher`` and ``metrics`` are always there.
        expires_at_s: UTC seconds; open connections end then, too.
        subject: who it is for.
        key_id: the key's ``kid`` in the hub's settings.

    Raises:
        HubError: the file cannot be read or is too short.
    """
    return _core.hub_token(
        Path(key_file), roles=list(roles), expires_at_s=expires_at_s, subject=subject or None, key_id=key_id or None
    )


@atexit.register
def _stop_all() -> None:
    """Ends every hub while Python is still whole; waiting costs at most a second for each."""
    for manager in list(_LIVE):
        if manager.running and manager._process == os.getpid():
            manager.stop(1.0)
