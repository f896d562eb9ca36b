"""A decision of the log is made again, byte for byte, with nothing but what is stored."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from deepalpha.cli import main
from deepalpha.config import Settings, Workspace
from deepalpha.errors import EngineError
from deepalpha.live import Loop
from deepalpha.live.on_demand import decide_now
from deepalpha.live.replay import replay
from deepalpha.store import Ops
from deepalpha.types import encode

BASE = {"approval": "auto", "history_bars": 250, "replay": {"start": "2012-06-01"}}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A finished session with entries, exits and outcomes; restarted in the middle."""
    workspace = Workspace(tmp_path_factory.mktemp("played"))
    settings = Settings.from_mapping({**BASE, "symbols": ["AAPL", "MSFT"]})
    first = Loop(workspace, settings)

    async def half() -> None:
        for _ in range(70):
            await first.step()

    asyncio.run(half())
    asyncio.run(Loop(workspace, settings).run_to_end())
    return workspace


def ids(workspace: Workspace, where: str = "1") -> list[str]:
    rows = Ops(workspace.ops).rows(f"SELECT decision_id FROM decision WHERE {where} ORDER BY id")
    return [str(row["decision_id"]) for row in rows]


def test_every_decision_of_a_session_comes_out_byte_for_byte_across_a_restart(
    played: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a replay opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    chosen = ids(played)
    for decision_id in [*chosen[::23], *ids(played, "action <> 'hold'")[-3:], chosen[-1]]:
        found = replay(played, decision_id)
        assert found.identical, found.differences
        assert found.decision.decision_id == decision_id
    # Something was learned and held by then, or the above proves little.
    last = replay(played, chosen[-1]).decision
    assert last.n_calibration > 50
    assert Ops(played.ops).scalar("SELECT count(*) FROM decision WHERE body LIKE '%entry_id\":\"_%'")


def test_nothing_is_written_by_a_replay(played: Workspace) -> None:
    ops = Ops(played.ops)
    tables = ("audit", "context", "decision", "signal", "llm_call", "heartbeat", "outcome")
    before = [ops.scalar(f"SELECT count(*) FROM {table}") for table in tables]
    replay(played, ids(played)[10])
    assert [ops.scalar(f"SELECT count(*) FROM {table}") for table in tables] == before


def test_what_has_changed_since_is_named(played: Workspace, tmp_path: Path) -> None:
    other = Workspace(tmp_path / "copy")
    shutil.copytree(played.root, other.root, dirs_exist_ok=True)
    changed = 0
    for file in Path(other.catalog).rglob("*.parquet"):
        frame = pl.read_parquet(file)
        if "symbol=AAPL" in str(file):
            frame.with_columns(pl.col("volume") * 2).write_parquet(file)
            changed += 1
    assert changed
    decision_id = ids(other, "symbol = 'AAPL'")[40]
    found = replay(other, decision_id)
    assert not found.identical
    assert "bars or headlines are not those of then" in found.differences[0]


def test_ids_are_found_by_their_beginning_and_wrong_ones_are_said(
    played: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    decision_id = ids(played)[5]
    assert main(["replay", decision_id[:10], "--json", "--workspace", str(played.root)]) == 0
    shown: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert shown["identical"] is True and shown["decision"]["decision_id"] == decision_id
    assert main(["replay", "ffffffffffff", "--workspace", str(played.root)]) == 1
    assert "no decision begins with ffffffffffff" in capsys.readouterr().err
    with pytest.raises(EngineError, match="at least its first 6"):
        replay(played, "ab")
    with pytest.raises(EngineError, match="no decision's id"):
        replay(played, "%%%%%%%%")


def test_a_decision_on_demand_is_what_the_engine_decided_and_leaves_no_trace(
    played: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings.from_mapping({**BASE, "symbols": ["AAPL", "MSFT"]})
    ops = Ops(played.ops)
    tables = ("audit", "context", "decision", "signal", "outcome", "order_intent", "equity")
    before = [ops.scalar(f"SELECT count(*) FROM {table}") for table in tables]
    for symbol in ("AAPL", "MSFT"):
        asked = decide_now(played, settings, symbol)
        stored = ops.scalar("SELECT body FROM decision WHERE symbol = ? ORDER BY id DESC LIMIT 1", [symbol])
        assert encode(asked.decision).decode() == stored
        assert asked.account_id == "practice-1" and asked.problems == ()
    assert [ops.scalar(f"SELECT count(*) FROM {table}") for table in tables] == before


def test_a_decision_on_demand_needs_neither_engine_nor_account_but_bars(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["decide", "IBM", "--json", "--workspace", str(tmp_path)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["decision"]["symbol"] == "IBM" and shown["account_id"] == ""
    assert shown["decision"]["calibration"] == "uncalibrated, n=0"
    assert main(["decide", "NVDA", "--workspace", str(tmp_path)]) == 1
    assert "no bars of NVDA; the catalog has AAPL, GOOG, IBM, MSFT. Import some" in capsys.readouterr().err
