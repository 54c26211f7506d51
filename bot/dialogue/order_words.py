"""Hears what is wanted of an order: its way, haste, its contents, its end, the money back."""

import re

FOLLOW_UP = re.compile(
    r"到哪|在哪|走到|物流|快递|包裹|[没未](?:收)?到|[能会要可][以]?(?:送)?到"
    r"|时候[能会可]?[以]?(?:送)?[到来]|几时|几天|多久|催|快点|快些|抓紧|赶紧"
    r"|发货|发出|送到|派送|寄出|(?:什么|啥)情况|怎么回事|咋回事"
    r"|怎么还|还在|这么[慢久]|\d+天了|[一二两三四五六七八九十几]天了|到了[吗没么]|到没到|[送派]了[吗没么]|[没不]送[来到]|今天[能会可以]*[到送来]"
    r"|\b(?:where|parcel|package|track\w{0,5}|arriv\w{1,4}|deliver\w{0,3}|ship\w{0,4}|sent"
    r"|how long|hurry|come|coming|here yet|eta|when|late|slow|still"
    r"|today|tomorrow|tmrw|tonight|what happened|what(?:'s| is) going on)\b"
)
FACTS_ONLY = re.compile(
    r"(?:几点|啥点|什么点)钟?[能会可以]*(?:[送派来]|到(?!店|几|你们|关|下))"
    r"|\bwhat (?:time|hour)\b(?!.*\b(?:open|close|you|u|shop|store)\b)"
    r"|^(?:是|请问)?(?:谁|哪家|什么快递|哪个快递|哪家快递)(?:公司)?(?:在|给我|来)?[送派][的货]?[啊呀呢?]*$"
    r"|^(?:是)?(?:哪家|什么|哪个)快递(?:公司)?[啊呀呢?]*$"
    r"|^(?:which|what|whos the|who's the|who is the) (?:courier|carrier|delivery company)[? ]*$"
    r"|^who(?:'?s| is)? (?:deliver\w*|bring\w*)(?: it| this)?[? ]*$"
)
"""At what hour it comes, and who brings it, which only the parcel's own facts can tell."""
BOUGHT = re.compile(
    r"买(?:了|的|过)(?:些|的|是)*(?:啥|什么|哪)|订单(?:里|内容|有什么)|有哪些(?:东西|商品)|多少钱"
    r"|what(?: else)?(?: did| have)? (?:i|we) (?:buy|order|bought|purchase)|what(?:'s"
    r"| is) in (?:it|my order)"
)
HURRY = re.compile(
    r"催|快点|[还都].{0,3}[没不](?:收)?到|怎么.{0,4}不到|太慢|\bhurry|\bspeed\b|\bfaster\b"
    r"|\bstill (?:not|no|haven'?t|hasn'?t|waiting)\b|\bso (?:slow|late)\b"
)
MISSING = re.compile(
    r"[没未](?:有)?[收拿取领见送]?到|[没不]见(?:着|东西|货|包裹|快递)"
    r"|\b(?:did ?n'?t|did not|never|have ?n'?t|have not|has ?n'?t|not)(?: yet| even| actually)?"
    r" (?:g[eo]t|gotten|rec(?:ei|ie|e)ve\w?|arrived?|come|came|here|there)\b"
    r"|\b(?:don'?t|do not) have (?:it|my|the|anything)\b|\bnothing (?:here|came|arrived)\b"
)
"""That something which was delivered is not there."""
CANCELS = re.compile(
    r"取消(?!排队|订阅|关注|收藏|预约|优惠|自动|会员|人工|通知|授权|了|的)"
    r"|(?<!先)(?<!暂时)(?:别|不要|不用)(?:给我|帮我)?发货"
    r"|\bstop (?:my |the |this )?order\b"
    r"|\b(?:do not|don'?t) (?:send|ship) (?:it|my order|the order)\b"
    r"|\bcancel\b(?!(?: my| the)? (?:membership|subscription|account|policy|queue|appointment))"
)
UNWANTED = re.compile(
    r"(?:我|那|就|这[个单件]?|订单|东西|都|全部?|算了|现在|[,。!~ ])*"
    r"不(?:想)?[要买]了[吧啊呀啦!。~ ]*"
    r"|(?:i )?(?:don'?t|do not|no longer) (?:want|need) (?:it|this|them|my order|the order)"
    r"(?: any ?more)?[!. ]*"
)
_REFUND = re.compile(r"退款|退钱|退我钱|\brefund|\bmoney back\b")
_ABOUT_TIME = re.compile(r"几天|多久|时候|几时|多长|到账|\bwhen\b|\bhow (?:long|many|soon)\b")
_WISH = re.compile(
    r"(?:我|就|只|现在|还是|那|给我|帮我|请|马上|直接)(?:想|要|得)?(?:要|求|申请|办理?)?"
    r"退(?:款|钱|我钱)(?!吗|么|的|到)"
    r"|^(?:想|要)?(?:要|申请)?退(?:款|钱)[吧了啊!。~ ]*$"
    r"|\b(?:want|need|like|demand|give me|get|request)"
    r" (?:a|my|the|an? (?:full|immediate)) (?:full )?(?:refund|money back)"
    r"|^(?:please |pls )?refund(?: (?:me|it|this|my order))?(?: please| pls| now)?[!. ]*$"
)


def is_of_refund(normalised: str) -> bool:
    """Whether a normalised message is about a refund."""
    return bool(_REFUND.search(normalised))


def names_refund(normalised: str) -> bool:
    """Whether it names a refund, and not to ask how long that takes: beside an order, a wish."""
    return is_of_refund(normalised) and not _ABOUT_TIME.search(normalised)


def wishes_refund(normalised: str) -> bool:
    """Whether it wants one, said by itself."""
    return bool(_WISH.search(normalised)) and names_refund(normalised)
