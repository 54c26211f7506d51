"""Hears anger, teasing and sighs in what customers write."""

import re

_HAN_ANGRY = (
    r"(?<!不)(?<!取消)(?<!撤销)投诉|12315|消协|消保|工商局|市场监管|曝光(?:你|出|给|到|他|这|$"
    r"|[!。])|(?:要|去|找|会).{0,6}曝光(?!度)"
    r"|起诉|律师(?![袍服证])|报警(?!器|灯|声|功能)|法院|法庭"
    r"|(?:给|打|写|要|留|等着|一堆|追加).{0,3}差评|^差评[!。~]*$"
    r"|垃圾(?:店|商家|平台|东西|产品|质量|服务|客服|公司|玩意|货|快递|卖家|网站|$|[!。])"
    r"|[真太好都]是?垃圾(?!桶|袋|箱)"
    r"|[破黑烂]店(?!铺)|骗子(?!.{0,3}[吗吧])|骗人|骗钱|坑人|坑钱|坑爹|太坑|欺骗|欺诈|霸王条款"
    r"|假货(?!吗|吧|怎|.{0,2}赔)"
    r"|太差(?:了|劲)|差劲|太烂|烂透|太过分|太离谱|态度.{0,3}(?:差|恶劣|烂)|服务.{0,3}(?:差|烂"
    r"|恶劣)|什么(?:态度|玩意|破)"
    r"|气死(?:我|人)|火大|受够了|忍无可忍|不要脸|无耻|没良心|再也不(?:来|买|会)"
    r"|(?:赶紧|快点?|马上|立刻|立即|必须)(?:给我)?退[钱款]|退我钱|还我钱|退[钱款]!{2,}"
    r"|傻[逼b比叉]|煞笔|沙雕|\bsb\b|他妈|尼玛|你妈的|妈的$|\b(?:tmd|nmd|cnm)\b|[操草]你|去死(?!皮)"
    r"|王八蛋|混蛋|狗屁|放屁"
    r"|给我滚|^滚[蛋开!]*$|滚蛋"
)
_AWFUL = (
    r"(?:terrible|awful|horrible|horrendous|appalling|disgusting|pathetic|disgraceful|dreadful"
    r"|shit(?:ty)?|crap(?:py)?|abysmal|shocking|atrocious)"
)
_ANGRY = (
    r"\bworst (?:\w+ )?(?:shop|store|service|company|experience|seller|website|support|ever)\b"
    r"|(?<!is this a )(?<!is it a )(?<!is that a )(?<!this site a )\bscam(?:mers?|med|ming)?\b"
    r"|\brip[- ]?off\b|\bripp?(?:ed|ing) (?:me |us |people )?off\b|\buseless\b"
    rf"|\b{_AWFUL} (?:customer )?(?:service|shop|store|company|quality|experience|support|seller)\b"
    r"|\b(?:this|that|it|you) ?(?:is|'s|are|'re)? (?:just |so |absolutely |completely |totally )*"
    r"(?:ridiculous|unacceptable|outrageous|disgusting|pathetic|a joke|bullshit)\b"
    r"|\bi(?:'ll|ll| will|'m gonna| am going to|'m going to| want to)? sue\b|\bsue (?:you|ur"
    r"|them)\b"
    r"|(?<!for )\b(?:my|a|our) (?:lawyer|solicitor|attorney)s?(?= *(?:$|[!.,]|will|would|is|to))"
    r"|\blegal action\b|\bsmall claims\b|\bsee you in court\b|\bcharge ?back\b"
    r"|\bdispute (?:the|this|my) (?:charge|payment)\b|\btrading standards\b"
    r"|\bbetter business bureau\b"
    r"|\bconsumer (?:protection|rights|affairs)\b|\breport(?:ing)? (?:you|this shop|this store)\b"
    r"|\b(?:bad|negative|one[- ]star|1[- ]star|terrible|horrible) reviews?\b"
    r"|\b(?:make|file|raise|lodge|submit|have) an? (?:formal |official )?complaint\b"
    r"|\b(?:want|like|going|need) to complain\b|\bcomplain about\b"
    r"|\b(?:furious|livid|pissed|outraged|fed up)\b|\bsick of (?:this|you|waiting|your)\b"
    r"|\bfuck|\bwtf\b|\bbullshit\b|\basshole|\bthie(?:f|ves)\b|\bcrooks?\b|\bliars?\b"
    r"|\bfraudsters?\b"
    r"|\bstole my\b|\bshame on you\b|\bgo to hell\b|\bscrew you\b|\bgive me my money\b"
    r"|\b(?:give me |i want )?(?:my )?money back ?(?:now|!)|\brefund (?:me )?(?:right )?now\b"
)
_MILD = re.compile(
    r"(?:你|您|这|这个|破|垃圾|真|太|好|怎么|这么|那么|机器人|店小二|得|跟|猪|像|一样|的|也|是|个"
    r"|啊|呀|了|吧|死|有点|[!。~,?])*"
    r"(?:笨|蠢|傻(?![逼b比叉])|智障|白痴|脑残|弱智|有病|垃圾机器人|破机器人|闭嘴|傻瓜|傻子|蠢货"
    r"|笨蛋)"
    r"(?:你|您|死|得|跟|猪|像|一样|机器人|东西|货|蛋|子|的|啊|呀|了|吧|透|哦|喔|[!。~,])*"
    r"|(?:you(?:'re| are|r)?|u r?|ur|what an?|such an?|so|this|is|really|very|a|an|the"
    r"|bad)?(?: (?:so|a|an|such"
    r"|really|very|are|is|the|this))*"
    r" ?(?:stupid|dumb|idiotic|silly|idiot|moron|rubbish|brainless)(?: (?:ro)?bot| machine| thing"
    r"| ai)?[!. ]*"
    r"|(?:shut up|(?:stupid|dumb|bad|idiot) (?:chat)?bot)[!. ]*"
)
_ANNOYED = re.compile(
    r"(?:真的?|好|太|有点|我|都|要|快|等得|[,。!~… ])*(?:烦(?:人|躁)?死?|急死|无语死?)(?:我|人)?"
    r"(?:了|啦|啊|呀|[,。!~… ])*"
    r"|(?:this|that|it|i|is|'s|'m|am|are|so|very|really|how|just|getting|[,.! ])*"
    r"(?:annoy(?:ing|ed)|frustrat(?:ing|ed)|irritat(?:ing|ed))[!. ]*"
)
_ANGRY_RE = re.compile(f"{_HAN_ANGRY}|{_ANGRY}")
_SHORT = 30


def is_angry(normalised: str) -> bool:
    """Whether a normalised message is full of anger, or threatens with a complaint."""
    return bool(_ANGRY_RE.search(normalised.replace("’", "'")))


def is_teasing(normalised: str) -> bool:
    """Whether the whole message is a mild insult at the bot."""
    plain = normalised.replace("’", "'")
    return len(plain) <= _SHORT and bool(_MILD.fullmatch(plain))


def is_annoyed(normalised: str) -> bool:
    """Whether a whole message is a sigh about us, rather than sadness or a complaint."""
    plain = normalised.replace("’", "'")
    return len(plain) <= _SHORT and bool(_ANNOYED.fullmatch(plain))
