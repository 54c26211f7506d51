"""The shop's voice, for the tests of this folder."""

import pytest

from bot.words.phrases import Voice
from tests.support import world


@pytest.fixture(scope="session")
def voice() -> Voice:
    return world.voice()
