"""What official accounts and WeCom apps have in common at the platform double: tokens, callbacks."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Coroutine, Generator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.doubles.serving import Reply, Request
from tests.doubles.wechat_crypto import Seal

TRIES, PATIENCE = 3, 5
"""How often a callback is made at most, and for how many seconds an answer is waited for
(developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_standard_messages.html)."""
TOKEN_SECONDS = 7200
_JPEG, _PNG, _AMR, _MP4 = (0, b"\xff\xd8\xff"), (0, b"\x89PNG"), (0, b"#!AMR"), (4, b"ftyp")
MARKS = {
    "image": (_JPEG, _PNG, (0, b"GIF8")),
    "voice": (_AMR, (0, b"ID3"), (0, b"\xff\xfb")),
    "video": (_MP4,),
    "thumb": (_JPEG,),
}
"""What stands where in the files that an official account may send."""
CORP_MARKS = {"image": (_JPEG, _PNG), "voice": (_AMR,), "video": (_MP4,)}


@dataclass(slots=True)
class Try:
    """One request of a callback: when, how long it took, and what was answered (0: nothing)."""

    at: float
    seconds: float
    status: int
    body: bytes
    error: str = ""


@dataclass(slots=True)
class Posting:
    """One callback with all its tries. `await` it, or take `result()` from another thread."""

    values: dict[str, Any]
    tries: list[Try] = field(default_factory=list)
    is_taken: bool = False
    _work: Future[None] | None = None

    def result(self, patience: float = 30) -> "Posting":
        """Wait until the platform has done with it."""
        assert self._work is not None
        self._work.result(patience)
        return self

    def __await__(self) -> Generator[Any, None, "Posting"]:
        assert self._work is not None
        yield from asyncio.wrap_future(self._work).__await__()
        return self


@dataclass(slots=True)
class Shown:
    """One thing that a customer sees. `by`: how it came there; `choices` are ids and labels."""

    at: float
    text: str
    kind: str = "text"
    by: str = ""
    choices: list[tuple[str, str]] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    key: str = ""


@dataclass(slots=True)
class Window:
    """Until when, and how many more messages (None: any number), somebody may be written to."""

    until: float
    left: int | None


def ok(**values: Any) -> dict[str, Any]:
    return {"errcode": 0, "errmsg": "ok", **values}


def wrong(code: int, text: str = "") -> dict[str, Any]:
    return {"errcode": code, "errmsg": f"{text or 'error'} rid: {secrets.token_hex(4)}"}


@dataclass
class App:
    """One app id with its secret, and where its callbacks go."""

    double: Any
    app_id: str
    secret: str
    token: str
    aes_key: str
    callback_url: str = ""
    allowed_ips: frozenset[str] | None = None
    tokens: dict[str, float] = field(default_factory=dict)
    current: str = ""
    postings: list[Posting] = field(default_factory=list)
    media: dict[str, tuple[str, str, bytes]] = field(default_factory=dict)
    loses_callbacks: bool = False
    loses_answers: bool = False
    """It makes all its calls, one at a time as its patience ends, whatever is answered."""

    marks = MARKS
    """How the files of each kind that is looked into begin."""
    bad_token = 40001
    """What an access token that is not known is refused with."""

    @property
    def seal(self) -> Seal:
        return Seal(self.token, self.aes_key, self.app_id)

    @property
    def now(self) -> float:
        """The platform's time, in seconds since 1970."""
        return time.time() + float(self.double.ahead)

    # -- tokens

    def access_token(self, *, fresh: bool = False) -> dict[str, Any]:
        """The token that holds, or a new one where none does or `fresh` is asked for."""
        if fresh:
            self.tokens.pop(self.current, None)
        if self.tokens.get(self.current, 0) <= self.now:
            self.current = f"{self.app_id}-{secrets.token_hex(16)}"
            self.tokens[self.current] = self.now + TOKEN_SECONDS
        left = int(self.tokens[self.current] - self.now)
        return {"access_token": self.current, "expires_in": left}

    def rotate(self) -> None:
        """Somebody else refreshed the token: ours is refused from now on."""
        self.tokens.clear()
        self.current = ""

    @property
    def lets_in(self) -> bool:
        """Whether calls may come from where all come from here."""
        return self.allowed_ips is None or "127.0.0.1" in self.allowed_ips

    def refusal(self, token: str) -> dict[str, Any] | None:
        """Why `token` opens nothing; None when it does."""
        if token not in self.tokens:
            return wrong(
                self.bad_token, "invalid credential, access_token is invalid or not latest"
            )
        if self.tokens[token] <= self.now:
            return wrong(42001, "access_token expired")
        return None

    # -- calls

    async def call(self, path: str, request: Request) -> dict[str, Any] | Reply:
        """What one interface answers; `path` without `/cgi-bin/`."""
        work = getattr(self, "do_" + path.replace("/", "_"), None)
        if work is None:
            return wrong(40066, "invalid url")
        found: dict[str, Any] | Reply = await work(request)
        return found

    async def do_get_api_domain_ip(self, _request: Request) -> dict[str, Any]:
        return {"ip_list": ["127.0.0.1"]}

    async def do_getcallbackip(self, _request: Request) -> dict[str, Any]:
        return {"ip_list": ["127.0.0.1"]}

    async def do_media_upload(self, request: Request) -> dict[str, Any]:
        kind = request.query.get("type", "")
        most = self.media_limits().get(kind)
        if most is None:
            return wrong(40004, "invalid media type")
        found = request.files().get("media")
        if found is None or not found[2]:
            return wrong(41005, "media data missing")
        name, mime, content = found
        if not 5 < len(content) <= most:
            return wrong(40006, "invalid meida size")
        marks = self.marks.get(kind, ())
        is_known = any(content.startswith(mark, at) for at, mark in marks) if marks else True
        if "." not in name or not is_known:
            return wrong(40005, "invalid file type")
        number = self.add_media(content, mime, name, kind)
        field = "thumb_media_id" if kind == "thumb" else "media_id"
        return ok(**{"type": kind, field: number, "created_at": int(self.now)})

    def has_media(self, number: object, kind: str) -> bool:
        """Whether there is such a file, of this kind."""
        return number in self.media and str(number).startswith(f"{kind}-")

    async def do_media_get(self, request: Request) -> dict[str, Any] | Reply:
        found = self.media.get(request.query.get("media_id", ""))
        if found is None:
            return wrong(40007, "invalid media_id")
        name, mime, content = found
        return Reply(content, kind=mime, name=name)

    def media_limits(self) -> dict[str, int]:
        """The largest file of each kind, in bytes."""
        raise NotImplementedError

    def add_media(self, content: bytes, mime: str, name: str = "file", kind: str = "image") -> str:
        """Keep a file; returns its media id."""
        number = f"{kind}-{secrets.token_urlsafe(24)}"
        self.media[number] = (name, mime, content)
        return number

    # -- callbacks

    def run(self, work: Coroutine[Any, Any, Any]) -> "Future[Any]":
        """Do something on the platform's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self.double.loop)

    def begin(self, values: dict[str, Any]) -> Posting:
        """Call back with `values`; returns at once."""
        posting = Posting(values)
        self.postings.append(posting)
        if self.loses_callbacks:
            posting._work = Future()
            posting._work.set_result(None)
        else:
            posting._work = self.run(self._post(posting))
        return posting

    def verify(self) -> str:
        """What the platform does when the address is saved: the answer must be this."""
        return str(self.run(self._verify()).result(30))

    async def _verify(self) -> str:
        when, nonce, echo = str(int(time.time())), secrets.token_hex(5), secrets.token_hex(9)
        async with httpx.AsyncClient(verify=False) as client:
            answer = await client.get(
                self.callback_url, params=self.verification(when, nonce, echo), timeout=10
            )
        return f"{answer.status_code} {'same' if answer.text == echo else answer.text}"

    def verification(self, when: str, nonce: str, echo: str) -> dict[str, str]:
        """The query of the GET that proves the address."""
        raise NotImplementedError

    async def _post(self, posting: Posting) -> None:
        """Up to three times, until there is an answer in time; then what it means is shown."""
        for _ in range(TRIES):
            one = await self._try(posting)
            posting.tries.append(one)
            if one.status == 200 and not posting.is_taken:
                posting.is_taken = True
                self.answered(posting, one.body)
            if posting.is_taken and not self.loses_answers:
                return
            if self.loses_answers:
                await asyncio.sleep(max(0.0, PATIENCE * self.double.second - one.seconds))
        if not posting.is_taken:
            self.unanswered(posting)

    async def _try(self, posting: Posting) -> Try:
        when, nonce = str(int(time.time())), secrets.token_hex(5)
        query, body = self.sealed(posting.values, when, nonce)
        url = f"{self.callback_url}?{urlencode(query)}"
        begun = time.monotonic()
        patience = PATIENCE * self.double.second
        status, answer, trouble = 0, b"", ""
        try:
            async with httpx.AsyncClient(verify=False) as client, asyncio.timeout(patience):
                response = await client.post(
                    url, content=body, headers={"content-type": "text/xml"}, timeout=None
                )
                status, answer = response.status_code, response.content
        except (TimeoutError, httpx.HTTPError) as error:
            trouble = type(error).__name__
            with contextlib.suppress(asyncio.CancelledError):  # a refused connection is tried later
                await asyncio.sleep(0 if isinstance(error, TimeoutError) else 0.1)
        return Try(begun, time.monotonic() - begun, status, answer, trouble)

    def sealed(self, values: dict[str, Any], when: str, nonce: str) -> tuple[dict[str, str], bytes]:
        """The query and body of a callback."""
        raise NotImplementedError

    def answered(self, posting: Posting, body: bytes) -> None:
        """The shop answered a callback with `body`."""

    def unanswered(self, posting: Posting) -> None:
        """The shop never answered a callback."""
