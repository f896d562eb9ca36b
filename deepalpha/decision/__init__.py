"""The decision engine: one snapshot and its votes in, one decision with its reasons out."""

from deepalpha.decision.engine import DecisionConfig, DecisionEngine
from deepalpha.decision.fuse import FUSER, Fusion, fuse
from deepalpha.decision.memory import Record, Remembered
from deepalpha.decision.snapshot import build_context

__all__ = [
    "FUSER",
    "DecisionConfig",
    "DecisionEngine",
    "Fusion",
    "Record",
    "Remembered",
    "build_context",
    "fuse",
]
