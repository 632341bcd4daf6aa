"""Work in a thread of its own that never keeps the process alive.

The standard pools join their threads when the program ends; a call that hangs would then hold
up ctrl-C. These threads are daemons, and whatever they raise is raised where it is asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Generic, TypeVar

_T = TypeVar("_T")
#: How often a waiting thread looks up: a signal may reach a thread that is not Python's, and
#: ctrl-C is then seen only when the waiting ends.
LOOK_UP_S: Final = 0.2


class Attempt:
    """A `with` block whose exception, of any kind, is kept instead of raised."""

    def __init__(self) -> None:
        self.error: BaseException | None = None

    def __enter__(self) -> Attempt:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        self.error = error
        return True


class Pending(Generic[_T]):
    """The result of `work`, which runs in a daemon thread from now on."""

    def __init__(self, work: Callable[[], _T]) -> None:
        self._work = work
        self._results: list[_T] = []
        self._attempt = Attempt()
        self._done = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def result(self) -> _T:
        """Wait for the end of the work and return its result, or raise what it raised."""
        while not self._done.wait(LOOK_UP_S):
            pass
        if self._attempt.error is not None:
            raise self._attempt.error
        return self._results[0]

    def _run(self) -> None:
        with self._attempt:
            self._results.append(self._work())
        self._done.set()
