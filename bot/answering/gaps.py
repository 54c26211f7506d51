"""Gathers unanswered questions that mean the same, in whatever language they were asked."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bot.answering.clauses import understand
from bot.answering.encoder import Encoder
from bot.answering.features import mask_numbers
from bot.answering.masking import mask
from bot.answering.off_topic import OFF_TOPIC
from bot.core.text import language, normalise

if TYPE_CHECKING:
    from bot.answering.index import Index

MOST = 3000
"""Different questions that are compared with each other; the memory grows with the square."""
ALIKE = 0.35
"""Mean likeness (cosine about the language's own mean) from which groups are one."""
SAMPLES = 3
_BACKGROUND = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was not settled; `entry` is what was answered, if anything was."""

    id: int
    text: str
    language: str
    reason: str
    entry: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Group:
    """Questions that mean the same, the most typical first; `nearest` is an entry's id."""

    asked: tuple[Asked, ...]
    nearest: str | None

    @property
    def id(self) -> int:
        """The first question's id: it stays while the group grows."""
        return min(one.id for one in self.asked)

    def summary(self, start: datetime) -> dict[str, Any]:
        """What is shown of a group; `start` parts this period from the one before."""
        recent = [one for one in self.asked if one.at >= start]
        samples = {
            spoken: list(dict.fromkeys(mask(one.text) for one in self.asked
                                       if one.language == spoken))[:SAMPLES]
            for spoken in sorted({one.language for one in self.asked})
        }  # fmt: skip
        return {
            "id": self.id,
            "size": len(recent),
            "before": len(self.asked) - len(recent),
            "languages": dict(Counter(one.language for one in recent)),
            "reasons": dict(Counter(one.reason for one in recent)),
            "answered": sorted({one.entry for one in self.asked if one.entry}),
            "nearest": self.nearest,
            "samples": samples,
        }


def lines(summary: dict[str, Any], language: str) -> str:
    """A group's summary in two lines for a reader of `language`."""
    words = _WORDS["zh" if language == "zh" else "en"]
    counts = {**summary["languages"], **summary["reasons"]}
    parts = [f"{words.get(name, name)} {number}" for name, number in counts.items()]
    size = words["size"].format(size=summary["size"], before=summary["before"])
    nearest = f"{words['nearest']} {summary['nearest'] or '–'}"
    samples = " | ".join(text for texts in summary["samples"].values() for text in texts)
    return f"#{summary['id']}  {size}  {', '.join(parts)}  {nearest}\n    {samples}"


_WORDS = {
    "zh": {
        "size": "{size} 次（上期 {before}）",
        "nearest": "最接近",
        "zh": "中文",
        "en": "英文",
        "miss": "答不上",
        "handoff": "转人工",
        "wrong": "没帮上",
    },
    "en": {"size": "{size} times (before: {before})", "nearest": "nearest", "handoff": "person"},
}


def unsettled(asked: Sequence[Asked], index: "Index") -> list[Asked]:
    """Those that today's FAQ would not answer, or only as it did when that was no help."""
    read = understand(index, [one.text for one in asked])
    return [
        one
        for one, found in zip(asked, read, strict=True)
        if not (found.decision == "answer" and found.best and found.best.entry_id != one.entry)
    ]


def gather(asked: Sequence[Asked], index: "Index") -> list[Group]:
    """The groups, the largest first. Of very many questions the newest `MOST` are compared."""
    newest = sorted(asked, key=lambda one: one.id, reverse=True)
    texts: dict[str, list[Asked]] = {}
    for one in newest:
        plain = normalise(mask(one.text))
        if language(plain) and (plain in texts or len(texts) < MOST):
            texts.setdefault(plain, []).append(one)
    if not texts:
        return []
    vectors = centred(list(texts), index)
    labels = _labels(vectors @ vectors.T)
    groups = []
    for label in range(labels.max() + 1):
        rows = np.flatnonzero(labels == label)
        groups.append(_group(rows, vectors, list(texts), list(texts.values()), index))
    return sorted(groups, key=lambda group: (-len(group.asked), group.id))


def centred(texts: Sequence[str], index: "Index") -> NDArray[np.float32]:
    """Sentence vectors about the mean of their language, of length 1.

    Sentences of one language lie closer together than their meaning warrants; without their
    language's mean a question finds its twin in the other language.
    """
    means = _means(index)
    vectors = index.encoder.encode([mask_numbers(text) for text in texts])
    centre = np.array([means[language(text) or "en"] for text in texts])
    apart = vectors - centre
    lengths = np.linalg.norm(apart, axis=1, keepdims=True)
    return np.asarray(apart / np.maximum(lengths, 1e-9), np.float32)


def _means(index: "Index") -> dict[str, NDArray[np.float32]]:
    encoder: Encoder = index.encoder
    means = {}
    for spoken in ("zh", "en"):
        known = [q for e in index.entries if e.language == spoken for q in e.questions]
        step = max(1, len(known) // _BACKGROUND)
        texts = known[::step][:_BACKGROUND] + [x for x in OFF_TOPIC if language(x) == spoken]
        means[spoken] = encoder.encode([normalise(text) for text in texts]).mean(axis=0)
    return means


def _labels(likeness: NDArray[np.float32]) -> NDArray[np.intp]:
    """Average-linkage clustering: groups join while their mean likeness is at least `ALIKE`."""
    if len(likeness) == 1:
        return np.zeros(1, np.intp)
    from sklearn.cluster import AgglomerativeClustering

    distance = np.clip(1 - likeness.astype(np.float64), 0, 2)
    np.fill_diagonal(distance, 0)
    model = AgglomerativeClustering(
        n_clusters=None, metric="precomputed", linkage="average", distance_threshold=1 - ALIKE
    )
    return np.asarray(model.fit_predict(distance), np.intp)


def _group(
    rows: NDArray[np.intp],
    vectors: NDArray[np.float32],
    texts: list[str],
    asked: list[list[Asked]],
    index: "Index",
) -> Group:
    weight = np.array([len(asked[row]) for row in rows], np.float32)
    towards = vectors[rows] @ (weight @ vectors[rows])
    order = rows[np.argsort(-towards, kind="stable")]
    read = index.understand([texts[row] for row in order[:SAMPLES]])
    nearest = Counter(found.best.entry_id for found in read if found.best)
    first = nearest.most_common(1)[0][0] if nearest else None
    return Group(tuple(one for row in order for one in asked[row]), first)
