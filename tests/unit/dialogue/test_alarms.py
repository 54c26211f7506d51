"""What cannot wait is heard; figures of speech are not taken for it."""

import time

import pytest

from bot.core.text import normalise
from bot.dialogue.alarms import alarm_in

ALARMS = {
    "crisis": """
不想活了|我真的活不下去了|想死|想自杀|我想轻生|割腕|不想活了，再见|想死的心都有了|活着没意思|我不如死了算了
不想活了你們別管我|想自殺|輕生|我想結束自己的生命|想去死
i wanna die|I want to die|kill myself|i'll kill myself|I’m going to kill myself|end my life|suicidal
i feel suicidal|thinking about suicide|i dont want to live anymore|I wish I was dead|better off dead
""",
    "danger": """
插座漏电|充电器漏電了|刚才触电了|我被电到了|手机充电着火了|電池起火|吹风机冒烟了|充电宝爆炸了|手机炸了|电池鼓包了
被热水壶烫伤了|孩子误食了磁珠|宝宝吞了一颗纽扣电池|吃了以后食物中毒|過敏性休克|用完面膜呼吸困难|插头烧焦了|一插电就冒火花
the charger caught fire|it is smoking|my charger is smoking|the plug started smoking|smoke came out of it
i got an electric shock|it gave me a shock|the battery exploded|it exploded|burnt my hand|i burned my fingers
it burnt my skin|my son swallowed a magnet|he swallowed it|i can't breathe|cannot breathe|anaphylactic shock|got shocked by it
""",
    "fraud": """
短信说我快递丢了要理赔|有人打电话说我的包裹丢了要理赔|让我扫码退款|要我转账|让我加微信退款|退款让我加个QQ群
客服让我提供验证码|簡訊說我的快遞丟了，要我點連結|对方叫我共享屏幕|这个短信是真的吗|接到自称客服的电话要我银行卡号|这是诈骗电话吗
someone called claiming to be you and wants my card|a man called pretending to be your shop
got a text asking for my card details|someone asked me for the verification code|is this text a scam|phishing
someone called and told me to buy gift cards|is the email i got from you legit
""",
}
NONE = """
笑死|累死了|急死我了|想死你们了|想死你啦|我不想死|跳楼价|死机了怎么办|快递慢死了|自杀小队的T恤有吗|上吊带裙|电影叫不想长大
dying to know|this delay is killing me|i'd die for that dress|dying for it to arrive|suicide squad shirt|i died laughing
killer deal|dead battery|drop dead gorgeous|my phone is dead
爆款|火了|炸鸡|这款最近很火|朋友圈炸了|气炸了|好看到炸裂|会漏电吗|会不会爆炸|防烫伤手套|漏电保护器|不会着火吧|怕中毒
我的优惠券被吞了|系统吞了我的积分|爆炸头假发|快递车着火了我的件呢|宝宝吃了都说好|电脑中毒了
smoking hot deal|smoking jacket|your sale is on fire|no smoking sign|is it fireproof|fire sale|atm swallowed my card
can it give you an electric shock|this fabric is breathable|so tight i can't breathe|burn after reading|i'm shocked by the price
你们客服说可以退款|退款什么时候到账|我打电话没人接|没收到短信验证码|客服说三天发货|收到短信说已签收|快递丢了要赔偿吗
怎么扫码付款|可以微信支付吗|加微信有优惠吗|验证码收不到|你好|怎么退货|包裹到哪了
i called yesterday about my refund|i emailed you my order number|do you accept gift cards|where do i enter the code
someone signed for my parcel|what card do you accept|my verification code never arrives
"""


def words(table: str) -> list[str]:
    return [text for text in table.replace("\n", "|").split("|") if text]


CASES = [(kind, text) for kind, table in ALARMS.items() for text in words(table)]


@pytest.mark.parametrize(("kind", "text"), CASES)
def test_an_alarm_is_heard(kind: str, text: str) -> None:
    assert alarm_in(normalise(text)) == kind


@pytest.mark.parametrize("text", words(NONE))
def test_no_alarm(text: str) -> None:
    assert alarm_in(normalise(text)) is None


EVIL = [
    "短信说",
    "让我",
    "someone called asked ",
    "it is ",
    "想",
    "claiming ",
    "a",
    "会漏电",
    "smoking ",
]


@pytest.mark.parametrize("piece", EVIL)
def test_long_input_costs_little(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    started = time.thread_time()
    alarm_in(text)
    assert time.thread_time() - started < 0.1
