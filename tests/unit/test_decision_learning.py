"""The loop writes what became of decisions and what was learned; the store shows it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import duckdb
import msgspec
import pytest

from deepalpha.config import Settings, Workspace
from deepalpha.decision.learn import LOOK
from deepalpha.decision.log_pool import LogPool
from deepalpha.errors import ConfigError
from deepalpha.live import Loop
from deepalpha.live.records import Batch
from deepalpha.store import Ops, Session, check, project
from deepalpha.types import SECOND, Decision, FuserUpdate, Outcome

SETTINGS = Settings.from_mapping(
    {"approval": "auto", "symbols": ["MSFT", "GOOG"], "history_bars": 300, "replay": {"start": "2012-09-01"}}
)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Loop:
    loop = Loop(Workspace(tmp_path_factory.mktemp("ran")), SETTINGS)
    asyncio.run(loop.run_to_end())
    return loop


def decisions(ops: Ops) -> dict[str, Decision]:
    read = (msgspec.json.decode(str(cells["body"]), type=Decision) for cells in ops.rows("SELECT body FROM decision"))
    return {decision.decision_id: decision for decision in read}


def test_every_outcome_is_the_first_close_at_or_after_the_horizon(ran: Loop) -> None:
    made = decisions(ran.ops)
    found = [
        msgspec.json.decode(str(cells["body"]), type=Outcome)
        for cells in ran.ops.rows("SELECT body FROM outcome ORDER BY id")
    ]
    assert len(found) > 200
    for outcome in found:
        decision = made[outcome.decision_id]
        due = decision.asof + decision.horizon_s * SECOND
        close_at = next(pair for pair in ran.source.closes(outcome.symbol, due - 1, ran.cursor))
        assert (outcome.resolved_at, outcome.close) == close_at
        assert outcome.price == decision.price
        assert outcome.cost == pytest.approx(0.002)
    unresolved = set(made) - {outcome.decision_id for outcome in found}
    assert all(made[name].asof + made[name].horizon_s * SECOND > ran.cursor for name in unresolved)


def test_the_price_of_a_decision_is_the_close_of_its_bar(ran: Loop) -> None:
    for decision in decisions(ran.ops).values():
        assert decision.price == float(ran.source.window(decision.symbol, decision.asof, 1)["close"][-1])


def test_every_update_is_stored_in_the_order_of_resolution(ran: Loop) -> None:
    outcomes = ran.ops.rows("SELECT decision_id FROM outcome ORDER BY id")
    updates = ran.ops.rows("SELECT decision_id, number, body FROM fuser_update ORDER BY id")
    assert [row["decision_id"] for row in updates] == [row["decision_id"] for row in outcomes]
    assert [row["number"] for row in updates] == list(range(1, len(updates) + 1))
    last = msgspec.json.decode(str(updates[-1]["body"]), type=FuserUpdate)
    assert last.state == ran.decider.learner.state()
    looks = [row["number"] for row in updates if json.loads(str(row["body"]))["contest"]]
    assert looks == list(range(LOOK, len(updates) + 1, LOOK))
    learned = ran.ops.rows("SELECT ts_event FROM fuser_update ORDER BY id")
    assert [row["ts_event"] for row in learned] == sorted(row["ts_event"] for row in learned)


def test_a_decision_counts_only_outcomes_that_were_known_then(ran: Loop) -> None:
    times = [row["ts_event"] for row in ran.ops.rows("SELECT ts_event FROM outcome ORDER BY id")]
    for decision in decisions(ran.ops).values():
        known = sum(time <= decision.asof for time in times)
        assert decision.n_calibration <= known


def test_the_entry_of_every_position_is_the_decision_whose_order_opened_it(ran: Loop) -> None:
    made = decisions(ran.ops)
    bought = ran.ops.rows("SELECT symbol, decision_id FROM fill WHERE side = 'buy' ORDER BY id")
    assert len(bought) > 2
    held = ran.ops.rows(
        "SELECT decision_id, json_extract(body, '$.position.quantity') AS quantity FROM context ORDER BY id"
    )
    expected = {}
    for row in held:
        decision = made[str(row["decision_id"])]
        # Long only and never added to: what is held now was opened by the last purchase decided on before.
        openers = [
            str(buy["decision_id"])
            for buy in bought
            if buy["symbol"] == decision.symbol and made[str(buy["decision_id"])].asof < decision.asof
        ]
        expected[decision.decision_id] = openers[-1] if row["quantity"] else ""
    assert {name: decision.entry_id for name, decision in made.items()} == expected
    assert len(set(expected.values())) > 2


def test_the_store_shows_outcomes_losses_and_weights(ran: Loop) -> None:
    project(ran.ops, ran.workspace.duckdb)
    assert check(ran.ops, ran.workspace.duckdb) == []
    with Session(ran.workspace) as session:
        shown = session.sql("SELECT * FROM outcomes")
        updates = ran.ops.scalar("SELECT count(*) FROM fuser_update")
        assert len(shown) == updates
        assert shown["confidence"].null_count() == 0
        losses = session.sql(
            "SELECT fuser, avg(brier) AS brier, count(*) AS n, sum(live::INT) AS live "
            "FROM fuser_losses GROUP BY fuser ORDER BY fuser"
        )
        assert losses["n"].to_list() == [updates] * 3
        assert losses["live"].sum() == updates, "one fuser is live at a time"
        weights = session.sql(
            f"SELECT agent, weight FROM fuser_weights WHERE fuser = '{LogPool.name}' "
            f"AND number = {updates} ORDER BY agent"
        )
    learned = ran.decider.learner.state()["fusers"][LogPool.name]["weights"]
    assert dict(weights.iter_rows()) == learned


def test_a_store_from_before_outcomes_is_read_and_brought_up_to_date(ran: Loop) -> None:
    project(ran.ops, ran.workspace.duckdb)
    with duckdb.connect(str(ran.workspace.duckdb)) as connection:
        for view in ("outcomes", "fuser_losses", "fuser_weights"):
            connection.execute(f"DROP VIEW {view}")
        for table in ("outcome", "fuser_update"):
            connection.execute(f"DROP TABLE {table}")
            connection.execute("DELETE FROM watermark WHERE table_name = ?", [table])
        connection.execute("DELETE FROM migration WHERE name = '003_learning.sql'")
    with Session(ran.workspace) as session:
        assert session.sql("SELECT count(*) AS n FROM outcomes")["n"][0] > 200
    assert check(ran.ops, ran.workspace.duckdb) == []


def test_a_log_from_before_outcomes_does_not_resolve_its_old_decisions_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(tmp_path)
    loop = Loop(workspace, SETTINGS)
    monkeypatch.setattr(Batch, "learned", lambda _, __: None)  # as an older DeepAlpha wrote it
    for _ in range(20):
        asyncio.run(loop.step())
    monkeypatch.undo()
    still_open = {symbol: loop.decider.open(symbol) for symbol in SETTINGS.symbols}
    assert all(0 < len(items) < 10 for items in still_open.values())
    again = Loop(workspace, SETTINGS)
    assert {symbol: again.decider.open(symbol) for symbol in SETTINGS.symbols} == still_open
    asyncio.run(again.run_to_end())
    number = again.ops.scalar("SELECT max(number) FROM fuser_update")
    assert number == again.ops.scalar("SELECT count(*) FROM outcome") > 150


def test_a_rule_about_an_agent_that_does_not_run_stops_the_start(tmp_path: Path) -> None:
    rule = {"when": {"agent": "trnd", "vote": "sell"}, "then": {"cap": "hold"}}
    settings = Settings.from_mapping({**SETTINGS.model_dump(mode="json"), "decision": {"rules": [rule]}})
    with pytest.raises(ConfigError, match="did you mean 'trend'"):
        Loop(Workspace(tmp_path), settings)


def same_knowledge(one: Loop, other: Loop) -> bool:
    """Whether two engines have learned, remembered and hold the same; what may still be filled is not compared."""
    first, second = one.decider.state(), other.decider.state()
    for state in (first, second):
        del state["theses"]["decided"]
    same = json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)
    return same and one.decider.learner.digest == other.decider.learner.digest


def test_a_restart_knows_what_the_engine_knew_at_the_end_and_while_a_position_is_held(
    ran: Loop, tmp_path: Path
) -> None:
    assert same_knowledge(ran, Loop(ran.workspace, SETTINGS))
    loop = Loop(Workspace(tmp_path), SETTINGS)
    while not loop.decider.theses.state()["open"]:
        asyncio.run(loop.step())
    assert same_knowledge(loop, Loop(loop.workspace, SETTINGS))
