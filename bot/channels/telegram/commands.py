"""The bot's commands: what each means, and the menu that lists them."""

from collections.abc import Mapping

from telegram import BotCommand

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
_LINKS: Mapping[str, str] = {"faq-": "faq:", "order-": "order:"}


def meaning(text: str) -> str:
    """The choice that a command such as `/start faq-return_policy` stands for.

    The payload of a deep link (core.telegram.org/bots/features#deep-linking: up to 64 of
    `A-Z a-z 0-9 _ -`) leads to an FAQ entry (`faq-<id>`), an order (`order-<number>`), a person
    (`human`) or the question for one's order (`order`); any other is kept as where the customer
    came from. An unknown command gets help.
    """
    words = text.split(maxsplit=1)
    name = words[0].removeprefix("/").partition("@")[0].lower()
    payload = words[1].strip()[:64] if len(words) > 1 else ""
    if name != "start" or not payload:
        return MEANINGS.get(name, "help")
    if payload in ("human", "order"):
        return MEANINGS[payload]
    for prefix, value in _LINKS.items():
        if payload.startswith(prefix):
            return value + payload.removeprefix(prefix)
    return f"start:{payload}"


def menu(voice: Voice, language: str) -> list[BotCommand]:
    """The menu's lines for readers of `language`."""
    return [BotCommand(name, voice.say(f"telegram.command_{name}", language)) for name in MENU]
