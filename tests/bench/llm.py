"""Figures of the LLM layer: `python tests/bench/llm.py [--json] [--calls 300]`.

Load: one process, one call at a time, the scripted provider of the tests on loopback in the same process (it answers at
once, so what is measured is our own cost), rows written to a real `ops.sqlite` at level `journalled`. The peer is the
openai SDK alone with the same request, in the same run, alternating with ours. Medians of whole awaits.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from deepalpha.llm import Recorded
from deepalpha.store import LLMCallLog, Ops

sys.path.insert(0, str(Path(__file__).parents[1] / "fixtures"))
import llm_kit as kit


async def timed(action: Callable[[], Awaitable[Any]]) -> float:
    """Microseconds of one await."""
    begun = time.perf_counter_ns()
    await action()
    return (time.perf_counter_ns() - begun) / 1000


async def measure(calls: int, folder: Path) -> list[dict[str, Any]]:
    """All figures."""
    import openai

    async with kit.served() as (provider,):
        log = LLMCallLog(Ops(folder / "ops.sqlite"), run_id="bench", account_id="bench")
        member = kit.member(provider.url)
        router = kit.router([member], log=log, world=kit.World())
        alone = openai.AsyncOpenAI(api_key=kit.KEY, base_url=provider.url, max_retries=0)
        ours, theirs, replays = [], [], []
        for number in range(calls):
            asked = kit.request(user=f'{{"n": {number}}}')
            ours.append(await timed(lambda asked=asked: router.complete(asked)))
            wire = provider.seen[-1].body
            theirs.append(await timed(lambda wire=wire: alone.chat.completions.create(**wire)))
        replay = Recorded(log, router.names)
        for number in range(calls):
            asked = kit.request(user=f'{{"n": {number}}}')
            replays.append(await timed(lambda asked=asked: replay.complete(asked)))
        await alone.close()
    call, sdk, again = (statistics.median(values) for values in (ours, theirs, replays))

    def row(name: str, value: float, unit: str, peer: str = "", peer_value: float | None = None) -> dict[str, Any]:
        shown = None if peer_value is None else round(peer_value, 2)
        keys = {"name": name, "value": round(value, 2), "unit": unit, "goal": "stated", "holds": None}
        return {**keys, "peer": peer, "peer_value": shown}

    return [
        row("one call: budget, two rows, schema, loopback", call, "us", "openai SDK alone", sdk),
        row("the same as a ratio", call / sdk, "ratio", "openai SDK alone", 1.0),
        row("a replayed call, from ops.sqlite", again, "us", "a call on loopback", call),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--calls", type=int, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = asyncio.run(measure(options.calls, Path(folder)))
    if options.json:
        print(json.dumps(rows))
        return
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {options.calls} calls a figure")
    for line in rows:
        peer = f"{line['peer']}: {line['peer_value']}" if line["peer"] else ""
        print(f"{line['name']:<50} {line['value']:>12,.2f} {line['unit']:<6} {peer}")


if __name__ == "__main__":
    main()
