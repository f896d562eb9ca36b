"""The agents: each reads a frozen `Context` and answers with a `Signal`. See `base.py` for how to add one."""

from deepalpha.agents.base import BaseAgent, built_in_names, discover, evidence_exists, series_needed
from deepalpha.agents.runner import AgentRun, run_agents

__all__ = [
    "AgentRun",
    "BaseAgent",
    "built_in_names",
    "discover",
    "evidence_exists",
    "run_agents",
    "series_needed",
]
