"""The tables, one module per subject; importing this registers them all."""

from storage.models import (
    agents,
    attachments,
    audit,
    buttons,
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
    "attachments",
    "audit",
    "buttons",
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
