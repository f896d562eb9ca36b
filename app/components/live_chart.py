"""A chart that follows the market through the hub: bars come by WebSocket, the page does not rerun, the zoom stays."""

from __future__ import annotations

from pathlib import Path

import msgspec
import streamlit as st

from deepalpha.live.chart_view import LiveView

HTML = '<div class="head"><span class="state"></span><span class="legend"></span></div><canvas></canvas>'
CSS = """
:host { display: block; }
.head { display: flex; flex-wrap: wrap; gap: 4px 14px; align-items: center; font: 12px system-ui, sans-serif;
  color: var(--st-text-color); font-variant-numeric: tabular-nums; min-height: 22px; }
.state { padding: 1px 8px; border-radius: 9px; font-weight: 600; background: #eef1f6; color: #55607a; }
.state[data-state="on"] { background: #e2f6ec; color: #12703f; }
.state[data-state="off"] { background: #fdeaea; color: #a52a2a; }
.legend { white-space: pre-wrap; }
canvas { display: block; width: 100%; height: 560px; touch-action: pan-y; cursor: crosshair; }
@media (max-width: 640px) { canvas { height: 380px; } }
"""
_mount = st.components.v2.component(
    "deepalpha_live_chart",
    html=HTML,
    css=CSS,
    js=(Path(__file__).parent / "live_chart.js").read_text(encoding="utf-8"),
)


def live_chart(view: LiveView, *, key: str) -> None:
    """Draw it; the same key keeps the zoom."""
    _mount(data=msgspec.to_builtins(view), key=key, height="content")
