"""The ledger of windows in which a platform lets us write, such as five messages in 48 hours."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from bot.channels.base import Policy
from bot.core.clock import now
from bot.core.messages import Address, Progress, Purpose
from storage import live
from storage.models import deliveries, progress
from storage.models.deliveries import Delivery, Quota
from storage.models.progress import Account

CLOSED = "window"
"""Why a delivery is held: the customer has to write before it may be sent."""


LEAVE = "leave:"
"""What the kinds of permission begin with that a customer gives for single messages."""
_LASTS = timedelta(days=3650)
"""How long such a permission lasts: it has no end of its own."""


def open_window(
    session: Session, address: Address, policy: Policy, kind: str, at: datetime | None = None
) -> None:
    """The customer did what opens the window `kind`, at the moment `at`: it starts afresh.

    What is on its way, or arrived since `at`, may already count in it at the platform; one
    message is left for what the customer did. What was held for want of a window waits to be sent
    again, but for marketing: that somebody writes is no wish to be advertised to.
    """
    window = policy.windows[kind]
    account = (address.channel, address.account)
    quota = _row(session, address, kind)
    quota.closes_at = now() + window.lasts
    quota.allowance, quota.for_agents, quota.used = window.count, window.for_agents, 0
    if at is not None and window.count is not None:
        counted = deliveries.sent_since(session, account, address.chat, at)
        quota.used = min(counted, max(0, window.count - window.for_agents - 1))
    session.add(quota)
    deliveries.count_anew(session, account, address.chat, kind)
    release(session, account, address.chat)


def take(
    session: Session, delivery: Delivery, policy: Policy, at: datetime, count: int = 1
) -> bool:
    """See to it that `count` messages of an open window are counted for the delivery.

    False when no window has as many left for its purpose as are not counted yet.
    """
    missing = count - delivery.counted
    if not policy.windows or missing <= 0:
        return True
    purpose = Purpose(delivery.purpose)
    usable = [
        quota
        for quota in deliveries.open_quotas(session, *_chat(delivery), at)
        if quota.kind in policy.windows
        and (quota.allowance is None or left(quota, purpose) >= missing)
    ]
    if not usable:
        return False
    best = next((quota for quota in usable if quota.allowance is None), usable[0])
    _count(session, delivery, best, missing)
    return True


def give_back(session: Session, delivery: Delivery) -> None:
    """What is counted for pieces that were surely not sent may be used for other messages."""
    if not delivery.counted:
        return
    quota = deliveries.find_quota(session, *_chat(delivery), delivery.window)
    if quota is not None:
        quota.used = max(0, quota.used - delivery.counted)
        session.add(quota)
    delivery.counted = 0
    session.add(delivery)


def used_up(session: Session, delivery: Delivery, count: int | None = None) -> None:
    """`count` of what is counted for it, else all, was sent, or perhaps was."""
    delivery.counted = 0 if count is None else max(0, delivery.counted - count)
    session.add(delivery)


def give_leave(session: Session, address: Address, kind: str) -> None:
    """The customer allows one more message of this kind."""
    account = (address.channel, address.account)
    quota = _row(session, address, kind)
    quota.allowance, quota.closes_at = (quota.allowance or 0) + 1, now() + _LASTS
    session.add(quota)
    release(session, account, address.chat)


def use_leave(session: Session, delivery: Delivery, kind: str) -> bool:
    """Use one permission. False when there is none left."""
    quota = deliveries.find_quota(session, *_chat(delivery), kind)
    if quota is None or quota.used >= (quota.allowance or 0):
        return False
    _count(session, delivery, quota, 1)
    return True


def close(session: Session, account: Account, chat: str) -> None:
    """The platform says that nothing may be sent to the chat, whatever the ledger thinks."""
    for quota in deliveries.open_quotas(session, account, chat, now()):
        if not quota.kind.startswith(LEAVE):
            quota.closes_at = now()
            session.add(quota)


def is_shut(session: Session, address: Address) -> bool:
    """Whether the bot may not write before the customer does: no window of theirs is left.

    Where the platform has no windows, or none is remembered, the way counts as open.
    """
    known = deliveries.quotas_of(session, (address.channel, address.account), address.chat)
    windows = [quota for quota in known if not quota.kind.startswith(LEAVE)]
    at = now()
    return bool(windows) and not any(
        quota.closes_at > at and (quota.allowance is None or left(quota, Purpose.ANSWER) > 0)
        for quota in windows
    )


def _chat(delivery: Delivery) -> tuple[Account, str]:
    return (delivery.channel, delivery.account), delivery.chat


def _count(session: Session, delivery: Delivery, quota: Quota, count: int) -> None:
    quota.used += count
    delivery.window, delivery.counted = quota.kind, delivery.counted + count
    session.add(quota)
    session.add(delivery)


def _row(session: Session, address: Address, kind: str) -> Quota:
    account = (address.channel, address.account)
    return deliveries.find_quota(session, account, address.chat, kind) or Quota(
        channel=address.channel, account=address.account, chat=address.chat, kind=kind,
        closes_at=now(),
    )  # fmt: skip


def left(quota: Any, purpose: Purpose) -> int:
    """How many messages of a window, or of its row, that counts are left for a purpose."""
    assert quota.allowance is not None
    kept = 0 if purpose == Purpose.AGENT else quota.for_agents
    return int(quota.allowance - kept - quota.used)


def release(session: Session, account: Account, chat: str) -> None:
    """Queue again what was held until the customer does something."""
    held = progress.in_state(session, Delivery, account, [Progress.HELD], Delivery.chat == chat)
    for delivery in held:
        if delivery.reason == CLOSED and delivery.purpose != Purpose.MARKETING:
            assert delivery.id is not None
            was = [Progress.HELD]
            progress.change(session, Delivery, delivery.id, was, Progress.QUEUED, reason="")
    live.touch(session, live.sender(*account))
