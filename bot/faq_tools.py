"""The tools that make the FAQ better: `xiaoer faq check|gaps|replay|mark|import|export`."""

import asyncio
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

from bot import app
from bot.answering import drafts, edit, exchange, links, tables
from bot.answering import replay as replaying
from bot.answering.check import (
    Finding,
    answer_links,
    check,
    confusion_findings,
    link_findings,
)
from bot.answering.decide import ANSWER as ANSWER_FROM
from bot.answering.gaps import Asked, Group, gather, unsettled
from bot.answering.load import Entry, FaqInvalid, load, read
from bot.answering.replay import Logged, Outcome, Replayed
from bot.config import Config
from bot.core.clock import now
from bot.core.errors import NotFound
from bot.core.messages import Author
from bot.core.text import language, normalise
from bot.dialogue import order_text
from bot.words.sandbox import ANSWER
from storage.models.conversations import Conversation, Message
from storage.models.gaps import Gap, agents_words, close_gaps, open_gaps
from storage.models.replay import logged_messages, mark, marked, unmark

if TYPE_CHECKING:
    from bot.answering.index import Index

MOST_GAPS = 20_000
"""Gaps read at most, the newest ones."""


def check_faq(config: Config, folder: Path, *, try_links: bool = False) -> list[Finding]:
    """All that is wrong or weak with the FAQ in `folder`: errors first, then by file and line."""
    from bot.answering.confusion import confusions
    from bot.answering.encoder import shared_encoder

    words = app.content(config).voice.words

    def render(template: str, spoken: str) -> str:
        return words.render(template, spoken, **ANSWER)

    entries, findings = check(folder, config.shop.languages, words.check, render)
    findings += confusion_findings(entries, confusions(entries, shared_encoder()))
    if try_links:
        owners = answer_links(entries, render)
        findings += link_findings(owners, asyncio.run(links.unreachable(owners)))
    return sorted(
        findings, key=lambda one: (one.severity, one.problem.file, one.problem.line, one.kind)
    )


def gaps(config: Config, days: int) -> list[dict[str, Any]]:
    """What the FAQ leaves open: summaries of the groups asked in the last `days`, the largest
    first, with the number of `days` before for comparison."""
    start = now() - timedelta(days=days)
    found = [group.summary(start) for group in _groups(config, days, _index(config))]
    recent = [one for one in found if one["size"]]
    return sorted(recent, key=lambda one: (-one["size"], one["id"]))


def close_gap(config: Config, gap_id: int, days: int) -> int:
    """Mark the group that `gap_id` is in as dealt with. Returns how many questions that were."""
    group = _group(_groups(config, days, _index(config)), gap_id)
    with app.database(config) as db:
        db.run(close_gaps, [one.id for one in group.asked])
    return len(group.asked)


def draft(config: Config, gap_id: int, into: Path, days: int) -> list[Entry]:
    """Write a draft entry for the group that `gap_id` is in to the FAQ folder `into`.

    Raises `NoDraft`, or FaqInvalid when the folder would not load with it.
    """
    index = _index(config)
    group = _group(_groups(config, days, index), gap_id)
    with app.database(config) as db:
        answers = db.run(_answers, [one.id for one in group.asked])
    there, _ = read(into)
    entries = drafts.draft(group, answers, [*there, *index.entries], index)
    changes = edit.plan(into, entries, there)
    _, problems = edit.try_out(into, changes, app.content(config).voice.words.check)
    if problems:
        raise FaqInvalid(problems)
    edit.commit(into, changes)
    return entries


def replay_log(config: Config, candidate: Path, days: int) -> Replayed:
    """What the questions of the last `days`, and of marked conversations, would get from the
    FAQ in the folder `candidate`."""
    index = _index(config, candidate)
    with app.database(config) as db:
        logged = db.run(_logged, days)
        kept = db.run(marked)
    return Replayed(tuple(replaying.replay(logged, index)), frozenset(kept))


def mark_conversation(config: Config, conversation_id: int, *, off: bool) -> None:
    """Mark a conversation whose outcomes must stay as they are, or take the mark away."""

    def change(session: Session) -> None:
        if session.get(Conversation, conversation_id) is None:
            raise NotFound("没有这个会话。", "There is no such conversation.")
        (unmark if off else mark)(session, conversation_id)

    with app.database(config) as db:
        db.run(change)


def import_table(
    config: Config, table: Path, into: Path, *, replace: bool, dry_run: bool
) -> dict[str, int]:
    """Put the entries of a table into the FAQ folder `into`; nothing when anything is wrong.

    Returns how many are `new`, `replaced` and `unchanged`. Raises TableUnusable, RowsInvalid, or
    FaqInvalid when the folder had errors before.
    """
    imported = exchange.from_rows(tables.read_table(table))
    there, problems = read(into)
    if problems and any(into.glob("*/*.yaml")):
        raise FaqInvalid(problems)
    news, clashes = exchange.clashes(imported, there)
    if clashes and not replace:
        raise exchange.RowsInvalid(clashes)
    changes = edit.plan(into, list(news.values()), there)
    _, problems = edit.try_out(into, changes, app.content(config).voice.words.check)
    if problems:
        raise exchange.RowsInvalid(exchange.row_problems(imported, problems))
    if not dry_run:
        edit.commit(into, changes)
    return {
        "new": len(news) - len(clashes),
        "replaced": len(clashes),
        "unchanged": len(imported) - len(news),
    }


def export_table(config: Config, table: Path, language: str) -> int:
    """Write the shop's FAQ to a .csv or .xlsx file. Returns the number of entries."""
    entries = load(config.content.faq, app.content(config).voice.words.check)
    tables.write_table(table, exchange.to_rows(entries, language))
    return len(entries)


def _index(config: Config, folder: Path | None = None) -> "Index":
    from bot.answering.index import Index

    entries = load(folder or config.content.faq, app.content(config).voice.words.check)
    return Index.build(entries, app.cache_folder(config))


def _groups(config: Config, days: int, index: "Index") -> list[Group]:
    """Of this period and the one before."""
    with app.database(config) as db:
        rows = db.run(open_gaps, now() - timedelta(days=2 * days), MOST_GAPS)
    asked = [
        Asked(gap.id or 0, gap.text, gap.language, gap.reason, gap.entry, gap.created_at)
        for gap in rows
    ]
    return gather(unsettled(asked, index), index)


def _group(groups: list[Group], gap_id: int) -> Group:
    for group in groups:
        if any(one.id == gap_id for one in group.asked):
            return group
    raise NotFound(
        f"没有编号为 {gap_id} 的缺口，用 `xiaoer faq gaps` 查看。",
        f"There is no gap {gap_id}; `xiaoer faq gaps` lists them.",
    )


def _answers(session: Session, gap_ids: list[int]) -> list[str]:
    found = (session.get(Gap, gap_id) for gap_id in gap_ids)
    return [text for gap in found if gap for text in agents_words(session, gap)]


def _logged(session: Session, days: int) -> list[Logged]:
    """Typed questions with their outcomes; pressed buttons and proofs of an order are none."""
    found = []
    rows = logged_messages(session, now() - timedelta(days=days))
    for conversation, messages in groupby(rows, key=lambda message: message.conversation_id):
        offered: set[str] = set()
        texts: dict[int, str] = {}
        for message in messages:
            if message.author == Author.BOT:
                offered |= {normalise(choice["label"]) for choice in message.choices}
                continue
            assert message.id is not None
            texts[message.id] = message.text
            outcome = _outcome(message)
            if outcome is not None and normalise(message.text) not in offered:
                pieces = (message.verdict or {}).get("joined", [])
                joined = [texts[piece] for piece in pieces if piece in texts]
                whole = " ".join([*joined, message.text]) if joined else ""
                found.append(Logged(conversation, message.id, message.text, outcome, whole))
    return found


def _outcome(message: Message) -> Outcome | None:
    """What became of a typed question; None for what was none."""
    verdict = message.verdict or {}
    answered = verdict.get("entry")
    if language(normalise(message.text)) is None:
        return None
    match verdict.get("skill"), verdict.get("outcome"):
        case "faq", "asked back":
            return Outcome("ask")
        case "faq", _ if verdict.get("confidence", 0.0) >= ANSWER_FROM and answered:
            return Outcome("answer", answered)  # with less confidence a button was pressed
        case "order", "answered" | "asked for proof" if answered and not _proves(message.text):
            return Outcome("answer", answered)
        case "miss", "miss" | "handed over":
            return Outcome("human")
    return None


def _proves(text: str) -> bool:
    """Whether a message names an order or a phone, so that more than its question decides."""
    named = order_text.find(text, asked=False).number is not None
    return named or not order_text.find(text, asked=True).says_more
