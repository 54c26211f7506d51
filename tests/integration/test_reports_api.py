"""Reports as JSON, and as CSV files for those who may see them."""

import csv
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from io import StringIO
from random import Random
from zoneinfo import ZoneInfo

import httpx
import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from bot.config import ApiKey
from bot.core.clock import now
from bot.desk.figures import Table, to_csv
from bot.insights.counting import Rules, count_some
from bot.web.reports_api import reports_router
from storage.db import Database
from tests.support.histories import keep, made_up
from tests.support.service import Service

TILL = ApiKey(name="till", key="key-of-the-till-0123", scopes=("desk",))
SHOP = ApiKey(name="shop", key="key-of-the-shop-0123", scopes=("events",))
ZONE = ZoneInfo("Europe/Berlin")


@pytest.fixture
async def api(db: Database) -> AsyncIterator[AsyncClient]:
    app = FastAPI()
    app.include_router(reports_router(db, [TILL, SHOP], ZONE))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://t") as client:
        client.headers["Authorization"] = f"Bearer {TILL.key}"
        yield client


async def test_the_figures_add_up(api: AsyncClient, db: Database) -> None:
    random = Random(3)
    history = made_up(random, now() - timedelta(days=20), chats=20, steps=8)
    rules = Rules(ZONE, lambda entry: entry.startswith("small_"))
    await db.transact(keep, history, random)
    for at in (now() - timedelta(minutes=5), now()):
        while await db.transact(count_some, rules, at):
            pass
    found = (await api.get("/api/v1/reports/numbers", params={"days": 366})).json()
    figures = found["figures"]
    assert figures["messages"] == len(history.words)
    assert figures["visits"] == sum(figures["outcomes"].values()) > 20
    assert figures["asked"] == figures["visits"] - figures["outcomes"].get("nothing", 0)
    rate = figures["outcomes"].get("resolved", 0) / figures["asked"]
    assert figures["resolution_rate"] == pytest.approx(rate)
    assert len(found["visits_by_day"]) == 366
    assert sum(one["number"] for one in figures["targets"]) > 0
    assert found["timezone"] == "Europe/Berlin"
    live = (await api.get("/api/v1/reports/now")).json()
    states = [talk.state for talk in history.talks]
    assert (live["waiting"], live["open"]) == (states.count("waiting"), states.count("open"))
    assert sum(live["open_by_agent"].values()) == live["open"]


async def test_an_empty_shop_has_no_shares(api: AsyncClient) -> None:
    found = (await api.get("/api/v1/reports/numbers?from=2026-02-01&to=2026-02-28")).json()
    assert (found["first"], found["last"]) == ("2026-02-01", "2026-02-28")
    assert found["figures"]["resolution_rate"] is None
    assert found["figures"]["first_response"] == {"number": 0, "median": None, "p90": None}
    assert (await api.get("/api/v1/reports/now")).json()["waiting_since"] is None


@pytest.mark.parametrize("query", ["days=0", "days=x", "from=yesterday", "agent=-1"])
async def test_what_cannot_be_is_refused(api: AsyncClient, query: str) -> None:
    answer = await api.get(f"/api/v1/reports/numbers?{query}")
    assert answer.status_code == 422


@pytest.mark.parametrize("path", ["numbers", "now"])
async def test_only_keys_for_the_desk_read_reports(api: AsyncClient, path: str) -> None:
    for key, status in ((SHOP.key, 403), ("another-key-altogether", 401)):
        answer = await api.get(
            f"/api/v1/reports/{path}", headers={"Authorization": f"Bearer {key}"}
        )
        assert answer.status_code == status


def test_no_cell_is_a_formula() -> None:
    names = ("=1+1", "@SUM(A1)", "＝1", "-5", "王小明")
    table = Table("agents", "", ("=", "n"), tuple((name, "1") for name in names))
    found = to_csv(table)
    assert found.startswith(b"\xef\xbb\xbf")
    cells = [row[0] for row in csv.reader(StringIO(found.decode("utf-8-sig")))]
    assert cells == ["'=", "'=1+1", "'@SUM(A1)", "'＝1", "-5", "王小明"]


def browser(service: Service, login: str, role: str) -> httpx.Client:
    """A browser that is logged in."""
    made = service.command("agent", "add", login, "--role", role)
    password = re.search(r"密码: (\S+)", made.stderr)
    assert password, made.stderr
    client = httpx.Client(base_url=service.url, headers={"Accept-Language": "en"}, timeout=30)
    token = re.search(r'name="token" value="([^"]+)"', client.get("/desk/login").text)
    assert token
    data = {"token": token[1], "login": login, "password": password[1]}
    assert client.post("/desk/login", data=data).headers["location"] == "/desk/"
    return client


def test_who_may_see_numbers_sees_and_exports_them(service: Service) -> None:
    viewer = browser(service, "numbers-viewer", "viewer")
    page = viewer.get("/desk/numbers?days=30&channel=web")
    assert (page.status_code, "Right now" in page.text) == (200, True)
    export = viewer.get("/desk/numbers/export?table=outcomes&days=30")
    assert export.headers["content-type"] == "text/csv; charset=utf-8"
    assert export.content.decode("utf-8-sig").startswith("Outcome,Number,Share,Before\r\n")
    assert viewer.get("/desk/numbers/export?table=nothing").status_code == 404
    agent = browser(service, "numbers-agent", "agent")
    assert "Right now" not in agent.get("/desk/numbers").text
    assert agent.get("/desk/numbers/export?table=outcomes").status_code == 403
    stranger = httpx.get(f"{service.url}/desk/numbers/export?table=outcomes")
    assert stranger.headers["location"].startswith("/desk/login")
    viewer.close()
    agent.close()
