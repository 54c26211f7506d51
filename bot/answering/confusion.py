"""Finds pairs of entries that the engine takes for each other."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.answering import rank
from bot.answering.encoder import Encoder
from bot.answering.features import Lexicon, mask_numbers
from bot.answering.load import Entry
from bot.core.text import normalise

SHARE, COUNT = 0.1, 3
"""From which share (0–1) and number of a pair's phrasings a confusion is worth a word."""
SAMPLES = 2


@dataclass(frozen=True, slots=True)
class Confusion:
    """Two entries, and the share (0–1) of their phrasings that the other one wins.

    `first_lost` are phrasings of `first` that read as `second`, `second_lost` the reverse.
    """

    first: str
    second: str
    share: float
    first_lost: tuple[str, ...]
    second_lost: tuple[str, ...]


def confusions(entries: Sequence[Entry], encoder: Encoder) -> list[Confusion]:
    """The pairs that are confused, the worst first.

    Each phrasing is asked of a model that was fitted without it. Entries with the same id in
    both languages are one.
    """
    phrasings = [(entry.id, question) for entry in entries for question in entry.questions]
    ids = list(dict.fromkeys(entry_id for entry_id, _ in phrasings))
    if len(ids) < 2:
        return []
    place = {entry_id: number for number, entry_id in enumerate(ids)}
    labels = np.array([place[entry_id] for entry_id, _ in phrasings], np.intp)
    rows = rank.landmarks(labels)
    texts = [mask_numbers(normalise(phrasings[row][1])) for row in rows]
    won = winners(texts, labels[rows], len(ids), encoder)
    lost: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row, winner in zip(rows, won, strict=True):
        if winner != labels[row]:
            lost[phrasings[row][0], ids[winner]].append(phrasings[row][1])
    counts = dict(zip(ids, np.bincount(labels[rows], minlength=len(ids)).tolist(), strict=True))
    return _pairs(lost, counts)


def winners(
    texts: list[str], labels: NDArray[np.intp], entries: int, encoder: Encoder
) -> NDArray[np.intp]:
    """For each text the entry that wins it in a model fitted without that text.

    Leaving one out of kernel ridge regression, with α = (K + λI)⁻¹ y: f₋ᵢ(xᵢ) = yᵢ − αᵢ / Bᵢᵢ,
    where B = (K + λI)⁻¹.
    """
    vectors = encoder.encode(texts)
    wording = Lexicon.fit(texts).matrix(texts)
    gram = rank.kernel(vectors @ vectors.T, rank.dense_cosines(wording, wording.T.tocsr()))
    inverse = rank.inverse(gram)
    targets = rank.one_hot(labels, entries)
    left_out = targets - (inverse @ targets) / np.diag(inverse)[:, None]
    return np.asarray(left_out.argmax(axis=1), np.intp)


def _pairs(lost: dict[tuple[str, str], list[str]], counts: dict[str, int]) -> list[Confusion]:
    found = []
    for first, second in dict.fromkeys(tuple(sorted(pair)) for pair in lost):
        there, back = lost.get((first, second), []), lost.get((second, first), [])
        number = len(there) + len(back)
        share = number / (counts[first] + counts[second])
        if share >= SHARE and number >= COUNT:
            samples = tuple(there[:SAMPLES]), tuple(back[:SAMPLES])
            found.append(Confusion(first, second, round(share, 3), *samples))
    return sorted(found, key=lambda pair: -pair.share)
