"""Hears "算了" and "never mind"."""

import re

_LONGEST = 30
_LET_GO = re.compile(
    r"(?:那|就|还是|先|行吧|好吧|哦|唉|哎|[,。!~… ])*"
    r"(?:算了|不[用必]了|不(?:查|问|看|找|说|麻烦)了|没什么了?|当我没[说问])"
    r"(?:算了|不(?:查|问|看|找|说|用)了|吧|啊|啦|呀|谢谢|[,。!~… ])*"
    r"|(?:ok|oh|no|well|actually|just|[,. ])*"
    r"(?:never ?mind|nvm|forget (?:about )?it|leave it|don'?t bother|no need)"
    r"(?:then|now|thanks|thank you|[,.! ])*"
)


def lets_go(normalised: str) -> bool:
    """Whether a whole message says that nothing is wanted any more."""
    return len(normalised) <= _LONGEST and bool(_LET_GO.fullmatch(normalised.replace("’", "'")))
