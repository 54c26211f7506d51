"""Knows who is in charge of a group: asked of the platform, and told by it when that changes."""

from dataclasses import replace
from datetime import timedelta

from sqlmodel import Session

from bot.community import newcomers
from bot.community.room import House, Room
from bot.core.clock import now
from bot.core.groups import Change, Person, Post, Role
from storage.models import community

EVERY = timedelta(minutes=10)
"""How often the admins are asked for, should news of a change have been lost."""


def ask_for_all(session: Session, house: House) -> None:
    """Ask who the admins of all groups are."""
    for place in house.places:
        ask(house.enter(session, place))


def ask(room: Room) -> None:
    """Ask who the admins are; `learned` hears the answer."""
    room.order("admins", {}, "admins", merge=f"admins {room.id}", useful=EVERY)


def learned(room: Room, admins: dict[str, str], bot: str) -> None:
    """These are the admins, names by id, and this is the bot's user name."""
    room.state.admins, room.state.admins_at, room.state.bot = admins, now(), bot
    room.session.add(room.state)


def changed(room: Room, change: Change) -> None:
    """Somebody came, left, was promoted or let write."""
    if change.is_us:
        ask(room)
        return
    _note_rights(room, change)
    if change.has_joined and not change.is_admin:
        newcomers.arrived(room, (change.who,), change.by, change.at)
    elif change.has_left:
        newcomers.gone(room, change.who)
    elif change.may_write and room.known(change.by).role.is_in_charge:
        newcomers.let_in(room, change.who)


def with_role(room: Room, post: Post) -> Post:
    """The post with what its author, and that of the message it replies to, are here."""
    reply = post.reply and replace(post.reply, author=room.known(post.reply.author))
    return replace(post, author=room.known(post.author), reply=reply)


def remember(room: Room, who: Person) -> None:
    """Keep a protected author's name, so that a command by name or id knows what they are."""
    if who.role in (Role.BOT, Role.CHANNEL):
        community.member(room.session, room.id, who)


def _note_rights(room: Room, change: Change) -> None:
    admins = dict(room.state.admins)
    was = change.who.id in admins
    if change.is_admin == was:
        return
    if change.is_admin:
        admins[change.who.id] = change.who.name
    else:
        del admins[change.who.id]
    room.state.admins = admins
    room.session.add(room.state)
    ask(room)
