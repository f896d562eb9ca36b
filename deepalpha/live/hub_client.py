"""The reading side of the hub for Python: `Subscription` keeps a connection to a hub and yields batches of messages.

    async for batch in da.WebSocketManager.shared().subscribe("fills.*", "bars.>"):
        for item in batch:                # Message(topic, offset, data) or Gap(topic, first, last)
            ...

    with Subscription("ws://127.0.0.1:8765/", ["bars.1m.BTCUSDT"]) as bars:      # another process, a notebook
        batch = bars.poll(timeout=5.0)

The connection lives on a thread of the core and is kept up: after a break, a rotation or a close for slowness (4008) it
connects again and goes on after the last offset of each topic, wildcards included, so that nothing is lost or doubled
while the hub still holds it. What it holds no more is a `Gap`; so is what this side had no room for. A hub that drains
says when to come back, and the connection waits that long.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Self

import msgspec

from deepalpha import _core
from deepalpha.errors import HubError
from deepalpha.market.feed import Closing, FeedEvent, readable
from deepalpha.types import Fact

PROTOCOL = "deepalpha.v1"
MOST = 4_096


class Message(Fact, frozen=True):
    """One message of a topic.

    Attributes:
        topic: its name.
        offset: its number in the topic, rising by one.
        data: what was broadcast, decoded.
        snapshot: whether it is the last value that was there at the time of subscribing.
        skipped: of a last-value topic, how many older values were left out before this one.
    """

    topic: str
    offset: int
    data: Any
    snapshot: bool = False
    skipped: int = 0


class Gap(Fact, frozen=True):
    """Messages of a topic that did not reach this reader.

    Attributes:
        topic: its name.
        first: offset of the first one.
        last: offset of the last one; ``first - 1`` in a gap without messages.
        policy: why: ``conflated`` (this reader was slow), ``missed`` (it was not connected until the hub held them no
            more, or had no room) or ``restarted`` (the hub was started anew, and offsets begin at 0 again: the messages
            are those of the new run, and what the old run said at its end is not known).
    """

    topic: str
    first: int
    last: int
    policy: str


class _Record(msgspec.Struct):
    """Anything the core passes on: a message, a gap, or a refusal."""

    topic: str = ""
    offset: int = 0
    data: Any = None
    snapshot: bool = False
    skipped: int = 0
    gap: tuple[int, int] | None = None
    policy: str = ""
    op: str = ""
    code: str = ""
    message: str = ""


_decode = msgspec.json.Decoder(_Record).decode


def _item(record: _Record) -> Message | Gap:
    if record.gap is not None:
        return Gap(topic=record.topic, first=record.gap[0], last=record.gap[1], policy=record.policy)
    return Message(
        topic=record.topic,
        offset=record.offset,
        data=record.data,
        snapshot=record.snapshot,
        skipped=record.skipped,
    )


class Subscription(Closing):
    """Messages of a hub's topics, in batches; iterate over it with `async for` or call `poll`.

    Args:
        url: of the hub, for example ``ws://127.0.0.1:8765/``.
        patterns: topics; ``*`` stands for one segment, a last ``>`` for one or more.
        token: for a hub with access rules.
        symbols: only topics whose last segment is one of these.
        min_interval_ms: at most one message of a topic in so many milliseconds.
        max_messages: messages kept for Python; what is beyond goes, oldest first, and becomes a `Gap`.
        max_topics: topics followed; one more is a `HubError` of `poll`.
        connection: ``idle_timeout_ms``, ``backoff_base_ms``, ``ca_file``, ... of the connection.

    Raises:
        HubError: no pattern, or a URL that is none.
    """

    def __init__(
        self,
        url: str,
        patterns: Sequence[str],
        *,
        token: str | None = None,
        symbols: Sequence[str] | None = None,
        min_interval_ms: int | None = None,
        max_messages: int = 65_536,
        max_topics: int = 16_384,
        connection: dict[str, Any] | None = None,
    ) -> None:
        if not patterns:
            raise HubError("no topic to subscribe; name one or more, for example subscribe('bars.>')")
        request: dict[str, Any] = {"op": "subscribe", "id": 1, "topics": list(patterns)}
        chosen = {"symbols": symbols and list(symbols), "min_interval_ms": min_interval_ms}
        if any(value is not None for value in chosen.values()):
            request["filter"] = {name: value for name, value in chosen.items() if value is not None}
        protocols = [PROTOCOL, *([f"bearer.{token}"] if token else [])]
        self._feed = _core.MessageFeed(
            {
                "url": url,
                "protocols": protocols,
                "subscribe": [msgspec.json.encode(request).decode()],
                "await_acknowledgements": True,
                "subscription_burst": 512,  # offsets of many topics come in parts, which need not wait
                **(connection or {}),
            },
            max_messages=max_messages,
            max_topics=max_topics,
        )
        self._refused: list[str] = []
        self._kept: list[FeedEvent] = []
        self._closed = False

    def poll(self, timeout: float | None = 0.0, most: int = MOST) -> list[Message | Gap]:
        """What has come, in order; waits `timeout` seconds at most (None: without end) when nothing is there yet.

        Raises:
            HubError: the hub refused the subscription, or there are more topics than `max_topics`; the message says
                why. What came before it was returned by the call before.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while not (batch := self._take(most)) and not self._closed and timeout != 0.0:
            # A wake-up may be for an event of the connection only: then go on with what is left of the time.
            self._keep()
            if not self._feed.wait(None if deadline is None else max(0.0, deadline - time.monotonic())):
                break
        return batch

    def _take(self, most: int) -> list[Message | Gap]:
        if self._refused:
            raise HubError(self._refused.pop(0))
        batch: list[Message | Gap] = []
        for _, _, payload in self._feed.take(most):
            record = _decode(payload)
            if record.op == "error":
                self._refused.append(f"the hub refused: {record.message} ({record.code})")
            elif record.topic and not record.op:
                batch.append(_item(record))
        # What came together with a refusal is not lost by it.
        if self._refused and not batch:
            raise HubError(self._refused.pop(0))
        return batch

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[Message | Gap]:
        while not self._closed:
            batch = self.poll()
            if batch:
                return batch
            self._keep()
            await readable(self._feed.fileno())
        raise StopAsyncIteration

    def events(self) -> list[FeedEvent]:
        """What happened to the connection since the last time: connected, subscribed, disconnected."""
        self._keep()
        taken, self._kept = self._kept, []
        return taken

    def _keep(self) -> None:
        for item in self._feed.connection_events():
            details = {name: item[name] for name in ("connection", "to", "retry_in_s")}
            self._kept.append(
                FeedEvent(
                    event=item["event"],
                    symbol="",
                    reason=item["why"] or "",
                    bars="",
                    ts_event=0,
                    ts_init=item["ts_init"],
                    details=details,
                )
            )
        del self._kept[:-MOST]

    def counters(self) -> dict[str, Any]:
        """Of the connection: attempts, messages, bytes ...; of the topics followed: ``topics``, ``duplicates`` (left
        out), ``missed`` (held by the hub no more), ``restarts`` of the hub; ``dropped``: records nobody fetched in
        time."""
        return self._feed.counters()

    def close(self) -> None:
        """Close the connection and wait for its thread. Idempotent."""
        self._closed = True
        self._feed.stop()
