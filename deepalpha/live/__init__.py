"""The engine: the loop, the process that runs it, and its controls.

`Loop` is the engine itself; `process` runs one a workspace in the background; `control` starts, stops and asks it.
`WebSocketManager` is the hub that screens, notebooks and other programs read.
"""

from deepalpha.live.control import EngineStatus, ensure_started, kill, rearm, send, start, status, stop
from deepalpha.live.engine import DeepAlphaEngine
from deepalpha.live.hub import WebSocketManager, sign_token
from deepalpha.live.hub_client import Gap, Message, Subscription
from deepalpha.live.loop import Loop

__all__ = [
    "DeepAlphaEngine",
    "EngineStatus",
    "Gap",
    "Loop",
    "Message",
    "Subscription",
    "WebSocketManager",
    "ensure_started",
    "kill",
    "rearm",
    "send",
    "sign_token",
    "start",
    "status",
    "stop",
]
