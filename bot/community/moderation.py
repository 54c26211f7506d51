"""Judges members' posts and does what follows: the most severe of what the checks found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from bot.community import journal
from bot.community.checks import Action, Case, Verdict, discover, fingerprint
from bot.community.room import Room, line_of
from bot.core.clock import now
from bot.core.groups import Person, Post
from storage.models import community
from storage.models.community import WAITING, GroupMember, GroupPost
from storage.models.moderation import ModerationAction

BY_BOT = Person("bot", "bot")
WARNINGS = 3
"""Warnings that make a mute of a day."""
DAY_SECONDS = 86400
FOREVER = timedelta(days=3650)
NAMED = 20
"""How many members one notice names."""

CHECKS = discover()


@dataclass(frozen=True, slots=True)
class Deed:
    """What is to be done to whom, and why. `messages` are taken away."""

    who: Person
    action: Action
    check: str
    by: Person = BY_BOT
    details: Mapping[str, Any] = field(default_factory=dict)
    messages: Sequence[int] = ()
    text: str = ""
    seconds: int = 0


def judge(room: Room, post: Post) -> bool:
    """Look at a member's post and act. True when it was taken away, or would have been."""
    parts = _of_its_album(room, post)
    who = _known(room, post, is_first=not parts)
    if any(part.is_removed for part in parts) and not room.group.dry_run:
        _take_away(room, [post.message], None)  # what is judged is the whole
        return True
    newcomer = community.latest_newcomer(room.session, room.id, post.author.id)
    is_waiting = newcomer is not None and newcomer.state == WAITING
    is_silenced = who.muted_until is not None and who.muted_until > now()
    case = Case(room.session, room.group, room.id, post, who, is_waiting, is_silenced)
    found = [verdict for check in CHECKS if (verdict := check(case)) is not None]
    if not found:
        return False
    worst = max(found, key=lambda verdict: verdict.action.rank)
    if is_silenced or is_waiting:  # nothing worse can be done to them now
        worst = next(one for one in found if one.name == "silenced")
    act(room, _deed(post, worst, parts))
    return True


def act(room: Room, deed: Deed) -> ModerationAction:
    """Do it, keep it, and tell the admins. Every third warning to somebody mutes for a day."""
    who = community.member(room.session, room.id, deed.who)
    deed = _escalated(room, deed, who)
    row = journal.record(
        room,
        user_id=deed.who.id,
        name=deed.who.name,
        action=deed.action,
        check=deed.check,
        details=dict(deed.details),
        message=deed.messages[0] if deed.messages else None,
        text=deed.text,
        by=deed.by.id,
        by_name="" if deed.by is BY_BOT else deed.by.name,
    )
    if not room.group.dry_run:
        _do(room, deed, who, row)
    journal.tell(room, row)
    return row


def _of_its_album(room: Room, post: Post) -> list[GroupPost]:
    """What is known already of the album that the post belongs to."""
    if not post.album:
        return []
    return community.posts_of_album(room.session, room.id, post.author.id, post.album)


def _known(room: Room, post: Post, *, is_first: bool) -> GroupMember:
    """The author's row, with this post counted if it is the first of its album."""
    who = community.member(room.session, room.id, post.author)
    if is_first and not post.is_edit:
        who.posts += 1
    community.keep_post(room.session, room.id, post, fingerprint(post.text))
    return who


def _deed(post: Post, verdict: Verdict, parts: Sequence[GroupPost]) -> Deed:
    """What follows from a verdict; all `parts` of its album go with the post."""
    others = {*verdict.messages, *(part.message for part in parts)} - {post.message}
    return Deed(
        post.author,
        verdict.action,
        verdict.name,
        details=verdict.details,
        messages=(post.message, *sorted(others)),
        text=" ".join((post.text, *(link for link in post.links if link not in post.text))),
        seconds=verdict.seconds,
    )


def _escalated(room: Room, deed: Deed, who: GroupMember) -> Deed:
    if deed.action is not Action.WARN or room.group.dry_run:
        return deed
    who.warnings += 1
    details = {**deed.details, "warnings": who.warnings}
    if who.warnings % WARNINGS:
        return replace(deed, details=details)
    return replace(deed, action=Action.MUTE, details=details, seconds=DAY_SECONDS)


def _do(room: Room, deed: Deed, who: GroupMember, row: ModerationAction) -> None:
    _take_away(room, deed.messages, row)
    told = {"user": int(deed.who.id), "action": row.id}
    line = line_of(deed.who.id)
    if deed.action is Action.WARN:
        _warn(room, deed.who, who.warnings)
    elif deed.action is Action.MUTE:
        who.muted_until = now() + timedelta(seconds=deed.seconds)
        room.order("mute", {**told, "until": who.muted_until.isoformat()}, line)
    elif deed.action is Action.BAN:
        who.muted_until = now() + FOREVER
        room.order("ban", told, line)
    room.session.add(who)


def _take_away(room: Room, messages: Sequence[int], row: ModerationAction | None) -> None:
    if not messages:
        return
    community.mark_removed(room.session, room.id, messages)
    told = {"action": row.id} if row else {}
    details = {"messages": sorted(messages)[:100], **told}
    room.order("delete", details, f"message {messages[0]}")


def _warn(room: Room, who: Person, warnings: int) -> None:
    """One notice names all who are warned while it waits to be sent."""
    merge = f"warning {room.id}"
    earlier = room.waiting(merge)
    names = [
        *(earlier.get("names", []) if earlier else []),
        f"{who.name} ({warnings % WARNINGS}/{WARNINGS})",
    ]
    text = room.words("warned", names="、".join(names[-NAMED:]), days=1)
    room.say(text, merge=merge, names=names)
