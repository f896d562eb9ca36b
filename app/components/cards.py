"""A decision on the screen: what, why, the votes, the ruling, the click."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from components.station import station
from components.words import COLOURS, ICONS, day, money
from deepalpha.live.pending import Pending
from deepalpha.types import Decision, OrderRequest, RuleCheck, Signal, SignalStatus, Verdict


def answer_of(kind: str, target: str) -> None:
    """What the engine said to a click; a line while it has not answered."""
    answered = station().answer(kind, target)
    if answered is None:
        st.info("Sent. The engine acts on it in a moment.", icon=":material/hourglass_top:")
        return
    status, message = answered
    (st.success if status == "done" else st.warning)(message)


def click(kind: str, target: str) -> None:
    """Insert one command; a second one for the same thing is the same row. Remembered to show the answer."""
    send = {"approve": station().approve, "reject": station().reject, "close": station().close_position}[kind]
    send(target)
    st.session_state["last_click"] = (kind, target)


def last_answer() -> None:
    """The engine's answer to this session's last click."""
    if last := st.session_state.get("last_click"):
        answer_of(*last)


def pending_card(item: Pending, decision: Decision, *, place: str) -> None:
    """A waiting decision with its votes, order, ruling and the two buttons."""
    with st.container(border=True):
        headline(decision)
        votes(decision)
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(order_words(item.order), width="content")
            ruling(item.verdict)
        buttons(decision.decision_id, place=place)


def buttons(decision_id: str, *, place: str) -> None:
    """Approve and Reject. The id is made by the engine and unique in the log: a double click is one order."""
    said = any(station().answer(kind, decision_id) for kind in ("approve", "reject"))
    with st.container(horizontal=True):
        st.button(
            "Approve",
            key=f"{place}-approve-{decision_id}",
            type="primary",
            icon=":material/check:",
            on_click=click,
            args=("approve", decision_id),
            disabled=said,
        )
        st.button(
            "Reject",
            key=f"{place}-reject-{decision_id}",
            icon=":material/close:",
            on_click=click,
            args=("reject", decision_id),
            disabled=said,
        )


def headline(decision: Decision) -> None:
    """Symbol, action and confidence, which always says how little it is calibrated."""
    action = decision.action.value
    st.markdown(
        f"### :{COLOURS[action]}[{ICONS[action]} {action.upper()}] {decision.symbol} :gray[at {money(decision.price)}]"
    )
    st.caption(f"{day(decision.asof)} · confidence {decision.confidence:.0f} % ({decision.calibration})")


def votes(decision: Decision) -> None:
    """Five votes at a glance: direction and probability, or why there is none."""
    st.markdown("  ".join(_vote(signal) for signal in _ordered(decision.signals)))


def _ordered(signals: Sequence[Signal]) -> list[Signal]:
    return sorted(signals, key=lambda signal: (signal.role.value == "guard", signal.agent))


def _vote(signal: Signal) -> str:
    if signal.role.value == "guard":
        return f":blue-badge[{signal.agent}: size {signal.size_cap:.0%}]"
    if signal.p_up is None:
        colour = "gray" if signal.status is SignalStatus.ABSTAIN else "orange"
        return f":{colour}-badge[{signal.agent}: {signal.status.value}]"
    vote = signal.vote.value
    return f":{COLOURS[vote]}-badge[{ICONS[vote]} {signal.agent} {signal.p_up:.0%}]"


def order_words(order: OrderRequest) -> str:
    """The order in one sentence."""
    words = f"**Order:** {order.side.value} {order.quantity:,f} {order.symbol} at market"
    if order.stop_loss is not None and order.take_profit is not None:
        words += f", stop {order.stop_loss:,.2f}, target {order.take_profit:,.2f}"
    return words + (" (closes the position)" if order.reduce_only else "")


def ruling(verdict: Verdict) -> None:
    """The risk gate's word, with every rule behind it."""
    if verdict.approved:
        st.markdown(f":green[:material/verified_user: Risk gate: all {len(verdict.checks)} rules hold]")
    else:
        st.markdown(f":red[:material/gpp_bad: Risk gate: {verdict.message}]")


def rule_table(checks: Sequence[RuleCheck]) -> None:
    """Every rule with what was measured and what is allowed."""
    st.dataframe(
        [
            {"": "✓" if check.holds else "✗", "rule": check.rule, "measured": check.value, "allowed": check.bound}
            for check in checks
        ],
        hide_index=True,
        width="stretch",
    )
