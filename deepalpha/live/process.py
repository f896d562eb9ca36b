"""The engine process: `python -m deepalpha.live.process`, started in the background by `deepalpha live start`."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from deepalpha.config import Settings, Workspace
from deepalpha.errors import DeepAlphaError
from deepalpha.live.broadcast import Broadcast
from deepalpha.live.hub import WebSocketManager
from deepalpha.live.lock import engine_lock, is_ours
from deepalpha.live.loop import Loop
from deepalpha.types import Approval

WATCH_S = 1.0


async def serve(workspace: Workspace, settings: Settings, *, new_session: bool = False) -> None:
    """Run the loop until it is told to stop; a new session begins the next account."""
    loop = Loop(workspace, settings)
    if new_session:
        loop.begin(next_account(loop.account_id))
    running = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        running.add_signal_handler(number, lambda: loop.stop())
    watcher = asyncio.create_task(_watch(workspace, loop))
    hub = start_hub(loop)
    try:
        while True:
            await loop.run()
            if loop.stopping:
                return
            loop.wants_new_session = False
            loop.begin(next_account(loop.account_id))
    finally:
        watcher.cancel()
        if hub is not None:
            await asyncio.to_thread(hub.stop)


def start_hub(loop: Loop) -> WebSocketManager | None:
    """The hub that screens and notebooks read; None when the settings switch it off. HubError when it cannot listen."""
    wanted = loop.settings.hub
    if not wanted.enabled:
        return None
    hub = WebSocketManager()
    hub.start(port=wanted.port, host=wanted.host)
    loop.broadcast = Broadcast(hub)
    loop.hub = hub.url
    return hub


async def _watch(workspace: Workspace, loop: Loop) -> None:
    while is_ours(workspace.lock):
        await asyncio.sleep(WATCH_S)
    loop.stop()


def next_account(account_id: str) -> str:
    """`practice-1` -> `practice-2`."""
    name, _, number = account_id.rpartition("-")
    return f"{name}-{int(number) + 1}"


def main(arguments: list[str] | None = None) -> int:
    """Entry point of the process; errors are one line on stderr, which goes to engine.log."""
    parser = argparse.ArgumentParser(prog="deepalpha.live.process")
    parser.add_argument("--workspace", required=True, type=Path)
    parser.add_argument("--settings", type=Path)
    parser.add_argument("--approval", choices=[value.value for value in Approval])
    parser.add_argument("--bars-per-second", type=float)
    parser.add_argument("--new-session", action="store_true")
    options = parser.parse_args(arguments)
    try:
        workspace = Workspace(options.workspace)
        settings = with_overrides(
            load_settings(workspace, options.settings), approval=options.approval, speed=options.bars_per_second
        )
        with engine_lock(workspace.lock):
            asyncio.run(serve(workspace, settings, new_session=options.new_session))
    except DeepAlphaError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - this is the process's one way to say why it ended
        return 1
    return 0


def load_settings(workspace: Workspace, path: Path | None = None) -> Settings:
    """Settings from `path`, else from the workspace's settings.yaml, else the defaults."""
    if path is not None:
        return Settings.from_file(path)
    return Settings.from_file(workspace.settings) if workspace.settings.exists() else Settings.default()


def with_overrides(settings: Settings, *, approval: str | None = None, speed: float | None = None) -> Settings:
    """Settings with what was given on the command line, validated again."""
    values = settings.model_dump()
    if approval is not None:
        values["approval"] = approval
    if speed is not None:
        values["replay"]["bars_per_second"] = speed
    return Settings.from_mapping(values, source="command line")


if __name__ == "__main__":
    sys.exit(main())
