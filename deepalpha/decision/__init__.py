"""The decision engine: one snapshot and its votes in, one decision with its reasons out."""

from deepalpha.decision.context import context_at
from deepalpha.decision.engine import DecisionConfig, DecisionEngine, Resolution
from deepalpha.decision.fuse import Fuser, Fusion, fuse
from deepalpha.decision.learn import Learner
from deepalpha.decision.memory import Record, Remembered
from deepalpha.decision.rules import check_rules
from deepalpha.decision.snapshot import build_context

__all__ = [
    "DecisionConfig",
    "DecisionEngine",
    "Fuser",
    "Fusion",
    "Learner",
    "Record",
    "Remembered",
    "Resolution",
    "build_context",
    "check_rules",
    "context_at",
    "fuse",
]
