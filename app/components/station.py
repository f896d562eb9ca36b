"""The workspace behind the pages: one workstation a process, and the engine that it starts."""

from __future__ import annotations

import os

import streamlit as st

import deepalpha as da
from deepalpha.live.workstation import Workstation

NO_ENGINE = "DEEPALPHA_NO_ENGINE"


def station() -> Workstation:
    """The workstation of the workspace that the environment names."""
    return _open(os.environ.get("DEEPALPHA_WORKSPACE"))


@st.cache_resource(show_spinner=False)
def _open(root: str | None) -> Workstation:
    return da.connect(root)


def start_engine_once() -> None:
    """Start the engine at the first page of a session, in the background; a stopped one stays stopped after that."""
    if os.environ.get(NO_ENGINE) or st.session_state.get("engine_asked"):
        return
    st.session_state["engine_asked"] = True
    station().start_engine()
