"""Looks whether an account is set up as its section says, and says how to mend what is not."""

import time
from collections.abc import Iterator

import httpx

from bot.channels.wechat import kf_checkup, library
from bot.channels.wechat.client import Client
from bot.channels.wechat.library import ApiError, NoAnswer, NotReached
from bot.core.errors import XiaoerError
from bot.core.ids import token
from bot.wechat_settings import WeChat

_REFUSED = frozenset({40001, 40013, 40125, 41002, 41004})
_UNAUTHORISED = 48001
_SECONDS = 10.0


class AccountWrong(XiaoerError):
    """The account does not work as it is configured."""


async def check(settings: WeChat, public_url: str) -> str:
    """What there is to say about an account that works. Raises `AccountWrong`."""
    client = Client(settings)
    try:
        await _token(client)
        notes = [f"{settings.kind}, {settings.mode}"]
        if settings.kind == "official":
            notes += await _permission(client)
        else:
            notes += await kf_checkup.notes(client)
    finally:
        client.close()
    notes += list(_address(settings, public_url))
    if public_url:
        notes.append(await _callback(settings, public_url))
    return "; ".join(notes)


async def _token(client: Client) -> None:
    """Whether the platform gives us a token and lets our address call."""
    settings = client.settings
    try:
        await client.get("/cgi-bin/get_api_domain_ip")
    except ApiError as error:
        raise _explained(error) from error
    except (NotReached, NoAnswer) as error:
        raise AccountWrong(
            f"连不上 {settings.server}（{error}）。请检查网络或 api_base_url。",
            f"{settings.server} cannot be reached ({error}). Check the network or api_base_url.",
        ) from error


def _explained(error: ApiError) -> AccountWrong:
    if error.code in (40164, 60020):
        ip = error.ip or "?"
        return AccountWrong(
            f"本机 IP {ip} 不在白名单里（{error.code}）。请到公众平台“基本配置 - IP 白名单”"
            f"（企业微信：应用的“企业可信 IP”）加入 {ip}。",
            f"our address {ip} is not on the IP allow list ({error.code}). Add {ip} in the "
            "console: Basic configuration, IP allow list (WeCom: the app's trusted IPs).",
        )
    if error.code in _REFUSED:
        return AccountWrong(
            f"app_id 或 secret 被拒绝（{error.code}）。请到后台“基本配置”核对，必要时重置 secret。",
            f"app_id or secret is refused ({error.code}). Compare them with the console, Basic "
            "configuration; reset the secret if need be.",
        )
    return AccountWrong(f"平台拒绝了请求：{error}", f"the platform refuses: {error}")


async def _permission(client: Client) -> list[str]:
    """Whether `service_messages` is what the account has. Raises `AccountWrong` where it is not."""
    try:
        await client.get("/cgi-bin/customservice/getkflist")
        has_it = True
    except ApiError as error:
        if error.code != _UNAUTHORISED:
            raise _explained(error) from error
        has_it = False
    if client.settings.service_messages and not has_it:
        raise AccountWrong(
            "该账号没有客服消息接口权限（48001）。请设置 service_messages = false，"
            "或完成服务号认证。",
            "the account may not use customer messages (48001). Set service_messages = false, or "
            "have the account verified.",
        )
    if has_it and not client.settings.service_messages:
        return [
            "! customer messages are allowed: set service_messages = true 有客服消息权限，建议打开"
        ]
    return []


def _address(settings: WeChat, public_url: str) -> Iterator[str]:
    if not public_url:
        raise AccountWrong(
            "微信要回调本服务：请设置 [web] public_url（公网地址）。",
            "WeChat calls us: set [web] public_url to an address that it can reach.",
        )
    if not public_url.startswith("https://"):
        yield "! the address is not https 不是 https 地址"
    if settings.mode == "plain":
        yield "! plain mode: messages are not encrypted 明文模式，建议改为安全模式"
    if settings.previous_aes_key and settings.previous_aes_key == settings.aes_key:
        yield "! previous_aes_key is the present one 与当前密钥相同，可删除"


async def _callback(settings: WeChat, public_url: str) -> str:
    """Whether our own address answers as the console expects it to."""
    url = f"{public_url.rstrip('/')}{settings.path}"
    at, nonce, echo = str(int(time.time())), token(8), token(8)
    sealed = echo
    query = {"timestamp": at, "nonce": nonce}
    if settings.kind == "official":
        query["signature"] = library.signature(settings.token, at, nonce)
    else:
        sealed = library.encrypt(settings.aes_key, echo, settings.app_id)
        query["msg_signature"] = library.signature(settings.token, at, nonce, sealed)
    try:
        async with httpx.AsyncClient(timeout=_SECONDS) as client:
            answer = await client.get(url, params={**query, "echostr": sealed})
    except httpx.HTTPError as error:
        why = type(error).__name__
        return f"! {url} does not answer ({why}): is the service running? 回调地址连不上"
    if answer.status_code == 200 and answer.text == echo:
        return f"callback 回调 {url}"
    return f"! {url} answers {answer.status_code}: not this account 回调地址不对"
