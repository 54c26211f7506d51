"""Whoever comes is muted until they press their button, and removed when they do not in time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from bot.community import journal
from bot.community.moderation import BY_BOT
from bot.community.room import House, Room, line_of
from bot.core.clock import now
from bot.core.groups import Person, Press, Role
from bot.core.ids import token
from storage.models import community
from storage.models.community import LEFT, PASSED, REMOVED, WAITING, Newcomer, Welcome

BURST = timedelta(seconds=60)
"""Who comes within this after the first shares one welcome."""
FIRST_DELAY, NEXT_DELAY = timedelta(seconds=1), timedelta(seconds=10)
"""A welcome waits for those who come together, and is changed no more often than this: every
change counts towards the twenty messages a minute that a group may get."""
SAME_ARRIVAL = timedelta(seconds=5)
"""Telegram tells of one arrival twice: as a message, and as a change of a member."""
BAN = timedelta(minutes=5)
"""How long a removal lasts should lifting it fail."""
NAMED = 5
AT_ONCE = 100
TOKEN_BYTES = 18


def arrived(room: Room, people: Sequence[Person], by: Person, at: datetime) -> None:
    """Mute and welcome those who came; not bots, and not those whom an admin brought."""
    brought = room.known(by).role.is_in_charge
    new = [
        one
        for one in people
        if one.role is Role.MEMBER
        and not room.known(one).role.is_protected
        and not (brought and by.id != one.id)
        and not _is_known(room, one, at)
    ]
    for who in people:
        _remember(room, who, at)
    if new and room.group.dry_run:
        journal.tell(room, *(_would_ask(room, one) for one in new))
    elif new:
        _welcome(room, new, at)


def pressed(room: Room, press: Press) -> str:
    """Let a newcomer in who pressed their button; what is shown to whoever pressed."""
    language = press.who.language
    welcome = community.welcome_by_token(room.session, room.id, press.token)
    newcomer = community.latest_newcomer(room.session, room.id, press.who.id)
    if welcome is None or newcomer is None or newcomer.welcome_id != welcome.id:
        return room.words("not_your_button", language)
    if newcomer.state == PASSED:
        return room.words("passed_before", language)
    if not settle(room, newcomer, PASSED):
        return room.words("not_your_button", language)
    room.order("unmute", {"user": int(press.who.id)}, line_of(press.who.id))
    return room.words("passed", language, name=press.who.name)


def settle(room: Room, newcomer: Newcomer, state: str) -> bool:
    """They wait no more. False when they did not."""
    return community.settle_newcomer(room.session, newcomer, state)


def gone(room: Room, who: Person) -> None:
    """Somebody left before they pressed their button."""
    newcomer = community.latest_newcomer(room.session, room.id, who.id)
    if newcomer is not None:
        settle(room, newcomer, LEFT)


def let_in(room: Room, who: Person) -> None:
    """An admin has let somebody write: they need no button, and no mute counts any more."""
    newcomer = community.latest_newcomer(room.session, room.id, who.id)
    if newcomer is not None:
        settle(room, newcomer, PASSED)
    member = community.member_by_id(room.session, room.id, who.id)
    if member is not None:
        member.muted_until = None
        room.session.add(member)


def is_due(session: Session) -> bool:
    """Whether `sweep` has anything to do."""
    due = community.due_groups(session, now())
    return bool(due or community.finished_welcomes(session, now() - BURST))


def sweep(session: Session, house: House) -> int:
    """Remove those whose time is over, and welcomes that nobody needs. Returns how many."""
    done = 0
    for state in community.due_groups(session, now()):
        if house.is_group(state.place):
            done += _remove_due(house.enter(session, state.place))
    for welcome, state in community.finished_welcomes(session, now() - BURST):
        if house.is_group(state.place):
            _close(house.enter(session, state.place), welcome)
            done += 1
    return done


def _is_known(room: Room, who: Person, at: datetime) -> bool:
    """Whether this arrival was told before, or their last one still waits."""
    latest = community.latest_newcomer(room.session, room.id, who.id)
    if latest is not None and latest.state == WAITING:
        return True
    member = community.member_by_id(room.session, room.id, who.id)
    came = member.joined_at if member else None
    return came is not None and at <= came + SAME_ARRIVAL


def _remember(room: Room, who: Person, at: datetime) -> None:
    member = community.member(room.session, room.id, who)
    if member.joined_at is None or at > member.joined_at + SAME_ARRIVAL:
        member.joined_at = at


def _would_ask(room: Room, who: Person) -> Any:
    return journal.record(
        room,
        user_id=who.id,
        name=who.name,
        action="captcha",
        check="newcomer",
        details={"seconds": room.group.captcha_seconds},
        by=BY_BOT.id,
    )


def _welcome(room: Room, people: Sequence[Person], at: datetime) -> None:
    welcome = community.open_welcome(room.session, room.id, now() - BURST)
    if welcome is None:
        welcome = Welcome(group_id=room.id, token=token(TOKEN_BYTES))
        room.session.add(welcome)
        room.session.flush()
    assert welcome.id is not None
    for who in people:
        room.order("mute", {"user": int(who.id)}, line_of(who.id))
        room.session.add(
            Newcomer(
                group_id=room.id,
                welcome_id=welcome.id,
                user_id=who.id,
                name=who.name,
                joined_at=at,
                due_at=now() + timedelta(seconds=room.group.captcha_seconds),
            )
        )
    room.session.flush()
    show(room, welcome)


def show(room: Room, welcome: Welcome) -> None:
    """Have the group show the welcome as it is now; while its message is under way, later."""
    text = _text(room, welcome)
    button = [[(room.words("captcha_button"), welcome.token)]]
    say, edit = f"welcome {welcome.id}", f"welcome-edit {welcome.id}"
    if welcome.message is not None:
        room.edit(welcome.message, text, button, merge=edit, delay=NEXT_DELAY)
    elif not room.is_under_way(say):
        room.say(text, buttons=button, merge=say, delay=FIRST_DELAY, welcome=welcome.id)


def is_shown(room: Room, welcome: Welcome, message: int, text: str) -> None:
    """The welcome is message number `message`; who came meanwhile is named now."""
    welcome.message = message
    room.session.add(welcome)
    if _text(room, welcome) != text:
        show(room, welcome)


def _text(room: Room, welcome: Welcome) -> str:
    assert welcome.id is not None
    names, count = community.greeted(room.session, welcome.id, NAMED)
    return room.words(
        "welcome",
        names="、".join(names),
        count=count,
        more=count > NAMED,
        time=room.span(room.group.captcha_seconds),
    )


def _remove_due(room: Room) -> int:
    """Out, but free to come again."""
    found = community.due_newcomers(room.session, room.id, now(), AT_ONCE)
    out = [one for one in found if settle(room, one, REMOVED)]
    until = (now() + BAN).isoformat()
    for one in out:
        room.order("kick", {"user": int(one.user_id), "until": until}, line_of(one.user_id))
    if out:
        journal.tell(room, _removal(room, out))
    return len(out)


def _removal(room: Room, out: Sequence[Newcomer]) -> Any:
    return journal.record(
        room,
        user_id=out[0].user_id if len(out) == 1 else "",
        name=out[0].name if len(out) == 1 else room.words("people", count=len(out)),
        action="remove",
        check="newcomer",
        details={
            "count": len(out),
            "names": "、".join(one.name for one in out[:NAMED]),
            "users": [one.user_id for one in out],
        },
        by=BY_BOT.id,
    )


def _close(room: Room, welcome: Welcome) -> None:
    welcome.closed_at = now()
    room.session.add(welcome)
    if welcome.message is not None:
        room.order("delete", {"messages": [welcome.message]}, f"message {welcome.message}")
