"""What every section of the configuration is made of."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Language = Literal["zh", "en"]
Localized = str | dict[Language, str]
"""A text for customers: one for all languages, or one per language."""


class Section(BaseModel):
    """A section of the file: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)
