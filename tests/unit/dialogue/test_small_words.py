"""Anger, waiting, languages, choices by place and small words: what each skill hears."""

import time
from collections.abc import Callable

import pytest

from bot.core.text import normalise
from bot.dialogue.anger import is_angry, is_annoyed, is_teasing
from bot.dialogue.calling import asks_for_person
from bot.dialogue.leaving import lets_go
from bot.dialogue.order_text import misses_number
from bot.dialogue.places import chosen
from bot.dialogue.skills.acknowledge import is_acknowledgement
from bot.dialogue.skills.foreign import is_foreign
from bot.dialogue.skills.language import wished
from bot.dialogue.skills.miss import is_noise
from bot.dialogue.skills.opening import opens
from bot.dialogue.skills.person_in_charge import asks_for_wait, wants_bot
from bot.dialogue.tongue import tells_no_language


def words(table: str) -> list[str]:
    return [text for text in table.strip().replace("\n", "|").split("|") if text]


ANGRY = """
垃圾店|什么破店|你们就是骗子|坑人|太差了|我要投诉|投诉|12315见|我要曝光你们|给你们差评|差评！|我要起诉|找律师告你们|我报警了
退钱!!!|退錢！！！|你是傻逼吗|服务态度真差|垃圾質量|騙子|黑店|怎么投诉商品质量?|气死我了|再不退款我就打12315|赶紧退款|什么态度啊
worst shop ever|scam|this is a scam|you scammers|rip off|ripoff|what a rip-off|useless|terrible service|i'll sue
I’ll sue you|ill sue|my lawyer will contact you|chargeback|i will do a chargeback|trading standards
i'm leaving a bad review|I am furious|this is ridiculous|fuck you|you ripped me off|i want to make a complaint
"""
CALM = """
不投诉|取消投诉|垃圾桶有吗|垃圾袋多大|报警器怎么装|差评太多了是真的吗|质量差不多吗|破了一个洞|是骗子吗|律师袍有货吗|相机曝光度怎么调
滚筒洗衣机|给我妈妈的礼物|你好|怎么退货|我要退款|什么时候退钱|这个坑多大|快递没到|没用|答非所问|沙发多少钱|多大差价
is this site a scam|is this a scam or legit|where is my order|gift for my lawyer friend|can i return it|i want a refund
scampi|i love it|review my order|how do i leave a review|how do i dispute
"""
TEASING = """
笨|你好蠢|你真笨|真是笨蛋|智障|蠢货|破机器人|傻子|你怎么这么笨|机器人好笨|你好笨喔|白痴
stupid bot|you are stupid|you're so dumb|dumb bot|stupid|shut up
"""
NOT_TEASING = (
    "笨重吗|这个箱子笨重吗|傻瓜相机|你好|stupid question but where is my parcel|dumbbell|一样的吗"
)


@pytest.mark.parametrize("text", words(ANGRY))
def test_anger(text: str) -> None:
    assert is_angry(normalise(text))


@pytest.mark.parametrize("text", words(CALM) + words(TEASING) + words(NOT_TEASING))
def test_no_anger(text: str) -> None:
    assert not is_angry(normalise(text))


@pytest.mark.parametrize("text", words(TEASING))
def test_teasing(text: str) -> None:
    assert is_teasing(normalise(text))


@pytest.mark.parametrize("text", words(CALM) + words(NOT_TEASING))
def test_no_teasing(text: str) -> None:
    assert not is_teasing(normalise(text))


ANNOYED = "烦死了|烦|好烦啊|真的烦死我了|急死了|so annoying|this is frustrating!|i'm really annoyed"
NOT_ANNOYED = "烦死了 什么都不顺|麻烦你了|不麻烦|加急|急|今天好难过|心烦意乱|is it annoying to wash"
LET_GO = "算了|那算了|算了不查了|不用了谢谢|算了吧|不看了|当我没问|nvm|ok never mind|forget it!|no need, thanks"
NOT_LET_GO = (
    "不要了|算了帮我查下|退货不用了吗|谢谢|好的|不查了我要退货|never mind the colour, is it warm"
)
OPENING = "我想问|我想问一下|请问|请问一下，|就是那个|有个问题|我有个事想问一下|咨询一下|你好，请问|can i ask something?|quick question|hi, i have a question"
NOT_OPENING = "我想问怎么退货|请问多久到|问题很多|就是不好|那个到哪了|你好|questionable quality|can i ask for a refund"


@pytest.mark.parametrize(
    ("hears", "yes", "no"),
    [
        (is_annoyed, ANNOYED, NOT_ANNOYED),
        (lets_go, LET_GO, NOT_LET_GO),
        (opens, OPENING, NOT_OPENING),
    ],
)
def test_sighs_partings_and_openings(hears: Callable[[str], bool], yes: str, no: str) -> None:
    assert [text for text in words(yes) if not hears(normalise(text))] == []
    assert [text for text in words(no) if hears(normalise(text))] == []


BACK = """
不等了|不等了!|算了不等了|算了，不等了吧|不用了你先回答我|我不要人工了|不用人工了|你回来|机器人回来|退出|取消排队|不等了，謝謝
我不想等了|机器人你回来|还是问你吧|算了
nevermind|nvm|never mind|actually nvm|stop waiting|back to the bot|forget it|back|i don't want to wait anymore|take me back to the bot
"""
WAIT = """
还要等多久|還要等多久|前面还有几个人|有人吗|人呢|还要多久啊|还有多久|排到第几了|怎么没人理我|还没到我吗|客服呢|人工|我要转人工|找客服啊|can i speak to a human?|在吗
how long|how much longer|how long do i have to wait|anyone there|is anyone there?|still waiting|hello?|where is the agent
"""
NEITHER = """
订单XE10001|我的快递坏了|怎么退货|等多久能发货|好的|谢谢|取消订单|不要了退款吧|那件蓝色的有吗|多久发货
the parcel is broken|how long does shipping take|i want my money|thanks|cancel my order|hello
"""


@pytest.mark.parametrize("text", [one for one in words(BACK) if "謝" not in one])
def test_back_to_the_bot(text: str) -> None:
    assert wants_bot(normalise(text))
    assert not asks_for_wait(normalise(text))


@pytest.mark.parametrize("text", words(WAIT))
def test_asks_for_the_wait(text: str) -> None:
    assert asks_for_wait(normalise(text))
    assert not wants_bot(normalise(text))


@pytest.mark.parametrize("text", words(NEITHER))
def test_neither_back_nor_the_wait(text: str) -> None:
    assert not wants_bot(normalise(text))
    assert not asks_for_wait(normalise(text))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("can u reply in english", "english"),
        ("english please", "english"),
        ("English?", "english"),
        ("do you speak English?", "english"),
        ("please speak chinese", "chinese"),
        ("说中文可以吗", "中文"),
        ("請用中文", "中文"),
        ("能说英文吗", "英文"),
        ("你会说英语吗", "英语"),
        ("可以用繁體字嗎", "繁体字"),
        ("请讲普通话", "普通话"),
        ("do you sell english books", None),
        ("有英文说明书吗", None),
        ("中文书多少钱", None),
        ("an english breakfast tea please send it", None),
        ("你好", None),
    ],
)
def test_the_language_that_is_wished(text: str, name: str | None) -> None:
    assert wished(normalise(text)) == name


@pytest.mark.parametrize("text", ["XE10001", "xe 10001 8888", "8888", "XE10001, 8888"])
def test_a_number_tells_no_language(text: str) -> None:
    assert tells_no_language(normalise(text), is_known=False)


def test_words_of_every_language() -> None:
    assert tells_no_language("ok", is_known=True)
    assert tells_no_language("aaa", is_known=True)
    assert not tells_no_language("asdf", is_known=True)
    assert not tells_no_language("ok", is_known=False)
    assert not tells_no_language("ok where is it", is_known=True)
    assert not tells_no_language("好的", is_known=True)


OK = "好的|好|嗯|嗯嗯|知道了|明白了|哈哈|哈哈哈|好的好的|收到|好吧|行|ok|okay|OK!|k|got it|sure|lol|👍|👍🏻|ok 👌|好的呢~|了解|alright, thanks"
NOT_OK = "好的，怎么退货|好吗|好看吗|知道运费吗|ok where is it|sure about that?|你好|谢谢|!!!|?|😀|kids size|没收到|收到货了"


@pytest.mark.parametrize("text", [one for one in words(OK) if "thanks" not in one])
def test_acknowledgements(text: str) -> None:
    assert is_acknowledgement(normalise(text))


@pytest.mark.parametrize("text", words(NOT_OK))
def test_no_acknowledgements(text: str) -> None:
    assert not is_acknowledgement(normalise(text))


VALUES = ["faq:a", "faq:b", "faq:c", "person"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[(one, "faq:a") for one in words("1|第一个|一|第1个|选1|first one|the first|option 1|#1|one|首先") if one != "首先"],
        *[(one, "faq:b") for one in words("2|2.|第二个|第二個|二|两|the second|option 2|#2|second one|number 2|2）|选第二个")],
        *[(one, "faq:c") for one in words("最后一个|最後一個|last one|the last one|第三个|3|third")],
        *[(one, "person") for one in words("都不是|都不对|都不對|none of them|none of these|none|neither|4|第四个")],
        *[(one, None) for one in words("5|0|第二个包裹到哪了|一共多少钱|the second parcel|不对|oneplus|二手吗|first class")],
    ],
)  # fmt: skip
def test_a_choice_by_its_place(text: str, value: str | None) -> None:
    assert chosen(normalise(text), VALUES) == value


def test_no_choice_without_choices() -> None:
    assert chosen("1", []) is None
    assert chosen("都不是", ["order:1"]) is None


@pytest.mark.parametrize(
    "text",
    words("我没有单号|单号在哪看|忘了单号|where do i find it: the number|i don't have the number"),
)
def test_misses_the_number_when_asked(text: str) -> None:
    assert misses_number(normalise(text), asked=True)


@pytest.mark.parametrize(
    ("text", "missed"),
    [
        ("订单号在哪看", True),
        ("訂單號在哪裡看", True),
        ("我没有订单号", True),
        ("where do i find the order number", True),
        ("I don’t have an order number", True),
        ("快递单号在哪看", False),
        ("单号在哪看", False),
        ("where is my order number 10001", False),
        ("where is my order", False),
        ("where is my tracking number", False),
    ],
)
def test_misses_the_order_number_unasked(text: str, missed: bool) -> None:
    assert misses_number(normalise(text), asked=False) is missed


def _place(text: str) -> object:
    return chosen(text, VALUES)


def _lost(text: str) -> object:
    return misses_number(text, asked=True)


def _tongue(text: str) -> object:
    return tells_no_language(text, is_known=True)


HEARING = [
    is_angry, is_teasing, is_annoyed, wants_bot, asks_for_wait, wished, is_acknowledgement,
    lets_go, opens,
]  # fmt: skip
PIECES = [
    "好",
    "哦",
    "ha",
    "会",
    "可以",
    "这个",
    "是",
    "算了",
    "the ",
    "i'm ",
    "垃圾",
    "我",
    "客服",
    "so ",
    "1",
]


@pytest.mark.parametrize("hear", [*HEARING, _place, _lost, _tongue])
@pytest.mark.parametrize("piece", PIECES)
def test_long_input_costs_little(hear: Callable[[str], object], piece: str) -> None:
    texts = [normalise(piece * (100_000 // len(piece))), piece * 12 + "%", (piece * 60)[:59] + "%"]
    for text in [*texts, (piece * 40)[:23] + "%", (piece * 40)[:39] + "%"]:
        started = time.thread_time()
        hear(text)
        assert time.thread_time() - started < 0.1


CONTACT = """
请联系我 13900001111|联系我|麻烦联系一下我，电话13900001111|让客服联系我|给我回个电话|打电话给我
please contact me 13900001111|call me at 13900001111|can someone call me back please
"""
NO_CONTACT = """
快递员没联系我|送货前联系我吗|不要联系我|怎么联系你们|你们的联系电话是多少|13900001111|他们联系我说要退款
don't call me|how do i contact you|the courier called me
"""
FOREIGN = """
¿dónde está mi pedido?|bonjour|hola|Buenos días!|hallo, wo ist meine bestellung|où est ma commande
Привет, где мой заказ?|注文はどこですか|주문 어디예요
"""
OURS = """
where is my order|hello|wo de kuai di|我の快递|(´・ω・`)|Chanel est bien到了吗|thanks, merci|我的包裹到哪了|café au lait mug|hola是什么
"""
NOISE = "1|12|快|" + "a" * 1500 + "|哈喽哈喽哈喽哈喽哈喽|asdasdasdasdasd"
NO_NOISE = "8888|退货|天书一|help|no no no|hello hello"


def heard(*texts: str) -> list[str]:
    return [normalise(text) for text in texts]


def test_who_wants_to_be_called() -> None:
    assert [one for one in heard(*words(CONTACT)) if not asks_for_person(one)] == []
    assert [one for one in heard(*words(NO_CONTACT)) if asks_for_person(one)] == []


def test_other_languages() -> None:
    assert [one for one in heard(*words(FOREIGN)) if not is_foreign(one)] == []
    assert [one for one in heard(*words(OURS)) if is_foreign(one)] == []


def test_noise() -> None:
    assert [one for one in heard(*words(NOISE)) if not is_noise(one)] == []
    assert [one for one in heard(*words(NO_NOISE)) if is_noise(one)] == []


@pytest.mark.parametrize("text", ["stop", "STOP!", "/stop", "XE10001, phone 8888", "order no. 123"])
def test_commands_and_proofs_tell_no_language_of_their_own(text: str) -> None:
    assert tells_no_language(normalise(text), is_known=True)
    assert not tells_no_language(normalise(text), is_known=False)


def test_a_long_run_of_digits_and_words_is_read_at_once() -> None:
    started = time.process_time()
    tells_no_language("no1 phone 2 " * 4 + "?x", is_known=True)
    is_noise("abcabd" * 160)
    asks_for_person("请麻烦" * 19 + "x")
    assert time.process_time() - started < 1
