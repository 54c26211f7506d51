"""What admins and members order by a command: /warn, /mute, /ban, /undo, /rules and /report."""

import re
from collections.abc import Callable, Mapping

from bot.community import journal
from bot.community.checks import Action
from bot.community.moderation import Deed, act
from bot.community.room import Room
from bot.community.undo import undo
from bot.core.groups import SPECIAL, Person, Post, Role
from storage.models import community, moderation

MUTE_SECONDS = 3600
LONGEST_SECONDS = 365 * 86400
"""Telegram takes what is longer than 366 days for ever (core.telegram.org/bots/api
#restrictchatmember)."""
_SPAN = re.compile(r"(\d{1,6})(s|m|min|h|d|w|秒|分钟?|小时|天|周)", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_HAN = {"秒": "s", "分": "m", "小": "h", "天": "d", "周": "w"}

Order = Callable[[Room, Post], None]


def obey(room: Room, post: Post) -> bool:
    """Do what a command says, if its author may give it; False when it is none of ours.

    An admin's command from anybody else is passed over in silence.
    """
    for_admins = ADMINS.get(post.command)
    if for_admins is not None:
        if post.author.role.is_in_charge:
            for_admins(room, post)
        return True
    for_all = MEMBERS.get(post.command)
    if for_all is not None:
        for_all(room, post)
    return for_all is not None


def obey_from_log(room: Room, post: Post) -> bool:
    """`/undo` in the admins' chat: of the entry that it replies to, or of the last action."""
    if post.command != "undo" or not post.author.role.is_in_charge:
        return False
    return _undo_entry(room, post) if post.reply else _undo_latest(room, post.author)


def seconds_in(text: str) -> int | None:
    """The length of time in words such as `10m`, `2h`, `1d`, `30分钟`; None without one."""
    found = _SPAN.fullmatch(text)
    if found is None:
        return None
    unit = _HAN.get(found[2][0], found[2][0].lower())
    return max(1, min(int(found[1]) * _SECONDS[unit], LONGEST_SECONDS))


def _punish(room: Room, post: Post, action: Action) -> None:
    words = post.argument.split()
    who = _target(room, post, words)
    if who is None:
        room.say(room.words("who", command=post.command), to=post.message)
        return
    if who.role.is_protected:
        room.say(room.words("protected", name=who.name), to=post.message)
        return
    if post.reply is None and post.target is None:
        words = words[1:]
    length = seconds_in(words[0]) if words and action is Action.MUTE else None
    why = " ".join(words[1:] if length else words)
    span = {"for": room.span(length or MUTE_SECONDS)} if action is Action.MUTE else {}
    deed = Deed(
        who,
        action,
        "command",
        by=post.author,
        details={**span, "why": why[:200]},
        messages=_messages(post, action),
        text=post.reply.text if post.reply else "",
        seconds=length or MUTE_SECONDS,
    )
    act(room, deed)


def _messages(post: Post, action: Action) -> tuple[int, ...]:
    """Somebody who is banned goes with the message that it was for."""
    return (post.reply.message,) if post.reply and action is Action.BAN else ()


def _target(room: Room, post: Post, words: list[str]) -> Person | None:
    """Whom a command means: the author of what it replies to, somebody who is named, by
    an @name or without one, or an id."""
    if post.reply is not None:
        return None if post.reply.is_ours else room.known(post.reply.author)
    if post.target is not None:
        return room.known(post.target)
    name = words[0] if words else ""
    if name.startswith("@"):
        found = community.member_by_username(room.session, room.id, name)
    elif re.fullmatch(r"-?\d{5,20}", name):
        found = community.member_by_id(room.session, room.id, name)
        if found is None:
            special = Role.CHANNEL if name.startswith("-") else SPECIAL.get(name)
            return room.known(Person(name, name, role=special or Role.MEMBER))
    else:
        return None
    if found is None:
        return None
    return room.known(Person(found.user_id, found.name, found.username, Role(found.role)))


def _undo(room: Room, post: Post) -> None:
    if not _undo_latest(room, post.author):
        room.say(room.words("nothing_to_undo"), to=post.message)


def _undo_latest(room: Room, by: Person) -> bool:
    latest = moderation.latest_action(room.session, room.id, journal.RESTORABLE)
    return latest is not None and undo(room, latest, by)


def _undo_entry(room: Room, post: Post) -> bool:
    """All that an entry tells of, or with a number only that one."""
    assert post.reply is not None
    entry = moderation.entry_by_message(room.session, post.place.chat, post.reply.message)
    if entry is None or entry.id is None or entry.group_id != room.id:
        return False
    actions = moderation.actions_of(room.session, entry.id)
    if post.argument.isdecimal():
        actions = actions[int(post.argument) - 1 :][:1] if int(post.argument) else []
    undone = [undo(room, action, post.author) for action in actions]
    return any(undone)


def _rules(room: Room, post: Post) -> None:
    language = room.group.language or post.author.language or room.language
    text = room.group.rules_in(language) or room.words("no_rules", language)
    room.say(text, to=post.message, thread=post.thread, merge=f"rules {room.id}")


def _report(room: Room, post: Post) -> None:
    """The admins are told, once of each message, and the member is thanked."""
    reply = post.reply
    if reply is None:
        room.say(room.words("report_what"), to=post.message, merge=f"report {room.id}")
        return
    if moderation.was_reported(room.session, room.id, reply.message):
        return
    row = journal.record(
        room,
        user_id=reply.author.id,
        name=reply.author.name,
        action="report",
        check="report",
        details={"why": post.argument[:200]},
        message=reply.message,
        text=reply.text,
        by=post.author.id,
        by_name=post.author.name,
    )
    journal.tell(room, row)
    room.say(room.words("reported"), to=post.message, merge=f"report {room.id}")


ADMINS: Mapping[str, Order] = {
    "warn": lambda room, post: _punish(room, post, Action.WARN),
    "mute": lambda room, post: _punish(room, post, Action.MUTE),
    "ban": lambda room, post: _punish(room, post, Action.BAN),
    "undo": _undo,
}
MEMBERS: Mapping[str, Order] = {"rules": _rules, "report": _report}
