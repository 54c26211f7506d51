"""What other systems can be told, and under which name the rows say so."""

CHANNEL = "webhook"
"""Stands where an errand's channel does; the account is the webhook's name."""
TYPES = (
    "conversation.created",
    "conversation.waiting",
    "conversation.withdrawn",
    "conversation.taken",
    "conversation.transferred",
    "conversation.resolved",
    "message.created",
    "rating.created",
)
"""The types of what is told."""
