"""Looks whether a bot may do in its groups and in the forum what its section asks of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from telegram import ChatMember, ChatMemberAdministrator
from telegram.error import BadRequest, ChatMigrated, Forbidden, TelegramError

from bot.channels.telegram import client as clients
from bot.channels.telegram.checkup import BotWrong, unreachable
from bot.channels.telegram.client import Client
from bot.config import Telegram

_NAMES = {
    "can_delete_messages": ("delete messages", "删除消息"),
    "can_restrict_members": ("ban users", "封禁用户"),
    "can_manage_topics": ("manage topics", "管理话题"),
    "can_pin_messages": ("pin messages", "置顶消息"),
}
"""The rights that we need, as Telegram's apps call them
(core.telegram.org/bots/api#chatmemberadministrator)."""

_IN_FORUM = ("can_manage_topics", "can_pin_messages")
_IN_GROUP = ("can_delete_messages", "can_restrict_members")


@dataclass(frozen=True, slots=True)
class Place:
    """One chat of a bot's section: what it is for, and the rights that are needed there."""

    chat: int
    what: str
    rights: tuple[str, ...] = ()
    is_forum: bool = False


def places(settings: Telegram) -> Iterator[Place]:
    """All chats that a section names, each once."""
    if settings.desk_chat_id is not None:
        yield Place(settings.desk_chat_id, "desk 客服台", _IN_FORUM, is_forum=True)
    for group in settings.groups:
        yield Place(group.id, "group 群", () if group.dry_run else _IN_GROUP)
    for chat in dict.fromkeys(group.admin_chat_id for group in settings.groups):
        if chat is not None:
            yield Place(chat, "admins' chat 管理群")


async def check(settings: Telegram, place: Place) -> str:
    """What there is to say about a place where all is well. Raises `BotWrong`."""
    client = clients.connect(settings)
    try:
        return await _look(client, place)
    except ChatMigrated as error:
        raise BotWrong(
            f"这个群已升级为超级群，新 id 是 {error.new_chat_id}：请写进配置。",
            f"this group has become a supergroup: put its new id {error.new_chat_id} into the "
            "configuration.",
        ) from error
    except (BadRequest, Forbidden) as error:
        raise BotWrong(
            f"机器人不在这个群里（{error}）。请把它加进群，并核对 id。",
            f"the bot is not in it ({error}). Add the bot to the group, and compare the id.",
        ) from error
    except TelegramError as error:
        raise unreachable(settings, error) from error
    finally:
        await clients.disconnect(client)


async def _look(client: Client, place: Place) -> str:
    us = await client.get_me()
    member = await client.get_chat_member(place.chat, us.id)
    if member.status in (ChatMember.LEFT, ChatMember.BANNED):
        raise BotWrong(
            "机器人不在这个群里。请把它加进群。", "the bot is not in it. Add the bot to the group."
        )
    if place.is_forum and not (await client.get_chat(place.chat)).is_forum:
        raise BotWrong(
            "这个群没有开启话题。请在群设置里打开“话题”。",
            "this group has no topics. Turn Topics on in the group's settings.",
        )
    _refuse_missing(member, place.rights)
    if getattr(member, "can_send_messages", True) is False:  # a restricted member
        raise BotWrong(
            "机器人在这个群里被禁言。请解除限制。",
            "the bot may not write here. Lift its restrictions.",
        )
    return "ok 正常"


def _refuse_missing(member: ChatMember, rights: Sequence[str]) -> None:
    if rights and not isinstance(member, ChatMemberAdministrator):
        en, zh = _listed(rights)
        raise BotWrong(
            f"机器人不是管理员。请在群设置里设为管理员，并给它权限：{zh}。",
            f"the bot is no admin. Make it one in the group's settings, who may: {en}.",
        )
    missing = [one for one in rights if not getattr(member, one)]
    if missing:
        en, zh = _listed(missing)
        raise BotWrong(
            f"机器人缺少权限：{zh}。请在群的管理员设置里打开。",
            f"the bot lacks rights: {en}. Grant them in the group's list of admins.",
        )


def _listed(rights: Sequence[str]) -> tuple[str, str]:
    names = [_NAMES[one] for one in rights]
    return ", ".join(en for en, _ in names), "、".join(zh for _, zh in names)
