"""The housekeeping takes away what is of no use any more, and nothing else."""

from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from sqlmodel import Session, select

from bot import upkeep
from bot.channels.base import Policy, Window
from bot.core.clock import now
from bot.core.messages import Address
from bot.delivery import claims, errands, outbox, quota
from storage.db import Database
from storage.models.attachments import Attached, Stage
from storage.models.care import CareMessage, CareRefusal, Sending
from storage.models.deliveries import Delivery, Quota
from storage.models.errands import Errand
from storage.models.inbound import Receipt, take
from tests.support import world
from tests.support.sending import ACCOUNT, PlainChannel, queue

WINDOWS = Policy(windows={"message": Window(timedelta(hours=48), count=5)})


@pytest.fixture(autouse=True)
def in_small_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "AT_ONCE", 2)


def run(db: Database, name: str, folder: Path = Path("unused")) -> None:
    jobs = upkeep.jobs(db, folder, timedelta(days=30))
    job = next(job for job in jobs if job.name == name)
    job.run({})


def receipts(session: Session) -> list[str]:
    return [one.external_id for one in session.exec(select(Receipt))]


def test_old_receipts_go_and_young_ones_stay(db: Database) -> None:
    for number in range(5):
        with time_machine.travel(now() - timedelta(days=31)):
            db.run(take, "telegram:main", f"old{number}")
    with time_machine.travel(now() - timedelta(days=29)):
        db.run(take, "telegram:main", "young")
    run(db, "forget-receipts")
    assert db.run(receipts) == ["young"]


def test_old_files_are_deleted_and_their_messages_stay(db: Database, tmp_path: Path) -> None:
    for name in ("old0", "old1", "old2", "young"):
        (tmp_path / name).write_text("a photo")
    db.run(keep_files, {"old0": 31, "old1": 40, "old2": 99, "young": 29})
    (tmp_path / "old1").unlink()  # killed when it was deleted and that not yet noted
    run(db, "forget-files", tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["young"]
    stages = db.run(lambda session: {one.name: (one.stage, one.path) for one in files(session)})
    gone = dict.fromkeys(("old0", "old1", "old2"), ("expired", ""))
    assert stages == gone | {"young": ("kept", "young")}
    run(db, "forget-files", tmp_path)


def keep_files(session: Session, ages: dict[str, int]) -> None:
    """Files under these names, of so many days each."""
    conversation = outbox.conversation_for(session, world.chat(session, "ann"))
    message = outbox.post(session, conversation, "📷")
    for name, days in ages.items():
        row = Attached(message_id=message.id, identity_id=conversation.identity_id, kind="photo")
        row.name = row.path = name
        row.stage, row.created_at = Stage.KEPT, now() - timedelta(days=days)
        session.add(row)


def files(session: Session) -> list[Attached]:
    return list(session.exec(select(Attached)))


def test_errands_that_ended_long_ago_go_and_those_that_wait_stay(db: Database) -> None:
    place = Address(*ACCOUNT, "-100")
    with time_machine.travel(now() - timedelta(days=8)):
        ended = [db.run(errands.order, place, "say", {}, line=str(n)) for n in range(3)]
        db.run(errands.order, place, "wait", {}, line="w", useful=timedelta(days=30))
        for errand in ended:
            db.run(errands.succeeded, errand, {})
    young = db.run(errands.order, place, "young", {}, line="y")
    db.run(errands.succeeded, young, {})
    run(db, "forget-errands")
    assert db.run(lambda session: sorted(session.exec(select(Errand.kind)))) == ["wait", "young"]


def test_held_messages_expire(db: Database) -> None:
    channel = PlainChannel("http://unused.invalid", policy=WINDOWS)
    db.run(queue, 5, 1, useful_until=now() + timedelta(hours=1))
    db.run(queue, 1, 1, prefix="late", useful_until=now() + timedelta(hours=9))
    db.run(claims.claim, channel, claims.guard_consent, [], 20)
    with time_machine.travel(now() + timedelta(hours=2)):
        run(db, "expire-held-messages")
    found = db.run(
        lambda session: [(d.chat, d.state, d.reason) for d in session.exec(select(Delivery))]
    )
    assert sorted(found) == [
        *((f"c{number}", "failed", "expired") for number in range(5)),
        ("late0", "held", "window"),
    ]


def test_windows_that_closed_long_ago_are_forgotten(db: Database) -> None:
    for number in range(3):
        with time_machine.travel(now() - timedelta(days=10)):
            db.run(quota.open_window, Address(*ACCOUNT, f"c{number}"), WINDOWS, "message")
    db.run(quota.open_window, Address(*ACCOUNT, "new"), WINDOWS, "message")
    run(db, "forget-quotas")
    assert db.run(lambda session: [one.chat for one in session.exec(select(Quota))]) == ["new"]


def test_jobs_have_names_and_times_of_their_own(db: Database) -> None:
    jobs = upkeep.jobs(db, Path("unused"), timedelta(days=30))
    assert len({job.name for job in jobs}) == len({job.cron for job in jobs}) == len(jobs)


def test_old_refusals_go_and_then_what_was_never_sent(db: Database) -> None:
    """What was written, held out or of a sending stays, and what is still to be decided."""
    kinds = [("refused", 401), ("refused", 399), ("written", 401), ("held_out", 401), ("due", 401)]

    def story(session: Session) -> None:
        chat = world.chat(session, "lin")
        sending = Sending(name="spring", purpose="marketing", valid_until=now())
        session.add(sending)
        session.flush()
        for state, days in kinds:
            care(session, chat.customer_id, state, days)
        care(session, chat.customer_id, "refused", 402, sending.id)
        young = care(session, chat.customer_id, "refused", 403)
        for one, days in [(1, 91), (1, 89), (1, 200), (young, 80)]:
            at = now() - timedelta(days=days)
            session.add(CareRefusal(care_id=one, reason="cap", for_good=False, at=at))

    def left(session: Session) -> tuple[list[int | None], list[str]]:
        at = session.exec(select(CareRefusal.at).order_by(CareRefusal.at)).all()
        cares = session.exec(select(CareMessage).order_by(CareMessage.id)).all()
        return [(now() - one).days for one in at], [one.subject for one in cares]

    db.run(story)
    run(db, "forget-refusals")
    run(db, "forget-refused")
    kept = ["refused-401", "refused-399", "written-401", "held_out-401", "due-401"]
    assert db.run(left) == ([89, 80], [*kept, "refused-402", "refused-403"])
    with time_machine.travel(now() + timedelta(days=12)):
        run(db, "forget-refusals")
        run(db, "forget-refused")
        assert db.run(left)[1] == [*kept[2:], "refused-402"]


def care(
    session: Session, customer_id: int, state: str, days: int, sending: int | None = None
) -> int:
    """A care message that was due so many days ago."""
    at = now() - timedelta(days=days)
    made = CareMessage(
        journey="birthday",
        subject=f"{state}-{days}",
        customer_id=customer_id,
        purpose="marketing",
        due_at=at,
        valid_until=at,
        state=state,
        sending_id=sending,
    )
    session.add(made)
    session.flush()
    return made.id or 0
