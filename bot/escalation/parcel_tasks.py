"""Gives agents something to do about a parcel that is stuck or held up, until it moves again."""

from sqlmodel import Session

from bot.core.clock import now
from bot.core.events import Bus, ParcelMoved, ParcelMovedOn, ParcelStuck
from bot.delivery import outbox
from bot.escalation.follow_ups import due
from bot.escalation.teams import Teams
from bot.logistics.status import Status
from storage import live
from storage.models.conversations import Conversation, latest_conversation
from storage.models.customers import linked_identities
from storage.models.orders import Order, Parcel
from storage.models.remarks import FollowUp, open_about_parcel

STUCK, EXCEPTION = "parcel_stuck", "parcel_exception"
"""The kinds of these follow-ups."""


def register(bus: Bus, teams: Teams) -> None:
    """Listen to what becomes of parcels."""

    def stuck(session: Session, event: ParcelStuck) -> None:
        _open(session, teams, event.parcel_id, STUCK)

    def moved(session: Session, event: ParcelMoved) -> None:
        if event.status == Status.EXCEPTION:
            _open(session, teams, event.parcel_id, EXCEPTION)
        else:
            _end(session, event.parcel_id, {STUCK, EXCEPTION})

    def moved_on(session: Session, event: ParcelMovedOn) -> None:
        _end(session, event.parcel_id, {STUCK})

    bus.on(ParcelStuck, stuck)
    bus.on(ParcelMoved, moved)
    bus.on(ParcelMovedOn, moved_on)


def _open(session: Session, teams: Teams, parcel_id: int, kind: str) -> None:
    """One task for a parcel, in the chat where its customer is known; none without such a chat."""
    if open_about_parcel(session, parcel_id):
        return
    conversation = _conversation(session, parcel_id)
    if conversation is None or conversation.id is None:
        return
    session.add(
        FollowUp(
            conversation_id=conversation.id,
            kind=kind,
            parcel_id=parcel_id,
            due_at=due(teams.called(conversation.team), now()),
        )
    )
    session.flush()
    live.touch(session, live.QUEUE)


def _end(session: Session, parcel_id: int, kinds: set[str]) -> None:
    for follow_up in open_about_parcel(session, parcel_id):
        if follow_up.kind in kinds:
            follow_up.done_at = now()
            session.add(follow_up)
            live.touch(session, live.QUEUE)


def _conversation(session: Session, parcel_id: int) -> Conversation | None:
    parcel = session.get_one(Parcel, parcel_id)
    order = session.get(Order, parcel.order_id) if parcel.order_id else None
    chats = linked_identities(session, order.customer_id) if order and order.customer_id else []
    if not chats or chats[0].id is None:
        return None
    latest = latest_conversation(session, chats[0].id)
    return latest or outbox.conversation_for(session, chats[0])
