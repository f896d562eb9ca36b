"""Every gateway keeps the contract in `deepalpha.gateways.base.Gateway`. Add a factory here for a new one."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from decimal import Decimal

import pytest

from deepalpha import _core
from deepalpha.config import Settings
from deepalpha.errors import GatewayError, MarketDataError, OrderError
from deepalpha.execution import PracticeAccount
from deepalpha.types import DAY, Candle, Fill, Instrument, Mode, OrderEvent, OrderRequest, Side

INSTRUMENT = Instrument(symbol="AAPL", tick_size=Decimal("0.01"))


def practice() -> PracticeAccount:
    return PracticeAccount(Settings.default(), {"AAPL": INSTRUMENT}, bar_ns=DAY)


@pytest.fixture(params=[practice], ids=["practice"])
def account(request: pytest.FixtureRequest) -> PracticeAccount:
    factory: Callable[[], PracticeAccount] = request.param
    made = factory()
    made.gateway.on_candle(candle(0))
    return made


def candle(day: int, *, open: float = 100.0, high: float = 101.0, low: float = 99.0, close: float = 100.0) -> Candle:
    return Candle(
        symbol="AAPL",
        timeframe="1d",
        ts_open=day * DAY,
        ts_event=(day + 1) * DAY,
        ts_init=(day + 1) * DAY,
        open=open,
        high=high,
        low=low,
        close=close,
        volume=1.0,
    )


def order(name: str = "PRA-1-a", **changes: object) -> OrderRequest:
    fields: dict[str, object] = {
        "client_order_id": name,
        "decision_id": f"decision of {name}",
        "symbol": "AAPL",
        "side": Side.BUY,
        "quantity": Decimal(10),
        "reference_price": Decimal(100),
        "stop_loss": Decimal(98),
        "take_profit": Decimal(106),
    }
    return OrderRequest(**{**fields, **changes})  # type: ignore[arg-type]


def approve(account: PracticeAccount, request: OrderRequest) -> _core.Approved:
    verdict, approved = account.check(request, DAY)
    assert approved is not None, verdict.message
    return approved


def test_takes_only_what_the_gate_approved(account: PracticeAccount) -> None:
    for forged in (order(), None, object(), "PRA-1-a"):
        with pytest.raises(TypeError):
            account.gateway.submit(forged, DAY)  # type: ignore[arg-type]
    assert account.gateway.order_state("PRA-1-a") is None


def test_an_approval_cannot_be_made_copied_or_used_twice(account: PracticeAccount) -> None:
    with pytest.raises(TypeError):
        _core.Approved()  # type: ignore[call-arg]
    approved = approve(account, order())
    for forge in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            forge(approved)
    assert account.gateway.submit(approved, DAY)
    with pytest.raises(OrderError, match="used before"):
        account.gateway.submit(approved, DAY)


def test_reports_every_step_and_fill_once_and_adds_up(account: PracticeAccount) -> None:
    report = account.gateway.submit(approve(account, order()), DAY)
    assert [(fact.event, fact.state) for fact in report if isinstance(fact, OrderEvent)] == [
        ("submit", "submitted"),
        ("accept", "accepted"),
    ]
    assert account.gateway.working() == ("PRA-1-a",)
    fills = [fact for fact in account.gateway.on_candle(candle(1)) if isinstance(fact, Fill)]
    assert [(fill.quantity, fill.price, fill.reason) for fill in fills] == [
        (Decimal(10), Decimal("100.05"), "market: at the open")
    ]
    assert account.gateway.order_state("PRA-1-a") == "filled"
    (position,) = account.gateway.positions()
    assert position.quantity == sum(fill.quantity for fill in fills)
    totals = account.gateway.account(2 * DAY)
    assert totals.equity == totals.cash + totals.position_value
    assert totals.cash == Decimal(100_000) - Decimal(10) * fills[0].price - fills[0].fee


def test_an_unknown_order_or_instrument_is_evidence_or_an_error(account: PracticeAccount) -> None:
    assert account.gateway.order_state("never sent") is None
    with pytest.raises(OrderError, match="never sent"):
        account.gateway.cancel("never sent", DAY, "test")
    with pytest.raises(GatewayError, match="AAPL"):
        account.gateway.instrument("MSFT")


def test_bars_that_cannot_be_are_refused_and_change_nothing(account: PracticeAccount) -> None:
    before = account.gateway.account(DAY)
    for bad in (
        candle(1, high=99.5),
        candle(1, low=float("nan")),
        candle(1, close=float("inf")),
        candle(1, low=-1.0),
        candle(0),
    ):
        with pytest.raises(MarketDataError, match="AAPL"):
            account.gateway.on_candle(bad)
    assert account.gateway.account(DAY) == before


@pytest.mark.parametrize(
    "amount", [Decimal("NaN"), Decimal("Infinity"), Decimal("1E+30"), Decimal("0.000000001"), 1.5, None]
)
def test_hostile_amounts_raise_a_typed_error(account: PracticeAccount, amount: object) -> None:
    with pytest.raises(OrderError):
        account.check(order(quantity=amount), DAY)


@pytest.mark.parametrize(("quantity", "rule"), [(0, "increment"), (-5, "increment"), (10**6, "max_order_notional")])
def test_the_gate_names_rule_value_and_bound(account: PracticeAccount, quantity: int, rule: str) -> None:
    verdict, approved = account.check(order(quantity=Decimal(quantity)), DAY)
    assert approved is None
    assert (verdict.approved, verdict.rule) == (False, rule)
    assert verdict.value
    assert verdict.bound
    assert verdict.message.startswith(rule)


def test_the_mode_is_in_the_order_id(account: PracticeAccount) -> None:
    assert account.gateway.mode is Mode.PRACTICE
