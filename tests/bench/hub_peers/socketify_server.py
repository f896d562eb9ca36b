"""Peer of the hub's benchmark: socketify (uWebSockets). `python socketify_server.py PORT`.

Text sent on `/pub` reaches every socket of `/sub`, or of `/sub?topic=NAME` when the text begins with `{"topic":"NAME"`.
The buffer bound is raised to 64 MB: with the default of 64 KiB a busy socket loses messages silently.
"""

from __future__ import annotations

import sys
from typing import Any

from socketify import App, CompressOptions, OpCode

PREFIX = '{"topic":"'
SETTINGS = {
    "compression": CompressOptions.DISABLED,
    "max_payload_length": 16 * 1024 * 1024,
    "idle_timeout": 120,
    "max_backpressure": 64 * 1024 * 1024,
}


def topic_of(text: Any) -> str:
    """The topic a published text names; `t0` is where single-topic subscribers are."""
    head = str(text[:64])
    return head[len(PREFIX) : head.index('"', len(PREFIX))] if head.startswith(PREFIX) else "t0"


def upgrade(response: Any, request: Any, context: Any) -> None:
    key, protocol, extensions = (
        request.get_header(f"sec-websocket-{name}") for name in ("key", "protocol", "extensions")
    )
    response.upgrade(key, protocol, extensions, context, request.get_query("topic") or "t0")


def main() -> None:
    app = App()
    app.ws("/echo", {**SETTINGS, "message": lambda ws, message, code: ws.send(message, code)})
    app.ws("/sub", {**SETTINGS, "upgrade": upgrade, "open": lambda ws: ws.subscribe(ws.get_user_data())})
    app.ws(
        "/pub",
        {**SETTINGS, "message": lambda ws, message, code: app.publish(topic_of(message), message, OpCode.TEXT)},
    )
    app.listen(int(sys.argv[1]), lambda config: print(f"listening {config.port}", flush=True))
    app.run()


if __name__ == "__main__":
    main()
