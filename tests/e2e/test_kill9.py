"""`kill -9` of the real engine process at random moments: nothing acknowledged is lost, nothing is doubled."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from deepalpha.config import Workspace
from deepalpha.live import control
from deepalpha.store import Ops, check

KILLS = 20
SETTINGS = """
approval: auto
symbols: [AAPL, MSFT]
replay: {start: 2011-06-01, bars_per_second: 0}
"""
FACTS = {
    "decision": "SELECT decision_id, action, p_up FROM decision ORDER BY id",
    "outcome": "SELECT decision_id, ts_event, body FROM outcome ORDER BY id",
    "fuser_update": "SELECT decision_id, number, live, body FROM fuser_update ORDER BY id",
    "order_intent": "SELECT client_order_id, side, quantity FROM order_intent ORDER BY id",
    "order_event": "SELECT client_order_id, seq, state FROM order_event ORDER BY id",
    "fill": "SELECT fill_id, quantity, price, fee, realised_pnl, ts_event FROM fill ORDER BY id",
    "equity": "SELECT ts_event, cash, equity, positions FROM equity ORDER BY id",
}
PATIENCE_S = 120


def facts(ops: Ops) -> dict[str, list[dict[str, Any]]]:
    return {name: ops.rows(sql) for name, sql in FACTS.items()}


def engine(workspace: Workspace, settings: Path) -> subprocess.Popen[bytes]:
    return control.launch(workspace, settings=settings)


def wait(condition: Any, process: subprocess.Popen[bytes], what: str) -> None:
    """Poll without a fixed delay; a process that ends early or a silence of two minutes fails the test."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert process.poll() is None, f"the engine ended while waiting for {what}"
        assert time.monotonic() < deadline, f"no {what} within {PATIENCE_S} s"
        os.sched_yield()


def finished(ops: Ops, process: subprocess.Popen[bytes]) -> bool:
    state = ops.rows("SELECT pid, state FROM heartbeat ORDER BY id DESC LIMIT 1")
    return bool(state) and state[0] == {"pid": process.pid, "state": "finished"}


@pytest.mark.timeout(600)
def test_twenty_kills_end_where_an_undisturbed_run_ends(tmp_path: Path) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text(SETTINGS)
    calm, torn = Workspace(tmp_path / "calm"), Workspace(tmp_path / "torn")
    process = engine(calm, settings)
    calm_ops = Ops(calm.ops)
    wait(lambda: finished(calm_ops, process), process, "end of the undisturbed replay")
    control.stop(calm)
    process.wait()

    seed = int(os.environ.get("DEEPALPHA_SEED") or random.randrange(2**32))
    print(f"seed {seed}")
    chance = random.Random(seed)
    ops = Ops(torn.ops)
    killed_midway = 0
    for _ in range(KILLS):
        process = engine(torn, settings)
        before = int(ops.scalar("SELECT coalesce(max(id), 0) FROM equity") or 0)
        goal = before + chance.randint(1, 12)
        wait(
            lambda goal=goal, process=process: (
                int(ops.scalar("SELECT coalesce(max(id), 0) FROM equity") or 0) >= goal or finished(ops, process)
            ),
            process,
            "progress",
        )
        acknowledged = facts(ops)
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed_midway += not finished(ops, process)
        after = facts(ops)
        for name, rows in acknowledged.items():
            assert after[name][: len(rows)] == rows, f"{name}: an acknowledged row is gone (seed {seed})"
    assert killed_midway >= KILLS // 2, "the replay ended too early for the kills to mean anything"

    process = engine(torn, settings)
    wait(lambda: finished(ops, process), process, "end of the torn replay")
    control.stop(torn)
    process.wait()
    expected, found = facts(calm_ops), facts(ops)
    for name, rows in expected.items():
        assert found[name] == rows, f"{name} differs from the undisturbed run (seed {seed})"
    assert check(ops, torn.duckdb) == []
