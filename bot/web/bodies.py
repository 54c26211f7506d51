"""Reads what a caller sends, and no more of it than is wanted."""

from fastapi import Request


async def body_of(request: Request, most: int) -> bytes | None:
    """The request's body; None when it has more than `most` bytes."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            return None
    return bytes(body)
