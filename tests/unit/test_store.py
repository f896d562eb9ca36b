"""The log, its projection and the session: exactly once, rebuildable, and clear when a file is bad."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
import pytest

from deepalpha.config import Workspace
from deepalpha.errors import DuplicateError, StoreError
from deepalpha.store import Ops, Session, check, project, rebuild, rows


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "ws")


def beat(number: int) -> rows.Row:
    stamp = rows.Stamp(ts_init=number, run_id="run", account_id="practice-1")
    return rows.heartbeat(stamp, pid=1, state="running", ts_event=number, body={})


def test_a_click_twice_is_one_row(workspace: Workspace) -> None:
    ops = Ops(workspace.ops)
    click = rows.command(kind="approve", target="d1", by="me", at=1, decision_id="d1")
    assert [ops.append_once(click), ops.append_once(click)] == [True, False]
    with pytest.raises(DuplicateError):
        ops.append([click])
    assert ops.scalar("SELECT count(*) FROM command") == 1


def test_writers_of_several_threads_and_handles_lose_nothing(workspace: Workspace) -> None:
    def write(offset: int) -> None:
        ops = Ops(workspace.ops)
        for number in range(50):
            ops.append([beat(offset + number)])

    threads = [threading.Thread(target=write, args=(1000 * index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Ops(workspace.ops).scalar("SELECT count(DISTINCT ts_event) FROM heartbeat") == 200


def test_the_projection_copies_each_row_once(workspace: Workspace) -> None:
    ops = Ops(workspace.ops)
    ops.append([beat(number) for number in range(10)])
    assert project(ops, workspace.duckdb) == 10
    assert project(ops, workspace.duckdb) == 0
    ops.append([beat(99)])
    assert project(ops, workspace.duckdb) == 1
    assert check(ops, workspace.duckdb) == []


def test_check_finds_a_row_that_the_store_lost(workspace: Workspace) -> None:
    ops = Ops(workspace.ops)
    ops.append([beat(number) for number in range(3)])
    project(ops, workspace.duckdb)
    with duckdb.connect(str(workspace.duckdb)) as connection:
        connection.execute("DELETE FROM heartbeat WHERE ts_event = 1")
    assert any("heartbeat" in problem for problem in check(ops, workspace.duckdb))
    assert rebuild(ops, workspace.duckdb) == 3
    assert check(ops, workspace.duckdb) == []


def test_a_damaged_store_says_so_and_is_rebuilt_beside_the_old_file(workspace: Workspace) -> None:
    ops = Ops(workspace.ops)
    ops.append([beat(1)])
    workspace.duckdb.write_bytes(b"garbage" * 1000)
    with pytest.raises(StoreError, match="store rebuild"):
        project(ops, workspace.duckdb)
    assert rebuild(ops, workspace.duckdb) == 1
    assert workspace.duckdb.with_name("deepalpha.duckdb.old").exists()


def test_a_damaged_log_names_the_file_and_the_way_out(workspace: Workspace) -> None:
    workspace.ops.write_bytes(b"garbage" * 1000)
    with pytest.raises(StoreError, match=r"ops\.sqlite is damaged"):
        Ops(workspace.ops)


def test_a_session_sees_the_live_tail_and_holds_no_file(workspace: Workspace) -> None:
    ops = Ops(workspace.ops)
    ops.append([beat(1)])
    project(ops, workspace.duckdb)
    with Session(workspace) as session:
        ops.append([beat(2)])
        assert session.sql("SELECT count(*) AS n FROM heartbeat")["n"].to_list() == [2]
        assert project(ops, workspace.duckdb) == 1, "the session must not block the writer"
        assert session.sql("SELECT count(*) AS n FROM heartbeat")["n"].to_list() == [2]
        with pytest.raises(StoreError, match="nothing_here"):
            session.sql("SELECT * FROM nothing_here")


def test_queries_of_the_log_cannot_write(workspace: Workspace) -> None:
    with pytest.raises(StoreError):
        Ops(workspace.ops).rows("DELETE FROM heartbeat")
