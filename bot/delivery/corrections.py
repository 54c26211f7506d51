"""Changes what an agent wrote: before it is sent, while it is on its way, or at the customer."""

from sqlmodel import Session

from bot.core.messages import Progress
from bot.delivery import errands, files
from storage.models.conversations import Message, reword
from storage.models.deliveries import Delivery, held_delivery

CORRECTION = "correction"
"""In the details of an errand that changes a message at the customer: our message's id."""


def correct(session: Session, message: Message, text: str) -> bool:
    """Give `message`, which has been or will be pushed, new words.

    False when it cannot be: it did not arrive, or nobody knows. The caller holds the chat.
    """
    assert message.id is not None
    delivery = held_delivery(session, message.id)
    if delivery is None or delivery.state in (Progress.FAILED, Progress.UNCERTAIN):
        return False
    if delivery.state == Progress.SENT and not _last(delivery.provider_id).isdecimal():
        return False  # this platform changes no messages
    reword(session, message.id, text)
    session.refresh(message)
    if delivery.state == Progress.SENT:
        order(session, delivery, _last(delivery.provider_id))
    elif delivery.state == Progress.SENDING:  # it leaves with the old words
        delivery.is_reworded = True
        session.add(delivery)
    return True


def order(session: Session, delivery: Delivery, provider_id: str) -> None:
    """Have what was sent as `provider_id` changed at the customer to what the message says now,
    where the platform can."""
    if not provider_id.isdecimal():
        return
    message = session.get_one(Message, delivery.message_id)
    details = {
        CORRECTION: message.id,
        "message": int(provider_id),
        "text": message.text,
        "caption": files.is_copy(session, message),
    }
    merge = f"{CORRECTION}:{message.id}"
    errands.order(session, delivery.address, "edit", details, merge=merge, repeatable=True)


def _last(provider_id: str) -> str:
    return provider_id.rpartition(",")[2]
