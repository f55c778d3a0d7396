"""What many threads ask at the same moment, done in one go: one transaction, one flush of the disk.

No thread of its own and no timer. Who comes when nobody is busy does it at once; what is asked meanwhile waits, and the first
of those who wait does it for all of them. So a quiet process answers at once, and a busy one groups by itself.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Together(Generic[Asked, Answer]):
    """Calls ``do_all`` with what was asked, ``most`` at a time, never two at once; an answer may be an exception, to be raised.

    Where ``do_all`` raises for several, each is done by itself, so that one cannot fail the others.
    """

    def __init__(self, do_all: Callable[[list[Asked]], list[Answer | Exception]], *, most: int) -> None:
        self._do_all = do_all
        self._most = most
        self._lock = threading.Lock()
        self._waiting: deque[_Turn[Asked, Answer]] = deque()
        self._is_busy = False

    def do(self, asked: Asked) -> Answer:
        """The answer, after it was done: by this thread, or by another one together with what that had to do."""
        turn: _Turn[Asked, Answer] = _Turn(asked)
        with self._lock:
            self._waiting.append(turn)
            leads, self._is_busy = not self._is_busy, True
        if not leads:
            turn.called.wait()
        if not turn.answers:
            self._lead()
        answer = turn.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _lead(self) -> None:
        """Does what waits, this thread's own first among it, and calls the next to lead, who is the first that still waits."""
        with self._lock:
            turns = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
        try:
            self._answer(turns)
        finally:
            with self._lock:
                following = self._waiting[0] if self._waiting else None
                self._is_busy = following is not None
            for turn in turns:
                if not turn.answers:
                    turn.answers.append(RuntimeError("The process was stopped in the middle of this. Ask again."))
                turn.called.set()
            if following is not None:
                following.called.set()

    def _answer(self, turns: "list[_Turn[Asked, Answer]]") -> None:
        try:
            answers = self._do_all([turn.asked for turn in turns])
        except Exception as error:
            if len(turns) == 1:
                turns[0].answers.append(error)
                return
            for turn in turns:
                self._answer([turn])
        else:
            for turn, answer in zip(turns, answers, strict=True):
                turn.answers.append(answer)


class _Turn(Generic[Asked, Answer]):
    """One thread that waits; ``answers`` has none or one."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.called = threading.Event()
        self.answers: list[Answer | Exception] = []
