"""Running the service: its words change while it runs, it says how it is, and it ends well."""

import re
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.support.chat import Chat
from tests.support.service import Service

CANARY = "canary7f3a"


@pytest.fixture
def own_faq(own_service: Service, tmp_path: Path) -> Path:
    """A folder of FAQ files that the test may spoil."""
    own_service.faq = shutil.copytree(own_service.faq, tmp_path / "faq")
    return own_service.faq


def eventually(check: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def test_faq_files_change_while_the_service_runs(own_service: Service, own_faq: Path) -> None:
    own_service.start()
    returns = own_faq / "zh" / "returns.yaml"
    good = returns.read_text(encoding="utf-8")

    def problems() -> int:
        return int(httpx.get(f"{own_service.url}/readyz").json()["faq_problems"])

    with Chat(own_service.socket_url) as chat:
        returns.write_text("- id: [broken\n", encoding="utf-8")
        eventually(lambda: problems() > 0)
        assert "7 天内可以退货" in chat.ask("怎么退货"), "the last good files serve on"
        assert httpx.get(f"{own_service.url}/readyz").status_code == 200
        assert "zh/returns.yaml:" in own_service.log

        returns.write_text(good.replace("天内可以退货", "天内都能退哦"), encoding="utf-8")
        eventually(lambda: "天内都能退哦" in chat.ask("怎么退货"))
        assert problems() == 0


def test_health_metrics_and_docs(service: Service) -> None:
    with Chat(service.socket_url) as chat:
        chat.ask("怎么退货")
        assert httpx.get(f"{service.url}/healthz").json() == {"status": "ok"}
        ready = httpx.get(f"{service.url}/readyz").json()
        assert ready == {"database": True, "faq": True, "engine": True, "faq_problems": 0}
        metrics = httpx.get(f"{service.url}/metrics").text
        assert re.search(r'xiaoer_turns_total\{channel="web",outcome="faq"\} [1-9]', metrics)
        assert re.search(r"xiaoer_chat_sockets [1-9]", metrics)
    paths = httpx.get(f"{service.url}/openapi.json").json()["paths"]
    assert "/api/v1/events" in paths
    assert httpx.get(f"{service.url}/docs").status_code == 200


def test_logs_hold_nothing_that_customers_wrote(service: Service) -> None:
    with Chat(service.socket_url) as chat:
        chat.ask(f"你好 {CANARY}")
        chat.ask(f"{CANARY} asdf")
        chat.send({"type": "message", "id": CANARY, "text": CANARY * 2000})
        chat.receive()
        chat.send("{" + CANARY)
        chat.receive()
    service.post_event({"id": CANARY, "type": "order.paid", "data": {"order_id": CANARY}})
    service.post_event({}, key=CANARY)
    httpx.get(f"{service.url}/desk/login", params={"next": CANARY})
    httpx.post(f"{service.url}/desk/login", data={"login": CANARY, "password": CANARY})
    assert "listening" in service.log
    assert CANARY not in service.log


def test_a_second_service_on_the_same_file_refuses(service: Service, tmp_path: Path) -> None:
    config = service.config.read_text(encoding="utf-8")
    other = tmp_path / "other.toml"
    other.write_text(re.sub(r"port = \d+", "port = 0", config), encoding="utf-8")
    second = service.run_process("run", config=other)
    assert second.returncode == 1
    assert "Another Xiaoer service" in second.stderr


def test_the_same_port_twice_refuses(service: Service) -> None:
    second = service.run_process("run")
    assert second.returncode == 1
    assert "Cannot listen" in second.stderr


def test_sigterm_ends_well_and_data_stays(own_service: Service) -> None:
    own_service.start()
    with Chat(own_service.socket_url) as chat:
        seq = chat.say("怎么退货")
        session = chat.session
    assert own_service.stop() == 0
    database = own_service.folder / "xiaoer.db"
    assert sqlite3.connect(database).execute("PRAGMA integrity_check").fetchone() == ("ok",)
    own_service.start()
    with Chat(own_service.socket_url, session) as chat:
        assert chat.receive()["seq"] == seq


def test_a_broken_faq_at_the_start_is_named(own_service: Service, own_faq: Path) -> None:
    (own_faq / "zh" / "returns.yaml").write_text("- id: x\n  answer: 5\n", encoding="utf-8")
    own_service.write_config()
    refused = own_service.run_process("run")
    assert refused.returncode == 1
    assert "zh/returns.yaml" in refused.stderr


def test_widget_and_pages_are_small_and_strict(service: Service) -> None:
    script = httpx.get(f"{service.url}/widget.js")
    assert len(script.content) < 17_000
    for path in ("/", "/chat"):
        for language, word in (("zh", "店小二" if path == "/" else "客服"), ("en", "hat")):
            page = httpx.get(service.url + path, params={"lang": language})
            assert word in page.text
            policy = page.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
