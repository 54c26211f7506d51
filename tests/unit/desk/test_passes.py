"""The login cookie and the tokens of forms."""

from datetime import timedelta

import pytest
import time_machine

from bot.core.clock import now
from bot.desk.passes import LIFETIME, Pass, Passes

PASSES = Passes("a-secret-of-the-desk")


def test_a_cookie_tells_who_is_logged_in() -> None:
    assert PASSES.read(PASSES.issue("login-7")) == Pass("login-7")


def test_a_cookie_changed_by_a_single_character_is_worthless() -> None:
    cookie = PASSES.issue("login-7")
    payload, rest = cookie.split(".", 1)
    forged = [
        cookie[:-1],
        ("X" if cookie[0] != "X" else "Y") + cookie[1:],
        Passes("another").issue("login-7").split(".", 1)[0] + "." + rest[::-1],
        f"{payload}.",
        payload,
    ]
    assert [PASSES.read(one) for one in forged] == [None] * len(forged)


@pytest.mark.parametrize("cookie", [None, "", "x", "..", "é.é.é", "W10.x.y"])
def test_nonsense_is_no_login(cookie: str | None) -> None:
    assert PASSES.read(cookie) is None


def test_another_installation_has_other_cookies() -> None:
    assert PASSES.read(Passes("another-secret").issue("login-7")) is None


def test_a_form_token_is_no_login() -> None:
    assert PASSES.read(PASSES.form_token("x")) is None


def test_a_login_ends_after_twelve_hours() -> None:
    cookie = PASSES.issue("login-7")
    issued = now()
    with time_machine.travel(issued + LIFETIME - timedelta(minutes=1), tick=False):
        assert PASSES.read(cookie) is not None
    with time_machine.travel(issued + LIFETIME + timedelta(seconds=2), tick=False):
        assert PASSES.read(cookie) is None


def test_a_form_token_is_good_for_its_own_browser_only() -> None:
    token = PASSES.form_token("mine")
    assert PASSES.is_ours(token, "mine")
    assert not PASSES.is_ours(token, "yours")
    assert not PASSES.is_ours(token, None)
    assert not PASSES.is_ours("", "mine")
    assert not PASSES.is_ours("mine", "mine")
    assert not PASSES.is_ours(PASSES.form_token(""), "")


def test_nonces_differ() -> None:
    assert PASSES.nonce() != PASSES.nonce()
