"""Use of the bounds of an account as its log has it: what a screen shows, by the rules of the gate itself."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from decimal import Decimal

from deepalpha import _core
from deepalpha.config import RiskSettings
from deepalpha.risk.gate import RISK_STATE, Gate, Usage
from deepalpha.risk.latch import restore_state
from deepalpha.store import Ops

TITLES = {
    "max_exposure": "Total exposure",
    "max_net_exposure": "Net exposure",
    "max_correlated_exposure": "Correlated exposure",
    "max_leverage": "Leverage",
    "max_daily_loss": "Loss of the day",
    "monthly_drawdown": "Drawdown of the month",
    "max_drawdown": "Maximum drawdown",
    "max_instrument_fraction": "Largest instrument",
    "max_volatility": "Volatility",
    "strategy_leverage": "Leverage of a strategy",
    "consecutive_losses": "Losses in a row",
}


def title(rule: str) -> str:
    """A rule's name as a person says it."""
    return TITLES.get(rule, rule.replace("_", " ").capitalize())


class Monitor:
    """Follows the equity of one account in the log; each look reads only what is new. Safe to share by threads.

    Args:
        ops: the log.
        account_id: which account.
        settings: the bounds.
    """

    def __init__(self, ops: Ops, account_id: str, settings: RiskSettings) -> None:
        self.account_id = account_id
        self.settings = settings
        self._ops = ops
        self._lock = threading.Lock()
        self._state_id = 0
        self._marked_id = 0
        self._gate = Gate(settings, bar_ns=1)

    def usage(self, positions: Mapping[str, tuple[Decimal, Decimal]], equity: Decimal, now: int) -> tuple[Usage, ...]:
        """Use of every bound that warns; of instrument and strategy rules the largest user. Largest use first.

        Args:
            positions: symbol -> (signed quantity, signed value).
            equity: cash plus position values.
            now: UTC ns of the market.
        """
        with self._lock:
            self._follow()
            view = _core.AccountView(
                equity,
                positions={symbol: quantity for symbol, (quantity, _) in positions.items()},
                values={symbol: value for symbol, (_, value) in positions.items()},
            )
            found = self._gate.usage(view, now)
        largest: dict[str, Usage] = {}
        for use in found:
            if use.rule not in largest or use.used > largest[use.rule].used:
                largest[use.rule] = use
        return tuple(largest.values())

    def _follow(self) -> None:
        state_id = self._ops.scalar(
            "SELECT max(id) FROM audit WHERE kind = ? AND account_id = ?", [RISK_STATE, self.account_id]
        )
        if state_id is not None and state_id != self._state_id:
            self._gate, self._marked_id, self._state_id = Gate(self.settings, bar_ns=1), 0, state_id
            restore_state(self._ops, self.account_id, self._gate)
        for cells in self._ops.rows(
            "SELECT id, ts_event, equity FROM equity WHERE account_id = ? AND id > ? ORDER BY id",
            [self.account_id, self._marked_id],
        ):
            self._gate.mark(int(cells["ts_event"]), Decimal(str(cells["equity"])))
            self._marked_id = int(cells["id"])
