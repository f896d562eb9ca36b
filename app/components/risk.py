"""The risk page in words and colours: states, levels of use."""

from __future__ import annotations

import streamlit as st

from components.words import day, percent
from deepalpha.live.workstation import Limit, RiskStanding

# Levels of early warning, the highest first; the core tells a warning at each.
WARN = ((0.95, "red"), (0.85, "orange"), (0.70, "yellow"))
STATES = {
    "active": ("green", "ACTIVE", "Every order within the limits may go out."),
    "reducing": (
        "orange",
        "REDUCING",
        "A loss limit was reached: only orders that shrink a position go out. "
        "What is beyond a bound the engine sells by itself (setting `risk.reduction`).",
    ),
    "halted": ("red", "HALTED", "Nothing that opens risk goes out; exits and protective stops stay."),
}
RELEASE = (
    "Only a person releases it: **Re-arm trading** in the sidebar, `deepalpha live rearm`, or `ws.rearm()`. "
    "It stays through restarts until then; a loss beyond its limit is measured anew from that moment."
)


def colour_of(use: float) -> str:
    """Colour of a used share of a bound."""
    return next((name for level, name in WARN if use >= level), "green")


def show_state(standing: RiskStanding) -> None:
    """The account's state as a badge, why it is so, and how to release it."""
    colour, name, meaning = STATES[standing.state]
    st.markdown(f":{colour}-badge[**{name}**] {meaning}")
    if standing.state == "active":
        return
    who = f" by {standing.by}" if standing.by else ""
    since = f" since {day(standing.since)}" if standing.since else ""
    st.markdown(f"**Why:** {standing.reason}{who}{since}")
    st.info(RELEASE, icon=":material/lock_open:")


def show_limit(limit: Limit, number: int) -> None:
    """One bound: a bar with marks at 70, 85 and 95 %, in the colour of its level."""
    colour = colour_of(limit.use)
    # The key carries the colour of the bar to style.css, which also draws the marks.
    with st.container(key=f"limit-{colour}-{number}"):
        used = f":{colour}[**{percent(limit.use, digits=0)} used**] · {limit.words}"
        detail = f" :gray[· {limit.tier} · {limit.detail}]"
        st.progress(max(0.0, min(limit.use, 1.0)), text=f"**{limit.name}** {used}{detail}")
