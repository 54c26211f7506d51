"""Joins the parts of the agents' API."""

from collections.abc import Sequence

from fastapi import APIRouter

from bot.config import ApiKey
from bot.escalation.sent_files import SentFiles
from bot.escalation.transfers import Transfers
from bot.web.api import (
    canned,
    conversations,
    customers,
    files,
    follow_ups,
    messages,
    notes,
    people,
    search,
)
from bot.web.api.api import Api
from storage.db import Database
from storage.trail import Trail


def agents_router(
    db: Database,
    keys: Sequence[ApiKey],
    sent: SentFiles,
    transfers: Transfers,
    trail: Trail | None = None,
) -> APIRouter:
    """`/api/v1/…`, for callers with one of `keys` that has a route's scope.

    `sent` takes what agents send, and its folder has what customers sent; `trail` is told who
    looked at what.
    """
    api = Api(db, keys, sent, transfers, trail or Trail(db))
    read, write = api.caller("conversations:read"), api.caller("conversations:write")
    whole = APIRouter()
    whole.include_router(search.routes(api, read))  # before those with a number in its place
    whole.include_router(files.routes(api, read, write))
    whole.include_router(conversations.routes(api, read, write))
    whole.include_router(messages.routes(api, read, write))
    whole.include_router(notes.routes(api, read, write))
    whole.include_router(customers.routes(api, api.caller("customers:read"), write))
    whole.include_router(follow_ups.routes(api, read, write))
    whole.include_router(canned.routes(api, read, api.caller("settings:write")))
    whole.include_router(people.routes(api, read, write))
    return whole
