"""The workspace behind the pages: one workstation a process, and the engine that it starts."""

from __future__ import annotations

import os
import time

import msgspec
import streamlit as st

import deepalpha as da
from deepalpha.live.control import EngineStatus
from deepalpha.live.workstation import Workstation

STARTING_S = 10.0
NO_ENGINE = "DEEPALPHA_NO_ENGINE"


def station() -> Workstation:
    """The workstation of the workspace that the environment names."""
    return _open(os.environ.get("DEEPALPHA_WORKSPACE"))


@st.cache_resource(show_spinner=False)
def _open(root: str | None) -> Workstation:
    return da.connect(root)


def start_engine_once() -> None:
    """Start the engine at the first page of a session, in the background; a stopped one stays stopped after that."""
    if not _will_start():
        return
    st.session_state["engine_asked"] = True
    start_engine()


def start_engine() -> None:
    """Start the engine in the background; the screens say "starting" until it shows itself."""
    if station().start_engine():
        st.session_state["engine_due"] = time.monotonic() + STARTING_S


def stop_engine() -> None:
    """Ask the engine to end."""
    st.session_state.pop("engine_due", None)
    station().stop_engine()


def engine() -> EngineStatus:
    """The engine's status; one that this session starts and that does not show itself yet is starting, not stopped."""
    status = station().status()
    if status.state != "stopped" or not (_will_start() or _is_due()):
        return status
    return msgspec.structs.replace(status, state="starting")


def _will_start() -> bool:
    return not os.environ.get(NO_ENGINE) and not st.session_state.get("engine_asked")


def _is_due() -> bool:
    due = st.session_state.get("engine_due")
    return due is not None and time.monotonic() < due and not station().engine_problem()
