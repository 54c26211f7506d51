"""快递100: asked about each parcel (实时查询), or told to push what is new (订阅推送).

api.kuaidi100.com/document/5f0ffb5ebc8da837cbd8aefc (query), …/5f0ffa8f2977d50a94e1023c (push).
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qs

from pydantic import Field, model_validator

from bot.logistics.carrier import (
    CHINA,
    AccountRefused,
    Answers,
    Carrier,
    CarrierSettings,
    Refused,
    Told,
    Unreadable,
    Wanted,
    clean,
    moment,
    number_of,
    objects,
    step,
)
from bot.logistics.parcels import Step
from bot.logistics.posting import CarrierUnreachable, Client
from bot.logistics.status import Status

KIND = "kuaidi100"
_C, _T, _A, _O = Status.COLLECTED, Status.IN_TRANSIT, Status.ARRIVED_CITY, Status.OUT_FOR_DELIVERY
_E, _R, _D = Status.EXCEPTION, Status.RETURNING, Status.DELIVERED
STATES: Mapping[str, Status | None] = {
    "0": _T, "1001": _A, "1002": _T, "1003": _T,
    "1": _C, "101": None, "102": None, "103": _C,
    "2": _E, "3": _D, "4": _R, "401": _E, "5": _O, "501": _O, "6": _R, "7": _T,
    "8": _T, "10": _T, "11": _T, "12": _T, "13": _E, "14": _E,
}  # fmt: skip
"""The platform's states; None before the carrier has the parcel. Others of three digits are kinds
of the state that is their first digit: 2xx of a problem, 3xx of a delivery."""
NAMES: Mapping[str, Status | None] = {
    "在途": _T, "干线": _T, "转递": _T, "转投": _T, "转单": _T, "到达派件城市": _A, "揽收": _C,
    "已揽收": _C, "已下单": None, "待揽收": None, "派件": _O, "投柜或驿站": _O, "签收": _D,
    "本人签收": _D, "派件异常后签收": _D, "代签": _D, "投柜或站签收": _D, "退签": _R, "退回": _R,
    "已销单": _E, "疑难": _E, "拒签": _E, "清关": _T, "待清关": _T, "清关中": _T, "已清关": _T,
    "清关异常": _E, "超时未签收": _E, "超时未更新": _E, "拒收": _E, "派件异常": _E,
    "柜或驿站超时未取": _E, "无法联系": _E, "超区": _E, "滞留": _E, "破损": _E, "销单": _E,
}  # fmt: skip
"""How the same states are called in a step."""
CODES = {
    "sf": "shunfeng", "yto": "yuantong", "zto": "zhongtong", "sto": "shentong", "yunda": "yunda",
    "jtexpress": "jtexpress", "jd": "jd", "ems": "ems", "chinapost": "youzhengguonei",
    "deppon": "debangkuaidi", "cainiao": "danniao", "zjs": "zhaijisong", "dhl": "dhl",
    "ups": "ups", "fedex": "fedex", "usps": "usps",
}  # fmt: skip
_PHONE_NEEDED = {"shunfeng", "shunfengkuaiyun", "zhongtong"}
"""Carriers that answer only to who knows the end of the phone number."""
_ACCOUNT = {"503", "600", "601"}
"""Wrong signature, no right to this, key expired or no money."""
_BUSY = {"501", "502"}
_NEVER = {"400", "408", "700", "701", "702"}
"""Unknown carrier, wrong phone, not supported, wrong data."""
_TWICE = "501"
"""Of a subscription: the platform watches this number already."""


class Settings(CarrierSettings):
    """`customer` and `key` of the account; `salt` is made up by the shop and signs the pushes."""

    kind: Literal["kuaidi100"]
    customer: str = Field(default="", repr=False)
    key: str = Field(min_length=4, repr=False)
    salt: str = Field(default="", repr=False)

    @model_validator(mode="after")
    def _has_what_its_mode_needs(self) -> "Settings":
        if self.mode == "query" and not self.customer:
            raise ValueError(
                'mode = "query" needs customer, from the page of your account / '
                "实时查询需要填 customer（在企业管理后台的“我的信息”里）"
            )
        if self.mode == "push" and len(self.salt) < 8:
            raise ValueError(
                'mode = "push" needs salt, a random text of your own of at least 8 characters: '
                "without it anybody could move your customers' parcels / "
                "订阅推送需要填 salt：自己编一段随机字符（至少 8 位），否则任何人都能冒充推送"
            )
        return self


class Account(Carrier):
    """One enterprise account."""

    server = "https://poll.kuaidi100.com"
    thanks: ClassVar[Mapping[str, Any]] = {"result": True, "returnCode": "200", "message": "成功"}

    def __init__(self, settings: Settings, hook: str = "") -> None:
        super().__init__(settings, hook)
        self._settings = settings

    def known_codes(self) -> Mapping[str, str]:
        return CODES

    def serves(self, wanted: Wanted) -> bool:
        """Pushes need no code: the platform finds out whose a number is."""
        return self.pushes or super().serves(wanted)

    def is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """`sign` is the MD5 of `param` and the salt, in capitals."""
        form = _form(body)
        wanted = _md5(form.get("param", "") + self._settings.salt)
        given = form.get("sign", "").upper().encode()
        return self.pushes and hmac.compare_digest(wanted.encode(), given)

    def read(self, body: bytes) -> list[Told]:
        try:
            told = json.loads(_form(body).get("param", ""))
        except (ValueError, RecursionError) as error:
            raise Unreadable("param 不是 JSON", "param is no JSON") from error
        last = told.get("lastResult") if isinstance(told, dict) else None
        if not isinstance(last, dict):
            raise Unreadable("没有 lastResult", "there is no lastResult")
        number = number_of(last.get("nu"))
        abroad = told.get("destResult")
        steps = read_steps(number, last)
        steps += read_steps(number, abroad) if isinstance(abroad, dict) else ()
        return [Told(number, steps, again=told.get("status") == "abort")]

    def subscribe(self, client: Client, wanted: Sequence[Wanted]) -> Answers:
        one = wanted[0]
        parameters = {
            "callbackurl": self.hook,
            "salt": self._settings.salt,
            "resultv2": "4",
            **self._phone(one),
        }
        code = self.code(one)
        if not code:
            parameters["autoCom"] = "1"
        param = {
            "company": code,
            "number": one.number,
            "to": one.city,
            "key": self._settings.key,
            "parameters": parameters,
        }
        answer = client.post("/poll", form={"schema": "json", "param": _json(param)})
        code = str(answer.get("returnCode") or "")
        if code in {"200", _TWICE}:
            return {one.number: Told(one.number)}
        return {one.number: _refusal(code, answer, busy={"500", "502"})}

    def ask(self, client: Client, wanted: Sequence[Wanted]) -> Answers:
        one = wanted[0]
        param = _json(
            {
                "com": self.code(one),
                "num": one.number,
                "to": one.city,
                "resultv2": "4",
                "order": "desc",
                **self._phone(one),
            }
        )
        key, customer = self._settings.key, self._settings.customer
        sign = _md5(param + key + customer)
        form = {"customer": customer, "sign": sign, "param": param}
        answer = client.post("/poll/query.do", form=form)
        if str(answer.get("status")) == "200" and isinstance(answer.get("data"), list):
            return {one.number: Told(one.number, read_steps(one.number, answer))}
        return {one.number: _refusal(str(answer.get("returnCode") or ""), answer, busy=_BUSY)}

    def _phone(self, wanted: Wanted) -> dict[str, str]:
        is_asked = wanted.phone and self.code(wanted) in _PHONE_NEEDED
        return {"phone": wanted.phone} if is_asked else {}


def read_steps(number: str, result: Mapping[str, Any]) -> tuple[Step, ...]:
    """The steps of a query's answer or of a push's `lastResult`, whose newest step is first."""
    steps = []
    for place, told in enumerate(objects(result.get("data"))):
        status = _status(told, str(result.get("state", "")) if place == 0 else "")
        at = moment(told.get("ftime") or told.get("time"), CHINA)
        where = told.get("areaName") or told.get("location")
        found = step(number, status, at, told.get("context"), where) if status else None
        if found is not None:
            steps.append(found)
    return tuple(steps)


def _status(told: Mapping[str, Any], overall: str) -> Status | None:
    """A step's own state; else the parcel's, for its newest step; else in transit."""
    code, name = str(told.get("statusCode") or ""), clean(told.get("status"))
    for state in (code, overall if not name else ""):
        if state in STATES:
            return STATES[state]
        if len(state) == 3 and state[0] in STATES:
            return STATES[state[0]]
    return NAMES.get(name, Status.IN_TRANSIT)


def _refusal(code: str, answer: Mapping[str, Any], busy: set[str]) -> Refused:
    why = f"{code} {clean(answer.get('message'), 200)}"
    if code in _ACCOUNT:
        raise AccountRefused(f"快递100 拒绝了：{why}", f"快递100 refuses: {why}")
    if code in busy:
        raise CarrierUnreachable(f"快递100 忙：{why}", f"快递100 is busy: {why}")
    return Refused(why, for_good=code in _NEVER)


def _form(body: bytes) -> dict[str, str]:
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()
