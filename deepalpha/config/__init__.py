"""Settings and the places where things are kept. `default.yaml` lists every setting with its meaning."""

from deepalpha.config.settings import (
    AccountSettings,
    AgentSettings,
    DecisionSettings,
    ReplaySettings,
    RiskSettings,
    RuleSettings,
    Settings,
)
from deepalpha.config.workspace import Workspace

__all__ = [
    "AccountSettings",
    "AgentSettings",
    "DecisionSettings",
    "ReplaySettings",
    "RiskSettings",
    "RuleSettings",
    "Settings",
    "Workspace",
]
