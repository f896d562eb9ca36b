"""From a decision to an order: sizing (`plan`), the practice account (`practice_account`)."""

from deepalpha.execution.account import PracticeAccount, unsent_intents
from deepalpha.execution.plan import Plan, plan_close, plan_order

__all__ = ["Plan", "PracticeAccount", "plan_close", "plan_order", "unsent_intents"]
