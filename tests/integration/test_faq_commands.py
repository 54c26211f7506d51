"""`xiaoer faq …` as scripts see it: output, errors and exit status."""

import json
from pathlib import Path

import pytest

from tests.support.command import xiaoer
from tests.support.service import Service
from tests.unit.answering.conftest import write_faq

BROKEN = "- id: a\n  title: t\n  questions: [q]\n  answer: '{{ order.number }}'\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Service:
    """An installation with a small FAQ that is not running."""
    folder = tmp_path_factory.mktemp("faq-shop")
    installed = Service(folder, model_cache, faq=write_faq(folder / "faq"))
    installed.write_config()
    return installed


def test_check_is_status_1_only_with_errors(shop: Service, tmp_path: Path) -> None:
    weak = shop.command("faq", "check", "--json")
    assert weak.returncode == 0
    findings = json.loads(weak.stdout)
    assert {one["severity"] for one in findings} == {"warning"}
    assert findings[0] == {
        "severity": "warning",
        "kind": "few",
        "file": "en/shop.yaml",
        "line": 1,
        "entry": "return_how",
        "message": "only 4 phrasing(s): with 5 or more it is understood far better",
    }
    wrong = xiaoer(
        "faq", "check", "--config", str(shop.config),
        "--faq", str(write_faq(tmp_path, BROKEN, "[]\n")), language="zh_CN.UTF-8",
    )  # fmt: skip
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.splitlines() == [
        "错误: zh/shop.yaml:1 [a]: 回答用到了订单或包裹，但没有写 needs: order 或 needs: parcel",
        "提醒: zh/shop.yaml:1 [a]: 只有 1 种问法，至少写 5 种更容易听懂",
        "提醒: zh/shop.yaml:1 [a]: 没有英文版",
    ]


def test_export_and_import_give_the_same_faq(shop: Service, tmp_path: Path) -> None:
    table, into = tmp_path / "faq.xlsx", tmp_path / "again"
    exported = shop.command("faq", "export", str(table))
    assert (exported.returncode, exported.stdout) == (0, "")
    tried = shop.command("faq", "import", str(table), "--into", str(into), "--dry-run")
    assert (tried.returncode, tried.stderr) == (0, "new 6  replaced 0  unchanged 0\n")
    assert not into.exists()
    assert shop.command("faq", "import", str(table), "--into", str(into)).returncode == 0
    replayed = shop.command("faq", "import", str(table), "--into", str(shop.faq))
    assert (replayed.returncode, replayed.stderr) == (0, "new 0  replaced 0  unchanged 6\n")
    table.with_suffix(".csv").write_text("id,language\na,zh\n", encoding="utf-8")
    refused = shop.command("faq", "import", str(table.with_suffix(".csv")), "--into", str(shop.faq))
    assert refused.returncode == 1
    assert refused.stderr == (
        "Nothing was imported:\nrow 1: missing columns: topic, title, questions, answer\n"
    )


def test_wrong_use_is_status_2(shop: Service) -> None:
    alone = shop.command("faq", "gaps", "--draft", "1")
    assert (alone.returncode, alone.stdout) == (2, "")
    assert "--into" in alone.stderr
