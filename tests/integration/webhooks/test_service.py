"""The whole service tells: also what it was killed before it could tell."""

import pytest

from tests.doubles.serving import Reply
from tests.doubles.webhook import SECRET, WebhookDouble
from tests.support.chat import Chat
from tests.support.service import Service
from tests.support.waiting import until


def _configure(service: Service, crm: WebhookDouble) -> None:
    service.more_config = (
        f'[[webhooks]]\nname = "crm"\nurl = "{crm.url}"\nsecret = "{SECRET}"\n'
        'events = ["message.created", "conversation.created"]'
    )


def _assert_told(crm: WebhookDouble) -> None:
    found = crm.wait(3)
    kinds = [one["type"].partition(".")[0] for one in found]
    assert kinds == ["conversation", "message", "message"]
    writers = [one["data"].get("message", {}).get("from") for one in found]
    assert writers == [None, "customer", "bot"]
    assert crm.forged == []


def test_what_a_customer_writes_is_told(own_service: Service) -> None:
    with WebhookDouble().running() as crm:
        _configure(own_service, crm)
        own_service.start()
        with Chat(own_service.socket_url) as chat:
            assert chat.ask("怎么退货")
        _assert_told(crm)
        assert own_service.stop() == 0


@pytest.mark.soak
def test_kill_9_loses_nothing(own_service: Service) -> None:
    with WebhookDouble().running() as crm:
        _configure(own_service, crm)
        crm.answers += [Reply(b"", 503)] * 50  # it is under load: nothing arrives yet
        own_service.start()
        with Chat(own_service.socket_url) as chat:
            assert chat.ask("怎么退货")
        until(lambda: crm.calls)
        own_service.kill()
        crm.answers.clear()
        own_service.start()
        _assert_told(crm)
