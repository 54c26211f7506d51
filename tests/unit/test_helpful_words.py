"""What says that an answer did not help, and what does not."""

import pytest

from bot.core.text import normalise
from bot.dialogue.skills.helpful import says_no

NO = """
没用|没用啊|没帮到我|没解决|不是这个|不是这个意思|答非所问|说了等于没说|你没看懂|沒解決|不是這個意思|不对
that didn't help|this is not what i asked|not helpful|that's not my question|it doesn't help me|wrong answer
no, that's not what i meant|that isnt right|you misunderstood
"""
OTHER = """
优惠券没用完还能用吗|不对称的设计有吗|这个没用过可以退吗|没解决的订单怎么办|不是这个颜色的有吗
this is not the item i ordered|it does not turn on|that's not my size can i swap it|wrong item arrived|no
"""


@pytest.mark.parametrize("text", [t for line in NO.split("\n") for t in line.split("|") if t])
def test_no(text: str) -> None:
    assert says_no(normalise(text))


@pytest.mark.parametrize("text", [t for line in OTHER.split("\n") for t in line.split("|") if t])
def test_other(text: str) -> None:
    assert not says_no(normalise(text))
