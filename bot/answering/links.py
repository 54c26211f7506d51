"""Finds the web addresses in an answer and says which cannot be right, or do not answer."""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]*:/+|(?:https?|www)[.:/])[^\s<>\"'“”‘’（）()，。；、！？]*", re.I
)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.I)
_GONE = {404, 410}
TIMEOUT_S = 5.0
_PARALLEL = 8


def links(text: str) -> tuple[str, ...]:
    """The web addresses in `text`, and what looks meant as one, each once, in order."""
    return tuple(dict.fromkeys(found.rstrip(".,;:!?") for found in _ADDRESS.findall(text)))


def is_broken(link: str) -> bool:
    """Whether `link` cannot be opened as it is written."""
    try:
        parts = urlsplit(link)
        host = (parts.hostname or "").encode("idna").decode()
        _ = parts.port  # raises for what is no port
    except ValueError:  # also of idna
        return True
    if parts.scheme not in ("http", "https"):
        return True
    return not _is_host(host)


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        labels = host.removesuffix(".").split(".")
        named = len(labels) > 1 or host == "localhost"
        return named and all(_LABEL.fullmatch(label) for label in labels)
    return True


async def unreachable(wanted: Iterable[str]) -> dict[str, str]:
    """Which of these addresses do not answer with a page, and why; each is asked once."""
    import asyncio

    import httpx

    gate = asyncio.Semaphore(_PARALLEL)
    addresses = list(dict.fromkeys(wanted))
    async with httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=True) as client:

        async def fault(link: str) -> str:
            async with gate:
                try:
                    # Some sites know no HEAD, so the page is asked for and not read.
                    async with client.stream("GET", link) as response:
                        code = response.status_code
                except (httpx.HTTPError, httpx.InvalidURL) as error:
                    return type(error).__name__
                return str(code) if code in _GONE or code >= 500 else ""

        faults = await asyncio.gather(*map(fault, addresses))
    return {link: why for link, why in zip(addresses, faults, strict=True) if why}
