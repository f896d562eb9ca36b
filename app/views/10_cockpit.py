"""Cockpit

The account at a glance, and what waits for your click.
"""

import streamlit as st

from components.cards import click, last_answer, pending_card
from components.guard import live
from components.hub_reader import first_view
from components.live_tape import live_tape
from components.station import engine, station
from components.words import coloured, money, percent
from deepalpha.live.chart_view import equity_view
from deepalpha.live.tape import tape_view
from deepalpha.live.workstation import Summary
from deepalpha.plots import to_echarts
from deepalpha.types import Position

WAITING_WORDS = {
    "stopped": "The engine is stopped. Start it in the sidebar; nothing is lost.",
    "starting": "The engine is starting. The first bars arrive in a few seconds.",
    "finished": "The replay has reached the last bar. Begin a new practice session in the sidebar.",
    "paused": "The market is paused. Resume it in the sidebar.",
}


@live
def account() -> None:
    summary = station().summary()
    if summary is None:
        st.info("No bar has been processed yet. The account appears with the first one.", icon=":material/hourglass:")
        return
    with st.container(horizontal=True, gap="medium"):
        _metrics(summary)


def _metrics(summary: Summary) -> None:
    change = f"{money(summary.step_change, sign=True)} ({percent(summary.step_change_fraction, sign=True)})"
    _moved("Equity", money(summary.equity), change, summary.step_change, width=170)
    total = percent(summary.total_change_fraction, sign=True)
    _moved("Since the start", money(summary.total_change, sign=True), total, summary.total_change, width=150)
    cash, exposure = f"cash {money(summary.cash)}", f"exposure {percent(summary.exposure_fraction)}"
    st.metric("Open P&L", money(summary.unrealised_pnl, sign=True), cash, "off", delta_arrow="off", width=150)
    st.metric("Drawdown", percent(summary.drawdown), exposure, "off", delta_arrow="off", width=150)


def _moved(label: str, value: str, delta: str, by: float, *, width: int) -> None:
    """Green or red for a move; grey and without an arrow for none."""
    if by:
        st.metric(label, value, delta, width=width)
    else:
        st.metric(label, value, delta, "off", delta_arrow="off", width=width)


@live
def waiting() -> None:
    last_answer()
    found = station().pending()
    if not found:
        state = engine().state
        words = WAITING_WORDS.get(
            state, "Nothing waits for you. The agents read each new bar; a decision appears here."
        )
        st.info(words, icon=":material/inbox:")
    for item, decision in found:
        pending_card(item, decision, place="cockpit")


@live
def positions() -> None:
    found = station().positions()
    if not found:
        st.caption("No open position.")
    for position in found:
        _position(position)


def _position(position: Position) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        profit = float(position.unrealised_pnl)
        words = (
            f"**{position.symbol}** {position.quantity:,f} × {position.average_price:,.2f} "
            f"→ {position.last_price:,.2f} · **{coloured(profit, money(profit, sign=True))}**"
        )
        if position.stop_loss is not None and position.take_profit is not None:
            words += f"  \n:gray[stop {position.stop_loss:,.2f} · target {position.take_profit:,.2f}]"
        st.markdown(words, width="content")
        closing = station().answer("close", position.position_id) is not None
        st.button(
            "Closing at the next price" if closing else "Close",
            key=f"close-{position.position_id}",
            icon=":material/logout:",
            on_click=click,
            args=("close", position.position_id),
            disabled=closing,
        )


@live
def curve() -> None:
    if len(station().equity_curve(limit=2)) < 2:
        st.caption("The curve begins with the second bar.")
    else:
        st.echarts_chart(
            to_echarts(equity_view(station()), zoom=None), height=320, key="equity", alt="Equity after each bar"
        )


@live
def tape() -> None:
    wanted = (station().status().hub, station().account_id)
    live_tape(first_view("tape", wanted, lambda: tape_view(station())), key="tape")


account()
left, right = st.columns([3, 2], gap="large")
with left:
    st.subheader("Waiting for you")
    waiting()
with right:
    st.subheader("Positions")
    positions()
    st.subheader("Equity")
    curve()
    st.subheader("As it happens")
    tape()
