"""Parts of a page that read the hub themselves: their messages come by WebSocket, without a rerun of the page.

A part is `<name>.js` beside this file, which finds the class `HubReader` of `hub_reader.js`. It may report its state
`run` when it has begun to listen anew: what the page read before may lack what happened in between, and is read again.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

T = TypeVar("T")
HERE = Path(__file__).parent
BADGE = """
.state { padding: 1px 8px; border-radius: 9px; font-weight: 600; background: #eef1f6; color: #55607a; }
.state[data-state="on"] { background: #e2f6ec; color: #12703f; }
.state[data-state="off"] { background: #fdeaea; color: #a52a2a; }
"""


def hub_component(name: str, *, html: str, css: str) -> Callable[..., Any]:
    """The mounting command of the part `name`."""
    code = "".join((HERE / file).read_text(encoding="utf-8") for file in ("hub_reader.js", f"{name}.js"))
    mount = st.components.v2.component(f"deepalpha_{name}", html=html, css=BADGE + css, js=code)
    return lambda **settings: mount(on_run_change=_keep, **settings)


def first_view(key: str, wanted: Hashable, read: Callable[[], T]) -> T:
    """What the part with this key begins with: read once, and again when it is of something else or listens anew."""
    run = st.session_state.get(key, {}).get("run")
    known = st.session_state.get(f"{key}-first")
    if known is None or known[0] != (wanted, run):
        known = st.session_state[f"{key}-first"] = ((wanted, run), read())
    view: T = known[1]
    return view


def _keep() -> None:
    """The state is kept by Streamlit; the change itself needs nothing."""
