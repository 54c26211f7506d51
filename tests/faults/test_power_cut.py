"""The power fails under our own `transact`: what was acknowledged is on the disk."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.powercut import Disk, compiled
from tests.support.service import ROOT


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("powercut"))


@pytest.fixture
def disk(library: Path, in_memory: Path, tmp_path: Path, migrated_sqlite: Path) -> Iterator[Disk]:
    """A disk with a migrated database."""
    place = in_memory / f"cut-{tmp_path.name}"
    place.mkdir()
    made = Disk.within(place, library)
    shutil.copyfile(migrated_sqlite, made.folder / "shop.db")
    yield made
    shutil.rmtree(place)


class Writer:
    """`tests.faults.writer` on a disk."""

    def __init__(self, disk: Disk, pragma: str = "") -> None:
        self._disk = disk
        self._pragma = pragma
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.writer"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
            env=os.environ | disk.environment(),
        )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._ask, self._told = self._process.stdin, self._process.stdout

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *exception: object) -> None:
        self._ask.close()
        self._told.close()
        self._process.wait(10)

    def killed_after(self, acks: int, seconds: float, first: int) -> list[int]:
        """Let it write, kill it so many seconds after so many acknowledgements; all of these."""
        print(f"sqlite:///{self._disk.folder}/shop.db {first} {self._pragma}", file=self._ask)
        self._ask.flush()
        child = int(self._told.readline().removeprefix("pid "))
        acked = [int(self._told.readline()) for _ in range(acks)]
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        while (line := self._told.readline()) != "dead\n":
            acked.append(int(line))
        return acked


def stored(disk: Disk) -> set[int]:
    """The numbers of the customers that are there after the power has come back."""
    with closing(sqlite3.connect(disk.folder / "shop.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {int(ref) for (ref,) in connection.execute("SELECT shop_ref FROM customer")}


@pytest.mark.parametrize("cuts", [8, pytest.param(200, marks=pytest.mark.soak)])
def test_what_was_acknowledged_survives_a_power_cut(disk: Disk, cuts: int) -> None:
    seed = random.randrange(10**9)
    dice = random.Random(seed)
    acked: set[int] = set()
    undone = 0
    with Writer(disk) as writer:
        for number in range(cuts):
            acks, seconds = dice.randrange(1, 200), dice.random() / 20
            acked.update(writer.killed_after(acks, seconds, first=number * 10**6))
            undone += disk.cut(dice, keep=number % 4 > 0)
            lost = acked - stored(disk)
            assert not lost, f"seed {seed}, cut {number}: {len(lost)} of {len(acked)} lost"
    assert undone > 0
    assert len(acked) > 10 * cuts


def test_a_database_that_does_not_sync_loses_what_it_acknowledged(disk: Disk) -> None:
    """The proof that a cut can be felt at all."""
    with Writer(disk, "synchronous=OFF") as writer:
        acked = writer.killed_after(100, 0, first=0)
    assert disk.cut(random.Random(0), keep=False) > 0
    assert len(acked) >= 100
    assert not stored(disk) & set(acked)
