"""The bot's commands: what each means, and the menu that lists them."""

from collections.abc import Mapping

from telegram import BotCommand

from bot.channels.links import led_here
from bot.words.phrases import Voice

MEANINGS: Mapping[str, str] = {
    "start": "start",
    "help": "help",
    "order": "order",
    "human": "person",
    "stop": "stop",
    "language": "language",
}
"""Each command, and the value of a button that would mean the same."""
MENU = ("order", "human", "language", "help", "stop")
"""What the menu lists: /start is pressed once, by itself."""


def meaning(text: str) -> str:
    """The choice that a command such as `/start faq-return_policy` stands for.

    The payload of a deep link is of up to 64 of `A-Z a-z 0-9 _ -`
    (core.telegram.org/bots/features#deep-linking). An unknown command gets help.
    """
    words = text.split(maxsplit=1)
    name = words[0].removeprefix("/").partition("@")[0].lower()
    if name != "start" or len(words) == 1:
        return MEANINGS.get(name, "help")
    return led_here(words[1])


def menu(voice: Voice, language: str) -> list[BotCommand]:
    """The menu's lines for readers of `language`."""
    return [BotCommand(name, voice.say(f"telegram.command_{name}", language)) for name in MENU]
