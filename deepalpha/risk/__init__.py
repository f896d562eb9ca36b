"""The risk gate for Python. `Approved` orders come out of `Gate.check` and from nowhere else."""

from deepalpha.risk.gate import Gate

__all__ = ["Gate"]
