"""A small FAQ in both languages, fitted once for all tests that only read it."""

from pathlib import Path

import pytest

from bot.answering.index import Index
from bot.answering.load import load

ZH = """\
- id: return_how
  title: 怎么退货
  questions: [怎么退货, 我要退货, 东西不想要了可以退吗, 退货流程是什么, 如何申请退货]
  answer: 请在 {{ shop.return_days }} 天内申请。
  person: offer
  related: [shipping_time]

- id: shipping_time
  title: 多久能到
  questions: [下单后多久能收到, 快递几天到, 发货后多久送达, 什么时候能送到, 快递要几天]
  answer: 一般两三天。

- id: opening_hours
  title: 营业时间
  questions: [你们几点营业, 营业时间是什么时候, 周末开门吗, 几点关门]
  answer: 每天九点到九点。
"""
EN = """\
- id: return_how
  title: How to return something
  questions:
    - how do i return an item
    - i want to send this back
    - can i return my order
    - return process please
  answer: Ask within {{ shop.return_days }} days.
  needs: order

- id: shipping_time
  title: How long delivery takes
  questions: [how long does delivery take, when will my order arrive, how many days for shipping]
  answer: Two or three days.

- id: gift_card
  title: Gift cards
  questions: [do you sell gift cards, can i buy a gift card, gift voucher for a friend]
  answer: Yes, we do.
"""


def write_faq(folder: Path, zh: str = ZH, en: str = EN) -> Path:
    """Writes both languages' files into `folder` and gives it back."""
    for language, text in (("zh", zh), ("en", en)):
        (folder / language).mkdir(parents=True, exist_ok=True)
        (folder / language / "shop.yaml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return Index.build(load(write_faq(tmp_path_factory.mktemp("faq"))))
