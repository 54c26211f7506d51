"""The tables, one module per subject; importing this registers them all."""

from storage.models import (
    agents,
    audit,
    care,
    conversations,
    customers,
    deliveries,
    errands,
    feedback,
    gaps,
    inbound,
    orders,
    profiles,
    replay,
    secrets,
)

__all__ = [
    "agents",
    "audit",
    "care",
    "conversations",
    "customers",
    "deliveries",
    "errands",
    "feedback",
    "gaps",
    "inbound",
    "orders",
    "profiles",
    "replay",
    "secrets",
]
