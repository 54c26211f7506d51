"""Asks logged questions of another FAQ and shows what customers would get instead."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.answering.clauses import understand
from bot.answering.masking import mask
from bot.answering.understanding import Decision, Understanding

if TYPE_CHECKING:
    from bot.answering.index import Index

_BATCH = 64


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a question: the entry where it was answered, else None."""

    decision: Decision
    entry: str | None = None


@dataclass(frozen=True, slots=True)
class Logged:
    """A question and its outcome. `text` is the message; `joined` the same with the pieces that
    came before it, which count unless the message is clear by itself."""

    conversation: int
    message: int
    text: str
    outcome: Outcome
    joined: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A question with its logged outcome and the one it would have."""

    logged: Logged
    now: Outcome
    confidence: float

    @property
    def kind(self) -> str:
        """`same`, `answer_other`, or what it was and would be, such as `human_answer`."""
        before, now = self.logged.outcome, self.now
        if before == now:
            return "same"
        if before.decision == now.decision:
            return "answer_other"
        return f"{before.decision}_{now.decision}"

    def as_dict(self) -> dict[str, Any]:
        """The documented form of `xiaoer faq replay --json`."""
        return {
            "conversation": self.logged.conversation,
            "message": self.logged.message,
            "kind": self.kind,
            "text": mask(self.logged.text),
            "before": self.logged.outcome.entry,
            "now": self.now.entry,
            "confidence": round(self.confidence, 3),
        }

    def line(self, language: str) -> str:
        """One line for a reader of `language`."""
        names = {"answer": "回答", "ask": "反问", "human": "转人工"} if language == "zh" else {}
        before, now = (
            one.entry or names.get(one.decision, one.decision)
            for one in (self.logged.outcome, self.now)
        )
        text = " ".join(mask(self.logged.text).split())
        return f"#{self.logged.conversation}  {before} → {now}  {text}"


@dataclass(frozen=True, slots=True)
class Replayed:
    """All questions, in order, and the conversations whose outcomes must stay as they were."""

    changes: tuple[Change, ...]
    marked: frozenset[int]

    @property
    def regressions(self) -> list[int]:
        """The marked conversations that would change."""
        changed = {one.logged.conversation for one in self._changed}
        return sorted(changed & self.marked)

    @property
    def _changed(self) -> list[Change]:
        return [one for one in self.changes if one.kind != "same"]

    def as_dict(self) -> dict[str, Any]:
        """The documented form of `xiaoer faq replay --json`."""
        return {
            "messages": len(self.changes),
            "counts": dict(Counter(one.kind for one in self.changes).most_common()),
            "regressions": self.regressions,
            "changes": [one.as_dict() for one in self._changed],
        }

    def lines(self, language: str) -> Iterator[str]:
        """For a reader of `language`: each kind of change with its questions, then the marked."""
        words = _WORDS["zh" if language == "zh" else "en"]
        kinds = Counter(one.kind for one in self.changes)
        for kind, number in kinds.most_common():
            yield f"{words[kind]}: {number}"
            yield from (f"  {one.line(language)}" for one in self._changed if one.kind == kind)
        for conversation in self.regressions:
            yield f"{words['regression']}: #{conversation}"


_WORDS = {
    "zh": {
        "same": "不变",
        "answer_other": "换成另一条回答",
        "answer_ask": "原来回答，现在反问",
        "answer_human": "原来回答，现在转人工",
        "ask_answer": "原来反问，现在回答",
        "ask_human": "原来反问，现在转人工",
        "human_answer": "原来转人工，现在回答",
        "human_ask": "原来转人工，现在反问",
        "regression": "已标记的会话变了",
    },
    "en": {
        "same": "the same",
        "answer_other": "answered by another entry",
        "answer_ask": "answered before, asked back now",
        "answer_human": "answered before, to a person now",
        "ask_answer": "asked back before, answered now",
        "ask_human": "asked back before, to a person now",
        "human_answer": "to a person before, answered now",
        "human_ask": "to a person before, asked back now",
        "regression": "a marked conversation changes",
    },
}


def replay(logged: Sequence[Logged], index: "Index") -> list[Change]:
    """What each question would get from `index`, in the order given."""
    alone = _understood([one.text for one in logged], index)
    pieces = [one.joined for one in logged if one.joined]
    together = iter(_understood(pieces, index))
    changes = []
    for one, by_itself in zip(logged, alone, strict=True):
        whole = next(together) if one.joined else by_itself
        read = by_itself if by_itself.decision == "answer" else whole
        changes.append(Change(one, _outcome(read), read.confidence))
    return changes


def _understood(texts: Sequence[str], index: "Index") -> list[Understanding]:
    return [
        found
        for start in range(0, len(texts), _BATCH)
        for found in understand(index, texts[start : start + _BATCH])
    ]


def _outcome(read: Understanding) -> Outcome:
    if read.decision == "answer" and read.best is not None:
        return Outcome("answer", read.best.entry_id)
    return Outcome(read.decision)
