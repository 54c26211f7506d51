"""Who looked at, and did, what."""

from urllib.parse import urlencode

from sqlmodel import Session

from bot.core.roles import Right
from bot.desk.audit import HEADS, SHOWN, Line, actions, lines, people, wanted
from bot.desk.elements import box, text
from bot.desk.forms import asked, field, link, row, select, submit, table
from bot.desk.texts import Texts
from bot.desk.visit import Place, Visit
from storage.models.audit import Wanted

PLACE = Place("/audit", "audit", Right.AUDIT)
ORDER = 90
_FILTERS = ("who", "action", "subject", "since", "until")


async def build(visit: Visit) -> None:
    """Draw the page."""
    texts = visit.texts
    which = wanted(visit.asked, texts.voice.words.shop.zone)
    read = await visit.show(Right.AUDIT, _read, texts, which)
    if read is None:
        return
    names, found = read
    filters = {name: value for name in _FILTERS if (value := visit.asked.get(name, ""))}
    text(texts("audit"), tag="h1")
    _filters(visit, {**names, "command": texts("audit_command")}, filters)
    if found:
        _table(visit, found)
    else:
        text(texts("audit_none"), "d-empty")
    with box("d-deeds-row"):
        if len(found) == SHOWN:
            older = urlencode({**filters, "before": found[-1].id})
            link(texts("audit_older"), f"/desk/audit?{older}")
        if "before" in visit.asked:
            link(texts("audit_newest"), f"/desk/audit?{urlencode(filters)}")
        link(texts("audit_file"), f"/desk/audit.csv?{urlencode(filters)}").props("download")


def _read(session: Session, texts: Texts, which: Wanted) -> tuple[dict[str, str], list[Line]]:
    return people(session), lines(session, texts, which)


def _filters(visit: Visit, names: dict[str, str], filters: dict[str, str]) -> None:
    texts, anything = visit.texts, {"": visit.texts("anything")}
    with asked("/desk/audit"):
        select(texts("audit_who"), "who", anything | names, filters.get("who", ""))
        select(
            texts("audit_action"), "action", anything | actions(texts), filters.get("action", "")
        )
        field(texts("audit_subject"), "subject", filters.get("subject", ""), maxlength=100,
              placeholder=texts("audit_subject_hint"))  # fmt: skip
        field(texts("audit_since"), "since", filters.get("since", ""), "date")
        field(texts("audit_until"), "until", filters.get("until", ""), "date")
        submit(texts("audit_find"))


def _table(visit: Visit, found: list[Line]) -> None:
    heads = [visit.texts(f"audit_{one}") for one in HEADS]
    with table(heads):
        for line in found:
            row([getattr(line, one) for one in HEADS], heads)
