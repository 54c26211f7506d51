"""Hears in a message what cannot wait: thoughts of suicide, dangerous goods, attempted fraud."""

import re
from typing import Literal

Alarm = Literal["crisis", "danger", "fraud"]
_LONGEST = 1000

_HAN_CRISIS = (
    r"不想(?:再)?活|活不下去|活够了|不如死|(?<![不没])想(?:要|去)?死(?![你您他她它我机磕守])"
    r"|死了算了|一死了之"
    r"|轻生|割腕|自残|自尽|自杀(?!小队|式)|寻短见|遗书|上吊(?!带|裤)|跳楼(?!价|甩|大|机|清)"
    r"|(?:结束|了结).{0,4}(?:生命|自己)|活着.{0,6}(?:没意思|没有意义|没什么意思|有什么意[思义])"
)
_CRISIS = (
    r"(?<!don't )(?<!dont )(?<!not )\b(?:wanna|want (?:to|2)|wish i (?:could|would)|gonna|going to)"
    r" (?:just )?(?:die(?! for)|be dead|end it all)\b"
    r"|\bwish i (?:was|were) dead\b|\bkill(?:ing)? my ?self\b|\bhang(?:ing)? my ?self\b"
    r"|\bend(?:ing)? my (?:own )?life\b|\bsuicid(?:e(?! squad)|al)\b|\bself[- ]harm"
    r"|\bcut(?:ting)? my wrists?\b|\bcutting my ?self\b|\bbetter off dead\b"
    r"|\b(?:don't|dont|do not|not) (?:want to|wanna) (?:live|be alive|exist)\b"
    r"|\b(?:no reason to live|nothing to live for|not worth living|life is not worth)\b"
)
_HAN_HAZARD = r"(?:漏电|触电|着火|起火|失火|自燃|冒烟|爆炸|烫伤|烧伤|灼伤|中毒|窒息)"
_HAN_NO_DANGER = (
    rf"(?:会不会|不会|不怕|怕|防止?|避免|以免|担心)(?:再|被)?{_HAN_HAZARD}"
    rf"|会{_HAN_HAZARD}[吗么嘛不]"
    r"|漏电(?:保护|开关)|着火点|爆炸(?:头|盐|糖|性|级|贴|好|物)|(?:电脑|手机|系统|硬盘)中毒"
    r"|(?:网点|快递车?|仓库|货车|中转站?|物流).{0,6}(?:着火|起火|失火)"
)
_HAN_DANGER = (
    rf"{_HAN_HAZARD}|被电[到了着击]|电[到着]我|冒火[星花]|烧起来|烧着了|烧焦|焦糊?味"
    r"|(?<![气态圈美帅笑酷看油肺飒])炸了(?!鸡|点|一?锅|些|薯)|炸开|炸伤|爆裂|烫到"
    r"|电池.{0,4}(?:鼓包|膨胀|漏液)|误[食吞服饮]|(?<!被)[吞咽](?:了|下|进)(?!.{0,5}(?:券|积分|钱|单|卡"
    r"|余额))"
    r"|休克|呼吸困难|[喘透]不[上过]气|昏迷|晕倒|抽搐"
    r"|过敏.{0,8}(?:住院|送医|急诊|喘|喉咙肿)"
)
_GOODS = (
    r"(?:charger|battery|plug|phone|kettle|adapt[eo]r|cable|cord|device|machine|laptop|heater"
    r"|fryer|oven|toaster|iron|dryer|blanket|appliance|lamp|scooter|it|they|this)"
)
_BODY = (
    r"(?:hands?|fingers?|arms?|legs?|skin|face|tongue|mouth|lips?|scalp|eyes?|foot|feet|kid|child"
    r"|son"
    r"|daughter|baby|table|carpet|floor|house|kitchen|sofa|bed)"
)
_SOMEONE = (
    r"(?:i|he|she|we|they|kid|child|son|daughter|baby|dog|cat|wife|husband|mom|mum|mother|dad"
    r"|father)"
)
_NO_DANGER = (
    r"\b(?:can|could|will|would|does|might) (?:it|this|they) .{0,20}(?:electric shock|caught fire)"
    r"|\btight.{0,20}can't breathe|\bfire sale\b"
)
_DANGER = (
    r"\b(?:caught|catch(?:es|ed)|catching|set) (?:on )?fire\b|\bburst into flames\b|\bin flames\b"
    rf"|\b(?:{_GOODS}s?|my \w{{1,20}}) (?:is|was|went|are|were|just went) on fire\b"
    r"|\b(?:it's|its) on fire\b"
    rf"|\b{_GOODS}s?(?: is| was| are| were|'s| started| starts| began| just| keeps){{0,3}}"
    r" smoking(?! hot| jacket| area| deal)"
    r"|\b(?:its|it's) smoking(?! hot| deal)|^smoking$"
    r"|\bsmoke (?:is |was |started )?(?:coming|came|pouring)\b|\bstarted to smoke\b"
    r"|\belectric(?:al)? shocks?\b|\belectrocut|\bgot (?:a )?shock(?:ed)? (?:from|by|when)"
    r"|\bshocked (?:me|my (?:kid|son|daughter|child)|him|her)(?! how| that| to)"
    r"|\b(?:gave|gives|giving) (?:me|him|her|us) an? (?:\w+ )?shock\b"
    r"|\bexplode[sd]\b|\b(?:is|was|just) exploding\b|\bblew up (?:in|while|when|on)\b"
    rf"|\bburn(?:ed|t|s|ing)? (?:me\b|myself|(?:my|his|her|our|the) {_BODY}\b)|\bscalded\b"
    r"|\bswallowed(?! (?:my|the|our) (?:card|money|coins?))|\bingested\b|\bpoison(?:ed|ing)\b"
    rf"|(?:^|\b{_SOMEONE} )(?:can'?t|cannot|can not) breathe\b"
    r"|\b(?:trouble|difficulty|struggling|problems) (?:to )?breath(?:e|ing)\b|\banaphyla"
    r"|\b(?:passed out|unconscious|is choking|choked on)\b|\bbattery (?:is )?(?:leak|swell|swollen"
    r"|bulg)"
)
_HAN_STRANGER = r"(?:短信|简讯|电话|来电|陌生|自称|冒充|有人|对方)"
_HAN_SAYS = r".{0,12}(?:说|让|叫|要|称|通知)"
_HAN_FRAUD = (
    rf"{_HAN_STRANGER}{_HAN_SAYS}.{{0,24}}(?:理赔|赔付|双倍赔|解冻|保证金|流水)"
    rf"|(?:{_HAN_STRANGER}|微信|qq|客服|卖家|快递员){_HAN_SAYS}.{{0,16}}"
    r"(?:转账|汇款|打钱|扫.{0,4}码|点.{0,4}(?:链接|连结|网址)|银行卡|共享屏幕|屏幕共享|(?:提供|告诉|报|发|给"
    r"|念).{0,6}验证码)"
    r"|[让叫要]我?.{0,8}(?:扫.{0,4}码|转账|转钱|打钱|汇款|(?:提供|告诉|报|发"
    r"|念)(?!.{0,2}了).{0,6}验证码)"
    r"|[让叫要]我?.{0,8}加.{0,8}(?:微信|qq|群|好友).{0,12}(?:退|赔|返|钱|解)"
    r"|(?:退款?|赔偿?|返钱).{0,8}[让叫要]我?.{0,4}加.{0,8}(?:微信|qq|群|好友)"
    r"|诈骗(?:电话|短信|信息)|(?:电话|短信|链接|二维码).{0,10}(?:真的吗|真的假的|是真是假|诈骗"
    r"|骗子|骗人)"
    r"|冒充你们|假客服|假冒.{0,4}客服|共享屏幕|屏幕共享"
)
_WANTED = (
    r"(?:card (?:number|details|info)|my card|cvv|otp|(?:verification|security|one[- ]time) code"
    r"|the code|password|pin\b|bank (?:details|account)|gift cards?|wire|transfer money"
    r"|scan .{0,8}qr|click|anydesk|teamviewer)"
)
_FRAUD = (
    r"\b(?:claim(?:s|ed|ing)?|pretend(?:s|ed|ing)?|posing|impersonat\w{1,4})"
    r" (?:to be|as|that they|they|to|from|it's|its)? ?(?:are |were |work )?"
    r"(?:from |with |for )?(?:you\b|your\b|u\b|ur\b|the (?:shop|store|courier)|customer)"
    r"|\b(?:someone|somebody|caller|called|call|text|texts|sms|email|message|man|woman"
    r"|guy)\b.{0,50}"
    rf"\b(?:wants?|ask(?:s|ed|ing)?|needs?|tell(?:s|ing)?|told)\b.{{0,30}}\b{_WANTED}"
    r"|\b(?:is|was) (?:this|that|the|it) .{0,20}\b(?:text|email|call|sms|message|link)\b.{0,20}"
    r"\b(?:scam|legit|real|fake|phishing|genuine)\b"
    r"|\bphishing\b|\b(?:scam|fake) (?:calls?|texts?|emails?|messages?|sms|courier"
    r"|customer service)\b"
)

_NO_DANGER_RE = re.compile(f"{_HAN_NO_DANGER}|{_NO_DANGER}")
_ALARMS: tuple[tuple[Alarm, re.Pattern[str]], ...] = (
    ("crisis", re.compile(f"{_HAN_CRISIS}|{_CRISIS}")),
    ("danger", re.compile(f"{_HAN_DANGER}|{_DANGER}")),
    ("fraud", re.compile(f"{_HAN_FRAUD}|{_FRAUD}")),
)


def alarm_in(normalised: str) -> Alarm | None:
    """The gravest alarm in a normalised message, None when there is none.

    Figures of speech (累死了, "dying to know") and questions before buying (会漏电吗) are none.
    """
    plain = normalised[:_LONGEST].replace("’", "'")
    calm = _NO_DANGER_RE.sub(" ~ ", plain)
    texts = {"crisis": plain, "danger": calm, "fraud": plain}
    return next((name for name, pattern in _ALARMS if pattern.search(texts[name])), None)
