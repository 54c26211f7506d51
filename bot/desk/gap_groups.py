"""The FAQ's most frequent gaps in a span, for the numbers page and the daily summary."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.answering.answerer import Answerer
from bot.answering.gaps import Asked, gather, unsettled
from storage.models.gaps import Gap

COMPARED = 300
"""The newest open questions that are put together."""
SHOWN = 10


@dataclass(frozen=True, slots=True)
class GapGroup:
    """Questions that mean the same: how many, one of them with what is private masked, and the
    FAQ entry that is nearest. `id` is what commands call it."""

    size: int
    sample: str
    nearest: str
    id: int = 0


def grouped(gaps: Sequence[Gap], answerer: Answerer) -> list[GapGroup]:
    """The largest groups of gaps that today's FAQ would still not answer."""
    asked = [
        Asked(gap.id or 0, gap.text, gap.language, gap.reason, gap.entry, gap.created_at)
        for gap in gaps
    ]
    if not asked:
        return []
    first = min(one.at for one in asked)
    groups = gather(unsettled(asked, answerer.index), answerer.index)[:SHOWN]
    summaries = [group.summary(first) for group in groups]
    return [
        GapGroup(one["size"], next(text for texts in one["samples"].values() for text in texts),
                 one["nearest"] or "", one["id"])
        for one in summaries
    ]  # fmt: skip
