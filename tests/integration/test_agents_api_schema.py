"""The agents' API and the reports keep what their description promises, whatever is sent."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from schemathesis import BaseSchema, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from sqlmodel import Session

from bot.config import ApiKey
from bot.core.clock import now
from bot.core.messages import Attachment, Author, Kind, Progress
from bot.delivery import outbox
from bot.escalation import agents, canned, remarks
from bot.escalation.handoff import hand_over
from bot.escalation.sent_files import SentFiles
from bot.escalation.teams import Teams
from bot.escalation.transfers import Transfers
from bot.web.api.router import agents_router
from bot.web.reports_api import reports_router
from storage.db import Database
from storage.models.agents import Agent
from storage.models.conversations import Message
from storage.models.deliveries import held_delivery
from storage.models.remarks import FollowUp
from tests.support import world

KEY = ApiKey(name="program", key="key-of-a-program-0123", scopes=("desk",))
HEADERS = {"Authorization": f"Bearer {KEY.key}"}
CUSTOMERS = 6
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    ignored_auth,
    unsupported_method,
]


def shop(session: Session) -> None:
    """Customers in all states, with everything that can be shown."""
    session.add(Agent(login="mei", name="美", password_hash="-"))
    key = Agent(login=f"key:{KEY.name}", name=KEY.name, password_hash="!", active=False)
    session.add(key)
    session.flush()
    assert key.id is not None
    for number in range(CUSTOMERS):
        conversation = visit(session, number)
        if number % 3:
            agents.reply(session, conversation, key.id, "hello")
            remarks.remember(session, conversation, key.id, "likes tea")
            remarks.tag(session, conversation, key.id, "refund")
            session.add(FollowUp(conversation_id=conversation, kind="low_rating", due_at=now()))
        if number % 3 == 2:
            agents.resolve(session, conversation, key.id)
    canned.write(session, key.id, world.voice(), "hours", "", "We are here.", ["hours"])


def visit(session: Session, number: int) -> int:
    """A customer with an order writes, and asks for a person. Returns the conversation's id."""
    order = world.told(session, "order.shipped", f"XE{number}", tracking_number=f"SF{number}")
    identity = world.chat(session, f"chat {number}", "telegram" if number % 2 else "web")
    identity.pulls = not number % 2
    identity.customer_id, identity.linked_at = order.customer_id or 0, now()
    conversation = outbox.conversation_for(session, identity)
    assert conversation.id is not None
    asked = {"conversation_id": conversation.id, "identity_id": identity.id}
    session.add(Message(author=Author.CUSTOMER, text="退货 please", **asked))
    session.flush()
    hand_over(session, conversation, "asked")
    photo = Attachment(Kind.PHOTO, file_id="f", size=7)
    said = outbox.post(session, conversation, "order sent", author=Author.BOT, attachments=[photo])
    stopped = held_delivery(session, said.id)
    if stopped is not None:
        stopped.state = Progress.FAILED
    return conversation.id


@pytest.fixture(scope="module")
def published(
    migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BaseSchema]:
    """The API as it is published, of a shop with customers."""
    folder = tmp_path_factory.mktemp("published")
    (folder / "shop.db").write_bytes(migrated_sqlite.read_bytes())
    db = Database(f"sqlite:///{folder / 'shop.db'}")
    db.run(shop)
    app = FastAPI()
    files = SentFiles(db, folder / "files", 1 << 20)
    app.include_router(agents_router(db, [KEY], files, Transfers(world.voice(), Teams())))
    app.include_router(reports_router(db, [KEY], ZoneInfo("Asia/Shanghai")))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    schema.hook(map_path_parameters)
    # Unknown parameters mean nothing over HTTP, and each call carries the key.
    schema.config.generation.update(allow_extra_parameters=False, with_security_parameters=False)
    yield schema
    db.close()


def map_path_parameters(
    _context: Any, path_parameters: dict[str, Any] | None
) -> dict[str, Any] | None:
    """Most numbers are those of something that is there, for else everything were a 404."""
    return {name: _near(value) for name, value in (path_parameters or {}).items()}


def _near(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 62:
        return value % (CUSTOMERS + 1) + 1
    return "mei" if isinstance(value, str) and 0 < len(value) <= 80 else value


@dataclass
class Tried:
    """What became of many calls: statuses, and what is not as documented, by operation."""

    statuses: set[int] = field(default_factory=set)
    wrong: dict[str, str] = field(default_factory=dict)

    def call(self, case: schemathesis.Case) -> None:
        self.statuses.add(case.call_and_validate(headers=HEADERS, checks=CHECKS).status_code)

    def told(self) -> str:
        return "\n\n".join(f"{one}: {why}" for one, why in self.wrong.items())


def tried(published: BaseSchema, examples: int, *, same: bool) -> Tried:
    """Calls of every operation as it should be called, and as it should not; `same` tries the same
    examples every time."""
    how = settings(
        max_examples=examples,
        deadline=None,
        derandomize=same,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    found = Tried()
    for operation in (one.ok() for one in published.get_all_operations()):
        for mode in GenerationMode:
            try:
                how(given(operation.as_strategy(generation_mode=mode))(found.call))()
            except (Exception, FailureGroup) as error:
                found.wrong[f"{operation.label}, {mode.value}"] = str(error)
    return found


def test_every_answer_is_as_documented(published: BaseSchema) -> None:
    found = tried(published, 4, same=True)
    assert not found.wrong, found.told()
    assert found.statuses >= {200, 201, 404, 409, 422}


@pytest.mark.soak
def test_a_hundred_answers_of_each_route_are_as_documented(published: BaseSchema) -> None:
    found = tried(published, 100, same=False)
    assert not found.wrong, found.told()
    assert found.statuses >= {200, 201, 204, 404, 409, 415, 422}
