"""DeepAlpha: `streamlit run app/main.py`. A router; the pages are the files of `views/`."""

import ast
from pathlib import Path

import streamlit as st

from components.guard import guarded
from components.sidebar import banner, sidebar
from components.station import start_engine_once

ICONS = {
    "cockpit": "flight",
    "chart": "candlestick_chart",
    "decisions": "how_to_vote",
    "agents": "groups",
    "orders": "receipt_long",
}


def page(path: Path) -> st.Page:
    """A view file as a page: the title is the first line of its docstring, the address its name without the number."""
    title = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or path.stem).splitlines()[0].rstrip(".")
    name = path.stem.split("_", 1)[1]
    icon = f":material/{ICONS.get(name, 'shield' if name == 'risk' else 'article')}:"
    return st.Page(path, title=title, icon=icon, url_path=name)


# An icon of our own: a page's symbol would be fetched from the network.
HOME = Path(__file__).parent
st.set_page_config(page_title="DeepAlpha · PRACTICE", page_icon=str(HOME / "icon.png"), layout="wide")
st.logo(HOME / "logo.svg", size="large")
st.html(HOME / "style.css")
chosen = st.navigation([page(path) for path in sorted((HOME / "views").glob("[0-9]*.py"))])
banner()
with st.sidebar:
    sidebar()
with guarded():
    chosen.run()
# Last, so that the engine's start does not slow down the first picture.
with guarded():
    start_engine_once()
