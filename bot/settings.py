"""What every section of the configuration is made of."""

from collections.abc import Callable, Collection
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from bot.core.errors import Misread
from bot.core.messages import CHANNELS

Language = Literal["zh", "en"]
Localized = str | dict[Language, str]
"""A text for customers: one for all languages, or one per language."""


class Section(BaseModel):
    """A section of the file: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def one_of(zh: str, en: str, names: Collection[str]) -> Callable[[str], str]:
    """Refuses what is none of `names`, and says which there are."""

    def check(name: str) -> str:
        if name not in names:
            raise Misread(
                f"没有 {name!r} 这个{zh}；可用的有：{'、'.join(names)}",
                f"there is no {en} {name!r}, only {', '.join(names)}",
            )
        return name

    return check


Channel = Annotated[str, AfterValidator(one_of("渠道", "channel", CHANNELS))]
"""The name of a channel."""
