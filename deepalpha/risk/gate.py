"""Settings in, verdicts out; the rules themselves are evaluated in the core (`core/engine/src/risk`)."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from deepalpha import _core
from deepalpha.config import RiskSettings
from deepalpha.types import Instrument, OrderRequest, Verdict


class Gate:
    """The gate of one account.

    Args:
        settings: the bounds.
        bar_ns: length of a bar in nanoseconds; the age of prices is bounded in bars.
    """

    def __init__(self, settings: RiskSettings, *, bar_ns: int) -> None:
        self.settings = settings
        self.core = _core.RiskGate(
            max_order_notional=settings.max_order_notional,
            max_trade_fraction=settings.max_trade_fraction,
            max_instrument_fraction=settings.max_instrument_fraction,
            max_exposure=settings.max_exposure,
            max_leverage=settings.max_leverage,
            max_daily_loss=settings.max_daily_loss,
            price_band=settings.price_band,
            max_data_age_ns=settings.max_data_age_bars * bar_ns,
            allow_short=settings.allow_short,
        )

    @property
    def killed(self) -> str | None:
        """Why trading is halted, or None."""
        return self.core.killed

    def kill(self, reason: str) -> None:
        """Halt: nothing that opens risk passes until `rearm`."""
        self.core.kill(reason)

    def rearm(self) -> None:
        """Take the halt back."""
        self.core.rearm()

    def mark(self, ts_event: int, equity: Decimal) -> None:
        """Tell the gate the equity after a bar."""
        self.core.mark(ts_event, equity)

    def remember(self, client_order_id: str, decision_id: str) -> None:
        """After a restart: this order was approved in an earlier run."""
        self.core.remember(client_order_id, decision_id)

    def preview(
        self,
        order: OrderRequest,
        *,
        instrument: Instrument,
        account: _core.AccountView,
        last: tuple[str, int] | None,
        now: int,
    ) -> Verdict:
        """Every rule for an order, without remembering it: what a person sees before the click."""
        ruled = self.core.preview(order, instrument_of=instrument, account=account, last=last, now=now)
        return msgspec.convert(ruled, Verdict)

    def check(
        self,
        order: OrderRequest,
        *,
        instrument: Instrument,
        account: _core.AccountView,
        last: tuple[str, int] | None,
        now: int,
    ) -> tuple[Verdict, _core.Approved | None]:
        """Rule on an order: the verdict, and the approval if every rule holds.

        Args:
            order: what is wanted.
            instrument: its steps.
            account: from the venue's `account_view()`.
            last: last price as text and its UTC ns; None when there is none.
            now: UTC ns by the clock that the prices are stamped with.
        """
        ruled, approved = self.core.check(order, instrument_of=instrument, account=account, last=last, now=now)
        return msgspec.convert(ruled, Verdict), approved
