"""The platform's calls at 0, 5 and 10 s, all three of them, about an answer that takes its time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlmodel import select

from bot.answering.index import Index
from storage.models.deliveries import Quota
from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat_app import PATIENCE, Posting
from tests.doubles.wechat_official import OfficialAccount
from tests.support.service import Service
from tests.support.slow_answers import SECOND
from tests.support.telegram import in_chat
from tests.support.waiting import until
from tests.support.wechat import Follower, account, section, states

SECONDS = {2: [200, 200, 200], 7: [503, 200, 200], 12: [503, 503, 200]}
"""How long an answer takes, and what the platform's calls are answered with: the last one begins
at 10 s, and each ends before 5 s."""


@dataclass
class Slow:
    """A service for which the platform's seconds are short, and who waits for its answers."""

    service: Service
    accounts: dict[str, OfficialAccount]
    asked: dict[tuple[str, int], tuple[Follower, Posting]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def slow(
    tmp_path_factory: pytest.TempPathFactory, model_cache: Path, shipped: Index
) -> Iterator[Slow]:
    """All have asked at once, so that the tests wait together."""
    with WeChatDouble(second=SECOND).running() as double:
        accounts = {
            "service": account(double, 1, loses_answers=True),
            "passive": account(double, 2, loses_answers=True, service_messages=False),
        }
        running = Service(
            tmp_path_factory.mktemp("slow"),
            model_cache,
            module=("tests.support.slow_answers",),
            more_config="".join(section(one, name, double.url) for name, one in accounts.items()),
        )
        for name, one in accounts.items():
            one.callback_url = f"{running.url}/wechat/{name}"
        found = Slow(running.start(), accounts)
        for name, one in accounts.items():
            for seconds in SECONDS:
                customer = Follower(one)
                posting = one.write(customer.openid, f"{seconds}秒 怎么退货")
                found.asked[name, seconds] = customer, posting
        yield found
        assert running.stop() == 0


def said(account: OfficialAccount, openid: str, body: bytes) -> str:
    """What an answer to a call would show; empty for nothing."""
    return "" if body == b"success" else account._passive(openid, body).text


@pytest.mark.parametrize("seconds", SECONDS)
@pytest.mark.parametrize("name", ["service", "passive"])
def test_it_has_one_effect_and_is_seen_once(slow: Slow, name: str, seconds: int) -> None:
    customer, posting = slow.asked[name, seconds]
    posting.result()
    assert [one.status for one in posting.tries] == SECONDS[seconds]
    assert max(one.seconds for one in posting.tries) < PATIENCE * SECOND
    assert "7 天" in customer.next()
    shop, account = slow.service, slow.accounts[name]
    until(lambda: states(shop, customer.openid) == ["sent"])
    assert [author for author, _ in in_chat(shop, customer.openid)] == ["customer", "bot"]
    answers = {
        said(account, customer.openid, one.body) for one in posting.tries if one.status == 200
    }
    assert answers == ({""} if name == "service" else {customer.got[0].text})
    assert len(customer.got) == 1


def test_a_leave_that_is_told_three_times_is_one(slow: Slow) -> None:
    account = slow.accounts["service"]
    customer = Follower(account)
    posting = account.authorise(customer.openid, "T").result()
    assert [one.status for one in posting.tries] == [200] * 3
    query = select(Quota.allowance).where(Quota.chat == customer.openid)
    assert slow.service.look(lambda session: list(session.exec(query))) == [1]
