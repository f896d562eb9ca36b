"""Reading ahead: agents read headlines when these come, a few at a time, so that no decision waits for the reading.

It changes how long a decision takes and never a vote. What one call does is bounded, because trading waits for it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from deepalpha.agents.base import BaseAgent
from deepalpha.types import Headline

AT_START = 256
"""Headlines read before the first step: a second with MiniLM."""
AT_ONCE = 16
"""Headlines read between two steps: 60 ms with MiniLM. As many as the news agent votes on."""
WAITING = 4096
"""Headlines that wait; of a flood the rest is read by the decisions that meet it, which is bounded too."""


class ReadAhead:
    """Headlines on their way to the agents' `prepare`."""

    def __init__(self, agents: Sequence[BaseAgent]) -> None:
        self._agents = list(agents)
        self._waiting: deque[Headline] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, headlines: Iterable[Headline]) -> None:
        """Take headlines, in the order in which they are needed."""
        for headline in headlines:
            if len(self._waiting) >= WAITING:
                return
            self._waiting.append(headline)

    def read(self, limit: int = AT_ONCE) -> list[str]:
        """Let the agents read the next `limit` headlines.

        Returns:
            Agents that failed, in words; such an agent reads nothing ahead any more, and still votes.
        """
        some = [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]
        failed: list[str] = []
        for agent in [*self._agents] if some else ():
            try:
                agent.prepare(some)
            except Exception as error:  # noqa: BLE001 - agent border
                self._agents.remove(agent)
                # The type alone: a message may quote the headline.
                failed.append(f"agent {agent.name} cannot read ahead ({type(error).__name__})")
        return failed
