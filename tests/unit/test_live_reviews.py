"""Language models in the loop: a review shifts a vote within its bound, a failed one changes nothing and is said."""

from __future__ import annotations

import asyncio
import json
import math
import socket
from pathlib import Path
from typing import Any

import llm_server
import pytest

from deepalpha.config import Settings, Workspace
from deepalpha.errors import ConfigError
from deepalpha.live import Loop, control
from deepalpha.live.replay import replay
from deepalpha.store import Ops

BASE = {"approval": "auto", "symbols": ["MSFT"], "history_bars": 300, "replay": {"start": "2013-02-04"}}


class Opposing(llm_server.ScriptedServer):
    """Opposes every vote, citing the first number it was given."""

    def _plain(self, mode: str, anthropic: bool, seen: Any) -> Any:
        asked = json.loads(seen.body["messages"][-1]["content"])
        self.answer = {"verdict": "oppose", "evidence_ids": [next(iter(asked["evidence"]))], "reason": "the other way"}
        return super()._plain(mode, anthropic, seen)


def settings(url: str, **more: Any) -> Settings:
    local = {"model": "tiny", "base_url": url, "price": {"input": 1, "output": 1}, "output": "json_schema"}
    local["requests_per_minute"] = 60_000
    return Settings.from_mapping(
        {**BASE, "llm": {"enabled": True, "reviewers": ["technical"], "providers": {"local": local}, **more}}
    )


def votes(loop: Loop) -> list[dict[str, Any]]:
    rows = loop.ops.rows("SELECT body FROM signal WHERE agent = 'technical' ORDER BY id")
    return [json.loads(str(row["body"])) for row in rows]


def run(path: Path, *modes: str, **more: Any) -> tuple[Loop, list[dict[str, Any]], int]:
    async def play() -> tuple[Loop, list[dict[str, Any]], int]:
        async with Opposing() as server:
            server.play(*modes)
            loop = Loop(Workspace(path), settings(server.url, **more))
            await loop.run_to_end()
            return loop, votes(loop), len(server.seen)

    return asyncio.run(play())


def plain(path: Path) -> list[dict[str, Any]]:
    loop = Loop(Workspace(path), Settings.from_mapping(BASE))
    asyncio.run(loop.run_to_end())
    return votes(loop)


def logit(p: float) -> float:
    return math.log(p / (1.0 - p))


def test_a_review_shifts_the_vote_by_its_bound_and_the_call_is_in_the_log(tmp_path: Path) -> None:
    rules = plain(tmp_path / "rules")
    loop, reviewed, asked = run(tmp_path / "llm", "ok")
    moved = [(a["p_up"], b["p_up"]) for a, b in zip(rules, reviewed, strict=True) if a["p_up"] not in (None, 0.5)]
    assert moved
    for before, after in moved:
        assert logit(after) - logit(before) == pytest.approx(-0.5 if before > 0.5 else 0.5, abs=1e-4)
    assert any("review by local/tiny: oppose" in line for vote in reviewed for line in vote["reasons"])
    calls = loop.ops.rows("SELECT status, cycle, purpose FROM llm_call WHERE phase = 'done'")
    assert len(calls) == asked >= len(moved)
    hashes = {vote["snapshot_hash"] for vote in reviewed}
    assert {(row["status"], row["purpose"]) for row in calls} == {("ok", "review:technical")}
    assert {row["cycle"] for row in calls} <= hashes


@pytest.mark.parametrize(
    ("modes", "more", "said"),
    [
        (["error_500"], {"rounds": 1}, "not reviewed ("),
        (["answer_not_json"], {"rounds": 1}, "not reviewed ("),
        (["ok"], {"budget": {"per_day_usd": "0.000001"}}, "not reviewed (budget)"),
    ],
)
def test_a_failed_review_changes_no_vote_and_is_said(
    tmp_path: Path, modes: list[str], more: dict[str, Any], said: str
) -> None:
    rules = plain(tmp_path / "rules")
    loop, reviewed, _ = run(tmp_path / "llm", *modes, **more)
    assert [vote["p_up"] for vote in reviewed] == [vote["p_up"] for vote in rules]
    opinions = [vote for vote in reviewed if vote["p_up"] not in (None, 0.5)]
    assert opinions
    assert all(any(said in line for line in vote["reasons"]) for vote in opinions)
    if "budget" in said:
        loop.heartbeat()
        beat = json.loads(str(loop.ops.scalar("SELECT body FROM heartbeat ORDER BY id DESC LIMIT 1")))
        assert "rules only until midnight UTC" in beat["models"]


@pytest.mark.parametrize(
    ("modes", "more"),
    [
        (["ok"], {}),
        (["ok", "error_500", "answer_not_json"], {"rounds": 1}),
        (["ok"], {"ensemble": 3}),
        (["ok"], {"budget": {"per_day_usd": "0.000001"}}),
    ],
)
def test_reviewed_decisions_replay_byte_for_byte_without_a_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, modes: list[str], more: dict[str, Any]
) -> None:
    loop, reviewed, _ = run(tmp_path, *modes, **more)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a replay opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for row in loop.ops.rows("SELECT decision_id FROM decision"):
        found = replay(loop.workspace, str(row["decision_id"]))
        assert found.identical, found.differences
        assert found.model_calls or not [vote for vote in reviewed if vote["p_up"] not in (None, 0.5)]


def test_a_replay_says_which_answer_is_missing(tmp_path: Path) -> None:
    loop, _, _ = run(tmp_path / "with", "ok")
    # The same log, but for the answers.
    other = Workspace(tmp_path / "without")
    kept = Ops(other.ops)
    for table in ("context", "signal", "decision", "outcome", "fuser_update", "fill", "audit"):
        for row in loop.ops.rows(f"SELECT * FROM {table} ORDER BY id"):
            kept.append([(table, {name: value for name, value in row.items() if name != "id"})])
    decision_id = str(kept.scalar("SELECT decision_id FROM decision WHERE body LIKE '%review by%' LIMIT 1"))
    found = replay(other, decision_id)
    assert not found.identical
    assert any(line.startswith("technical: ") and "not_recorded" in line for line in found.differences)


def test_a_replay_of_days_a_model_may_have_read_is_marked_contaminated(tmp_path: Path) -> None:
    loop = Loop(Workspace(tmp_path / "llm"), settings("http://127.0.0.1:9/v1"))
    loop.heartbeat()
    assert control.status(loop.workspace).contaminated == ("local/tiny",), "an unknown cutoff may be any day"
    marked = loop.ops.rows("SELECT ref, body FROM audit WHERE kind = 'contaminated'")
    assert [str(row["ref"]) for row in marked] == [loop.run_id] and "local/tiny" in str(marked[0]["body"])
    rules = Loop(Workspace(tmp_path / "rules"), Settings.from_mapping(BASE))
    rules.heartbeat()
    assert control.status(rules.workspace).contaminated == ()
    assert not rules.ops.rows("SELECT 1 FROM audit WHERE kind = 'contaminated'")


def test_a_reviewer_of_nobody_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"llm\.reviewers \['risk'\] are no voters of this engine"):
        Loop(Workspace(tmp_path), settings("http://127.0.0.1:9/v1", reviewers=["risk"]))
