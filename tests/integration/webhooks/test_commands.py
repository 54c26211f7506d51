"""`xiaoer webhooks` and `xiaoer doctor`: an engineer finds what was not told, and mends it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from sqlmodel import Session, select

from storage.db import Database
from storage.models.errands import Errand
from tests.doubles.serving import Reply
from tests.doubles.webhook import SECRET, WebhookDouble
from tests.support.command import xiaoer
from tests.support.hooks import hook, listen
from tests.support.sending import queue
from tests.support.service import free_port

Command = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="module")
def crm() -> Iterator[WebhookDouble]:
    with WebhookDouble().running() as double:
        yield double


@pytest.fixture
def command(db: Database, crm: WebhookDouble, tmp_path: Path) -> Command:
    """On a shop that told a webhook of one of three new conversations, and gave one up."""
    listen(db, hook(crm.url, events=("conversation.created",)))
    db.run(queue, 3, 1)
    db.run(_end, ["sent", "failed"])
    config = tmp_path / "config.toml"
    url = db.url.render_as_string(hide_password=False)
    away = f"http://127.0.0.1:{free_port()}/"
    config.write_text(
        f'[shop]\nname = "x"\n[database]\nurl = "{url}"\n'
        + "".join(
            f'[[webhooks]]\nname = "{name}"\nurl = "{there}"\nsecret = "{SECRET}"\n'
            for name, there in (("crm", crm.url), ("away", away))
        ),
        encoding="utf-8",
    )
    return lambda *words, **options: xiaoer(*words, "--config", str(config), **options)


def _end(session: Session, states: list[str]) -> None:
    for row, state in zip(_rows(session), states, strict=False):
        row.state, row.attempts, row.reason = state, 8, "" if state == "sent" else "500"
        session.add(row)


def _rows(session: Session) -> list[Errand]:
    return list(session.exec(select(Errand).order_by(Errand.id)))  # type: ignore[arg-type]


def states(db: Database) -> list[str]:
    return db.run(lambda session: [one.state for one in _rows(session)])


def test_list_and_replay(db: Database, command: Command) -> None:
    found = json.loads(command("webhooks", "list", "--json").stdout)
    assert [one["state"] for one in found] == ["queued", "failed", "sent"]
    assert {one["webhook"] for one in found} == {"crm"}
    shown = command("webhooks", "list", "--failed")
    assert shown.stdout == ""
    assert "conversation.created" in shown.stderr
    assert shown.stderr.count("[500]") == 1
    assert command("webhooks", "list", "--limit", "1").stderr.count("\n") == 1

    failed, sent = str(found[1]["id"]), str(found[2]["id"])
    done = command("webhooks", "replay", failed, "999999")
    assert (done.returncode, states(db)) == (1, ["sent", "queued", "queued"])
    assert done.stderr.startswith("1 ✓\n")
    for words in (["--name", "away"], ["--failed"]):
        assert command("webhooks", "replay", "--since", "2h", *words).stderr == "0 ✓\n"
    assert states(db) == ["sent", "queued", "queued"]
    assert command("webhooks", "replay", "--since", "1d", "--name", "crm").stderr == "3 ✓\n"
    assert states(db) == ["queued"] * 3
    assert command("webhooks", "replay", sent).returncode == 0


def test_what_is_asked_wrongly_is_said(command: Command) -> None:
    for words in (["replay"], ["replay", "1", "--since", "2h"], ["replay", "--since", "soon"]):
        assert command("webhooks", *words).returncode == 2
    wrong = command("webhooks", "test", "cmr", language="zh_CN.UTF-8")
    assert wrong.returncode == 2
    assert "crm, away" in wrong.stderr


def test_a_webhook_is_tried_out(command: Command, crm: WebhookDouble) -> None:
    done = command("webhooks", "test", "crm")
    assert done.returncode == 0, done.stderr
    assert "204" in done.stderr
    assert crm.calls[-1]["type"] == "webhook.test"
    assert crm.calls[-1]["data"] == {"webhook": "crm"}
    crm.answers.append(Reply(b"", 403))
    refused = command("webhooks", "test", "crm")
    assert refused.returncode == 1
    assert "403" in refused.stderr
    assert "没有应答" in command("webhooks", "test", "away", language="zh_CN.UTF-8").stderr


def test_doctor_says_whether_it_can_be_reached(command: Command, crm: WebhookDouble) -> None:
    before = len(crm.calls)
    lines = command("doctor").stderr.splitlines()
    assert any(one.startswith("✓ webhook crm: http") for one in lines)
    assert any(one.startswith("✗ webhook away: http") and "ConnectError" in one for one in lines)
    assert len(crm.calls) == before, "nothing was told"
