"""What is shown in a topic of what was said in a chat: lines, and files to be copied."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session

from bot.channels.telegram.client import CHANNEL
from bot.core.messages import Author, is_mark
from bot.desk.texts import Texts
from storage.models.attachments import Attached
from storage.models.conversations import Message, Note
from storage.models.customers import Identity
from storage.models.desk import agent_names

SHORTENED = 200
"""How much of the bot's words is shown, in characters."""


@dataclass(frozen=True, slots=True)
class Line:
    """A text for agents; `is_news` unless it is only worth showing beside something else."""

    text: str
    is_news: bool = True


@dataclass(frozen=True, slots=True)
class Copy:
    """A file to be copied from the customer's `chat`; `text` stands for it where that fails."""

    chat: str
    message: int
    text: str
    is_news: bool = True


Item = Line | Copy


@dataclass(frozen=True, slots=True)
class Scribe:
    """Writes down one chat for the forum of the bot `account`; `link` leads to it at the desk."""

    session: Session
    texts: Texts
    identity: Identity
    account: str
    link: str

    def items(
        self, messages: Sequence[Message], files: Sequence[Attached], notes: Sequence[Note]
    ) -> list[Item]:
        """All of these, each message with its files behind it."""
        names = agent_names(self.session)
        known = {one.id for one in messages}
        items = [self.file(one) for one in files if one.message_id not in known]
        for message in messages:
            carried = [one for one in files if one.message_id == message.id]
            items += self._with_files(message, names.get(message.agent_id or 0, ""), carried)
        return items + [self.note(one, names.get(one.agent_id or 0, "")) for one in notes]

    def history(self, messages: Sequence[Message]) -> Iterator[str]:
        """The same messages as lines of a card, shortened."""
        names = agent_names(self.session)
        for message in messages:
            line = self.message(message, names.get(message.agent_id or 0, ""))
            if line is not None:
                yield shortened(line.text)

    def message(self, message: Message, agent: str) -> Line | None:
        """One message; None for what is of no use to agents."""
        say, language = self.texts.voice.say, self.texts.language
        if message.author == Author.CUSTOMER:
            key = "forum.edited" if message.edit_of else "forum.customer"
            return Line(say(key, language, text=message.text))
        if message.author == Author.AGENT:
            return Line(say("forum.agent", language, name=agent, text=message.text))
        if message.author == Author.BOT:
            words = say("forum.bot", language, text=shortened(message.text))
            return Line(words, is_news=False)
        return None

    def note(self, note: Note, agent: str) -> Line:
        """What a colleague noted."""
        say, language = self.texts.voice.say, self.texts.language
        return Line(say("forum.note", language, name=agent, text=note.text))

    def _with_files(self, message: Message, agent: str, carried: list[Attached]) -> list[Item]:
        """A message and its files; what is copied brings the words along."""
        line = self.message(message, agent)
        words = [] if line is None or (carried and is_mark(message.text)) else [line]
        files = [self.file(one) for one in carried]
        if words and files and isinstance(files[0], Copy):
            files[0] = replace(files[0], text=f"{words[0].text}\n{files[0].text}")
            return files
        return [*words, *files]

    def file(self, file: Attached) -> Item:
        """A file, copied where the forum's own bot has it; else its name, and where to find it."""
        text = "\n".join(part for part in (file.label, self.link) if part)
        identity = self.identity
        is_ours = identity.channel == CHANNEL and identity.account == self.account
        if is_ours and file.origin.isdecimal():
            return Copy(identity.chat, int(file.origin), text)
        return Line(text)


def shortened(text: str) -> str:
    """`text` on one line, cut where it is long."""
    plain = " ".join(text.split())
    return plain if len(plain) <= SHORTENED else f"{plain[: SHORTENED - 1]}…"
