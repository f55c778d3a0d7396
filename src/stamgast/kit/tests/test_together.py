"""Threads that ask at the same moment are answered in one go, and one of them cannot fail the others."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from stamgast.kit.together import Together


class Doing:
    """Doubles numbers, remembers in which groups, and waits in its first call until it is let go. 13 cannot be doubled."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.is_begun, self.goes_on = threading.Event(), threading.Event()
        self.together: Together[int, int] = Together(self.do_all, most=4)

    def do_all(self, numbers: list[int]) -> list[int | Exception]:
        self.groups.append(numbers)
        self.is_begun.set()
        assert self.goes_on.wait(10)
        if 13 in numbers:
            raise ValueError("unlucky")
        return [KeyError(number) if number == 99 else 2 * number for number in numbers]


def ask_behind_one(doing: Doing, *numbers: int) -> list[Callable[[], int]]:
    """Asks these while another is being done; the answers, to be called for."""
    pool = ThreadPoolExecutor(len(numbers) + 1)
    first = pool.submit(doing.together.do, 1)
    assert doing.is_begun.wait(10)
    others = []
    for place, number in enumerate(numbers):
        others.append(pool.submit(doing.together.do, number))
        until_waiting(doing, place + 1)
    doing.goes_on.set()
    assert first.result(10) == 2
    return [partial(other.result, 10) for other in others]


def until_waiting(doing: Doing, number: int) -> None:
    pause = threading.Event()
    for _ in range(1_000):
        if len(doing.together._waiting) == number:
            return
        pause.wait(0.01)
    raise AssertionError("nobody came to wait")


def test_who_comes_alone_is_done_alone_and_at_once() -> None:
    doing = Doing()
    doing.goes_on.set()
    assert (doing.together.do(3), doing.together.do(4)) == (6, 8)
    assert doing.groups == [[3], [4]]


def test_what_is_asked_meanwhile_is_done_together_so_many_at_a_time() -> None:
    doing = Doing()
    answers = [answer() for answer in ask_behind_one(doing, 2, 3, 4, 5, 6)]
    assert answers == [4, 6, 8, 10, 12]
    assert doing.groups == [[1], [2, 3, 4, 5], [6]]


def test_one_that_cannot_be_done_fails_alone() -> None:
    doing = Doing()
    two, unlucky, four = ask_behind_one(doing, 2, 13, 4)
    assert (two(), four()) == (4, 8)
    with pytest.raises(ValueError, match="unlucky"):
        unlucky()
    assert doing.groups == [[1], [2, 13, 4], [2], [13], [4]]


def test_an_answer_that_is_an_exception_is_raised_where_it_was_asked() -> None:
    doing = Doing()
    two, wrong = ask_behind_one(doing, 2, 99)
    assert two() == 4
    with pytest.raises(KeyError):
        wrong()


def test_an_interrupted_leader_leaves_nobody_waiting() -> None:
    def interrupted(numbers: list[int]) -> list[int | Exception]:
        raise KeyboardInterrupt

    together: Together[int, int] = Together(interrupted, most=4)
    with pytest.raises(KeyboardInterrupt):
        together.do(1)
    with pytest.raises(KeyboardInterrupt):
        together.do(2)
