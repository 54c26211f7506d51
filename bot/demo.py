"""The demo shop: invented customers, orders and parcels, one agent, nothing to set up."""

import json
import sys
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlmodel import Session

from bot import app
from bot.config import EXAMPLE, Config, load, validate
from bot.core.clock import now
from bot.core.ids import password, token
from bot.desk import accounts
from bot.logistics.parcels import Step, apply_step
from bot.logistics.status import Status
from bot.serve import serve
from bot.shop.events import (
    Item,
    OrderData,
    OrderEvent,
    OrderType,
    Person,
    Place,
    ProductData,
    ProductEvent,
)
from bot.shop.orders import apply_order
from bot.shop.products import apply_product
from storage.models.agents import agent_by_login
from storage.models.orders import order_by_number
from storage.models.products import product_by_sku

_LIN = Person(id="demo-lin", name="林小满", phone="13800008888", language="zh")
_CHEN = Person(id="demo-chen", name="陈知远", phone="13900006666", language="zh")

_SCARF = Item(sku="SCARF-01", name="羊毛围巾", quantity=1, price=Decimal("159.00"))
_GLOVES = Item(sku="GLOVES-02", name="针织手套", quantity=2, price=Decimal("39.50"))
_MUG = Item(sku="MUG-03", name="手工马克杯", quantity=1, price=Decimal("68.00"))
_TEA = Item(sku="TEA-04", name="茉莉花茶", quantity=1, price=Decimal("45.00"))

_PRODUCTS: tuple[tuple[Item, int, dict[str, Any]], ...] = (
    (_SCARF, 12, {
        "aliases": "wool scarf", "材质": "100% 美利奴羊毛 (100% merino wool)",
        "洗护说明": "30°C 以下手洗，平铺晾干 (hand wash below 30 °C, dry flat)",
        "尺码": "30 × 180 cm", "产地": "内蒙古 (Inner Mongolia)",
    }),
    (_GLOVES, 3, {
        "aliases": "knitted gloves", "材质": "70% 羊毛，30% 腈纶 (70% wool, 30% acrylic)",
        "尺码": {"S": "17 cm", "M": "19 cm", "L": "21 cm"},
    }),
    (_MUG, 8, {
        "aliases": "handmade mug, 杯子", "材质": "高温白瓷 (porcelain)", "容量": "350 ml",
        "洗护说明": "可用洗碗机和微波炉 (dishwasher and microwave safe)",
    }),
    (_TEA, 0, {
        "aliases": "jasmine tea, 茶叶", "成分": "绿茶、茉莉花 (green tea, jasmine flowers)",
        "保质期": "18 个月 (18 months)", "产地": "福州 (Fuzhou)",
    }),
)  # fmt: skip
"""What the demo shop sells: how many are left, and further facts."""

_WAY = (
    (46, Status.COLLECTED, "广州", "广州白云网点已揽收"),
    (38, Status.IN_TRANSIT, "广州", "快件已从广州转运中心发出"),
    (20, Status.IN_TRANSIT, "长沙", "快件到达长沙转运中心"),
    (5, Status.IN_TRANSIT, "武汉", "快件离开武汉转运中心，正发往杭州"),
)
"""Hours ago, status, place, and the carrier's words."""


LOGIN = "demo"


@dataclass(frozen=True, slots=True)
class Keys:
    """The demo's secrets, made once and kept beside its data."""

    password: str
    api_key: str


def run(folder: Path, port: int) -> None:
    """Serve the demo shop on 127.0.0.1, its data in `folder`. Starting again keeps the data."""
    keys = _keys(folder)
    config = _config(folder, port, keys)

    def prepare(service: app.Service) -> None:
        service.db.run(fill)
        service.db.run(_first_agent, keys.password)

    def welcome() -> None:
        sys.stdout.write(_welcome(config, keys))
        sys.stdout.flush()

    sys.stderr.write("小二正在准备，首次启动约需半分钟… / Getting ready, half a minute at first…\n")
    serve(config, pretty=sys.stderr.isatty(), on_ready=welcome, prepare=prepare)


def _keys(folder: Path) -> Keys:
    path = folder / "keys.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(Keys(password(), token()))), encoding="utf-8")
    return Keys(**json.loads(path.read_text(encoding="utf-8")))


def _config(folder: Path, port: int, keys: Keys) -> Config:
    url = f"http://127.0.0.1:{port}"
    return validate(
        {
            "shop": load(EXAMPLE).shop.model_dump(),
            "database": {"url": f"sqlite:///{(folder / 'xiaoer.db').resolve()}"},
            "web": {"port": port, "public_url": url},
            "care": {"quiet_hours": ""},  # whoever tries it at night wants to see it, too
            "api_keys": [{"name": "demo", "key": keys.api_key, "scopes": ["events", "desk"]}],
        },
        "demo",
    )


def _first_agent(session: Session, secret: str) -> None:
    if agent_by_login(session, LOGIN) is None:
        accounts.create_agent(session, LOGIN, "小满 Mandy", secret)


def _welcome(config: Config, keys: Keys) -> str:
    url = config.web.public_url
    return f"""
店小二已开门。 Xiaoer is open.

chat: {url}/chat
desk: {url}/desk  login: {LOGIN}  password: {keys.password}
api key: {keys.api_key}

三件事，试试看 / three things to try:
1. 在聊天页问“怎么退货”，或者 “how long does shipping take”。 / Ask that on the chat page.
2. 问“我的快递到哪了”，再回复“XE10001 8888”。 / Ask "where is my parcel", then send "XE10001 8888".
3. 说“转人工”，然后在工作台接待自己。 / Say "a human please", then answer yourself at the desk.

Ctrl-C 停止 / to stop
"""


def fill(session: Session) -> None:
    """Fill an empty installation; what is already there stays as it is.

    XE10001 (phone ending 8888) is on its way to Hangzhou, XE10002 (6666) is somebody else's,
    XE10003 of the first customer is paid and not yet sent.
    """
    present = now()
    if product_by_sku(session, str(_SCARF.sku)) is None:
        _sell(session, present)
    if order_by_number(session, "XE10001") is None:
        _scarf_on_its_way(session, present)
    if order_by_number(session, "XE10002") is None:
        data = _order("XE10002", _CHEN, [_MUG], "北京")
        _tell(session, "order.paid", data, present - timedelta(hours=60))
        sent = data.model_copy(update={"carrier": "中通快递", "tracking_number": "ZT7700010002"})
        _tell(session, "order.shipped", sent, present - timedelta(hours=30))
    if order_by_number(session, "XE10003") is None:
        data = _order("XE10003", _LIN, [_MUG], "杭州")
        _tell(session, "order.paid", data, present - timedelta(hours=3))


def _sell(session: Session, present: datetime) -> None:
    for item, stock, facts in reversed(_PRODUCTS):  # the first is shown first
        data = ProductData(
            sku=item.sku, name=item.name, price=item.price, currency="CNY", stock=stock,
            attributes=facts,
        )  # fmt: skip
        event = ProductEvent(
            id=f"demo-{item.sku}", type="product.updated", occurred_at=present, data=data
        )
        apply_product(session, event)


def _scarf_on_its_way(session: Session, present: datetime) -> None:
    data = _order("XE10001", _LIN, [_SCARF, _GLOVES], "杭州")
    _tell(session, "order.paid", data, present - timedelta(hours=55))
    sent = data.model_copy(update={"carrier": "顺丰速运", "tracking_number": "SF8800010001"})
    _tell(session, "order.shipped", sent, present - timedelta(hours=47))
    for hours, status, place, text in _WAY:
        at = present - timedelta(hours=hours)
        number = sent.tracking_number
        apply_step(session, Step(status, at, tracking_number=number, text=text, place=place))


def _order(number: str, person: Person, items: list[Item], city: str) -> OrderData:
    amount = sum((item.quantity * (item.price or Decimal(0)) for item in items), Decimal(0))
    return OrderData(
        order_id=number,
        customer=person,
        items=items,
        amount=amount,
        currency="CNY",
        address=Place(city=city, country="CN"),
    )


def _tell(session: Session, kind: OrderType, data: OrderData, at: datetime) -> None:
    event = OrderEvent(id=f"demo-{kind}-{data.order_id}", type=kind, occurred_at=at, data=data)
    apply_order(session, event)
