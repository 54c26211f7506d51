"""The power fails under our own `transact`: what was acknowledged is on the disk."""

import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.powercut import Disk, compiled
from tests.support.writing import Writer


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


def writer(disk: Disk, pragma: str = "") -> Writer:
    url = f"sqlite:///{disk.folder}/shop.db"
    return Writer(url, "add", disk.environment(), pragma)


def stored(disk: Disk) -> set[int]:
    """The numbers of the customers that are there after the power has come back."""
    with closing(sqlite3.connect(disk.folder / "shop.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {int(ref) for (ref,) in connection.execute("SELECT shop_ref FROM customer")}


@pytest.mark.parametrize("cuts", [4, pytest.param(200, marks=pytest.mark.soak)])
def test_what_was_acknowledged_survives_a_power_cut(disk: Disk, cuts: int) -> None:
    seed = random.randrange(10**9)
    dice = random.Random(seed)
    acked: set[int] = set()
    undone = 0
    with writer(disk) as writes:
        for number in range(cuts):
            acks, seconds = dice.randrange(1, 200), dice.random() / 20
            acked.update(writes.life(number * 10**6, acks=acks, seconds=seconds))
            undone += disk.cut(dice, keep=number % 4 > 0)
            lost = acked - stored(disk)
            assert not lost, f"seed {seed}, cut {number}: {len(lost)} of {len(acked)} lost"
    assert len(acked) > 10 * cuts
    if cuts > 100:  # a few may all come when nothing is on its way to the disk
        assert undone > 0


def test_a_database_that_does_not_sync_loses_what_it_acknowledged(disk: Disk) -> None:
    """The proof that a cut can be felt at all."""
    with writer(disk, "synchronous=OFF") as writes:
        acked = list(writes.life(0, acks=100))
    assert disk.cut(random.Random(0), keep=False) > 0
    assert len(acked) >= 100
    assert not stored(disk) & set(acked)
