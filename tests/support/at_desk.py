"""An agent at the desk without a browser: logs in, and sends what the page would send."""

import json
import re
from itertools import count

import httpx

from tests.support.service import Service

PNG, JPEG = b"\x89PNG\r\n\x1a\n" + b"p" * 200, b"\xff\xd8\xff\xe0" + b"j" * 200
PDF, MP4 = b"%PDF-1.7\n" + b"d" * 200, b"\0\0\0\x18ftypmp42" + b"v" * 200
MP3, AMR = b"ID3\x04" + b"m" * 200, b"#!AMR\n" + b"a" * 200
_NUMBERS = count(1)


class AtTheDesk:
    """One agent, newly hired by `service`, whose page is open."""

    def __init__(self, service: Service, login: str = "") -> None:
        login = login or f"agent{next(_NUMBERS)}"
        made = service.command("agent", "add", login, "--name", "小满")
        assert made.returncode == 0, made.stderr
        password = made.stderr.split("密码:")[1].split()[0]
        self.client = httpx.Client(base_url=service.url, timeout=30, verify=False)
        form = self.client.get("/desk/login").text
        found = re.search(r'name="token" value="([^"]+)"', form)
        assert found
        values = {"token": found[1], "login": login, "password": password}
        self.client.post("/desk/login", data=values)
        page = self.client.get("/desk", follow_redirects=True).text
        known = re.search(r"window\.xiaoerDesk = (\{.*?\});", page)
        assert known, page[:500]
        self.token = str(json.loads(known[1])["token"])

    def say(self, conversation: int, text: str, **more: object) -> httpx.Response:
        """Write to the customer."""
        body = {"conversation": conversation, "id": _new_id(), "text": text, "note": False}
        return self.client.post("/desk/say", json={**body, "token": self.token, **more})

    def send(
        self, conversation: int, content: bytes, mime: str, name: str = "文件", **more: object
    ) -> httpx.Response:
        """Send a file."""
        about = {"conversation": conversation, "id": _new_id(), "name": name, **more}
        headers = {"Content-Type": mime, "X-Desk-Token": self.token}
        return self.client.post("/desk/files", params=about, content=content, headers=headers)


def _new_id() -> str:
    return f"browser-of-the-tests-{next(_NUMBERS)}"
