"""As many are let in as are done soon; one chat does not take it all."""

from contextlib import ExitStack

import pytest

from bot.inbox.admission import Admission, Busy


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def fill(door: Admission, most: int = 10_000) -> list[ExitStack]:
    """Let in whoever comes until somebody is turned away."""
    inside = []
    for number in range(most):
        with ExitStack() as stack:
            try:
                stack.enter_context(door.enter(f"chat{number}"))
            except Busy:
                break
            inside.append(stack.pop_all())
    return inside


def work(door: Admission, clock: Clock, rate: float, seconds: float) -> None:
    """The door is always full, and `rate` a second are done."""
    inside = fill(door)
    for _ in range(int(rate * seconds)):
        clock.now += 1 / rate
        inside.pop(0).close()
        inside += fill(door)
    for stack in inside:
        stack.close()


@pytest.mark.parametrize("rate", [4, 40, 100, 1000])
def test_nobody_waits_much_longer_than_the_patience(rate: int) -> None:
    clock = Clock()
    door = Admission(patience=0.5, least=10, clock=clock)
    work(door, clock, rate, 20)
    clock.now += 100  # a quiet time counts for nothing
    expected = max(10, rate // 2)
    assert expected * 0.7 <= len(fill(door)) <= expected * 1.3


def test_it_follows_when_the_work_gets_slower() -> None:
    clock = Clock()
    door = Admission(patience=0.5, least=10, clock=clock)
    work(door, clock, 1000, 10)
    work(door, clock, 50, 20)
    assert len(fill(door)) <= 35


def test_what_fails_is_not_counted_as_done() -> None:
    clock = Clock()
    door = Admission(patience=0.5, least=10, clock=clock)

    def fails() -> None:
        with door.enter("ann"):
            clock.now += 0.001
            raise OSError("disk")

    for _ in range(1000):
        with pytest.raises(OSError, match="disk"):
            fails()
    assert door.room == 10
    assert door.waiting == 0


def test_one_chat_does_not_take_it_all() -> None:
    door = Admission(least=10, per_chat=4)
    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(door.enter("flood"))
        with pytest.raises(Busy), door.enter("flood"):
            pass
        for number in range(6):
            stack.enter_context(door.enter(f"other{number}"))
        with pytest.raises(Busy), door.enter("one more"):
            pass
    assert door.waiting == 0
    with door.enter("flood"):
        assert door.waiting == 1


def test_who_names_no_chat_has_no_share() -> None:
    door = Admission(least=10, per_chat=4)
    with ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(door.enter())
        with pytest.raises(Busy), door.enter():
            pass
