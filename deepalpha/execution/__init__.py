"""From a decision to an order: sizing (`plan`), the practice account (`practice_account`)."""

from deepalpha.execution.account import PracticeAccount, unsent_intents
from deepalpha.execution.plan import Plan, client_order_id, plan_close, plan_order

__all__ = ["Plan", "PracticeAccount", "client_order_id", "plan_close", "plan_order", "unsent_intents"]
