"""Another system that is told what happens at the shop."""

from collections.abc import Iterator

import pytest

from tests.doubles.webhook import WebhookDouble


@pytest.fixture(scope="module")
def shared() -> Iterator[WebhookDouble]:
    with WebhookDouble().running() as double:
        yield double


@pytest.fixture
def crm(shared: WebhookDouble) -> WebhookDouble:
    shared.calls.clear()
    shared.answers.clear()
    return shared
