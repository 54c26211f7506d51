"""Who asks for a person gets one; who merely mentions people keeps the bot."""

import time

import pytest

from bot.core.text import normalise
from bot.dialogue.calling import asks_for_person

ASKS = """
转人工
转人工！！！
轉人工
转接人工客服
请帮我转人工客服，谢谢
人工
人工？
人工客服
客服
客服在吗
在线客服
真人客服
我要人工
我要找人工客服
我想要真人
找真人
叫你们经理来
找你们店长
我要找客服
换个人来
来个活人
能不能找个人跟我说话
叫人来处理
我想和真人说话
跟人工聊
有没有人工
有人工吗
不要机器人
不要机器人，我要真人
别让机器人回答我
你是机器人吧？我要人工
为什么还不转人工
都不是，转人工
我不要人工智能回复，我要真人
人工服务
转客服
需要人工帮忙
human
Human please!
a human please
I want to talk to a human
can I speak with a real person?
let me talk to someone
talk to a person
Talk to a person, please
I need an agent
agent
live agent
Live chat
representative!!
operator
customer service
get me your manager
get me a person
None of these, get me a person
connect me to an agent
transfer me to customer support
put me through to a representative
is there someone I can talk to?
Is there a human available?
can a human help me
human support please
I’d like a real human
I'd rather speak to a colleague
are you a bot? I want a human
I don't want to talk to a bot
stop talking to me like that, I need a person
no more bots
I need someone to talk to
escalate this to a supervisor
why can't I talk to a human
客服呢客服呢客服呢
give me ur manager
可以跟專人講話嗎
rengong
zhuan rengong
有冇人呀
搵人
唔該搵個真人同我傾
我要跟人说话
有没有活人
专人
转专人
""".strip().splitlines()

DOES_NOT = """
你是真人吗
您是人工客服吗
你是人工还是机器人
你们是机器人吗
这是真人还是机器人
你是不是机器人
是人工吗
人工智能
你是人工智能吗
我不要人工
不用转人工
别给我转人工
不需要人工了
不想找客服
人工费多少
要人工费吗
需要人工安装吗
有人工湖吗
人工客服几点上班
人工客服时间
客服电话是多少
刚才人工客服说可以退
我跟客服沟通过了
这是人工缝制的吗
可以换个人收货吗
送货的人态度很差
最近不如意，想找个人说说话
这件衣服真人穿好看吗
你好
are you human
Are you a real person?
r u a bot
are you a bot or a human?
is this a real person
Am I talking to a human or a bot?
I don't want a human
no human please
I do not need to speak to an agent
no need for an agent
the agent delivered it broken
delivery person was rude
the delivery person never came
is this wig real human hair
I spoke to an agent yesterday
a person at the post office signed for it
I need a person to sign for the parcel
how many people does the tent fit
can I personalise the gift
I need a personal shopper discount
the operator manual is missing
I want human hair extensions
can someone else pick it up
your staff packed it badly
do you support Apple Pay
where is my order
i dont want a person just tell me shipping cost
dont need an agent
i dont need to speak to a human
rengong zhineng
有没有人买过
专人配送吗
我想跟人说说话
""".strip().splitlines()


def test_tables_are_large_enough() -> None:
    assert len(set(ASKS)) >= 40
    assert len(set(DOES_NOT)) >= 25


@pytest.mark.parametrize("text", ASKS)
def test_asks_for_a_person(text: str) -> None:
    assert asks_for_person(normalise(text))


@pytest.mark.parametrize("text", DOES_NOT)
def test_does_not_ask_for_a_person(text: str) -> None:
    assert not asks_for_person(normalise(text))


@pytest.mark.parametrize("piece", ["不要", "a ", "real ", "是", "talk to ", "not ", "人工", "no "])
def test_the_longest_message_is_read_in_no_time(piece: str) -> None:
    text = normalise(piece * 1000)
    started = time.thread_time()
    asks_for_person(text)
    assert time.thread_time() - started < 0.1
