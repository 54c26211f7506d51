"""Xiaoer in a terminal: one question, or a whole conversation."""

import asyncio
import tempfile
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from rich.console import Console

from bot import app
from bot.answering.understanding import Understanding
from bot.config import Config
from bot.core.messages import Address, Author, Choice, Inbound
from bot.core.text import to_traditional
from bot.dialogue.calling import asks_for_person
from bot.dialogue.compose import Composed, compose
from bot.dialogue.turn import House
from storage.migrate import upgrade
from storage.models.conversations import Message, messages_after
from storage.models.customers import find_identity

out = Console(highlight=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the bot decided and says to one question."""

    composed: Composed
    understanding: Understanding
    language: str

    def as_json(self, *, explain: bool) -> dict[str, Any]:
        """The documented form of `xiaoer ask --json`."""
        result: dict[str, Any] = {
            "decision": self.composed.decision,
            "entry": self.composed.entry.id if self.composed.entry else None,
            "confidence": round(self.understanding.confidence, 4),
            "text": self.composed.text,
            "choices": [choice.as_dict() for choice in self.composed.choices],
            "language": self.language,
        }
        return {**result, "explain": self.explanation()} if explain else result

    def explanation(self) -> dict[str, Any]:
        """How the question was read: corrections, nearest phrasings, scores."""
        read = self.understanding
        return {
            "normalised": read.normalised,
            "corrected": read.corrected,
            "corrections": [f"{one.before} → {one.after}" for one in read.corrections],
            "candidates": [
                {
                    "entry": candidate.entry_id,
                    "score": round(candidate.score, 4),
                    "phrasing": candidate.phrasing,
                }
                for candidate in read.candidates
            ],
            "signals": {name: round(value, 4) for name, value in read.signals},
        }


async def ask(config: Config, text: str, language: str | None) -> Reply:
    """Answer one question without touching the shop's data."""
    service = app.content(config)
    await service.answerer.load()
    read = await service.answerer.understand(text)
    service.answerer.close()
    spoken = language or read.language or config.shop.default_language
    house = House(service.voice, service.answerer)
    if asks_for_person(read.normalised):
        entry = service.answerer.entry("contact_person", spoken)
        words = service.voice.say("replies.handoff_queued", spoken, ahead=0)
        return Reply(Composed("human", entry, words, ()), read, spoken)
    return Reply(_in_their_script(compose(house, read, spoken), read), read, spoken)


def _in_their_script(composed: Composed, read: Understanding) -> Composed:
    """Answers go in traditional script to those who write it."""
    if not read.traditional:
        return composed
    choices = tuple(choice.reworded(to_traditional) for choice in composed.choices)
    return replace(composed, text=to_traditional(composed.text), choices=choices)


def show(reply: Reply, *, explain: bool) -> None:
    """Print a reply for people."""
    entry = reply.composed.entry.id if reply.composed.entry else "–"
    out.print(
        f"[dim]{reply.composed.decision}  {entry}  {reply.understanding.confidence:.2f}[/dim]"
    )
    out.print(reply.composed.text, markup=False)
    _show_choices(reply.composed.choices)
    if explain:
        out.print_json(data=reply.explanation())


async def chat(config: Config) -> None:
    """A conversation with the whole bot, on a database that is thrown away at the end."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/chat.db"
        service = app.build(
            config.model_copy(update={"database": config.database.model_copy(update={"url": url})})
        )
        upgrade(service.db)
        with out.status("…"):
            await service.answerer.load()
        out.print("[dim]Xiaoer 店小二 · Ctrl-D 结束 / to leave[/dim]")
        try:
            await _converse(service)
        finally:
            service.answerer.close()
            service.db.close()


async def _converse(service: app.Service) -> None:
    address = Address("terminal", "terminal", "me", pulls=True)
    seen, offered = 0, list[Choice]()
    for number in count(1):
        try:
            text = (await asyncio.to_thread(input, "> ")).strip()
        except (EOFError, KeyboardInterrupt):
            return
        if not text:
            continue
        picked = offered[int(text) - 1].value if _picks(text, offered) else None
        await service.intake.take(Inbound(address, str(number), text=text, choice=picked))
        for message in await service.db.read(_after, address, seen):
            seen = message.id or seen
            if message.author != Author.CUSTOMER:
                out.print(message.text, style="cyan", markup=False)
                offered = [Choice(**choice) for choice in message.choices]
                _show_choices(offered)


def _picks(text: str, offered: list[Choice]) -> bool:
    return text.isascii() and text.isdigit() and 1 <= int(text) <= len(offered)


def _show_choices(choices: Any) -> None:
    for number, choice in enumerate(choices, 1):
        out.print(f"  [dim]{number}.[/dim] {choice.label}")


def _after(session: Any, address: Address, seen: int) -> list[Message]:
    identity = find_identity(session, address)
    assert identity is not None
    assert identity.id is not None
    return messages_after(session, identity.id, seen)
