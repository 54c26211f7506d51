"""The account's menu as the configuration wants it."""

from collections.abc import Iterable
from typing import Any

from bot.channels.wechat.client import Client
from bot.channels.wechat.library import ApiError
from bot.wechat_settings import MenuButton

_NONE = 46003
"""There is no menu yet."""


async def set_menu(client: Client) -> bool:
    """Make the menu of the settings the account's; False where it is already, or none is wanted.

    Raises as `Client`. The menu that somebody made by hand stays where the settings have none.
    """
    wanted = _buttons(client.settings.menu)
    if not wanted or await _present(client) == wanted:
        return False
    await client.post("/cgi-bin/menu/create", {"button": wanted})
    return True


async def _present(client: Client) -> list[dict[str, Any]]:
    try:
        found = await client.get("/cgi-bin/menu/get")
    except ApiError as error:
        if error.code == _NONE:
            return []
        raise
    return [_plain(one) for one in found.get("menu", {}).get("button", [])]


def _plain(button: dict[str, Any]) -> dict[str, Any]:
    """A button with nothing but what we set."""
    below = [_plain(one) for one in button.get("sub_button", [])]
    kept = {name: button[name] for name in ("name", "type", "key", "url") if button.get(name)}
    return {"name": button["name"], "sub_button": below} if below else kept


def _buttons(buttons: Iterable[MenuButton]) -> list[dict[str, Any]]:
    return [_button(one) for one in buttons]


def _button(button: MenuButton) -> dict[str, Any]:
    if button.buttons:
        return {"name": button.name, "sub_button": _buttons(button.buttons)}
    if button.url:
        return {"name": button.name, "type": "view", "url": button.url}
    return {"name": button.name, "type": "click", "key": button.choice}
