"""DeepAlpha: an analyst's trading workstation over one Rust core.

Example:
    >>> import deepalpha as da
    >>> ws = da.connect()                                              # doctest: +SKIP
    >>> ws.sql("select * from decisions")                              # doctest: +SKIP
"""

from __future__ import annotations

from pathlib import Path

from deepalpha.agents.base import BaseAgent
from deepalpha.config import Settings, Workspace
from deepalpha.live import DeepAlphaEngine
from deepalpha.live.workstation import Workstation
from deepalpha.types import Context, Decision, Signal

__version__ = "0.1.0"


def connect(workspace: str | Path | Workspace | None = None) -> Workstation:
    """Open a workspace for reading and for commands; works with or without a running engine.

    Args:
        workspace: directory; None means DEEPALPHA_WORKSPACE, else `data/var`.
    """
    return Workstation(workspace if isinstance(workspace, Workspace) else Workspace(workspace))


__all__ = [
    "BaseAgent",
    "Context",
    "Decision",
    "DeepAlphaEngine",
    "Settings",
    "Signal",
    "Workspace",
    "Workstation",
    "__version__",
    "connect",
]
