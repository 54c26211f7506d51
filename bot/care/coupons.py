"""The seam to the shop's coupons: who has them to give is wired in by the composition root."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlmodel import Session


@dataclass(frozen=True, slots=True)
class Wish:
    """A care message, by its id, that goes with a coupon of a pool, once for its occasion."""

    care_id: int
    customer_id: int
    pool: str
    occasion: str


class Coupons(Protocol):
    """Who gives coupons. An offer has the columns of a coupon: code, value, expires_at."""

    def offer(self, session: Session, wishes: Sequence[Wish], at: datetime) -> Mapping[int, Any]:
        """For each wish that can be met, by its care message: the coupon that the customer has
        for this occasion already, else one that is nobody's, held until the commit."""

    def give(self, session: Session, given: Sequence[tuple[Wish, Any]], at: datetime) -> None:
        """These are the customers' now: their messages are being written."""


class NoCoupons:
    """A shop without any."""

    def offer(self, session: Session, wishes: Sequence[Wish], at: datetime) -> Mapping[int, Any]:
        """None."""
        return {}

    def give(self, session: Session, given: Sequence[tuple[Wish, Any]], at: datetime) -> None:
        """Nothing to give."""
