"""Clients that others wrote talk to the hub: `websockets`, with and without compression."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import hub_server as process
import pytest
from websockets.asyncio.client import connect

PATIENCE_S = 30


@pytest.fixture(scope="module")
def hub() -> Iterator[Any]:
    with process.Server(topics={"fills.>": "reliable"}) as server:
        yield server


async def ask(socket: Any, **what: Any) -> dict[str, Any]:
    await socket.send(json.dumps({"id": 1, **what}))
    return dict(json.loads(await socket.recv()))


@pytest.mark.parametrize("compression", ["deflate", None])
def test_websockets_subscribes_publishes_and_resumes(hub: Any, compression: str | None) -> None:
    url, topic = f"ws://127.0.0.1:{hub.port}/", f"fills.{compression}"

    async def talk() -> None:
        how: Any = {"compression": compression, "subprotocols": ["deepalpha.v1"]}
        async with asyncio.timeout(PATIENCE_S), connect(url, **how) as desk, connect(url, **how) as reader:
            assert reader.subprotocol == "deepalpha.v1"
            assert bool(reader.protocol.extensions) == (compression == "deflate")
            assert (await ask(desk, op="publish", topic=topic, data="first"))["offset"] == 0
            (told,) = (await ask(reader, op="subscribe", topics=[topic]))["topics"]
            assert json.loads(await reader.recv())["data"] == "first"
            for number in range(1, 40):
                await ask(desk, op="publish", topic=topic, data={"n": number, "pad": "abc" * 200})
            seen = [json.loads(await reader.recv()) for _ in range(10)]
            assert [message["offset"] for message in seen] == list(range(1, 11))
            await reader.close()
            resume = {topic: {"epoch": told["epoch"], "offset": 10}}
            async with connect(url, **how) as again:
                answer = await ask(again, op="subscribe", topics=[topic], resume=resume)
                assert answer["topics"][0]["from"] == "resumed"
                offsets = [json.loads(await again.recv())["offset"] for _ in range(29)]
                assert offsets == list(range(11, 40))

    asyncio.run(talk())


@pytest.mark.parametrize("compression", ["deflate", None])
@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 1_000_000])
def test_websockets_gets_its_echo(hub: Any, compression: str | None, size: int) -> None:
    async def talk() -> None:
        url = f"ws://127.0.0.1:{hub.port}/echo"
        async with asyncio.timeout(PATIENCE_S), connect(url, compression=compression, max_size=None) as socket:
            for message in ("é" * (size // 2), bytes(size)):
                await socket.send(message)
                assert await socket.recv() == message
            await (await socket.ping(b"x"))

    asyncio.run(talk())
