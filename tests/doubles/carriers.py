"""快递100 and 17TRACK on this machine: they refuse what the platforms refuse, and push signed calls."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

from tests.doubles.serving import RESET, HttpServer, Reply, Request

CUSTOMER, KEY = "CUSTOMER-OF-THE-SHOP", "key-of-the-shop"
MOST_NUMBERS = 40
Call = tuple[bytes, dict[str, str]]
"""A call's body and headers."""


@dataclass
class Platform:
    """What both have: the parcels they know by number, what they were asked, and how they fail.

    `failing` are answered first, one for each request: a status, or 0 for a broken connection.
    """

    parcels: dict[str, dict[str, Any]] = field(default_factory=dict)
    watched: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, Any]] = field(default_factory=list)
    failing: list[int] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def handle(self, request: Request) -> Reply:
        if self.failing:
            status = self.failing.pop(0)
            return Reply(b"", status) if status else RESET
        return self.answer(request)

    def answer(self, request: Request) -> Reply:
        raise NotImplementedError


@dataclass
class Kuaidi100(Platform):
    """Queries signed with key and customer; subscriptions with the key in the parameter."""

    def answer(self, request: Request) -> Reply:
        if request.headers.get("content-type") != "application/x-www-form-urlencoded":
            return _says("400", "提交的数据不完整")
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        param = json.loads(form.get("param", "{}"))
        self.asked.append((request.path, param))
        if request.path == "/poll/query.do":
            return self._query(form, param)
        return self._subscribe(form, param) if request.path == "/poll" else Reply(b"", 404)

    def _query(self, form: dict[str, str], param: dict[str, Any]) -> Reply:
        sign = _md5(form.get("param", "") + KEY + CUSTOMER)
        if (form.get("customer"), form.get("sign")) != (CUSTOMER, sign):
            return _says("503", "验证签名失败")
        if not param.get("com"):
            return _says("400", "找不到对应公司")
        if param["com"] == "shunfeng" and not param.get("phone"):
            return _says("408", "快递公司参数异常：验证码错误")
        found = self.parcels.get(param.get("num", ""))
        return Reply.json(found) if found else _says("500", "查询无结果，请隔段时间再查")

    def _subscribe(self, form: dict[str, str], param: dict[str, Any]) -> Reply:
        parameters = param.get("parameters", {})
        if param.get("key") != KEY:
            return _says("600", "您不是合法的订阅者（即授权Key出错）")
        if not str(parameters.get("callbackurl", "")).startswith("http"):
            return _says("701", "订阅方的订阅数据存在错误（如回调地址不合法）")
        if not param.get("company") and parameters.get("autoCom") != "1":
            return _says("700", "订阅方的订阅数据存在错误（如不支持的快递公司）")
        if param["number"] in self.watched:
            return _says("501", "重复订阅")
        self.watched[param["number"]] = parameters
        return _says("200", "提交成功", result=True)

    def call(self, number: str, told: dict[str, Any]) -> Call:
        """The push about a number that was subscribed."""
        param = json.dumps(told, ensure_ascii=False)
        sign = _md5(param + self.watched[number]["salt"])
        body = urlencode({"sign": sign, "param": param}).encode()
        return body, {"content-type": "application/x-www-form-urlencoded"}


@dataclass
class Track17(Platform):
    """API v2.2: at most 40 numbers with the key in a header; asked only about what is registered."""

    def answer(self, request: Request) -> Reply:
        if request.headers.get("17token") != KEY:
            return _fails(-18010002, "Invalid security key.", status=401)
        numbers = json.loads(request.body)
        self.asked.append((request.path, numbers))
        if not isinstance(numbers, list) or not 0 < len(numbers) <= MOST_NUMBERS:
            return _fails(-18010014, "The request data limit is exceeded.", status=200)
        deeds = {"/track/v2.2/register": self._register, "/track/v2.2/gettrackinfo": self._tell}
        deed = deeds.get(request.path)
        if deed is None:
            return Reply(b"", 404)
        data: dict[str, list[Any]] = {"accepted": [], "rejected": []}
        for one in numbers:
            error, answer = deed(one)
            data["rejected" if error else "accepted"].append(
                {"number": one["number"], "error": {"code": error, "message": "no"}}
                if error
                else answer
            )
        return Reply.json({"code": 0, "data": data})

    def _register(self, one: dict[str, Any]) -> tuple[int, Any]:
        number = one["number"]
        if number in self.watched:
            return -18019901, None
        if len(number) < 5 or number.startswith("??"):
            return -18019903, None
        self.watched[number] = one
        return 0, {"origin": 1, "number": number, "carrier": one.get("carrier", 3011)}

    def _tell(self, one: dict[str, Any]) -> tuple[int, Any]:
        if one["number"] not in self.watched:
            return -18019902, None
        found = self.parcels.get(one["number"])
        return (0, found) if found else (-18019909, None)

    def call(self, told: dict[str, Any]) -> Call:
        """The webhook's call."""
        body = json.dumps(told).encode()
        sign = hashlib.sha256(body + b"/" + KEY.encode()).hexdigest()
        return body, {"content-type": "application/json", "sign": sign}


@contextmanager
def running(platform: Platform) -> Iterator[None]:
    """Serve while the context is open."""
    server = HttpServer(platform.handle)
    with server.running():
        platform.port = server.port
        yield


def _says(code: str, message: str, *, result: bool = False) -> Reply:
    return Reply.json({"result": result, "returnCode": code, "message": message})


def _fails(code: int, message: str, status: int) -> Reply:
    errors = {"errors": [{"code": code, "message": message}]}
    return Reply.json({"code": code if status == 401 else 0, "data": errors}, status)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()
