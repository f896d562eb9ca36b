"""Settings in, verdicts out; the rules themselves are evaluated in the core (`core/engine/src/risk`)."""

from __future__ import annotations

import difflib
from decimal import Decimal
from typing import Any

import msgspec

from deepalpha import _core
from deepalpha.config import RiskSettings
from deepalpha.errors import ConfigError
from deepalpha.types import Fact, Instrument, OrderRequest, Verdict

RISK_STATE, RISK_WARNING = "risk_state", "risk_warning"


class RuleInfo(Fact, frozen=True):
    """One rule of the gate as the core has it. `default` is None for a rule that is off unless set."""

    name: str
    rank: int
    tier: str
    unit: str
    holds: str
    default: str | int | None
    meaning: str
    needs: str
    missing: str
    reducing: bool
    scaled: bool
    warns: bool


class RiskEvent(Fact, frozen=True):
    """What the gate says without being asked: `kind` is risk_state or risk_warning; `body` is for the audit row."""

    kind: str
    status: str
    body: dict[str, Any]


class Usage(Fact, frozen=True):
    """How much of a bound is in use. `used` is value over bound; `symbol` is the largest user of an account rule."""

    rule: str
    tier: str
    unit: str
    meaning: str
    symbol: str
    strategy: str
    value: str | int | None
    bound: str | int
    words: str
    used: float


def rules() -> tuple[RuleInfo, ...]:
    """Every rule, in the order of evaluation: the first that does not hold is the refusal."""
    return tuple(msgspec.convert(_core.risk_rules(), list[RuleInfo]))


def bounds_of(settings: RiskSettings, *, bar_ns: int) -> dict[str, Decimal | int | None]:
    """The bound of each rule that has a setting; None switches it off."""
    named = {rule.name: getattr(settings, rule.name) for rule in rules() if rule.name in type(settings).model_fields}
    return {**named, "stale_data": settings.max_data_age_bars * bar_ns}


def rule_bound(rule: RuleInfo, bound: Decimal | str | int | None) -> str:
    """A bound in words: `at most 5 %`, `below 3 x`, `off`."""
    if bound is None:
        return "off"
    amount = Decimal(str(bound))
    said = {
        "ratio": f"{(amount * 100).normalize():f} %",
        "multiple": f"{amount.normalize():f} x",
        "money": f"{amount:,f}",
        "nanoseconds": f"{amount / 86_400_000_000_000:.0f} d",
        "count": f"{amount:f}",
        "state": "must not be",
    }[rule.unit]
    return said if rule.unit == "state" else f"{rule.holds} {said}"


class Gate:
    """The gate of one account.

    Args:
        settings: the bounds.
        bar_ns: length of a bar in nanoseconds; the age of prices is bounded in bars.

    Raises:
        ConfigError: a bound of a strategy or instrument for a rule that there is not.
    """

    def __init__(self, settings: RiskSettings, *, bar_ns: int) -> None:
        self.settings = settings
        pairs = {tuple(pair.split("+")): value for pair, value in settings.correlations.items()}
        if wrong := [pair for pair in pairs if len(pair) != 2]:
            raise ConfigError(f"risk.correlations {'+'.join(wrong[0])!r} must name two clusters, like tech+gold")
        try:
            self.core = _core.RiskGate(
                bounds_of(settings, bar_ns=bar_ns),
                allow_short=settings.allow_short,
                duplicate_window_ns=round(settings.duplicate_window_s * 1e9),
                strategies=_by_unit(settings.strategies),
                instruments=_by_unit(settings.instruments),
                clusters=settings.clusters,
                correlations=[(one, other, value) for (one, other), value in pairs.items()],
                scaling=settings.scaling.model_dump(),
            )
        except ValueError as error:
            raise ConfigError(f"risk: {error}") from error

    @property
    def killed(self) -> str | None:
        """Why trading is halted, or None."""
        return self.core.killed

    @property
    def state(self) -> dict[str, Any]:
        """`{"state": "active" | "reducing" | "halted", "reason", "by", "since", ...}`: what a risk_state row has."""
        return self.core.snapshot()

    def kill(self, reason: str, *, by: str = "operator", now: int | None = None) -> tuple[RiskEvent, ...]:
        """Halt: nothing that opens risk passes until `rearm`. The event is to be written down."""
        return _state_event(self.core.kill(reason, by=by, now=now))

    def rearm(self, *, by: str = "operator", now: int | None = None) -> tuple[RiskEvent, ...]:
        """A person takes the state back to active; a loss beyond its bound is measured anew from here."""
        return _state_event(self.core.rearm(by=by, now=now))

    def mark(self, ts_event: int, equity: Decimal) -> tuple[RiskEvent, ...]:
        """Tell the gate the equity after a bar; changes of state and warnings of losses are to be written down."""
        return _events(self.core.mark(ts_event, equity))

    def observe(self, account: _core.AccountView, now: int) -> tuple[RiskEvent, ...]:
        """Warnings of every other bound at 70, 85, 95 and 100 %, once each until use has fallen by 5 points."""
        return _events(self.core.observe(account, now))

    def usage(self, account: _core.AccountView, now: int) -> tuple[Usage, ...]:
        """Use of every bound that warns, as the account stands."""
        return tuple(msgspec.convert(self.core.usage(account, now), list[Usage]))

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


def _by_unit(table: dict[str, dict[str, Decimal | None]]) -> dict[str, dict[str, Decimal | int | None]]:
    """Counts and nanoseconds as integers, everything else as it is."""
    known = {rule.name: rule for rule in rules()}
    for name in (name for own in table.values() for name in own if name not in known):
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"rules are {', '.join(known)}"
        raise ConfigError(f"risk: {name} is not a rule; {hint}")
    whole = {name for name, rule in known.items() if rule.unit in {"count", "nanoseconds", "state"}}
    return {
        key: {name: int(value) if value is not None and name in whole else value for name, value in own.items()}
        for key, own in table.items()
    }


def _state_event(snapshot: dict[str, Any] | None) -> tuple[RiskEvent, ...]:
    if snapshot is None:
        return ()
    return (RiskEvent(kind=RISK_STATE, status=snapshot["state"], body=snapshot),)


def _events(told: list[tuple[str, dict[str, Any]]]) -> tuple[RiskEvent, ...]:
    return tuple(
        RiskEvent(kind=kind, status=body["state"] if kind == RISK_STATE else f"{body['level']} %", body=body)
        for kind, body in told
    )
