"""The words of the care page: states, reasons and triggers as people read them."""

from bot.desk.texts import Texts


class CareSay:
    """`say("new")` gives the text `sendings.new` in the agent's language."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts
        self.language = texts.language

    def __call__(self, key: str, **values: object) -> str:
        return self.texts.voice.say(f"sendings.{key}", self.language, **values)

    def known(self, kind: str, name: str) -> str:
        """What `name` is called among the texts `<kind>_…`; itself where nobody has written one."""
        key = name.replace(" ", "_").replace(".", "_").replace("'", "")
        try:
            return self(f"{kind}_{key}")
        except KeyError:
            return name

    def channel(self, name: str) -> str:
        """What a channel is called; a dash for none."""
        return self.texts.known(f"channel_{name}", name) if name else "–"
