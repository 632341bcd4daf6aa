"""An engine that tests look at: whatever is asked of it passes by here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from solver.asking import Asked, Dialogue, Engine

T = TypeVar("T")


class Watched(Engine):
    """An engine with a look at what it is asked, and at what it answers."""

    def before(self, asked: Asked) -> None:
        """Look at what is asked; what this raises reaches who asks."""

    def after(self, asked: Asked, answer: Any) -> Any:
        """Return the answer, or another one."""
        del asked
        return answer

    def each(self, dialogues: Iterable[Dialogue[T]], *, ahead: int = 16) -> Iterator[T]:
        """Go on with dialogues, and look."""
        return super().each(map(self._watched, dialogues), ahead=ahead)

    @contextmanager
    def meanwhile(self, dialogue: Dialogue[T]) -> Iterator[Callable[[], T]]:
        """Go on with a dialogue, and look."""
        with super().meanwhile(self._watched(dialogue)) as outcome:
            yield outcome

    def _watched(self, dialogue: Dialogue[T]) -> Dialogue[T]:
        answer: Any = None
        while True:
            try:
                asked = dialogue.send(answer)
            except StopIteration as end:
                found: T = end.value
                return found
            self.before(asked)
            answer = self.after(asked, (yield asked))
