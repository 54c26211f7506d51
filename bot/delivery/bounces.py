"""What the platform tells of messages that it had taken, and what is given up at another's word."""

from sqlmodel import Session

from bot.core.events import emit
from bot.core.messages import Address, Progress, Purpose
from bot.delivery.outcomes import DeliveryStopped
from storage import live
from storage.models import progress
from storage.models.deliveries import Delivery


def bounced(session: Session, delivery_id: int, address: Address, reason: str) -> None:
    """The platform had taken it, and says later that it did not reach the customer."""
    delivery = session.get(Delivery, delivery_id)
    if delivery is not None and delivery.address == address:
        was = [Progress.SENDING, Progress.SENT, Progress.UNCERTAIN]
        _fail(session, delivery, was, reason)


def give_up_held(session: Session, address: Address, reason: str) -> None:
    """What was held for a chat, but for what agents wrote, is of no use any more."""
    account = (address.channel, address.account)
    mine = (Delivery.chat == address.chat, Delivery.purpose != Purpose.AGENT)
    for delivery in progress.in_state(session, Delivery, account, [Progress.HELD], *mine):
        _fail(session, delivery, [Progress.HELD], reason)


def _fail(session: Session, delivery: Delivery, was: list[Progress], reason: str) -> None:
    assert delivery.id is not None
    if progress.change(session, Delivery, delivery.id, was, Progress.FAILED, reason=reason):
        live.touch(session, live.chat(delivery.address))
        emit(session, DeliveryStopped(delivery.message_id, Progress.FAILED, reason))
