"""The risk gate for Python, its latch, and risk figures.

`Approved` orders come out of `Gate.check` and from nowhere else.
"""

from deepalpha.risk.gate import Gate, RiskEvent, RuleInfo, Usage, rules
from deepalpha.risk.latch import last_state, restore_state, risk_rows
from deepalpha.risk.manager import RiskManager
from deepalpha.risk.var import OutOfDomain, ValueAtRisk, value_at_risk

__all__ = [
    "Gate",
    "OutOfDomain",
    "RiskEvent",
    "RiskManager",
    "RuleInfo",
    "Usage",
    "ValueAtRisk",
    "last_state",
    "restore_state",
    "risk_rows",
    "rules",
    "value_at_risk",
]
