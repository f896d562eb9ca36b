"""`OrderRouter`: approved orders to a venue behind a wire; none is lost, none is doubled.

The order manager of the Rust core decides; this carries out: it writes (inside the core) before it sends, hands one
request after the other to the link, feeds back what the venue says, and connects anew when the connection breaks. An
order nobody can tell about is `unknown`: it keeps its reservation, holds its symbol, and is left only by the venue's
evidence or by a person (`resolve`). Where venue and log disagree, the symbol is held and shown in `discrepancies`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import msgspec

from deepalpha import _core
from deepalpha.config import Workspace
from deepalpha.errors import DuplicateError, EngineError, GatewayError, OrderError
from deepalpha.execution.router_facts import (
    Discrepancy,
    Holding,
    RoutedOrder,
    RouterAlert,
    RouterSettings,
    RouterStatus,
)
from deepalpha.gateways.link import VenueFill, VenueLink, VenueMessage, VenueReport, VenueSnapshot, VenueStatus
from deepalpha.types import OrderRequest, PositionSide

TICK_S = 0.05
# What a link may raise when the wire, and not the program, is at fault.
_WIRE = (GatewayError, OSError, TimeoutError)

Clocks = Callable[[], tuple[int, int]]


class OrderRouter:
    """Orders of one account at one venue.

    Args:
        link: the connection.
        workspace: where ops.sqlite is; the log of the account is replayed.
        account_id: the account at the venue.
        id_prefix: how the ids of our orders begin; any other order at the venue is foreign, shown and never cancelled.
        durability: `durable` (also survives the loss of power) or `journalled`.
        settings: durations.
        on_alert: called with every `RouterAlert`; they are kept in `alerts` too (the last 1,000).
        clocks: monotonic and UTC ns, for replays; this machine's by default.

    Example:
        >>> async with OrderRouter(link, workspace, account_id="main", id_prefix="DA-") as router:  # doctest: +SKIP
        ...     await router.submit(approved)
    """

    def __init__(
        self,
        link: VenueLink,
        workspace: Workspace,
        *,
        account_id: str,
        id_prefix: str,
        durability: Literal["journalled", "durable"] = "durable",
        settings: RouterSettings | None = None,
        on_alert: Callable[[RouterAlert], None] | None = None,
        clocks: Clocks | None = None,
    ) -> None:
        self.link = link
        self.account_id = account_id
        self.settings = settings or RouterSettings()
        self.alerts: list[RouterAlert] = []
        self._on_alert = on_alert
        self._clocks = clocks
        durations = {
            name.removesuffix("_s"): int(value * 1e9)
            for name, value in msgspec.structs.asdict(self.settings).items()
            if name.endswith("_s") and "reconnect" not in name and "handover" not in name
        }
        self._manager = _core.OrderManager(
            workspace.ops,
            run_id=f"{account_id}-{time.time_ns()}",
            account_id=account_id,
            mode=link.mode.value,
            own_prefix=id_prefix,
            durable=durability == "durable",
            settings={**durations, "seed": self.settings.seed},
        )
        self._outbox: asyncio.Queue[_Request] = asyncio.Queue()
        self._connection = 0
        self._broken: Exception | None = None
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._flatten: list[Holding] = []

    async def __aenter__(self) -> OrderRouter:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Take the log up, connect, and go on connecting. New orders pass once the venue was compared with the log."""
        if self._tasks:
            raise EngineError("this OrderRouter is started already; call stop() first")
        self._broken = None
        self._carry(self._manager.start(self._now()))
        self._tasks = [asyncio.create_task(self._run(task)) for task in (self._listen, self._send, self._tick)]

    async def stop(self) -> None:
        """Close the connection. Orders at the venue stay there; the next start asks what became of them."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._broken is not None:
            raise self._broken

    async def submit(self, approved: _core.Approved) -> None:
        """Write an approved order, then send it.

        Raises:
            OrderError: not taken, and why, by its code (`HELD`, `UNKNOWN_ORDER`, `NOT_RECONCILED`, ...).
            DuplicateError: its id was used before; the message says where that order stands.
        """
        self._check()
        name = approved.client_order_id
        (answer, text), effects = self._manager.submit(approved, self._now())
        self._carry(effects)
        if answer == "denied":
            raise OrderError(text)
        if answer == "duplicate":
            raise DuplicateError(f"{name} was submitted before and is {text}; nothing was sent again")

    async def cancel(self, client_order_id: str) -> None:
        """Take an order back; never held up by the log. OrderError when it is not in the log or over."""
        self._obey(self._manager.cancel(client_order_id, self._now()))

    async def cancel_all(self, symbol: str | None = None) -> None:
        """Take all of our orders back, or those of a symbol."""
        self._obey(self._manager.cancel_all(symbol, self._now()))

    async def amend(
        self, client_order_id: str, *, quantity: Decimal | None = None, limit_price: Decimal | None = None
    ) -> None:
        """Make an order smaller or move its limit; more quantity is a new order through the gate."""
        answer = self._manager.amend(client_order_id, quantity=quantity, limit_price=limit_price, clocks=self._now())
        self._obey(answer)

    async def kill(self, *, flatten: bool = False) -> tuple[Holding, ...]:
        """Nothing new, all of ours cancelled, latched until `rearm`, also through a restart.

        Returns:
            With `flatten`, the positions to close: reduce-only orders for them pass the gate and `submit`.
        """
        self._flatten = []
        self._obey(self._manager.switch("kill", flatten=flatten, clocks=self._now()))
        return tuple(self._flatten)

    async def reduce(self) -> None:
        """From here only what shrinks a position, latched likewise."""
        self._obey(self._manager.switch("reduce", clocks=self._now()))

    async def rearm(self) -> None:
        """A person takes both switches back."""
        self._obey(self._manager.switch("rearm", clocks=self._now()))

    async def accept_venue(self, discrepancy: int) -> None:
        """A person accepts the venue's side of a discrepancy."""
        self._obey(self._manager.accept_venue(discrepancy, self._now()))

    async def resolve(
        self,
        client_order_id: str,
        outcome: Literal["absent", "cancelled", "filled"],
        *,
        quantity: Decimal | None = None,
        price: Decimal | None = None,
    ) -> None:
        """A person says what became of an unknown order that the venue cannot tell about."""
        answer = self._manager.resolve(client_order_id, outcome, quantity=quantity, price=price, clocks=self._now())
        self._obey(answer)

    def orders(self, *, closed: bool = False) -> tuple[RoutedOrder, ...]:
        """Orders that are not over, or every one, oldest first."""
        return tuple(msgspec.convert(row, RoutedOrder, strict=False) for row in self._manager.orders(closed=closed))

    def order(self, client_order_id: str) -> RoutedOrder | None:
        """One order; None when it is not in the log."""
        found = self._manager.order(client_order_id)
        return None if found is None else msgspec.convert(found, RoutedOrder, strict=False)

    def positions(self) -> tuple[Holding, ...]:
        """Positions that are not flat."""
        return tuple(
            Holding(symbol=symbol, position_side=PositionSide(side), quantity=Decimal(quantity))
            for symbol, side, quantity in self._manager.positions()
        )

    def discrepancies(self) -> tuple[Discrepancy, ...]:
        """Where venue and log disagree."""
        return tuple(msgspec.convert(row, Discrepancy, strict=False) for row in self._manager.discrepancies())

    def status(self) -> RouterStatus:
        """What is allowed now, and why."""
        return msgspec.convert(self._manager.status(), RouterStatus, strict=False)

    def account_view(self, equity: Decimal, prices: Mapping[str, Decimal]) -> _core.AccountView:
        """The account for the gate: holdings at `prices`, and what working and unknown orders may still take.

        Raises:
            OrderError: a position without a price; the gate would not see it.
        """
        held: dict[str, Decimal] = {}
        for position in self.positions():
            held[position.symbol] = held.get(position.symbol, Decimal(0)) + position.quantity
        if missing := sorted(held.keys() - prices.keys()):
            raise OrderError(f"no price of {', '.join(missing)}, which the account holds; give one")
        return _core.AccountView(
            equity,
            positions=held,
            values={symbol: quantity * prices[symbol] for symbol, quantity in held.items()},
            working=dict(self._manager.working()),
        )

    async def until(self, holds: Callable[[OrderRouter], bool], timeout_s: float = 10.0) -> None:
        """Wait until something holds, looked at after every change. TimeoutError when it does not in time."""
        async with asyncio.timeout(timeout_s):
            while not holds(self):
                self._check()
                self._changed.clear()
                await self._changed.wait()

    def _now(self) -> tuple[int, int] | None:
        return None if self._clocks is None else self._clocks()

    def _check(self) -> None:
        if self._broken is not None:
            raise EngineError(f"the router stopped: {self._broken!r}; mend the cause, then start it anew")

    def _obey(self, answer: tuple[tuple[str, str] | None, list[tuple[str, dict[str, Any]]]]) -> None:
        denied, effects = answer
        self._carry(effects)
        self._check()
        if denied is not None:
            raise OrderError(denied[1])

    def _carry(self, effects: list[tuple[str, dict[str, Any]]]) -> None:
        """Requests into the outbox, one after the other in the manager's order; then alerts to whoever listens."""
        alerts = []
        for kind, fields in effects:
            if kind == "alert":
                alerts.append(RouterAlert(**fields))
            elif kind == "flatten":
                self._flatten.append(msgspec.convert(fields, Holding, strict=False))
            elif kind != "risk_state":
                self._outbox.put_nowait(_Request(kind, fields, self._connection, time.monotonic()))
        self._changed.set()
        for alert in alerts:
            self._alert(alert)

    def _alert(self, alert: RouterAlert) -> None:
        self.alerts.append(alert)
        del self.alerts[:-1000]
        self._changed.set()
        if self._on_alert is not None:
            self._on_alert(alert)

    def _tell(self, kind: str, fields: dict[str, Any]) -> None:
        self._carry(self._manager.report(kind, fields, self._now()))

    async def _run(self, task: Callable[[], Awaitable[None]]) -> None:
        """What fails for a reason that is no wire's stops the router where everybody sees it, never quietly."""
        try:
            await task()
        except Exception as error:
            self._broken = error
            self._alert(RouterAlert(code="router_stopped", about="", text=f"the router stopped: {error!r}"))
            raise

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._carry(self._manager.timer(self._now()))

    async def _send(self) -> None:
        while True:
            request = await self._outbox.get()
            if request.kind in ("send", "amend") and self._is_old(request):
                # The manager lost sight of it when the connection broke; sent now it would come behind its own burial.
                self._failed(request, "it waited too long and was not handed over")
                continue
            try:
                async with asyncio.timeout(self.settings.answer_timeout_s):
                    await self._request(request.kind, request.fields)
            except _WIRE as error:
                self._failed(request, f"{error!r}; it may have arrived")

    def _is_old(self, request: _Request) -> bool:
        waited = time.monotonic() - request.queued
        return request.connection != self._connection or waited > self.settings.longest_handover_s

    def _request(self, kind: str, fields: dict[str, Any]) -> Awaitable[None]:
        link = self.link
        if kind == "send":
            return link.send(msgspec.convert(fields["order"], OrderRequest, strict=False), fields["sent_at"])
        if kind == "cancel":
            return link.cancel(fields["client_order_id"], fields["symbol"])
        if kind == "amend":
            limit = fields["limit_price"]
            return link.amend(
                fields["client_order_id"],
                fields["symbol"],
                Decimal(fields["quantity"]),
                None if limit is None else Decimal(limit),
                fields["sent_at"],
            )
        if kind == "query":
            return link.query(fields["query"], fields["client_order_id"], fields["symbol"])
        return link.snapshot(fields["snapshot"], fields["fills_since"])

    def _failed(self, request: _Request, why: str) -> None:
        """Nothing is sent again: the venue is asked by the manager's timers."""
        order = request.fields.get("order", request.fields)
        about = order.get("client_order_id", "")
        self._alert(RouterAlert(code=f"{request.kind}_failed", about=about, text=f"{request.kind} {about}: {why}"))
        if request.kind in ("send", "amend", "cancel"):
            self._tell("maybe", {"client_order_id": about})

    async def _listen(self) -> None:
        pause = self.settings.first_reconnect_pause_s
        jitter = random.Random(self.settings.seed)
        while True:
            why = "the venue closed it"
            try:
                async for message in self.link.messages():
                    pause = self.settings.first_reconnect_pause_s
                    self._hear(message)
            except _WIRE as error:
                why = repr(error)
            self._connection += 1
            self._tell("link_down", {})
            self._alert(RouterAlert(code="link_down", about="", text=f"no connection: {why}; next try in {pause:g} s"))
            await asyncio.sleep(pause * (0.5 + jitter.random() / 2))
            pause = min(pause * 2, self.settings.longest_reconnect_pause_s)

    def _hear(self, message: VenueMessage) -> None:
        try:
            self._tell(*_fields(message))
        except OrderError as error:
            # Nothing was changed; what it was about is asked for.
            self._alert(RouterAlert(code="bad_message", about="", text=f"{error}: {message!r}"))


class _Request(NamedTuple):
    """Something to hand to the link, when it came and on which connection."""

    kind: str
    fields: dict[str, Any]
    connection: int
    queued: float


def _fields(message: VenueMessage) -> tuple[str, dict[str, Any]]:
    """A message as the core takes it."""
    plain = msgspec.to_builtins(message)
    match message:
        case VenueReport():
            return plain.pop("kind"), plain
        case VenueFill():
            return "fill", plain
        case VenueStatus():
            return "status", {"query": message.query, **plain["order"]}
        case VenueSnapshot():
            return "snapshot", plain
