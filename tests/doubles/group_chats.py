"""What a Bot API server knows of groups: who may write, who is out, who is an admin.

Source of each rule: core.telegram.org/bots/api.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from tests.doubles.answers import Answer, bad, ok

BOT = {"id": 1, "is_bot": True, "first_name": "Xiaoer", "username": "xiaoer_bot"}


@dataclass
class GroupChat:
    """One supergroup. `admins` are names by id; `powerless` when the bot is no admin there, `denied`
    the rights that it lacks as one, `status` what else it is."""

    admins: dict[int, str] = field(default_factory=dict)
    muted: set[int] = field(default_factory=set)
    banned: set[int] = field(default_factory=set)
    ever_muted: set[int] = field(default_factory=set)
    ever_banned: set[int] = field(default_factory=set)
    messages: set[int] = field(default_factory=set)
    deleted: set[int] = field(default_factory=set)
    powerless: bool = False
    denied: set[str] = field(default_factory=set)
    status: str = ""


@dataclass
class Topic:
    """One topic of a forum."""

    name: str
    is_closed: bool = False
    pinned: list[int] = field(default_factory=list)


@dataclass
class GroupChats:
    """The groups of a server. Methods run on the server's loop."""

    groups: dict[str, GroupChat] = field(default_factory=dict)
    forums: dict[str, dict[int, Topic]] = field(default_factory=dict)

    async def do_getChat(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        allowed = {"can_send_messages": True, "can_send_photos": True}
        chat = {
            "id": int(data["chat_id"]), "type": "supergroup", "title": "Group",
            "accent_color_id": 1, "max_reaction_count": 11, "permissions": allowed,
            "is_forum": str(data["chat_id"]) in self.forums,
            "accepted_gift_types": {
                "unlimited_gifts": False, "limited_gifts": False, "unique_gifts": False,
                "premium_subscription": False, "gifts_from_channels": False,
            },
        }  # fmt: skip
        return ok(chat) if str(data["chat_id"]) in self.groups else bad("chat not found")

    async def do_getChatAdministrators(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        group = self.groups.get(str(data["chat_id"]))
        if group is None:
            return bad("chat not found")
        people = [
            {"id": number, "is_bot": False, "first_name": name}
            for number, name in group.admins.items()
        ]
        owner = [{"user": people[0], "status": "creator", "is_anonymous": False}] if people else []
        others = people[1:] if group.powerless else [*people[1:], BOT]
        return ok([*owner, *(_administrator(one) for one in others)])

    async def do_getChatMember(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        group = self.groups.get(str(data["chat_id"]))
        if group is None:
            return bad("chat not found")
        if int(data["user_id"]) != BOT["id"]:
            return bad("PARTICIPANT_ID_INVALID")
        if group.powerless or group.status:
            return ok(
                {
                    "user": BOT,
                    "status": group.status or "member",
                    "until_date": 0,
                    "is_member": True,
                }
                | dict.fromkeys(_RESTRICTED, False)
            )
        rights = dict.fromkeys(("can_manage_topics", "can_pin_messages"), True)
        denied = dict.fromkeys(group.denied, False)
        return ok({**_administrator(BOT), **rights, **denied})

    async def do_restrictChatMember(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        group, user = self.groups.get(str(data["chat_id"])), int(data["user_id"])
        if (refused := _refusal(group, user)) is not None or group is None:
            return refused or bad("chat not found")
        permissions = data["permissions"]
        if isinstance(permissions, str):
            permissions = json.loads(permissions)
        if user in group.banned:
            return bad("PARTICIPANT_ID_INVALID")
        if permissions.get("can_send_messages"):
            group.muted.discard(user)
        else:
            group.muted.add(user)
            group.ever_muted.add(user)
        return ok(True)

    async def do_banChatMember(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        group, user = self.groups.get(str(data["chat_id"])), int(data["user_id"])
        if (refused := _refusal(group, user)) is not None or group is None:
            return refused or bad("chat not found")
        group.banned.add(user)
        group.ever_banned.add(user)
        return ok(True)

    async def do_unbanChatMember(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        group, user = self.groups.get(str(data["chat_id"])), int(data["user_id"])
        if (refused := _refusal(group, user)) is not None or group is None:
            return refused or bad("chat not found")
        group.banned.discard(user)
        return ok(True)

    async def do_deleteMessages(self, data: dict[str, Any]) -> Answer:  # noqa: N802
        group = self.groups.get(str(data["chat_id"]))
        if group is None:
            return bad("chat not found")
        if group.powerless:
            return bad("message can't be deleted")
        numbers = data["message_ids"]
        numbers = {
            int(one) for one in (json.loads(numbers) if isinstance(numbers, str) else numbers)
        }
        if not 1 <= len(numbers) <= 100:
            return bad("wrong number of messages to delete")
        group.deleted |= numbers
        return ok(True)


_RESTRICTED = (
    "can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos",
    "can_send_videos", "can_send_video_notes", "can_send_voice_notes", "can_send_polls",
    "can_send_other_messages", "can_add_web_page_previews", "can_change_info", "can_invite_users",
    "can_pin_messages", "can_manage_topics", "can_react_to_messages", "can_edit_tag",
)  # fmt: skip


def _refusal(group: GroupChat | None, user: int) -> Answer | None:
    """Why the bot cannot touch somebody; None when it can."""
    if group is None:
        return bad("chat not found")
    if group.powerless:
        return bad("not enough rights to restrict/unrestrict chat member")
    if user in group.admins or user == BOT["id"]:
        return bad("user is an administrator of the chat")
    return bad("PARTICIPANT_ID_INVALID") if user <= 0 else None


def _administrator(user: dict[str, Any]) -> dict[str, Any]:
    rights = (
        "can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages",
        "can_manage_video_chats", "can_restrict_members", "can_promote_members",
        "can_change_info", "can_invite_users", "can_post_stories", "can_edit_stories",
        "can_delete_stories",
    )  # fmt: skip
    return {"user": user, "status": "administrator", **dict.fromkeys(rights, True)}
