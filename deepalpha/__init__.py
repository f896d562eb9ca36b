"""DeepAlpha: an analyst's trading workstation over one Rust core.

Names are loaded on first use, so that `from deepalpha import ta` costs no more than it must.

Example:
    >>> import deepalpha as da
    >>> ws = da.connect()                                              # doctest: +SKIP
    >>> ws.sql("select * from decisions")                              # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepalpha.agents.base import BaseAgent
    from deepalpha.config import Settings, Workspace
    from deepalpha.errors import HubError, OrderError, RiskRefused
    from deepalpha.execution.engine import ExecutionEngine
    from deepalpha.live.engine import DeepAlphaEngine
    from deepalpha.live.hub import WebSocketManager
    from deepalpha.live.workstation import Workstation
    from deepalpha.market.data_engine import DataEngine
    from deepalpha.risk import RiskManager
    from deepalpha.ta.indicators import TechnicalIndicators
    from deepalpha.types import Context, Decision, Signal

__version__ = "0.1.0"

_HOMES = {
    "BaseAgent": "deepalpha.agents.base",
    "Context": "deepalpha.types",
    "DataEngine": "deepalpha.market.data_engine",
    "Decision": "deepalpha.types",
    "DeepAlphaEngine": "deepalpha.live.engine",
    "ExecutionEngine": "deepalpha.execution.engine",
    "HubError": "deepalpha.errors",
    "OrderError": "deepalpha.errors",
    "RiskManager": "deepalpha.risk",
    "RiskRefused": "deepalpha.errors",
    "Settings": "deepalpha.config",
    "Signal": "deepalpha.types",
    "TechnicalIndicators": "deepalpha.ta.indicators",
    "WebSocketManager": "deepalpha.live.hub",
    "Workspace": "deepalpha.config",
    "Workstation": "deepalpha.live.workstation",
}


def connect(workspace: str | Path | Workspace | None = None) -> Workstation:
    """Open a workspace for reading and for commands; works with or without a running engine.

    Args:
        workspace: directory; None means DEEPALPHA_WORKSPACE, else `data/var`.
    """
    place: type[Workspace] = __getattr__("Workspace")
    station: type[Workstation] = __getattr__("Workstation")
    root = workspace if workspace is None or isinstance(workspace, str | Path) else workspace.root
    return station(place(root))


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'deepalpha' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "BaseAgent",
    "Context",
    "DataEngine",
    "Decision",
    "DeepAlphaEngine",
    "ExecutionEngine",
    "HubError",
    "OrderError",
    "RiskManager",
    "RiskRefused",
    "Settings",
    "Signal",
    "TechnicalIndicators",
    "WebSocketManager",
    "Workspace",
    "Workstation",
    "__version__",
    "connect",
]
