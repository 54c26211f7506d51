"""Takes out of customers' words what tells who they are, before people or files get them."""

import re
from collections.abc import Callable

MASK = "***"
"""Stands for what was taken out: no word in any language, so that the engine ignores it."""

_HAN = r"\u3400-\u4dbf\u4e00-\u9fff"
_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
    "余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
_TWICE = "欧阳|上官|司马|诸葛|东方|皇甫|令狐|司徒|慕容"
_SURNAME = rf"(?:{_TWICE}|[{_SURNAMES}])"
_ROAD = r"(?:路|街|大道|巷|弄|胡同|村|镇|苑|花园|小区|公寓|大厦|广场)"
_DOOR = r"(?:号楼?|室|栋|幢|单元|座|弄|户|层|楼)"
_NUMBER = r"[\dA-Za-z一二三四五六七八九十〇-]{1,8}"
_STREET = r"(?:road|rd|street|st|avenue|ave|lane|ln|drive|boulevard|blvd)"
_TIME = r"(?:days?|weeks?|months?|hours?|minutes?|of|people|more|times?)\b"
_PLACE = r"(?:Way|Place|Court|Square|Terrace|Close|Crescent|Gardens|Dr)"
_UNIT = r"(?:,? ?(?:apt|apartment|unit|flat|suite|room|#)\.? ?\w+)?"

_HAN_ADDRESS = re.compile(
    rf"[{_HAN}\dA-Za-z]{{0,20}}?[{_HAN}]{{1,10}}{_ROAD}[{_HAN}\d-]{{0,6}}?"
    rf"(?:{_NUMBER}{_DOOR})(?:[{_HAN}]{{0,6}}?{_NUMBER}{_DOOR}|[- ]?\d{{2,}})*"
    rf"|(?:{_NUMBER}(?:号楼|栋|幢|单元))+(?:\d{{2,4}}{_DOOR}?)?|\d{{2,4}}室"
)
_BEFORE_ADDRESS = re.compile(
    r".*(?:寄到|送到|发到|改到|换到|改成|改为|地址[是为:：]?|住在|我住|在|到|成|是|[:：])"
)

_RULES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), MASK),
    (
        re.compile(
            r"((?:微信|威信|wechat|weixin|\bqq|\bvx|\bwx)(?:号|id)?(?:是|is|[:： ])*)"
            r"[A-Za-z0-9][\w-]{4,}",
            re.I,
        ),
        rf"\g<1>{MASK}",
    ),
    (_HAN_ADDRESS, lambda found: _after_verb(found[0])),
    (
        re.compile(
            rf"\b\d+[a-z]?,? (?!{_TIME})(?:[a-z][\w'.]* ){{1,4}}?{_STREET}\b\.?{_UNIT}", re.I
        ),
        MASK,
    ),
    (re.compile(rf"\b\d+[A-Za-z]? (?:[A-Z][\w'.]* ){{1,4}}?{_PLACE}\b(?i:{_UNIT})"), MASK),
    (re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b"), MASK),
    (
        re.compile(
            r"((?:尾号|后四位|末四位|ending(?: in| with)?|last (?:4|four)(?: digits)?)"
            r"(?:是|为|is|are|[:： ])*)\d{3,4}",
            re.I,
        ),
        rf"\g<1>{MASK}",
    ),
    (re.compile(r"(?<![\w¥$€£])[A-Za-z]{1,6}-?\d{4,}[A-Za-z0-9-]*"), MASK),
    (re.compile(r"(?:\+|00)?\(?\d(?:[ ()-]{0,2}\d){5,}[Xx]?"), MASK),
    (re.compile(r"\d{5,}[Xx]?"), MASK),
    (
        re.compile(
            rf"((?:我叫|名字叫|名叫|(?:姓名|名字|收件人|收货人|联系人)(?:是|叫|为|[:：])+)\s*)"
            rf"(?!什么|错|写|了|过|你|您|他|她|客服|人)(?:{_SURNAME}[{_HAN}]{{1,2}}|[{_HAN}]{{2,3}}"
            r"|[A-Za-z]+(?: [A-Z][a-z]+)*)"
        ),
        rf"\g<1>{MASK}",
    ),
    (re.compile(rf"((?:我|免贵|本人)姓){_SURNAME}"), rf"\g<1>{MASK}"),
    (re.compile(rf"{_SURNAME}[{_HAN}]{{0,2}}?(先生|女士|小姐|太太)"), rf"{MASK}\g<1>"),
    (
        re.compile(
            r"\b((?i:my (?:full |first |last |sur)?name(?:'s|’s| is)|i am called|i'm called)\s+)"
            r"(?!(?i:wrong|not|missing|misspell\w*|misspelt|spel\w+|on|in|the)\b)"
            r"[^\W\d_][\w'’-]*(?: [A-Z][\w'’-]*){0,3}"
        ),
        rf"\g<1>{MASK}",
    ),
    (re.compile(r"\b((?:Mr|Mrs|Ms|Miss|Dr)\.? )[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)?"), rf"\g<1>{MASK}"),
)


def mask(text: str) -> str:
    """`text` without e-mail addresses, phone and order numbers, long digits, street addresses
    and the names that people give themselves, as far as patterns can tell."""
    for pattern, stand_in in _RULES:
        text = pattern.sub(stand_in, text)
    return re.sub(r"\*{3}(?:[\s,，]*\*{3})+", MASK, text)


def _after_verb(address: str) -> str:
    """The words before an address ("please send it to") stay."""
    before = _BEFORE_ADDRESS.match(address)
    kept = before[0] if before and before.end() < len(address) else ""
    return kept + MASK
