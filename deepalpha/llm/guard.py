"""What keeps a provider from being asked too often or in vain: a token bucket and a circuit breaker.

Both are pure in time: the caller says what time it is (seconds of a monotonic clock), so tests need no sleep.
"""

from __future__ import annotations

from enum import StrEnum


class TokenBucket:
    """At most `burst` calls at once and `per_minute` in the long run. Calls may be booked ahead of time.

    Invariant: over any window of w seconds at most ``burst + w * per_minute / 60`` calls begin.
    """

    def __init__(self, per_minute: int, burst: int) -> None:
        self._rate = per_minute / 60.0
        self._burst = float(burst)
        self._tokens = float(burst)
        self._at: float | None = None

    def _refill(self, now: float) -> None:
        if self._at is not None and now > self._at:
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now if self._at is None else max(self._at, now)

    def wait(self, now: float) -> float:
        """Seconds until the next call may begin."""
        self._refill(now)
        return max(0.0, (1.0 - self._tokens) / self._rate)

    def take(self, now: float) -> None:
        """Book one call."""
        self._refill(now)
        self._tokens -= 1.0


class Circuit(StrEnum):
    """State of a breaker."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    """One call may try whether the provider is back."""


class Breaker:
    """Stops asking a provider after `threshold` faults in a row, for a cool-down that doubles up to `longest_s`."""

    def __init__(self, *, threshold: int = 5, cool_down_s: float = 30.0, longest_s: float = 600.0) -> None:
        self._threshold = threshold
        self._first_s, self._longest_s = cool_down_s, longest_s
        self._cool_down_s = cool_down_s
        self._faults = 0
        self._open_until: float | None = None
        self._probing = False

    def state(self, now: float) -> Circuit:
        """Where it stands."""
        if self._open_until is None:
            return Circuit.CLOSED
        return Circuit.HALF_OPEN if now >= self._open_until else Circuit.OPEN

    def admit(self, now: float) -> bool:
        """Whether a call may begin; follow it with exactly one of `succeeded`, `failed` or `abandoned`."""
        state = self.state(now)
        if state is Circuit.OPEN or (state is Circuit.HALF_OPEN and self._probing):
            return False
        self._probing = state is Circuit.HALF_OPEN
        return True

    def succeeded(self) -> None:
        """The provider answered, whatever the answer was."""
        self._faults, self._open_until, self._probing = 0, None, False
        self._cool_down_s = self._first_s

    def failed(self, now: float, *, lasting: bool = False) -> None:
        """The provider is at fault; `lasting` (a refused key) opens the circuit at once."""
        self._faults += 1
        if self._probing or lasting or self._faults >= self._threshold:
            self._open_until = now + self._cool_down_s
            self._cool_down_s = min(self._longest_s, 2 * self._cool_down_s)
        self._probing = False

    def abandoned(self) -> None:
        """The call ended without telling anything about the provider."""
        self._probing = False
