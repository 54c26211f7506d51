"""What tells who somebody is does not leave the log; the question stays readable."""

import time

import pytest

from bot.answering.masking import mask


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("我的电话是13800008888，请回电", "我的电话是***，请回电"),
        ("call me on +44 20 7946 0958", "call me on ***"),
        ("mail me at ann.lee@example.com please", "mail me at *** please"),
        ("微信号 abc_12345 加我", "微信号 *** 加我"),
        ("订单 XE10001 到哪了", "订单 *** 到哪了"),
        ("my order XE-10001 is late", "my order *** is late"),
        ("身份证 11010519491231002X", "身份证 ***"),
        ("手机尾号8888", "手机尾号***"),
        ("phone ending in 8888", "phone ending in ***"),
        ("请寄到浙江省杭州市西湖区文三路123号5幢401室谢谢", "请寄到***谢谢"),
        ("地址改成上海市浦东新区张江镇祖冲之路2288弄3号楼1201", "地址改成***"),
        ("12栋1单元602 帮我补上", "*** 帮我补上"),
        ("send it to 12 Baker Street, flat 3 please", "send it to *** please"),
        ("to 4 Privet Drive, thanks", "to ***, thanks"),
        ("postcode SW1A 1AA", "postcode ***"),
        ("我叫李雷，我的快递呢", "我叫***，我的快递呢"),
        ("收件人：张三丰", "收件人：***"),
        ("免贵姓王", "免贵姓***"),
        ("王先生的订单", "***先生的订单"),
        ("my name is Ann Lee and I want a refund", "my name is *** and I want a refund"),
        ("this is Mrs Lee", "this is Mrs ***"),
    ],
)
def test_personal_data_is_masked(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "地铁2号线能到吗",
        "11月5号下单的什么时候到",
        "满1000减100吗",
        "9:00-21:00营业吗",
        "我叫了外卖",
        "请问先生能用吗",
        "姓名写错了怎么改",
        "3 days on the way",
        "my name is wrong on the parcel",
        "i need 2 of these for 3 people",
        "I paid 1299.50",
    ],
)
def test_what_is_no_personal_data_stays(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    "text", ["一路" * 2000, "1" * 4000, "路1号" * 1300, "a" * 4000, "1 a " * 1000]
)
def test_the_longest_message_is_masked_at_once(text: str) -> None:
    started = time.process_time()
    mask(text)
    assert time.process_time() - started < 2
