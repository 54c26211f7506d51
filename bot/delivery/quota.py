"""The ledger of windows in which a platform lets us write, such as five messages in 48 hours."""

from datetime import datetime, timedelta

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
    release(session, account, address.chat)


def take(
    session: Session,
    account: Account,
    chat: str,
    purpose: Purpose,
    policy: Policy,
    at: datetime,
    count: int = 1,
) -> bool:
    """Use `count` messages of an open window. False when none has them left for this purpose."""
    if not policy.windows:
        return True
    usable = [
        quota
        for quota in deliveries.open_quotas(session, account, chat, at)
        if quota.kind in policy.windows
        and (quota.allowance is None or _left(quota, purpose) >= count)
    ]
    if not usable:
        return False
    best = next((quota for quota in usable if quota.allowance is None), usable[0])
    best.used += count
    session.add(best)
    return True


def give_back(session: Session, account: Account, chat: str) -> None:
    """A message that was taken from a window was surely not sent: it may be used for another."""
    for quota in deliveries.open_quotas(session, account, chat, now()):
        if quota.used > 0 and not quota.kind.startswith(LEAVE):
            quota.used -= 1
            session.add(quota)
            return


def give_leave(session: Session, address: Address, kind: str) -> None:
    """The customer allows one more message of this kind."""
    account = (address.channel, address.account)
    quota = _row(session, address, kind)
    quota.allowance, quota.closes_at = (quota.allowance or 0) + 1, now() + _LASTS
    session.add(quota)
    release(session, account, address.chat)


def use_leave(session: Session, account: Account, chat: str, kind: str) -> bool:
    """Use one permission. False when there is none left."""
    quota = deliveries.find_quota(session, account, chat, kind)
    if quota is None or quota.used >= (quota.allowance or 0):
        return False
    quota.used += 1
    session.add(quota)
    return True


def close(session: Session, account: Account, chat: str) -> None:
    """The platform says that nothing may be sent to the chat, whatever the ledger thinks."""
    for quota in deliveries.open_quotas(session, account, chat, now()):
        if not quota.kind.startswith(LEAVE):
            quota.closes_at = now()
            session.add(quota)


def _row(session: Session, address: Address, kind: str) -> Quota:
    account = (address.channel, address.account)
    return deliveries.find_quota(session, account, address.chat, kind) or Quota(
        channel=address.channel, account=address.account, chat=address.chat, kind=kind,
        closes_at=now(),
    )  # fmt: skip


def _left(quota: Quota, purpose: Purpose) -> int:
    assert quota.allowance is not None
    kept = 0 if purpose == Purpose.AGENT else quota.for_agents
    return quota.allowance - kept - quota.used


def release(session: Session, account: Account, chat: str) -> None:
    """Queue again what was held until the customer does something."""
    held = progress.in_state(session, Delivery, account, [Progress.HELD], Delivery.chat == chat)
    for delivery in held:
        if delivery.reason == CLOSED and delivery.purpose != Purpose.MARKETING:
            assert delivery.id is not None
            was = [Progress.HELD]
            progress.change(session, Delivery, delivery.id, was, Progress.QUEUED, reason="")
    live.touch(session, live.sender(*account))
