"""How a message looks in WeChat: text in pieces, choices as lines to press or to type."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.channels.base import Outgoing
from bot.channels.splitting import split, utf8
from bot.core.messages import Choice, numbers
from bot.wechat_settings import Template

MAX_TEXT = 2048
"""Longest text of a message, in bytes of UTF-8
(developer.work.weixin.qq.com/document/path/94677; error 45002)."""
MAX_HEAD, MAX_LINES, MAX_ID, MAX_LABEL = 1024, 10, 64, 128
"""A `msgmenu`: bytes of the words above its lines, its lines, bytes of a line's id and label. The
official account's documentation gives none; these are 微信客服's for the same kind of message."""
_FIELDS = {
    "thing": 20, "character_string": 32, "short_thing": 5, "phrase": 5, "const": 20, "name": 10,
    "time": 32, "date": 32, "number": 32, "letter": 32, "symbol": 5, "amount": 20,
    "phone_number": 17, "car_number": 8,
}  # fmt: skip
"""Characters that a template's field takes, by what its name begins with
(developers.weixin.qq.com/doc/offiaccount/Message_Management/Template_Message_Interface.html)."""


def messages(text: str, choices: Sequence[Choice], *, menus: bool) -> list[dict[str, Any]]:
    """The service messages that say `text`, each without its receiver; the choices stand under the
    last one, as lines to press where `menus` are to be had and they fit, else with numbers."""
    if menus and _fits_a_menu(text, choices):
        lines = [{"id": one.value, "content": one.label} for one in choices]
        menu = {"head_content": text, "list": lines, "tail_content": ""}
        return [{"msgtype": "msgmenu", "msgmenu": menu}]
    return [{"msgtype": "text", "text": {"content": piece}} for piece in texts(text, choices)]


def texts(text: str, choices: Sequence[Choice], limit: int = MAX_TEXT, lead: str = "") -> list[str]:
    """`text` with its choices as numbered lines, below the words `lead`, in pieces of at most
    `limit` bytes."""
    lines = "\n".join(part for part in (lead, _lines(choices)) if part)
    whole = f"{text}\n\n{lines}" if choices else text
    return split(whole, limit, utf8)


def filled(outgoing: Outgoing, template: Template, shop: str, at: datetime) -> dict[str, Any]:
    """The message that fills a template, without its receiver."""
    said = {"text": " ".join(outgoing.text.split()), "shop": shop, "time": f"{at:%Y-%m-%d %H:%M}"}
    data = {name: {"value": _cut(_put(value, said), name)} for name, value in template.data.items()}
    link = {}
    if template.url:
        link = {"url": template.url} if template.kind == "template" else {"page": template.url}
    return {"template_id": template.id, "data": data, **link}


def _put(value: str, said: Mapping[str, str]) -> str:
    for name, text in said.items():
        value = value.replace(f"{{{name}}}", text)
    return value


def _cut(value: str, field: str) -> str:
    """`value` as long as the field takes it: too long a one is refused."""
    most = _FIELDS.get(field.rstrip("0123456789"), 200)
    return value if len(value) <= most else value[: most - 1] + "…"


def _fits_a_menu(text: str, choices: Sequence[Choice]) -> bool:
    return (
        0 < len(choices) <= MAX_LINES
        and utf8(text) <= MAX_HEAD
        and all(utf8(one.value) <= MAX_ID and utf8(one.label) <= MAX_LABEL for one in choices)
    )


def _lines(choices: Sequence[Choice]) -> str:
    labels = {one.value: one.label for one in choices}
    typed = numbers([one.value for one in choices])
    return "\n".join(f"{number}. {labels[value]}" for number, value in typed.items())
