"""The platform's three calls at 0, 5 and 10 seconds: one effect, one answer, none over five."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine

from tests.doubles.wechat_app import Posting
from tests.doubles.wechat_official import OfficialAccount
from tests.support.service import Service
from tests.support.telegram import in_chat
from tests.support.waiting import until
from tests.support.wechat import Follower, conversation, post, states, text_of


@contextmanager
def database_busy(shop: Service, seconds: float) -> Iterator[None]:
    """Somebody else writes for so long; what is not committed waits."""
    engine = create_engine(f"sqlite:///{shop.folder}/xiaoer.db")
    begun, ended = threading.Event(), threading.Event()

    def hold() -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            begun.set()
            ended.wait(seconds)
            connection.exec_driver_sql("ROLLBACK")

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert begun.wait(10)
        yield
    finally:
        ended.set()
        thread.join()
        engine.dispose()


def slowest(posting: Posting) -> float:
    return max(one.seconds for one in posting.tries)


@pytest.mark.parametrize("name", ["service", "passive"])
def test_while_nothing_can_be_committed_the_platform_comes_again(
    shop: Service, request: pytest.FixtureRequest, name: str
) -> None:
    account: OfficialAccount = request.getfixturevalue(
        "service_account" if name == "service" else "passive"
    )
    customer = Follower(account)
    with database_busy(shop, 5.6):
        posting = account.write(customer.openid, "怎么退货").result()
    assert "7 天" in customer.next()
    assert [one.status for one in posting.tries][-1] == 200
    assert 2 <= len(posting.tries) <= 3
    assert slowest(posting) < 5.3
    until(lambda: states(shop, customer.openid) == ["sent"])
    assert [author for author, _ in in_chat(shop, customer.openid)] == ["customer", "bot"]
    assert len(customer.got) == 1


@pytest.mark.parametrize("name", ["service", "compatible", "passive", "plain"])
def test_three_at_once_have_one_effect_and_one_answer(
    shop: Service, request: pytest.FixtureRequest, name: str
) -> None:
    account: OfficialAccount = request.getfixturevalue(
        "service_account" if name == "service" else name
    )
    customer = Follower(account)
    account.followers.add(customer.openid)
    account._open(customer.openid, "message")
    values = text_of(account, customer.openid, "怎么退货")
    bodies: list[bytes] = []

    def call() -> None:
        answer = post(shop, account, name, values)
        assert answer.status_code == 200
        bodies.append(answer.content)

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if account.service_messages:
        assert bodies == [b"success"] * 3
        assert "7 天" in customer.next()
    else:
        said = {account._passive(customer.openid, body).text for body in bodies}
        assert len(said) == 1
        assert "7 天" in said.pop()
    until(lambda: states(shop, customer.openid) == ["sent"])
    assert [author for author, _ in in_chat(shop, customer.openid)] == ["customer", "bot"]
    again = post(shop, account, name, values)
    assert again.status_code == 200
    assert len(in_chat(shop, customer.openid)) == 2


def test_an_answer_that_comes_too_late_is_had_for_a_word(
    shop: Service, passive: OfficialAccount
) -> None:
    customer = Follower(passive)
    begun = passive.write(customer.openid, "我想问一下")
    until(lambda: in_chat(shop, customer.openid))
    with database_busy(shop, 30):
        posting = begun.result()
        assert slowest(posting) < 5.3
        assert "继续" in customer.next()
    until(lambda: [author for author, _ in in_chat(shop, customer.openid)] == ["customer", "bot"])
    assert in_chat(shop, customer.openid)[1][1] in customer.ask("继续")
    until(lambda: states(shop, customer.openid) == ["sent"])
    assert len(customer.got) == 2


def test_a_long_answer_comes_in_parts(shop: Service, passive: OfficialAccount) -> None:
    customer = Follower(passive)
    customer.ask("转人工")
    mine = conversation(shop, customer.openid)
    words = "".join(f"第{number}句话要说清楚。" for number in range(150))
    assert shop.desk("POST", f"/conversations/{mine}/messages", json={"text": words}).is_success
    said = ""
    for _ in range(6):
        part = customer.ask("继续")
        said += part.partition("\n\n内容较长")[0]
        if said.endswith("第149句话要说清楚。"):
            break
    assert words in said
    assert "暂时没有新的回复" in customer.ask("继续")
