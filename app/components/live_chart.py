"""A chart that follows the market through the hub: bars come by WebSocket, the page does not rerun, the zoom stays."""

from __future__ import annotations

import msgspec

from components.hub_reader import hub_component
from deepalpha.live.chart_view import LiveView

HTML = '<div class="head"><span class="state"></span><span class="legend"></span></div><canvas role="img"></canvas>'
CSS = """
:host { display: block; }
.head { display: flex; flex-wrap: wrap; gap: 4px 14px; align-items: center; font: inherit; font-size: 12px;
  color: var(--st-text-color); font-variant-numeric: tabular-nums; min-height: 22px; }
.legend { white-space: pre-wrap; }
canvas { display: block; width: 100%; height: 560px; touch-action: pan-y; cursor: crosshair; }
@media (max-width: 640px) { canvas { height: 380px; } }
"""
_mount = hub_component("live_chart", html=HTML, css=CSS)


def live_chart(view: LiveView, *, key: str) -> None:
    """Draw it; the same key keeps the zoom."""
    _mount(data=msgspec.to_builtins(view), key=key, height="content")
