"""The ledger of windows in which a platform lets us write, such as five messages in 48 hours."""

from datetime import datetime

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


def open_window(session: Session, address: Address, policy: Policy, kind: str) -> None:
    """The customer did what opens the window `kind`: it starts afresh.

    What was held for want of a window waits to be sent again, but for marketing: that somebody
    writes is no wish to be advertised to.
    """
    window = policy.windows[kind]
    account = (address.channel, address.account)
    quota = deliveries.find_quota(session, account, address.chat, kind) or Quota(
        channel=address.channel, account=address.account, chat=address.chat, kind=kind,
        closes_at=now(),
    )  # fmt: skip
    quota.closes_at = now() + window.lasts
    quota.allowance, quota.for_agents, quota.used = window.count, window.for_agents, 0
    session.add(quota)
    _release(session, account, address.chat)


def take(
    session: Session, account: Account, chat: str, purpose: Purpose, policy: Policy, at: datetime
) -> bool:
    """Use one message of an open window. False when none has one left for this purpose."""
    if not policy.windows:
        return True
    usable = [
        quota
        for quota in deliveries.open_quotas(session, account, chat, at)
        if quota.allowance is None or _left(quota, purpose) > 0
    ]
    if not usable:
        return False
    best = next((quota for quota in usable if quota.allowance is None), usable[0])
    best.used += 1
    session.add(best)
    return True


def close(session: Session, account: Account, chat: str) -> None:
    """The platform says that nothing may be sent to the chat, whatever the ledger thinks."""
    for quota in deliveries.open_quotas(session, account, chat, now()):
        quota.closes_at = now()
        session.add(quota)


def _left(quota: Quota, purpose: Purpose) -> int:
    assert quota.allowance is not None
    kept = 0 if purpose == Purpose.AGENT else quota.for_agents
    return quota.allowance - kept - quota.used


def _release(session: Session, account: Account, chat: str) -> None:
    held = progress.in_state(session, Delivery, account, [Progress.HELD], Delivery.chat == chat)
    for delivery in held:
        if delivery.reason == CLOSED and delivery.purpose != Purpose.MARKETING:
            assert delivery.id is not None
            was = [Progress.HELD]
            progress.change(session, Delivery, delivery.id, was, Progress.QUEUED, reason="")
    live.touch(session, live.sender(*account))
