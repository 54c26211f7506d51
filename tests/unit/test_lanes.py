"""A chat's messages keep their order; chats do not wait for each other."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.inbox.lanes import Lanes


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.booleans()), max_size=25))
def test_first_come_first_served_alone_and_nothing_left(
    visits: list[tuple[str, int, bool]],
) -> None:
    """Each visit holds its lane for some turns of the loop; some are cancelled on the way."""
    served: list[tuple[str, int]] = []
    inside: dict[str, int] = dict.fromkeys("abc", 0)

    async def visit(lanes: Lanes, key: str, number: int, turns: int) -> None:
        async with lanes.enter(key):
            inside[key] += 1
            assert inside[key] == 1
            served.append((key, number))
            for _ in range(turns):
                await asyncio.sleep(0)
            inside[key] -= 1

    async def run() -> None:
        lanes = Lanes()
        tasks = [
            asyncio.ensure_future(visit(lanes, key, number, turns))
            for number, (key, turns, _cancelled) in enumerate(visits)
        ]
        await asyncio.sleep(0)
        for task, (key, _turns, cancelled) in zip(tasks, visits, strict=True):
            if cancelled and not task.done() and not inside[key]:
                task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert not [one for one in results if isinstance(one, AssertionError)]
        assert len(lanes) == 0

    asyncio.run(run())
    for key in "abc":
        numbers = [number for lane, number in served if lane == key]
        assert numbers == sorted(numbers)
    kept = {number for number, (_key, _turns, cancelled) in enumerate(visits) if not cancelled}
    assert kept <= {number for _key, number in served}


async def test_lanes_do_not_wait_for_each_other() -> None:
    lanes = Lanes()
    async with lanes.enter("slow"), asyncio.timeout(1), lanes.enter("quick"):
        assert len(lanes) == 2
    assert len(lanes) == 0


async def test_who_gives_up_waiting_blocks_nobody() -> None:
    lanes = Lanes()

    async def pass_through() -> str:
        async with lanes.enter("chat"):
            return "through"

    async with lanes.enter("chat"):
        impatient, patient = (asyncio.ensure_future(pass_through()) for _ in range(2))
        await asyncio.sleep(0)
        impatient.cancel()
        await asyncio.sleep(0)
        assert not patient.done()
    assert await asyncio.wait_for(patient, 1) == "through"
    assert impatient.cancelled()
    assert len(lanes) == 0


async def test_a_failure_leaves_the_lane() -> None:
    lanes = Lanes()
    with pytest.raises(ValueError, match="broken"):
        async with lanes.enter("chat"):
            raise ValueError("broken")
    assert len(lanes) == 0
    async with asyncio.timeout(1), lanes.enter("chat"):
        assert len(lanes) == 1
