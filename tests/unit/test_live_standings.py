"""What the agents' page says is what a naive reading of the log says."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepalpha.config import Settings, Workspace
from deepalpha.live import Loop
from deepalpha.live.standings import Standings
from deepalpha.plots import reliability_chart, weights_chart

SETTINGS = {"symbols": ["AAPL", "MSFT"], "approval": "auto", "history_bars": 250, "replay": {"start": "2012-08-01"}}


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Loop:
    made = Loop(Workspace(tmp_path_factory.mktemp("standings")), Settings.from_mapping(SETTINGS))
    asyncio.run(made.run_to_end())
    made.heartbeat()
    return made


@pytest.fixture(scope="module")
def found(loop: Loop) -> Standings:
    return Standings(loop.ops, loop.account_id)


def bodies(loop: Loop, table: str) -> list[dict[str, Any]]:
    return [json.loads(str(row["body"])) for row in loop.ops.rows(f"SELECT body FROM {table} ORDER BY id")]


def test_an_agents_figures_are_those_of_its_rows(loop: Loop, found: Standings) -> None:
    standings = {item.agent: item for item in found.agents()}
    assert list(standings) == ["news", "pattern", "technical", "trend", "risk"]
    for name, item in standings.items():
        rows = loop.ops.rows("SELECT status, latency_ns FROM signal WHERE agent = ? ORDER BY id", [name])
        assert (item.votes, item.abstained) == tuple(
            sum(row["status"] == status for row in rows) for status in ("ok", "abstain")
        )
        assert item.p50_ms == pytest.approx(float(np.median([row["latency_ns"] for row in rows])) / 1e6)
        pairs = [(o["votes"][name], o["went_up"]) for o in bodies(loop, "outcome") if name in o["votes"]]
        assert item.n == len(pairs)
        if pairs:
            assert item.brier == pytest.approx(sum((p - came) ** 2 for p, came in pairs) / len(pairs))
            sided = [(p > 0.5) == (came == 1.0) for p, came in pairs if p != 0.5 and came != 0.5]
            assert item.hits == pytest.approx(sum(sided) / len(sided))
    assert standings["risk"].brier is None and standings["risk"].hits is None
    last = bodies(loop, "fuser_update")[-1]
    assert standings["trend"].weights == {fuser: held["trend"] for fuser, held in last["weights"].items()}


def test_fusers_are_scored_on_what_they_said_and_one_decides(loop: Loop, found: Standings) -> None:
    fusers = found.fusers()
    assert [item.live for item in fusers].count(True) == 1
    assert [item.brier for item in fusers] == sorted(item.brier for item in fusers)
    outcomes, updates = bodies(loop, "outcome"), bodies(loop, "fuser_update")
    for item in fusers:
        naive = [(1 / (1 + np.exp(-o["shadows"][item.fuser])) - o["went_up"]) ** 2 for o in outcomes]
        assert item.brier == pytest.approx(float(np.mean(naive)), abs=1e-9)
        assert item.brier == pytest.approx(float(np.mean([u["losses"][item.fuser] for u in updates])), abs=1e-9)
    assert "gain in Brier score over the equal pool" in found.contest


def test_reliability_counts_every_outcome_that_went_somewhere(loop: Loop, found: Standings) -> None:
    table = found.reliability("trend")
    moved = [o for o in bodies(loop, "outcome") if "trend" in o["votes"] and o["went_up"] != 0.5]
    assert sum(table["n"]) == len(moved)
    assert sum(row["came"] * row["n"] for row in table.iter_rows(named=True)) == pytest.approx(
        sum(o["went_up"] for o in moved)
    )
    assert found.reliability("nobody").is_empty()
    option = reliability_chart(table)
    assert len(option["series"][1]["data"]) == len(table)


def test_weights_over_time_end_with_the_last_update(loop: Loop, found: Standings) -> None:
    updates = bodies(loop, "fuser_update")
    for fuser, held in updates[-1]["weights"].items():
        frame = found.weights(fuser)
        assert len(frame) <= 400
        assert {name: frame[name][-1] for name in held} == pytest.approx(held)
        option = weights_chart(frame)
        assert [line["name"] for line in option["series"]] == [name for name in frame.columns if name != "time"]


def test_an_empty_account_has_no_figures(tmp_path: Path) -> None:
    loop = Loop(Workspace(tmp_path), Settings.from_mapping(SETTINGS))
    empty = Standings(loop.ops, loop.account_id)
    assert (empty.agents(), empty.fusers(), empty.models(), empty.contest) == ([], [], [], "")
    assert empty.weights("fixed-share/1").is_empty() and empty.cache() == (0, 0)


def test_decisions_from_the_cache_are_counted(loop: Loop, found: Standings) -> None:
    assert found.cache() == (loop.decider.cache_hits, loop.decider.cache_misses)
    assert found.cache()[1] == loop.ops.scalar("SELECT count(*) FROM decision")
