"""From a decision to an order: sizing (`plan`), the practice account (`account`), the engine (`engine`), the router."""

from deepalpha.execution.account import STATISTICS_BARS, PracticeAccount, Reduction, read_fills, unsent_intents
from deepalpha.execution.plan import AGENTS, Plan, client_order_id, plan_close, plan_order

__all__ = [
    "AGENTS",
    "STATISTICS_BARS",
    "Plan",
    "PracticeAccount",
    "Reduction",
    "client_order_id",
    "plan_close",
    "plan_order",
    "read_fills",
    "unsent_intents",
]
