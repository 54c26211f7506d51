"""What the engine makes of a question, as plain values that cost nothing to import."""

from dataclasses import dataclass
from typing import Literal

Decision = Literal["answer", "ask", "human"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One entry that may answer: `score` is 0–1, `phrasing` its nearest to the question."""

    entry_id: str
    score: float
    phrasing: str


@dataclass(frozen=True, slots=True)
class Correction:
    """One word that was read as another: a misspelling or a homophone."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Understanding:
    """A question as the engine read it.

    `candidates` holds up to five different entries, best first. `confidence` is the estimated
    probability (0–1) that the first of them is right. `text` is what the customer wrote,
    `normalised` and `corrected` what was compared. `signals` are the named numbers that the
    decision rests on, for those who ask why. `failed` names the error that kept the engine from
    reading it. `apart` are the questions of which it consists, in order, where it is several.
    """

    text: str
    normalised: str
    corrected: str
    language: Literal["zh", "en"] | None
    traditional: bool
    candidates: tuple[Candidate, ...]
    decision: Decision
    confidence: float
    index_version: str
    corrections: tuple[Correction, ...] = ()
    signals: tuple[tuple[str, float], ...] = ()
    failed: str = ""
    apart: tuple["Understanding", ...] = ()

    @classmethod
    def of_unreadable(cls, text: str, error: Exception) -> "Understanding":
        """Nothing is understood, for reading it raised `error`."""
        name = type(error).__name__
        return cls(text, text, text, None, False, (), "human", 0.0, "", failed=name)

    @property
    def best(self) -> Candidate | None:
        """The first candidate, or None."""
        return self.candidates[0] if self.candidates else None

    @property
    def choices(self) -> tuple[Candidate, ...]:
        """The entries to offer when the decision is to ask back: up to three."""
        return self.candidates[:3]
