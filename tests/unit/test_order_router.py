"""`OrderRouter` against a venue behind a real socket: nothing is lost, nothing is doubled, nothing is guessed."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from router_desk import QUICK, Desk, gate, limit, order
from wire_venue import SYMBOL, WireLink, WireVenue

from deepalpha import _core
from deepalpha.config import Workspace
from deepalpha.errors import DuplicateError, EngineError, OrderError
from deepalpha.gateways.link import VenueOrder, VenuePosition, VenueReport
from deepalpha.store import Ops
from deepalpha.types import OrderRequest, PositionSide, Side

Scene = Callable[[WireVenue, Desk], Awaitable[None]]


def play(folder: Path, scene: Scene) -> None:
    """A scene with a venue and a started router; afterwards the log alone gives the same state."""

    async def run() -> None:
        async with WireVenue() as venue:
            desk = Desk(venue, folder)
            async with desk.router:
                await desk.ready()
                await scene(venue, desk)
                before = desk.router.status()
            again = Desk(venue, folder)
            assert again.router.status().state_hash == desk.router.status().state_hash
            assert before.sent <= before.intents
            held = sum((held.quantity for held in desk.router.positions()), Decimal(0))
            (booked,) = Ops(Workspace(folder).ops).rows(
                "SELECT coalesce(sum(CASE side WHEN 'buy' THEN 1 ELSE -1 END * CAST(quantity AS REAL)), 0) AS net "
                "FROM fill"
            )
            assert float(held) == booked["net"]

    asyncio.run(run())


def test_an_order_is_written_sent_filled_and_booked(tmp_path: Path) -> None:
    async def scene(venue: WireVenue, desk: Desk) -> None:
        await desk.submit(order(1))
        await desk.router.until(lambda _: desk.state(1) == "filled")
        (held,) = desk.router.positions()
        assert (held.symbol, held.position_side, held.quantity) == (SYMBOL, PositionSide.NET, Decimal(1))
        await desk.submit(limit(2, "90"))
        await desk.router.until(lambda _: desk.state(2) == "accepted")
        await desk.router.cancel("PAPER-T-2")
        await desk.router.until(lambda _: desk.state(2) == "cancelled")
        assert desk.router.orders() == ()
        assert [row.state for row in desk.router.orders(closed=True)] == ["filled", "cancelled"]

    play(tmp_path, scene)


def test_the_same_id_is_one_order(tmp_path: Path) -> None:
    async def scene(venue: WireVenue, desk: Desk) -> None:
        await desk.submit(order(1))
        await desk.router.until(lambda _: desk.state(1) == "filled")
        desk.gate = gate()
        with pytest.raises(DuplicateError, match="is filled; nothing was sent again"):
            await desk.submit(order(1))
        assert venue.arrivals == {"PAPER-T-1": 1}

    play(tmp_path, scene)


def test_a_connection_that_breaks_after_the_venue_took_the_order_doubles_nothing(tmp_path: Path) -> None:
    async def scene(venue: WireVenue, desk: Desk) -> None:
        venue.cut_after_send = 1
        await desk.submit(order(1))
        await desk.router.until(lambda _: "link_down" in desk.alerts())
        await desk.router.until(lambda _: desk.state(1) == "filled")
        assert venue.arrivals == {"PAPER-T-1": 1}
        assert venue.connections >= 2
        assert sum(held.quantity for held in desk.router.positions()) == 1

    play(tmp_path, scene)


def test_nothing_is_taken_while_there_is_no_connection(tmp_path: Path) -> None:
    async def run() -> None:
        async with WireVenue() as venue:
            desk = Desk(venue, tmp_path)
            async with desk.router:
                await desk.ready()
                await venue.__aexit__()
                await desk.router.until(lambda _: "link_down" in desk.alerts())
                with pytest.raises(OrderError, match="LINK_DOWN"):
                    await desk.submit(order(1))
                assert desk.router.status().risk_state == "halted"
                assert desk.router.order("PAPER-T-1") is None

    asyncio.run(run())


def test_an_order_that_never_arrived_is_unknown_until_the_venue_could_not_have_it(tmp_path: Path) -> None:
    async def scene(venue: WireVenue, desk: Desk) -> None:
        venue.cut_before_send = 1
        await desk.submit(order(1))
        await desk.router.until(lambda _: desk.state(1) == "unknown")
        view = desk.router.account_view(Decimal(1000), {SYMBOL: Decimal(100)})
        assert dict(desk.router._manager.working()) == {SYMBOL: "100"}, "it keeps its reservation"
        assert view is not None
        with pytest.raises(OrderError, match=r"UNKNOWN_ORDER|LINK_DOWN|NOT_RECONCILED"):
            await desk.submit(order(2))
        await desk.router.until(lambda _: desk.state(1) in ("rejected", "cancelled"))
        assert "order_unknown" in desk.alerts()
        assert venue.arrivals == {}, "it was not sent again"
        await desk.ready()
        await desk.submit(order(3))
        await desk.router.until(lambda _: desk.state(3) == "filled")

    play(tmp_path, scene)


def test_what_is_said_twice_is_booked_once(tmp_path: Path) -> None:
    async def scene(venue: WireVenue, desk: Desk) -> None:
        venue.twice = True
        await desk.submit(order(1))
        await desk.submit(limit(2, "99.5", "3"))
        await desk.router.until(lambda _: desk.state(2) == "accepted")
        venue.move("99", "99.4")
        await desk.router.until(lambda _: desk.state(2) == "filled")
        await desk.router.until(lambda router: router.status().duplicate_fills >= 2)
        assert sum(held.quantity for held in desk.router.positions()) == 4

    play(tmp_path, scene)


def test_fills_that_were_not_told_are_found_by_the_reconciliation(tmp_path: Path) -> None:
    async def scene(venue: WireVenue, desk: Desk) -> None:
        await desk.submit(limit(1, "99.5"))
        await desk.router.until(lambda _: desk.state(1) == "accepted")
        venue.mute = True
        venue.move("99", "99.4")
        venue.mute = False
        await desk.router.until(lambda _: desk.state(1) == "filled")
        assert sum(held.quantity for held in desk.router.positions()) == 1

    play(tmp_path, scene)


def test_a_strange_order_is_shown_holds_its_symbol_and_is_not_touched(tmp_path: Path) -> None:
    async def scene(venue: WireVenue, desk: Desk) -> None:
        stranger = VenueOrder(
            client_order_id="web-77",
            symbol=SYMBOL,
            side=Side.SELL,
            quantity=Decimal(2),
            filled=Decimal(0),
            status="working",
            price=Decimal(120),
            ts_event=1,
        )
        venue.strangers.append(stranger)
        await desk.router.until(lambda router: bool(router.discrepancies()))
        (found,) = desk.router.discrepancies()
        assert (found.kind, found.symbol, found.says["client_order_id"]) == ("unknown_order", SYMBOL, "web-77")
        with pytest.raises(OrderError, match="HELD"):
            await desk.submit(order(1))
        await desk.router.accept_venue(found.id)
        assert desk.router.discrepancies() == ()
        assert [row.client_order_id for row in desk.router.orders()] == ["web-77"]

    play(tmp_path, scene)


def test_a_position_nobody_can_explain_is_shown_and_never_repaired_silently(tmp_path: Path) -> None:
    async def scene(venue: WireVenue, desk: Desk) -> None:
        venue.extra_positions.append(VenuePosition(symbol="ETH/USDT", quantity=Decimal(5), average_price=Decimal(10)))
        await desk.router.until(lambda router: bool(router.discrepancies()))
        (found,) = desk.router.discrepancies()
        assert (found.kind, found.symbol) == ("position_differs", "ETH/USDT")
        assert (found.says["ours"], found.says["venue"]) == ("0", "5")
        assert desk.router.positions() == ()
        await desk.router.accept_venue(found.id)
        (held,) = desk.router.positions()
        assert (held.symbol, held.quantity) == ("ETH/USDT", Decimal(5))
        with pytest.raises(OrderError, match="no price of ETH/USDT"):
            desk.router.account_view(Decimal(1), {SYMBOL: Decimal(100)})

    play(tmp_path, scene)


def test_the_kill_switch_cancels_everything_and_outlives_a_restart(tmp_path: Path) -> None:
    async def scene(venue: WireVenue, desk: Desk) -> None:
        await desk.submit(order(1))
        await desk.submit(limit(2, "90"))
        await desk.router.until(lambda _: (desk.state(1), desk.state(2)) == ("filled", "accepted"))
        (close,) = await desk.router.kill(flatten=True)
        assert (close.symbol, close.quantity) == (SYMBOL, Decimal(1))
        await desk.router.until(lambda _: desk.state(2) == "cancelled")
        with pytest.raises(OrderError, match="KILLED"):
            await desk.submit(order(3))
        exit_order = order(4, side=Side.SELL, reduce_only=True)
        await desk.submit(exit_order)
        await desk.router.until(lambda _: desk.state(4) == "filled")
        assert desk.router.positions() == ()

    play(tmp_path, scene)

    async def later() -> None:
        async with WireVenue() as venue:
            desk = Desk(venue, tmp_path)
            async with desk.router:
                assert desk.router.status().killed
                await desk.router.rearm()
                assert not desk.router.status().killed

    asyncio.run(later())


def test_a_restart_asks_what_became_of_an_order_that_was_on_its_way(tmp_path: Path) -> None:
    async def run() -> None:
        async with WireVenue() as venue:
            first = Desk(venue, tmp_path)
            async with first.router:
                await first.ready()
                venue.mute = True
                await first.submit(order(1))
                await first.router.until(lambda _: venue.arrivals["PAPER-T-1"] == 1)
            venue.mute = False
            second = Desk(venue, tmp_path)
            async with second.router:
                assert second.state(1) == "unknown"
                await second.router.until(lambda _: second.state(1) == "filled")
                assert venue.arrivals == {"PAPER-T-1": 1}
                assert sum(held.quantity for held in second.router.positions()) == 1

    asyncio.run(run())


def test_a_person_can_say_what_became_of_an_order(tmp_path: Path) -> None:
    async def run() -> None:
        async with WireVenue() as venue:
            desk = Desk(venue, tmp_path)
            async with desk.router:
                await desk.ready()
                venue.mute = True
                await desk.submit(order(1))
                await desk.router.until(lambda _: desk.state(1) == "unknown")
                await desk.router.resolve("PAPER-T-1", "filled", quantity=Decimal(1), price=Decimal(100))
                assert desk.state(1) == "filled"
                assert sum(held.quantity for held in desk.router.positions()) == 1
                with pytest.raises(OrderError, match="STATE"):
                    await desk.router.resolve("PAPER-T-1", "absent")

    asyncio.run(run())


class Stalled(WireLink):
    """A link that hands no snapshot request over while it is told to wait."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.go, self.waits = asyncio.Event(), asyncio.Event()
        self.go.set()

    async def snapshot(self, snapshot: int, fills_since: int) -> None:
        if not self.go.is_set():
            self.waits.set()
        await self.go.wait()
        await super().snapshot(snapshot, fills_since)


def test_an_order_that_waited_through_a_break_is_not_handed_over_any_more(tmp_path: Path) -> None:
    patient = msgspec.structs.replace(QUICK, answer_timeout_s=30.0, longest_handover_s=30.0)

    async def run() -> None:
        async with WireVenue() as venue:
            desk = Desk(venue, tmp_path, patient)
            link = desk.router.link = Stalled(venue.port)
            async with desk.router:
                await desk.ready()
                link.go.clear()
                await link.waits.wait()
                # The snapshot's request blocks the way; the order behind it has not left when the wire breaks.
                await desk.submit(order(1))
                venue.cut()
                await desk.router.until(lambda _: "link_down" in desk.alerts())
                link.go.set()
                await desk.router.until(lambda _: desk.state(1) in ("rejected", "cancelled"))
                assert venue.arrivals == {}
                assert any("was not handed over" in alert.text for alert in desk.router.alerts)

    asyncio.run(run())


def test_a_bad_message_is_told_and_the_router_goes_on(tmp_path: Path) -> None:
    async def scene(venue: WireVenue, desk: Desk) -> None:
        venue._say(VenueReport(kind="accepted", client_order_id="PAPER-T-1"))
        await desk.router.until(lambda _: "bad_message" in desk.alerts())
        (told,) = [alert.text for alert in desk.router.alerts if alert.code == "bad_message"]
        assert told.startswith("a venue's accepted needs ts_event")
        await desk.submit(order(1))
        await desk.router.until(lambda _: desk.state(1) == "filled")

    play(tmp_path, scene)


def test_a_fault_of_the_link_itself_stops_the_router_where_everybody_sees_it(tmp_path: Path) -> None:
    class Faulty(WireLink):
        async def send(self, order: OrderRequest, sent_at: int) -> None:
            raise KeyError("a mistake in the link")

    async def run() -> None:
        async with WireVenue() as venue:
            desk = Desk(venue, tmp_path)
            desk.router.link = Faulty(venue.port)
            with pytest.raises(KeyError, match="a mistake in the link"):
                async with desk.router:
                    await desk.ready()
                    await desk.submit(order(1))
                    await desk.router.until(lambda _: "router_stopped" in desk.alerts())
                    with pytest.raises(EngineError, match="the router stopped"):
                        await desk.submit(order(2))
                    with pytest.raises(EngineError, match="the router stopped"):
                        await desk.router.cancel("PAPER-T-1")

    asyncio.run(run())


def test_an_answer_nobody_got_is_asked_for_and_nothing_is_sent_again(tmp_path: Path) -> None:
    class Vague(WireLink):
        async def send(self, order: OrderRequest, sent_at: int) -> None:
            await super().send(order, sent_at)
            raise TimeoutError("no answer")

    # No timer of the manager comes first: it is the link's word that makes the order unknown.
    patient = msgspec.structs.replace(QUICK, answer_timeout_s=30.0, reconcile_every_s=30.0)

    async def run() -> None:
        async with WireVenue() as venue:
            desk = Desk(venue, tmp_path, patient)
            desk.router.link = Vague(venue.port)
            async with desk.router:
                await desk.ready()
                venue.mute = True
                await desk.submit(order(1))
                await desk.router.until(lambda _: desk.state(1) == "unknown")
                venue.mute = False
                await desk.router.until(lambda _: desk.state(1) == "filled")
                assert venue.arrivals == {"PAPER-T-1": 1}
                assert {"send_failed", "order_unknown"} <= desk.alerts()

    asyncio.run(run())


def test_a_full_disk_sends_nothing_new_holds_no_cancel_up_and_loses_nothing(tmp_path: Path) -> None:
    script = Path(__file__).parents[1] / "fixtures" / "full_disk_router.py"
    run = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert told["trouble"], "the reason is shown"
    assert told["denied"].startswith("LOG_FAILED")
    assert told["sent"] == {"PAPER-T-1": 1, "PAPER-T-2": 1}, "an intent that is not in the log does not leave"
    assert set(told["arrivals"].values()) == {1}
    assert told["third"] in ("cancelled", "rejected", "filled")
    assert Decimal(told["held"]) == 2 + (told["third"] == "filled")
    manager = _core.OrderManager(
        Workspace(tmp_path).ops,
        run_id="later",
        account_id="main",
        mode="paper",
        own_prefix="PAPER-T-",
        durable=False,
        settings={},
    )
    assert manager.status()["state_hash"] == told["hash"]


@pytest.mark.parametrize(
    ("kind", "fields", "message"),
    [
        ("fill", {}, "a venue's fill needs client_order_id"),
        ("gone", {}, 'a venue tells no "gone"'),
        (
            "rejected",
            {"client_order_id": "a", "why": "mood", "ts_event": 1},
            'has why "mood", not refused, duplicate_id, too_late or rate_limited',
        ),
        ("cancelled", {"client_order_id": "a", "filled": "nan", "ts_event": 1}, "nan"),
        ("status", {"query": 1, "client_order_id": "a"}, "a venue's status needs"),
    ],
)
def test_a_message_that_cannot_be_is_refused_and_changes_nothing(
    tmp_path: Path, kind: str, fields: dict[str, object], message: str
) -> None:
    manager = _core.OrderManager(
        Workspace(tmp_path).ops, run_id="r", account_id="a", mode="paper", own_prefix="P-", durable=False, settings={}
    )
    before = manager.status()
    with pytest.raises(OrderError, match=message):
        manager.report(kind, fields)
    assert manager.status() == before
