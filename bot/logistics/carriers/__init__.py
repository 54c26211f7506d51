"""Platforms that know where parcels are, one file each, found by themselves.

A file has three names: `KIND`, as the configuration calls it; `Settings`, a `CarrierSettings` of
its own; and `Account(settings, hook)`, a `Carrier` (`bot/logistics/carrier.py`).
"""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import ValidationError

from bot.config import ConfigInvalid, invalid
from bot.logistics.carrier import Carrier

EXAMPLE = '[[carriers]]\nname = "kd100"\nkind = "kuaidi100"'


@cache
def kinds() -> Mapping[str, Any]:
    """The module of each kind."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return {module.KIND: module for module in modules}


def accounts(sections: Sequence[Mapping[str, Any]], public_url: str) -> tuple[Carrier, ...]:
    """The accounts of the `[[carriers]]` sections. Raises `ConfigInvalid`."""
    found = tuple(_account(number, one, public_url) for number, one in enumerate(sections))
    names = [one.name for one in found]
    if len(set(names)) < len(names):
        raise ConfigInvalid(
            "两个 [[carriers]] 的 name 相同：每个都要有自己的",
            "two [[carriers]] have the same name: each needs its own",
        )
    return found


def _account(number: int, section: Mapping[str, Any], public_url: str) -> Carrier:
    kind = section.get("kind")
    if not isinstance(kind, str) or kind not in kinds():
        known = ", ".join(sorted(kinds()))
        raise ConfigInvalid(
            f"carriers.{number}.kind: {kind!r} 不认识，可以是 {known}。示例：\n{EXAMPLE}",
            f"carriers.{number}.kind: {kind!r} is not one of {known}. Example:\n{EXAMPLE}",
        )
    module = kinds()[kind]
    try:
        settings = module.Settings.model_validate(section)
    except ValidationError as error:
        raise invalid(error, "carriers", str(number)) from error
    if settings.mode == "push" and not public_url:
        raise ConfigInvalid(
            f"carriers.{number}: 推送需要公网地址，请设置 [web] public_url，例如 https://shop.example",
            f"carriers.{number}: pushes need an address: set [web] public_url, such as "
            "https://shop.example",
        )
    account: Carrier = module.Account(
        settings, f"{public_url.rstrip('/')}/carriers/{settings.name}"
    )
    return account
