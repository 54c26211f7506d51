"""Reads what an agent searches for from the tables, ready to be shown."""

from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session

from bot.core.clock import now
from bot.core.messages import Author, State
from bot.core.roles import Right
from bot.core.searching import MAX_QUERY, Query, read_query
from bot.desk.passes import Pass
from bot.desk.reader import Reader
from bot.desk.rights import may_see, require, seen_teams
from bot.desk.sight import HitLine, Hits
from bot.desk.texts import Texts
from storage.models import search
from storage.models.conversations import Conversation, Message
from storage.models.customers import Customer, Identity
from storage.models.desk import agent_names, channels_in_use, last_words
from storage.models.search import Cursor, Hit
from storage.models.search_engines import Filters

SHOWN_BEFORE = 14
"""How much of a text is shown before the first word that was asked for, in characters."""
SHOWN = 120
"""How much of a text is shown at all."""
SPANS = (1, 7, 30, 365)
"""Days to choose from."""
ANY = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an agent looks for; `days`: not longer ago."""

    words: str = ""
    state: str = ANY
    channel: str = ANY
    agent: int | None = None
    days: int | None = None

    @classmethod
    def told(cls, told: dict[str, object]) -> "Asked":
        """What the browser told, whatever it was."""
        wish = {name: str(told.get(name, ""))[:MAX_QUERY] for name in ("words", "state", "channel")}
        agent, days = (_number(told.get(name)) for name in ("agent", "days"))
        return cls(**wish, agent=agent, days=days)

    @property
    def filters(self) -> Filters:
        """The same for the tables."""
        since = now() - timedelta(days=self.days) if self.days in SPANS else None
        return Filters(self.state or None, self.channel or None, self.agent, since)


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be chosen beside the words: lists of values and what they are called."""

    state: tuple[tuple[str, str], ...]
    channel: tuple[tuple[str, str], ...]
    agent: tuple[tuple[str, str], ...]
    days: tuple[tuple[str, str], ...]


def choices(session: Session, texts: Texts) -> Choices:
    """What can be chosen now."""
    return Choices(
        ((ANY, texts("any_state")), *((one, texts(f"is_{one}")) for one in State)),
        (
            (ANY, texts("any_channel")),
            *((one, texts.known(f"channel_{one}", one)) for one in channels_in_use(session)),
        ),
        (
            (ANY, texts("any_agent")),
            *((str(one), name) for one, name in sorted(agent_names(session).items())),
        ),
        ((ANY, texts("any_time")), *((str(one), _span(texts, one)) for one in SPANS)),
    )


def _span(texts: Texts, days: int) -> str:
    return texts("last_day") if days == 1 else texts("last_days", count=days)


def find(
    session: Session,
    login: Pass,
    texts: Texts,
    asked: Asked,
    before: Cursor | None = None,
    *,
    own_teams_only: bool = False,
) -> Hits:
    """A page of what is found that the agent sees. Raises `LoggedOut`."""
    agent = require(session, login, Right.LOOK)
    teams = seen_teams(session, agent, own_teams_only=own_teams_only)
    reader = Reader(session, agent.id or 0, texts, agent_names(session), teams=teams)
    query = read_query(asked.words)
    found = search.search(session, query, asked.filters, before)
    has_wishes = asked.filters != Filters()
    people = [] if before or has_wishes else search.people(session, asked.words)
    return Hits(
        _people(reader, [entry for entry in people if may_see(agent.id, teams, entry[0])]),
        tuple(
            _line(reader, hit, query)
            for hit in found.hits
            if may_see(agent.id, teams, hit.conversation)
        ),
        found.next,
        bool(query),
    )


def _people(
    reader: Reader, found: list[tuple[Conversation, Identity, Customer]]
) -> tuple[HitLine, ...]:
    said = last_words(reader.session, [one.id or 0 for one, *_ in found], 1)
    return tuple(
        _person(reader, *entry, words[0].text if (words := said.get(entry[0].id or 0)) else "")
        for entry in found
    )


def _person(
    reader: Reader, conversation: Conversation, identity: Identity, customer: Customer, said: str
) -> HitLine:
    """The latest conversation with a customer whose number or name it is, by its last words."""
    assert conversation.id is not None
    where = _where(reader, conversation, identity)
    return HitLine(
        key=f"c{conversation.id}",
        conversation=conversation.id,
        name=reader.name(identity, customer),
        at=reader.texts.time(conversation.updated_at),
        where=" · ".join(part for part in (where, " ".join(said[:SHOWN].split())) if part),
    )


def _line(reader: Reader, hit: Hit, query: Query) -> HitLine:
    said = hit.said
    is_note = not isinstance(said, Message)
    assert hit.conversation.id is not None
    return HitLine(
        key=f"{'n' if is_note else 'm'}{said.id}",
        conversation=hit.conversation.id,
        name=reader.name(hit.identity, hit.customer),
        at=reader.texts.time(said.created_at),
        where=_where(reader, hit.conversation, hit.identity),
        author=_author(reader, hit),
        is_note=is_note,
        pieces=tuple(shortened(query.marked(" ".join(said.text.split())))),
        said_at=said.created_at,
    )


def _author(reader: Reader, hit: Hit) -> str:
    """Who said it, where it was not the customer."""
    said = hit.said
    if isinstance(said, Message):
        if said.author != Author.AGENT:
            return reader.texts("bot") if said.author == Author.BOT else ""
        return reader.names.get(said.agent_id or 0, "")
    return reader.texts("note_by", name=reader.names.get(said.agent_id or 0, ""))


def _where(reader: Reader, conversation: Conversation, identity: Identity) -> str:
    state = reader.texts(f"is_{conversation.state}")
    return f"{reader.channel(identity)} · {state} · #{conversation.id}"


def shortened(pieces: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """The part of a text around the first words that were asked for."""
    if pieces and not pieces[0][1] and len(pieces[0][0]) > SHOWN_BEFORE + 1:
        end = pieces[0][0][-SHOWN_BEFORE:]
        pieces = [(f"…{end.partition(' ')[2] or end}", False), *pieces[1:]]
    left, kept = SHOWN, []
    for words, is_found in pieces:
        kept.append((words if len(words) <= left else f"{words[:left]}…", is_found))
        left -= len(words)
        if left <= 0:
            break
    return kept


def _number(told: object) -> int | None:
    words = str(told)
    return int(words) if words.isascii() and words.isdecimal() and len(words) < 10 else None
