"""Start, stop and ask the engine process of a workspace. Everything but start and stop is a row in the log."""

from __future__ import annotations

import getpass
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import msgspec

from deepalpha.config import Workspace
from deepalpha.errors import EngineError
from deepalpha.live.lock import holder
from deepalpha.store import Ops, rows
from deepalpha.types import Fact

START_PATIENCE_S = 30.0
STOP_PATIENCE_S = 15.0
POLL_S = 0.05

_children: list[subprocess.Popen[bytes]] = []
"""Engines started from this process: kept so that an ended one is reaped and leaves no zombie."""


class EngineStatus(Fact, frozen=True):
    """What the engine of a workspace does. `state` is "stopped" when none runs."""

    workspace: str
    state: str
    pid: int | None = None
    account_id: str = ""
    mode: str = ""
    approval: str = ""
    ts_event: int = 0
    ts_init: int = 0
    pending: int = 0
    killed: str | None = None
    bars_per_second: float = 0.0
    steps_left: int = 0
    hub: str | None = None
    """Address of the WebSocket hub, for example ``ws://127.0.0.1:43125/``; None when none runs."""
    models: str = "off"
    """``llm`` while language models can be asked, ``off``, or why the system is rule-only."""
    contaminated: tuple[str, ...] = ()
    """Models asked in a replay of days that their training may have read."""
    agents: dict[str, str] = msgspec.field(default_factory=dict)
    """What an agent says about itself, such as which news classifier it uses."""


def status(workspace: Workspace, ops: Ops | None = None) -> EngineStatus:
    """The engine's state from its lock and its last heartbeat; the kill switch from the log."""
    pid = holder(workspace.lock)
    log = ops or Ops(workspace.ops)
    found = log.rows("SELECT * FROM heartbeat ORDER BY id DESC LIMIT 1")
    last = log.rows("SELECT status, body FROM audit WHERE kind = 'kill_switch' ORDER BY id DESC LIMIT 1")
    killed = json.loads(str(last[0]["body"]))["reason"] if last and last[0]["status"] == "killed" else None
    if not found:
        state = "starting" if pid else "stopped"
        return EngineStatus(workspace=str(workspace.root), state=state, pid=pid, killed=killed)
    beat: dict[str, Any] = dict(found[0])
    body = json.loads(beat["body"])
    fresh = pid is not None and beat["pid"] == pid
    state = beat["state"] if fresh else ("starting" if pid else "stopped")
    return EngineStatus(
        workspace=str(workspace.root),
        state=state,
        pid=pid,
        account_id=beat["account_id"],
        mode=body["mode"],
        approval=body["approval"],
        ts_event=beat["ts_event"],
        ts_init=beat["ts_init"],
        pending=body["pending"] if fresh else 0,
        killed=killed,
        bars_per_second=body["bars_per_second"],
        steps_left=body["steps_left"],
        hub=body.get("hub") if fresh else None,
        models=str(body.get("models", "off")),
        contaminated=tuple(body.get("contaminated", ())),
        agents=dict(body.get("agents", {})) if fresh else {},
    )


def launch(
    workspace: Workspace,
    *,
    settings: Path | None = None,
    approval: str | None = None,
    speed: float | None = None,
    new_session: bool = False,
) -> subprocess.Popen[bytes]:
    """Start the process and return at once; it lives on when the caller ends."""
    command = [sys.executable, "-m", "deepalpha.live.process", "--workspace", str(workspace.root)]
    for flag, value in (("--settings", settings), ("--approval", approval), ("--bars-per-second", speed)):
        if value is not None:
            command += [flag, str(value)]
    if new_session:
        command.append("--new-session")
    if workspace.engine_log.exists():
        workspace.engine_log.replace(workspace.engine_log.with_suffix(".log.old"))
    with workspace.engine_log.open("wb") as log:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    _reap()
    _children.append(child)
    return child


def _reap() -> None:
    _children[:] = [child for child in _children if child.poll() is None]


def start(workspace: Workspace, **options: Any) -> EngineStatus:
    """Start an engine and wait until it answers.

    Raises:
        EngineError: one runs already (the message says which), or it ended at once (the message says why).
    """
    pid = holder(workspace.lock)
    if pid is not None:
        raise EngineError(
            f"an engine runs for {workspace.root} already (process {pid}); use it, or end it with `deepalpha live stop`"
        )
    process = launch(workspace, **options)
    ops = Ops(workspace.ops)
    deadline = time.monotonic() + START_PATIENCE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise EngineError(f"the engine ended at once: {last_words(workspace)}")
        found = status(workspace, ops)
        if found.pid == process.pid and found.state not in ("starting", "stopped"):
            return found
        time.sleep(POLL_S)
    raise EngineError(f"the engine (process {process.pid}) gives no sign of life; see {workspace.engine_log}")


def last_words(workspace: Workspace) -> str:
    """Last line of engine.log."""
    try:
        lines = workspace.engine_log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return lines[-1].removeprefix("error: ") if lines else f"no reason given; see {workspace.engine_log}"


def problem(workspace: Workspace) -> str | None:
    """Why the last engine of a workspace ended by itself; None while one runs or after a clean stop."""
    if holder(workspace.lock) is not None or not workspace.engine_log.exists():
        return None
    lines = workspace.engine_log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return last_words(workspace) if lines else None


def ensure_started(workspace: Workspace) -> bool:
    """Start an engine in the background unless one runs; whether one was started. Does not wait."""
    if holder(workspace.lock) is not None:
        return False
    launch(workspace)
    return True


def stop(workspace: Workspace) -> bool:
    """Ask the engine to finish its step and end; False when none runs.

    Raises:
        EngineError: it did not end within fifteen seconds.
    """
    pid = holder(workspace.lock)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_PATIENCE_S
    while holder(workspace.lock) is not None:
        if time.monotonic() > deadline:
            raise EngineError(f"process {pid} did not end within {STOP_PATIENCE_S:g} s; end it with `kill -9 {pid}`")
        time.sleep(POLL_S)
    _reap()
    return True


def send(
    ops: Ops,
    kind: str,
    target: str,
    *,
    decision_id: str | None = None,
    body: dict[str, object] | None = None,
    by: str | None = None,
) -> bool:
    """Insert a command; False when the same one was given before. The engine acts on it and answers with an event."""
    row = rows.command(
        kind=kind, target=target, by=by or getpass.getuser(), at=time.time_ns(), decision_id=decision_id, body=body
    )
    return ops.append_once(row, durable=True)


def kill(ops: Ops, *, by: str | None = None) -> bool:
    """Halt trading. Latched: an engine that starts later begins halted. Works while no engine runs."""
    return send(ops, "kill", _once(), by=by)


def rearm(ops: Ops, *, by: str | None = None) -> bool:
    """Allow trading again after a halt."""
    return send(ops, "rearm", _once(), by=by)


def _once() -> str:
    return uuid.uuid4().hex


def answer(ops: Ops, command_id: str) -> tuple[str, str] | None:
    """The engine's answer to a command as (status, message); None while it has not answered."""
    found = ops.rows(
        "SELECT status, body FROM audit WHERE kind = 'command' AND ref = ? ORDER BY id LIMIT 1", [command_id]
    )
    if not found:
        return None
    return str(found[0]["status"]), str(json.loads(str(found[0]["body"]))["message"])
