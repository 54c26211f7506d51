"""Takes what happens in groups: in order, each once, in one transaction each."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from sqlmodel import Session

from bot.answering.reading import Understand, read
from bot.answering.understanding import Understanding
from bot.community import admins, newcomers
from bot.community.answers import answer
from bot.community.commands import obey, obey_from_log
from bot.community.moderation import judge
from bot.community.room import House, Room
from bot.community.undo import undo
from bot.core.errors import Unavailable, traced
from bot.core.groups import Change, Post, Press, Role
from bot.core.messages import Address
from bot.inbox.lanes import Lanes
from storage.db import Database
from storage.models import inbound, moderation

log = structlog.get_logger()


class Community:
    """The `GroupInlet` of all bots."""

    def __init__(self, db: Database, understand: Understand, house: House) -> None:
        self._db = db
        self._understand = understand
        self._house = house
        self._lanes = Lanes()

    def knows(self, place: Address) -> bool:
        """Whether this is a group of ours, or the chat of its admins."""
        return self._house.is_group(place) or bool(self._house.watched_from(place))

    async def posted(self, post: Post) -> None:
        """Somebody wrote something. A question is understood before its turn comes."""
        reading = asyncio.ensure_future(self._read(post))
        try:
            async with self._lanes.enter(post.place.key):
                await self._effect(self._post, post, await reading)
        finally:
            reading.cancel()

    async def changed(self, change: Change) -> None:
        """Somebody came, left, or has other rights."""
        async with self._lanes.enter(change.place.key):
            await self._effect(self._change, change)

    async def pressed(self, press: Press) -> str | None:
        """Somebody pressed a button; returns what is shown to them alone, None for a repetition."""
        async with self._lanes.enter(press.place.key):
            words: str | None = await self._effect(self._press, press)
            return words

    async def _read(self, post: Post) -> Understanding | None:
        """What a question to the bot means. Where that fails it is not understood."""
        question = question_of(post)
        if question is None or not self._house.is_group(post.place):
            return None
        return await read(self._understand, question)

    async def _effect(self, work: Callable[..., Any], *details: Any) -> Any:
        """`work` in a transaction. One at which an unforeseen error arises is left out, so that
        the others do not wait for it for ever."""
        try:
            return await self._db.transact(work, *details)
        except Unavailable:
            raise
        except Exception as error:
            log.error("what happened in a group is left out", error=traced(error))
            return None

    def _post(self, session: Session, post: Post, understood: Understanding | None) -> None:
        if not _is_new(session, post.place, post.external_id):
            return
        if not self._house.is_group(post.place):
            self._post_of_admins(session, post)
            return
        room = self._house.enter(session, post.place)
        post = admins.with_role(room, post)
        if post.joined:
            newcomers.arrived(room, post.joined, post.author, post.at)
        elif not post.is_service and room.knows_admins:
            self._said(room, post, understood)

    def _said(self, room: Room, post: Post, understood: Understanding | None) -> None:
        if post.author.role is Role.MEMBER:
            if judge(room, post):
                return
        else:
            admins.remember(room, post.author)
        if post.is_edit or post.author.role in (Role.BOT, Role.LINKED_CHANNEL):
            return
        if not obey(room, post) and understood is not None:
            answer(room, post, understood)

    def _post_of_admins(self, session: Session, post: Post) -> None:
        """The first group that the command fits; an entry of the log belongs to one."""
        for place in self._house.watched_from(post.place):
            room = self._house.enter(session, place)
            if obey_from_log(room, admins.with_role(room, post)):
                return

    def _change(self, session: Session, change: Change) -> None:
        if _is_new(session, change.place, change.external_id) and self._house.is_group(
            change.place
        ):
            room = self._house.enter(session, change.place)
            admins.changed(room, change)

    def _press(self, session: Session, press: Press) -> str | None:
        if not _is_new(session, press.place, press.external_id):
            return None
        if self._house.is_group(press.place):
            return newcomers.pressed(self._house.enter(session, press.place), press)
        return self._press_of_admin(session, press)

    def _press_of_admin(self, session: Session, press: Press) -> str:
        action = moderation.action_by_token(session, press.token)
        for place in self._house.watched_from(press.place):
            room = self._house.enter(session, place)
            if action is not None and action.group_id == room.id:
                return _undone(room, action, press)
        voice = self._house.voice
        return voice.say("community.button_unknown", press.who.language or voice.default_language)


def question_of(post: Post) -> str | None:
    """What is asked; a bare `/ask` or the bot's bare name in reply asks what it replies to."""
    if post.question is None or post.is_edit:
        return None
    return post.question or (post.reply.text if post.reply and not post.reply.is_ours else "")


def _undone(room: Room, action: moderation.ModerationAction, press: Press) -> str:
    who, language = room.known(press.who), press.who.language
    if not who.role.is_in_charge:
        return room.words("admins_only", language)
    return room.words("undone" if undo(room, action, who) else "undone_before", language)


def _is_new(session: Session, place: Address, external_id: str) -> bool:
    return inbound.take(session, inbound.source_of(place), external_id) is not None
