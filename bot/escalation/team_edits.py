"""Changes teams at the desk, and takes them back to the file."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from sqlmodel import Session

from bot import config
from bot.core.clock import now
from bot.core.errors import NotAllowed, NotFound
from bot.escalation.in_force import in_force
from bot.escalation.team_form import EDITABLE, plain
from storage import live
from storage.models import teams as tables
from storage.models.audit import record
from storage.models.teams import TeamEdit, team_edit, team_edits

MOST = 50
"""Most teams."""
File = Sequence[config.Team]


def change(
    session: Session, agent_id: int, file: File, name: str, settings: Mapping[str, Any]
) -> config.Team:
    """Let these settings hold for the team `name`; those that are the file's are not kept.

    Raises `NotFound`, and `NotAllowed` for what the file would not take either.
    """
    base, edit = _base(session, file, name)
    try:
        wanted = config.Team(**(dict(base) | {key: settings[key] for key in EDITABLE}))
    except (ValidationError, KeyError) as error:
        raise NotAllowed("这些设置不能用。", "These settings cannot be used.") from error
    usual = plain(base)
    kept = {key: value for key, value in plain(wanted).items() if value != usual[key]}
    if kept == (edit.settings if edit else {}):
        return wanted
    if not kept and edit is not None and not edit.made_here:
        session.delete(edit)
    else:
        edit = edit or TeamEdit(name=name, agent_id=agent_id)
        edit.settings, edit.agent_id, edit.changed_at = kept, agent_id, now()
        session.add(edit)
    _tell(session, agent_id, "team.change", name)
    return wanted


def set_members(session: Session, agent_id: int, file: File, name: str, wanted: set[int]) -> None:
    """Make these agents, and no others, belong to the team. Raises `NotFound`."""
    _base(session, file, name)
    if tables.set_members(session, name, wanted):
        live.touch(session, live.QUEUE)
        _tell(session, agent_id, "team.members", name)


def add(session: Session, agent_id: int, file: File, name: str) -> str:
    """Make a team that the file does not know. Returns its name; raises `NotAllowed`."""
    known_as = name.strip()
    there = in_force(file, team_edits(session))
    try:
        config.Team(name=known_as)
    except ValidationError as error:
        raise NotAllowed(
            "短名只能用英文字母、数字、- 和 _，最长 32 个字符。",
            "A short name has letters, digits, - and _ only, at most 32 characters.",
        ) from error
    if len(there) >= MOST:
        raise NotAllowed(f"最多 {MOST} 个团队。", f"At most {MOST} teams.")
    if any(one.name == known_as for one in there):
        raise NotAllowed("已经有这个团队。", "There is this team already.")
    edit = team_edit(session, known_as) or TeamEdit(name=known_as, agent_id=agent_id)
    edit.settings, edit.made_here = {}, True
    edit.agent_id, edit.changed_at = agent_id, now()
    session.add(edit)
    _tell(session, agent_id, "team.add", known_as)
    return known_as


def back_to_file(session: Session, agent_id: int, file: File, name: str) -> None:
    """Forget what was said of a team: the file holds again. A team of the desk's own is gone, and
    what waits for it is the first team's. Raises `NotFound`."""
    edit = team_edit(session, name)
    if edit is None:
        raise NotFound("这个团队没有改动。", "Nothing was said of this team.")
    session.delete(edit)
    session.flush()
    left = in_force(file, team_edits(session))
    if any(one.name == name for one in left):
        _tell(session, agent_id, "team.file", name)
        return
    tables.leave_to(session, name, left[0].name if left else "")
    _tell(session, agent_id, "team.remove", name)


def _base(session: Session, file: File, name: str) -> tuple[config.Team, TeamEdit | None]:
    """The team without what was said of it, and that."""
    edit = team_edit(session, name)
    base = next((one for one in file if one.name == name), None)
    if base is None and edit is not None and edit.made_here:
        base = config.Team(name=name)
    if base is None:
        raise NotFound(f"没有名为 {name} 的团队。", f"There is no team {name}.")
    return base, edit


def _tell(session: Session, agent_id: int, action: str, name: str) -> None:
    session.flush()
    record(session, f"agent:{agent_id}", action, f"team:{name}")
    live.touch(session, live.TEAMS)
