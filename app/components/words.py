"""Facts in words and figures: one place for formats, so that every page writes them alike."""

from __future__ import annotations

import json
from datetime import UTC, datetime

STATES = {
    "running": "Running",
    "waiting": "Waiting for your click",
    "paused": "Paused",
    "finished": "Replay finished",
    "starting": "Starting ...",
    "stopping": "Stopping ...",
    "stopped": "Stopped",
}
STATUSES = {"none": "no order", "pending": "waits for you", "auto": "sent at once"}
ICONS = {"buy": "▲", "sell": "▼", "hold": "●"}
COLOURS = {"buy": "green", "sell": "red", "hold": "gray"}


def money(value: float, *, sign: bool = False) -> str:
    """12,345.67, with a sign when asked for."""
    return f"{value:+,.2f}" if sign else f"{value:,.2f}"


def percent(fraction: float, *, sign: bool = False, digits: int = 2) -> str:
    """0.0123 -> 1.23 %."""
    return f"{fraction:+.{digits}%}".replace("%", " %") if sign else f"{fraction:.{digits}%}".replace("%", " %")


def day(ts_ns: int) -> str:
    """Market time as text, UTC."""
    return datetime.fromtimestamp(ts_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M UTC") if ts_ns else "before the first bar"


def coloured(value: float, text: str) -> str:
    """Markdown in green for a gain, red for a loss."""
    colour = "green" if value > 0 else "red" if value < 0 else "gray"
    return f":{colour}[{text}]"


def in_words(body: str) -> str:
    """The body of an audit row, a JSON object, as a line of text: who did it and why."""
    found = json.loads(body)
    words = [str(found[name]) for name in ("message", "reason") if found.get(name)]
    if not words and "order" in found:
        order = found["order"]
        words = [f"{order['side']} {order['quantity']} {order['symbol']} waits for a click"]
    who = f"by {found['by']}" if found.get("by") else ""
    return " · ".join([*words, who] if who else words)
