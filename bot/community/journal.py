"""Tells the admins what was done, in their own chat, with a button that undoes it."""

from typing import Any

from bot.community.room import Buttons, Room, shown
from bot.core.ids import token
from bot.delivery import errands
from storage.models import moderation
from storage.models.moderation import LogEntry, ModerationAction

MOST = 10
"""Actions that one message tells of; the more there are, the fewer messages."""
MOST_TEXT, MOST_NAME = 250, 40
"""Characters that are shown of what a member wrote, and of their name."""
TOKEN_BYTES = 18
UNDOABLE = ("delete", "warn", "mute", "ban")
RESTORABLE = ("warn", "mute", "ban")
"""What leaves something to give back: a deleted message cannot return."""
_IN_ROW = 5


def record(room: Room, **values: Any) -> ModerationAction:
    """Keep what was done (see `ModerationAction`)."""
    row = ModerationAction(
        group_id=room.id, token=token(TOKEN_BYTES), dry_run=room.group.dry_run, **values
    )
    room.session.add(row)
    room.session.flush()
    return row


def tell(room: Room, *actions: ModerationAction) -> None:
    """Put these actions into the log; those that come while its message waits go along in it."""
    for action in actions:
        entry = _entry(room)
        if entry is None:
            return
        action.log_id = entry.id
        room.session.add(action)
        room.session.flush()
        show(room, entry)


def show(room: Room, entry: LogEntry) -> None:
    """Have the admins' chat show the entry as it is now."""
    text, buttons = _shown(room, entry)
    if entry.message is not None:
        more = {"message": entry.message}
        _order(room, "edit", text, buttons, f"log-edit {entry.id}", more)
    elif not room.is_under_way(_key(entry)):
        _order(room, "say", text, buttons, _key(entry), {"log": entry.id})


def arrived(room: Room, entry: LogEntry, message: int, text: str) -> None:
    """The entry is message number `message`; what has changed since is shown now."""
    entry.message = message
    room.session.add(entry)
    if _shown(room, entry)[0] != text:
        show(room, entry)


def _entry(room: Room) -> LogEntry | None:
    """The entry that waits and has room, or a new one; None without an admins' chat."""
    place = room.admin_place
    if place is None:
        return None
    latest = moderation.latest_entry(room.session, room.id)
    if latest is not None and _waits(room, latest) and _count(room, latest) < MOST:
        return latest
    entry = LogEntry(group_id=room.id, chat=place.chat)
    room.session.add(entry)
    room.session.flush()
    return entry


def _count(room: Room, entry: LogEntry) -> int:
    assert entry.id is not None
    return len(moderation.actions_of(room.session, entry.id))


def _waits(room: Room, entry: LogEntry) -> bool:
    return room.waiting(_key(entry)) is not None


def _key(entry: LogEntry) -> str:
    """What the ordering of its message is known by."""
    return f"log {entry.id}"


def _order(
    room: Room, kind: str, text: str, buttons: Buttons, merge: str, more: dict[str, Any]
) -> None:
    place = room.admin_place
    assert place is not None
    details = shown(text, buttons, **more)
    errands.order(room.session, place, kind, details, merge=merge, repeatable=kind == "edit")


def _shown(room: Room, entry: LogEntry) -> tuple[str, Buttons]:
    assert entry.id is not None
    actions = moderation.actions_of(room.session, entry.id)
    many = len(actions) > 1
    lines = [
        _line(room, action, f"{number}. " if many else "")
        for number, action in enumerate(actions, 1)
    ]
    buttons = [
        (room.words("undo_button", number=number if many else ""), action.token)
        for number, action in enumerate(actions, 1)
        if is_undoable(action)
    ]
    rows = [buttons[at : at + _IN_ROW] for at in range(0, len(buttons), _IN_ROW)]
    title = room.words("log_title", group=room.place.chat)
    return "\n\n".join([title, *lines]), rows


def is_undoable(action: ModerationAction) -> bool:
    """Whether there is something to take back."""
    return action.action in UNDOABLE and not action.dry_run and action.undone_at is None


def _line(room: Room, action: ModerationAction, number: str) -> str:
    told = {key: one for key, one in action.details.items() if one not in ("", [], None)}
    details = ", ".join(f"{key} {one}" for key, one in told.items() if not isinstance(one, list))
    return number + room.words(
        "log_line",
        what=room.words(f"action_{action.action}"),
        name=action.name[:MOST_NAME],
        user=action.user_id,
        check=action.check,
        details=details[:MOST_TEXT],
        by=action.by_name or action.by,
        text=action.text[:MOST_TEXT],
        link=_link(room, action.message),
        dry=action.dry_run,
        failed=action.failed,
        undone=action.undone_by if action.undone_at else "",
        is_gone=action.action == "delete",
    )


def _link(room: Room, message: int | None) -> str:
    """Where a message stands (core.telegram.org/api/links: private message links)."""
    inner = room.place.chat.removeprefix("-100")
    is_super = inner != room.place.chat
    return f"https://t.me/c/{inner}/{message}" if message and is_super else ""
