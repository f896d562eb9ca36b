"""`da.ExecutionEngine`: what Python can do to it, what it tells, and what survives a restart."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import deepalpha as da
from deepalpha.config import Workspace
from deepalpha.errors import ConfigError, EngineError, MarketDataError, OrderError, RiskRefused
from deepalpha.execution.facts import EventBatch
from deepalpha.store import Ops, check
from deepalpha.types import Fill, OrderEvent, OrderRequest

BTC = "BTC/USDT"


def market(quantity: Any = "0.5", side: str = "buy", **more: Any) -> dict[str, Any]:
    return {"symbol": BTC, "side": side, "quantity": quantity, "type": "market", **more}


def limit(price: Any, quantity: Any = "0.5", side: str = "buy", **more: Any) -> dict[str, Any]:
    return {"symbol": BTC, "side": side, "quantity": quantity, "type": "limit", "limit_price": price, **more}


def started(**settings: Any) -> da.ExecutionEngine:
    engine = da.ExecutionEngine([BTC], **{"limits": "open", **settings})
    engine.start()
    engine.quote(BTC, bid="64999.5", ask="65000.5")
    return engine


@pytest.fixture
def engine() -> Iterator[da.ExecutionEngine]:
    made = started()
    yield made
    made.stop()


def test_an_order_is_filled_and_booked_to_the_last_unit(engine: da.ExecutionEngine) -> None:
    order = engine.submit_order(market())
    assert order == "PAPER-1-1"
    (position,) = engine.positions()
    assert (position.quantity, position.average_price) == (Decimal("0.5"), Decimal("65000.5"))
    account = engine.account()
    assert account.fees == Decimal("16.250125")
    assert account.equity == account.cash + account.position_value
    assert account.equity == Decimal(1_000_000) + account.realised_pnl + account.unrealised_pnl - account.fees
    assert engine.get_stats().fills == 1
    assert engine.get_stats().avg_execution_time_us > 0


def test_an_order_that_rests_can_be_changed_and_taken_back(engine: da.ExecutionEngine) -> None:
    order = engine.submit_order(limit("64000"))
    assert [row["client_order_id"] for row in engine.orders()] == [order]
    engine.amend(order, quantity="0.25", limit_price=Decimal("64500"))
    changed = engine.order(order)
    assert changed is not None
    assert (changed["quantity"], changed["limit_price"]) == ("0.25", "64500")
    engine.cancel(order)
    assert engine.orders() == []
    with pytest.raises(OrderError):
        engine.cancel(order)


def test_a_quote_fills_what_it_reaches(engine: da.ExecutionEngine) -> None:
    order = engine.submit_order(limit("64000"))
    engine.quote(BTC, bid="63990", ask="63999")
    found = engine.order(order)
    assert found is not None and found["state"] == "filled"
    assert engine.positions()[0].average_price == Decimal("64000"), "at the price of the order that rested"


NOT_TEXT: dict[Any, Any] = {**market(), 7: "1"}
HOSTILE: list[tuple[dict[str, Any], type[Exception], str]] = [
    *[
        (market(quantity), OrderError, "quantity")
        for quantity in ("nan", "inf", "-inf", "1e308", "", "0x1", "1,5", "0.123456789", "9" * 30, 10**30)
    ],
    *[(market(quantity), OrderError, "float") for quantity in (float("nan"), float("inf"), 0.5, np.float64(1), 1e308)],
    *[(market(quantity), RiskRefused, "increment") for quantity in ("0", "-1", "0.00001", 0, -1, Decimal("-0.5"))],
    *[(limit(price), RiskRefused, "increment") for price in ("0", "-1", "64000.001")],
    (limit("92233720368.54", "92233720368"), OrderError, "overflow"),
    (limit(0.1), OrderError, "float"),
    (market(None), OrderError, "quantity"),
    (market(object()), OrderError, "amount"),
    (market(symbol="\N{SNOWMAN}"), OrderError, "symbol"),
    (market(symbol="ETH/USDT"), MarketDataError, "not listed"),
    (market(side="hold"), OrderError, "buy, sell"),
    (market(type="magic"), OrderError, "market, limit"),
    ({**market(), "qty": "1"}, OrderError, "quantity"),
    ({**market(), "price": "1"}, OrderError, "did you mean"),
    (NOT_TEXT, OrderError, "7"),
    ({**market(), "limit_price": "1"}, OrderError, "leave it out"),
    ({**market(), "client_order_id": "x" * 40}, OrderError, "bytes"),
    ({**market(), "time_in_force": "gtd"}, OrderError, "expires_at"),
    ({**limit("1"), "post_only": "yes"}, OrderError, "True or False"),
    ({}, OrderError, "symbol"),
]


@pytest.mark.parametrize(("order", "error", "says"), HOSTILE)
def test_hostile_values_are_refused_before_anything_changes(
    engine: da.ExecutionEngine, order: dict[str, Any], error: type[Exception], says: str
) -> None:
    before = (engine.account(), engine.positions(), engine.orders())
    with pytest.raises(error) as refused:
        engine.submit_order(order)
    assert says in str(refused.value), str(refused.value)
    assert (engine.account(), engine.positions(), engine.orders()) == before
    engine.submit_order(market())


def test_a_refusal_carries_rule_value_and_bound() -> None:
    engine = started(limits={"max_order_notional": "1000"})
    with pytest.raises(RiskRefused) as refused:
        engine.submit_order(market("0.1"))
    assert refused.value.rule == "max_order_notional"
    assert "6500" in refused.value.value
    assert "1000" in refused.value.bound
    assert engine.get_stats().refused == 1


def test_the_same_id_is_one_order(engine: da.ExecutionEngine) -> None:
    assert engine.submit_order(market(client_order_id="mine")) == "PAPER-mine"
    with pytest.raises(RiskRefused) as refused:
        engine.submit_order(market(client_order_id="mine"))
    assert refused.value.rule == "duplicate_id"
    assert engine.get_stats().fills == 1


def test_events_tell_everything_in_order(engine: da.ExecutionEngine) -> None:
    order = engine.submit_order(market())
    batch = engine.take_events()
    assert batch is not None
    assert (batch.first, batch.missed) == (1, 0)
    kinds = [type(event) for event in batch.events]
    assert kinds == [OrderRequest, OrderEvent, OrderEvent, Fill]
    fill = batch.events[-1]
    assert isinstance(fill, Fill)
    assert (fill.client_order_id, fill.quantity, fill.price) == (order, Decimal("0.5"), Decimal("65000.5"))
    assert engine.take_events() is None


def test_a_slow_reader_learns_how_much_it_missed() -> None:
    engine = started(events=8)
    for _ in range(10):
        engine.submit_order(market("0.01"))
    told = engine.get_stats().events
    batch = engine.take_events()
    assert batch is not None
    assert batch.missed + len(batch.events) == told == 40
    assert batch.first == batch.missed + 1
    assert engine.get_stats().events_dropped == batch.missed


def test_a_full_ring_can_refuse_orders_instead() -> None:
    engine = started(events=4, event_overflow="refuse_orders")
    engine.submit_order(market("0.01"))
    with pytest.raises(OrderError, match="wait for a reader"):
        engine.submit_order(market("0.01"))
    assert engine.take_events() is not None
    engine.submit_order(market("0.01"))


def test_the_stream_gives_batches_and_ends() -> None:
    async def read(engine: da.ExecutionEngine) -> list[EventBatch]:
        batches = []

        async def reader() -> None:
            async for batch in engine.events():
                batches.append(batch)

        task = asyncio.create_task(reader())
        for _ in range(100):
            engine.submit_order(market("0.01"))
            await asyncio.sleep(0)
        while sum(len(batch.events) for batch in batches) < 400:
            await asyncio.sleep(0.001)
        engine.stop()
        await asyncio.wait_for(task, 5)
        return batches

    batches = asyncio.run(asyncio.wait_for(read(started()), 20))
    numbers = [batch.first + index for batch in batches for index in range(len(batch.events))]
    assert numbers == list(range(1, 401))
    assert all(batch.missed == 0 for batch in batches)


def test_a_quiet_stream_ends_at_its_deadline(engine: da.ExecutionEngine) -> None:
    async def read() -> int:
        return len([batch async for batch in engine.events(timeout_s=0.1)])

    assert asyncio.run(asyncio.wait_for(read(), 5)) == 0


def test_a_throttle_refuses_orders_and_never_a_cancel() -> None:
    engine = started(orders_per_second=10)
    orders = [engine.submit_order(limit("60000", "0.01")) for _ in range(10)]
    with pytest.raises(OrderError, match="throttled"):
        engine.submit_order(limit("60000", "0.01"))
    for order in orders:
        engine.cancel(order)
    assert engine.orders() == []
    assert engine.get_stats().cancelled == 10


def test_a_throttle_can_make_orders_wait_and_a_waiting_order_can_be_taken_back() -> None:
    engine = started(orders_per_second=5, throttle="queue")
    orders = [engine.submit_order(limit("60000", "0.01")) for _ in range(8)]
    waiting = engine.get_stats().waiting
    assert waiting >= 1
    engine.cancel(orders[-1])
    assert engine.get_stats().waiting == waiting - 1
    assert engine.cancel_all() == 7
    assert engine.get_stats().waiting == 0


@pytest.mark.parametrize("kind", ["polars", "pandas", "dict", "numpy"])
def test_many_orders_are_one_crossing(engine: da.ExecutionEngine, kind: str) -> None:
    rows = [market("0.01"), market("0.02", "sell"), {**market("0.0000001")}]
    frame = pl.DataFrame(rows)
    orders: Any = {
        "polars": frame,
        "pandas": __import__("pandas").DataFrame(rows),
        "dict": frame.to_dict(as_series=False),
        "numpy": {name: np.array(values, dtype=object) for name, values in frame.to_dict(as_series=False).items()},
    }[kind]
    told = engine.submit_many(orders)
    assert told["state"].to_list() == ["filled", "filled", "refused"]
    assert told["rule"].to_list() == ["", "", "increment"]
    assert engine.positions()[0].quantity == Decimal("-0.01")


def test_a_malformed_row_is_named_and_nothing_is_sent(engine: da.ExecutionEngine) -> None:
    with pytest.raises(OrderError, match=r"row 1: .*float.*nothing was sent"):
        engine.submit_many({**{name: [value] * 2 for name, value in market().items()}, "quantity": ["0.1", 0.2]})
    with pytest.raises(ConfigError, match="submit_many takes"):
        engine.submit_many([market()])
    assert engine.get_stats().submitted == 0


def test_a_parent_is_worked_off_in_slices(engine: da.ExecutionEngine) -> None:
    parent = engine.parent(symbol=BTC, side="buy", quantity="1", algorithm="twap", slices=4, duration_ns=4)
    assert parent.startswith("PAPER-1-P")
    for _ in range(50):
        engine.advance()
        if engine.parents()[0]["state"] != "working":
            break
    pov = engine.parent(
        symbol=BTC, side="sell", quantity="1", algorithm="pov", rate="0.1", interval_ns=10**4, duration_ns=9 * 10**8
    )
    engine.trade(BTC, price="65000", quantity="2", taker_side="buy")
    for _ in range(50):
        engine.advance()
    row = next(row for row in engine.parents() if row["client_order_id"] == pov)
    assert row["filled_quantity"] == "0.2"
    engine.cancel(pov)
    with pytest.raises(OrderError, match="algorithm"):
        engine.parent(symbol=BTC, side="buy", quantity="1", algorithm="magic", duration_ns=4)


def test_a_restart_takes_the_account_up_where_the_log_left_it(tmp_path: Path) -> None:
    def open_one() -> da.ExecutionEngine:
        engine = da.ExecutionEngine([BTC], limits="open", durability="journalled", workspace=tmp_path)
        engine.start()
        engine.quote(BTC, bid="64999.5", ask="65000.5")
        return engine

    first = open_one()
    first.submit_order(market())
    first.submit_order(market("0.2", "sell"))
    resting = first.submit_order(limit("60000"))
    first.halt("enough for today", by="me")
    before = (first.account().cash, first.account().fees, first.positions()[0].quantity, first.positions()[0].cost)
    # Not stopped: the process is gone, the log stays.
    second = open_one()
    assert second.recovery is not None
    assert (second.recovery.session, second.recovery.fills, second.recovery.ended) == (2, 2, (resting,))
    held = second.positions()[0]
    assert (second.account().cash, second.account().fees, held.quantity, held.cost) == before
    with pytest.raises(RiskRefused) as refused:
        second.submit_order(market())
    assert refused.value.rule == "kill_switch", "latched"
    second.rearm("me")
    assert second.submit_order(market()) == "PAPER-2-2", "a new session, ids are never used again"
    with pytest.raises(RiskRefused) as refused:
        second.submit_order(market(client_order_id=resting))
    assert refused.value.rule == "duplicate_id"
    second.stop()
    third = open_one()
    assert third.recovery is not None and third.recovery.ended == ()
    with pytest.raises(ConfigError, match="cash"):
        da.ExecutionEngine([BTC], cash=1, durability="journalled", workspace=tmp_path).start()


@pytest.mark.parametrize("durability", ["journalled", "durable"])
def test_the_log_has_every_order_step_and_fill(tmp_path: Path, durability: Any) -> None:
    engine = started(durability=durability, workspace=tmp_path)
    engine.submit_many(pl.DataFrame([market("0.01")] * 50))
    engine.submit_order(market("0.01", "sell"))
    ops = Ops(tmp_path / "ops.sqlite")
    assert ops.scalar("SELECT count(*) FROM order_intent WHERE mode = 'paper'") == 51
    assert ops.scalar("SELECT count(*) FROM fill") == 51
    bought = sum(Decimal(row["quantity"]) for row in ops.rows("SELECT quantity FROM fill WHERE side = 'buy'"))
    assert bought - Decimal("0.01") == engine.positions()[0].quantity
    orphans = "SELECT count(*) FROM order_event WHERE client_order_id NOT IN (SELECT client_order_id FROM order_intent)"
    assert ops.scalar(orphans) == 0
    assert check(ops, tmp_path / "deepalpha.duckdb") == []
    stats = engine.get_stats()
    assert getattr(stats, durability).count == 51
    assert stats.none.count == 0
    engine.stop()


def test_an_engine_says_what_it_needs() -> None:
    engine = da.ExecutionEngine([BTC])
    with pytest.raises(EngineError, match="start"):
        engine.submit_order(market())
    with pytest.raises(ConfigError, match="workspace"):
        da.ExecutionEngine([BTC], durability="durable")
    with pytest.raises(ConfigError, match="liquidity"):
        da.ExecutionEngine([BTC], liquidity="magic")  # type: ignore[arg-type]
    engine.start()
    with pytest.raises(EngineError, match="already"):
        engine.start()
    with pytest.raises(MarketDataError, match="crossed"):
        engine.quote(BTC, bid="2", ask="1")
    engine.stop()
    engine.stop()


def test_threads_share_one_engine_and_none_waits_for_ever(tmp_path: Path) -> None:
    script = Path(__file__).parents[1] / "fixtures" / "shared_desk.py"
    run = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert (told["sent"], told["fills"], told["held"]) == (10_500, 10_500, "105")
    rows = Ops(Workspace(tmp_path).ops).rows("SELECT count(*) AS fills FROM fill")
    assert rows[0]["fills"] == 10_500


@pytest.fixture
def given_not_taken() -> Iterator[None]:
    """A thread runs until it lets another one in."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(60)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("given_not_taken")
def test_an_order_that_waits_for_the_log_holds_no_other_thread(tmp_path: Path) -> None:
    engine = started(durability="journalled", workspace=tmp_path)
    begun = threading.Event()

    def submit() -> str:
        begun.set()
        return engine.submit_order(market())

    # SQLite's locks are between processes: two SQLites in one would not see each other's.
    hold = "log = sqlite3.connect(sys.argv[1]); log.execute('BEGIN IMMEDIATE'); print('held', flush=True); input()"
    command = [sys.executable, "-c", f"import sqlite3, sys; {hold}", str(Workspace(tmp_path).ops)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with ThreadPoolExecutor(1) as pool:
            order = pool.submit(submit)
            begun.wait()
            # The order waits up to five seconds for its turn; this thread runs, and ends the other's.
            other.communicate("go\n")
            assert order.result() == "PAPER-1-1"
    engine.stop()


def test_a_full_disk_loses_no_order_doubles_none_and_says_which_was_taken(tmp_path: Path) -> None:
    script = Path(__file__).parents[1] / "fixtures" / "full_disk.py"
    run = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    # The write failed after the first order was matched: it stands, and a caller must not send it again.
    assert "order PAPER-1-3 was taken and is kept" in told["first"]
    assert "do not send it again" in told["first"]
    assert "nothing was done" in told["second"]
    assert "io_trouble" in told["second"]
    assert "0 of 2 orders were taken" in told["many"]
    assert "was done and is kept" in told["cancel"], "a cancel is never held back"
    assert (told["held"], told["open"]) == ("0.02", 0)
    assert told["final"] == "0.03", "writable again: the next order goes out"
    engine = da.ExecutionEngine(
        [BTC], limits="open", durability="journalled", workspace=tmp_path, cash="1000000000", account_id="full"
    )
    recovery = engine.start()
    assert (recovery.fills, recovery.ended) == (3, ())
    assert str(engine.positions()[0].quantity) == told["final"]
    engine.stop()
    ops = Ops(Workspace(tmp_path).ops)
    assert ops.check() == []
    filled = ops.rows("SELECT client_order_id FROM fill WHERE account_id = 'full' ORDER BY id")
    assert [row["client_order_id"] for row in filled] == ["PAPER-1-2", "PAPER-1-3", told["after"]]
    verdicts = ops.rows("SELECT ref FROM audit WHERE kind = 'verdict' AND status = 'refused' ORDER BY id")
    assert [row["ref"] for row in verdicts] == ["PAPER-1-4", "PAPER-1-5", "PAPER-1-6"]
