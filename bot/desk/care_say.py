"""The words of the care page: those of care, beside the desk's own."""

from bot.care.say import Say
from bot.desk.texts import Texts


class CareSay(Say):
    """`say("new")` gives the text `sendings.new` in the agent's language."""

    def __init__(self, texts: Texts) -> None:
        super().__init__(texts.voice, texts.language)
        self.texts = texts
