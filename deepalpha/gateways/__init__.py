"""Where orders go. Every gateway implements `Gateway`, whose docstring is the contract that its test runs."""

from deepalpha.gateways.base import ApprovedOrder, Gateway, Report
from deepalpha.gateways.practice import PracticeGateway

__all__ = ["ApprovedOrder", "Gateway", "PracticeGateway", "Report"]
