"""The one place where wechatpy is used: calls with time-outs and one token, ciphers, XML."""

import base64
import json
import re
import struct
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from xml.parsers.expat import ExpatError

import requests
import xmltodict
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError
from wechatpy.client.base import BaseWeChatClient
from wechatpy.crypto import PrpCrypto
from wechatpy.exceptions import InvalidAppIdException, WeChatClientException
from wechatpy.replies import TextReply
from wechatpy.utils import WeChatSigner

from bot.wechat_settings import SERVERS, WeChat

CONNECT_SECONDS, READ_SECONDS = 5.0, 10.0
CONNECTIONS = 8
MAX_TAGS = 512
"""Most tags of a callback's document: the platform's own have some dozens."""
STALE = frozenset({40001, 40014, 42001})
"""The platform knows the token no more: a new one is worth one more try."""
_UNREADABLE = (ValueError, KeyError, TypeError, IndexError, AssertionError, OSError)
_BEFORE = (
    requests.ConnectTimeout,
    requests.exceptions.SSLError,
    requests.exceptions.ProxyError,
)
_CHUNK = 1 << 16
_ADDRESS = re.compile(r"(?:invalid ip|from ip:) ([0-9a-fA-F.:]+)")


class ApiError(Exception):
    """The platform said no. `code` is its errcode (or the HTTP status), `ip` ours if it tells."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text

    @property
    def ip(self) -> str:
        """Our address as the platform sees it, where it says so (40164, 60020); else empty."""
        found = _ADDRESS.search(self.text)
        return found.group(1) if found else ""


class NotReached(Exception):
    """The request surely had no effect: it never left, or was not the one that matters."""


class NoAnswer(Exception):
    """The request was written, and what became of it is not known."""


class Unreadable(Exception):
    """What came in is not what the platform sends: damaged, or of somebody else's making."""


class TooLarge(Exception):
    """A file has more bytes than are wanted."""


class Api(BaseWeChatClient):  # type: ignore[misc]  # wechatpy is untyped
    """One account's calls, from any thread; raises `ApiError`, `NotReached` and `NoAnswer`.

    Texts of `requests`' own errors hold the token, so they are never passed on.
    """

    def __init__(self, settings: WeChat) -> None:
        time_out = (CONNECT_SECONDS, READ_SECONDS)
        super().__init__(settings.app_id, timeout=time_out, auto_retry=False)
        self.API_BASE_URL = SERVERS[settings.kind]
        self._settings = settings
        self._lock = threading.Lock()
        self._http.mount("https://", _Redirected(settings.server, settings.api_base_url != ""))
        self._http.mount("http://", _Redirected(settings.server, settings.api_base_url != ""))

    def ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """What the platform answers. `options` are `data` (sent as JSON), `params`, `files`."""
        found = self._with_token(self._once, method, path, options)
        if not isinstance(found, dict):
            raise NoAnswer("an answer that is no JSON")
        return found

    def fetch(self, path: str, params: Mapping[str, str], most: int) -> bytes | dict[str, Any]:
        """A file of at most `most` bytes, or the JSON that came in its place.

        Raises `TooLarge` besides.
        """
        found: bytes | dict[str, Any] = self._with_token(self._download, path, params, most)
        return found

    def fetch_from(self, url: str, most: int) -> bytes:
        """A file from an address that the platform gave, without our token."""
        try:
            with self._http.get(url, stream=True, timeout=self.timeout) as answer:
                answer.raise_for_status()
                return _read(answer, most)
        except requests.RequestException as error:
            raise NotReached(type(error).__name__) from None

    def fetch_access_token(self) -> None:
        """Get a token unless another thread just did. wechatpy calls this when it has none."""
        with self._lock:
            if not self._has_token():
                self._renew()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _with_token(self, work: Any, *details: Any) -> Any:
        """One call, and one more with a new token when the platform has forgotten ours."""
        for is_last in (False, True):
            token = self._token()
            try:
                return work(token, *details)
            except ApiError as error:
                if is_last or error.code not in STALE:
                    raise
                self._forget(token)
        raise AssertionError("unreachable")

    def _token(self) -> str:
        try:
            return str(self.access_token)
        except NoAnswer as error:  # without a token the call that matters was never made
            raise NotReached(f"token: {error}") from None

    def _has_token(self) -> bool:
        return bool(self.session.get(self.access_token_key)) and (
            (self.expires_at or 0) - time.time() > 60
        )

    def _forget(self, token: str) -> None:
        with self._lock:
            if self.session.get(self.access_token_key) == token:
                self.expires_at = 1

    def _renew(self) -> None:
        """`stable_token` leaves tokens of other programs in force, unlike `/cgi-bin/token`.

        (developers.weixin.qq.com/doc/offiaccount/Basic_Information/getStableAccessToken.html)
        """
        us = self._settings
        if us.kind == "official":
            asked = {"grant_type": "client_credential", "appid": us.app_id, "secret": us.secret}
            found = self._once("", "post", "/cgi-bin/stable_token", {"data": asked})
        else:
            who = {"corpid": us.app_id, "corpsecret": us.secret}
            found = self._once("", "get", "/cgi-bin/gettoken", {"params": who})
        if not isinstance(found, dict) or "access_token" not in found:
            raise NotReached("token: an answer without one")
        lasts = int(found.get("expires_in", 7200))
        self.session.set(self.access_token_key, found["access_token"], lasts)
        self.expires_at = int(time.time()) + lasts

    def _once(self, token: str, method: str, path: str, options: Mapping[str, Any]) -> Any:
        params = {**options.get("params", {}), "access_token": token}
        if not token:  # the call for a token: wechatpy would put in one of its own
            params["access_token"] = ""
        try:
            return self._request(method, path, **{**options, "params": params})
        except WeChatClientException as error:
            raise _said(error) from None
        except requests.RequestException as error:
            raise _broken(error) from None

    def _download(
        self, token: str, path: str, params: Mapping[str, str], most: int
    ) -> bytes | dict[str, Any]:
        try:
            with self._http.get(
                f"{self.API_BASE_URL}{path}",
                params={**params, "access_token": token},
                stream=True,
                timeout=self.timeout,
            ) as answer:
                answer.raise_for_status()
                content = _read(answer, most)
                kind = answer.headers.get("Content-Type", "")
        except requests.RequestException as error:
            raise _broken(error) from None
        return _json(content) or content if "json" in kind or "text/" in kind else content


class _Redirected(HTTPAdapter):
    """Sends every request to `server`: wechatpy has hosts written down in many places."""

    def __init__(self, server: str, is_on: bool) -> None:
        super().__init__(pool_maxsize=CONNECTIONS)
        self._server = urlsplit(server)
        self._is_on = is_on

    def send(self, request: Any, *details: Any, **options: Any) -> Any:
        if self._is_on:
            there = urlsplit(request.url)
            path = self._server.path + there.path
            server = self._server
            request.url = urlunsplit((server.scheme, server.netloc, path, there.query, ""))
        return super().send(request, *details, **options)


def _said(error: WeChatClientException) -> Exception:
    if error.errcode is not None:
        return ApiError(int(error.errcode), str(error.errmsg))
    status = getattr(error.response, "status_code", 0)
    return NoAnswer(f"HTTP {status}") if status >= 500 else ApiError(status, "HTTP")


def _broken(error: requests.RequestException) -> Exception:
    """What broke: before the request was written, or perhaps after."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return NoAnswer(f"HTTP {error.response.status_code}")
    reason = getattr(error.args[0], "reason", None) if error.args else None
    is_before = isinstance(error, _BEFORE) or isinstance(reason, NewConnectionError)
    return (NotReached if is_before else NoAnswer)(type(error).__name__)


def _read(answer: requests.Response, most: int) -> bytes:
    content = bytearray()
    for part in answer.iter_content(_CHUNK):
        content += part
        if len(content) > most:
            raise TooLarge
    return bytes(content)


def _json(content: bytes) -> dict[str, Any] | None:
    """The JSON that came where a file was wanted. Raises `ApiError` when it is an error's."""
    try:
        found = json.loads(content)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    if found.get("errcode"):
        raise ApiError(int(found["errcode"]), str(found.get("errmsg", "")))
    return found


def signature(*parts: str) -> str:
    """The signature of a callback: the token, its time, its nonce and what is encrypted."""
    signer = WeChatSigner()
    signer.add_data(*parts)
    return str(signer.signature)


def decrypt(aes_key: str, ciphertext: str, app_id: str) -> str:
    """What was encrypted for `app_id`. Raises `Unreadable`, also for what is another's."""
    try:
        if not isinstance(ciphertext, str):
            raise Unreadable
        return str(PrpCrypto(_key(aes_key)).decrypt(ciphertext, app_id))
    except (*_UNREADABLE, struct.error, InvalidAppIdException) as error:
        raise Unreadable(type(error).__name__) from None


def encrypt(aes_key: str, text: str, app_id: str) -> str:
    """`text` as only the platform can read it."""
    return str(PrpCrypto(_key(aes_key)).encrypt(text, app_id).decode())


def fields(xml: str) -> dict[str, Any]:
    """The elements of a callback's document. Raises `Unreadable`.

    It has to begin with its root, so that it can declare neither a document type nor entities, and
    is short: it is read before its signature is.
    """
    if not xml.lstrip("\ufeff \r\n\t").startswith("<xml>"):
        raise Unreadable("not <xml>")
    if _tags(xml) > MAX_TAGS:
        raise Unreadable("too many elements")
    try:
        found = xmltodict.parse(xml.lstrip("\ufeff \r\n\t"))["xml"]
    except (*_UNREADABLE, ExpatError) as error:
        raise Unreadable(type(error).__name__) from None
    if not isinstance(found, dict):
        raise Unreadable("no elements")
    return found


def _tags(xml: str) -> int:
    """How many tags there are outside of the sections that are only text."""
    first, *others = xml.split("<![CDATA[")
    return first.count("<") + sum(part.partition("]]>")[2].count("<") for part in others)


def reply_xml(to: str, sender: str, text: str) -> str:
    """The document that answers a callback with `text`, whatever stands in it."""
    safe = text.replace("]]>", "]]]]><![CDATA[>")  # which would end the section it stands in
    return str(TextReply(target=to, source=sender, content=safe).render())


def _key(aes_key: str) -> bytes:
    return base64.b64decode(aes_key + "=")
