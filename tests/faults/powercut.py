"""What the disk holds after a power cut, made from the notes that `powercut.c` takes."""

import os
import random
import shutil
import struct
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_suffix(".c")
SECTOR = 512
_HEAD = struct.Struct("=qqq")


def compiled(folder: Path) -> Path:
    """The library for LD_PRELOAD. Where changes are judged, a missing compiler is a failure."""
    if shutil.which("gcc") is None:
        if os.environ.get("CI"):
            pytest.fail("gcc is missing: apt-get install gcc libc6-dev")
        pytest.skip("needs gcc")
    library = folder / "powercut.so"
    command = ["gcc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", SOURCE, "-o", library]
    subprocess.run([*command, "-ldl", "-lpthread"], check=True)
    return library


@dataclass(frozen=True, slots=True)
class Disk:
    """A folder whose unsynced writes can be undone, and the notes that it takes to do it."""

    folder: Path
    notes: Path
    library: Path

    @classmethod
    def within(cls, place: Path, library: Path) -> "Disk":
        """A new empty disk in the folder `place`."""
        disk = cls(place.resolve() / "disk", place.resolve() / "notes", library)
        for path in (disk.folder, disk.notes):
            path.mkdir()
        return disk

    def environment(self) -> dict[str, str]:
        """For the process that writes on this disk."""
        return {
            "LD_PRELOAD": str(self.library),
            "XIAOER_CUT_FOLDER": str(self.folder),
            "XIAOER_CUT_NOTES": str(self.notes),
            "XIAOER_SYNC_MS": "20",  # as a slow disk: most cuts come while it syncs
        }

    def cut(self, dice: random.Random, keep: bool = True) -> int:
        """Undo what was not synced; the writers must be dead.

        With `keep` each sector, each size and each name is as it was before some unsynced write
        to it, or as it is after the last one, at random; without, all is as it was synced.
        Returns how many sectors and names changed.
        """
        for file in self.folder.glob("*-shm"):  # was memory
            file.unlink()
        changed = 0
        for note in sorted(self.notes.iterdir()):
            path = self.folder / note.stem
            lasts = keep and dice.random() < 0.5
            if note.suffix == ".undo" and path.exists():
                changed += _undo(path, note, dice, keep)
            elif note.suffix == ".new" and not lasts and path.exists():
                path.unlink()
                changed += 1
            elif note.suffix == ".gone" and not lasts and not path.exists():
                shutil.copyfile(note, path)
                changed += 1
            note.unlink()
        return changed


def _undo(path: Path, note: Path, dice: random.Random, keep: bool) -> int:
    """Bring back an earlier content of `path`, sector by sector."""
    sizes: list[int] = []
    before: dict[int, list[bytes]] = defaultdict(list)
    for offset, size, old in _records(note.read_bytes()):
        sizes.append(size)
        for at in range(0, len(old), SECTOR):
            before[offset + at].append(old[at : at + SECTOR])
    changed = 0
    with path.open("r+b") as file:
        for at, versions in before.items():
            chosen = dice.randrange(len(versions) + 1) if keep else 0
            if chosen < len(versions):
                file.seek(at)
                file.write(versions[chosen])
                changed += 1
        sizes.append(path.stat().st_size)
        file.truncate(dice.choice(sizes) if keep else sizes[0])
    return changed


def _records(notes: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Offset, size of the file and old content, of each write; the last may be incomplete."""
    at = 0
    while at + _HEAD.size <= len(notes):
        offset, length, size = _HEAD.unpack_from(notes, at)
        at += _HEAD.size
        if at + length > len(notes):
            return  # killed while noting: the write itself was never made
        yield offset, size, notes[at : at + length]
        at += length
