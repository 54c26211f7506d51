"""The words for where a parcel is, and which of two steps is the newer one."""

from datetime import datetime
from enum import StrEnum


class Status(StrEnum):
    """A parcel's status, in the order in which a parcel usually goes through them."""

    COLLECTED = "collected"
    IN_TRANSIT = "in_transit"
    ARRIVED_CITY = "arrived_city"
    OUT_FOR_DELIVERY = "out_for_delivery"
    EXCEPTION = "exception"
    RETURNING = "returning"
    DELIVERED = "delivered"

    @property
    def progress(self) -> int:
        """How far along the usual way this is; decides between steps of the same moment."""
        return list(Status).index(self)


def is_newer(at: datetime, status: Status, than_at: datetime | None, than_status: str) -> bool:
    """Whether a step tells more recent news than the parcel's present status does."""
    if than_at is None or not than_status:
        return True
    return (at, status.progress) > (than_at, Status(than_status).progress)
