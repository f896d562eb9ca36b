"""The engine process: one a workspace, a clean stop, clear words when it cannot run."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import deepalpha as da
from deepalpha.config import Settings, Workspace
from deepalpha.errors import EngineError
from deepalpha.live import control
from deepalpha.live.lock import holder
from deepalpha.store import Ops

PATIENCE_S = 60
QUICK = "symbols: [AAPL]\nreplay: {start: 2013-02-01, bars_per_second: 0, pause_on_pending: false}\n"


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"no {what} within {PATIENCE_S} s"
        os.sched_yield()


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace(tmp_path / "ws")
    made.settings.write_text(QUICK)
    yield made
    if made.root.exists():
        control.stop(made)


def test_starts_once_says_which_one_runs_and_stops_cleanly(workspace: Workspace) -> None:
    status = control.start(workspace)
    assert status.mode == "practice"
    assert status.pid is not None
    with pytest.raises(EngineError, match=str(status.pid)):
        control.start(workspace)
    assert not control.ensure_started(workspace)
    until(lambda: control.status(workspace).state == "finished", "end of the replay")
    assert control.stop(workspace)
    assert control.status(workspace).state == "stopped"
    assert not control.stop(workspace)
    assert workspace.duckdb.exists(), "a clean stop brings the store up to the log"


def test_a_second_process_that_races_for_the_workspace_ends_and_says_why(workspace: Workspace) -> None:
    status = control.start(workspace)
    command = [sys.executable, "-m", "deepalpha.live.process", "--workspace", str(workspace.root)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert second.returncode == 1
    assert f"process {status.pid}" in second.stderr


def test_a_new_session_begins_a_fresh_account_and_keeps_the_old_one(workspace: Workspace) -> None:
    control.start(workspace)
    with da.connect(workspace) as station:
        until(lambda: station.status().state == "finished", "end of the first session")
        assert station.new_session()
        until(lambda: station.account_id == "practice-2", "second session")
        until(lambda: station.status().state == "finished", "end of the second session")
        accounts = station.sql("SELECT account_id, count(*) AS n FROM equity GROUP BY ALL ORDER BY ALL")
    assert accounts["account_id"].to_list() == ["practice-1", "practice-2"]
    assert accounts["n"].n_unique() == 1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("symbols: [NOPE]\n", "NOPE"),
        ("agents: {enabled: [technikal]}\n", "technical"),
        ("risk: {max_exposur: 1}\n", "max_exposure"),
        ("timeframe: 7x\n", "7x"),
        ("replay: {start: 2030-01-01}\n", "2030-01-01"),
    ],
)
def test_an_engine_that_cannot_run_says_why_in_one_line(workspace: Workspace, settings: str, said: str) -> None:
    workspace.settings.write_text(settings)
    with pytest.raises(EngineError, match=said) as caught:
        control.start(workspace)
    assert "\n" not in str(caught.value)


def test_an_engine_whose_workspace_is_deleted_ends(workspace: Workspace) -> None:
    status = control.start(workspace)
    pid = status.pid
    assert pid is not None
    shutil.rmtree(workspace.root)

    def gone() -> bool:
        # The child is ours, so it must be reaped to be seen as gone.
        return os.waitpid(pid, os.WNOHANG)[0] == pid

    until(gone, "end of the engine")


def test_the_engine_object_runs_in_this_process(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "ws")
    settings = Settings.from_text(QUICK)

    async def run() -> None:
        engine = da.DeepAlphaEngine(settings, workspace=workspace)
        engine.add_symbol("MSFT")
        await engine.start()
        with pytest.raises(EngineError):
            await engine.start()
        with pytest.raises(EngineError):
            engine.add_symbol("IBM")
        assert holder(workspace.lock) == os.getpid()
        assert engine.loop is not None
        while engine.loop.state != "finished":
            await asyncio.sleep(0)
        await engine.stop()

    asyncio.run(run())
    assert holder(workspace.lock) is None
    symbols = Ops(workspace.ops).frame("SELECT DISTINCT symbol FROM decision ORDER BY 1")
    assert symbols["symbol"].to_list() == ["AAPL", "MSFT"]
