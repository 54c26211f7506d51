"""A shop that tells its customers by itself, for tests over a database session."""

from typing import Any

from bot.care.house import House
from bot.channels.base import Policy
from bot.config import Config, validate
from bot.words.phrases import Voice
from storage.db import Database

OPEN = Policy()
ACCOUNTS = {("telegram", "main"): OPEN}
"""What may be sent where, unless a test says otherwise."""
DAYLONG: dict[str, Any] = {"quiet_hours": ""}
"""No quiet hours: tests run at any hour."""


def config(**care: Any) -> Config:
    return validate({"shop": {"name": "小满杂货"}, "care": {**DAYLONG, **care}})


def caring(db: Database, voice: Voice, policies: Any = None, **care: Any) -> House:
    """The care room of a shop, listening to what happens in `db`."""
    house = House.of(config(**care), voice)
    house.register(db.bus)
    house.connect(ACCOUNTS if policies is None else policies)
    return house
