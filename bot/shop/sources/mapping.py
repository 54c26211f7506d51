"""Reads the file that says what is where in somebody else's JSON."""

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bot.config import ConfigInvalid
from bot.core.json_paths import at, text_at
from bot.shop.sources.columns import FIELDS, REQUIRED, Kind
from bot.shop.sources.payloads import MOST_ITEMS
from bot.shop.sources.rows import Row

_PARAMETER = r"^[A-Za-z0-9_.\[\]-]{0,64}$"


class Mapping(BaseModel):
    """What is where; paths are names with dots between them, numbers for places in a list.

    `list` leads to the orders or products, `fields` from one of them to our fields, `items` from
    one to the list of its items and `item_fields` from one of those. `cursor` leads from one to
    what grows with each change, sent as the parameter `since`; `next` leads to the next page's
    address, or to what is sent as `page`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind = "orders"
    where: str = Field(default="", alias="list")
    fields: dict[str, str]
    items: str = ""
    item_fields: dict[Literal["item_name", "item_sku", "item_quantity", "item_price"], str] = Field(
        default_factory=dict
    )
    statuses: dict[str, Literal["created", "paid", "shipped", "cancelled", "refunded"]] = Field(
        default_factory=dict
    )
    attributes: dict[str, str] = Field(default_factory=dict)
    cursor: str = ""
    since: str = Field(default="", pattern=_PARAMETER)
    next: str = ""
    page: str = Field(default="", pattern=_PARAMETER)

    @model_validator(mode="after")
    def _names_our_fields(self) -> "Mapping":
        needed = REQUIRED[self.kind]
        if needed not in self.fields:
            raise ValueError(f"fields.{needed} is missing / 缺少 fields.{needed}")
        if unknown := sorted(set(self.fields) - FIELDS[self.kind]):
            known = ", ".join(sorted(FIELDS[self.kind]))
            raise ValueError(f"unknown 未知: {', '.join(unknown)} ({known})")
        if bool(self.cursor) != bool(self.since):
            raise ValueError("cursor and since need each other / cursor 和 since 要一起写")
        return self

    def rows(self, thing: Any) -> list[Row]:
        """The texts of an order, or product, and of its items."""
        row = {name: text_at(thing, path) for name, path in self.fields.items()}
        row |= {f"+{name}": text_at(thing, path) for name, path in self.attributes.items()}
        found = at(thing, self.items) if self.items else None
        lines = found[:MOST_ITEMS] if isinstance(found, list) else []
        return [row, *(self._item(line) for line in lines)]

    def _item(self, line: Any) -> Row:
        return {str(name): text_at(line, path) for name, path in self.item_fields.items()}

    def things(self, answer: Any) -> list[Any]:
        """The orders or products of an answer. Raises `ValueError` when there is no list."""
        found = at(answer, self.where)
        if not isinstance(found, list):
            raise ValueError(f"no list at {self.where or 'the top'!r}")
        return found


def load_mapping(path: Path) -> Mapping:
    """The mapping in the file at `path`. Raises `ConfigInvalid`."""
    try:
        return Mapping.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:  # broken TOML and wrong fields are ValueErrors
        why = _why(error)
        raise ConfigInvalid(
            f"字段对应文件 {path} 有误：{why}", f"{path} is no mapping: {why}"
        ) from error


def _why(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    problems = error.errors(include_url=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in problems)
