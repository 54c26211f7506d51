"""Whatever the network does, a platform never sees more than its limits allow."""

import heapq

from hypothesis import given
from hypothesis import strategies as st

from bot.channels.base import Limits, Rate
from bot.delivery.limiter import Limiter, Tally

LIMITS = Limits(overall=Rate(30, 1), per_chat=Rate(1, 1), per_group=Rate(20, 60))
LATENCY = st.floats(0.001, 0.4)


def is_group(chat: str) -> bool:
    return chat.startswith("-")


def sliding(moments: list[float], seconds: float) -> int:
    """The most moments in any half-open span of `seconds`."""
    moments = sorted(moments)
    return max(
        (sum(start <= one < start + seconds for one in moments) for start in moments), default=0
    )


@given(
    st.lists(st.sampled_from(["a", "b", "c", "d", "-g"]), min_size=1, max_size=60),
    st.lists(st.tuples(LATENCY, st.floats(0, 1)), min_size=60, max_size=60),
)
def test_no_sliding_window_is_ever_exceeded(
    chats: list[str], network: list[tuple[float, float]]
) -> None:
    """Each message takes its own time; the platform counts it anywhere on the way."""
    limits = Limits(overall=Rate(5, 1), per_chat=Rate(1, 1), per_group=Rate(3, 10))
    limiter, at = Limiter(limits, is_group), 0.0
    waiting, on_the_way = list(chats), list[tuple[float, str]]()
    arrived: list[tuple[float, str]] = []
    while waiting or on_the_way:
        while on_the_way and on_the_way[0][0] <= at:
            ended, chat = heapq.heappop(on_the_way)
            limiter.end(chat, ended)
        free = limiter.free(at, 20)
        busy = limiter.busy(at)
        for chat in [chat for chat in dict.fromkeys(waiting) if chat not in busy][: max(0, free)]:
            waiting.remove(chat)
            latency, share = network[len(arrived)]
            limiter.start(chat, at)
            heapq.heappush(on_the_way, (at + latency, chat))
            arrived.append((at + latency * share, chat))
        pause = limiter.wait(at, 1.0)
        soonest = min((moment for moment, _ in on_the_way), default=at + pause)
        at = max(at + 1e-6, min(at + pause, soonest))
    assert sliding([moment for moment, _ in arrived], 1) <= 5
    for chat in set(chats):
        mine = [moment for moment, to in arrived if to == chat]
        assert sliding(mine, 1) <= 1
        assert not is_group(chat) or sliding(mine, 10) <= 3


def test_a_fast_network_is_used_to_the_limit() -> None:
    limiter, at, sent = Limiter(LIMITS, is_group), 0.0, 0
    while at < 10:
        for _ in range(limiter.free(at, 20)):
            limiter.start(f"c{sent}", at)
            limiter.end(f"c{sent}", at)
            sent += 1
        at += limiter.wait(at, 1.0)
    assert 290 <= sent <= 300 + 30


def test_an_urgent_message_waits_a_tenth_of_a_second_at_most() -> None:
    limiter, at = Limiter(LIMITS, is_group), 0.0
    while at < 3:
        number = limiter.free(at, 20)
        for place in range(number):
            limiter.start(f"{at}:{place}", at)
            limiter.end(f"{at}:{place}", at)
        pause = limiter.wait(at, 1.0)
        assert pause <= 0.3
        at += pause


def test_a_pause_for_one_chat_leaves_the_others_alone() -> None:
    limiter = Limiter(LIMITS, is_group)
    limiter.pause(7.0, "a")
    assert (limiter.busy(0.0), limiter.free(0.0, 3)) == (["a"], 3)
    assert limiter.wait(0.0, 30.0) == 7.0
    assert limiter.busy(7.0) == []


def test_a_pause_for_the_account_stops_everybody() -> None:
    limiter = Limiter(LIMITS, is_group)
    limiter.pause(5.0)
    assert (limiter.free(4.9, 3), limiter.free(5.0, 3)) == (0, 3)
    assert limiter.wait(0.0, 30.0) == 5.0


def test_what_another_process_sent_counts() -> None:
    limiter = Limiter(LIMITS, is_group)
    for number in range(28):
        limiter.recall(f"c{number}", 9.5)
    limiter.recall("c0", 9.8)
    assert limiter.free(10.0, 20) == 1
    assert "c0" in limiter.busy(10.6)
    assert limiter.busy(10.9) == []


def test_chats_that_count_no_more_take_no_memory() -> None:
    limiter = Limiter(LIMITS, is_group)
    for number in range(1000):
        limiter.recall(f"c{number}", 0.0)
    limiter.busy(2.0)
    assert limiter.wait(2.0, 30.0) == 30.0


def test_one_under_way_counts_until_it_ended_and_its_time_passed() -> None:
    tally = Tally(Rate(1, 1))
    tally.start()
    assert (tally.free(100.0), tally.free_at()) == (0, None)
    tally.end(100.0)
    assert (tally.free(100.9), tally.free(101.0)) == (0, 1)
