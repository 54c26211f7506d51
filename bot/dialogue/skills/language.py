"""Goes on in the language that a customer asks for, and offers those there are."""

import re
from dataclasses import replace

from bot.dialogue.tongue import SWITCH, offered
from bot.dialogue.turn import Turn, Verdict

AFTER = ("person",)
NAME = "language"

_LONGEST = 60
_SPEAK = r"(?:说|讲|用|写|换|切换|改|回复|回答|回|会|懂|支持|是|有)"
_HAN = re.compile(
    r"(?:请|能|可以|麻烦|你|您|们|我|不|要|想|会|可|吗|给|帮|都|到|成|[,。 ])*"
    rf"(?:{_SPEAK}(?:不懂|不会|一下|成|到|为)?)*(?P<name>中文|普通话|汉语|华语|国语|英文|英语"
    rf"|繁体字?|简体字?)(?:版)?"
    r"(?:回复|回答|说|讲|交流|沟通|服务|客服|可以|行|好|能|会|我|吗|吧|么|呢|啊|谢谢|不|[,。!?~ ])*"
)
_LATIN = re.compile(
    r"(?:hi|hello|hey|can|could|do|would|will|you|u|ya|i|please|pls|plz|we|don'?t|not|only|just|is"
    r"|it"
    r"|possible|want|to|like|prefer|speak|talk|write|reply|answer|respond|switch|change|continue"
    r"|use"
    r"|understand|know|chat|in|with|me|have|[,.! ])*"
    r"(?P<name>english|chinese|mandarin)"
    r"(?: version)?(?:please|pls|plz|thanks|thank you|only|instead|possible|ok|now|here|speaking"
    r"|[,.!? ])*"
)
_CHINESE = {"中文", "普通话", "汉语", "华语", "国语", "chinese", "mandarin"}
_SCRIPTS = {"繁体": True, "繁体字": True, "简体": False, "简体字": False}


def wished(normalised: str) -> str | None:
    """The language that a message asks for by name, as it is named there."""
    plain = normalised.replace("’", "'")
    if len(plain) > _LONGEST:
        return None
    found = _HAN.fullmatch(plain) or _LATIN.fullmatch(plain)
    return found["name"] if found else None


def reply(turn: Turn) -> Verdict | None:
    """Switch, and say so in that language; what tells no language stays in it."""
    if turn.choice == NAME:
        return _offer(turn)
    name = _chosen(turn) if turn.choice else wished(turn.understanding.normalised)
    if name is None:
        return None
    language = "zh" if name in _CHINESE or name in _SCRIPTS else "en"
    turn.understanding = replace(turn.understanding, language=None)
    turn.conversation.language = turn.identity.language = language
    turn.identity.traditional = _SCRIPTS.get(name, turn.identity.traditional)
    turn.say("replies.speaks")
    return Verdict("switched", {"language": language})


def _offer(turn: Turn) -> Verdict:
    turn.say("replies.language_ask", offered(turn))
    return Verdict("offered")


def _chosen(turn: Turn) -> str | None:
    """The name of the language whose button was pressed."""
    code = (turn.choice or "").removeprefix(SWITCH)
    return {"zh": "chinese", "en": "english"}.get(code)
