"""Names a browser and its system in a few words, from what it calls itself."""

from bot.desk.texts import Texts

# The more special name first: most browsers call themselves Chrome or Safari besides.
_BROWSERS = (
    ("MicroMessenger", "WeChat"), ("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"), ("HuaweiBrowser", "Huawei"), ("SamsungBrowser", "Samsung Internet"),
    ("CriOS", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("HarmonyOS", "HarmonyOS"), ("Android", "Android"),
    ("Windows", "Windows"), ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


def device_text(texts: Texts, device: str) -> str:
    """Such as "Firefox · Windows"; a word for what is not known."""
    found = [_first(names, device) for names in (_BROWSERS, _SYSTEMS)]
    return " · ".join(one for one in found if one) or texts("device_unknown")


def _first(names: tuple[tuple[str, str], ...], device: str) -> str:
    return next((name for mark, name in names if mark in device), "")
