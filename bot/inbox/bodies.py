"""Reads what somebody sends over HTTP, and no more of it than is wanted."""

from collections.abc import AsyncIterable


async def body_of(parts: AsyncIterable[bytes], most: int) -> bytes | None:
    """The body of a request, which comes in `parts`; None when it has more than `most` bytes."""
    body = bytearray()
    async for part in parts:
        body += part
        if len(body) > most:
            return None
    return bytes(body)
