"""kill -9 at random moments while very many messages come in: none is lost, none counts twice."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import text

from storage.db import Database
from tests.faults.writer import EFFECTS
from tests.support.writing import Writer

SHOWN_EVERY = 100_000
OVERLAP = 50
"""How many that were acknowledged are sent again after a death."""


@dataclass
class Sender:
    """Sends the numbers 1 to `total`, and again what has no acknowledgement after a death.

    Some that were acknowledged come again too: the acknowledgement may have got lost.
    """

    total: int
    acked: bytearray
    told: int = 0
    resent: int = 0

    def first_open(self) -> int:
        """The first number without an acknowledgement, or a little before."""
        return max(1, self.acked.index(0, 1) - OVERLAP)

    def hear(self, numbers: Iterator[int]) -> Iterator[int]:
        """Note acknowledgements; yields how many messages have theirs, now and then."""
        for number in numbers:
            self.resent += self.acked[number]
            self.told += not self.acked[number]
            self.acked[number] = 1
            if self.told % SHOWN_EVERY == 0:
                yield self.told


@pytest.mark.parametrize(
    ("kind", "total", "kills"),
    [
        ("sqlite_url", 5_000, 3),
        ("postgres_url", 2_000, 2),
        pytest.param("sqlite_url", 1_000_000, 20, marks=pytest.mark.soak),
        pytest.param("postgres_url", 100_000, 20, marks=pytest.mark.soak),
    ],
)
def test_each_message_counts_once(
    request: pytest.FixtureRequest,
    capfd: pytest.CaptureFixture[str],
    kind: str,
    total: int,
    kills: int,
) -> None:
    url = str(request.getfixturevalue(kind))
    db = Database(url)
    db.run(lambda session: session.connection().execute(text(EFFECTS)))
    seed = random.randrange(10**9)
    dice = random.Random(seed)
    sender = Sender(total, bytearray(total + 1))
    with Writer(url, "take") as writer:
        for life in range(kills + 1):
            # The last life ends by itself; the others get an equal share, more or less.
            share = dice.randrange(total // (2 * kills), total // kills)
            acks = share if life < kills else 10**12
            numbers = writer.life(sender.first_open(), total, acks, dice.random() / 20)
            for told in sender.hear(numbers):
                with capfd.disabled():
                    print(f" {told:,} of {total:,}, {life} killed", end="", flush=True)
    assert all(sender.acked[1:]), f"seed {seed}: the sender was left without an acknowledgement"
    found = db.run(lambda session: session.connection().execute(text(COUNTED)).one())
    db.close()
    assert tuple(found) == (total, total, 1, total), f"seed {seed}"
    assert sender.resent >= kills * OVERLAP, "repetitions were tried"


COUNTED = "SELECT count(*), count(DISTINCT number), min(number), max(number) FROM effect"
