"""The care room in one piece, as the composition root has it."""

from dataclasses import dataclass

from bot.care import files, sending_journey
from bot.care.calendar import Calendar
from bot.care.coupons import Coupons, NoCoupons
from bot.care.guard import Rules
from bot.care.listening import Book, Listener
from bot.care.planner import Planner
from bot.care.reading import Policies
from bot.care.wording import Wording
from bot.config import Config
from bot.core.events import Bus
from bot.engine import Job
from bot.words.phrases import Voice
from storage.db import Database


@dataclass(frozen=True, slots=True)
class House:
    """What the shop tells by itself: its journeys, and who plans and writes them."""

    book: Book
    planner: Planner

    @classmethod
    def of(cls, config: Config, voice: Voice, coupons: Coupons | None = None) -> "House":
        """The room of an installation. Raises `JourneysInvalid`."""
        journeys = files.load(config.content.templates, voice.words, config.care)
        book = Book(journeys, config.care.holdout)
        rules = Rules.of(config.care, config.shop.zone)
        planner = Planner(
            Wording(voice, config.care.voice),
            rules,
            [book.find, sending_journey.find],
            coupons=coupons or NoCoupons(),
        )
        return cls(book, planner)

    def register(self, bus: Bus) -> None:
        """Listen to what may set a journey off."""
        Listener(self.book, self.planner).register(bus)

    def connect(self, policies: Policies) -> None:
        """What each account may send is known now."""
        self.planner.policies = policies

    def jobs(self, db: Database) -> list[Job]:
        """What runs on a clock."""
        return [
            Job("care-due", lambda _details: self.planner.run(db), "* * * * *"),
            Job("care-calendar", lambda _details: Calendar(self.book, self.planner.rules).run(db),
                "20 */6 * * *"),
        ]  # fmt: skip
