"""The configuration says what is wrong with it, and its example is complete and true."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.config import (
    EXAMPLE,
    ApiKey,
    Config,
    ConfigInvalid,
    Group,
    Handover,
    Section,
    Source,
    Team,
    Telegram,
    load,
    refuse_published_key,
    validate,
)
from bot.core.spans import ALWAYS, Span
from bot.logistics.carriers import kinds
from bot.webhook_settings import Webhook
from bot.wechat_settings import WeChat

SHOP = '[shop]\nname = "A shop"\n'
WX = "[[wechat]]\nname='w'\napp_id='wx0123456789abcdef'\nsecret='0123456789'\ntoken='abc'\n"
SOURCE = "[[sources]]\nname = 'a'\n"
HOOK = (
    "[[webhooks]]\nname = 'crm'\nurl = 'https://crm.example/x'\nsecret = 'whsec_" + "a" * 32 + "'\n"
)
BOT = "[[telegram]]\nname = 'b'\ntoken = '1:x'\n"
_BOT = {"name": "b", "token": "1:x"}


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("XIAOER_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def complaint(file: Path, text: str) -> str:
    """What `load` says about a file with this text."""
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigInvalid) as caught:
        load(file)
    return str(caught.value)


def test_a_name_is_all_that_a_shop_must_set(file: Path) -> None:
    file.write_text(SHOP, encoding="utf-8")
    config = load(file)
    assert config.shop.name == "A shop"
    assert config.shop.return_days == 7
    assert config.api_keys == ()


@pytest.mark.parametrize(
    ("text", "key", "example"),
    [
        (SHOP + "[web]\nzzz = 1", "web.zzz: unknown key", "[web] host, port, public_url"),
        (SHOP + "retrun_days = 9", "shop.retrun_days: unknown key", "[shop] return_days = 7"),
        (SHOP + "delivery_days_min = 9", "shop: ", "[shop] name, timezone"),
        (
            SHOP + "[web]\nallowed_origins = ['shop.example']",
            "web.allowed_origins: ",
            "[web] allowed_origins = ",
        ),
        (
            SHOP + "[webb]\nport = 1",
            "webb: unknown key",
            "[shop], [shop.extra], [database], [web], [content]",
        ),
        ("", "shop: missing", "[shop] name, timezone"),
        ("[shop]\nreturn_days = 7", "shop.name: missing", "[shop] name = {"),
        (SHOP + "return_days = 'week'", "shop.return_days: ", "[shop] return_days = 7"),
        (SHOP + "return_days = -1", "shop.return_days: ", "[shop] return_days = 7"),
        (SHOP + "timezone = 'Peking'", "shop.timezone: ", '[shop] timezone = "Asia/Shanghai"'),
        (SHOP + "languages = ['fr']", "shop.languages: ", '[shop] languages = ["zh", "en"]'),
        (SHOP + "languages = []", "shop.languages: ", '[shop] languages = ["zh", "en"]'),
        (SHOP + "languages = ['en']", "shop.default_language: ", "[shop] default_language = "),
        (SHOP + "hotline = { fr = '1' }", "shop.hotline: ", "[shop] hotline = {"),
        (SHOP + "currency = 'yuan'", "shop.currency: ", '[shop] currency = "CNY"'),
        (SHOP + "[database]\nurl = 'mysql://h/n'", "database.url: ", "[database] url = "),
        (SHOP + "[web]\nport = 70000", "web.port: ", "[web] port = 8090"),
        (SHOP + "[[api_keys]]\nname = 'a'", "api_keys.0.key: missing", "[api_keys] key = "),
        (
            SHOP + "[[api_keys]]\nname = 'a'\nkey = 'short'",
            "api_keys.0.key: String should have at least 16 characters",
            "[api_keys] key = ",
        ),
        ("shop = 3", "shop: ", "[shop] name, timezone"),
        (SHOP + BOT + "mode = 'webhook'", "telegram.0: ", "[telegram] name, token, mode"),
        (SHOP + BOT + "webhook_secret = 'a b'", "telegram.0.webhook_secret: ", "webhook_secret = "),
        (SHOP + BOT + "mode = 'pull'", "telegram.0.mode: ", 'mode = "polling"'),
        (SHOP + BOT + "api_base_url = 'x'", "telegram.0.api_base_url: ", "api_base_url = "),
        (SHOP + BOT + "desk_chat_id = 5", "telegram.0.desk_chat_id: ", "desk_chat_id = -100"),
        (SHOP + BOT + "tokn = 'x'", "telegram.0.tokn: unknown key", "[telegram] token = "),
        (SHOP + BOT + BOT, "telegram: ", "[telegram] name, token"),
        (SHOP + "[[telegram]]\nname = 'x'", "telegram.0.token: missing", "[telegram] token = "),
        (
            SHOP + BOT + "groups = [-5, {id = -6, captcha_seconds = 1}]",
            "telegram.0.groups.1.captcha_seconds: Value error, 1 is not from 5 to 86400 / 应在",
            "[telegram.groups] captcha_seconds = 120",
        ),
        (SHOP + BOT + "groups = [5]", "telegram.0.groups.0.id: Value error, 5 is no", "id = -100"),
        (SHOP + BOT + "groups = [true]", "telegram.0.groups.0: ", "[telegram.groups] id, admin"),
        (SHOP + BOT + "groups = [-5, -5]", "telegram.0.groups: ", "[telegram.groups] id, admin"),
        (
            SHOP + BOT + "groups = [{id = -5, admin_chat = -6}]",
            "telegram.0.groups.0.admin_chat: unknown key",
            "[telegram.groups] admin_chat_id = ",
        ),
        (
            SHOP + BOT + "groups = [{id = -5, admin_chat_id = -5}]",
            "telegram.0: Value error, groups: admin_chat_id -5",
            "[telegram] name, token",
        ),
        (
            SHOP + BOT + "groups = [{id = -5, words = ['a', ' ']}]",
            "telegram.0.groups.0.words: Value error, an empty word",
            "[telegram.groups] words = ",
        ),
        (SHOP + BOT.replace("1:x", "x"), "telegram.0.token: ", "[telegram] token = "),
        (SHOP + BOT.replace("'b'", "'b c'"), "telegram.0.name: ", '[telegram] name = "shop"'),
        (SHOP + WX, "wechat.0: Value error, the account 'w' in safe mode needs", "[wechat] name"),
        (SHOP + WX + "aes_key = 'abc'", "wechat.0.aes_key: Value error, an Enc", "aes_key = "),
        (SHOP + WX + "mode = 'open'", "wechat.0.mode: ", 'mode = "safe"'),
        (SHOP + WX.replace("wx01", "zz"), "wechat.0.app_id: ", 'app_id = "wx'),
        (SHOP + WX.replace("'abc'", "'a b'"), "wechat.0.token: ", "token = "),
        (SHOP + WX + "kind = 'kf'\nmode = 'plain'", "wechat.0: Value error, WeCom", "[wechat] n"),
        (
            SHOP + WX + f"kind = 'kf'\naes_key = '{'a' * 43}'",
            "wechat.0: Value error, the account 'w' of kind kf",
            "[wechat] n",
        ),
        (
            SHOP + WX + f"kind = 'wecom'\naes_key = '{'a' * 43}'",
            "wechat.0: Value error, the account 'w' of kind we",
            "[wechat] n",
        ),
        (SHOP + 2 * (WX + "mode = 'plain'\n"), "wechat: Value error, two acc", "[wechat] name"),
        (
            SHOP + WX + "menu = [{name = 'a', choice = 'x', url = 'https://x'}]",
            "wechat.0.menu.0: Value error, the button 'a' needs exactly one",
            "menu = [",
        ),
        (
            SHOP + WX + "templates = [{id = 't', data = {a = '{text}'}, purposes = ['marketing']}]",
            "wechat.0.templates.0.purposes: Input should be 'transactional'",
            "templates = [",
        ),
        (SHOP + SOURCE + "kind = 'fax'", "sources.0.kind: ", "[sources] kind = "),
        (
            SHOP + SOURCE + "kind = 'shopify'",
            "sources.0: Value error, the source 'a' needs",
            "name",
        ),
        (
            SHOP + SOURCE + "kind = 'json'",
            "sources.0: Value error, the source 'a' needs url",
            "name",
        ),
        (SHOP + SOURCE + "kind = 'json'\nevery = 1", "sources.0.every: ", "[sources] every = 300"),
        (SHOP + SOURCE + "url = 'file:///etc'", "sources.0.url: ", "[sources] url = "),
        (SHOP + HOOK.replace("https:", "http:"), "webhooks.0.url: Value error, it car", "url = "),
        (
            SHOP + HOOK.replace("https://", ""),
            "webhooks.0.url: Value error, 'crm.example",
            "url = ",
        ),
        (SHOP + HOOK.replace("https://", "https://u:p@"), "webhooks.0.url: Value error", "url = "),
        (SHOP + HOOK.replace("whsec_", ""), "webhooks.0.secret: Value error, a sec", "secret = "),
        (SHOP + HOOK.replace("aaaa", ""), "webhooks.0.secret: Value error, a secret", "secret = "),
        (
            SHOP + HOOK + "events = ['order.*']",
            "webhooks.0.events.0: Value error, 'order.*' fits nothing that is told",
            "[webhooks] events = [",
        ),
        (SHOP + HOOK + "events = []", "webhooks.0.events: ", "[webhooks] events = ["),
        (SHOP + HOOK + HOOK, "webhooks: Value error, two webhooks", "[webhooks] name"),
        (
            SHOP + "[care]\nmarketing_by_channel = { telegramm = 'opt_out' }",
            "care.marketing_by_channel: Value error, there is no channel 'telegramm', only",
            "marketing_by_channel = {",
        ),
        (
            SHOP + "[care]\ndouble_opt_in = ['sms']",
            "care.double_opt_in: Value error, there is no channel 'sms', only telegram, wechat",
            "double_opt_in = [",
        ),
        (SHOP + "[content]\nfaq = 5", "content.faq: ", '[content] faq = "faq"'),
    ],
)
def test_an_error_names_the_key_and_shows_an_example(
    file: Path, text: str, key: str, example: str
) -> None:
    said = complaint(file, text)
    line = next(line for line in said.splitlines() if line.startswith(f"  {key}"))
    assert example in line
    assert str(file) in said


def test_every_wrong_key_is_named_at_once(file: Path) -> None:
    said = complaint(file, SHOP + "return_days = 'x'\n[web]\nport = 'y'\nprot = 1")
    assert re.findall(r"^  ([\w.]+):", said, re.M) == ["shop.return_days", "web.port", "web.prot"]


def test_a_file_that_is_not_toml_or_not_there(file: Path) -> None:
    with pytest.raises(ConfigInvalid, match=r"no configuration file .*xiaoer init"):
        load(file)
    assert "is not valid TOML" in complaint(file, "[shop\nname")
    file.write_bytes(b'[shop]\nname = "\xff"')
    with pytest.raises(ConfigInvalid, match="is not valid TOML"):
        load(file)


def test_messages_are_in_chinese_too(file: Path) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        load(file)
    assert caught.value.text("zh").startswith("找不到配置文件")


def test_the_environment_wins_over_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(SHOP + "[web]\nhost = '127.0.0.2'\nport = 1", encoding="utf-8")
    monkeypatch.setenv("XIAOER_WEB__PORT", "8123")
    monkeypatch.setenv("XIAOER_WEB__ALLOWED_ORIGINS", '["https://a.example"]')
    monkeypatch.setenv("XIAOER_SHOP__RETURN_DAYS", "30")
    config = load(file)
    assert (config.web.host, config.web.port) == ("127.0.0.2", 8123)
    assert config.web.allowed_origins == ("https://a.example",)
    assert (config.shop.name, config.shop.return_days) == ("A shop", 30)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("XIAOER_WEBB__PORT", "1", "XIAOER_WEBB__PORT matches no setting"),
        ("XIAOER_WEB__PROT", "1", "web.prot: unknown key"),
        ("XIAOER_WEB__PORT", "many", "web.port: "),
        ("XIAOER_WEB__ALLOWED_ORIGINS", "https://a.example", "lists in the environment are JSON"),
        ("XIAOER_WEB", "not json", "lists in the environment are JSON"),
    ],
)
def test_a_wrong_environment_is_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    assert said in complaint(file, SHOP)


def test_xiaoer_config_and_foreign_variables_are_no_settings(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(SHOP, encoding="utf-8")
    monkeypatch.setenv("XIAOER_CONFIG", str(file))
    monkeypatch.setenv("OTHER__PORT", "1")
    assert load(file).web.port == 8090


def test_paths_are_relative_to_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = file.parent
    file.write_text(
        SHOP
        + "[database]\nurl = 'sqlite:///here/x.db'\n[content]\nfaq = 'mine'\n"
        + SOURCE
        + "kind = 'json'\nurl = 'https://e.example'\nmapping = 'm.toml'\n",
        encoding="utf-8",
    )
    monkeypatch.chdir("/")
    config = load(file)
    assert config.database.url == f"sqlite:///{folder}/here/x.db"
    assert config.content.faq == folder / "mine"
    assert config.sources[0].mapping == folder / "m.toml"
    assert config.content.templates == EXAMPLE.parent / "templates"


def test_the_default_database_stands_beside_the_file_too(file: Path) -> None:
    file.write_text(SHOP, encoding="utf-8")
    assert load(file).database.url == f"sqlite:///{file.parent}/data/xiaoer.db"


@pytest.mark.parametrize("url", ["sqlite:////var/x.db", "postgresql://u:p@h/n"])
def test_whole_addresses_stay_as_they_are(file: Path, url: str) -> None:
    file.write_text(SHOP + f"[database]\nurl = '{url}'", encoding="utf-8")
    assert load(file).database.url == url


def test_shop_values_are_in_the_readers_language() -> None:
    shop = validate(
        {"shop": {"name": {"zh": "店", "en": "Shop"}, "extra": {"parking": {"zh": "有"}, "n": 3}}}
    ).shop
    assert shop.values("zh")["name"] == "店"
    assert shop.values("en")["name"] == "Shop"
    assert shop.values("en")["extra"] == {"parking": "有", "n": 3}


def test_the_example_loads_and_documents_every_setting_and_no_other() -> None:
    load(EXAMPLE)
    assert set(_documented()) == set(_settings(Config))
    groups = tomllib.loads(_uncommented())["telegram"][0]["groups"]
    assert set(groups[0]) == set(Group.model_fields)
    assert validate({"shop": {"name": "A"}, "telegram": [{**_BOT, "groups": groups}]})


def test_every_setting_of_the_example_has_a_comment_above_its_group() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    for section in ("shop", "database", "web"):
        begin = lines.index(f"[{section}]")
        assert lines[begin + 1].startswith("# "), section


def _settings(model: Any, prefix: str = "") -> Iterator[str]:
    """Every field of the configuration as a dotted name."""
    for name, field in model.model_fields.items():
        sections = {
            "api_keys": ApiKey, "telegram": Telegram, "wechat": WeChat, "teams": Team,
            "sources": Source, "handover": Handover, "webhooks": Webhook,
        }  # fmt: skip
        inner = sections.get(name, field.annotation)
        if prefix + name == "carriers":
            yield from sorted(f"carriers.{key}" for key in _carrier_settings())
        elif isinstance(inner, type) and issubclass(inner, Section):
            yield from _settings(inner, f"{prefix}{name}.")
        else:
            yield prefix + name


def _carrier_settings() -> set[str]:
    """What the kinds of carriers know together."""
    modules = [kind.Settings.model_fields for kind in kinds().values()]
    return {field.alias or name for fields in modules for name, field in fields.items()}


def _uncommented() -> str:
    return re.sub(r"(?m)^# (?=\w+ = |\[\[)", "", EXAMPLE.read_text(encoding="utf-8"))


def _documented() -> Iterator[str]:
    """Every key that the example sets, those after a comment sign included."""
    for section, values in tomllib.loads(_uncommented()).items():
        for name in values[0] if isinstance(values, list) else values:
            yield f"{section}.{name}"


def test_a_group_is_an_id_or_a_table(file: Path) -> None:
    groups = "groups = [-5, {id = -6, admin_chat_id = -7, rules = {zh = '友善'}}]"
    file.write_text(SHOP + BOT + groups, encoding="utf-8")
    assert load(file).telegram[0].groups == (
        Group(id=-5),
        Group(id=-6, admin_chat_id=-7, rules={"zh": "友善"}),
    )
    assert Group(id=-6, rules={"zh": "友善"}).rules_in("en") == "友善"


def test_an_origin_may_be_copied_from_the_address_bar(file: Path) -> None:
    file.write_text(SHOP + "[web]\nallowed_origins = ['http://localhost:8130/']", encoding="utf-8")
    assert load(file).web.allowed_origins == ("http://localhost:8130",)


def test_days_out_of_order_are_named(file: Path) -> None:
    said = complaint(file, SHOP + "delivery_days_min = 9")
    assert "delivery_days_min (9) is more than delivery_days_max (5)" in said


def test_the_published_key_opens_nothing() -> None:
    with pytest.raises(ConfigInvalid, match="published example"):
        refuse_published_key(load(EXAMPLE))


TEAM = "[[teams]]\nname = 'service'\n"


def test_a_team_has_hours_in_parts_and_targets(file: Path) -> None:
    hours = (
        "mon = ['13:30-18:00', '09:00-12:00']\nclosings = ['2026-12-31', '2026-12-30 14:00-18:00']"
    )
    file.write_text(SHOP + TEAM + hours + "\nfirst_response_minutes = 10", encoding="utf-8")
    team = load(file).teams[0]
    assert team.week == ((Span(540, 720), Span(810, 1080)), *((),) * 6)
    assert [str(one) for one in team.closings] == ["2026-12-31", "2026-12-30 14:00-18:00"]
    assert (team.first_response_minutes, team.next_response_minutes) == (10, None)
    assert validate({"shop": {"name": "A"}, "teams": [{"name": "t"}]}).teams[0].week == ALWAYS


@pytest.mark.parametrize(
    ("wrong", "key", "said"),
    [
        ("mon = ['9-12']", "teams.0.mon.0", "应写成 09:00-12:00"),
        ("fri = ['22:00-02:00']", "teams.0.fri.0", "22:00-24:00"),
        ("closings = ['31.12.2026']", "teams.0.closings.0", "2026-12-31"),
        ("openings = ['2026-10-02 10:00']", "teams.0.openings.0", "09:00-12:00"),
        ("holidays = 'XX'", "teams.0.holidays", "ISO 代码"),
        ("holidays = 'DE-XX'", "teams.0.holidays", "DE-BY"),
        ("timezone = 'Mars/Base'", "teams.0.timezone", "Mars/Base"),
        ("first_response_minutes = 0", "teams.0.first_response_minutes", "应在 1 到"),
        ("warn_at_percent = 120", "teams.0.warn_at_percent", "应在 1 到 100 之间"),
        ("monday = []", "teams.0.monday", "unknown key"),
    ],
)
def test_what_is_wrong_with_a_teams_hours_is_named_with_an_example(
    file: Path, wrong: str, key: str, said: str
) -> None:
    line = next(
        one
        for one in complaint(file, SHOP + TEAM + wrong).splitlines()
        if one.startswith(f"  {key}:")
    )
    assert said in line
    assert "[teams] " in line.partition("示例")[2]


def test_teams_have_names_of_their_own(file: Path) -> None:
    assert "两个团队的 name 相同" in complaint(file, SHOP + TEAM + TEAM)
    file.write_text(SHOP + TEAM + TEAM.replace("service", "second"), encoding="utf-8")
    assert [one.name for one in load(file).teams] == ["service", "second"]


def test_a_rule_about_everybody_is_refused(file: Path) -> None:
    assert "会对所有人生效" in complaint(file, SHOP + "[[handover]]\nname = 'all'\n")
    file.write_text(SHOP + "[[handover]]\nname = 'vip'\ntag = 'vip'\n", encoding="utf-8")
    assert load(file).handover[0].tag == "vip"


def test_a_webhook_is_told_what_it_asks_for(file: Path) -> None:
    local = HOOK.replace("https://crm.example", "http://127.0.0.1:9")
    file.write_text(SHOP + local + "events = ['conversation.*']", encoding="utf-8")
    [hook] = load(file).webhooks
    assert hook.wants("conversation.taken")
    assert not hook.wants("message.created")
    assert "aaaa" not in repr(hook)
