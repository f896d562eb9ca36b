"""Peer of the hub's benchmark: `websockets` on uvloop. `python websockets_server.py PORT`.

Text sent on `/pub` reaches every socket of `/sub`, or of `/sub?topic=NAME` when the text begins with `{"topic":"NAME"`,
by the library's own `broadcast()`. Compression is off, as in the other servers; heartbeats are the library's defaults.
"""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from urllib.parse import parse_qs, urlsplit

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

PREFIX = '{"topic":"'
topics: dict[str, set[ServerConnection]] = defaultdict(set)


def topic_of(text: str) -> str:
    """The topic a published text names; `t0` is where single-topic subscribers are."""
    return text[len(PREFIX) : text.index('"', len(PREFIX))] if text.startswith(PREFIX) else "t0"


async def handle(socket: ServerConnection) -> None:
    assert socket.request is not None
    url = urlsplit(socket.request.path)
    if url.path == "/pub":
        async for message in socket:
            assert isinstance(message, str)
            broadcast(topics[topic_of(message)], message)
    elif url.path == "/echo":
        async for message in socket:
            await socket.send(message)
    else:
        topic = topics[parse_qs(url.query).get("topic", ["t0"])[0]]
        topic.add(socket)
        try:
            await socket.wait_closed()
        finally:
            topic.discard(socket)


async def main() -> None:
    port = int(sys.argv[1])
    async with serve(handle, "127.0.0.1", port, compression=None, max_size=16 * 1024 * 1024, backlog=4096):
        print(f"listening {port}", flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    uvloop.run(main())
