"""Around every page: the banner with mode, state and kill switch on top, the engine's controls in the sidebar."""

from __future__ import annotations

import streamlit as st

from components.guard import live
from components.station import engine, start_engine, station, stop_engine
from components.words import STATES, day
from deepalpha.live.control import EngineStatus

SPEEDS = {0.5: "0.5", 1.0: "1", 2.0: "2", 5.0: "5", 20.0: "20", 0.0: "max"}


@live
def banner() -> None:
    """Mode, state and the kill switch, visible at every width."""
    status = engine()
    mode = (status.mode or "practice").upper()
    with st.container(horizontal=True, wrap=False, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f":orange-badge[**{mode}** · no real money] :gray[{STATES.get(status.state, status.state)}]")
        _kill_switch(status)
    if status.killed:
        st.error(f"Trading is halted: {status.killed}", icon=":material/block:")
        st.button("Re-arm trading", key="rearm", icon=":material/lock_open:", on_click=station().rearm)
    if status.contaminated:
        named = ", ".join(status.contaminated)
        st.warning(f"Not a fair test: {named} may have read these days in training.", icon=":material/science_off:")
    if status.state == "stopped" and (problem := station().engine_problem()):
        st.error(f"The engine ended: {problem}", icon=":material/error:")


@live
def sidebar() -> None:
    """The engine's state and controls."""
    _engine(engine())


def _engine(status: EngineStatus) -> None:
    st.markdown(f"**{STATES.get(status.state, status.state)}**")
    st.caption(f"{status.account_id or 'no session yet'} · market time {day(status.ts_event)}")
    if status.state == "stopped":
        st.button("Start engine", icon=":material/play_arrow:", on_click=start_engine, width="stretch")
        return
    _approval(status)
    _speed(status)
    pausable = status.state in ("running", "waiting", "paused")
    paused = status.state == "paused"
    st.button(
        "Resume" if paused else "Pause",
        icon=":material/play_arrow:" if paused else ":material/pause:",
        on_click=station().set,
        kwargs={"paused": not paused},
        disabled=not pausable,
        width="stretch",
    )
    if status.state == "finished":
        st.button("New practice session", icon=":material/replay:", on_click=station().new_session, width="stretch")
    st.button("Stop engine", icon=":material/stop:", on_click=stop_engine, width="stretch")


def _approval(status: EngineStatus) -> None:
    auto = status.approval == "auto"
    st.caption("Orders go out " + ("**at once**" if auto else "**after your click**"))
    st.button(
        "Ask me first" if auto else "Let it run (auto)",
        icon=":material/touch_app:" if auto else ":material/bolt:",
        on_click=station().set,
        kwargs={"approval": "approve" if auto else "auto"},
        width="stretch",
    )


def _speed(status: EngineStatus) -> None:
    def change() -> None:
        station().set(bars_per_second=st.session_state["speed"])

    known = status.bars_per_second if status.bars_per_second in SPEEDS else 2.0
    st.select_slider(
        "Bars per second",
        options=list(SPEEDS),
        value=known,
        format_func=SPEEDS.__getitem__,
        key="speed",
        on_change=change,
    )


def _kill_switch(status: EngineStatus) -> None:
    """Always in its place: a button that turned into its opposite would re-arm on a double click."""
    st.button(
        ":red[**KILL SWITCH**]",
        key="kill",
        icon=":material/emergency_home:",
        on_click=station().kill,
        disabled=status.killed is not None,
        help="Halts trading at once: waiting decisions expire, entries are cancelled, protective stops stay. "
        "Stays halted through restarts until you re-arm.",
    )
