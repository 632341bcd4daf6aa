"""Token buckets: how fast one API of one region may be called."""

from __future__ import annotations

import threading


class TokenBucket:
    """Room for `burst` calls at once, refilled with `per_second` calls each second.

    Tokens are reserved ahead: a caller learns when it may go, and nobody sleeps inside.
    """

    def __init__(self, *, per_second: float, burst: int) -> None:
        self._per_second = per_second
        self._burst = float(burst)
        self._tokens = float(burst)
        self._filled_at: float | None = None
        self._held_until = 0.0
        self._lock = threading.Lock()

    def reserve(self, now: float) -> float:
        """Take one token and return the moment (same clock as `now`, seconds) it is good for."""
        with self._lock:
            passed = 0.0 if self._filled_at is None else max(0.0, now - self._filled_at)
            self._filled_at = now
            self._tokens = min(self._burst, self._tokens + passed * self._per_second) - 1
            wait_s = max(0.0, -self._tokens) / self._per_second
            return max(now + wait_s, self._held_until)

    def hold(self, until: float) -> None:
        """Let nobody through before `until`: the service said that it is being asked too often."""
        with self._lock:
            self._held_until = max(self._held_until, until)

    @property
    def held_until(self) -> float:
        """Moment before which nobody goes through; 0.0 when there is none."""
        return self._held_until
