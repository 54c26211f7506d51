"""`xiaoer deliveries`: an engineer finds what got stuck, and decides."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from bot.channels.base import Refused, Uncertain
from bot.core.messages import Purpose
from bot.delivery import claims, outcomes
from storage.db import Database
from storage.models.deliveries import count_by_state
from tests.support.command import xiaoer
from tests.support.sending import PlainChannel, queue

Command = Callable[..., CompletedProcess[str]]


@pytest.fixture
def deliveries(db: Database, tmp_path: Path) -> Command:
    """The command, on a shop with one failed, one uncertain and one sent message."""
    db.run(queue, 3, 1, Purpose.MARKETING)
    channel = PlainChannel("http://unused.invalid")
    taken = db.run(claims.claim, channel, claims.guard_consent, [], 20).outgoing
    ids = [int(one.key) for one in taken]
    db.run(outcomes.failed, ids[0], Refused("chat not found"))
    db.run(outcomes.failed, ids[1], Uncertain("reset"))
    db.run(outcomes.succeeded, ids[2], "p1")
    config = tmp_path / "config.toml"
    url = db.url.render_as_string(hide_password=False)
    config.write_text(f'[shop]\nname = "x"\n[database]\nurl = "{url}"\n', encoding="utf-8")
    return lambda *words, **options: xiaoer(
        "deliveries", *words, "--config", str(config), **options
    )


def test_list(deliveries: Command) -> None:
    found = json.loads(deliveries("list", "--json").stdout)
    assert [(one["state"], one["reason"], one["text"]) for one in found] == [
        ("failed", "chat not found", "c0 #0"),
        ("uncertain", "reset", "c1 #0"),
    ]
    only = json.loads(deliveries("list", "--json", "--state", "sent").stdout)
    assert [one["text"] for one in only] == ["c2 #0"]
    shown = deliveries("list")
    assert shown.stdout == ""
    assert "chat not found" in shown.stderr
    assert "failed 1  sent 1  uncertain 1" in shown.stderr


def test_retry_by_state(db: Database, deliveries: Command) -> None:
    done = deliveries("retry", "--state", "failed", "--state", "uncertain", "--yes")
    assert (done.returncode, done.stderr) == (0, "2 / 2 ✓\n")
    assert db.run(count_by_state) == {"queued": 2, "sent": 1}


def test_drop_by_number_says_which_it_could_not(db: Database, deliveries: Command) -> None:
    (stuck,) = json.loads(deliveries("list", "--json", "--state", "uncertain").stdout)
    (sent,) = json.loads(deliveries("list", "--json", "--state", "sent").stdout)
    done = deliveries("drop", str(stuck["id"]), str(sent["id"]), "--yes", language="zh_CN.UTF-8")
    assert done.returncode == 1
    assert done.stderr == f"1 / 2 ✓\n[{sent['id']}]: 不存在，或不在可处理的状态\n"
    assert db.run(count_by_state) == {"failed": 2, "sent": 1}


def test_nothing_happens_without_a_choice_or_a_yes(
    db: Database, deliveries: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deliveries("retry").returncode == 2
    before = db.run(count_by_state)
    with open("/dev/null") as nobody:
        monkeypatch.setattr("sys.stdin", nobody)
        assert deliveries("retry", "--state", "failed").returncode == 1
    assert db.run(count_by_state) == before
