"""Takes back what was done, once, by an admin's tap or command."""

from bot.community import journal
from bot.community.checks import Action
from bot.community.room import Room, line_of
from bot.core.groups import Person
from storage.models import community, moderation
from storage.models.community import GroupMember
from storage.models.moderation import LogEntry, ModerationAction


def undo(room: Room, action: ModerationAction, by: Person) -> bool:
    """Take `action` back. False when there is nothing to take back, or somebody was quicker.

    A deleted message cannot come back: its text stands in the log.
    """
    is_undoable = journal.is_undoable(action)
    if not is_undoable or not moderation.mark_undone(room.session, action, by.name or by.id):
        return False
    room.session.refresh(action)
    who = community.member_by_id(room.session, room.id, action.user_id)
    if who is not None:
        _restore(room, action, who)
    entry = room.session.get(LogEntry, action.log_id) if action.log_id else None
    if entry is not None:
        journal.show(room, entry)
    return True


def _restore(room: Room, action: ModerationAction, who: GroupMember) -> None:
    told = {"user": int(action.user_id), "action": action.id}
    line = line_of(action.user_id)
    if action.details.get("warnings"):  # one that became a mute was a warning too
        who.warnings -= 1
    if action.action == Action.MUTE:
        who.muted_until = None
        room.order("unmute", told, line)
    elif action.action == Action.BAN:
        who.muted_until = None
        room.order("unban", told, line)
    room.session.add(who)
