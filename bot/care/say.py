"""The words of care for colleagues: states, reasons and triggers as people read them."""

from bot.words.phrases import Voice


class Say:
    """`say("new")` gives the text `sendings.new` in a colleague's language."""

    def __init__(self, voice: Voice, language: str) -> None:
        self.voice = voice
        self.language = language

    def __call__(self, key: str, **values: object) -> str:
        return self.voice.say(f"sendings.{key}", self.language, **values)

    def known(self, kind: str, name: str) -> str:
        """What `name` is called among the texts `<kind>_…`; itself where nobody has written one."""
        key = name.replace(" ", "_").replace(".", "_").replace("'", "")
        return self._or(f"sendings.{kind}_{key}", name)

    def channel(self, name: str) -> str:
        """What a channel is called; a dash for none."""
        return self._or(f"desk.channel_{name}", name) if name else "–"

    def verdict(self, kind: str, reason: str) -> str:
        """What the guard said, with its reason where it has one."""
        why = f": {self.known('reason', reason)}" if reason else ""
        return f"{self(f'verdict_{kind}')}{why}"

    def _or(self, key: str, otherwise: str) -> str:
        try:
            return self.voice.say(key, self.language)
        except KeyError:
            return otherwise
