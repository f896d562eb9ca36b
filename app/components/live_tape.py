"""The tape: prices, decisions, fills and alarms as the hub tells them, without a rerun of the page."""

from __future__ import annotations

import msgspec

from components.hub_reader import hub_component
from deepalpha.live.tape import TapeView

HTML = """<div class="head"><span class="state"></span><span class="prices"></span></div>
<ol class="events" role="log" aria-label="Events, newest first"></ol>"""
CSS = """
:host { display: block; }
.head { display: flex; flex-wrap: wrap; gap: 4px 14px; align-items: center; font: inherit;
  font-size: 13px; color: var(--st-text-color); font-variant-numeric: tabular-nums; min-height: 24px; }
.state { font-size: 12px; }
.prices { display: flex; flex-wrap: wrap; gap: 4px 14px; }
.price b { font-weight: 600; }
.up { color: #12703f; }
.down { color: #b3261e; }
.events { list-style: none; margin: 8px 0 0; padding: 0; font: inherit; font-size: 13px; line-height: 1.5;
  max-height: 330px; overflow-y: auto; color: var(--st-text-color); font-variant-numeric: tabular-nums; }
.events li { display: grid; grid-template-columns: max-content 1fr; gap: 12px; padding: 3px 2px;
  border-bottom: 1px solid var(--st-border-color); }
.events time { opacity: 0.65; }
.events .alarm { font-weight: 600; color: #b3261e; }
"""
_mount = hub_component("live_tape", html=HTML, css=CSS)


def live_tape(view: TapeView, *, key: str) -> None:
    """Draw it; the same key keeps what came."""
    _mount(data=msgspec.to_builtins(view), key=key, height="content")
