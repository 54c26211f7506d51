"""Customers of 微信客服, and a service that is their shop's."""

import secrets
import string
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat_app import Shown
from tests.doubles.wechat_kf import KfApp
from tests.support.listening import Listener
from tests.support.service import Service

CORP, KF_SECRET, TOKEN = "ww1234567890abcdef", "secret-of-the-kf-tests", "tokenOfTheKfTests"
AES_KEY = (string.ascii_letters + string.digits)[:43]
SHOP, OUTLET = "wkShopAAAA", "wkOutletBBBB"


@contextmanager
def served(**options: float) -> Iterator[tuple[WeChatDouble, KfApp]]:
    """A platform with a company that has two 客服帐号."""
    double = WeChatDouble(**options)
    accounts = {SHOP: "小二", OUTLET: "折扣店小二"}
    app = double.kf(CORP, KF_SECRET, TOKEN, AES_KEY, accounts=accounts)
    with double.running():
        yield double, app


def kf_config(double: WeChatDouble, *, outlet: bool = False) -> str:
    """A `[[wechat]]` section for each 客服帐号."""
    accounts = {"kf": SHOP, "outlet": OUTLET} if outlet else {"kf": SHOP}
    return "".join(
        f"""
    [[wechat]]
    name = "{name}"
    kind = "kf"
    app_id = "{CORP}"
    secret = "{KF_SECRET}"
    token = "{TOKEN}"
    aes_key = "{AES_KEY}"
    open_kfid = "{kfid}"
    api_base_url = "{double.url}"
    """
        for name, kfid in accounts.items()
    )


def callback(service: Service) -> str:
    """Where the platform is to call."""
    return f"{service.url}/wechat/kf"


@dataclass
class Person(Listener):
    """One customer with a chat."""

    app: KfApp
    id: str
    kfid: str = SHOP

    @classmethod
    def new(cls, app: KfApp, name: str = "微信用户", kfid: str = SHOP) -> "Person":
        """Somebody who was never here."""
        found = cls(app, "wm" + secrets.token_hex(8), kfid)
        app.names[found.id] = name
        return found

    @property
    def got(self) -> list[Shown]:
        """What they see."""
        return self.app.seen[self.id]

    def say(self, text: str) -> None:
        self.app.write(self.id, text, self.kfid)

    def press(self, label: str) -> None:
        self.app.press(self.id, label, self.kfid)
