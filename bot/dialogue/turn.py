"""One customer message and all that a skill needs to answer it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from bot.answering.reading import Entries
from bot.answering.understanding import Understanding
from bot.core.messages import KEY_AWAY, SHARE_PHONE, VOUCHING, Author, Choice, Inbound, Purpose
from bot.delivery import outbox
from bot.escalation import handoff, waits
from bot.escalation.rules import Rule
from bot.escalation.team import Team
from bot.escalation.teams import NO_TEAMS, Matter, Teams
from bot.shop.catalogue import Catalogue
from bot.words.phrases import Voice
from storage.models.conversations import (
    Conversation,
    Message,
    Written,
    last_offered,
    recent_messages,
)
from storage.models.customers import Customer, Identity

PATIENCE = timedelta(minutes=10)
"""How long a patient question stays open while others are asked and answered."""


@dataclass(frozen=True, slots=True)
class House:
    """What is the same for every turn: the shop's voice, its FAQ, who takes over, and by which
    rules besides; its products; whether customers are asked if they want offers, and on which
    channels that has to be confirmed."""

    voice: Voice
    entries: Entries
    teams: Teams = NO_TEAMS
    rules: tuple[Rule, ...] = ()
    catalogue: Catalogue = field(default_factory=Catalogue)
    ask_consent: bool = False
    double_opt_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why the bot said what it said: the skill's `outcome`, with details for agents."""

    outcome: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Turn:
    """The message being answered. Skills speak through it; nothing leaves before the commit.

    `joined` are the earlier messages that are understood together with this one;
    `is_complete` says that no more is to be waited for. With `replies_only` the customer sees what
    is said when they write, and not before.
    """

    session: Session
    house: House
    inbound: Inbound
    understanding: Understanding
    identity: Identity
    customer: Customer
    conversation: Conversation
    message: Written
    joined: tuple[int, ...] = ()
    is_complete: bool = False
    has_spoken: bool = False
    replies_only: bool = False

    @property
    def text(self) -> str:
        """What the customer wrote."""
        return self.inbound.text

    @property
    def choice(self) -> str | None:
        """The value of the button that was pressed, if one was."""
        return self.inbound.choice

    @property
    def now(self) -> datetime:
        """When the message arrived."""
        return self.inbound.at

    @property
    def language(self) -> str:
        """The language to answer in: the message's, else the conversation's, else the shop's."""
        return (
            self.understanding.language
            or self.conversation.language
            or self.house.voice.default_language
        )

    def prompt(self, skill: str) -> dict[str, Any] | None:
        """The open question of `skill`: the last one asked, or a patient one before it.

        A patient one that others came after has `aside` set, and no choices by number.
        """
        prompt = self.conversation.prompt or {}
        if prompt.get("skill") == skill:
            return prompt
        kept = prompt.get("kept") or {}
        return kept if kept.get("skill") == skill and self._lasts(kept) else None

    def ask(self, skill: str, *, patient: bool = False, **details: Any) -> None:
        """Remember that `skill` asked something and expects the next message to answer it.

        A `patient` question outlives the questions of other skills for ten minutes.
        """
        kept = self._patient(skill)
        asked_at = {"patient": True, "asked_at": self.now.isoformat()} if patient else {}
        keep = {"kept": kept} if kept else {}
        self.conversation.prompt = {"skill": skill, **details, **asked_at, **keep}

    def asked_nothing(self) -> None:
        """No question is open any more, but a patient one."""
        kept = self._patient("")
        self.conversation.prompt = {"skill": "", "kept": kept} if kept else None

    def _patient(self, skill: str) -> dict[str, Any] | None:
        """The patient question of another skill than `skill`, as it is kept."""
        prompt = self.conversation.prompt or {}
        found = prompt if prompt.get("patient") else prompt.get("kept")
        if not found or found.get("skill") == skill or not self._lasts(found):
            return None
        return {
            **{key: value for key, value in found.items() if key not in ("values", "kept")},
            "aside": True,
        }

    def _lasts(self, prompt: dict[str, Any]) -> bool:
        return self.now - datetime.fromisoformat(prompt["asked_at"]) <= PATIENCE

    def earlier(self, within: timedelta) -> list[Message]:
        """The messages before this one that are not older than `within`, newest first."""
        since = self.now - within
        return recent_messages(self.session, self.conversation, since, self.message.id)

    def said_last(self, within: timedelta) -> Message | None:
        """What was said last to the customer, not longer ago than `within`."""
        said = (one for one in self.earlier(within) if one.author != Author.CUSTOMER)
        return next(said, None)

    def offered_last(self, within: timedelta) -> list[str]:
        """The values of the buttons under what was said last to the customer, not longer ago."""
        last = self.said_last(within)
        return [one["value"] for one in last.choices] if last else []

    def said_lately(self, skill: str, outcome: str, within: timedelta) -> bool:
        """Whether `skill` gave an answer with this outcome not longer ago than `within`."""
        verdicts = (message.verdict or {} for message in self.earlier(within))
        return any(v.get("skill") == skill and v.get("outcome") == outcome for v in verdicts)

    def say(self, key: str, choices: Sequence[Choice] = (), **values: Any) -> Written:
        """Say the phrase `key` (such as `replies.miss`) in the customer's language."""
        return self.tell(self.house.voice.say(key, self.language, **values), choices)

    def tell(self, text: str, choices: Sequence[Choice] = ()) -> Written:
        """Say a finished text."""
        if not self.has_spoken:
            self.has_spoken = True
            choices = self._with_key_away(choices)
        return outbox.post(
            self.session, self.conversation, text, purpose=Purpose.ANSWER, choices=choices
        )

    def share_choice(self) -> tuple[Choice, ...]:
        """The key by which the customer shows who they are, where there is one."""
        if self.identity.channel not in VOUCHING or self.identity.linked_at is not None:
            return ()
        label = self.house.voice.say("replies.share_phone_button", self.language)
        return (Choice(label, SHARE_PHONE),)

    def _with_key_away(self, choices: Sequence[Choice]) -> Sequence[Choice]:
        """`choices`, and what takes a key away that was shown before and that they do not replace.

        One message has either buttons or this: with buttons, another one goes before it.
        """
        is_settled = self.identity.channel not in VOUCHING or any(one.is_key for one in choices)
        if is_settled or self.conversation.id is None:
            return choices
        offered = last_offered(self.session, self.conversation.id)
        if all(one["value"] != SHARE_PHONE for one in offered):
            return choices
        away = [Choice("⌨️", KEY_AWAY)]
        if choices:
            self.say("replies.key_away", away)
        return choices or away

    def person_choice(self) -> Choice:
        """The button that brings a person."""
        return Choice(self.house.voice.say("replies.person_button", self.language), "person")

    def wait_values(self) -> dict[str, str]:
        """What texts about waiting for a person can say, see `waits.values`."""
        teams, team = self.house.teams, self.conversation.team
        return waits.values(self.session, teams, team, self.now, self.language)

    @property
    def team(self) -> Team | None:
        """Who takes over, or would."""
        return self.house.teams.called(self.conversation.team)

    def hand_over(self, reason: str) -> int:
        """Put the conversation into its team's queue, see `handoff.hand_over`."""
        kind, _, entry_id = reason.partition(":")
        found = self.house.entries.entry(entry_id, self.language) if kind == "entry" else None
        topic = found.topic if found else ""
        matter = Matter(reason, self.language, self.identity.channel, topic)
        return handoff.hand_over(self.session, self.conversation, reason, matter, self.house.teams)

    def bring_person(self, reason: str, before: str = "") -> None:
        """Hand over, and tell the customer what happens next, after the words `before`."""
        is_first = not self.conversation.handoff_reason
        ahead = self.hand_over(reason) - 1
        voice, values = self.house.voice, self.wait_values()
        queued = voice.say("replies.handoff_queued", self.language, ahead=ahead, **values)
        if self.replies_only and is_first:
            queued = f"{queued}\n\n{voice.say('wechat.come_back', self.language)}"
            self._tell_agents("wechat.sees_when_writing")
        back = Choice(self.house.voice.say("replies.back_button", self.language), "bot")
        self.tell(f"{before}\n\n{queued}" if before else queued, [back])

    def _tell_agents(self, key: str) -> None:
        """A remark at the desk, in the shop's language; no channel that only replies shows it."""
        voice = self.house.voice
        text = voice.say(key, voice.default_language)
        outbox.keep(self.session, self.conversation, Author.SYSTEM, text, purpose=Purpose.ANSWER)
