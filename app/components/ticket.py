"""A ticket for an order of one's own, and the orders that still work.

A ticket is sent once: its id is made with the empty ticket and changes only when a person asks for another one, so a
double click is one order.
"""

from __future__ import annotations

import uuid
from typing import Any

import streamlit as st

from components.cards import answer_of
from components.guard import guarded
from components.station import station

TYPES = {
    "market": "Market",
    "limit": "Limit",
    "stop": "Stop",
    "stop_limit": "Stop limit",
    "take_profit": "Take profit",
    "take_profit_limit": "Take profit limit",
    "trailing_stop": "Trailing stop",
}
LASTS = {"gtc": "until cancelled", "day": "this day", "ioc": "at once, rest cancelled", "fok": "all at once or nothing"}
LIMITED = ("limit", "stop_limit", "take_profit_limit")
TRIGGERED = ("stop", "stop_limit", "take_profit", "take_profit_limit")


def _ticket_id() -> str:
    return str(st.session_state.setdefault("ticket_id", uuid.uuid4().hex))


def _another() -> None:
    st.session_state["ticket_id"] = uuid.uuid4().hex
    st.session_state.pop("ticket_sent", None)


def _send(fields: dict[str, Any]) -> None:
    with guarded():
        station().submit_order(**fields, ticket_id=_ticket_id())
        st.session_state["ticket_sent"] = _ticket_id()


def ticket() -> None:
    """Symbol, side, quantity, type and what the type needs; the gate rules when it is sent."""
    symbols = station().tradable()
    if not symbols:
        st.info("No price yet. The engine lists what can be traded after its first bar.", icon=":material/inbox:")
        return
    sent = st.session_state.get("ticket_sent")
    with st.container(horizontal=True):
        symbol = st.selectbox("Symbol", symbols, key="ticket-symbol")
        side = st.segmented_control("Side", ["buy", "sell"], default="buy", required=True, key="ticket-side")
        quantity = st.text_input("Quantity", "1", key="ticket-quantity")
        kind = st.selectbox("Type", list(TYPES), format_func=TYPES.__getitem__, key="ticket-type")
    fields: dict[str, Any] = {"symbol": symbol, "side": side, "quantity": quantity, "type": kind}
    with st.container(horizontal=True):
        fields |= _terms(str(kind))
    st.button(
        f"Send {side} order",
        key="ticket-send",
        type="primary",
        icon=":material/send:",
        on_click=_send,
        args=(fields,),
        disabled=sent is not None,
    )
    if sent is not None:
        answer_of("order", str(sent))
        st.button("Another order", key="ticket-another", icon=":material/add:", on_click=_another)


def _terms(kind: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if kind in LIMITED:
        fields["limit_price"] = st.text_input("Limit price", key="ticket-limit") or None
    if kind in TRIGGERED:
        fields["trigger_price"] = st.text_input("Trigger price", key="ticket-trigger") or None
    if kind == "trailing_stop":
        fields["trailing_offset"] = st.text_input("Trail by (price)", key="ticket-trail") or None
    lasting = [name for name in LASTS if kind in ("market", "limit") or name in ("gtc", "day")]
    fields["time_in_force"] = st.selectbox("Stays", lasting, format_func=LASTS.__getitem__, key=f"ticket-tif-{kind}")
    fields["stop_loss"] = st.text_input("Stop loss (optional)", key="ticket-stop-loss") or None
    fields["take_profit"] = st.text_input("Take profit (optional)", key="ticket-take-profit") or None
    fields["reduce_only"] = st.checkbox("Reduce only", key="ticket-reduce")
    return fields


def working_orders() -> None:
    """Orders that still work, each with its Cancel button."""
    rows = station().working_orders()
    if not rows:
        st.caption("No order works at the moment.")
        return
    for row in rows:
        order_id = str(row["client_order_id"])
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            at = f" at {row['price']}" if row["price"] else ""
            kind = TYPES.get(str(row["type"]), str(row["type"])).lower()
            st.markdown(f"**{row['side']} {row['quantity']} {row['symbol']}** {kind}{at} · {row['state']} · {order_id}")
            st.button(
                "Cancel",
                key=f"cancel-{order_id}",
                icon=":material/close:",
                on_click=_cancel,
                args=(order_id,),
                disabled=station().answer("cancel", order_id) is not None,
            )


def _cancel(order_id: str) -> None:
    with guarded():
        station().cancel_order(order_id)
