"""Looks whether the 客服帐号 and the app of a section are there and ours to use."""

from bot.channels.wechat.client import Client
from bot.channels.wechat.library import ApiError, NoAnswer, NotReached
from bot.core.errors import XiaoerError


class CorpWrong(XiaoerError):
    """The account does not work as it is configured."""


async def notes(client: Client) -> list[str]:
    """What there is to say of an account of kind `kf` or `wecom`. Raises `CorpWrong`."""
    look = _kf if client.settings.kind == "kf" else _wecom
    try:
        return await look(client)
    except ApiError as error:
        raise CorpWrong(
            f"平台拒绝了请求：{error}。微信客服要用“可调用接口的应用”的 Secret。",
            f"the platform refuses: {error}. 微信客服 needs the secret of an app that is listed "
            "under 可调用接口的应用.",
        ) from error
    except (NotReached, NoAnswer) as error:
        raise CorpWrong(f"没有得到回答：{error}", f"no answer: {error}") from error


async def _kf(client: Client) -> list[str]:
    """Whether the 客服帐号 exists and may be managed by this app."""
    wanted = client.settings.open_kfid
    found = (await client.get("/cgi-bin/kf/account/list")).get("account_list", [])
    by_id = {str(one.get("open_kfid")): one for one in found}
    if wanted not in by_id:
        listed = ", ".join(f"{key}（{one.get('name', '')}）" for key, one in by_id.items())
        raise CorpWrong(
            f"没有这个客服账号（open_kfid）：{wanted}。这个应用能用的有：{listed or '没有'}",
            f"there is no such 客服帐号 (open_kfid): {wanted}. This app has: {listed or 'none'}",
        )
    if not by_id[wanted].get("manage_privilege", True):
        raise CorpWrong(
            f"应用不能管理客服账号 {wanted}：请在该账号的“可调用接口的应用”里允许管理。",
            f"the app may not manage {wanted}: allow it under 可调用接口的应用 of the account.",
        )
    return [str(by_id[wanted].get("name", ""))]


async def _wecom(client: Client) -> list[str]:
    """Whether the app is the one of the section and is switched on."""
    number = str(client.settings.agent_id)
    found = await client.get("/cgi-bin/agent/get", {"agentid": number})
    if found.get("close"):
        raise CorpWrong(f"应用 {number} 已停用", f"the app {number} is disabled")
    return [str(found.get("name", ""))]
