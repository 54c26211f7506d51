"""A shop with several official accounts at the platform's double, over real HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.answering.index import Index
from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat_official import OfficialAccount
from tests.support.service import Service
from tests.support.wechat import OLD_KEY, SECRET, TOKEN, account, section

MENU = """
menu = [
  { name = "查订单", choice = "order" },
  { name = "服务", buttons = [
    { name = "找人工", choice = "person" }, { name = "商城", url = "https://shop.example" } ] },
]
templates = [
  { id = "T-news", data = { thing1 = "{text}", thing2 = "{shop}", time3 = "{time}" } },
]
"""
ONCE = """
templates = [{ id = "S-news", kind = "subscribe", data = { thing1 = "{text}" } }]
"""


@pytest.fixture(scope="session")
def wechat() -> Iterator[WeChatDouble]:
    with WeChatDouble().running() as double:
        yield double


@pytest.fixture(scope="session")
def service_account(wechat: WeChatDouble) -> OfficialAccount:
    """A verified service account: safe mode, customer messages, a menu, a template."""
    return account(wechat, 1, templates={"T-news": ("thing1", "thing2", "time3")})


@pytest.fixture(scope="session")
def compatible(wechat: WeChatDouble) -> OfficialAccount:
    """Customer messages, subscribe messages, compatible mode, and a key that was changed."""
    return account(wechat, 2, mode="compatible", templates={"S-news": ("thing1",)})


@pytest.fixture(scope="session")
def passive(wechat: WeChatDouble) -> OfficialAccount:
    """A subscription account: it can only reply. Safe mode."""
    return account(wechat, 3, service_messages=False)


@pytest.fixture(scope="session")
def plain(wechat: WeChatDouble) -> OfficialAccount:
    """The same in plain mode."""
    return account(wechat, 4, service_messages=False, mode="plain")


@pytest.fixture(scope="session")
def shop(
    wechat: WeChatDouble,
    service_account: OfficialAccount,
    compatible: OfficialAccount,
    passive: OfficialAccount,
    plain: OfficialAccount,
    tmp_path_factory: pytest.TempPathFactory,
    model_cache: Path,
    shipped: Index,
) -> Iterator[Service]:
    """One running service with all four."""
    running = Service(tmp_path_factory.mktemp("wechat"), model_cache)
    accounts = {
        "service": (service_account, MENU),
        "compatible": (compatible, f'previous_aes_key = "{OLD_KEY}"' + ONCE),
        "passive": (passive, ""),
        "plain": (plain, ""),
    }
    running.more_config = "".join(
        section(one, name, wechat.url, more) for name, (one, more) in accounts.items()
    )
    for name, (one, _) in accounts.items():
        one.callback_url = f"{running.url}/wechat/{name}"
    running.start()
    yield running
    assert running.stop() == 0
    for secret in (SECRET, TOKEN, "怎么退货", "access_token="):
        assert secret not in running.log
    assert not [call for call in wechat.calls if call.outcome in ("45015", "45047", "45002")]
    assert not service_account.bans
