"""The Bot API's client, with time-outs of our own and updates as they came."""

import os
from typing import Any, cast

from telegram import Bot
from telegram.error import ChatMigrated
from telegram.request import HTTPXRequest

from bot.channels.telegram.moves import Moves
from bot.config import Telegram

JSONDict = dict[str, Any]
CHANNEL = "telegram"
ALLOWED_UPDATES = (
    "message",
    "edited_message",
    "callback_query",
    "message_reaction",
    "my_chat_member",
    "chat_member",
)
"""The kinds of update that are asked for; others mean nothing to us."""
POLL_SECONDS = 25
"""How long Telegram may hold a request for updates open while there are none."""
CONNECT_SECONDS, READ_SECONDS = 10.0, 20.0
CONNECTIONS = 32


class Client(Bot):
    """`telegram.Bot` whose updates are plain values: one that cannot be read spoils no other.

    It `follows` groups that get a new id.
    """

    _moves: Moves | None = None

    def follow(self, moves: Moves) -> None:
        """From now on, what is meant for a group goes where it is."""
        self._moves = moves

    async def _post(self, endpoint: str, data: JSONDict | None = None, **options: Any) -> Any:
        if self._moves is None or data is None:
            return await super()._post(endpoint, data, **options)
        try:
            return await super()._post(endpoint, self._moves.outward(data), **options)
        except ChatMigrated as error:  # nothing was done; it is the same group
            old, new = str(data.get("chat_id")), str(error.new_chat_id)
            await self._moves.learn_from_refusal(old, new)
            return await super()._post(endpoint, self._moves.outward(data), **options)

    async def raw_updates(self, offset: int) -> list[dict[str, Any]]:
        """Updates from `offset` on, which confirms all before it; waits `POLL_SECONDS` for one.

        (core.telegram.org/bots/api#getupdates)
        """
        wanted = {
            "offset": offset,
            "timeout": POLL_SECONDS,
            "allowed_updates": list(ALLOWED_UPDATES),
        }
        found = await self._post("getUpdates", wanted, read_timeout=POLL_SECONDS + READ_SECONDS)
        return cast("list[dict[str, Any]]", found)


def connect(settings: Telegram) -> Client:
    """A client for one bot; nothing is asked of the server yet."""
    os.environ.setdefault("PTB_TIMEDELTA", "true")  # the library warns of the old type at each 429
    server = settings.api_base_url.rstrip("/")
    return Client(
        settings.token,
        base_url=f"{server}/bot",
        base_file_url=f"{server}/file/bot",
        request=_request(CONNECTIONS),
        get_updates_request=_request(1),
    )


def webhook_url(settings: Telegram, public_url: str) -> str:
    """Where Telegram is to call us; empty without a `public_url`."""
    return f"{public_url.rstrip('/')}/telegram/{settings.name}" if public_url else ""


async def disconnect(client: Client) -> None:
    """Close the connections."""
    for request in client._request:
        await request.shutdown()


def _request(connections: int) -> HTTPXRequest:
    return HTTPXRequest(
        connection_pool_size=connections,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        write_timeout=READ_SECONDS,
        pool_timeout=CONNECT_SECONDS,
        http_version="1.1",
    )
