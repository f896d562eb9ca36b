"""A loop that is dropped at any step and started again ends exactly where an undisturbed one ends."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deepalpha.config import Settings, Workspace
from deepalpha.live import Loop
from deepalpha.store import Ops

QUICK = Settings.from_mapping(
    {"approval": "auto", "symbols": ["MSFT", "GOOG"], "history_bars": 300, "replay": {"start": "2012-09-01"}}
)
FACTS = (
    "SELECT decision_id, action, status, body FROM decision ORDER BY id",
    "SELECT decision_id, ts_event, body FROM outcome ORDER BY id",
    "SELECT decision_id, number, live, body FROM fuser_update ORDER BY id",
    "SELECT client_order_id, quantity, stop_loss FROM order_intent ORDER BY id",
    "SELECT client_order_id, seq, event, state, ts_event FROM order_event ORDER BY id",
    "SELECT fill_id, quantity, price, fee, realised_pnl, ts_event FROM fill ORDER BY id",
    "SELECT ts_event, cash, equity, positions FROM equity ORDER BY id",
)
_names = itertools.count()


def facts(ops: Ops) -> list[list[dict[str, Any]]]:
    return [ops.rows(sql) for sql in FACTS]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[list[dict[str, Any]]]:
    loop = Loop(Workspace(tmp_path_factory.mktemp("calm")), QUICK)
    asyncio.run(loop.run_to_end())
    found = facts(loop.ops)
    assert len(found[5]) > 2, "the run must trade, or this proves nothing"
    return found


@given(cuts=st.lists(st.integers(1, 40), min_size=1, max_size=6))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_dropped_loop_goes_on_where_the_log_ends(
    cuts: list[int], tmp_path: Path, undisturbed: list[list[dict[str, Any]]]
) -> None:
    workspace = Workspace(tmp_path / str(next(_names)))
    for steps in cuts:
        loop = Loop(workspace, QUICK)
        for _ in range(steps):
            asyncio.run(loop.step())
    loop = Loop(workspace, QUICK)
    asyncio.run(loop.run_to_end())
    assert facts(loop.ops) == undisturbed


class TornError(Exception):
    """The process 'ends' here."""


class TornLoop(Loop):
    """Ends between the log and the wire of its n-th order."""

    sends_left = 2

    def begin(self, account_id: str) -> None:
        super().begin(account_id)
        send = self.account.submit

        def submit(approved: Any, now: int) -> Any:
            self.sends_left -= 1
            if self.sends_left == 0:
                raise TornError
            return send(approved, now)

        self.account.submit = submit  # type: ignore[method-assign]


def test_an_intent_that_was_logged_but_not_sent_goes_out_once(
    tmp_path: Path, undisturbed: list[list[dict[str, Any]]]
) -> None:
    workspace = Workspace(tmp_path / "ws")
    with pytest.raises(TornError):
        asyncio.run(TornLoop(workspace, QUICK).run_to_end())
    ops = Ops(workspace.ops)
    lost = "SELECT count(*) FROM order_intent WHERE client_order_id NOT IN (SELECT client_order_id FROM order_event)"
    assert ops.scalar(lost) == 1, "the tear must leave an unsent intent, or this proves nothing"
    loop = Loop(workspace, QUICK)
    assert ops.scalar(lost) == 0
    asyncio.run(loop.run_to_end())
    assert facts(ops) == undisturbed


class AbruptLoop(Loop):
    """Ends between the step that decided and the intent of the n-th automatic order."""

    orders_left = 2

    def begin(self, account_id: str) -> None:
        super().begin(account_id)
        execute = self.desk.execute

        def tear(pending: Any, *, by: str) -> None:
            self.orders_left -= 1
            if self.orders_left == 0:
                raise TornError
            execute(pending, by=by)

        self.desk.execute = tear  # type: ignore[method-assign]


def test_an_order_decided_but_without_an_intent_goes_out_once(
    tmp_path: Path, undisturbed: list[list[dict[str, Any]]]
) -> None:
    workspace = Workspace(tmp_path / "ws")
    with pytest.raises(TornError):
        asyncio.run(AbruptLoop(workspace, QUICK).run_to_end())
    ops = Ops(workspace.ops)
    decided = "SELECT count(*) FROM decision WHERE status = 'auto'"
    sent = "SELECT count(*) FROM order_intent WHERE approved_by = 'auto'"
    assert ops.scalar(decided) == 2, "the tear must leave a decision without an intent, or this proves nothing"
    assert ops.scalar(sent) == 1, "the tear must leave a decision without an intent, or this proves nothing"
    loop = Loop(workspace, QUICK)
    assert ops.scalar(sent) == 2
    asyncio.run(loop.run_to_end())
    assert facts(ops) == undisturbed
