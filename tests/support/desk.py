"""An agent at the desk, in a browser, and what customers write meanwhile."""

from dataclasses import dataclass
from itertools import count
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page, ViewportSize, expect

from tests.support.chat import Chat
from tests.support.service import Service

WIDE: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
_NUMBERS = count(1)


@dataclass
class Desk:
    """An agent at the desk, in a browser of their own."""

    service: Service
    context: BrowserContext
    page: Page

    @property
    def box(self) -> Locator:
        return self.page.locator(".d-write textarea")

    @property
    def stream(self) -> Locator:
        return self.page.get_by_role("log")

    def row(self, words: str) -> Locator:
        return self.page.locator(".d-row", has_text=words)

    def open(self, words: str) -> None:
        """Open the conversation in whose preview these words stand."""
        self.row(words).click()
        expect(self.stream).to_contain_text(words)

    def menu(self) -> None:
        """Open what is the agent's own."""
        self.page.locator(".d-menu > summary").click()

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def replies(self, words: str) -> int:
        """How often the customer was told `words`, says the service."""
        return sum(one["text"] == words for one in self.messages())

    def messages(self) -> list[dict[str, Any]]:
        number = self.page.url.partition("c=")[2]
        found = self.service.desk("GET", f"/conversations/{number}/messages").json()["messages"]
        return list(found)


def says(chat: Chat, words: str = "I have a question") -> str:
    """The customer writes something that nobody else wrote. Returns it."""
    unique = f"{words} {next(_NUMBERS)}."
    chat.say(unique)
    return unique


def tell(desk: Desk, words: str) -> None:
    """Write, send, and see it among what was said."""
    desk.box.fill(words)
    desk.box.press("Enter")
    expect(desk.stream).to_contain_text(words)
