"""The double of WeChat's servers keeps the platform's rules, so that tests against it mean something."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.doubles.serving import HttpServer, Reply, Request
from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat_crypto import BLOCK, Seal, fields, xml
from tests.doubles.wechat_kf import BOT, SERVICER, KfApp
from tests.doubles.wechat_official import UNAVAILABLE, OfficialAccount

KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
ANNA = "oAnna-0123456789"
HTTP = httpx.Client(verify=False)


class Shop:
    """Answers callbacks with whatever the test says."""

    def __init__(self) -> None:
        self.got: list[Request] = []
        self.says: Callable[[Request], Reply] = lambda _request: Reply(b"success")
        self.server = HttpServer(self._answer)

    async def _answer(self, request: Request) -> Reply:
        self.got.append(request)
        return self.says(request)


@pytest.fixture
def shop() -> Iterator[Shop]:
    found = Shop()
    with found.server.running():
        yield found


@pytest.fixture
def double() -> Iterator[WeChatDouble]:
    with WeChatDouble(second=0.05).running() as found:
        yield found


@pytest.fixture
def account(double: WeChatDouble, shop: Shop) -> OfficialAccount:
    url = f"http://127.0.0.1:{shop.server.port}/wechat/shop"
    return double.official("wx1", "s3cret", "the-token", KEY, callback_url=url)


@pytest.fixture
def kf(double: WeChatDouble, shop: Shop) -> KfApp:
    url = f"http://127.0.0.1:{shop.server.port}/wechat/kf"
    return double.kf("ww1", "k3cret", "t", KEY, callback_url=url, accounts={"wk1": "小二"})


def post(double: WeChatDouble, path: str, data: dict[str, Any], token: str = "") -> dict[str, Any]:
    url = f"{double.url}/cgi-bin/{path}"
    found: dict[str, Any] = HTTP.post(url, params={"access_token": token}, json=data).json()
    return found


def token_of(double: WeChatDouble, secret: str = "s3cret") -> str:
    wanted = {"grant_type": "client_credential", "appid": "wx1", "secret": secret}
    return str(post(double, "stable_token", wanted)["access_token"])


def say(double: WeChatDouble, token: str, text: str = "好") -> int:
    data = {"touser": ANNA, "msgtype": "text", "text": {"content": text}}
    body = HTTP.build_request("POST", "http://x", json=data).content  # UTF-8, not escaped
    url = f"{double.url}/cgi-bin/message/custom/send?access_token={token}"
    return int(HTTP.post(url, content=body).json()["errcode"])


def test_every_length_comes_back_and_another_app_is_refused() -> None:
    seal = Seal("t", KEY, "wx1")
    for length in range(BLOCK + 1):
        assert seal.decrypt(seal.encrypt(b"x" * length)) == b"x" * length
    with pytest.raises(Exception, match="another app"):
        Seal("t", KEY, "wx2").decrypt(seal.encrypt(b"x"))


def test_tokens_are_stable_until_somebody_rotates_them(
    double: WeChatDouble, account: OfficialAccount
) -> None:
    first = token_of(double)
    assert token_of(double) == first
    account.rotate()
    assert say(double, first) == 40001
    second = token_of(double)
    double.pass_time(7201)
    assert say(double, second) == 42001
    assert say(double, "") == 41001
    account.allowed_ips = frozenset()
    wanted = {"grant_type": "client_credential", "appid": "wx1", "secret": "s3cret"}
    assert post(double, "stable_token", wanted)["errcode"] == 40164
    assert post(double, "stable_token", {**wanted, "secret": "x"})["errcode"] == 40125


def test_windows_close_and_are_used_up(double: WeChatDouble, account: OfficialAccount) -> None:
    token = token_of(double)
    assert say(double, token) == 40003
    account.follow(ANNA).result()
    assert [say(double, token) for _ in range(4)] == [0, 0, 0, 45047]
    double.pass_time(61)
    assert say(double, token) == 45015
    account.write(ANNA, "在吗").result()
    assert [say(double, token) for _ in range(6)] == [0] * 5 + [45047]
    account.pay(ANNA)
    assert [say(double, token) for _ in range(9)] == [0] * 9
    assert say(double, token, "字" * 683) == 45002
    account.service_messages = False
    assert say(double, token) == 48001
    assert account.texts(ANNA) == ["好"] * 17


def test_a_callback_is_signed_sealed_and_repeated(account: OfficialAccount, shop: Shop) -> None:
    shop.says = lambda _request: Reply(b"", 500)
    posting = account.write(ANNA, "在吗 ]]> <b>").result()
    assert [one.status for one in posting.tries] == [500, 500, 500]
    assert account.texts(ANNA) == [UNAVAILABLE]
    numbers = set()
    for request in shop.got:
        query, body = request.query, fields(request.body)
        assert "Content" not in body
        signed = account.seal.signature(query["timestamp"], query["nonce"], body["Encrypt"])
        assert query["msg_signature"] == signed
        inner = fields(account.seal.decrypt(body["Encrypt"]))
        assert inner["Content"] == "在吗 ]]> <b>"
        numbers.add(inner["MsgId"])
    assert len(shop.got) == 3
    assert len(numbers) == 1


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_a_passive_reply_is_shown_and_nonsense_is_not(
    account: OfficialAccount, shop: Shop, mode: str
) -> None:
    account.mode = mode

    def reply(request: Request) -> Reply:
        values = {"ToUserName": ANNA, "FromUserName": account.name, "CreateTime": 1}
        inner = xml({**values, "MsgType": "text", "Content": "您好"})
        if mode != "safe":
            return Reply(inner)
        sealed = account.seal.encrypt(inner)
        signature = account.seal.signature("1", "n", sealed)
        return Reply(
            xml({"Encrypt": sealed, "MsgSignature": signature, "TimeStamp": 1, "Nonce": "n"})
        )

    shop.says = reply
    account.write(ANNA, "在吗").result()
    shop.says = lambda _request: Reply(b"<xml><Content>a ]]> & b</Content></xml>")
    account.write(ANNA, "在吗").result()
    assert account.texts(ANNA) == ["您好", UNAVAILABLE]


def test_marketing_in_a_template_is_a_ban(double: WeChatDouble, account: OfficialAccount) -> None:
    token = token_of(double)
    account.templates["T1"] = ("thing1",)
    account.follow(ANNA).result()

    def send(path: str, template: str, text: str) -> int:
        data = {"touser": ANNA, "template_id": template, "data": {"thing1": {"value": text}}}
        return int(post(double, path, data, token)["errcode"])

    assert send("message/template/send", "T0", "已发货") == 40037
    assert send("message/template/send", "T1", "已发货") == 0
    assert account.bans == []
    assert send("message/template/send", "T1", "限时优惠") == 0
    assert account.bans == ["thing1：限时优惠"]
    assert send("message/subscribe/bizsend", "T1", "已发货") == 43101
    account.authorise(ANNA, "T1").result()
    assert [send("message/subscribe/bizsend", "T1", "已发货") for _ in "12"] == [0, 43101]


@pytest.mark.parametrize("what", ["5xx", "reset before", "reset after", "busy", "slow"])
def test_faults_come_as_scripted(double: WeChatDouble, account: OfficialAccount, what: str) -> None:
    token = token_of(double)
    account.write(ANNA, "在吗").result()
    double.fail("message/custom/send", what)
    try:
        first: Any = say(double, token)
    except (httpx.HTTPError, ValueError) as error:
        first = type(error).__name__
    expected = {"5xx": "JSONDecodeError", "busy": -1, "slow": 0}.get(what, "ReadError")
    assert first == expected
    assert len(account.seen[ANNA]) == (1 if what in ("reset after", "slow") else 0)
    assert double.called("message/custom/send")[0].outcome == what
    assert say(double, token) == 0


def test_what_comes_escaped_is_shown_escaped(
    double: WeChatDouble, account: OfficialAccount
) -> None:
    account.write(ANNA, "在吗").result()
    body = b'{"touser":"%s","msgtype":"text","text":{"content":"\\u4f60"}}' % ANNA.encode()
    url = f"{double.url}/cgi-bin/message/custom/send?access_token={token_of(double)}"
    assert HTTP.post(url, content=body).json()["errcode"] == 0
    assert account.texts(ANNA) == ["\\u4f60"]


def kf_token(double: WeChatDouble) -> str:
    query = {"corpid": "ww1", "corpsecret": "k3cret"}
    return str(HTTP.get(f"{double.url}/cgi-bin/gettoken", params=query).json()["access_token"])


def test_the_log_is_read_page_by_page(double: WeChatDouble, kf: KfApp, shop: Shop) -> None:
    token, kf.page = kf_token(double), 2
    for text in "一二三":
        kf.write("wmA", text).result()
    word = fields(kf.seal.decrypt(fields(shop.got[-1].body)["Encrypt"]))["Token"]
    first = post(double, "kf/sync_msg", {"token": word}, token)
    assert first["has_more"] == 1
    again = {"token": word, "cursor": first["next_cursor"]}
    second = post(double, "kf/sync_msg", again, token)
    texts = [one["text"]["content"] for one in first["msg_list"] + second["msg_list"]]
    assert (texts, second["has_more"]) == (["一", "二", "三"], 0)
    double.pass_time(601)
    assert post(double, "kf/sync_msg", again, token)["errcode"] == 95007
    bare = [post(double, "kf/sync_msg", {}, token)["errcode"] for _ in range(11)]
    assert bare == [0] * 10 + [45009]
    double.pass_time(3 * 24 * 3600)
    assert post(double, "kf/sync_msg", {}, kf_token(double))["msg_list"] == []


def test_sessions_windows_and_keys(double: WeChatDouble, kf: KfApp) -> None:
    token = kf_token(double)

    def send(key: str, text: str = "您好") -> int:
        data = {"touser": "wmA", "open_kfid": "wk1", "msgid": key, "msgtype": "text"}
        found = post(double, "kf/send_msg", {**data, "text": {"content": text}}, token)
        return int(found["errcode"])

    def change(state: int) -> int:
        data = {"open_kfid": "wk1", "external_userid": "wmA", "service_state": state}
        return int(post(double, "kf/service_state/trans", data, token)["errcode"])

    assert send("k0") == 40096
    kf.write("wmA", "在吗").result()
    assert [change(BOT), change(BOT)] == [0, 95016]
    assert [send("k1"), send("k1"), send("k2"), send("k3"), send("k4"), send("k5"), send("k6")] == [
        0, 0, 0, 0, 0, 0, 95001
    ]  # fmt: skip
    kf.take("wmA", "lisi").result()
    assert send("k7") == 95018
    assert kf.sessions["wk1", "wmA"].state == SERVICER
    assert kf.texts("wmA") == ["您好"] * 5


def test_a_welcome_once_and_soon(double: WeChatDouble, kf: KfApp) -> None:
    token = kf_token(double)

    def welcome() -> int:
        code = kf.log[-1]["event"].get("welcome_code", "")
        data = {"code": code, "msgtype": "text", "text": {"content": "欢迎"}}
        return int(post(double, "kf/send_msg_on_event", data, token)["errcode"])

    kf.enter("wmA").result()
    assert [welcome(), welcome()] == [0, 40029]
    kf.enter("wmA").result()
    assert "welcome_code" not in kf.log[-1]["event"]
    kf.enter("wmB").result()
    double.pass_time(21)
    assert welcome() == 40029


def test_a_member_gets_thirty_in_a_minute(double: WeChatDouble) -> None:
    app = double.wecom("ww1", "a3cret", "t", KEY, agent_id=7, members={"lisi"})
    token = app.access_token()["access_token"]
    data = {"touser": "lisi", "agentid": 7, "msgtype": "text", "text": {"content": "新会话"}}
    assert [post(double, "message/send", data, token)["errcode"] for _ in range(31)] == [0] * 31
    assert (len(app.seen["lisi"]), len(app.dropped)) == (30, 1)
    assert post(double, "message/send", {**data, "touser": "x"}, token)["errcode"] == 81013
