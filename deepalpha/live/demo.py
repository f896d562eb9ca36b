"""The main job in a terminal: five agents vote on the bundled real prices, orders are filled, the store is checked."""

from __future__ import annotations

import asyncio
import shutil
from decimal import Decimal

from deepalpha.config import Settings, Workspace
from deepalpha.live.lock import engine_lock
from deepalpha.live.loop import Loop
from deepalpha.store import Ops, check
from deepalpha.types import Approval, Fact

DEMO_FOLDER = "demo"
_DEMO_FILES = ("ops.sqlite", "ops.sqlite-wal", "ops.sqlite-shm", "deepalpha.duckdb", "deepalpha.duckdb.wal")


class DemoResult(Fact, frozen=True):
    """What the demo did; the same numbers at every run."""

    bars: int
    decisions: int
    orders: int
    fills: int
    equity_start: Decimal
    equity_final: Decimal
    realised_pnl: Decimal
    fees: Decimal
    problems: tuple[str, ...]
    store: str
    workspace: str


def run_demo(workspace: Workspace) -> DemoResult:
    """Replay the sample in auto mode in `<workspace>/demo`, which begins afresh each time, and check the store."""
    demo = Workspace(workspace.root / DEMO_FOLDER)
    with engine_lock(demo.lock):
        for name in _DEMO_FILES:
            (demo.root / name).unlink(missing_ok=True)
        shutil.rmtree(demo.catalog, ignore_errors=True)
        default = Settings.default()
        # Words alone, so that the numbers are the same whether or not MiniLM is installed.
        agents = default.agents.model_copy(update={"news_model": "tfidf"})
        settings = default.model_copy(update={"approval": Approval.AUTO, "agents": agents})
        loop = Loop(demo, settings)
        asyncio.run(loop.run_to_end())
        loop.heartbeat()
        loop.project()
    return summarise(demo, settings, loop.ops, loop.account_id)


def summarise(workspace: Workspace, settings: Settings, ops: Ops, account_id: str) -> DemoResult:
    """Counts and totals of an account, with what `store check` finds."""

    def count(table: str, where: str = "") -> int:
        return int(ops.scalar(f"SELECT count(*) FROM {table} WHERE account_id = ? {where}", [account_id]) or 0)

    last = ops.rows("SELECT * FROM equity WHERE account_id = ? ORDER BY id DESC LIMIT 1", [account_id])[0]
    return DemoResult(
        bars=count("context"),
        decisions=count("decision"),
        orders=count("order_intent", "AND protective = 0"),
        fills=count("fill"),
        equity_start=settings.account.cash,
        equity_final=Decimal(str(last["equity"])),
        realised_pnl=Decimal(str(last["realised_pnl"])),
        fees=Decimal(str(last["fees"])),
        problems=tuple(check(ops, workspace.duckdb)),
        store=str(workspace.duckdb),
        workspace=str(workspace.root),
    )
