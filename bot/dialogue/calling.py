"""Hears who asks for a human being, or to be called."""

import re

_SHORT = 60

_HAN_HUMAN = (
    r"(?:人工(?!费|智能|成本|合成|安装|草|湖|皮|革|宝石|水晶|钻|泪|呼吸|培育|养殖|种植|制|打磨|缝"
    r"|雕|染|审核"
    r"|检|挑|色素|香精|甜味|降)|真人|活人|专人(?!配送|送|上门|安装|取|签|专))"
)
_HAN_STAFF = r"(?:客服(?!电话|号码|时间)|经理|主管|店长|老板|负责人|领导|工作人员|专员)"
_HAN_ONE = r"(?:一?个|一?下|一?位|你们的?|到|给|至|在线|售后|点|的)*"
_HAN_ASKED = (
    rf"转接?{_HAN_ONE}(?:{_HAN_HUMAN}|{_HAN_STAFF})"
    rf"|(?:[找揾搵]|要|叫|换|来|呼叫|接|请|需要|想|有|有没有|给我|用){_HAN_ONE}{_HAN_HUMAN}"
    rf"|(?:找|要|叫|换|来|呼叫|接){_HAN_ONE}{_HAN_STAFF}"
    rf"|[和跟同与]{_HAN_ONE}(?:{_HAN_HUMAN}|{_HAN_STAFF})(?:说|聊|谈|沟通|讲|[倾傾]|对话|联系|通话"
    rf"|交流)(?!过|了)"
    r"|(?:人工|真人)(?:客服|服务|坐席|座席)"
    r"(?!.{0,3}(?:说|讲|告诉|答应|承诺|态度|几点|什么时候|时间|电话|号码|上班|下班|在哪))"
    r"|^(?:(?:人工|真人|活人|专人|客服(?:人员)?|在线客服|转接)"
    r"(?:在吗|在不在|呢|吧|啊|吗|[!?。~,]|谢谢|快| )*)+$"
    r"|^(?:有冇人|有没有人|有无人)(?:在|呀|啊|呢|吗|理|[!?。~])*$|[揾搵](?:个)?(?:真|活)?人"
    r"|(?:要|想|能|可以|让我)[和跟同](?:个|一个)?人(?:说|讲|聊|谈|沟通|对话|[倾傾])(?!说|过|了|笑)"
    r"|\b(?:zhuan ?)?ren ?gong\b(?! ?zhi ?neng)"
    r"|(?:换|找|叫|来|派|让)(?:一?个|一?位)(?:活|真)?人(?!家|员|的|.{0,2}[收签代取付名]|说说|聊)"
    r"|(?:叫|找)人(?:来|帮|处理|跟我|和我|接|说话)"
    r"|(?:不要|不想|别|不用)再?(?:让|用|给我|跟|和)?机器人"
)
_HAN_NOT = (
    r"(?:不要|不用|不想|别|不需要|无需|不必|没必要)再?(?:给我|帮我)?[转找要接叫和跟到]*(?:人工"
    r"|真人|客服)"
    r"|(?:(?:你们?|您|这|那|对面).{0,3}|^)(?:是|算)(?:不是)?.{0,4}?"
    r"(?:真人|人工|机器人|活人)(?:客服|服务)?(?:(?:还是|或者?)(?:真人|人工|机器人|ai))?"
    r"|人工智能"
)

_HUMAN = (
    r"(?:human(?! hair| size| growth| rights| error| made|-)(?: being)?|person(?!'s|al)|agent"
    r"|representative|rep|operator|adviser|advisor|manager|supervisor|customer (?:service|support))"
)
_SOMEBODY = (
    rf"(?:{_HUMAN}|someone|somebody|anyone|staff|team|colleague|support"
    r"|one of your (?:people|team))"
)
_REAL = (
    r"(?:(?:a|an|the|your|ur|some|any|another|actual|real|live|human|customer service|support"
    r"|service"
    r"|store|shop) ){0,4}"
)
_MACHINE = r"(?:(?:chat)?bots?|robots?|machines?|ai|computer)"
_ASKED = (
    rf"\b(?:speak|talk|chat) (?:to|with) {_REAL}{_SOMEBODY}\b"
    r"|\b(?:connect|transfer|put|switch|hand|pass|escalate|forward)(?: me| us| this| it)?"
    rf"(?: through| over)?(?: to| with) {_REAL}{_SOMEBODY}\b"
    r"|\b(?:want|need|get|give|bring|prefer|like|fetch|call|have)(?: me| us| in)?"
    rf" {_REAL}{_HUMAN}\b(?! to (?:sign|deliver|receive|pick)|\w)"
    rf"|\b(?:real|live|actual) {_HUMAN}\b|\blive chat\b"
    rf"|\b{_SOMEBODY} (?:there |here )?(?:that |who |whom )?(?:i|we) (?:can|could)"
    r" (?:talk|speak|chat)"
    rf"|\b{_SOMEBODY} to (?:talk|speak|chat) (?:to|with)\b"
    rf"|\bis there {_REAL}{_HUMAN} (?:here|there|available|online|around)"
    rf"|\b(?:can|could|will|would) {_REAL}{_HUMAN} (?:please )?(?:help|answer|look|take|call"
    r"|contact|assist|check|reply|respond|handle|step|join)\b"
    r"|\bhuman (?:agent|support|help|assistance|operator|representative|rep|service|advisor)\b"
    rf"|^(?:please |just |hi,? |hello,? )*{_REAL}(?:{_HUMAN}|support)(?: help| service| being)?"
    r"(?:,? ?(?:please|pls|plz|now|thanks|thank you))*[.!?]*$"
    rf"|\b(?:hate|tired of|stop|don'?t want to|rather not) (?:talk|talking|speak|speaking|chatting)"
    rf" (?:to|with) (?:a |an |the |this |your |stupid )*{_MACHINE}\b"
    r"|\bno (?:more )?(?:chat)?bots?\b|\bnot (?:a|the|this|your) (?:chat)?bot\b"
)
_NOT = (
    r"\b(?:(?:are|r) (?:you|u)|is (?:this|it|that)|am i (?:talking|speaking|chatting) (?:to|with))"
    rf" (?:not |really |actually |even )*{_REAL}(?:{_HUMAN}|{_MACHINE})"
    rf"(?: or (?:not|{_REAL}(?:{_HUMAN}|{_MACHINE})))?"
    r"|\b(?:don'?t|do not|no|not|never)(?: want| need)?(?: for)?(?: to)?"
    rf"(?: (?:talk|speak|chat) (?:to|with)| be transferred to)? {_REAL}{_HUMAN}\b"
)

_CONTACT = re.compile(
    r"(?:你们?|您|好|请|麻烦|让|叫|找|有?人|客服|负责人|老板|尽快|马上|赶紧|快点?|能|不能|可以|能否|帮我?"
    r"|给|[,。!~ ])*"
    r"(?:联系|联络)(?:一?下)?我(?:一?下)?(?:我的?)?(?:电话|手机|号码|号|是|微信|吧|吗|好|谢谢|可以"
    r"|[,。:!?~\d+ -])*"
    r"|(?:请|麻烦|让人?|能|可以|[,。!~ ])*(?:给我(?:打个?|回个?)|回个?|打个?)(?:我)?电话(?:给我)?"
    r"(?:我的?|电话|手机|号码|号|是|吧|吗|好|谢谢|[,。:!?~\d+ -])*"
    r"|(?:hi|hello|please|pls|plz|can|could|someone|somebody|you|have|to|just|[,. ])*"
    r"(?:contact|call|ring|phone|reach)(?: me)(?: back)?"
    r"(?:at|on|by|phone|asap|now|my|number|is|please|pls|thanks|thank you|[,.:!?\d+() -])*"
)
"""Who wants to be called, with or without a number."""
_PERSON = re.compile(f"{_HAN_ASKED}|{_ASKED}")
_NO_PERSON = re.compile(f"{_HAN_NOT}|{_NOT}")
"""Whether we are human, and that none is wanted: heard, and left out of what is asked for."""


def asks_for_person(normalised: str) -> bool:
    """Whether a normalised message asks for a human being."""
    plain = normalised.replace("’", "'")
    is_short = len(plain) <= _SHORT
    return bool(
        (is_short and _CONTACT.fullmatch(plain)) or _PERSON.search(_NO_PERSON.sub(" ~ ", plain))
    )
