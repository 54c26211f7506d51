"""The `xiaoer` command as scripts see it: output, errors and exit status."""

import io
import json
import socket
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bot.answering.index import Index
from tests.support.command import xiaoer
from tests.support.service import Service

UNEQUIPPED = {"presence": "offline", "capacity": None, "languages": [], "skills": [], "teams": []}
"""What an agent is listed with of whom nothing was set."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, model_cache: Path, shipped: Index) -> Service:
    """An installation that is configured and not running."""
    installed = Service(tmp_path_factory.mktemp("shop"), model_cache)
    installed.write_config()
    return installed


def ask(shop: Service, *words: str) -> dict[str, Any]:
    """The JSON of `xiaoer ask … --json`, which has standard output for itself."""
    done = shop.command("ask", *words, "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


def test_ask_as_a_process_has_standard_output_for_its_json_alone(shop: Service) -> None:
    done = shop.run_process("ask", "怎么退货", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["entry"] == "return_how"
    wrong = shop.run_process("ask", "--nonsense")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "--nonsense" in wrong.stderr


def test_ask_answers_in_the_documented_form(shop: Service) -> None:
    answer = ask(shop, "怎么退货")
    assert list(answer) == ["decision", "entry", "confidence", "text", "choices", "language"]
    assert (answer["decision"], answer["entry"], answer["language"]) == (
        "answer", "return_how", "zh",
    )  # fmt: skip
    assert 0.5 <= answer["confidence"] <= 1
    assert "7 天" in answer["text"]
    assert {"label": "转人工", "value": "person"} in answer["choices"]


def test_ask_answers_in_the_language_that_is_wanted(shop: Service) -> None:
    answer = ask(shop, "怎么退货", "--lang", "en")
    assert (answer["entry"], answer["language"]) == ("return_how", "en")
    assert "within 7 days" in answer["text"]


def test_ask_hands_over_what_it_cannot_know_and_who_asks_for_a_person(shop: Service) -> None:
    stranger = ask(shop, "what is the capital of Mongolia")
    assert (stranger["decision"], stranger["entry"]) == ("human", None)
    assert stranger["choices"] == [{"label": "Talk to a person", "value": "person"}]
    assert ask(shop, "转人工")["decision"] == "human"


def test_explain_shows_how_the_question_was_read(shop: Service) -> None:
    explained = ask(shop, "怎么退貨", "--explain")["explain"]
    assert explained["normalised"] == "怎么退货"
    assert explained["candidates"][0]["entry"] == "return_how"


def test_without_json_the_answer_is_for_people(shop: Service) -> None:
    done = shop.command("ask", "how do I return something")
    assert done.returncode == 0
    assert "You can return items within 7 days" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("ask",),
        ("ask", "hello", "--lang", "fr"),
        ("ask", "hello", "--nonsense"),
        ("nonsense",),
        ("agent", "add"),
        ("demo", "--port", "many"),
    ],
)
def test_wrong_use_is_status_2_and_says_so_on_standard_error(words: tuple[str, ...]) -> None:
    done = xiaoer(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: " in done.stderr or "Error" in done.stderr


def test_a_wrong_configuration_is_status_1_and_one_clear_message(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[shop]\nname = "x"\nreturn_dais = 3', encoding="utf-8")
    done = xiaoer("ask", "hello", "--config", str(config))
    assert (done.returncode, done.stdout) == (1, "")
    assert "shop.return_dais: unknown key" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_configuration_is_explained_in_the_readers_language(tmp_path: Path) -> None:
    wanted = str(tmp_path / "none.toml")
    english = xiaoer("run", "--config", wanted)
    assert (english.returncode, english.stdout) == (1, "")
    assert english.stderr.startswith(f"There is no configuration file {wanted}.")
    chinese = xiaoer("run", "--config", wanted, language="zh_CN.UTF-8")
    assert chinese.stderr.startswith("找不到配置文件")


def test_init_writes_a_private_configuration_that_works(tmp_path: Path) -> None:
    config = tmp_path / "new" / "config.toml"
    name = 'A "quoted" \\1 shop, 云锦'
    done = xiaoer("init", "--config", str(config), "--shop", name, "--login", "boss")
    assert (done.returncode, done.stdout) == (0, "")
    assert "login 登录名: boss\npassword 密码: " in done.stderr
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    written = tomllib.loads(config.read_text(encoding="utf-8"))
    assert written["shop"]["name"] == name
    assert len(written["api_keys"][0]["key"]) >= 40
    assert written["web"]["public_url"] == ""
    listed = xiaoer("agent", "list", "--config", str(config))
    assert json.loads(listed.stdout) == [
        {"login": "boss", "name": "boss", "role": "owner", "active": True} | UNEQUIPPED
    ]
    facts = xiaoer("doctor", "--config", str(config)).stderr.split("facts", 1)[1].splitlines()[0]
    assert "still the example's" in facts
    assert "return_days, " in facts
    assert "return_address" not in facts, "the example's was not taken over"
    teams = xiaoer("agent", "set", "boss", "--teams", "service", "--config", str(config))
    assert "[[teams]]" in teams.stderr
    again = xiaoer("init", "--config", str(config))  # before it asks anything
    assert again.returncode == 1
    assert "was left alone" in again.stderr
    assert tomllib.loads(config.read_text(encoding="utf-8")) == written


def test_init_without_answers_says_how_to_give_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    done = xiaoer("init", "--config", str(tmp_path / "config.toml"))
    assert done.returncode == 1
    assert "xiaoer init --shop NAME --login LOGIN" in done.stderr
    assert not list(tmp_path.iterdir())


def test_init_with_a_wrong_login_leaves_nothing_that_blocks_the_next_try(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    done = xiaoer("init", "--config", str(config), "--shop", "x", "--login", "no spaces")
    assert done.returncode == 1
    assert "A login has letters, digits" in done.stderr
    assert not config.exists()


def test_doctor_passes_and_tells_which_facts_nobody_has_set(shop: Service) -> None:
    shop.command("agent", "add", "healthy")
    done = shop.command("doctor")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    facts = next(line for line in done.stderr.splitlines() if "facts" in line)
    assert facts.startswith("! facts 店铺信息: ")
    assert "return_days, " in facts
    assert "name" not in facts.split(": ")[2].split(", ")
    assert "✓ agents 客服: " in done.stderr


def test_doctor_fails_and_names_everything_that_is_wrong(tmp_path: Path, model_cache: Path) -> None:
    faq = tmp_path / "faq" / "en"
    faq.mkdir(parents=True)
    (faq / "a.yaml").write_text(
        "- id: a\n  title: A\n  questions: [what]\n  answer: '{{ custmer.name }}'\n"
    )
    sick = Service(tmp_path, model_cache, faq=faq.parent)
    sick.write_config()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", sick.port))
        taken.listen()
        done = sick.command("doctor")
    assert done.returncode == 1
    assert "✗ FAQ: " in done.stderr
    assert "en/a.yaml:1 [a]" in done.stderr or "en/a.yaml:4 [a]" in done.stderr
    assert "there is no 'custmer' here" in done.stderr
    assert "✗ agents 客服: none yet: xiaoer agent add LOGIN" in done.stderr
    assert "✗ port 端口: " in done.stderr
    assert "✓ database" in done.stderr


def test_doctor_fails_on_a_wrong_configuration(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[web]\nport = 'x'", encoding="utf-8")
    done = xiaoer("doctor", "--config", str(config))
    assert done.returncode == 1
    assert "✗ configuration" in done.stderr
    assert "shop: missing" in done.stderr


def test_agents_come_and_go(shop: Service) -> None:
    added = shop.command("agent", "add", "Mei", "--name", "小美", "--role", "owner")
    assert (added.returncode, added.stdout) == (0, "")
    assert "password 密码: " in added.stderr
    assert {
        "login": "mei",
        "name": "小美",
        "role": "owner",
        "active": True,
    } | UNEQUIPPED in _agents(shop)
    twice = shop.command("agent", "add", "mei")
    assert twice.returncode == 1
    assert "already taken" in twice.stderr
    assert shop.command("agent", "add", "boss", "--role", "owner").returncode == 0
    assert shop.command("agent", "disable", "mei").returncode == 0
    assert {
        "login": "mei",
        "name": "小美",
        "role": "owner",
        "active": False,
    } | UNEQUIPPED in _agents(shop)
    nobody = shop.command("agent", "disable", "nobody")
    assert nobody.returncode == 1
    assert "There is no agent with login nobody" in nobody.stderr


def test_a_telegram_account_is_one_agents(shop: Service) -> None:
    for login in ("zhu", "ju"):
        assert shop.command("agent", "add", login).returncode == 0
    assert shop.command("agent", "link", "zhu", "123456789").returncode == 0
    taken = shop.command("agent", "link", "ju", "123456789")
    assert "is zhu's already" in taken.stderr
    for wrong in ("@ju", "0", "1087968824"):
        refused = shop.command("agent", "link", "ju", wrong)
        assert (refused.returncode, "is a number" in refused.stderr) == (1, True)
    assert "no agent with login" in shop.command("agent", "link", "nobody", "5").stderr
    assert shop.command("agent", "unlink", "zhu").returncode == 0
    assert shop.command("agent", "link", "ju", "123456789").returncode == 0


def test_agents_are_equipped(tmp_path: Path, model_cache: Path) -> None:
    shop = Service(
        tmp_path, model_cache, more_config="[[teams]]\nname = 'first'\n[[teams]]\nname = 'second'"
    )
    shop.write_config()
    assert shop.command("agent", "add", "mei").returncode == 0
    words = ("--capacity", "8", "--languages", "zh,en", "--skills", "returns, vip", "--teams")
    done = shop.command("agent", "set", "mei", *words, "second")
    equipped = {"capacity": 8, "languages": ["en", "zh"], "skills": ["returns", "vip"]}
    expected = UNEQUIPPED | equipped | {"teams": ["second"]}
    assert expected.items() <= json.loads(done.stdout).items()
    shop.command("agent", "set", "mei", "--skills", "", "--capacity", "0")
    (listed,) = _agents(shop)
    assert (listed["skills"], listed["capacity"], listed["teams"]) == ([], None, ["second"])
    refused = shop.command("agent", "set", "mei", "--teams", "third")
    assert (refused.returncode, "There are: first, second" in refused.stderr) == (1, True)
    assert "no agent with login" in shop.command("agent", "set", "bo", "--capacity", "1").stderr
    assert shop.command("agent", "set", "mei").returncode == 2


def test_help_names_every_command() -> None:
    done = xiaoer("--help")
    assert done.returncode == 0
    for command in ("run", "demo", "ask", "chat", "init", "doctor", "agent", "bench"):
        assert f" {command} " in done.stdout


def _agents(shop: Service) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(shop.command("agent", "list").stdout)
    return listed
